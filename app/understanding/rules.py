"""What a message says, by rules: its acts, what was understood, and how sure that is.

Read top to bottom: `answered` asks one question after the other (why? which of two? an opinion? about an item? talk? a
request? more, or a refinement?) and takes the first that fits. Rules decide where the language model cannot; they are
also the path that remains when a model that leads fails.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from app.understanding import cues, references, slots
from app.understanding.heard import About, Act, Ask, Clarify, Compare, Heard, Judge, Talk, Why
from app.understanding.names import ITEM_WORDS, Linker, Mention, Stretches, before, foreign, replaced
from app.understanding.opinions import clauses, kind_of, opinions
from app.understanding.references import Reference
from app.understanding.slots import Slots
from app.understanding.table import Table
from app.wants import Order, Wants, tidied, told, untold
from app.words import tokens
from recommenders.data import (
    CHILD,
    Condition,
    FeedbackKind,
    Levels,
    Named,
    Number,
    Schema,
    asked_in_vain,
    either,
    yes_or_no,
)

_NOT_PICKED = re.compile(r"\bwhy\s+(?:\w+\s+){0,3}?(?:not|n['’]?t)\b|\bwhy\s+(?:did|do)n['’]?t\b", re.IGNORECASE)
_OR = re.compile(r"\bor\b|\bvs\.?\b|\bversus\b", re.IGNORECASE)
_POINTS = re.compile(r"\b(?:it|that|this|seen|one)\b", re.IGNORECASE)
_ADVISE = re.compile(r"\b(?:recommend|suggest)\b", re.IGNORECASE)
_TELL = re.compile(r"\?|\btell\s+me\b", re.IGNORECASE)
_ONLY_ELSE = re.compile(r"\b(?:anything|something)\s+\w+(?:er|ier)\b", re.IGNORECASE)
_OF_THESE = re.compile(
    r"\b(?:of|among)\s+(?:these|those|them)\b|\bwhich\b|^\W*(?:and\s+)?(?:the\s+)?\w+(?:\s+one)?\W*$|"
    r"^\W*(?:and\s+)?what(?:['’]?s|\s+is|\s+are)\s+the\s+(?:\w+\s+){1,3}?(?:ones?|of)\b",
    re.IGNORECASE,
)
_WHICH = re.compile(r"\bwhich\b|\b(?:do|does|is|are|was|were|did|has|have)\s+any\s+of\b|\bwhich\s+of\b", re.IGNORECASE)
_QUESTION = re.compile(
    r"^\W*(?:(?:and|but|so|ok(?:ay)?|hmm+|well|oh|also|then|cool|great|nice|thanks|sorry|please|wait)\W+)*(?:by\s+whom|"
    r"(?:do|does|did|can|could|would)\s+you\s+(?:know|tell\s+me)\s+)?(?:(?:in|for|on|at|from|of|by|to|with)\s+)?"
    r"(?:what|who|whom|whose|which|when|where|how|is|are|was|were|does|do|did|has|have|had|can|could|will|would|should|"
    r"any\s+(?!other|more|good|ideas?)|isn['’]?t|doesn['’]?t|didn['’]?t|wasn['’]?t|tell\s+me\s+(?:more\s+)?(?:about|who|what|how|when|where))",
    re.IGNORECASE,
)
"""How a question begins."""
_OWNED = re.compile(
    r"^\W*(?:(?:and|but|so|ok(?:ay)?)\W+)*(?:have\s+you\s+got|do\s+you\s+(?:guys\s+)?(?:have|know|carry|stock)|you\s+got|got|"
    r"is\s+there\s+a\s+(?:film|movie|game|book)\s+called)\s+(?:(?:the|a)\s+(?:film|movie|game|book|one)\s+(?:called\s+)?)?"
    r"[\"“'‘]?(?P<title>[A-ZÀ-Þ0-9].*?)[\"”'’]?\s*\?*$"
)
"""A title that somebody asks for by name."""
_DETERMINED = re.compile(r"\b(?:an?|any|one|no|einen?|une?|un|alg[uú]n|ning[uú]n|the)\s+$", re.IGNORECASE)
_THAN = re.compile(r"\s+than\b", re.IGNORECASE)
_ONE_BY_ONE = 2  # of more items it is told which are for children
_NUMBERED = re.compile(r"\W*(?:\d{1,2}|[IVX]{2,})\b")
_CAPITALS = re.compile(r"\b[A-ZÀ-Þ][\w'’-]*(?:\s+(?:(?:of|the|and|in|a|to|for)\s+)*[A-ZÀ-Þ0-9][\w'’-]*)+")
_OF_NAMES = ("has all", "has any", "one of")
_NARRATES = re.compile(r"\b(?:i|my|he|she|they|we|you|it['’]?s|its)\b", re.IGNORECASE)


def _points_to(unknown: tuple[tuple[int, int], ...], reference: Reference | None) -> bool:
    """Whether an "it" stands behind a title that the catalogue lacks: then it means that, and nothing on the table."""
    return reference is not None and reference.how == "that" and any(end <= reference.spans[0][0] for _, end in unknown)


def _without_asked(read: Slots, text: str, schema: Schema) -> Slots:
    """The slots without titles that are but words of a question: of "does the dog die?", "The Dog"; of "did it win an
    Oscar?", "Oscar"."""
    if not read.titles or "?" not in text:
        return read
    asked = [span for a in schema.asked for span in a.asked_at(text)]

    def is_word(m: Mention) -> bool:
        within = any(start <= m.start and m.end <= end for start, end in asked)
        return within and (text[m.start : m.end].islower() or bool(_DETERMINED.search(before(text, m.start))))

    kept = tuple(m for m in read.titles if not is_word(m))
    if len(kept) == len(read.titles):
        return read
    items = {m.items[0] for m in kept}
    return replace(read, titles=kept, like=tuple(i for i in read.like if i in items))


def _is_sort(condition: Condition, schema: Schema) -> bool:
    a = schema[condition.attribute]
    return isinstance(a, Named) and a.together


class Reader:
    """One message being read; holds what every question needs."""

    def __init__(self, text: str, table: Table, linker: Linker, given: Slots | None = None) -> None:
        self.text, self.table, self.linker = text.strip(), table, linker
        self.schema = linker.catalogue.schema
        self.asks_for = cues.REQUEST.search(self.text)
        self.requests = bool(self.asks_for)
        self.reference: Reference | None = references.find(self.text, table)
        self.slots: Slots = given or slots.read(
            self.text,
            linker,
            table,
            wish_from=self.asks_for.start() if self.asks_for else 0,
            referred=self.reference.spans if self.reference else (),
        )
        self.slots = _without_asked(self.slots, self.text, self.schema)
        self.titles = tuple(m.items[0] for m in self.slots.titles)
        self.of_unknown = _points_to(self.slots.unknown, self.reference)
        if self.of_unknown:
            self.reference = None
        self.words = len(tokens(self.text))
        self.plain = self._plain()

    def _plain(self) -> str:
        """Titles and places as "it", so that "who is in Heat?" reads like "who is in it?"."""
        named = [(m.start, m.end) for m in self.slots.titles]
        placed = self.reference.spans[:1] if self.reference and self.reference.how == "place" else ()
        return foreign.question(replaced(self.text, [*named, *placed], lambda _: "it"))

    @cached_property
    def facts(self) -> tuple[str, ...]:
        """The attributes that a question is about; () for none in particular."""
        return tuple(a.name for a in self.schema.asked if a.asks(self.plain))

    @cached_property
    def in_vain(self) -> tuple[str, ...]:
        """What it wants to know that the catalogue holds nothing of."""
        return asked_in_vain(self.plain, self.schema)

    @cached_property
    def tests(self) -> tuple[Condition, ...]:
        """What a question supposes of an item: "is it under two hours?", "is it good for a date?"."""
        if self.plain != self.text and not self.slots.conditions and not self.titles and not self.reference:
            heard = slots.read(self.plain, self.linker, self.table).conditions  # of another language
        else:
            heard = self.slots.conditions
        levels = [w for a in self.schema.asked if isinstance(a, Levels) and a.name in self.facts for w in a.adjectives]
        said = " ".join(
            (*levels, *(self.plain[a:b].lower() for x in self.schema.asked for a, b in x.asked_at(self.plain)))
        )
        found = [c for c in heard if not (_is_sort(c, self.schema) and c.said.lower() in said)]
        values = self.linker.catalogue.attributes.values
        for a in self.schema.asked:
            supposed = a.supposes(self.plain, values.get(a.name, ())) if a.name in self.facts else None
            if supposed is not None and (isinstance(a, Named) or a.name not in {c.attribute for c in found}):
                found = [*(c for c in found if c.attribute != a.name), supposed]
        return tuple(found)

    @property
    def refers(self) -> tuple[int, ...]:
        """The items that the message is about: titles first, else what it refers to on the table."""
        if self.titles:
            return self.titles
        return self.reference.items if self.reference else ()

    @property
    def nowhere(self) -> bool:
        """Whether it points at a place that the table does not have."""
        return self.reference is not None and self.reference.how == "place" and not self.reference.items

    def ids(self, items: Sequence[int]) -> tuple[str, ...]:
        return tuple(self.linker.catalogue.ids.ids[i] for i in dict.fromkeys(items))

    def rows(self, ids: Sequence[str]) -> tuple[int, ...]:
        known = self.linker.catalogue.ids
        return tuple(known.number(i) for i in ids if i in known)

    def labels(self, ids: Sequence[str]) -> tuple[str, ...]:
        return tuple(self.linker.catalogue.label(i) for i in self.rows(ids))

    def done(self, *acts: Act, understood: Sequence[str] = (), items: Sequence[int] = (), sure: float = 0.9) -> Heard:
        return Heard(acts, tuple(understood), self.slots.unmatched, sure, items=tuple(items))

    def shown(self, wants: Wants, *, before: Sequence[Act] = (), sure: float = 0.9, more: Sequence[str] = ()) -> Heard:
        """The acts `before`, and then a request for these."""
        said = (*told(wants, self.schema, (*self.labels(wants.like), *wants.relatives)), *more)
        return self.done(*before, Ask(wants), understood=said, items=self.rows(wants.like), sure=sure)


def understand(text: str, table: Table, linker: Linker) -> Heard:
    """What the message says, given what is on the table. Total: every message gets an answer."""
    return answered(Reader(text, table, linker))


def answered(r: Reader) -> Heard:
    """What a message that has been read wants."""
    if not r.text:
        return Heard((Clarify("empty"),), sure=1.0)
    questions = (
        _why,
        _which,
        _feedback,
        _asks_for_lacking,
        _missing,
        _about,
        _chat,
        _request,
        _more_or_refined,
        _lacking,
    )
    for question in questions:
        found = question(r)
        if found is not None:
            return found
    return _leftover(r)


# -- about what is on the table ---------------------------------------------------------------------------------------


def _why(r: Reader) -> Heard | None:
    if not cues.WHY.search(r.text) or cues.WHY_TALK.search(r.text):
        return None
    items = r.refers or r.table.focus or r.table.shown
    if r.nowhere and not r.titles:
        return r.done(Clarify("no such place"), sure=0.95)
    if not items:
        return r.done(Clarify("which"), sure=0.8 if r.slots.unmatched else 0.6)
    return r.done(Why(items, not_picked=bool(_NOT_PICKED.search(r.text))), items=items, sure=0.95)


def _which(r: Reader) -> Heard | None:
    of = r.titles if len(r.titles) > 1 else r.table.shown
    if len(of) > 1 and not r.slots.like and not kind_of(r.plain) and (act := _told_apart(r, of)):
        return r.done(act, items=of)
    pair = tuple(dict.fromkeys((*r.titles, *(r.reference.items if r.reference else ()))))
    if len(pair) == 2 and _THAN.search(r.text) and "?" in r.text and not r.requests:
        return r.done(Compare(pair, _order_of_two(r)), items=pair)
    two = len(r.titles) >= 2 and bool(_OR.search(r.text)) and "?" in r.text
    if not (two and not r.slots.like and not r.requests) and not cues.COMPARE.search(r.text):
        return None
    if r.slots.constrains and not r.titles:
        return None
    items = _compared(r)
    return r.done(Compare(items), items=items) if len(items) >= 2 else None


def _told_apart(r: Reader, of: tuple[int, ...]) -> Compare | None:
    """Which of several: the first in an order that was asked for, the ones that keep what was asked, or those with
    most of it."""
    if r.slots.order is not None and _OF_THESE.search(r.text):
        return Compare(of, r.slots.order)
    if len(r.titles) == 1 or (r.reference is not None and r.reference.how == "place") or r.requests:
        return None
    if not _WHICH.search(r.plain) and not (len(r.titles) > 1 and _OR.search(r.text)):
        return None
    if order := _order_of_two(r):
        return Compare(of, order)
    if r.titles and not _WHICH.search(r.plain):
        return None
    if tests := tuple(c for c in r.tests if r.schema[c.attribute].kind != "number" or r.schema[c.attribute].told):
        return Compare(of, tests=tests)
    if young := _for_the_young(r):
        return Compare(of, tests=young)
    most = next((a for a in r.schema.asked if isinstance(a, Levels) and a.adjectives and a.name in r.facts), None)
    return Compare(of, Order(attribute=most.name, rising=False)) if most is not None else None


def _for_the_young(r: Reader) -> tuple[Condition, ...]:
    """What "good for kids" supposes, where nobody says how old they are."""
    ages = (a for a in r.schema.asked if isinstance(a, Number) and a.dimension == "age" and a.name in r.facts)
    return tuple(a.condition("is", CHILD, said=r.plain) for a in ages)


def _order_of_two(r: Reader) -> Order | None:
    """ "Which is newer?", "which one has more Oscars?", "is it longer than Heat?"."""
    plain = _THAN.sub(" ,", r.plain)
    for a in r.schema.shown:
        if (found := a.hear_order(plain) or a.hear_comparison(plain)) is not None:
            return Order(attribute=found.attribute, rising=found.rising)
    return None


def _compared(r: Reader) -> tuple[int, ...]:
    """What is to be compared: titles, else places, else what lies on the table."""
    if len(r.titles) >= 2:
        return r.titles
    items = tuple(dict.fromkeys((*r.titles, *r.reference.items))) if r.reference else ()
    if len(items) < 2 and len(r.titles) == 1 and re.search(r"\bbetter\s+than\b", r.text, re.IGNORECASE):
        items = tuple(dict.fromkeys((*r.table.focus[:1], *r.titles)))
    if len(items) >= 2:
        return items
    items = r.table.focus if len(r.table.focus) > 1 else r.table.shown
    return items[:2] if re.search(r"\btwo\b", r.text, re.IGNORECASE) else items


def _feedback(r: Reader) -> Heard | None:
    judged = opinions(r.text, r.slots, r.table)
    if not judged:
        return _vague_opinion(r)
    if _only_asks(r) and all(kind == "like" for _, kind in judged):
        return None
    acts, items = judgements(judged), tuple(i for i, _ in judged)
    if not (r.requests or r.slots.constrains or r.slots.like or cues.ELSE.search(r.text)):
        return r.done(*acts, items=items)
    wanted = asked(r, judged=items)
    return Heard((*acts, *wanted.acts), wanted.understood, wanted.unmatched, min(0.9, wanted.sure), items=wanted.items)


def _only_asks(r: Reader) -> bool:
    """Whether all of it is questions: "do you like Heat?" is no opinion."""
    if not cues.ASK.search(r.text) or "?" not in r.text or r.requests:
        return False
    pieces = clauses(r.text, [])
    return all("?" in r.text[start : start + len(piece) + 2] for start, piece in pieces)


def _vague_opinion(r: Reader) -> Heard | None:
    """An opinion of nobody knows what: asked back where several things could be meant."""
    if r.nowhere and not r.titles and kind_of(r.text):
        return r.done(Clarify("no such place"))
    vague = r.reference is None or (r.reference.how == "that" and len(r.table.focus) > 1)
    says = kind_of(r.text) if not r.titles and not r.slots.constrains and not r.requests else None
    short = r.words <= 8 and not cues.YOU.search(r.text) and not r.slots.wish
    if says and vague and short and len(r.table.shown) > 1 and _POINTS.search(r.text):
        return r.done(Clarify("which"), sure=0.6)
    return None


def judgements(judged: Sequence[tuple[int, FeedbackKind]]) -> tuple[Judge, ...]:
    """One act a kind of opinion."""
    kinds: dict[FeedbackKind, list[int]] = {}
    for item, kind in judged:
        kinds.setdefault(kind, []).append(item)
    return tuple(Judge(tuple(dict.fromkeys(items)), kind) for kind, items in kinds.items())


def _missing(r: Reader) -> Heard | None:
    """A question for a title that the catalogue lacks: that is said, whatever it asks."""
    if r.requests or r.slots.like or r.slots.lacking or cues.SIMILAR_TO.search(r.text):
        return None
    if (title := _unowned(r)) or (title := _unlinked(r)):
        heard = r.done(Talk("missing"), sure=0.95)
        return replace(heard, unmatched=(f"I found no title “{title}” in this catalogue", *heard.unmatched))
    asks = "?" in r.text and (cues.ASK.search(r.plain) or r.facts or r.in_vain)
    if r.slots.unknown and not r.titles and (asks or _TELL.search(r.text)):
        return r.done(Talk("missing"), sure=0.95)
    return None


def _unowned(r: Reader) -> str:
    """The title behind "have you got ...?", where nothing is called so: "Frozen 7" is not Frozen."""
    owned = _OWNED.search(r.text)
    if owned is None or r.slots.unknown:
        return ""
    title = owned["title"].strip()
    inside = [m for m in r.slots.titles if owned.start("title") <= m.start < owned.end("title")]
    if not inside:
        return "" if r.slots.constrains else title
    rest = r.text[inside[-1].end : owned.end("title")]
    return title if _NUMBERED.match(rest) else ""


def _unlinked(r: Reader) -> str:
    """Words in capitals that a question is about and that name nothing here."""
    if r.titles or r.reference or r.slots.unknown or not (r.facts or r.in_vain) or not _QUESTION.search(r.text):
        return ""
    for match in _CAPITALS.finditer(r.text):
        if match.start() and not Stretches(r.slots.spans).touch(*match.span()):
            return match.group()
    return ""


def _about(r: Reader) -> Heard | None:
    if not _asks_about(r):
        return None
    items = r.refers
    unseen = bool(cues.UNSEEN.search(r.text))
    supposes = bool(r.tests) and yes_or_no(r.plain) and bool(_QUESTION.search(r.plain))
    telling = bool(r.facts or r.in_vain or supposes)
    if not items:
        questions = telling and _QUESTION.search(r.plain)
        if (r.slots.constrains and not cues.ASK_THAT.search(r.plain) and not questions) or r.slots.unmatched:
            return None
        talks = cues.HELP.search(r.text) or cues.SMALL.search(r.text)
        if not r.table.focus or not ("?" in r.text or unseen or telling) or r.words > 12 or talks:
            return None
        items = r.table.focus
    if unseen and "?" not in r.text and r.requests:
        return None
    placed = r.titles or (r.reference and r.reference.how != "that")
    sure = 0.9 if placed or (telling and _QUESTION.search(r.plain)) else 0.6
    if not telling and cues.JUDGE.search(r.plain) and not unseen:
        # "is it any good?" cannot be judged, but what it would be for this person can be told
        return r.done(Why(items, quality=True), items=items, sure=sure)
    return about(r, items, sure=sure)


def about(r: Reader, items: tuple[int, ...], *, sure: float = 0.9) -> Heard:
    """A question about items: what it asks that the catalogue knows, and that it does not know the rest."""
    tests = r.tests if yes_or_no(r.plain) and (r.facts or not r.in_vain) else ()
    if len(items) > _ONE_BY_ONE and yes_or_no(r.plain):
        tests = tests or _for_the_young(r)
    nothing = bool(r.in_vain) and not r.facts and not tests
    act = About(items, r.facts, tests, r.plain, unanswered=nothing)
    catalogue = r.linker.catalogue
    of = either([catalogue.titles[i] for i in items]) if len(items) <= 2 else "any of them"
    heard = r.done(act, items=items, sure=sure)
    return replace(heard, unmatched=(*heard.unmatched, *untold(r.in_vain, of)))


def _asks_about(r: Reader) -> bool:
    """Whether a message is a question about an item, and not a request that looks like one."""
    questions = bool(_QUESTION.search(r.plain)) and bool(r.facts or r.in_vain)
    if not questions and not cues.ASK.search(r.plain) and not cues.ASK_THAT.search(r.plain) and not _owns(r):
        return False
    if _ADVISE.search(r.text) and (r.slots.like or cues.SIMILAR_TO.search(r.text)):
        return False
    if not r.requests:
        return True
    if r.slots.like:
        return False
    named = r.titles and _TELL.search(r.text)
    placed = r.reference is not None and r.reference.how == "place"
    return bool((r.refers and cues.ASK_THAT.search(r.plain)) or named or placed)


def _owns(r: Reader) -> bool:
    """Whether it asks for a title that is there."""
    return bool(r.titles and _OWNED.search(r.text))


# -- talk -------------------------------------------------------------------------------------------------------------


def _chat(r: Reader) -> Heard | None:
    if cues.HELP.search(r.text):
        return r.done(Talk("help"))
    settled = cues.ACCEPT.search(r.plain) and not r.requests and "?" not in r.text and bool(r.table.turns)
    if settled and not (r.slots.constrains and not r.titles and not cues.THANKS.search(r.text)):
        return r.done(Talk("accept"), items=r.titles, sure=0.7)
    if r.requests or r.slots.constrains or r.titles:
        return None
    if cues.GREETING.search(r.text) and r.words <= 8 and not r.slots.wish:
        if not r.table.turns:
            # a greeting is no reason to keep somebody waiting: picks come along
            return r.done(Ask(greets=True), sure=0.8)
        return r.done(Talk("greeting"))
    return _closing(r)


def _closing(r: Reader) -> Heard | None:
    """Farewells, thanks, consent and the like."""
    if cues.BYE.search(r.text):
        return r.done(Talk("bye"))
    if cues.THANKS.search(r.text) and not cues.ELSE.search(r.text):
        return r.done(Talk("thanks"))
    consents = cues.ACCEPT.search(r.text) and not cues.ELSE.search(r.text) and not cues.REFINES.match(r.text)
    if consents or cues.ACCEPT.fullmatch(r.text):
        return r.done(Talk("accept"), sure=0.7)
    if cues.SMALL.search(r.text) and r.words <= 10:
        return r.done(Talk("small talk"), sure=0.7)
    return None


# -- requests ---------------------------------------------------------------------------------------------------------


def _request(r: Reader) -> Heard | None:
    """A request that stands on its own."""
    alike = bool(cues.SIMILAR_TO.search(r.text))
    if r.nowhere and not r.titles and not r.slots.constrains and (alike or r.words <= 5):
        return r.done(Clarify("no such place"))
    follows = cues.REFINES.match(r.text) or cues.TRAILS.search(r.text) or cues.ELSE.search(r.text)
    if (r.table.wants or r.table.shown) and follows and not r.slots.like and not r.titles and not alike:
        return None
    if r.requests or r.slots.like or alike or r.titles or (r.slots.lacking and _relatives(r)):
        return asked(r)
    only_excludes = all(c.excludes or not _wanted(c, r) for c in r.slots.conditions)
    if r.slots.constrains and (not r.table.wants or (cues.PREFERENCE.search(r.text) and not only_excludes)):
        return asked(r)
    return None


def _wanted(condition: Condition, r: Reader) -> bool:
    """Whether a bound is more than a wish to be spared something."""
    return r.schema[condition.attribute].kind != "levels"


def _more_or_refined(r: Reader) -> Heard | None:
    """ "Something else", "older", "but not animated": the previous request again, with what is new."""
    more = bool(cues.ELSE.search(r.text))
    whole = any(w.text in ITEM_WORDS for w in tokens(r.text)) and not cues.REFINES.match(r.text)
    short = r.words <= 4 and not whole  # "horror?", "from the 80s"; but "films with Al Pacino" stands alone
    if not r.table.wants and not r.table.shown:
        return asked(r) if r.requests or r.slots.constrains or r.slots.order or more else None
    follows = bool(cues.REFINES.match(r.text) or cues.TRAILS.search(r.text)) or short
    refines = (r.slots.constrains or r.slots.order is not None) and not whole and follows
    if not (more or refines or (r.requests and cues.REFINES.match(r.text))):
        return asked(r) if r.requests or r.slots.constrains or r.slots.order else None
    wants = merged(r)
    extra: tuple[str, ...] = ()
    if more or _ONLY_ELSE.search(r.text):
        wants, extra = wants.changed(others=True), ("nothing shown before",)
    if r.slots.wish and not (more and r.words <= 4):
        wants = wants.changed(wish=r.slots.wish)
    return r.shown(wants, sure=0.85 if more or refines else 0.6, more=extra)


def asked(r: Reader, judged: tuple[int, ...] = ()) -> Heard:
    """A new request from the slots; with titles or a reference behind "like" it is one for similar items."""
    wants, like = r.slots.wants, _liked(r, judged)
    others = bool(cues.ELSE.search(r.text)) and bool(r.table.shown)
    if others and not wants.conditions and not like and not wants.wish and r.table.wants:
        wants = r.table.wants
        like = r.rows(wants.like)
    if relatives := _relatives(r):  # "something like Parasite": not like what was spoken of before as well
        wants, like = wants.changed(relatives=relatives), tuple(i for i in like if i in r.titles)
    if others:
        wants = wants.changed(others=True)
    if like and not r.slots.titles and r.table.shown:
        # "more like the second": what was refused stays so
        wants = wants.changed(conditions=_with_exclusions(wants, r))
    if like:
        wants = wants.changed(like=r.ids(like))
    extra = [f"{r.slots.k} picks" if r.slots.k > 1 else "one pick"] if r.slots.k else []
    extra += ["what you know already may appear"] if r.slots.again else []
    stands = like or relatives or r.slots.constrains or r.slots.order is not None or (r.requests and not r.slots.wish)
    sure = 0.9 if stands else 0.6
    return r.shown(wants, sure=sure, more=extra)


def _relatives(r: Reader) -> tuple[str, ...]:
    """What the catalogue lacks and the picks should be like: what is named so, or praised, or all that is said."""
    if r.slots.like_lacking or not r.slots.lacking:
        return r.slots.like_lacking
    rest = replaced(r.text, [(m.start, m.end) for m in r.slots.lacking], lambda length: "_" * length)
    if not tokens(rest.replace("_", " ")) or cues.SIMILAR_TO.search(rest):
        return slots.stranger_ids(r.slots.lacking, r.linker)
    if r.requests and not (r.slots.wish or r.slots.constrains or r.titles or kind_of(rest)):
        return slots.stranger_ids(r.slots.lacking, r.linker)  # "I want to see Dunkirk"
    praised = [m for start, piece in clauses(rest, []) if kind_of(piece) == "like" for m in _named(r, start, piece)]
    return slots.stranger_ids(praised, r.linker)


def _named(r: Reader, start: int, piece: str) -> list[Mention]:
    """What is lacking and this clause is about: what it names, else what was named last ("watched it and loved it")."""
    end = start + len(piece)
    within = [m for m in r.slots.lacking if start <= m.start < end]
    earlier = [m for m in (*r.slots.lacking, *r.slots.titles) if m.start < end]
    return within or [m for m in sorted(earlier, key=lambda m: m.start)[-1:] if m.relatives]


def _lacking(r: Reader) -> Heard | None:
    """A message about something that the catalogue lacks, which it is told."""
    return r.done(Clarify("lacking"), sure=0.9) if r.slots.lacking and not r.slots.wish else None


def _asks_for_lacking(r: Reader) -> Heard | None:
    """A question about what the catalogue lacks: "have you got Parasite?"."""
    asked_of = [
        p for start, p in clauses(r.text, []) if any(start <= m.start < start + len(p) for m in r.slots.lacking)
    ]
    if not any("?" in piece and not _ADVISE.search(piece) for piece in asked_of):
        return None
    if r.slots.like or r.slots.constrains or _relatives(r):
        return None
    heard = r.done(Clarify("lacking"), sure=0.9)
    return replace(heard, unmatched=tuple(f"No, {u}" if n == 0 else u for n, u in enumerate(heard.unmatched)))


def _liked(r: Reader, judged: tuple[int, ...]) -> tuple[int, ...]:
    """What the picks should be like."""
    if r.slots.like:
        return r.slots.like
    if not cues.SIMILAR_TO.search(r.text):
        return r.titles if not judged else ()  # a bare title: "The Godfather?", "Fargo and Heat"
    like = r.titles or (r.reference.items if r.reference else ()) or judged
    if like or r.slots.constrains or r.slots.wish or r.of_unknown:
        return like
    alone = r.table.focus if len(r.table.focus) == 1 else r.table.shown
    return alone if len(alone) == 1 else ()


def merged(r: Reader) -> Wants:
    """The previous request with what is new: quantities, people and counts replace; sorts join behind "but", "also", a
    comparative, and replace behind "what about", "instead" or when they stand alone; exclusions add up."""
    before, new = r.table.wants.changed(others=False, count=None), r.slots
    within = all(any(_within(c, old) for old in before.conditions) for c in new.conditions)
    said = bool(new.conditions or new.wish or new.k or new.again or new.order)
    if r.table.empty and said and ((within and _same_rest(before, new)) or cues.GIVES_IN.search(r.text)):
        before = Wants()  # "just French then", "a drama then": of what found nothing, this alone
    conditions, replaced = list(before.conditions), False
    replaces = bool(cues.REPLACES.search(r.text)) or not cues.ADDS.search(r.text)
    for attribute in dict.fromkeys(c.attribute for c in new.conditions):
        fresh = new.kept((attribute,))
        a = r.schema[attribute]
        if isinstance(a, Named) and a.together and any(not c.excludes for c in fresh):
            replaced = replaced or replaces
            conditions = _sorts_merged(conditions, fresh, attribute, r, replaces)
        else:
            conditions = _replaced(conditions, fresh, attribute)
    return before.changed(
        conditions=tidied(conditions),
        wish="" if replaced else before.wish,
        like=() if replaced else before.like,
        relatives=() if replaced else before.relatives,
        count=new.k,
        again=new.again or before.again,
        order=new.order or before.order,
    )


def _same_rest(before: Wants, new: Slots) -> bool:
    """Whether what is said beside conditions was said before."""
    return (not new.wish or new.wish == before.wish) and not new.k and (not new.again or before.again)


def _replaced(conditions: list[Condition], fresh: Sequence[Condition], attribute: str) -> list[Condition]:
    """The conditions with the new ones of an attribute in place of its old wanted ones; exclusions add up, and what is
    excluded now is wanted no more."""
    unwanted = {v for c in fresh if c.excludes for v in c.values}
    wants = any(not c.excludes for c in fresh)
    found = []
    for c in conditions:
        if c.attribute != attribute or c.excludes:
            found.append(c)
        elif not wants:
            found.append(c.only([v for v in c.values if v not in unwanted]) if c.operator in _OF_NAMES else c)
    return [*found, *fresh]


def _sorts_merged(
    conditions: list[Condition], fresh: Sequence[Condition], attribute: str, r: Reader, replaces: bool
) -> list[Condition]:
    """Sorts that join what was wanted, where all of them go together, or take its place."""
    mine = [c for c in conditions if c.attribute == attribute]
    rest = [c for c in conditions if c.attribute != attribute]
    wanted = Wants(conditions=tuple(fresh))
    every, some = wanted.names(attribute, "has all"), wanted.names(attribute, "has any")
    unwanted = set(wanted.names(attribute, "has none"))
    old = Wants(conditions=tuple(mine))
    if not replaces:
        joined = tuple(dict.fromkeys((*old.names(attribute, "has all"), *every)))
        every = joined if len(joined) < 2 or r.linker.together(joined) else every
        some = some or old.names(attribute, "has any")
    excluded = [n for n in (*old.names(attribute, "has none"), *unwanted) if n not in {*every, *some}]
    a = r.schema[attribute]
    return [
        *rest,
        a.condition("has all", *(n for n in every if n not in unwanted)),
        a.condition("has any", *(n for n in some if n not in unwanted)),
        a.condition("has none", *dict.fromkeys(excluded)),
    ]


def _with_exclusions(wants: Wants, r: Reader) -> tuple[Condition, ...]:
    """The conditions with what the request before did not want, where it is not wanted now."""
    wanted = {(c.attribute, v) for c in wants.conditions if not c.excludes for v in c.values}
    bounded = {c.attribute for c in wants.conditions}
    kept = []
    for c in r.table.wants.conditions:
        if c.operator == "has none":
            kept.append(c.only([v for v in c.values if (c.attribute, v) not in wanted]))
        elif (c.refused or not _wanted(c, r)) and c.attribute not in bounded:
            kept.append(c)
    return tidied((*wants.conditions, *kept))


def _within(now: Condition, before: Condition) -> bool:
    """Whether a condition says nothing that the one before did not say."""
    if (now.attribute, now.operator, now.refused) != (before.attribute, before.operator, before.refused):
        return False
    return set(now.values) <= set(before.values)


def _leftover(r: Reader) -> Heard:
    """Nothing fitted: free words are a wish when they read like one, else talk."""
    if r.slots.unmatched and not r.slots.wish:
        return r.done(Clarify("which"), sure=0.7)
    if r.slots.wish and not _NARRATES.search(r.text) and r.words <= 12:
        return r.shown(r.slots.wants, sure=0.4)
    return r.done(Talk("small talk"), sure=0.3)
