"""What a page works with: the service shared by all sessions, and which person and conversation this session is at.

The shared objects hold no conversation. A session holds two ids; the conversation's is in the address too (?c=), so
that a reload, another tab or a bookmark comes back to it.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import streamlit as st

from app.errors import AppError, NotFound, RecommenderError, StoreError
from app.service import Chat, Conversation, Jobs, Person, Profile, Store, Workbench, people
from app.settings import settings
from app.setup import background
from app.web.widgets.called import dataset_label
from app.web.widgets.markup import plain

_LOOK_SECONDS = 5.0  # between two looks at what is made beside the app
_log = logging.getLogger(__name__)


@st.cache_resource(show_spinner="Opening …")
def _chat() -> Chat:
    s = settings()
    made = Chat(Workbench(s), Store(s.store_url), s)
    threading.Thread(target=_warm, args=(made,), name="warm-up", daemon=True).start()
    return made


def _warm(made: Chat) -> None:
    """Load what the first turn needs while the person is still reading the page; and what is made beside the app, as
    soon as it is there."""
    try:
        s = made.settings
        _warm_pipeline(made)
        _, model, _ = made.load_model(s.backend)
        warm = getattr(model, "warm", None)  # models that run in this process have it
        if warm is not None:
            warm()
        while (making := background.look(s)) is not None and making.running:
            time.sleep(_LOOK_SECONDS)
            _warm_pipeline(made)
    except Exception as error:  # whatever is wrong is told in words when it is needed
        _log.info("warm-up ended early: %s", error)


def _warm_pipeline(made: Chat) -> None:
    s = made.settings
    pipeline = made.workbench.pipeline(made.workbench.standing_in(s.generator), s.ranker)
    if pipeline.wishes is not None:  # first what a first message most likely needs
        pipeline.wishes.scores("warm-up")
    pipeline.likeness.prepare()
    if pipeline.texts is not None:
        pipeline.texts.encoder.query("warm-up")


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    return Jobs()


def chat() -> Chat:
    """The service; the page ends here, in words, where the store cannot be used."""
    try:
        return _chat()
    except AppError as error:
        st.error(f"**The conversations cannot be opened.** {error}", icon=":material/database_off:")
        st.button("Try again", on_click=_chat.clear)
        st.stop()


def catalogue_or_stop() -> Chat:
    """The service with its data set loaded; the page ends here, in words, before the set-up."""
    service = chat()
    try:
        with st.spinner("Loading the catalogue …"):
            _ = service.workbench.catalogue
    except RecommenderError as error:
        st.error(f"**There is no data set to chat about yet.** {error}", icon=":material/inventory_2:")
        st.markdown("Run `make chat` once (or `chatrec setup`): it fetches the data and trains what the app needs.")
        st.stop()
    return service


@contextmanager
def told() -> Iterator[None]:
    """What the store cannot do just now, in words; what is drawn stays, what was typed is sent by the next drawing."""
    try:
        yield
    except StoreError as error:
        _log.warning("a page could not be drawn: %s", error)
        st.error(f"**That did not work.** {plain(str(error))}", icon=":material/database_off:")
        st.button("Try again", key="try-again")


@st.cache_data(show_spinner=False)
def everybody(dataset: str) -> list[Person]:
    """The users of the data set."""
    return people(chat().workbench.dataset)


# -- where this session is --------------------------------------------------------------------------------------------


@dataclass
class Here:
    """Where this session is. One object that is changed in place: Streamlit may break off a run at any access to
    `st.session_state` when the browser asks for the next one, and what changes together must not be torn there.

    outbox      messages that were typed and not stored yet
    waiting     conversation and message, typed while an answer of it was coming
    given_back  messages that could not be sent, until they stand in the input again
    parts       chosen before the first message
    """

    conversation_id: str | None = None
    profile_id: str | None = None
    outbox: deque[str] = field(default_factory=deque)
    waiting: deque[tuple[str, str]] = field(default_factory=deque)
    given_back: list[str] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)
    trouble: str = ""


def here() -> Here:
    if "here" not in st.session_state:
        st.session_state["here"] = Here()
    found: Here = st.session_state["here"]
    return found


def conversation() -> Conversation | None:
    """The conversation that is open; None before the first message, or when it does not exist any more."""
    name = st.query_params.get("c") or here().conversation_id
    if not name:
        return None
    try:
        found = chat().conversation(name)
    except NotFound:
        leave()
        st.toast("That conversation does not exist any more.", icon=":material/info:")
        return None
    if found.dataset != chat().settings.dataset:
        leave()
        about = dataset_label(found.dataset, chat().settings)
        st.toast(f"That conversation is about “{plain(about)}”, which is not served now.", icon=":material/info:")
        return None
    open_(found)
    return found


def open_(found: Conversation) -> None:
    at = here()
    at.conversation_id, at.profile_id = found.id, found.profile_id
    if st.query_params.get("c") != found.id:
        st.query_params["c"] = found.id


def leave() -> None:
    """Back to an empty page; the person stays the same."""
    here().conversation_id = None
    if "c" in st.query_params:
        del st.query_params["c"]


def person() -> Profile | None:
    """Who this session is; None for somebody new who has said nothing yet."""
    at = here()
    if at.profile_id is None:
        return None
    try:
        return chat().store.profile(at.profile_id)
    except NotFound:
        at.profile_id = None
        return None


def become(profile: Profile | None) -> None:
    """Another person: their next message begins a new conversation."""
    here().profile_id = None if profile is None else profile.id
    leave()
