"""Beginning turns from a page: messages, answers again, edits."""

import threading
from collections import deque
from collections.abc import Callable, Iterator

from app.errors import AppError
from app.events import TurnEvent
from app.web.widgets import session
from app.web.widgets.sidebar import NO_RANKER, chosen_parts

MOMENT_SECONDS = 0.15


def is_running(conversation_id: str) -> bool:
    job = session.jobs().get(conversation_id)
    return job is not None and not job.over.is_set()


def say(text: str) -> None:
    """For callbacks: a message to send when the page is drawn next, after all else that was pressed with it."""
    outbox = session.here().outbox
    if text.strip() and text not in outbox:  # Streamlit repeats the callback of a press whose run it broke off
        outbox.append(text)


def send_typed() -> None:
    """Send what callbacks left; before anything is drawn."""
    outbox = session.here().outbox
    while outbox:
        send(outbox)


def send(outbox: deque[str]) -> None:
    """Send the first message; the first of all begins a conversation. What goes wrong is shown by the next drawing.

    Everything that Streamlit could break off comes first; then the message is stored and leaves the outbox in one go.
    """
    chat, at, current, me = session.chat(), session.here(), session.conversation(), session.person()
    parts = chosen_parts(chat, None)
    text = outbox[0]
    try:
        if current is None:
            me = chat.person() if me is None else me
            ranker = None if parts["ranker"] == NO_RANKER else parts["ranker"]
            current = chat.start(me, backend=parts["backend"], generator=parts["generator"], ranker=ranker)
            at.conversation_id, at.profile_id = current.id, me.id
        if is_running(current.id):
            at.waiting = (current.id, text)  # typed while an answer comes: sent when that is over
        else:
            begin(current.id, lambda stop: chat.send(current.id, text, stop), at)
    except AppError as error:
        at.trouble = str(error)
    outbox.popleft()
    if current is not None:
        session.open_(current)


def begin(
    conversation_id: str, turn: Callable[[threading.Event], Iterator[TurnEvent]], at: session.Here | None = None
) -> None:
    at = session.here() if at is None else at
    try:
        # A turn by rules is over in a moment: then the page draws the whole answer at once.
        session.jobs().start(conversation_id, turn).over.wait(MOMENT_SECONDS)
    except AppError as error:
        at.trouble = str(error)


def waiting(conversation_id: str) -> str:
    """What was typed while an answer came, "" nothing."""
    found = session.here().waiting
    return found[1] if found is not None and found[0] == conversation_id else ""


def send_waiting(conversation_id: str) -> bool:
    """Put it in the outbox once the answer is over; whether there was something."""
    text, at = waiting(conversation_id), session.here()
    if text:
        at.waiting = None
        at.outbox.append(text)
    return bool(text)


def take_trouble(conversation_id: str | None) -> str:
    """What went wrong outside an answer, once."""
    at = session.here()
    words, at.trouble = at.trouble, ""
    job = session.jobs().get(conversation_id) if conversation_id else None
    if job is not None and job.over.is_set() and conversation_id is not None:
        words = words or job.error
        session.jobs().clear(conversation_id)
    return words
