"""Find items like given ones."""

from app.turn.desk import Desk, Outcome
from app.turn.tools.arguments import Items
from app.turn.tools.recommend import recommend
from app.understanding import Wants


def similar(desk: Desk, *, items: Items, wants: Wants) -> Outcome:
    """Find items like the ones that the person names ("something like Heat", "more like the second one").

    items: titles, or places in the latest answer such as #2
    wants: what it should be besides
    """
    like = tuple(desk.item_id(i) for i in items)
    return recommend(desk, wants=wants.changed(like=like))
