"""What a message means as plain values, the same for every way of reading it, and how two such readings compare.

Gold comes from composed messages (dialogues.py), the rest from what was heard or from a model's object.
Values are the catalogue's own: row numbers, genre names, bounds of years; a wish is its content words.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.understanding.heard import About, Ask, Compare, Heard, Judge, Why
from app.understanding.lessons.dialogues import Message
from app.understanding.names.linking import Linker
from app.understanding.reader.labels import TITLES
from app.understanding.table import Table
from app.wants import NOTHING, Wants
from recommenders.data.attributes import Condition
from recommenders.evaluation.metrics import percentiles, resampled
from recommenders.texts.word_index import content_words

Slots = Mapping[str, frozenset[object]]
JUDGED = ("liked", "disliked", "seen")
_TABLE = Wants(
    conditions=(Condition(attribute="people", operator="has none", values=("Nobody",)),)
)  # of the request before: something to go on from that no message says
_KINDS = {"like": "liked", "dislike": "disliked", "seen": "seen"}
_LISTS = (
    ("genres", "genres", ("has all", "has any")),
    ("without_genres", "genres", ("has none",)),
    ("people", "people", ("has any",)),
    ("without_people", "people", ("has none",)),
    ("languages", "language", ("one of",)),
)


@dataclass(frozen=True)
class Reading:
    """intent, and the slots that are filled; `seconds` of CPU that it took, which other load does not change."""

    intent: str
    slots: Slots = field(default_factory=dict)
    seconds: float = 0.0


def table(message: Message) -> Table:
    """What lies on the table when this message comes."""
    asked = _TABLE if message.shown else NOTHING
    return Table(
        shown=message.shown,
        focus=message.focus or message.shown,
        ever=message.shown,
        wants=asked,
        turns=2 if message.previous else 0,
    )


def wish(words: object) -> frozenset[object]:
    said = frozenset(content_words(str(words)).values()) if words else frozenset()
    return frozenset({said}) if said else frozenset()


def gold(message: Message) -> Slots:
    """What it says. Opinions on something pointed at are under "judged", since the composer does not say which."""
    found: dict[str, set[object]] = {}
    wishes: list[str] = []
    names = {"genre": "genres", "no_genre": "without_genres", "person": "people", "no_person": "without_people",
             "language": "languages", "no_content": "without_content", "count": "count", "like": "like",
             "good": "liked", "bad": "disliked", "seen": "seen", "title": "items"}  # fmt: skip
    for span in message.spans:
        if span.kind in names:
            found.setdefault(names[span.kind], set()).add(span.value)
        elif span.kind == "wish":
            wishes.append(str(span.value))
        elif span.kind == "years" and isinstance(span.value, tuple):
            found["years"] = {span.value}
    found["wish"] = set(wish(" ".join(wishes)))
    pointed = pointed_at(message)
    if pointed and message.intent == "similar":
        found.setdefault("like", set()).update(pointed)
    elif pointed and message.intent in ("explain", "compare", "ask_item"):
        found.setdefault("items", set()).update(pointed)
    elif pointed and message.intent in ("feedback", "feedback_and_request"):
        found["judged"] = {*pointed, *(row for name in JUDGED for row in found.pop(name, set()))}
    if message.intent == "chat":
        found.pop("items", None)  # nothing is done with them
    return {name: frozenset(values) for name, values in found.items() if values}


def pointed_at(message: Message) -> set[int]:
    """The rows that its references mean; "it" behind a title is that title and adds nothing."""
    rows: set[int] = set()
    titles = any(s.kind in TITLES for s in message.spans)
    for span in message.spans:
        if span.kind != "ref":
            continue
        match span.value:
            case int(place):
                rows.add(message.shown[place - 1])
            case (int(a), int(b)):
                rows |= {message.shown[a - 1], message.shown[b - 1]}
            case "all":
                rows |= set(message.focus if len(message.focus) > 1 else message.shown)
            case "that" if not titles:
                rows |= set(message.focus)
    return rows


def of_understanding(u: Heard, names: Linker, seconds: float) -> Reading:
    """The acts as slots; what the request before had asked for is left out."""
    found: dict[str, set[object]] = {}
    for act in u.acts:
        if isinstance(act, Judge):
            found.setdefault(_KINDS[act.kind], set()).update(act.items)
        elif isinstance(act, About | Why | Compare):
            found.setdefault("items", set()).update(act.items)
        elif isinstance(act, Ask):
            found |= of_wants(act.wants, names)
    return Reading(u.intent, {n: frozenset(v) for n, v in found.items() if v}, seconds)


def of_wants(wants: Wants, names: Linker) -> dict[str, set[object]]:
    found: dict[str, set[object]] = {"like": {names.catalogue.ids.number(i) for i in wants.like}}
    for slot, attribute, operators in _LISTS:
        found[slot] = {n for n in wants.names(attribute, *operators) if n != "Nobody"}
    found["without_content"] = {
        c.attribute for c in wants.conditions if c.operator == "at most" and c.attribute != "year"
    }
    for c in wants.of("year"):
        low = c.values[0] if c.operator != "at most" else None
        found["years"] = {(low, c.values[-1] if c.operator != "at least" else None)}
    found["count"] = {wants.count} if wants.count else set()
    found["wish"] = set(wish(wants.wish))
    return found


def compared(message: Message, heard: Reading) -> tuple[Slots, Slots]:
    """(wanted, found) in the same terms: opinions joined where gold has them so, years and wish out where they are
    relative ("older", "lighter"), since what they come to depends on the table."""
    wanted, found = dict(gold(message)), dict(heard.slots)
    if "judged" in wanted:
        found["judged"] = frozenset().union(*(found.pop(name, frozenset()) for name in JUDGED))
    if message.intent in ("explain", "compare", "ask_item") and "items" not in wanted:
        found.pop("items", None)  # "which is better?": what lies on the table is meant, whatever it is
    if any(s.kind == "rel" for s in message.spans):
        for name in ("years", "wish"):
            wanted.pop(name, None)
            found.pop(name, None)
    return wanted, {n: v for n, v in found.items() if v}


def resolved(message: Message, heard: Reading) -> tuple[str, bool] | None:
    """(kind of reference, whether it came out right); None where the message has none that something is done with."""
    rel = next((s for s in message.spans if s.kind == "rel"), None)
    if rel is not None:
        bound = next(iter(heard.slots.get("years", ())), None)
        if rel.value in ("older", "newer"):
            at = 1 if rel.value == "older" else 0
            ok = isinstance(bound, tuple) and bound[at] is not None and bound[1 - at] is None
            return ("not that old" if rel.value == "newer" else "older"), ok
        return "something lighter", heard.intent in ("recommend", "similar") and bool(heard.slots.get("wish"))
    refs = [s.value for s in message.spans if s.kind == "ref"]
    wanted = pointed_at(message)
    if not refs or not wanted or message.intent in ("chat", "recommend", "stop", "elsewhere"):
        return None
    aged = any("old" in said or "new" in said or "recent" in said for said in _said(message))
    kind = "the older one" if aged else "the second one" if any(isinstance(v, int) for v in refs) else "it, them"
    names: tuple[str, ...] = ("like",) if message.intent == "similar" else ("items",)
    names = JUDGED if message.intent.startswith("feedback") else names
    found = frozenset().union(*(heard.slots.get(n, frozenset()) for n in names))
    return kind, wanted <= found and len(found) <= len(wanted) + sum(s.kind in TITLES for s in message.spans)


def _said(message: Message) -> list[str]:
    return [message.text[s.start : s.end].casefold() for s in message.spans if s.kind == "ref"]


def macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    """F1 of the intents (wanted, found), averaged over those that occur."""
    f1 = []
    for intent in {a for a, _ in pairs}:
        right = sum(a == b == intent for a, b in pairs)
        f1.append(2 * right / (sum(a == intent for a, _ in pairs) + sum(b == intent for _, b in pairs)))
    return sum(f1) / len(f1)


def share(right: Sequence[bool], groups: Sequence[int]) -> dict[str, float | list[float]]:
    """The share of what is right, with its 95 % bootstrap interval over groups (dialogues)."""
    index = np.unique(groups, return_inverse=True)[1]
    hits, sizes = np.bincount(index, np.asarray(right, float)), np.bincount(index)
    drawn = resampled(len(sizes), 2000)
    return {"value": float(hits.sum() / sizes.sum()), "interval": list(percentiles((drawn @ hits) / (drawn @ sizes)))}


def scored(messages: Sequence[Message], heard: Sequence[Reading]) -> dict[str, object]:
    """Every figure of one way of reading."""
    groups = [m.dialogue for m in messages]
    pairs = [(m.intent, h.intent) for m, h in zip(messages, heard, strict=True)]
    both = [compared(m, h) for m, h in zip(messages, heard, strict=True)]
    right, said, wanted = Counter[str](), Counter[str](), Counter[str]()
    for ours, found in both:
        for name in {*ours, *found}:
            a, b = ours.get(name, frozenset()), found.get(name, frozenset())
            right[name] += len(a & b)
            wanted[name] += len(a)
            said[name] += len(b)
    pointed: dict[str, list[bool]] = {}
    for m, h in zip(messages, heard, strict=True):
        if (one := resolved(m, h)) is not None:
            pointed.setdefault(one[0], []).append(one[1])
    took = 1000 * np.array([h.seconds for h in heard])
    return {
        "messages": len(messages),
        "intent": share([a == b for a, b in pairs], groups),
        "intent_macro_f1": macro_f1(pairs),
        "slots_exact": share([a == b for a, b in both], groups),
        "slot_f1": {n: 2 * right[n] / (said[n] + wanted[n]) for n in sorted(wanted) if wanted[n] + said[n]},
        "references": {n: {"right": sum(v) / len(v), "of": len(v)} for n, v in sorted(pointed.items())},
        "milliseconds": {"p50": float(np.median(took)), "p95": float(np.quantile(took, 0.95))},
    }
