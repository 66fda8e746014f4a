"""What a person can do with an item, in one row of icons: like, dislike or seen, save for later, compare.

Shown as the store has it; pressed again it is taken back. Of like, dislike and seen the last one counts.
"""

from dataclasses import dataclass, field

import streamlit as st

from app.service import Chat, Profile
from app.web.widgets.items.chosen import choose, chosen
from app.web.widgets.session import chat
from recommenders.data import FeedbackKind

SAVED, COMPARED = "saved", "compared"
VERDICTS: tuple[FeedbackKind, ...] = ("like", "dislike", "seen")
LABELS = {
    "like": ":material/thumb_up: **Like**",
    "dislike": ":material/thumb_down: **Dislike**",
    "seen": ":material/visibility: **Seen**",
    SAVED: ":material/bookmark: **Save for later**",
    COMPARED: ":material/compare_arrows: **Compare**",
}


@dataclass(frozen=True)
class Given:
    """What a person said of items, and what they saved; by item id."""

    verdicts: dict[str, FeedbackKind] = field(default_factory=dict)
    saved: frozenset[str] = frozenset()

    @classmethod
    def by(cls, service: Chat, profile: Profile) -> "Given":
        return cls(
            {f.item_id: f.kind for f in service.feedback(profile)},
            frozenset(s.item_id for s in service.saved(profile)),
        )

    def of(self, item_id: str) -> list[str]:
        """What is pressed of an item."""
        pressed = (self.verdicts.get(item_id), SAVED if item_id in self.saved else None)
        return [*filter(None, pressed), *([COMPARED] if item_id in chosen().compared else [])]


def feedback(profile: Profile, item_id: str, given: Given, key: str, *, alone: bool = False) -> None:
    """`key` is unique on the page: an item may be shown more than once. alone: only the part of the page that it stands
    in is drawn anew, such as a dialog, which drawing the page would close.

    The widget's own key names what the store says, so that a new one is drawn when that changes, by whatever means.
    What it gives back is compared with that. No callback: Streamlit may break one off when the next request comes, and
    calls one for a widget that was replaced when a slow browser still sends its value. The sidebar does the same.
    """
    before = given.of(item_id)
    now = st.pills(
        "What do you think of it?",
        list(LABELS),
        selection_mode="multi",
        format_func=LABELS.__getitem__,
        default=before,
        key=f"feedback-{key}-{'-'.join(before)}",
        label_visibility="collapsed",
    )
    if set(now) == set(before):
        return
    _keep(profile, item_id, before, now)
    st.rerun(scope="fragment" if alone else "app")


def _keep(profile: Profile, item_id: str, before: list[str], now: list[str]) -> None:
    pressed, released = set(now) - set(before), set(before) - set(now)
    if verdict := next((v for v in VERDICTS if v in pressed), None):
        chat().remember(profile, item_id, verdict)
    elif released & set(VERDICTS):
        chat().forget(profile, item_id)
    if SAVED in pressed:
        chat().save(profile, item_id)
    elif SAVED in released:
        chat().unsave(profile, item_id)
    if COMPARED in pressed | released:
        choose(item_id, wanted=COMPARED in pressed)
