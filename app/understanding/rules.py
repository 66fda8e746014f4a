"""What a message wants, by rules: one action with tool calls, what was understood, and how sure that is.

Read top to bottom: `understand` asks one question after the other (why? which of two? about an item? an opinion? more?
a refinement? a request?) and takes the first that fits. Rules decide where the language model cannot; they are also the
path that remains when a model that leads fails.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from app.understanding import cues, references, slots
from app.understanding.cues import Fact
from app.understanding.names import ITEM_WORDS, Linker
from app.understanding.opinions import clauses, kind_of, opinions
from app.understanding.references import Reference
from app.understanding.slots import Slots
from app.understanding.table import Table
from app.words import tokens
from recommenders.contract import Filters
from recommenders.data import FeedbackKind

Action = Literal["recommend", "similar", "explain", "compare", "ask_item", "feedback", "clarify", "chat"]
Topic = Literal[
    "",
    "greeting",
    "thanks",
    "bye",
    "help",
    "accept",
    "small talk",
    "which",
    "empty",
    "no such place",
    "judge",
    "elsewhere",
]


@dataclass(frozen=True)
class Call:
    """One tool call: the tool's name and its arguments, items as "item:<item_id>"."""

    tool: str
    arguments: Mapping[str, object]


@dataclass(frozen=True)
class Understanding:
    """What a message wants.

    calls       tools to call, in order
    fact        which fact of an item is asked for
    topic       what kind of chat, or what a clarifying question is about
    understood  constraints for people; unmatched: what the catalogue does not know, for people
    why_not     the question was why an item was *not* picked
    sure        0..1: below UNSURE a model may be asked to break the tie
    along       the last call brings picks that nobody asked for (app/turn/alongside.py)
    """

    action: Action
    calls: tuple[Call, ...] = ()
    fact: Fact = ""
    topic: Topic = ""
    understood: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    why_not: bool = False
    sure: float = 0.9
    items: tuple[int, ...] = field(default=())
    by: Literal["rules", "encoder"] = "rules"
    second: str = ""  # what else read the message, and what it made of it, for the trace
    along: bool = False

    @property
    def arguments(self) -> Mapping[str, object]:
        """Of the last call, which is the one that answers."""
        return self.calls[-1].arguments if self.calls else {}


UNSURE = 0.5


def _points_to(unknown: tuple[tuple[int, int], ...], reference: Reference | None) -> bool:
    """Whether an "it" stands behind a title that the catalogue lacks: then it means that, and nothing on the table."""
    return reference is not None and reference.how == "that" and any(end <= reference.spans[0][0] for _, end in unknown)


class Reader:
    """One message being read; holds what every question needs."""

    def __init__(self, text: str, table: Table, linker: Linker, k: int, given: Slots | None = None) -> None:
        self.text, self.table, self.linker, self.k = text.strip(), table, linker, k
        request = cues.REQUEST.search(self.text)
        self.requests = bool(request)
        starts = [m.start() for m in cues.REQUEST.finditer(self.text)]
        self.reference: Reference | None = references.find(self.text, table)
        self.slots: Slots = given or slots.read(
            self.text,
            linker,
            table,
            k=k,
            wish_from=starts[0] if starts else 0,
            referred=self.reference.spans if self.reference else (),
        )
        self.titles = tuple(m.items[0] for m in self.slots.titles)
        self.of_unknown = _points_to(self.slots.unknown, self.reference)
        if self.of_unknown:
            self.reference = None
        self.words = len(tokens(self.text))
        # titles and references as "it", so that "who is in Heat?" reads like "who is in it?"
        named = [(m.start, m.end) for m in self.slots.titles]
        placed = self.reference.spans[:1] if self.reference and self.reference.how == "place" else ()
        self.plain = self.text
        for start, end in sorted([*named, *placed], reverse=True):
            self.plain = self.plain[:start] + "it" + self.plain[end:]

    @property
    def refers(self) -> tuple[int, ...]:
        """The items that the message is about: titles first, else what it refers to on the table."""
        if self.titles:
            return self.titles
        return self.reference.items if self.reference else ()

    def ids(self, items: tuple[int, ...]) -> list[str]:
        return [f"item:{self.linker.catalogue.ids.ids[i]}" for i in dict.fromkeys(items)]

    def labels(self, items: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(self.linker.catalogue.label(i) for i in dict.fromkeys(items))

    def done(self, action: Action, *calls: Call, sure: float = 0.9, **more: object) -> Understanding:
        items = more.pop("items", ())
        return Understanding(action, calls, unmatched=self.slots.unmatched, sure=sure, items=items, **more)  # type: ignore[arg-type]


def understand(text: str, table: Table, linker: Linker, *, k: int = 5) -> Understanding:
    """What the message wants, given what is on the table. Total: every message gets an answer."""
    return answered(Reader(text, table, linker, k))


def answered(r: Reader) -> Understanding:
    """What a message that has been read wants."""
    if not r.text:
        return Understanding("clarify", topic="empty", sure=1.0)
    for question in (_why, _which, _feedback, _about, _chat, _request, _more_or_refined):
        found = question(r)
        if found is not None:
            return found
    return _leftover(r)


def _why(r: Reader) -> Understanding | None:
    if not cues.WHY.search(r.text) or cues.WHY_TALK.search(r.text):
        return None
    why_not = bool(re.search(r"\bwhy\s+(?:\w+\s+){0,3}?(?:not|n['’]?t)\b|\bwhy\s+(?:did|do)n['’]?t\b", r.text, re.I))
    items = r.refers or (r.table.focus if r.table.focus else r.table.shown)
    if r.reference and r.reference.how == "place" and not r.reference.items and not r.titles:
        return r.done("clarify", topic="no such place", sure=0.95)
    if not items:
        unknown = bool(r.slots.unmatched)
        return r.done("clarify", topic="which", sure=0.8 if unknown else 0.6)
    return r.done("explain", Call("explain", {"items": r.ids(items)}), why_not=why_not, items=items, sure=0.95)


def _which(r: Reader) -> Understanding | None:
    two = len(r.titles) >= 2 and bool(re.search(r"\bor\b|\bvs\.?\b|\bversus\b", r.text, re.I)) and "?" in r.text
    if not (two and not r.slots.like and not r.requests) and not cues.COMPARE.search(r.text):
        return None
    if r.slots.constrains and not r.titles:
        return None
    items = r.titles if len(r.titles) >= 2 else ()
    if not items and r.reference:
        items = tuple(dict.fromkeys((*r.titles, *r.reference.items)))
    if len(items) < 2 and len(r.titles) == 1 and re.search(r"\bbetter\s+than\b", r.text, re.I):
        items = tuple(dict.fromkeys((*r.table.focus[:1], *r.titles)))
    if len(items) < 2:
        items = r.table.focus if len(r.table.focus) > 1 else r.table.shown
        if re.search(r"\btwo\b", r.text, re.I):
            items = items[:2]
    if len(items) < 2:
        return None
    return r.done("compare", Call("compare", {"items": r.ids(items)}), items=items)


def _feedback(r: Reader) -> Understanding | None:
    judged = opinions(r.text, r.slots, r.table)
    reference = r.reference
    if not judged:
        vague = reference is None or (reference.how == "that" and len(r.table.focus) > 1)
        says = kind_of(r.text) if not r.titles and not r.slots.constrains and not r.requests else None
        short = r.words <= 8 and not cues.YOU.search(r.text) and not r.slots.wish
        if (
            says
            and vague
            and short
            and len(r.table.shown) > 1
            and re.search(r"\b(?:it|that|this|seen|one)\b", r.text, re.I)
        ):
            return r.done("clarify", topic="which", sure=0.6)
        if reference and reference.how == "place" and not reference.items and not r.titles and kind_of(r.text):
            return r.done("clarify", topic="no such place")
        return None
    if cues.ASK.search(r.text) and "?" in r.text and not r.requests and all(kind == "like" for _, kind in judged):
        asks = [p for _, p in clauses(r.text, []) if "?" in r.text[r.text.find(p) :][: len(p) + 2]]
        if len(asks) == len(clauses(r.text, [])):
            return None
    kinds: dict[FeedbackKind, list[int]] = {}
    for item, kind in judged:
        kinds.setdefault(kind, []).append(item)
    calls = [Call("remember", {"items": r.ids(tuple(items)), "kind": kind}) for kind, items in kinds.items()]
    wants_more = r.requests or r.slots.constrains or bool(r.slots.like) or bool(cues.ELSE.search(r.text))
    if not wants_more:
        return r.done("feedback", *calls, items=tuple(i for i, _ in judged))
    wanted = asked(r, judged=tuple(i for i, _ in judged))
    return r.done(
        wanted.action,
        *calls,
        *wanted.calls,
        understood=wanted.understood,
        items=wanted.items,
        sure=min(0.9, wanted.sure),
    )


def _about(r: Reader) -> Understanding | None:
    if not cues.ASK.search(r.plain) and not cues.ASK_THAT.search(r.plain):
        return None
    if re.search(r"\b(?:recommend|suggest)\b", r.text, re.I) and (r.slots.like or cues.SIMILAR_TO.search(r.text)):
        return None
    items = r.refers
    unseen = bool(cues.UNSEEN.search(r.text))
    if (
        r.requests
        and not (items and cues.ASK_THAT.search(r.plain))
        and not (r.titles and re.search(r"\?|\btell\s+me\b", r.text))
        and not (r.reference and r.reference.how == "place")
    ):
        return None
    if r.slots.like and r.requests:
        return None
    fact: Fact = next((name for name, pattern in cues.FACT if pattern.search(r.plain)), "")
    if not items:
        if (r.slots.constrains and not cues.ASK_THAT.search(r.plain)) or r.slots.unmatched:
            return None
        asks = "?" in r.text or unseen or fact
        short = r.words <= 10
        if r.table.focus and asks and short and not cues.HELP.search(r.text) and not cues.SMALL.search(r.text):
            items = r.table.focus
        else:
            return None
    if unseen and "?" not in r.text and r.requests:
        return None
    sure = 0.9 if r.titles or (r.reference and r.reference.how != "that") else 0.6
    if not fact and cues.JUDGE.search(r.plain) and not unseen:
        # "is it any good?" cannot be judged, but what it would be for this person can be told
        return r.done("explain", Call("explain", {"items": r.ids(items)}), topic="judge", items=items, sure=sure)
    return r.done("ask_item", Call("lookup", {"items": r.ids(items)}), fact=fact, items=items, sure=sure)


def _chat(r: Reader) -> Understanding | None:
    asks = r.requests or r.slots.constrains or r.titles
    if cues.HELP.search(r.text):
        return r.done("chat", topic="help")
    settled = cues.ACCEPT.search(r.plain) and not r.requests and "?" not in r.text and bool(r.table.turns)
    if settled and not (r.slots.constrains and not r.titles and not cues.THANKS.search(r.text)):
        return r.done("chat", topic="accept", items=r.titles, sure=0.7)
    if asks:
        return None
    if cues.GREETING.search(r.text) and r.words <= 8 and not r.slots.wish:
        if not r.table.turns:
            # a greeting is no reason to keep somebody waiting: picks come along
            return r.done("recommend", Call("recommend", {}), topic="greeting", sure=0.8)
        return r.done("chat", topic="greeting")
    if cues.BYE.search(r.text):
        return r.done("chat", topic="bye")
    if cues.THANKS.search(r.text) and not cues.ELSE.search(r.text):
        return r.done("chat", topic="thanks")
    if cues.ACCEPT.search(r.text) and not cues.ELSE.search(r.text) and not cues.REFINES.match(r.text):
        return r.done("chat", topic="accept", sure=0.7)
    if cues.ACCEPT.fullmatch(r.text):
        return r.done("chat", topic="accept", sure=0.7)
    if cues.SMALL.search(r.text) and r.words <= 10:
        return r.done("chat", topic="small talk", sure=0.7)
    return None


def _request(r: Reader) -> Understanding | None:
    """A request that stands on its own."""
    nowhere = r.reference and r.reference.how == "place" and not r.reference.items
    if nowhere and not r.titles and not r.slots.constrains and (cues.SIMILAR_TO.search(r.text) or r.words <= 5):
        return r.done("clarify", topic="no such place")
    follows = cues.REFINES.match(r.text) or cues.TRAILS.search(r.text) or cues.ELSE.search(r.text)
    follow_up = bool(r.table.arguments or r.table.shown) and follows
    if follow_up and not r.slots.like and not r.titles and not cues.SIMILAR_TO.search(r.text):
        return None
    if r.requests or r.slots.like or cues.SIMILAR_TO.search(r.text) or r.titles:
        return asked(r)
    excludes = replace(r.slots.filters, without_genres=(), without_people=(), without_content=()).is_empty()
    if r.slots.constrains and (not r.table.arguments or (cues.PREFERENCE.search(r.text) and not excludes)):
        return asked(r)
    return None


def _more_or_refined(r: Reader) -> Understanding | None:
    """ "Something else", "older", "but not animated": the previous request again, with what is new."""
    more = bool(cues.ELSE.search(r.text))
    whole = any(w.text in ITEM_WORDS for w in tokens(r.text)) and not cues.REFINES.match(r.text)
    short = r.words <= 4 and not whole  # "horror?", "from the 80s"; but "films with Al Pacino" stands alone
    if not r.table.arguments and not r.table.shown:
        return asked(r) if r.requests or r.slots.constrains or more else None
    refines = (
        r.slots.constrains and not whole and (bool(cues.REFINES.match(r.text) or cues.TRAILS.search(r.text)) or short)
    )
    if not (more or refines or (r.requests and cues.REFINES.match(r.text))):
        return asked(r) if r.requests or r.slots.constrains else None
    arguments, understood = merged(r)
    if more or _only_else(r):
        arguments["more"] = True
        understood = (*understood, "nothing shown before")
    if r.slots.wish and not (more and r.words <= 4):
        arguments["wish"] = r.slots.wish
    return r.done(
        "similar" if arguments.get("items") else "recommend",
        Call("similar" if arguments.get("items") else "recommend", arguments),
        understood=understood,
        sure=0.85 if more or refines else 0.6,
    )


def _only_else(r: Reader) -> bool:
    return bool(re.search(r"\b(?:anything|something)\s+\w+(?:er|ier)\b", r.text, re.I))


def asked(r: Reader, judged: tuple[int, ...] = ()) -> Understanding:
    """A new request from the slots; with titles or a reference behind "like" it is one for similar items."""
    like = r.slots.like
    if not like and cues.SIMILAR_TO.search(r.text):
        like = r.titles or (r.reference.items if r.reference else ()) or judged
        if not like and not r.slots.constrains and not r.slots.wish and not r.of_unknown:
            like = r.table.focus if len(r.table.focus) == 1 else ()
            if not like and r.table.shown:
                like = r.table.shown[:1] if len(r.table.shown) == 1 else ()
    elif not like and r.titles and not judged:
        like = r.titles  # a bare title: "The Godfather?", "Fargo and Heat"
    arguments = _arguments(r.slots)
    more = bool(cues.ELSE.search(r.text)) and bool(r.table.shown)
    if more and not r.slots.constrains and not like and not r.slots.wish and r.table.arguments:
        arguments = dict(r.table.arguments)
        if isinstance(arguments.get("items"), list):
            like = tuple(
                r.linker.catalogue.ids.number(str(i)[5:])
                for i in arguments["items"]  # type: ignore[attr-defined]
                if str(i)[5:] in r.linker.catalogue.ids
            )
    if more:
        arguments["more"] = True
    if like and not r.slots.titles and r.table.shown:
        arguments = _with_exclusions(arguments, r.table.arguments)  # "more like the second": what was refused stays so
    said = slots.describe(filters_of(arguments), r.slots.years.said, str(arguments.get("wish", "")), r.labels(like))
    if r.slots.k:
        said = (*said, f"{r.slots.k} picks" if r.slots.k > 1 else "one pick")
    if r.slots.again:
        said = (*said, "what you know already may appear")
    if like:
        arguments["items"] = r.ids(like)
        return r.done("similar", Call("similar", arguments), understood=said, items=like)
    sure = 0.9 if r.slots.constrains or (r.requests and not r.slots.wish) else 0.6
    return r.done("recommend", Call("recommend", arguments), understood=said, sure=sure)


def _arguments(s: Slots) -> dict[str, object]:
    """Slots as the arguments of the tools, empty ones left out."""
    f = s.filters
    named: dict[str, object] = {
        "wish": s.wish,
        "genres": list(f.genres),
        "any_genres": list(f.any_genres),
        "without_genres": list(f.without_genres),
        "people": list(f.people),
        "without_people": list(f.without_people),
        "languages": list(f.languages),
        "without_content": list(f.without_content),
        "year_from": f.year_from,
        "year_to": f.year_to,
        "count": s.k,
        "include_seen": s.again,
    }
    return {name: value for name, value in named.items() if value}


def merged(r: Reader) -> tuple[dict[str, object], tuple[str, ...]]:
    """The previous arguments with what is new: years, people and counts replace; genres join behind "but", "also",
    a comparative, and replace behind "what about", "instead" or when they stand alone; exclusions add up."""
    arguments = dict(r.table.arguments)
    for name in ("more", "count"):  # of that one answer
        arguments.pop(name, None)
    new = _arguments(r.slots)
    within = all(_within(arguments.get(name), value) for name, value in new.items())
    if r.table.empty and new and (within or cues.GIVES_IN.search(r.text)):
        arguments = {}  # "just French then", "a drama then": of what found nothing, this alone
    replaces = bool(cues.REPLACES.search(r.text)) or not cues.ADDS.search(r.text)
    genre_names = ("genres", "any_genres")
    if any(name in new for name in genre_names):
        old = [] if replaces else _names(arguments, "genres")
        kept_any = [] if replaces or "any_genres" in new else _names(arguments, "any_genres")
        fresh = [*old, *(g for g in _names(new, "genres") if g not in old)]
        if len(fresh) > 1 and not r.linker.together(tuple(fresh)):
            fresh = _names(new, "genres")
        arguments["genres"], arguments["any_genres"] = fresh, _names(new, "any_genres") or kept_any
        if replaces:
            arguments.pop("wish", None)
            arguments.pop("items", None)
    for name in ("without_genres", "without_people", "without_content"):
        arguments[name] = list(dict.fromkeys([*_names(arguments, name), *_names(new, name)]))
    wanted = {*_names(new, "genres"), *_names(new, "any_genres")}
    arguments["without_genres"] = [g for g in _names(arguments, "without_genres") if g not in wanted]
    unwanted = set(_names(new, "without_genres"))
    for name in genre_names:
        arguments[name] = [g for g in _names(arguments, name) if g not in unwanted]
    if "year_from" in new or "year_to" in new:
        arguments["year_from"], arguments["year_to"] = new.get("year_from"), new.get("year_to")
    for name in ("people", "languages", "count", "include_seen"):
        if name in new:
            arguments[name] = new[name]
    arguments["people"] = [p for p in _names(arguments, "people") if p not in _names(new, "without_people")]
    arguments = {name: value for name, value in arguments.items() if value}
    filters = filters_of(arguments)
    items = arguments.get("items")
    labels = tuple(
        r.linker.catalogue.label(r.linker.catalogue.ids.number(str(i)[5:]))
        for i in (items if isinstance(items, list) else [])
        if str(i)[5:] in r.linker.catalogue.ids
    )
    wish = r.slots.wish or str(arguments.get("wish", ""))
    return arguments, slots.describe(filters, r.slots.years.said, wish, labels)


def _with_exclusions(arguments: dict[str, object], before: Mapping[str, object]) -> dict[str, object]:
    """The arguments with what the request before did not want, where it is not wanted now."""
    wanted = {*_names(arguments, "genres"), *_names(arguments, "any_genres"), *_names(arguments, "people")}
    kept = {
        name: [n for n in dict.fromkeys([*_names(arguments, name), *_names(before, name)]) if n not in wanted]
        for name in ("without_genres", "without_people", "without_content")
    }
    return {**arguments, **{name: names for name, names in kept.items() if names}}


def _within(before: object, now: object) -> bool:
    """Whether an argument says nothing that the one before did not say."""
    return set(now) <= set(before) if isinstance(now, list) and isinstance(before, list) else now == before


def _names(arguments: Mapping[str, object], name: str) -> list[str]:
    value = arguments.get(name)
    return [str(v) for v in value] if isinstance(value, list | tuple) else []


def filters_of(arguments: Mapping[str, object]) -> Filters:
    """The filters among a tool's arguments."""

    def year(name: str) -> int | None:
        value = arguments.get(name)
        return value if isinstance(value, int) else None

    lists = ("genres", "any_genres", "without_genres", "people", "without_people", "languages", "without_content")
    return Filters(
        **{name: tuple(_names(arguments, name)) for name in lists}, year_from=year("year_from"), year_to=year("year_to")
    )


def _leftover(r: Reader) -> Understanding:
    """Nothing fitted: free words are a wish when they read like one, else talk."""
    if r.slots.unmatched and not r.slots.wish:
        return r.done("clarify", topic="which", sure=0.7)
    narrates = re.search(r"\b(?:i|my|he|she|they|we|you|it['’]?s|its)\b", r.text, re.I)
    if r.slots.wish and not narrates and r.words <= 12:
        return r.done(
            "recommend",
            Call("recommend", _arguments(r.slots)),
            understood=slots.describe(r.slots.filters, "", r.slots.wish),
            sure=0.4,
        )
    return r.done("chat", topic="small talk", sure=0.3)
