"""Keep what the person says of items."""

from typing import Literal

from app.turn.desk import Desk, Outcome


def remember(desk: Desk, *, items: list[str], kind: Literal["like", "dislike", "seen"]) -> Outcome:
    """Keep that the person likes, dislikes or has seen items. Use it when they say so, before recommending.

    items: titles, or places in the latest answer such as #2
    kind: like, dislike or seen
    """
    rows = desk.items(items)
    desk.remember(rows, kind)
    said = {"like": "liked", "dislike": "disliked", "seen": "seen"}[kind]
    return Outcome(f"kept as {said}: {', '.join(desk.label(i) for i in rows)}", rows, kind=kind, ids=desk.ids(rows))
