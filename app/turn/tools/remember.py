"""Keep what the person says of items."""

from app.turn.desk import Desk, Outcome
from app.turn.tools.arguments import Items
from recommenders.data import FeedbackKind


def remember(desk: Desk, *, items: Items, kind: FeedbackKind) -> Outcome:
    """Keep that the person likes, dislikes or has seen items. Use it when they say so, before recommending.

    items: titles, or places in the latest answer such as #2
    kind: like, dislike or seen
    """
    desk.remember(items, kind)
    said = {"like": "liked", "dislike": "disliked", "seen": "seen"}[kind]
    return Outcome(f"kept as {said}: {', '.join(desk.label(i) for i in items)}", items, kind=kind)
