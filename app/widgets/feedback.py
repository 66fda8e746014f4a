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
    """`key` is unique on the page: an item may be shown more than once.

    The widget's own key names what it shows, so that a new one is drawn when something else changes that (a word in the
    chat, another card). A browser that has not drawn it yet still sends the old one's value with its next request,
    which Streamlit takes for a change: so the callback ignores what the widget showed anyway. The choices in the
    sidebar do the same.
    """
    own = f"feedback-{key}-{given}"
    st.pills(
        "What do you think of it?",
        list(LABELS),
        format_func=LABELS.__getitem__,
        default=given,
        key=own,
        label_visibility="collapsed",
        on_change=_changed,
        args=(profile, item_id, own, given),
    )


def _changed(profile: Profile, item_id: str, key: str, shown: FeedbackKind | None) -> None:
    kind: FeedbackKind | None = st.session_state[key]
    if kind == shown:
        return
    if kind is None:
        chat().forget(profile, item_id)
    else:
        chat().remember(profile, item_id, kind)
