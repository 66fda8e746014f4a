"""Messages that may sensibly come next, made from the answer: further along attributes that have an order, and about
the first of what was shown."""

from collections.abc import Iterator, Sequence

import numpy as np

from app.wants import Wants
from recommenders.data import Attribute, Catalogue, Condition

_ALONG = 2  # attributes that are offered to go along
_FEWEST = 5  # items that must be there for what is offered
_SPREAD = 2_000  # items that say what is usual


def follow_ups(catalogue: Catalogue, item_ids: Sequence[str], wants: Wants) -> list[str]:
    """Up to four messages after an answer that showed these; none after one that showed nothing. Attributes that the
    wants speak of already are left alone; the further the items are from what is usual, or the worse where there is a
    better way, the sooner one is offered, and one only of those that call for less of something."""
    items = [catalogue.ids.number(i) for i in item_ids if i in catalogue.ids]
    if not items:
        return []
    found = sorted(_along(catalogue, items, wants), key=lambda found: -found[0])
    kinds = {("note" if text.startswith("Something less ") else text): text for _, text in reversed(found)}
    further = [text for _, text in found if text in kinds.values()][:_ALONG]
    about = ["More like the first one", "Why the first one?"]
    return [*further, *about] if len(items) > 1 else [*further, "Others"]


def _along(catalogue: Catalogue, items: Sequence[int], wants: Wants) -> Iterator[tuple[float, str]]:
    """Each attribute's message, with how far the items are from the middle of the catalogue (0..0.5)."""
    for a in catalogue.schema.heard:
        place = _place(catalogue, a, items)
        if place is None or wants.of(a.name):
            continue
        less = a.better == "low" or (a.better != "high" and place >= 0.5)
        worse = place - 0.5 if less else 0.5 - place
        word = a.further(less)
        text = f"Something {word}"
        if word and worse >= 0 and _leads_on(catalogue, a, text, items, wants.conditions):
            yield worse, text


def _place(catalogue: Catalogue, a: Attribute, items: Sequence[int]) -> float | None:
    """Where the middle of the items stands among all (0 least, 1 most); None where that is not known."""
    cells = catalogue.attributes.cells(a.name)
    mine = [k for i in items if (k := a.key(cells[i])) is not None]
    step = max(1, len(cells) // _SPREAD)
    usual = [k for cell in cells[::step] if (k := a.key(cell)) is not None]
    if 2 * len(mine) <= len(items) or len(set(usual)) < 2:
        return None
    middle = float(np.median(mine))
    return float((np.mean(np.array(usual) < middle) + np.mean(np.array(usual) <= middle)) / 2)


def _leads_on(
    catalogue: Catalogue, a: Attribute, text: str, items: Sequence[int], conditions: Sequence[Condition]
) -> bool:
    """Whether the message is understood, something of what was shown is not within it, and enough other items are."""
    bound = catalogue.attributes
    cells = bound.cells(a.name)
    hits = a.hear(text, bound.column(a.name), [cells[i] for i in items])
    if not hits:
        return False
    condition = hits[0].condition
    breaking = [i for i in items if not a.unknown(cells[i]) and a.objection(cells[i], condition)]
    return bool(breaking) and int(bound.mask((*conditions, condition)).sum()) >= _FEWEST
