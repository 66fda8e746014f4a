"""What the catalogue says of items."""

from app.turn.desk import Desk, Outcome


def lookup(desk: Desk, *, items: list[str]) -> Outcome:
    """Tell what the catalogue knows of items: year, genres, people, language, description.

    items: titles, or places in the latest answer such as #2
    """
    rows = desk.items(items)
    facts = []
    for row in rows:
        facts.append(desk.facts(row))
        if desk.catalogue.texts[row]:
            facts.append(f"{desk.label(row)}: {desk.catalogue.texts[row][:600]}")
    return Outcome(f"looked up {', '.join(desk.label(i) for i in rows)}", rows, facts=tuple(facts), ids=desk.ids(rows))
