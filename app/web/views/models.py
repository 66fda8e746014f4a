"""The language models and the recommenders: what is here, what is usable, what is missing for the rest."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import streamlit as st

from app.errors import LLMError, RecommenderError
from app.service import Chat
from app.web.widgets import plain, session, size
from llm.backends import available
from llm.weights import published
from recommenders.contract import registry as recommenders
from recommenders.experiments import Record, record

POLL_SECONDS = 0.5
ROLES = {
    frozenset({"generator"}): "finds candidates",
    frozenset({"ranker"}): "ranks candidates",
    frozenset({"generator", "ranker"}): "finds candidates and ranks them",
}


@dataclass
class Fetch:
    """A download that runs in the background; the page only looks at it."""

    done: int = 0
    total: int = 0
    what: str = "starting"
    error: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def run(self, name: str, chat: Chat) -> None:
        try:
            published.get(name, chat.settings.cache_dir, self.progress)
        except (LLMError, OSError) as error:
            self.error = str(error)
        finally:
            self.over.set()

    def progress(self, done: int, total: int, what: str) -> None:
        self.done, self.total, self.what = done, total, what


@st.cache_resource(show_spinner=False)
def fetches() -> dict[str, Fetch]:
    """Running downloads by name, shared by all sessions: nothing is fetched twice at once."""
    return {}


def page() -> None:
    chat = session.catalogue_or_stop()
    st.title("Models")
    language, trained = st.tabs(["Language models", "Recommenders"])
    with language:
        backends(chat)
        st.subheader("Weights for embedded models")
        for w in published.KNOWN.values():
            weight(chat, w)
    with trained:
        for name in recommenders.names():
            recommender(chat, name)


def backends(chat: Chat) -> None:
    st.markdown("Choose one beside, at any point of a conversation. Keys and addresses are settings of the server.")
    for b in available.backends(chat.settings.llm):
        with st.container(border=True, key=f"backend-{b.name}"):
            state = ":green-badge[usable]" if b.usable else ":orange-badge[not usable]"
            default = " :blue-badge[default]" if b.name == chat.settings.backend else ""
            st.markdown(f"**{plain(b.label)}** {state}{default}")
            part = "leads the turn, checked at every step" if b.steers else "words the answers; the rules lead"
            st.caption(f"{part[0].upper()}{part[1:]} · in settings: `{b.name}`")
            if b.reason:
                st.caption(plain(f"To use it: {b.reason}"))


def weight(chat: Chat, w: published.Weights) -> None:
    here = published.present(w.name, chat.settings.cache_dir)
    with st.container(border=True, key=f"weights-{w.name}"):
        state = ":green-badge[here]" if here else ":orange-badge[not fetched]"
        st.markdown(f"**{plain(w.label)}** {state}")
        st.caption(f"{size(w.bytes)} · {w.licence} · {plain(w.source)}")
        st.caption(f"SHA-256 `{w.sha256}`")
        running = fetches().get(w.name)
        if running is not None:
            fetching(w.name)
        elif not here:
            st.button(
                f"Fetch {size(w.bytes)}",
                key=f"fetch-{w.name}",
                icon=":material/download:",
                on_click=_fetch,
                args=(chat, w.name),
            )


def _fetch(chat: Chat, name: str) -> None:
    if name not in fetches():
        fetch = fetches()[name] = Fetch()
        threading.Thread(target=fetch.run, args=(name, chat), name="fetch", daemon=True).start()


@st.fragment(run_every=POLL_SECONDS)
def fetching(name: str) -> None:
    fetch = fetches().get(name)
    if fetch is None:
        return
    if fetch.error:
        st.error(plain(fetch.error), icon=":material/error:")
        st.button("Close", key=f"close-{name}", on_click=_close, args=(name,))
    elif fetch.over.is_set():
        fetches().pop(name, None)
        st.rerun()
    else:
        share = fetch.done / fetch.total if fetch.total else 0.0
        st.progress(min(1.0, share), f"{fetch.what}: {size(fetch.done)} of {size(fetch.total)}")


def _close(name: str) -> None:
    fetches().pop(name, None)


def recommender(chat: Chat, name: str) -> None:
    about = recommenders.get(name)
    runs = chat.workbench.runs
    trained = name in {*chat.workbench.generators(), *chat.workbench.rankers()}
    with st.container(border=True, key=f"recommender-{name}"):
        state = ":green-badge[trained]" if trained else ":orange-badge[not trained]"
        roles = frozenset(about.roles)
        st.markdown(f"**{plain(recommenders.label(name))}** :gray[{ROLES[roles]}] {state}")
        if not trained:
            st.code(f"chatrec train {name}", language="bash", wrap_lines=True)
            return
        try:
            st.caption(_told(record(runs / name)))
        except RecommenderError as error:
            st.caption(plain(str(error)))
        if name in chat.workbench.learners():
            learnt_online(chat, name)


def learnt_online(chat: Chat, name: str) -> None:
    """What it has learnt from likes and dislikes, with what takes it back."""
    try:
        status = chat.online.status(name)
    except RecommenderError as error:  # a damaged change: going back to the trained network is the way out
        status = None
        st.caption(plain(str(error)))
    if status is not None:
        st.caption(f"Learnt in the chat: {plain(status.told())}")
    may_undo = status is not None and bool(status.changes) and status.changes[-1].kind != "merged"
    with st.container(horizontal=True):
        st.button(
            "Undo last",
            key=f"online-undo-{name}",
            icon=":material/undo:",
            disabled=not may_undo,
            on_click=_ignoring(chat.online.undo),
            args=(name,),
        )
        st.button(
            "Reset to trained",
            key=f"online-reset-{name}",
            icon=":material/restart_alt:",
            disabled=status is not None and not status.changes,
            on_click=_ignoring(chat.online.reset),
            args=(name,),
        )
        st.button(
            "Learn from all feedback",
            key=f"online-replay-{name}",
            icon=":material/school:",
            disabled=status is None or not status.lists,
            on_click=_ignoring(chat.online.replay),
            args=(name,),
            help="A major update: the judged lists are replayed",
        )


def _ignoring(action: Callable[[str], object]) -> Callable[[str], None]:
    """What a button does; the page is drawn anew from what is there afterwards, and says what is wrong with it."""

    def run(name: str) -> None:
        with suppress(RecommenderError):
            action(name)

    return run


def _told(r: Record) -> str:
    return (
        f"{r.trained_at:%d %b %Y, %H:%M} UTC · {r.interactions:,} interactions of {r.users:,} users with {r.items:,} "
        f"items · {r.wall_seconds:,.1f} s"
    )


page()
