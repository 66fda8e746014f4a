"""Beginning turns from a page: messages, answers again, edits."""

import threading
from collections.abc import Callable, Iterator

import streamlit as st

from app.errors import AppError
from app.events import TurnEvent
from app.widgets import session
from app.widgets.sidebar import NO_RANKER, chosen_parts

MOMENT_SECONDS = 0.15
_TYPED, _WAITING, _TROUBLE = "typed", "waiting", "trouble"


def is_running(conversation_id: str) -> bool:
    job = session.jobs().get(conversation_id)
    return job is not None and not job.over.is_set()


def say(text: str) -> None:
    """For callbacks: a message to send when the page is drawn next. All that was pressed with it, a swapped part say,
    counts already then; callbacks have no order among themselves."""
    if text.strip():
        st.session_state[_TYPED] = text


def send_typed() -> None:
    """Send what a callback left; before anything is drawn."""
    text = st.session_state.pop(_TYPED, "")
    if text:
        send(text)


def send(text: str) -> None:
    """Send a message; the first one begins a conversation. What goes wrong is shown by the next drawing."""
    chat, current = session.chat(), session.conversation()
    try:
        if current is None:
            parts = chosen_parts(chat, None)
            ranker = None if parts["ranker"] == NO_RANKER else parts["ranker"]
            current = chat.start(
                session.person_or_new(), backend=parts["backend"], generator=parts["generator"], ranker=ranker
            )
            session.open_(current)
        if is_running(current.id):
            st.session_state[_WAITING] = (current.id, text)  # typed while an answer comes: sent when that is over
        else:
            begin(current.id, lambda stop: chat.send(current.id, text, stop))
    except AppError as error:
        st.session_state[_TROUBLE] = str(error)


def begin(conversation_id: str, turn: Callable[[threading.Event], Iterator[TurnEvent]]) -> None:
    try:
        # A turn by rules is over in a moment: then the page draws the whole answer at once.
        session.jobs().start(conversation_id, turn).over.wait(MOMENT_SECONDS)
    except AppError as error:
        st.session_state[_TROUBLE] = str(error)


def waiting(conversation_id: str) -> str:
    """What was typed while an answer came, "" nothing."""
    name, text = st.session_state.get(_WAITING, ("", ""))
    return text if name == conversation_id else ""


def take_waiting(conversation_id: str) -> str:
    text = waiting(conversation_id)
    if text:
        del st.session_state[_WAITING]
    return text


def take_trouble(conversation_id: str | None) -> str:
    """What went wrong outside an answer, once."""
    words: str = st.session_state.pop(_TROUBLE, "")
    job = session.jobs().get(conversation_id) if conversation_id else None
    if job is not None and job.over.is_set() and conversation_id is not None:
        words = words or job.error
        session.jobs().clear(conversation_id)
    return words
