"""Like, dislike, seen: one choice an item, shown as the store has it, taken back by pressing it again."""

import streamlit as st

from app.context import FeedbackKind
from app.store import Profile
from app.widgets.session import chat

LABELS: dict[FeedbackKind, str] = {
    "like": ":material/thumb_up: Like",
    "dislike": ":material/thumb_down: Dislike",
    "seen": ":material/visibility: Seen",
}


def feedback(profile: Profile, item_id: str, given: FeedbackKind | None, key: str) -> None:
    """`key` is unique on the page: an item may be shown more than once."""
    # Set before it is drawn, so that what was said elsewhere (in words, on another card) shows here too.
    st.session_state[key] = given
    st.pills(
        "What do you think of it?",
        list(LABELS),
        format_func=LABELS.__getitem__,
        key=key,
        label_visibility="collapsed",
        on_change=_changed,
        args=(profile, item_id, key),
    )


def _changed(profile: Profile, item_id: str, key: str) -> None:
    kind: FeedbackKind | None = st.session_state[key]
    if kind is None:
        chat().forget(profile, item_id)
    else:
        chat().remember(profile, item_id, kind)
