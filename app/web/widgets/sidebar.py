"""Beside every page: the conversations, who is talking, the engine that answers, and the other pages."""

import time
from collections import Counter
from itertools import groupby

import streamlit as st

from app.errors import RecommenderError
from app.service import Chat, Conversation
from app.web.widgets import session
from app.web.widgets.called import NO_RANKER, part_label
from app.web.widgets.markup import period, plain, when
from llm.backends import available

PARTS = ("backend", "generator", "ranker")
_LISTED = 30  # earlier conversations shown; a press shows as many more, and all can be searched for
_SEARCHED = 8  # conversations from which a search is offered
_PAGES = (
    ("profile", "Profile", ":material/person:"),
    ("data", "Data", ":material/table:"),
    ("models", "Models", ":material/memory:"),
    ("leaderboard", "Leaderboard", ":material/leaderboard:"),
)


def sidebar(chat: Chat, current: Conversation | None) -> None:
    with st.sidebar:
        st.button(
            "New conversation",
            icon=":material/edit_square:",
            type="primary",
            width="stretch",
            key="new-conversation",
            on_click=_new,
        )
        _conversations(chat, current)
        _who(chat)
        _parts(chat, current)
        with st.container(key="pages", gap=None):
            st.page_link("web/views/chat.py", label="Chat", icon=":material/forum:")
            for name, title, icon in _PAGES:
                st.page_link(f"web/views/{name}.py", label=title, icon=icon)


def _new() -> None:
    session.leave()
    st.session_state["go_to_chat"] = True


def _conversations(chat: Chat, current: Conversation | None) -> None:
    known = chat.conversations()
    if not known:
        st.caption("Your conversations will stand here. They are kept until you delete them.")
        return
    wanted = ""
    if len(known) >= _SEARCHED:
        wanted = st.text_input(
            "Search",
            key="search-conversations",
            placeholder="Search conversations",
            icon=":material/search:",
            label_visibility="collapsed",
        )
    found = chat.conversations(wanted) if wanted.strip() else known
    listed = int(st.session_state.get("listed", _LISTED))
    now = time.time()
    with st.container(key="conversations", gap=None):
        if not found:
            st.caption("No title has these words.")
        for heading, group in groupby(found[:listed], key=lambda c: period(c.updated, now)):
            st.caption(f"**{heading}**")
            for c in group:
                _row(c, here=current is not None and c.id == current.id)
        if len(found) > listed:
            st.button("Show older", type="tertiary", key="show-older", on_click=_list_more, args=(listed,))


def _row(c: Conversation, *, here: bool) -> None:
    st.button(
        plain(c.title or "Untitled"),
        key=f"open-{c.id}",
        type="secondary" if here else "tertiary",
        width="stretch",
        help=f"Last used {when(c.updated)}",
        on_click=_open,
        args=(c,),
    )


def _list_more(listed: int) -> None:
    st.session_state["listed"] = listed + _LISTED


def _open(found: Conversation) -> None:
    session.open_(found)
    st.session_state["go_to_chat"] = True


# -- who ----------------------------------------------------------------------------------------------------------


def _who(chat: Chat) -> None:
    """Somebody new, somebody who was here before, or a user of the data set; searchable."""
    me = session.person()
    users = session.everybody(chat.settings.dataset)
    by_user_id = {p.user_id: p for p in users}
    earlier = [p for p in chat.store.profiles(chat.settings.dataset) if p.user_id is None]
    options: list[str] = ["new", *(f"profile:{p.id}" for p in earlier), *(f"user:{p.user_id}" for p in users)]
    mine = "new" if me is None else f"user:{me.user_id}" if me.user_id is not None else f"profile:{me.id}"
    # Streamlit knows an option by its label alone, so no two people may have the same one.
    alike = Counter(p.name for p in earlier)
    names = {f"profile:{p.id}": p.name if alike[p.name] == 1 else f"{p.name} · {p.id[:6]}" for p in earlier}

    def label(option: str) -> str:
        if option == "new":
            return "Somebody new"
        if option in names:
            return names[option]
        return str(by_user_id[option.removeprefix("user:")])

    mine = mine if mine in options else "new"
    chosen = st.selectbox(
        "You are",
        options,
        options.index(mine),
        format_func=label,
        key=f"who-{mine}-{label(mine)}",  # names what it shows, and no callback: see widgets/feedback.py
        help="Somebody new starts from nothing. A user of the data set brings their history. "
        "A change begins a new conversation.",
    )
    if chosen != mine:
        _become(chat, chosen)
        st.rerun()


def _become(chat: Chat, chosen: str) -> None:
    if chosen == "new":
        session.become(None)
    elif chosen.startswith("user:"):
        session.become(chat.person(chosen.removeprefix("user:")))
    else:
        session.become(chat.store.profile(chosen.removeprefix("profile:")))


# -- parts --------------------------------------------------------------------------------------------------------


def chosen_parts(chat: Chat, current: Conversation | None) -> dict[str, str]:
    """What the next turn will work with: the conversation's parts, else what this session chose, else the settings."""
    s = chat.settings
    parts = {"backend": s.backend, "generator": s.generator, "ranker": s.ranker or NO_RANKER}
    parts |= session.here().parts
    if current is not None:
        parts = {
            "backend": current.backend,
            "generator": current.generator,
            "ranker": current.ranker or NO_RANKER,
        }
    return parts


def _parts(chat: Chat, current: Conversation | None) -> None:
    parts = chosen_parts(chat, current)
    known = available.backends(chat.settings.llm)
    try:
        generators, rankers = chat.workbench.generators(), [*chat.rankers(), NO_RANKER]
    except RecommenderError as error:
        st.error(str(error))
        return
    choices = {
        "backend": [b.name for b in known if b.usable],
        "generator": generators,
        "ranker": rankers,
    }

    def name_for_people(name: str) -> str:
        return part_label(name, chat.settings)

    titles = {"backend": "Language model", "generator": "Finds candidates", "ranker": "Ranks them"}
    with st.expander("Engine", icon=":material/tune:", key="parts-in-use"):
        for part in PARTS:
            options = choices[part]
            if parts[part] not in options:
                options = [*options, parts[part]]  # in use but not usable: shown as it is, the answer says why
            st.selectbox(
                titles[part], options, options.index(parts[part]), key=_key(part, parts), format_func=name_for_people
            )
        others = [b for b in known if not b.usable]
        if others:
            with st.popover(f"{len(others)} models not usable yet", type="tertiary", width="stretch"):
                for b in others:
                    st.markdown(f"**{plain(b.label)}**  \n{plain(b.reason)}")


def _key(part: str, parts: dict[str, str]) -> str:
    """Names what it shows, and no callback: see widgets/feedback.py."""
    return f"part-{part}-{parts[part]}"


def apply_choices(chat: Chat) -> None:
    """Swap the parts that were chosen; before a message that was typed after it is sent."""
    current, at = session.conversation(), session.here()
    parts = chosen_parts(chat, current)
    chosen = {part: st.session_state.get(_key(part, parts)) or parts[part] for part in PARTS}
    if chosen == parts:
        return
    at.parts = chosen
    if current is not None:
        chat.store.set_parts(
            current.id,
            backend=chosen["backend"],
            generator=chosen["generator"],
            ranker=None if chosen["ranker"] == NO_RANKER else chosen["ranker"],
        )
