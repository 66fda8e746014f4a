"""Dialogues to train and measure the understanding of messages: composed from phrases.toml and rows of a catalogue.

Every message comes with what it means: intent, whether it begins, refines or continues a request (carry), the slots as
stretches of characters, and the arguments that follow from them. Templates, titles, people and wishes are dealt to the
three parts by a hash of their words, so a part never shows what another one was made of, whatever the seed; what lies
on the table comes from the part's own titles as well, since messages name it.
"""

import hashlib
import random
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

from app.understanding.lessons import saying
from app.understanding.reader import KINDS, TITLES, WORD, Carry, Span, words

Part = Literal["train", "valid", "held-out"]

PHRASES = Path(__file__).with_name("phrases.toml")
WISHES = {"wish": "phrases", "mood": "moods", "clause": "clauses", "effect": "effects"}  # by what they stand behind

_SLOT = re.compile(r"\{(?P<kind>[a-z_]*)(?:\.(?P<tongue>[a-z]{2}))?(?:=(?P<words>[^}]*))?\}")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_POINTS = re.compile(
    r"\b(?:((?:that|this) (?:one|movie|film)|(?:that|this|it)\b)|"
    r"(?:all|both|most|any|either) of (?:them|those|these)|both|them|these|those)\b",
    re.IGNORECASE,
)
_DECADE_OF = re.compile(r"(?:from|of|in|made in|out of) (?=the |\d{2,4}s?$)")
_OF_LISTS = 0.35  # of the training messages, made of ways that hold words of long lists
_NEAR = {"a": "s", "e": "r", "i": "o", "o": "p", "t": "r", "n": "m", "s": "d", "l": "k", "r": "t", "h": "j"}


@dataclass(frozen=True)
class Film:
    """A row of the catalogue in plain values; "" and 0 where unknown."""

    title: str
    year: int = 0
    genres: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    language: str = ""


@dataclass(frozen=True)
class Message:
    """One message of a person, with what was before and what it means.

    previous   the person's message before, "" at the beginning
    shown      row numbers of the films that lie on the table, in order
    focus      those of them, or of others, that the talk is about: what "it" means where that is one
    template   the templates that it was made of: what the split goes by
    arguments  what the spans say: lists by argument name, `year_from`, `year_to`, `count`, `wish`, `reference` (places
               from 1, or "all", "that")
    """

    text: str
    intent: str
    carry: Carry
    spans: tuple[Span, ...] = ()
    previous: str = ""
    shown: tuple[int, ...] = ()
    focus: tuple[int, ...] = ()
    template: str = ""
    dialogue: int = 0
    arguments: Mapping[str, object] = field(default_factory=dict)


@lru_cache(maxsize=1)
def phrases() -> dict[str, dict[str, Any]]:
    return tomllib.loads(PHRASES.read_text(encoding="utf-8"))


def _listed(name: str) -> dict[str, list[str]]:
    """A table of phrases.toml that has lists of words under names."""
    return {key: list(said) for key, said in phrases()[name].items()}


def part_of(words: str) -> Part:
    """The part that a template, a title, a name or a wish belongs to: 70, 10 and 20 of 100."""
    n = int(hashlib.sha256(words.casefold().encode()).hexdigest()[:8], 16) % 100
    return "train" if n < 70 else "valid" if n < 80 else "held-out"


def dealt(templates: Sequence[str]) -> dict[Part, list[str]]:
    """The templates of one group in their parts, 70, 10 and 20 of 100 and at least one each, by their hashes."""
    order = sorted(templates, key=lambda t: hashlib.sha256(t.encode()).hexdigest())
    held, valid = max(1, round(len(order) * 0.2)), max(1, round(len(order) * 0.1))
    return {"held-out": order[:held], "valid": order[held : held + valid], "train": order[held + valid :]}


def genre_words(tongue: str = "") -> dict[str, tuple[str, ...]]:
    """Genre -> the words that people say for it; tongue "" is English."""
    tables = phrases()
    table = tables["foreign"][tongue] if tongue else tables["genres"]
    return {name: tuple(words) for name, words in table.items()}


class Composer:
    """Composes the dialogues of one part. The same films, part and seed give the same dialogues."""

    def __init__(self, films: Sequence[Film], part: Part, seed: int = 0) -> None:
        if not films:
            raise ValueError("no films were given; dialogues are grounded in the rows of a catalogue")
        self.films, self.part = tuple(films), part
        self.random = random.Random(f"{seed} {part}")
        named = {g for f in films for g in f.genres}
        self.genres = {
            next((n for n in names.split("|") if n in named), ""): words for names, words in genre_words().items()
        }
        self.genres.pop("", None)
        plain = [(n, re.sub(r"\s*\([^)]*\)", "", f.title).strip()) for n, f in enumerate(films)]
        self.titles = [(n, t) for n, t in plain if part_of(t) == part and len(t.split()) <= 6 and len(t) > 1]
        people = sorted({p for f in films for p in f.people})
        self.people = [p for p in people if part_of(p) == part and 2 <= len(p.split()) <= 3]
        self.languages = sorted({f.language for f in films if f.language and f.language not in ("English", "Silent")})
        self.wishes = {
            kind: [w for w in phrases()["wishes"][name] if part_of(w) == part] for kind, name in WISHES.items()
        }
        self.said = {kind: [w for w in said if part_of(w) == part] for kind, said in phrases()["said"].items()}
        self.templates: dict[tuple[str, Carry], list[str]] = {}
        for intent, groups in phrases().items():
            for carry, group in groups.items():
                if isinstance(group, dict) and "templates" in group:
                    key = (intent, cast("Carry", "" if carry == "none" else carry))
                    self.templates[key] = dealt(group["templates"])[part]
        self.of_lists = {
            key: [way for way in ways if any(m["kind"] in self.said for m in _SLOT.finditer(way))]
            for key, ways in self.templates.items()
        }

    def dialogues(self, n: int) -> Iterator[tuple[Message, ...]]:
        for number in range(n):
            yield self._dialogue(number)

    def _dialogue(self, number: int) -> tuple[Message, ...]:
        """Three to six messages; what may be said depends on what lies on the table."""
        messages: list[Message] = []
        previous, asked = "", False
        shown: tuple[int, ...] = ()
        focus: tuple[int, ...] = ()
        for turn in range(self.random.randint(3, 6)):
            said = self._possible(bool(shown), asked, turn, shown, focus)
            begins = said.carry == "refine" and not asked  # "from the 80s" as the first words is a request of its own
            said = replace(said, previous=previous, dialogue=number, carry="new" if begins else said.carry)
            messages.append(said)
            previous = said.text
            if said.intent in ("recommend", "similar", "feedback_and_request"):
                asked = True
                shown = tuple(n for n, _ in self.random.sample(self.titles, min(len(self.titles), self._table())))
                focus = shown
            elif said.intent in ("explain", "compare", "ask_item", "feedback"):
                focus = _meant(said) or focus
        return tuple(messages)

    def _possible(self, there: bool, asked: bool, turn: int, shown: tuple[int, ...], focus: tuple[int, ...]) -> Message:
        """A message that has what it talks about: no "why that one?" before there was any."""
        while True:
            intent, carry = self._next(there, asked, turn)
            said = replace(self._message(intent, carry, shown), shown=shown, focus=focus)
            titles = sum(s.kind in TITLES for s in said.spans)
            pointed = [s.value for s in said.spans if s.kind == "ref"]
            unclear = (pointed and not (shown or focus)) or ("that" in pointed and intent != "chat" and len(focus) != 1)
            if unclear and not (titles and "that" in pointed):  # "i saw Heat and loved it" is clear
                continue
            needed = {"explain": 1, "ask_item": 1, "feedback": 1, "compare": 2}.get(intent, 0)
            if titles + len(shown or focus) >= needed and (len(shown) > 1 or "all" not in pointed):
                return said

    def _table(self) -> int:
        return self.random.choice((1, 2, 3, 5, 5, 5))

    def _next(self, shown: bool, asked: bool, turn: int) -> tuple[str, Carry]:
        start: list[tuple[tuple[str, Carry], int]] = [
            (("recommend", "new"), 12), (("similar", "new"), 5), (("chat", ""), 3), (("feedback", ""), 3),
            (("ask_item", ""), 2), (("elsewhere", ""), 2), (("recommend", "refine"), 1), (("compare", ""), 1),
        ]  # fmt: skip
        later: list[tuple[tuple[str, Carry], int]] = [
            (("recommend", "new"), 8), (("recommend", "refine"), 10), (("recommend", "more"), 5),
            (("similar", "new"), 5), (("explain", ""), 9), (("compare", ""), 7), (("ask_item", ""), 9),
            (("feedback", ""), 12),
            (("feedback_and_request", "new"), 4), (("chat", ""), 7), (("stop", ""), 3), (("elsewhere", ""), 4),
        ]  # fmt: skip
        table = later if shown or asked or turn > 1 else start
        keys: list[tuple[str, Carry]] = [key for key, _ in table]
        return self.random.choices(keys, [weight for _, weight in table])[0]

    def _message(self, intent: str, carry: Carry, shown: tuple[int, ...]) -> Message:
        r = self.random
        parts: list[tuple[str, Carry]]
        if intent == "feedback_and_request":
            requests: list[tuple[str, Carry]] = [("recommend", "new"), ("recommend", "more"), ("similar", "new")]
            request = r.choice(requests)
            parts, carry = [("feedback", ""), request], request[1]
        elif intent == "feedback" and r.random() < 0.25:
            parts = [("feedback", ""), ("feedback", "")]
        else:
            parts = [(intent, carry)]
        text, spans, used = "", [], []
        for n, part in enumerate(parts):
            template = self._way(part)
            used.append(template)
            if n:
                text += r.choice(self._around("joins"))
            text, more = self._fill(template, text, shown)
            spans += more
        if intent in ("explain", "compare", "ask_item", "feedback", "feedback_and_request"):
            spans = _pointing(text, spans)
        text, spans = self._surround(text, spans, intent)
        text, spans = _roughened(text, spans, r)
        return Message(
            text, intent, carry, tuple(spans), template=" + ".join(used), arguments=arguments(spans, len(shown))
        )

    def _way(self, key: tuple[str, Carry]) -> str:
        """A way of saying; elsewhere than in training all are alike."""
        if self.part == "train" and self.of_lists[key] and self.random.random() < _OF_LISTS:
            return self.random.choice(self.of_lists[key])
        return self.random.choice(self.templates[key])

    def _around(self, name: str) -> list[str]:
        return phrases()["around"][name]

    def _surround(self, text: str, spans: list[Span], intent: str) -> tuple[str, list[Span]]:
        r = self.random
        if intent not in ("chat", "stop") and r.random() < 0.3:
            before = r.choice(self._around("preamble" if r.random() < 0.25 and intent == "recommend" else "before"))
            text = before + text
            spans = [replace(s, start=s.start + len(before), end=s.end + len(before)) for s in spans]
        if intent in ("explain", "compare", "ask_item"):
            text += "?" if r.random() < 0.75 else ""
        elif r.random() < 0.25:
            text += (
                r.choice(self._around("after")) if intent in ("recommend", "similar") else r.choice(("!", ".", " !"))
            )
        return text, spans

    def _fill(self, template: str, text: str, shown: tuple[int, ...]) -> tuple[str, list[Span]]:
        """`text` with the template behind it, its choices and slots filled."""
        r = self.random
        while match := _CHOICE.search(template):
            template = template[: match.start()] + r.choice(match[1].split("|")) + template[match.end() :]
        spans: list[Span] = []
        at = 0
        for match in _SLOT.finditer(template):
            text = _glued(text, template[at : match.start()])
            words, value = self._slot(match["kind"], match["tongue"] or "", match["words"], shown)
            if text and text[-1].isalnum():
                text += " "
            kind = {"refs": "ref", "decade": "years"}.get(match["kind"], match["kind"])
            kind = "wish" if kind in WISHES else kind
            if kind in KINDS:
                start, end = _telling(kind, words)
                spans.append(Span(kind, len(text) + start, len(text) + end, value))
            text += words
            at = match.end()
        return _glued(text, template[at:]), spans

    def _slot(self, kind: str, tongue: str, words: str | None, shown: tuple[int, ...]) -> tuple[str, object]:
        """What a slot of a template says, and what that means: the words that the template gives it, if any."""
        if (fill := _FILLERS.get(kind)) is not None:
            return fill(self, tongue, words, shown)
        if kind in TITLES:
            return self._title(shown if kind == "title" else ())
        if kind in WISHES:
            wish = self.random.choice(self.wishes[kind])
            return wish, re.sub(r"^(?:an?|the)\s+", "", wish)
        if kind in self.said:
            return self.random.choice(self.said[kind]), None
        return words or "", None

    def _genre(self, tongue: str, words: str | None, shown: tuple[int, ...]) -> tuple[str, object]:
        table = genre_words(tongue) if tongue else self.genres
        name = self.random.choice([g for g in table if tongue == "" or g in self.genres] or list(table))
        return self.random.choice(table[name]), name

    def _person(self, tongue: str, words: str | None, shown: tuple[int, ...]) -> tuple[str, object]:
        name = self.random.choice(self.people or ["Tom Hanks"])
        return name, name

    def _language(self, tongue: str, words: str | None, shown: tuple[int, ...]) -> tuple[str, object]:
        name = self.random.choice(self.languages or ["French"])
        return name, name

    def _title(self, shown: tuple[int, ...]) -> tuple[str, object]:
        r = self.random
        row, title = r.choice(self.titles)
        if shown and r.random() < 0.3:
            row, title = r.choice([pair for pair in self.titles if pair[0] in shown])
        year = self.films[row].year
        return (f"{title} ({year})" if year and r.random() < 0.2 else title), row

    def _years(self, tongue: str, words: str | None, shown: tuple[int, ...]) -> tuple[str, object]:
        return saying.years(self.random, tongue)

    def _decade(self, tongue: str, words: str | None, shown: tuple[int, ...]) -> tuple[str, object]:
        return saying.decade(self.random)

    def _count(self, tongue: str, words: str | None, shown: tuple[int, ...]) -> tuple[str, object]:
        r = self.random
        n = next((n for n, word in saying.NUMBERS.items() if word == words), 0) or r.choice(tuple(saying.NUMBERS))
        return words or (saying.NUMBERS[n] if r.random() < 0.5 else str(n)), n

    def _content(self, tongue: str, words: str | None, shown: tuple[int, ...]) -> tuple[str, object]:
        table = _listed("content")
        note = self.random.choice(tuple(table))
        said = words or self.random.choice(table[note])
        return said, next(n for n, ws in table.items() if said in ws)

    def _relative(self, tongue: str, words: str | None, shown: tuple[int, ...]) -> tuple[str, object]:
        table = phrases()["relative_foreign"][tongue] if tongue else _listed("relative")
        if words:  # "not so old"
            return words, "newer"
        way = self.random.choice(("older", "newer", "other"))
        said = self.random.choice(table[way][:-1] if way == "newer" else table[way])
        return said, way if way != "other" else said

    def _references(self, tongue: str, words: str | None, shown: tuple[int, ...]) -> tuple[str, object]:
        return (words, "all") if words else saying.several(self.random, len(shown))

    def _reference(self, tongue: str, words: str | None, shown: tuple[int, ...]) -> tuple[str, object]:
        if words:
            return words, "all" if words == "them" else "that"
        if tongue:
            return saying.foreign_one(self.random, phrases()["pointing"][tongue], len(shown))
        return self._one(shown)

    def _one(self, shown: tuple[int, ...]) -> tuple[str, object]:
        """A reference to one item: its place from 1, or "that"."""
        years = [self.films[n].year for n in shown]
        if len(set(years)) == len(years) > 1 and min(years) and self.random.random() < 0.12:
            two = len(years) == 2
            old = self.random.random() < 0.5
            word = ("older", "newer") if two else ("oldest", self.random.choice(("newest", "most recent")))
            return f"the {word[0] if old else word[1]} one", years.index(min(years) if old else max(years)) + 1
        return saying.one(self.random, len(shown))


_Filler = Callable[[Composer, str, str | None, tuple[int, ...]], tuple[str, object]]
_FILLERS: dict[str, _Filler] = {
    "genre": Composer._genre, "no_genre": Composer._genre, "person": Composer._person, "no_person": Composer._person,
    "language": Composer._language, "years": Composer._years, "decade": Composer._decade, "count": Composer._count,
    "no_content": Composer._content, "rel": Composer._relative, "refs": Composer._references,
    "ref": Composer._reference,
}  # fmt: skip
"""How the slots of a template are filled by their kind: with its tongue, its own words, and the rows shown before."""


def _telling(kind: str, words: str) -> tuple[int, int]:
    """Where the slot stands in its words: without "from" before a decade, and without dots behind a title."""
    lead = _DECADE_OF.match(words) if kind == "years" else None
    return lead.end() if lead else 0, len(words.rstrip(".!?")) if kind in TITLES else len(words)


def _meant(message: Message) -> tuple[int, ...]:
    """The rows that a message is about: its titles, else what it points at."""
    rows = [s.value for s in message.spans if s.kind in TITLES]
    for span in message.spans:
        if span.kind == "ref" and not rows:
            match span.value:
                case int(place):
                    rows.append(message.shown[place - 1])
                case "that":
                    rows += message.focus
    return tuple(dict.fromkeys(row for row in rows if isinstance(row, int)))


def _pointing(text: str, spans: list[Span]) -> list[Span]:
    """The spans with the pronouns that a template has in its own words."""
    found = list(spans)
    for match in _POINTS.finditer(text):
        if not any(s.start < match.end() and match.start() < s.end for s in spans):
            value = "that" if match[1] else "all"
            found.append(Span("ref", match.start(), match.end(), value))
    return sorted(found, key=lambda s: s.start)


def _glued(text: str, more: str) -> str:
    """The two with one space between, none before a comma or "'ve"."""
    more = re.sub(r"\s+(?=['’](?:ve|s|d|ll|re|m)\b)", "", re.sub(r"\s+", " ", more))
    if text.endswith(" ") or not text:
        more = more.lstrip()
    more = re.sub(r"\s+([,.!?])", r"\1", more)
    if more[:1] in (",", ".", "!", "?"):
        text = text.rstrip()
    return text + more


def _roughened(text: str, spans: list[Span], r: random.Random) -> tuple[str, list[Span]]:
    """As people type: lower case often, slips of a finger in plain words now and then, in slots seldom."""
    if r.random() < 0.55:
        text = text.lower()
    elif r.random() < 0.7:
        text = text[:1].upper() + text[1:]
    if r.random() > 0.25:
        return text, spans
    places = [m.start() for m in re.finditer(r"(?<=[A-Za-z])[A-Za-z](?=[A-Za-z])", text)]
    for _ in range(r.choice((1, 1, 2))):
        places = [p for p in places if p + 1 < len(text)]
        free = [p for p in places if r.random() < 0.1 or not any(s.start <= p < s.end for s in spans)]
        if not free:
            break
        at = r.choice(free)
        how = r.randint(0, 3)
        if how == 0:  # swapped
            text = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        elif how == 1:  # the neighbour's key
            text = text[:at] + _NEAR.get(text[at].lower(), text[at]) + text[at + 1 :]
        else:  # left out, or struck twice
            by = -1 if how == 2 else 1
            text = text[:at] + ("" if how == 2 else text[at] * 2) + text[at + 1 :]
            spans = [
                replace(s, start=s.start + by * (s.start > at), end=s.end + by * (s.end > at)) for s in spans
            ]  # fmt: skip
            places = [p + by * (p > at) for p in places]
    return text, spans


def arguments(spans: Sequence[Span], shown: int) -> dict[str, object]:
    """What the spans say together. Relative years stay out: they need a catalogue."""
    names = {
        "genre": "genres", "no_genre": "without_genres", "person": "people", "no_person": "without_people",
        "language": "languages", "like": "like", "good": "liked", "bad": "disliked", "seen": "seen", "title": "items",
        "no_content": "without_content",
    }  # fmt: skip
    found: dict[str, object] = {}
    for span in spans:
        if span.kind in names:
            found.setdefault(names[span.kind], [])
            values = found[names[span.kind]]
            assert isinstance(values, list)
            if span.value not in values:
                values.append(span.value)
        elif span.kind == "years" and isinstance(span.value, tuple):
            found["year_from"], found["year_to"] = span.value
        elif span.kind == "wish":
            found["wish"] = f"{found.get('wish', '')} {span.value}".strip()
        elif span.kind == "count":
            found["count"] = span.value
        elif span.kind == "ref":
            found["reference"] = span.value
    return {name: value for name, value in found.items() if value not in (None, [], "")}


def tags(message: Message) -> list[str]:
    """BIO tags, one a word of `words(message.text)`."""
    found = []
    for start, _ in words(message.text):
        span = next((s for s in message.spans if s.start <= start < s.end), None)
        found.append("O" if span is None else f"{'B' if not _inside(message.text, span, start) else 'I'}-{span.kind}")
    return found


def _inside(text: str, span: Span, start: int) -> bool:
    """Whether a word of the span stands before this one."""
    return bool(WORD.search(text, span.start, start))
