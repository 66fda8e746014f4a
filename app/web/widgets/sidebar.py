"""Beside every page: a new conversation, the earlier ones, who is talking, and which parts answer."""

from collections import Counter

import streamlit as st

from app.errors import RecommenderError
from app.scorer import LABELS
from app.service import Chat, Conversation
from app.web.widgets import session
from app.web.widgets.markup import plain, when
from llm.backends import available

PARTS = ("backend", "generator", "ranker")
NO_RANKER = "none"
_LISTED = 30  # earlier conversations shown; the rest can be searched for


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
        _who(chat)
        _parts(chat, current)
        _conversations(chat, current)


def _new() -> None:
    session.leave()
    st.session_state["go_to_chat"] = True


def _conversations(chat: Chat, current: Conversation | None) -> None:
    st.markdown("#### Conversations")
    known = chat.conversations()
    if not known:
        st.caption("None yet. The first message begins one; it is kept until you delete it.")
        return
    wanted = (
        st.text_input("Search", key="search-conversations", placeholder="Search", label_visibility="collapsed")
        if (len(known) > _LISTED // 3)
        else ""
    )
    found = [c for c in known if wanted.lower() in c.title.lower()]
    with st.container(key="conversations", gap=None):
        for c in found[:_LISTED]:
            here = current is not None and c.id == current.id
            st.button(
                plain(c.title or "Untitled"),
                key=f"open-{c.id}",
                type="secondary" if here else "tertiary",
                width="stretch",
                help=f"Last used {when(c.updated)}",
                on_click=_open,
                args=(c,),
            )
    if len(found) > _LISTED:
        st.caption(f"and {len(found) - _LISTED} older ones: search for them by title")


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
    labels = {b.name: b.label for b in known} | LABELS
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
        return labels.get(name, name)

    titles = {"backend": "Language model", "generator": "Finds candidates", "ranker": "Ranks them"}
    with st.expander("Parts in use", icon=":material/tune:", expanded=True, key="parts-in-use"):
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
