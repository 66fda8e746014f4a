"""Rules and the small encoder read a message together, and the trace says who decided.

The encoder marks the slots, and what it marks is linked to the catalogue; rules fill in what it left (`joined`). On
these slots both decide: where they agree, that is it; where they do not, the encoder's intent counts unless it is very
unsure, since it knows ways of saying that no rule lists. It also tells whether a request begins anew, refines, or goes
on, which rules can only guess. How each does alone: benchmarks/steer.py.
"""

import re
from collections.abc import Callable
from dataclasses import replace

from app.understanding import cues, slots
from app.understanding import years as years_
from app.understanding.names import Linker, Mention, foreign
from app.understanding.opinions import kind_of, opinions
from app.understanding.reader import TITLES, Encoder, Reading, Span
from app.understanding.references import Reference, find
from app.understanding.rules import Call, Reader, Understanding, answered, asked, merged
from app.understanding.slots import Slots
from app.understanding.table import Table
from recommenders.contract import Filters
from recommenders.data import FeedbackKind
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


def read(text: str, table: Table, linker: Linker, encoder: Encoder, *, previous: str = "", k: int = 5) -> Understanding:
    """What the message wants. Total, like `understand`.

    previous  the person's message before
    """
    text = text.strip()
    reader = Reader(text, table, linker, k)
    if not text:
        return answered(reader)
    found = encoder.read(text, previous, len(table.shown), linker.known(text))
    own = slots_of(found.spans, text, table, linker, k)
    together = joined(reader.slots, own, found, text, linker)
    rules = answered(_pointing(found, Reader(text, table, linker, k, together)))
    says = f"{found.intent.replace('_', ' ')} ({found.sure:.0%})"
    unsure_talk = found.intent == "chat" and found.sure < TALK_SURE
    if (
        (found.intent == "elsewhere" or unsure_talk)
        and rules.action == "recommend"
        and bare_wish(text, reader.slots, found, linker)
    ):
        return replace(rules, second=f"A small encoder read: {says}; the rules took it for the wish that it may be.")
    intent = intent_of(rules)
    if found.intent == intent or (found.intent == "elsewhere" and intent == "chat"):
        kept = _anew(rules, found, Reader(text, table, linker, k, together))
        if kept is not None:
            return replace(kept, by="encoder", second=f"A small encoder read: {says}, and that it begins anew.")
        if _drops(rules, found, table) and (kept := build(found, Reader(text, table, linker, k, together))) is not None:
            return replace(
                kept, by="encoder", second=f"A small encoder read: {says}, and that it refines the last one."
            )
        if found.intent == "elsewhere":
            small = rules.topic in ("", "small talk", "greeting", "accept")
            rules = replace(rules, topic="elsewhere" if small else rules.topic)
        return replace(rules, second=f"A small encoder read the same: {says}.", sure=max(rules.sure, found.sure))
    if found.sure >= _needed(text, rules, found):
        forced = build(found, _pointing(found, Reader(text, table, linker, k, together)))
        if forced is not None and (not _remembers_any(rules) or _remembers_any(forced)):
            second = f"The rules would have taken it for: {intent.replace('_', ' ')}."
            return replace(forced, by="encoder", second=second, sure=found.sure)
    return replace(rules, second=f"A small encoder read: {says}; the rules decide.")


def read_alone(
    text: str, table: Table, linker: Linker, encoder: Encoder, *, previous: str = "", k: int = 5
) -> Understanding:
    """The encoder's reading, slots and all; for measuring what it does without rules."""
    text = text.strip()
    found = encoder.read(text, previous, len(table.shown), linker.known(text))
    reader = _pointing(found, Reader(text, table, linker, k, slots_of(found.spans, text, table, linker, k)))
    built = build(found, reader)
    return (
        replace(built, by="encoder", sure=found.sure) if built is not None else Understanding("clarify", topic="which")
    )


def intent_of(u: Understanding) -> str:
    """The encoder's name for what rules understood."""
    if u.action == "chat" or u.topic == "greeting":
        return "stop" if u.topic == "bye" else "elsewhere" if u.topic == "elsewhere" else "chat"
    if u.action in ("recommend", "similar") and _remembers_any(u):
        return "feedback_and_request"
    return u.action


def _needed(text: str, rules: Understanding, found: Reading) -> float:
    """The probability from which the encoder decides against the rules; above 1 where it never does."""
    if rules.topic == "no such place" or (found.intent == "elsewhere" and not _claims_nothing(rules)):
        return 2.0
    if rules.action == "similar" and found.intent == "recommend" and _LIKE_THAT.search(text):
        return 2.0
    if rules.topic == "bye" and found.intent == "chat":  # of the two, farewells are few words that rules list
        return 2.0
    request = rules.action == "recommend" and rules.sure > RULES_SURE
    return TALK_SURE if request and found.intent in ("chat", "stop", "elsewhere") else SURE


def _remembers_any(u: Understanding) -> bool:
    return any(call.tool == "remember" for call in u.calls)


def _claims_nothing(rules: Understanding) -> bool:
    """Whether rules found nothing of the catalogue in the message."""
    return not rules.items and not {*rules.arguments} - {"wish", "count", "more", "items"}


def joined(rules: Slots, own: Slots, found: Reading, text: str, linker: Linker) -> Slots:
    """The slots of both. What the encoder marked stands, since it sees the words around and was told which of them are
    names; where it marked nothing of a kind, the rules fill in. What the catalogue does not know is the rules' to tell.
    The words that rules have left over are a wish where they are all that a request says ("slow-burning space horror"),
    or where the encoder marked nothing at all and is unsure of what kind of message this is.
    """
    f, g, kinds = rules.filters, own.filters, {s.kind for s in found.spans}
    years = own.years if own.years.said else rules.years
    filters = replace(f, year_from=years.year_from, year_to=years.year_to)
    if kinds & {"genre", "no_genre", "wish"}:
        filters = replace(filters, genres=g.genres, any_genres=g.any_genres, without_genres=g.without_genres)
    if g.people or g.without_people:
        filters = replace(filters, people=g.people, without_people=g.without_people)
    if g.languages:
        filters = replace(filters, languages=g.languages)
    notes = g.without_content if kinds & {"no_content", "no_genre"} else f.without_content
    bare = not own.titles and bare_wish(text, rules, found, linker)
    left = rules.wish if bare or (not kinds and found.sure < WISHLESS) else ""
    return replace(
        rules,
        filters=replace(filters, without_content=notes),
        years=years,
        k=own.k or (None if kinds else rules.k),
        titles=own.titles or rules.titles,
        like=own.like or rules.like,
        judged=own.judged,
        wish=left if bare else own.wish or left,
    )


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
    return bool(linker.person(said)) if span.kind in ("person", "no_person") else True


def _anew(rules: Understanding, found: Reading, r: Reader) -> Understanding | None:
    """The request without what earlier ones asked for, where rules kept that and the encoder reads a new request."""
    if rules.action != "recommend" or not r.table.arguments or found.carry != "new" or found.carry_sure < CARRY_SURE:
        return None
    fresh = asked(r)
    kept = {n for n, v in rules.arguments.items() if v and n in r.table.arguments and not fresh.arguments.get(n)}
    return fresh if kept and fresh.arguments else None


def _drops(rules: Understanding, found: Reading, table: Table) -> bool:
    """Whether rules begin anew where the encoder reads a refinement of the request before."""
    if rules.action != "recommend" or found.carry != "refine" or found.carry_sure < CARRY_SURE:
        return False
    return any(v and n not in rules.arguments for n, v in table.arguments.items() if n not in ("more", "count"))


def build(found: Reading, r: Reader) -> Understanding | None:
    """What the encoder's intent means here; None where the message or the table lacks what it needs."""
    intent, sure = found.intent, found.sure
    if intent == "similar" and not r.slots.like:
        r.slots = _alike(found, r)
        if not r.slots.like:
            return None
    if intent in ("recommend", "similar", "feedback_and_request"):
        judged = _opinions(found, r) if intent == "feedback_and_request" else ()
        if intent == "feedback_and_request" and not judged:
            return None
        if found.carry != "new" and r.table.arguments and intent != "similar":
            arguments, said = merged(r)
            if r.slots.wish:
                arguments["wish"] = r.slots.wish
            if found.carry == "more":
                arguments, said = {**arguments, "more": True}, (*said, "nothing shown before")
            tool = "similar" if arguments.get("items") else "recommend"
            wanted = r.done(tool, Call(tool, arguments), understood=said, sure=sure)  # type: ignore[arg-type]
        else:
            wanted = asked(r, judged=tuple(i for i, _ in judged))
        calls = _remembers(judged, r)
        return replace(wanted, calls=(*calls, *wanted.calls))
    if intent == "feedback":
        judged = _opinions(found, r)
        return r.done("feedback", *_remembers(judged, r), items=tuple(i for i, _ in judged)) if judged else None
    if intent in ("chat", "stop", "elsewhere"):
        topic = {"stop": "bye", "elsewhere": "elsewhere"}.get(intent, "small talk")
        if intent == "chat" and cues.THANKS.search(r.text):
            topic = "thanks"
        elif intent == "chat" and cues.ACCEPT.search(r.plain):
            topic = "accept"
        return r.done("chat", topic=topic)
    items = r.refers or r.table.focus
    if intent == "compare" and len(items) < 2:
        items = tuple(dict.fromkeys((*r.titles, *(r.reference.items if r.reference else ()))))
        items = items if len(items) > 1 else r.table.shown
    if len(items) < (2 if intent == "compare" else 1):
        return None
    if intent == "ask_item":
        fact = next((name for name, pattern in cues.FACT if pattern.search(r.plain)), "")
        return r.done("ask_item", Call("lookup", {"items": r.ids(items)}), fact=fact, items=items)
    return r.done(intent, Call(intent, {"items": r.ids(items)}), items=items)  # type: ignore[arg-type]


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


def _pointing(found: Reading, r: Reader) -> Reader:
    """The reader with the places on the table that only the encoder sees: "the older one", "il secondo"."""
    if found.intent != "recommend":
        r.reference = _by_age(found, r) or r.reference
    for span in found.spans:
        if span.kind == "ref" and r.reference is None:
            said = r.text[span.start : span.end]
            pointed = find(foreign.place(said), r.table) or find(foreign.mended(said), r.table)
            r.reference = pointed and replace(pointed, spans=((span.start, span.end),), said=said)
    return r


def _alike(found: Reading, r: Reader) -> Slots:
    """The slots with what the message wants more like: titles that the encoder saw so, else what is referred to."""
    said = [r.text[s.start : s.end] for s in found.spans if s.kind == "like"]
    like = tuple(rows[0] for words in said if (rows := r.linker.items(words)))
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


def _remembers(judged: tuple[tuple[int, str], ...], r: Reader) -> tuple[Call, ...]:
    kinds: dict[str, list[int]] = {}
    for item, kind in judged:
        kinds.setdefault(kind, []).append(item)
    return tuple(Call("remember", {"items": r.ids(tuple(items)), "kind": kind}) for kind, items in kinds.items())


def slots_of(spans: tuple[Span, ...], text: str, table: Table, linker: Linker, k: int) -> Slots:
    """The encoder's spans linked to the catalogue: what it does not know is left out."""
    said = {kind: [text[s.start : s.end] for s in spans if s.kind == kind] for kind in {s.kind for s in spans}}

    def linked(kind: str, find: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(n for stretch in said.get(kind, []) for n in find(stretch)))

    def genre(stretch: str) -> tuple[str, ...]:
        return linker.genre(foreign.genre(stretch)) or linker.genre(foreign.mended(stretch))

    titles = tuple(
        Mention("title", s.start, s.end, text[s.start : s.end], rows)
        for s in spans
        if s.kind in TITLES and (rows := linker.items(text[s.start : s.end]))
    )
    catalogue = linker.catalogue
    relative = ["newer" if (w := foreign.age(words)) == "old" else w for words in said.get("rel", [])]  # "not so old"
    english = foreign.years(text)  # of another language the encoder may overlook a part: "vor 1985"
    when = " ".join([*([english] if english != text else said.get("years", [])), *relative])
    years = years_.read(when, (), catalogue.years[list(table.shown)], catalogue.years, k)
    wishes = [*said.get("wish", []), *(w for w in relative if not years.relative)]  # "lighter" is one
    wishes += [w for w in said.get("genre", []) if not genre(w)]  # "exciting" is another
    unwanted, wanted = linked("no_genre", genre), linked("genre", genre)
    together = len(said.get("genre", [])) < 2 or linker.together(wanted)
    counts = [slots.number(w) for w in said.get("count", [])]
    filters = Filters(
        genres=wanted if together else (),
        any_genres=() if together else wanted,
        without_genres=unwanted,
        people=linked("person", linker.person),
        without_people=linked("no_person", linker.person),
        languages=linked("language", linker.language),
        without_content=tuple(
            dict.fromkeys(
                n for w in said.get("no_content", []) if (n := slots.note(foreign.mended(w))) in catalogue.content and n
            )
        ),
        year_from=years.year_from,
        year_to=years.year_to,
    )
    return Slots(
        filters=filters,
        years=years,
        k=next((n for n in counts if n), None),
        titles=titles,
        like=tuple(m.items[0] for m in titles if m.start in {s.start for s in spans if s.kind == "like"}),
        wish=" ".join(foreign.wish(w, catalogue) for w in wishes if slots.says_something(w)),
        judged={
            rows[0]: _JUDGED[s.kind]
            for s in spans
            if s.kind in _JUDGED and (rows := linker.items(text[s.start : s.end]))
        },
    )
