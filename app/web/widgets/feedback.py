"""Like, dislike, seen: one choice an item, shown as the store has it, taken back by pressing it again."""

import streamlit as st

from app.service import Profile
from app.web.widgets.session import chat
from recommenders.data import FeedbackKind

LABELS: dict[FeedbackKind, str] = {
    "like": ":material/thumb_up: Like",
    "dislike": ":material/thumb_down: Dislike",
    "seen": ":material/visibility: Seen",
}


def feedback(profile: Profile, item_id: str, given: FeedbackKind | None, key: str) -> None:
    """`key` is unique on the page: an item may be shown more than once.

    The widget's own key names what the store says, so that a new one is drawn when that changes, by whatever means.
    What it gives back is compared with that. No callback: Streamlit may break one off when the next request comes, and
    calls one for a widget that was replaced when a slow browser still sends its value. The sidebar does the same.
    """
    chosen = st.pills(
        "What do you think of it?",
        list(LABELS),
        format_func=LABELS.__getitem__,
        default=given,
        key=f"feedback-{key}-{given}",
        label_visibility="collapsed",
    )
    if chosen == given:
        return
    if chosen is None:
        chat().forget(profile, item_id)
    else:
        chat().remember(profile, item_id, chosen)
    st.rerun()
