"""Rules and the small encoder read a message together: who is surer decides, and the trace says who.

Rules find slots exactly where words stand for themselves, and their wording was revised on real messages; the encoder
tells what kind of message it is from ways of saying that no rule lists. So the rules' reading stands where the two
agree; where they do not, the encoder's intent counts from a probability on that is the higher the surer the rules are,
and its slots fill in where the rules found too little for it. It also tells whether a request begins anew, refines, or
goes on, which rules can only guess. How each does alone: benchmarks/steer.py.
"""

import re
from dataclasses import replace

from app import cues, slots
from app import years as years_
from app.context import FeedbackKind
from app.linking import Linker, Mention
from app.opinions import kind_of, opinions
from app.references import Reference
from app.slots import Slots
from app.table import Table
from app.understanding import Call, Reader, Understanding, asked, merged, understand
from llm.steering.dialogues import TITLES, Span
from llm.steering.encoder import Encoder, Reading
from recommenders.request import Filters

# Label smoothing keeps even a certain reading near .95. The first two were chosen on composed dialogues of the
# validation part and every other dialogue of IARD.
SURE = 0.30  # the encoder's probability from which it decides what rules are unsure of
SURER = 0.50  # and what they are sure of
TALK_SURE = 0.90  # and from which it takes for talk what they are sure is a request
RULES_SURE = 0.60  # what rules are at most when they guess
CARRY_SURE = 0.90
_JUDGED: dict[str, FeedbackKind] = {"good": "like", "bad": "dislike", "seen": "seen"}
_AGED = re.compile(
    r"the\s+(?:(?P<old>old(?:er|est)|earli(?:er|est))|(?P<new>new(?:er|est)|latest|(?:more|most)\s+recent))\b",
    re.IGNORECASE,
)


def read(text: str, table: Table, linker: Linker, encoder: Encoder, *, previous: str = "", k: int = 5) -> Understanding:
    """What the message wants. Total, like `understand`.

    previous  the person's message before
    """
    text = text.strip()
    rules = understand(text, table, linker, k=k)
    if not text:
        return rules
    found = encoder.read(text, previous, len(table.shown))
    says = f"{found.intent.replace('_', ' ')} ({found.sure:.0%})"
    intent = intent_of(rules)
    if found.intent == intent or (found.intent == "elsewhere" and intent == "chat"):
        kept = _anew(rules, found, text, table, linker, k)
        if kept is not None:
            return replace(kept, by="encoder", second=f"A small encoder read: {says}, and that it begins anew.")
        if found.intent == "elsewhere":
            rules = replace(rules, topic="elsewhere" if rules.topic in ("", "small talk") else rules.topic)
        return replace(rules, second=f"A small encoder read the same: {says}.", sure=max(rules.sure, found.sure))
    if found.sure >= _needed(rules, found):
        own = slots_of(found.spans, text, table, linker, k)
        forced = build(found, Reader(text, table, linker, k)) or build(found, Reader(text, table, linker, k, own))
        if forced is not None and (not _remembers_any(rules) or _remembers_any(forced)):
            second = f"The rules would have taken it for: {intent.replace('_', ' ')}."
            return replace(forced, by="encoder", second=second, sure=found.sure)
    return replace(rules, second=f"A small encoder read: {says}; the rules decide.")


def read_alone(
    text: str, table: Table, linker: Linker, encoder: Encoder, *, previous: str = "", k: int = 5
) -> Understanding:
    """The encoder's reading, slots and all; for measuring what it does without rules."""
    text = text.strip()
    found = encoder.read(text, previous, len(table.shown))
    reader = Reader(text, table, linker, k, slots_of(found.spans, text, table, linker, k))
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


def _needed(rules: Understanding, found: Reading) -> float:
    """The probability from which the encoder decides against the rules; above 1 where it never does."""
    if rules.topic == "no such place" or (found.intent == "elsewhere" and not _claims_nothing(rules)):
        return 2.0
    if rules.sure <= RULES_SURE:
        return SURE
    return TALK_SURE if rules.action == "recommend" and found.intent in ("chat", "stop", "elsewhere") else SURER


def _remembers_any(u: Understanding) -> bool:
    return any(call.tool == "remember" for call in u.calls)


def _claims_nothing(rules: Understanding) -> bool:
    """Whether rules found nothing of the catalogue in the message."""
    return not rules.items and not {*rules.arguments} - {"wish", "count", "more", "items"}


def _anew(
    rules: Understanding, found: Reading, text: str, table: Table, linker: Linker, k: int
) -> Understanding | None:
    """The request without what earlier ones asked for, where rules kept that and the encoder reads a new request."""
    if rules.action != "recommend" or not table.arguments or found.carry != "new" or found.carry_sure < CARRY_SURE:
        return None
    fresh = asked(Reader(text, table, linker, k))
    kept = {n for n, v in rules.arguments.items() if v and n in table.arguments and not fresh.arguments.get(n)}
    return fresh if kept and fresh.arguments else None


def build(found: Reading, r: Reader) -> Understanding | None:
    """What the encoder's intent means here; None where the message or the table lacks what it needs."""
    intent, sure = found.intent, found.sure
    if intent != "recommend":
        r.reference = _by_age(found, r) or r.reference
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
        items = r.table.shown
    if len(items) < (2 if intent == "compare" else 1):
        return None
    if intent == "ask_item":
        fact = next((name for name, pattern in cues.FACT if pattern.search(r.plain)), "")
        return r.done("ask_item", Call("lookup", {"items": r.ids(items)}), fact=fact, items=items)
    return r.done(intent, Call(intent, {"items": r.ids(items)}), items=items)  # type: ignore[arg-type]


def _opinions(found: Reading, r: Reader) -> tuple[tuple[int, FeedbackKind], ...]:
    """What rules read of likes and dislikes; where they read none, the titles that the encoder saw in such a place."""
    judged = opinions(r.text, r.slots, r.table)
    if judged:
        return judged
    by_title = {
        rows[0]: _JUDGED[s.kind]
        for s in found.spans
        if s.kind in _JUDGED and (rows := r.linker.items(r.text[s.start : s.end]))
    }
    kind, pointed = kind_of(r.text), r.reference
    if by_title or kind is None or pointed is None or (pointed.how == "that" and len(pointed.items) > 1):
        return tuple(by_title.items())
    return tuple((item, kind) for item in pointed.items)


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

    def linked(kind: str, link: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(n for words in said.get(kind, []) for n in getattr(linker, link)(words)))

    titles = tuple(
        Mention("title", s.start, s.end, text[s.start : s.end], rows)
        for s in spans
        if s.kind in TITLES and (rows := linker.items(text[s.start : s.end]))
    )
    when = " ".join([*said.get("years", []), *(w for w in said.get("rel", []) if w != "old")])
    catalogue = linker.catalogue
    years = years_.read(when, (), catalogue.years[list(table.shown)], catalogue.years, k)
    if "old" in said.get("rel", []):
        years = years_.read("newer", (), catalogue.years[list(table.shown)], catalogue.years, k)
    unwanted, wanted = linked("no_genre", "genre"), linked("genre", "genre")
    together = len(said.get("genre", [])) < 2 or linker.together(wanted)
    counts = [slots.number(w) for w in said.get("count", [])]
    filters = Filters(
        genres=wanted if together else (),
        any_genres=() if together else wanted,
        without_genres=unwanted,
        people=linked("person", "person"),
        without_people=linked("no_person", "person"),
        languages=linked("language", "language"),
        without_content=tuple(
            dict.fromkeys(n for w in said.get("no_content", []) if (n := slots.note(w)) in catalogue.content and n)
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
        wish=" ".join(said.get("wish", [])),
    )
