"""Evidence for why items were picked, or not."""

from app.turn.desk import Desk, Outcome
from app.turn.tools.arguments import Items
from app.words import ordinal
from recommenders.contract import Explanation

LATEST = 50  # history items tried for leave-one-out; the answer says how many they were


def explain(desk: Desk, *, items: Items) -> Outcome:
    """Give the evidence why items were recommended, or why one was not. Use it for every "why".

    items: titles, or places in the latest answer such as #2
    """
    request = desk.request_behind(items)
    explanations = desk.explain(items, request, latest=LATEST)
    return Outcome(
        f"evidence: {' · '.join(_figures(desk, e) for e in explanations)}",
        items,
        request,
        explanations=explanations,
        facts=tuple(desk.facts(i) for i in items),
    )


def _figures(desk: Desk, e: Explanation) -> str:
    """The evidence in one line, for the trace: ranks, models, and what was left out to find them."""
    places = [f"{ordinal(p.rank)} by {p.source}" for p in e.provenance if p.source != e.model]
    without = [f"{ordinal(x.rank_without)} without {desk.label(x.item)}" for x in e.influences[:4]]
    tried = [f"{e.tried} left out in turn"] if e.tried else []
    return f"{desk.label(e.item)}: {', '.join([f'{ordinal(e.rank)} by {e.model}', *places, *without, *tried])}"
