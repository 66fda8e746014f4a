"""Search the catalogue by words, for anybody."""

from app.desk import Desk, Outcome, ToolError
from recommenders.request import Request
from recommenders.tables import UserState


def search(desk: Desk, *, text: str, count: int | None = None) -> Outcome:
    """Search the catalogue by words, whatever the person's taste. Use it to find out whether a title or theme exists.

    text: a title, or words of a description
    count: how many items
    """
    if not text.strip():
        raise ToolError("search needs words; text was empty")
    k = max(1, min(20, count or desk.picks))
    named = desk.linker.items(text)[:k]
    request = Request(k=k, wish=text.strip(), include_seen=True)
    found = desk.parts.pipeline.recommend(UserState(), request, pool=k)
    items = tuple(dict.fromkeys((*named, *(c.item for c in found.candidates))))[:k]
    return Outcome(
        f"{len(items)} items for “{text.strip()}”", items, request, facts=tuple(desk.facts(i) for i in items)
    )
