"""Beginning turns from a page: messages, answers again, edits."""

from collections import deque

from app.errors import ChatrecError
from app.service import Run, checked
from app.web.widgets import session
from app.web.widgets.called import NO_RANKER
from app.web.widgets.sidebar import chosen_parts

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
    """Send the first message; the first of all begins a conversation. What goes wrong is shown by the next drawing,
    which also puts the message back into the input.

    Everything that Streamlit could break off comes first; then the message is stored and leaves the outbox in one go.
    """
    chat, at, current, me = session.chat(), session.here(), session.conversation(), session.person()
    parts = chosen_parts(chat, None)
    text = outbox[0]
    try:
        checked(text)  # a conversation is not begun for what cannot be sent
        if current is None:
            me = chat.person() if me is None else me
            ranker = None if parts["ranker"] == NO_RANKER else parts["ranker"]
            current = chat.start(me, backend=parts["backend"], generator=parts["generator"], ranker=ranker)
            at.conversation_id, at.profile_id = current.id, me.id
        if is_running(current.id):
            at.waiting.append((current.id, text))  # typed while an answer comes: sent when that is over
        else:
            _start(current.id, lambda stop: chat.send(current.id, text, stop))
    except ChatrecError as error:
        at.trouble = str(error)
        at.given_back.append(text)
    outbox.popleft()
    if current is not None:
        session.open_(current)


def begin(conversation_id: str, turn: Run) -> None:
    """For callbacks: begin a turn. What goes wrong is shown by the next drawing."""
    at = session.here()
    try:
        _start(conversation_id, turn)
    except ChatrecError as error:
        at.trouble = str(error)


def _start(conversation_id: str, turn: Run) -> None:
    # A turn by rules is over in a moment: then the page draws the whole answer at once.
    session.jobs().start(conversation_id, turn).over.wait(MOMENT_SECONDS)


def edit(conversation_id: str, text: str) -> bool:
    """Put `text` in the place of the last message. False where that failed and the text stays where it was typed; where
    another answer came in between there is nothing left to edit, and the text goes to the input."""
    chat, at = session.chat(), session.here()
    try:
        _start(conversation_id, lambda stop: chat.edit_last(conversation_id, text, stop))
    except ChatrecError as error:
        at.trouble = str(error)
        if not is_running(conversation_id):
            return False
        at.given_back.append(text)
    return True


def waiting(conversation_id: str) -> list[str]:
    """What was typed while an answer came, the earliest first."""
    return [text for name, text in session.here().waiting if name == conversation_id]


def send_waiting(conversation_id: str) -> bool:
    """Put the earliest of it in the outbox once the answer is over; whether there was something."""
    texts, at = waiting(conversation_id), session.here()
    if texts:
        at.waiting.remove((conversation_id, texts[0]))
        at.outbox.append(texts[0])
    return bool(texts)


def give_back() -> str:
    """What could not be sent, for the input; "" nothing."""
    return "\n\n".join(session.here().given_back)


def take_trouble(conversation_id: str | None) -> str:
    """What went wrong outside an answer, once."""
    at = session.here()
    words, at.trouble = at.trouble, ""
    job = session.jobs().get(conversation_id) if conversation_id else None
    if job is not None and job.over.is_set() and conversation_id is not None:
        words = words or job.error
        session.jobs().clear(conversation_id)
    return words
