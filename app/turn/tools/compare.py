"""Two or more items beside each other."""

from app.turn.desk import Desk, Outcome, ToolError
from app.turn.tools.explain import LATEST


def compare(desk: Desk, *, items: list[str]) -> Outcome:
    """Compare items for the person: what the catalogue says of each, and which the recommender puts first.

    items: two or more titles, or places in the latest answer such as #2
    """
    rows = desk.items(items)
    if len(rows) < 2:
        raise ToolError(f"compare needs two items, got {desk.label(rows[0])} alone")
    explanations = desk.explain(rows, desk.request_behind(rows), latest=LATEST)
    return Outcome(
        f"compared {', '.join(desk.label(i) for i in rows)}",
        rows,
        explanations=explanations,
        facts=tuple(desk.facts(i) for i in rows),
        ids=desk.ids(rows),
    )
