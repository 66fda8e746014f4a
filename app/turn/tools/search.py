"""Search the catalogue by words, for anybody."""

from dataclasses import replace

from app.turn.desk import Desk, Outcome, ToolError
from app.understanding import Wants
from recommenders.contract import Candidate, Request
from recommenders.data import UserState


def search(desk: Desk, *, text: str, count: int | None = None) -> Outcome:
    """Search the catalogue by words, whatever the person's taste. Use it to find out whether a title or theme exists.

    text: a title, or words of a description
    count: how many items
    """
    if not text.strip():
        raise ToolError("search needs words; text was empty")
    k = max(1, min(20, count or desk.picks))
    request = Request(k=k, wish=text.strip(), include_seen=True)
    found = desk.parts.pipeline.recommend(UserState(), request, pool=k)
    named = [i for i in desk.linker.items(text)[:k] if i not in {c.item for c in found.candidates[:1]}]
    first = [Candidate(item, n, 0.0, matched={"words": (text.strip(),)}) for n, item in enumerate(named, start=1)]
    rest = [c for c in found.candidates if c.item not in named]
    candidates = tuple(replace(c, rank=n) for n, c in enumerate([*first, *rest], start=1))[:k]
    items = tuple(c.item for c in candidates)
    return Outcome(
        f"{len(items)} items for “{text.strip()}”",
        items,
        request,
        replace(found, candidates=candidates),
        facts=tuple(desk.facts(i) for i in items),
        wants=Wants(wish=text.strip()),
    )
