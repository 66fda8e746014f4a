"""What the catalogue says of items."""

from app.turn.desk import Desk, Outcome
from app.turn.tools.arguments import Items


def lookup(desk: Desk, *, items: Items) -> Outcome:
    """Tell what the catalogue knows of items: everything that it holds, and their descriptions.

    items: titles, or places in the latest answer such as #2
    """
    facts = []
    for item in items:
        facts.append(desk.facts(item))
        if desk.catalogue.texts[item]:
            facts.append(f"{desk.label(item)}: {desk.catalogue.texts[item][:600]}")
    return Outcome(f"looked up {', '.join(desk.label(i) for i in items)}", items, facts=tuple(facts))
