"""Rules and the small encoder read a message together, and the trace says who decided.

The encoder marks the slots, and what it marks is linked to the catalogue; rules fill in what it left (`joined`). On
these slots both decide: where they agree, that is it; where they do not, the encoder's intent counts unless it is very
unsure, since it knows ways of saying that no rule lists. It also tells whether a request begins anew, refines, or goes
on, which rules can only guess. How each does alone: benchmarks/steer.py.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from app.understanding import cues, slots
from app.understanding.heard import About, Compare, Heard, Talk, Topic, Why
from app.understanding.names import Linker, Mention, foreign
from app.understanding.opinions import kind_of, opinions
from app.understanding.reader import TITLES, Encoder, Reading, Span
from app.understanding.references import SEVERAL, Reference, find
from app.understanding.rules import Reader, about, answered, asked, judgements, merged
from app.understanding.slots import Slots
from app.understanding.table import Table
from app.wants import Wants, tidied
from recommenders.data import Condition, FeedbackKind, Levels, Named
from recommenders.texts import word_index

# Label smoothing keeps even a certain reading near .95. The first two were chosen on composed dialogues of the
# validation part and every other dialogue of IARD.
SURE = 0.30  # the encoder's probability from which it decides against the rules
TALK_SURE = 0.50  # and from which it takes for talk what they are sure is a request
RULES_SURE = 0.60  # what rules are at most when they guess
CARRY_SURE = 0.90
WISHLESS = 0.50  # and from which a message without a marked slot has no wish either
_JUDGED: dict[str, FeedbackKind] = {"good": "like", "bad": "dislike", "seen": "seen"}
_DECLINES = re.compile(r"(?:no|not|nope|nah|never)\b(?!\s+(?:bad|only|just|sure))", re.IGNORECASE)
_LIKE_THAT = re.compile(r"\b(?:like|similar\s+to)\s+(?:that|this|it|the\s+\w+\s+one)\b", re.IGNORECASE)
_AGED = re.compile(
    r"the\s+(?:(?P<old>old(?:er|est)|earli(?:er|est))|(?P<new>new(?:er|est)|latest|(?:more|most)\s+recent))\b",
    re.IGNORECASE,
)


def read(text: str, table: Table, linker: Linker, encoder: Encoder, *, previous: str = "") -> Heard:
    """What the message says. Total, like `understand`.

    previous  the person's message before
    """
    text = text.strip()
    reader = Reader(text, table, linker)
    if not text:
        return answered(reader)
    found = encoder.read(text, previous, len(table.shown), linker.known(text))
    own = slots_of(found.spans, text, table, linker)
    together = joined(reader.slots, own, found, text, linker)
    rules = answered(pointing(found, Reader(text, table, linker, together)))
    says = f"{found.intent.replace('_', ' ')} ({found.sure:.0%})"
    unsure_talk = found.intent == "chat" and found.sure < TALK_SURE
    doubtful = (found.intent == "elsewhere" or unsure_talk) and rules.action == "recommend"
    if doubtful and bare_wish(text, reader.slots, found, linker):
        return replace(rules, second=f"A small encoder read: {says}; the rules took it for the wish that it may be.")
    intent = rules.intent
    if found.intent == intent or (found.intent == "elsewhere" and intent == "chat"):
        return _agreed(rules, found, says, Reader(text, table, linker, together))
    if found.sure >= _needed(text, rules, found):
        forced = build(found, pointing(found, Reader(text, table, linker, together)))
        if forced is not None and (not rules.judged or forced.judged):
            second = f"The rules would have taken it for: {intent.replace('_', ' ')}."
            return replace(forced, by="encoder", second=second, sure=found.sure)
    return replace(rules, second=f"A small encoder read: {says}; the rules decide.")


def _agreed(rules: Heard, found: Reading, says: str, r: Reader) -> Heard:
    """Both read the same; the encoder tells whether a request begins anew or refines."""
    kept = _anew(rules, found, r)
    if kept is not None:
        return replace(kept, by="encoder", second=f"A small encoder read: {says}, and that it begins anew.")
    if _drops(rules, found, r.table) and (kept := build(found, r)) is not None:
        return replace(kept, by="encoder", second=f"A small encoder read: {says}, and that it refines the last one.")
    if found.intent == "elsewhere" and rules.topic in ("", "small talk", "greeting", "accept"):
        rules = replace(rules, acts=(*rules.acts[:-1], Talk("elsewhere")))
    return replace(rules, second=f"A small encoder read the same: {says}.", sure=max(rules.sure, found.sure))


def _needed(text: str, rules: Heard, found: Reading) -> float:
    """The probability from which the encoder decides against the rules; above 1 where it never does."""
    if rules.topic in ("no such place", "lacking") or (found.intent == "elsewhere" and not _claims_nothing(rules)):
        return 2.0
    if rules.action == "similar" and found.intent == "recommend" and _LIKE_THAT.search(text):
        return 2.0
    if isinstance(rules.leading, Compare) and rules.leading.by is not None:
        return 2.0  # "the least scary of these": the encoder was taught no orders
    if _certain(rules) or (found.intent in ("chat", "stop", "elsewhere") and _says_conditions(text, rules)):
        return 2.0
    points = any(span.kind == "ref" for span in found.spans)  # "does somebody die in the oldest one?"
    if rules.wants.order is not None and not points and rules.sure > RULES_SURE and found.intent == "ask_item":
        return 2.0  # "oldest first, please"
    if rules.topic == "bye" and found.intent == "chat":  # of the two, farewells are few words that rules list
        return 2.0
    request = rules.action == "recommend" and rules.sure > RULES_SURE
    return TALK_SURE if request and found.intent in ("chat", "stop", "elsewhere") else SURE


def _certain(rules: Heard) -> bool:
    """Whether rules read a question that names what it asks for: which of these keep something, what of an item."""
    act = rules.leading
    if isinstance(act, Compare):
        return bool(act.tests)
    if isinstance(act, About):
        return rules.sure > RULES_SURE and bool(act.attributes or act.tests or act.unanswered)
    return rules.topic == "missing"


def _says_conditions(text: str, rules: Heard) -> bool:
    """Whether a message is hardly more than conditions that rules read by closed forms: "under 2 hours"."""
    said = [c.said for c in rules.wants.conditions if c.said and c.said.lower() in text.lower()]
    rest = word_index.content_words(text).keys() - word_index.content_words(" ".join(said)).keys()
    return bool(said) and len(rest) <= 1


def _claims_nothing(rules: Heard) -> bool:
    """Whether rules found nothing of the catalogue in the message."""
    return not rules.items and not rules.wants.conditions and not rules.wants.again


def joined(rules: Slots, own: Slots, found: Reading, text: str, linker: Linker) -> Slots:
    """The slots of both. What the encoder marked stands, since it sees the words around and was told which of them are
    names; where it marked nothing of a kind, the rules fill in. What the catalogue does not know is the rules' to tell.
    The words that rules have left over are a wish where they are all that a request says ("slow-burning space horror"),
    or where the encoder marked nothing at all and is unsure of what kind of message this is.
    """
    kinds = {s.kind for s in found.spans}
    if _names_only(own.wish, rules):
        own = replace(own, wish="")
    if rules.order is not None and linker.catalogue.schema[rules.order.attribute].hear_order(own.wish) is not None:
        own = replace(own, wish="")  # "shortest" is an order, and no wish
    bare = not own.titles and bare_wish(text, rules, found, linker)
    left = rules.wish if bare or (not kinds and found.sure < WISHLESS) else ""
    if any(s.kind in ("count", "wish") and _overlaps(s, rules.measured) for s in found.spans):
        own = replace(own, k=rules.k, wish=rules.wish)  # "for two players" is neither a number of picks nor a wish
    return replace(
        rules,
        conditions=_conditions(rules, own, kinds, linker),
        k=own.k or (None if kinds else rules.k),
        titles=own.titles or rules.titles,
        like=own.like or rules.like,
        judged=own.judged,
        relative=own.relative or rules.relative,
        wish=left if bare else own.wish or left,
    )


def _names_only(wish: str, rules: Slots) -> bool:
    """Whether a wish is nothing but names of the catalogue that rules found: a word of a vocabulary is no free wish."""
    names = {t.text for c in rules.conditions for t in slots.telling_words(c.said)}
    words_ = {t.text for t in slots.telling_words(wish)}
    return bool(words_) and words_ <= names


def _overlaps(span: Span, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start < span.end and span.start < end for start, end in spans)


def _conditions(rules: Slots, own: Slots, kinds: set[str], linker: Linker) -> tuple[Condition, ...]:
    """Attribute by attribute the encoder's, where it marked what speaks of it; else the rules'."""
    found: list[Condition] = []
    for a in linker.catalogue.schema.heard:
        mine, theirs = own.kept((a.name,)), rules.kept((a.name,))
        if isinstance(a, Named) and a.together:
            found += mine if kinds & {"genre", "no_genre"} else theirs
        elif isinstance(a, Levels):
            found += mine if kinds & {"no_content", "no_genre"} else theirs
        elif any(c.refused for c in theirs):
            found += theirs  # the encoder marks "the seventies", and not the "not" before it
        else:
            found += mine or theirs
    return tidied(found)


def bare_wish(text: str, rules: Slots, found: Reading, linker: Linker) -> bool:
    """Whether a message is a wish and nothing else ("jazz musicians"), some word of which stands for nothing in the
    catalogue but all of which are in the texts of its items. What is no request counts only where it is a bare noun."""
    talk = found.intent in ("elsewhere", "chat")
    if found.intent not in ("recommend", "similar") and not (talk and slots.bare_noun(text, rules.wish)):
        return False
    said = slots.telling_words(text)
    free = slots.telling_words(text, [(s.start, s.end) for s in found.spans if _linked(s, text, linker)])
    if talk:
        free = free or said
    wished = {t.text for t in slots.telling_words(rules.wish)}
    index = word_index.index_of(linker.catalogue)
    return bool(free) and {t.text for t in said} <= wished and all(index.coverage(t.text).any() for t in free)


def _linked(span: Span, text: str, linker: Linker) -> bool:
    said = text[span.start : span.end]
    if span.kind in TITLES:
        return bool(linker.items(said))
    if span.kind in ("person", "no_person"):
        return any(linker.value(a.name, said) for a in linker.catalogue.schema.heard if getattr(a, "proper", False))
    return True


def _anew(rules: Heard, found: Reading, r: Reader) -> Heard | None:
    """The request without what earlier ones asked for, where rules kept that and the encoder reads a new request."""
    if rules.action != "recommend" or not r.table.wants or found.carry != "new" or found.carry_sure < CARRY_SURE:
        return None
    fresh = asked(r)
    kept = _sides(rules.wants) & _sides(r.table.wants) - _sides(fresh.wants)
    return fresh if kept and fresh.wants else None


def _drops(rules: Heard, found: Reading, table: Table) -> bool:
    """Whether rules begin anew where the encoder reads a refinement of the request before."""
    if rules.action != "recommend" or found.carry != "refine" or found.carry_sure < CARRY_SURE:
        return False
    return bool(_sides(table.wants) - _sides(rules.wants))


def _sides(wants: Wants) -> set[str]:
    """What a request speaks of: attributes, each with whether it excludes, the wish, what it is to be like."""
    found = {f"{c.attribute}{' without' if c.excludes else ''}{c.operator == 'has any'}" for c in wants.conditions}
    return found | {n for n in ("wish", "like", "again") if getattr(wants, n)}


def build(found: Reading, r: Reader) -> Heard | None:
    """What the encoder's intent means here; None where the message or the table lacks what it needs."""
    if found.intent == "similar" and not r.slots.like:
        r.slots = _alike(found, r)
        if not r.slots.like:
            return None
    if found.intent in ("recommend", "similar", "feedback_and_request"):
        return _request(found, r)
    if found.intent == "feedback":
        judged = _opinions(found, r)
        return r.done(*judgements(judged), items=tuple(i for i, _ in judged)) if judged else None
    if found.intent in ("chat", "stop", "elsewhere"):
        return r.done(Talk(_topic(found.intent, r)))
    return _of_items(found.intent, r)


def _request(found: Reading, r: Reader) -> Heard | None:
    """A request, with what is judged beside it; anew, refined, or for others."""
    judged = _opinions(found, r) if found.intent == "feedback_and_request" else ()
    if found.intent == "feedback_and_request" and not judged:
        return None
    acts = judgements(judged)
    if found.carry == "new" or not r.table.wants or found.intent == "similar":
        wanted = asked(r, judged=tuple(i for i, _ in judged))
        return replace(wanted, acts=(*acts, *wanted.acts))
    wants = merged(r)
    extra: tuple[str, ...] = ()
    if r.slots.wish:
        wants = wants.changed(wish=r.slots.wish)
    if found.carry == "more":
        wants, extra = wants.changed(others=True), ("nothing shown before",)
    return r.shown(wants, before=acts, sure=found.sure, more=extra)


def _topic(intent: str, r: Reader) -> Topic:
    if intent == "stop":
        return "bye"
    if intent == "elsewhere":
        return "elsewhere"
    if cues.THANKS.search(r.text):
        return "thanks"
    return "accept" if cues.ACCEPT.search(r.plain) else "small talk"


def _of_items(intent: str, r: Reader) -> Heard | None:
    """A question about items, why, or which of several."""
    items = r.refers or (() if r.slots.unknown else r.table.focus)
    if intent == "compare" and len(items) < 2:
        items = tuple(dict.fromkeys((*r.titles, *(r.reference.items if r.reference else ()))))
        items = items if len(items) > 1 else r.table.shown
    if len(items) < (2 if intent == "compare" else 1):
        return None
    if intent == "ask_item":
        return about(r, items)
    return r.done(Compare(items) if intent == "compare" else Why(items), items=items)


def _opinions(found: Reading, r: Reader) -> tuple[tuple[int, FeedbackKind], ...]:
    """What is said of titles and of what is pointed at; where rules see no opinion, the message's as a whole."""
    judged = opinions(r.text, r.slots, r.table)
    if judged:
        return judged
    kind, pointed = kind_of(r.text), r.reference
    if kind is None and _DECLINES.match(r.text):
        kind = "dislike"  # "not the second one"
    if kind is None or pointed is None or (pointed.how == "that" and len(pointed.items) > 1):
        return ()
    return tuple((item, kind) for item in pointed.items)


def pointing(found: Reading, r: Reader) -> Reader:
    """The reader with the places on the table that only the encoder sees: "the older one", "il secondo"."""
    if found.intent != "recommend":
        r.reference = _by_age(found, r) or r.reference
    for span in found.spans:
        if span.kind == "ref" and r.reference is None and not SEVERAL.match(r.text, span.end):
            said = r.text[span.start : span.end]
            pointed = find(foreign.place(said), r.table) or find(foreign.mended(said), r.table)
            r.reference = pointed and replace(pointed, spans=((span.start, span.end),), said=said)
    return r


def _alike(found: Reading, r: Reader) -> Slots:
    """The slots with what the message wants more like: titles that the encoder saw so, else what is referred to."""
    said = [s for s in found.spans if s.kind == "like"]
    like = tuple(rows[0] for s in said if (rows := r.linker.titled(r.text, s.start, s.end)))
    return replace(r.slots, like=like or r.refers)


def _by_age(found: Reading, r: Reader) -> Reference | None:
    """ "The older one", "the most recent film": what the encoder holds for a reference, by the years on the table."""
    shown = [item for item in r.table.shown if r.linker.catalogue.years[item] > 0]
    for span in found.spans:
        match = _AGED.match(r.text, span.start, span.end) if span.kind == "ref" else None
        if match and shown:
            years = [int(r.linker.catalogue.years[item]) for item in shown]
            item = shown[years.index(min(years) if match["old"] else max(years))]
            return Reference((item,), "place", ((span.start, span.end),), r.text[span.start : span.end])
    return None


def slots_of(spans: tuple[Span, ...], text: str, table: Table, linker: Linker) -> Slots:
    """The encoder's spans linked to the catalogue: what it does not know is left out."""
    said = {kind: [text[s.start : s.end] for s in spans if s.kind == kind] for kind in {s.kind for s in spans}}
    titles = tuple(
        Mention("title", s.start, s.end, text[s.start : s.end], rows)
        for s in spans
        if s.kind in TITLES and (rows := linker.titled(text, s.start, s.end))
    )
    relative = ["newer" if (w := foreign.age(words)) == "old" else w for words in said.get("rel", [])]  # "not so old"
    english = foreign.years(text)  # of another language the encoder may overlook a part: "vor 1985"
    when = " ".join([*([english] if english != text else said.get("years", [])), *relative])
    hits, _ = slots.quantities(when, linker, table, ())
    dated = any(h.relative for h in hits)
    wishes = [*said.get("wish", []), *(w for w in relative if not dated)]  # "lighter" is one
    wishes += [w for w in said.get("genre", []) if not _sorts(w, linker)]  # "exciting" is another
    counts = [slots.number(w) for w in said.get("count", [])]
    return Slots(
        conditions=tidied((*_linked_names(said, linker), *(h.condition for h in hits))),
        k=next((n for n in counts if n), None),
        titles=titles,
        like=tuple(m.items[0] for m in titles if m.start in {s.start for s in spans if s.kind == "like"}),
        wish=" ".join(foreign.wish(w, linker.catalogue) for w in wishes if slots.says_something(w)),
        relative=dated,
        judged={
            rows[0]: _JUDGED[s.kind]
            for s in spans
            if s.kind in _JUDGED and (rows := linker.titled(text, s.start, s.end))
        },
    )


def _linked_names(said: Mapping[str, Sequence[str]], linker: Linker) -> Iterator[Condition]:
    """What the encoder marked as a sort, a person, a language or something to be spared, attribute by attribute."""
    for a in linker.catalogue.schema.heard:
        if isinstance(a, Levels):
            words = foreign.mended(" ".join(said.get("no_content", []))).split()
            if any(w.lower() in a.adjectives for w in words):
                yield a.condition("at most", a.calm, said=" ".join(words))
        elif isinstance(a, Named) and a.together:
            wanted, unwanted = (_all(said.get(kind, ()), a.name, linker) for kind in ("genre", "no_genre"))
            choice = len(said.get("genre", ())) > 1 and not linker.together(wanted)
            yield a.condition("has any" if choice else "has all", *wanted, said=" ".join(said.get("genre", ())))
            yield a.condition("has none", *unwanted)
        elif isinstance(a, Named):
            kind = "person" if a.proper else "language"
            stretches = said.get(kind, ())
            yield a.condition(a.any_of, *_all(stretches, a.name, linker), said=" ".join(stretches))
            yield a.condition("has none", *_all(said.get(f"no_{kind}", ()), a.name, linker))


def _all(stretches: Sequence[str], attribute: str, linker: Linker) -> tuple[str, ...]:
    found = (_names(s, attribute, linker) for s in stretches)
    return tuple(dict.fromkeys(n for names in found for n in names))


def _names(stretch: str, attribute: str, linker: Linker) -> tuple[str, ...]:
    """A stretch as names of an attribute; of sorts also in other languages and with slips."""
    if not linker.is_sort(attribute):
        return linker.value(attribute, stretch)
    return linker.value(attribute, foreign.genre(stretch)) or linker.value(attribute, foreign.mended(stretch))


def _sorts(stretch: str, linker: Linker) -> bool:
    """Whether a stretch names a sort of this catalogue."""
    return any(linker.is_sort(a.name) and _names(stretch, a.name, linker) for a in linker.catalogue.schema.heard)
