"""What the readers of messages are taught with: a catalogue's rows as films, and real messages under the rules' labels.

The real ones are ReDial's validation dialogues (Li et al., 2018, CC BY 4.0), without those that IARD annotates, since
IARD is what the result is measured on. Only messages that the rules are sure of count, and only their intent: the slots
are taught by composed dialogues alone.
"""

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.settings import Settings
from app.understanding.lessons.dialogues import Composer, Film, Message
from app.understanding.lessons.teaching import Knows
from app.understanding.names import Linker
from app.understanding.reader import Known
from app.understanding.rules import understand
from app.understanding.table import Table
from app.wants import NOTHING, Wants
from recommenders.data import Catalogue, ml_latest_small, sources

_ASKS_ALIKE = re.compile(r"\b(?:like|similar|recommend|suggest|more|lines|style|vein)\b", re.IGNORECASE)
_SOMETHING = Wants(others=True)  # an earlier request, whatever it was
_MARK = re.compile(r"@(\d+)")


@dataclass(frozen=True)
class Lessons:
    """composed: with intents and slots; real: with intents alone; valid: composed of other ways of saying; knows: what
    catalogues know of words, the one for learning and the one for checking."""

    composed: list[Message]
    real: list[Message]
    valid: list[Message]
    knows: tuple[Knows, Knows]


def lessons(s: Settings, *, dialogues: int, checks: int, most: int, seed: int) -> Lessons:
    """So many composed dialogues on MovieLens to learn from and to check on, and at most so many real messages of each
    intent, where they are at hand.

    Learning sees the titles of MovieLens up to 2018 too, of which ReDial's people talk.
    """
    catalogue = sources.load("ml-100k", s.cache_dir, s.datasets).catalogue
    rows, linkers = films(catalogue), [Linker(catalogue)]
    valid = [m for d in Composer(rows, "valid", seed).dialogues(checks) for m in d]
    real: list[Message] = []
    if (s.datasets / "ml-latest-small").is_dir():
        later = ml_latest_small.read(s.datasets / "ml-latest-small").catalogue
        rows += films(later)
        linkers.append(Linker(later))
        real = thinned(real_messages(s.datasets, linkers[-1]), most, seed) if most else []
    composed = [m for d in Composer(rows, "train", seed).dialogues(dialogues) for m in d]
    return Lessons(composed, real, valid, (partial(known, linkers), linkers[0].known))


def known(linkers: Sequence[Linker], text: str) -> list[Known]:
    """What either catalogue knows of the words; where stretches overlap, what the earlier one does."""
    found: list[Known] = []
    for linker in linkers:
        found += [k for k in linker.known(text) if not any(k.start < o.end and o.start < k.end for o in found)]
    return found


def films(catalogue: Catalogue) -> tuple[Film, ...]:
    c = catalogue
    rows = zip(c.titles, c.years, c.genres, c.people, c.languages, strict=True)
    return tuple(Film(t, int(y), tuple(g), tuple(p), l_) for t, y, g, p, l_ in rows)


def thinned(messages: list[Message], most: int, seed: int) -> list[Message]:
    """At most so many of each intent, drawn by the seed."""
    by_intent: dict[str, list[Message]] = {}
    for message in messages:
        by_intent.setdefault(message.intent, []).append(message)
    chance = random.Random(seed)
    return [m for n in sorted(by_intent) for m in chance.sample(by_intent[n], min(most, len(by_intent[n])))]


def real_messages(folder: Path, linker: Linker) -> list[Message]:
    """Messages of seekers in ReDial's validation dialogues; [] where the folder has none of them."""
    file, annotated = folder / "redial-valid" / "valid_data.jsonl", folder / "iard" / "dev.json"
    if not file.is_file():
        return []
    held: set[str] = set()
    if annotated.is_file():
        for dialogue in json.loads(annotated.read_text(encoding="utf-8")).values():
            held |= {_key(turn["utterance_text"]) for turn in dialogue["dialogue_info"].values()}
    found: list[Message] = []
    for n, line in enumerate(file.read_text(encoding="utf-8").splitlines()):
        said = list(_dialogue(json.loads(line), linker, n))
        long = [m for m in said if len(m.text.split()) >= 5]
        if not any(_key(m.text) in held for m in long):
            found += [m for m in said if m.intent != "clarify"]
    return found


def _key(text: str) -> str:
    """Of a message, whatever marks its films: ReDial has "@123", IARD "@123 <Heat (1995)>"."""
    return re.sub(r"[^a-z]+", " ", re.sub(r"<[^<>]*>", " ", text).casefold()).strip()


def _dialogue(dialogue: dict, linker: Linker, number: int) -> Iterator[Message]:
    names = dialogue["movieMentions"] or {}
    seeker = dialogue["initiatorWorkerId"]
    shown: tuple[int, ...] = ()
    previous = ""
    runs: list[tuple[bool, str]] = []  # a person's lines in a row are one message
    for line in dialogue["messages"]:
        text = _MARK.sub(lambda m: re.sub(r"\s+", " ", str(names.get(m[1]) or "")).strip(), line["text"]).strip()
        mine = line["senderWorkerId"] == seeker
        if runs and runs[-1][0] == mine:
            runs[-1] = (mine, f"{runs[-1][1]}. {text}")
        else:
            runs.append((mine, text))
    for turns, (mine, text) in enumerate(runs):
        if not mine:
            named = tuple(m.items[0] for m in linker.mentions(text) if m.kind == "title")
            shown = named or shown
        else:
            table = Table(shown, shown, shown, _SOMETHING if turns else NOTHING, turns)
            u = understand(text, table, linker)
            intent = u.intent
            bare = u.action == "similar" and not _ASKS_ALIKE.search(text)  # a title alone may be praise as well
            if text and u.sure >= 0.7 and not bare:
                yield Message(text, intent, "", previous=previous, shown=shown, dialogue=number)
            previous = text
