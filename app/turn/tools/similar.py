"""Find items like given ones."""

from dataclasses import replace

from app.turn.desk import Desk, Outcome, ToolError
from app.turn.tools.arguments import Items
from app.turn.tools.recommend import recommend
from app.understanding import Wants


def similar(desk: Desk, *, items: Items = (), lacking: tuple[str, ...] = (), wants: Wants) -> Outcome:
    """Find items like the ones that the person names ("something like Heat", "more like the second one").

    items: titles, or places in the latest answer such as #2
    lacking: titles that are not in the catalogue, with their years, to find what is closest to them
    wants: what it should be besides
    """
    like = tuple(desk.item_id(i) for i in items)
    relatives, unmatched = desk.lacking(lacking)
    if not like and not relatives:
        raise ToolError(f"nothing to be like: {'; '.join(unmatched) or 'give items or lacking'}")
    found = recommend(desk, wants=wants.changed(like=like, relatives=relatives))
    return replace(found, unmatched=(*found.unmatched, *unmatched))
