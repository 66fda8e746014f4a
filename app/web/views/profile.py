"""What the app knows of a person: their history in the data set and what they said here; all of that can be undone."""

import pandas as pd
import streamlit as st

from app.service import Chat, Feedback, Profile, Saved
from app.web.widgets import item_dialogs, look_at, plain, session, when
from recommenders.data import Dataset, FeedbackKind

HEADINGS: dict[FeedbackKind, tuple[str, str]] = {
    "like": (":material/thumb_up: Liked", "counts as the latest and best of the history"),
    "dislike": (":material/thumb_down: Disliked", "is not shown again, and what resembles it sinks"),
    "seen": (":material/visibility: Seen", "is not recommended again"),
}


def page() -> None:
    chat = session.catalogue_or_stop()
    me = session.person()
    st.title("What the app knows of you")
    if me is None:
        st.info(
            "Nothing yet: you are somebody new. Likes and dislikes given in a conversation are listed here, and "
            "each can be taken back.",
            icon=":material/person:",
        )
        return
    who(chat, me)
    saved(chat, me)
    said(chat, me)
    history(chat.workbench.dataset, me)
    item_dialogs(chat, me, chat.settings.generator)


def who(chat: Chat, me: Profile) -> None:
    st.markdown(f"**{plain(me.name)}**")
    if me.user_id is not None:
        st.caption("A user of the data set; the history below is theirs.")
        return
    st.text_input(
        "Your name",
        me.name,
        max_chars=60,
        key=f"name-{me.id}",
        on_change=_rename,
        args=(chat, me),
        help="Only for you, to find yourself again in the list beside; no part of the app uses it",
    )


def _rename(chat: Chat, me: Profile) -> None:
    name = st.session_state[f"name-{me.id}"].strip()
    if name:
        chat.store.rename_profile(me.id, name)


def saved(chat: Chat, me: Profile) -> None:
    """What is kept for later: no opinion, so it counts for nothing but itself."""
    kept = chat.saved(me)
    st.subheader("Saved for later")
    if not kept:
        st.caption("Nothing yet. Press the bookmark on a card to find it here again.")
    for row in reversed(kept):
        _saved_row(chat, me, row)


def _saved_row(chat: Chat, me: Profile, row: Saved) -> None:
    catalogue = chat.workbench.catalogue
    known = row.item_id in catalogue.ids
    name = catalogue.label(catalogue.ids.number(row.item_id)) if known else f"item {row.item_id}, no longer here"
    with st.container(horizontal=True, vertical_alignment="center", key=f"saved-{row.item_id}"):
        st.button(
            plain(name),
            key=f"look-{row.item_id}",
            type="tertiary",
            disabled=not known,
            on_click=look_at,
            args=(row.item_id,),
        )
        st.markdown(f":gray[:small[{when(row.at)}]]", width="stretch")
        st.button(
            "Remove",
            key=f"unsave-{row.item_id}",
            type="tertiary",
            icon=":material/bookmark_remove:",
            on_click=chat.unsave,
            args=(me, row.item_id),
        )


def said(chat: Chat, me: Profile) -> None:
    given = chat.feedback(me)
    st.subheader("Said in conversations")
    if not given:
        st.caption("Nothing yet. Press Like, Dislike or Seen on a card, or say it in words.")
        return
    for kind, (heading, meaning) in HEADINGS.items():
        rows = [f for f in reversed(given) if f.kind == kind]
        if rows:
            st.markdown(f"**{heading}** :gray[:small[{meaning}]]")
            for row in rows:
                _said_row(chat, me, row)
    if st.button("Forget all of it …", icon=":material/delete:", key="forget-all"):
        confirm_forget(chat, me, len(given))


def _said_row(chat: Chat, me: Profile, row: Feedback) -> None:
    catalogue = chat.workbench.catalogue
    known = row.item_id in catalogue.ids
    name = catalogue.label(catalogue.ids.number(row.item_id)) if known else f"item {row.item_id}, no longer here"
    with st.container(horizontal=True, vertical_alignment="center", key=f"said-{row.item_id}"):
        st.markdown(f"{plain(name)} :gray[:small[{when(row.at)}]]", width="stretch")
        st.button(
            "Undo",
            key=f"undo-{row.item_id}",
            type="tertiary",
            icon=":material/undo:",
            on_click=_undo,
            args=(chat, me, row.item_id),
        )


def _undo(chat: Chat, me: Profile, item_id: str) -> None:
    chat.forget(me, item_id)


@st.dialog("Forget what you said?")
def confirm_forget(chat: Chat, me: Profile, count: int) -> None:
    st.markdown(f"All {count} likes, dislikes and marks as seen will be gone. Conversations stay.")
    with st.container(horizontal=True):
        if st.button("Forget", type="primary", key="forget-confirmed", on_click=_forget, args=(chat, me)):
            st.rerun()
        if st.button("Keep", key="forget-cancelled"):
            st.rerun()


def _forget(chat: Chat, me: Profile) -> None:
    chat.forget(me)


def history(data: Dataset, me: Profile) -> None:
    if me.user_id is None:
        return
    number = data.user_ids.number(me.user_id)
    state = data.state(number)
    st.subheader(f"History in the data set: {len(state.items):,}")
    c = data.catalogue
    table = pd.DataFrame(
        {
            "Title": [c.titles[i] for i in state.items],
            "Year": pd.array([int(c.years[i]) or None for i in state.items], dtype="Int64"),
            "Genres": [", ".join(c.genres[i]) for i in state.items],
            "Rating" if data.explicit else "Count": state.values,
            "When": pd.to_datetime([t or None for t in state.timestamps], unit="s"),
        }
    ).iloc[::-1]
    st.dataframe(
        table,
        hide_index=True,
        height=420,
        column_config={
            "Year": st.column_config.NumberColumn(format="%d", width="small"),
            "Rating": st.column_config.NumberColumn(format="%g", width="small"),
            "When": st.column_config.DateColumn(width="small"),
        },
    )


page()
