"""Two or more items beside each other."""

from app.turn.desk import Desk, Outcome, ToolError
from app.turn.tools.arguments import Items
from app.turn.tools.explain import LATEST


def compare(desk: Desk, *, items: Items) -> Outcome:
    """Compare items for the person: what the catalogue says of each, and which the recommender puts first.

    items: two or more titles, or places in the latest answer such as #2
    """
    if len(items) < 2:
        raise ToolError(f"compare needs two items, got {', '.join(desk.label(i) for i in items) or 'none'} alone")
    return Outcome(
        f"compared {', '.join(desk.label(i) for i in items)}",
        items,
        explanations=desk.explain(items, desk.request_behind(items), latest=LATEST),
        facts=tuple(desk.facts(i) for i in items),
    )
