"""Evidence for why items were picked, or not."""

from app.turn.desk import Desk, Outcome

LATEST = 50  # history items tried for leave-one-out; the answer says how many they were


def explain(desk: Desk, *, items: list[str]) -> Outcome:
    """Give the evidence why items were recommended, or why one was not. Use it for every "why".

    items: titles, or places in the latest answer such as #2
    """
    rows = desk.items(items)
    request = desk.request_behind(rows)
    explanations = desk.explain(rows, request, latest=LATEST)
    return Outcome(
        f"evidence for {', '.join(desk.label(i) for i in rows)}",
        rows,
        request,
        explanations=explanations,
        facts=tuple(desk.facts(i) for i in rows),
        ids=desk.ids(rows),
    )
