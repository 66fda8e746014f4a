"""Evidence for why items were picked, or not."""

from app.turn.desk import Desk, Outcome
from app.turn.tools.arguments import Items

LATEST = 50  # history items tried for leave-one-out; the answer says how many they were


def explain(desk: Desk, *, items: Items) -> Outcome:
    """Give the evidence why items were recommended, or why one was not. Use it for every "why".

    items: titles, or places in the latest answer such as #2
    """
    request = desk.request_behind(items)
    return Outcome(
        f"evidence for {', '.join(desk.label(i) for i in items)}",
        items,
        request,
        explanations=desk.explain(items, request, latest=LATEST),
        facts=tuple(desk.facts(i) for i in items),
    )
