"""Rules and the small encoder read a message together: who is surer decides, and the trace says who.

Rules find slots exactly where words stand for themselves, and their wording was revised on real messages; the encoder
tells what kind of message it is from ways of saying that no rule lists. So the rules' reading stands where the two
agree or the rules are sure; where they are unsure the encoder's intent counts, and it also tells whether a request
begins anew, refines, or goes on, which rules can only guess. How each does alone: benchmarks/steer.py.
"""

from dataclasses import replace

from app import cues, slots
from app import years as years_
from app.linking import Linker, Mention
from app.opinions import opinions
from app.slots import Slots
from app.table import Table
from app.understanding import Call, Reader, Understanding, asked, merged, understand
from llm.steering.dialogues import Span
from llm.steering.encoder import Encoder, Reading
from recommenders.request import Filters

# Set by hand and not tuned; label smoothing keeps even a certain reading near .95.
SURE = 0.80  # the encoder's probability from which it decides what rules are unsure of
RULES_SURE = 0.60  # what rules are at most when they guess
CARRY_SURE = 0.90
FAR = 0.90  # from which a message is held to be of another domain
_TITLES = ("like", "good", "bad", "seen", "title")


def read(text: str, table: Table, linker: Linker, encoder: Encoder, *, previous: str = "", k: int = 5) -> Understanding:
    """What the message wants. Total, like `understand`.

    previous  the person's message before
    """
    rules = understand(text, table, linker, k=k)
    if not text.strip():
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
    far = found.intent == "elsewhere" and found.sure >= FAR and _claims_nothing(rules)
    if far or (rules.sure <= RULES_SURE and found.sure >= SURE):
        forced = build(found, Reader(text, table, linker, k))
        if forced is not None:
            second = f"The rules would have taken it for: {intent.replace('_', ' ')}."
            return replace(forced, by="encoder", second=second, sure=found.sure)
    return replace(rules, second=f"A small encoder read: {says}; the rules decide.")


def read_alone(
    text: str, table: Table, linker: Linker, encoder: Encoder, *, previous: str = "", k: int = 5
) -> Understanding:
    """The encoder's reading, slots and all; for measuring what it does without rules."""
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
    if u.action in ("recommend", "similar") and any(c.tool == "remember" for c in u.calls):
        return "feedback_and_request"
    return u.action


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
    if intent in ("recommend", "similar", "feedback_and_request"):
        judged = opinions(r.text, r.slots, r.table) if intent == "feedback_and_request" else ()
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
        judged = opinions(r.text, r.slots, r.table)
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
        if s.kind in _TITLES and (rows := linker.items(text[s.start : s.end]))
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
