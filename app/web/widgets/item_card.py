"""One recommended item: what it is, why it is here, what the person can say of it."""

from collections.abc import Callable, Mapping

import streamlit as st

from app.events import ItemShown
from app.service import Profile
from app.web.widgets.feedback import feedback
from app.web.widgets.markup import plain
from recommenders.data import FeedbackKind

Say = Callable[[str], None]  # sends a message as if it was typed


def item_card(
    item: ItemShown, key: str, profile: Profile | None, given: Mapping[str, FeedbackKind], say: Say | None
) -> None:
    """`say` None: nothing can be pressed (an answer that is still coming)."""
    with st.container(border=True, key=f"card-{key}", gap="small"):
        year = f" :gray[({item.year})]" if item.year else ""
        genres = f"  \n:gray[:small[{' · '.join(plain(g) for g in item.genres)}]]" if item.genres else ""
        st.markdown(f"{item.position}.&ensp;**{plain(item.title)}**{year}{genres}")
        if item.reasons:
            st.markdown("\n".join(f"- {plain(reason.text)}" for reason in item.reasons))
        if say is None or profile is None:
            return
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            feedback(profile, item.item_id, given.get(item.item_id), key)
            name = f"{item.title} ({item.year})" if item.year else item.title
            st.button(
                "Why this?",
                key=f"why-{key}",
                type="tertiary",
                icon=":material/help:",
                on_click=say,
                args=(f"Why {name}?",),
            )
            st.button(
                "More like this",
                key=f"more-{key}",
                type="tertiary",
                icon=":material/add_circle:",
                on_click=say,
                args=(f"More like {name}",),
            )
