"""How often and how soon does a simulated person (benchmarks/people.py) find a film? Whole conversations of real turns.

    python -m benchmarks.simulator [--people N] [--turns N] [--aims film taste] [--worded N]

    popularity  the five films that most people rated, without those shown or named as known
    retrieval   the text index asked with all that the person said so far, without the same
    controller  `run_turn` as shipped, rules and small encoder, without a language model

Every system talks to the same people, unknown to it when they come: their histories are only in what they say. Success
is a wanted film among the five of a turn; reported are the share of people who succeed within N turns, the turns needed
(N + 1 where none sufficed), and differences paired by person, with 95 % bootstrap intervals over people. The served
models were trained without the last film of anybody, which is the one sought; with the aim "taste" other films count
that were among the training rows, which flatters all systems. What a simulated person says is simpler than what people
say: the figures compare systems, and real dialogues are in benchmarks/dialogues.py.

--worded N  lets the embedded language model word the messages of the first N people; a wording that loses what was to
            be said, or gives the title away, is refused, and the rule's own stands

Results: benchmarks/results/simulator.json.
"""

import argparse
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from app.events import Done, ItemShown, TurnEvent
from app.service.workbench import Workbench
from app.settings import Settings, settings
from app.turn.context import Parts, Turn, TurnContext
from app.turn.controller import run_turn
from app.understanding.names.linking import linker
from app.words import folded
from benchmarks.measure import about, write
from benchmarks.people import Aim, Person, Talk
from llm.backends import available
from llm.backends.absent import AbsentModel
from recommenders.data.tables import FeedbackKind
from recommenders.evaluation import metrics

PICKS, TURNS = 5, 6
SYSTEMS = ("popularity", "retrieval", "controller")
Row = dict[str, Any]


class System(Protocol):
    """One side of a conversation: a message in, the rows shown and the words of the reply out."""

    def reply(self, message: str) -> tuple[list[int], str]: ...


@dataclass
class Ranked:
    """A list without any talk: what was shown, or named by the person as liked, disliked or known, does not return."""

    bench: Workbench
    best: Callable[[str, np.ndarray], list[int]]  # words so far, (I,) allowed -> rows
    said: list[str] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)

    def reply(self, message: str) -> tuple[list[int], str]:
        self.said.append(message)
        names = linker(self.bench.catalogue).mentions(message)
        self.gone |= {m.items[0] for m in names if m.kind == "title"}
        allowed = np.ones(len(self.bench.catalogue), bool)
        allowed[list(self.gone)] = False
        shown = self.best(" ".join(self.said), allowed)
        self.gone |= set(shown)
        return shown, ""


@dataclass
class Controlled:
    """The controller with a store that lives as long as the conversation."""

    bench: Workbench
    parts: Parts
    settings: Settings
    dialogue: list[Turn] = field(default_factory=list)
    given: dict[str, FeedbackKind] = field(default_factory=dict)  # item id -> the last word on it, oldest first
    tally: Row = field(default_factory=lambda: {"invented": 0, "repeated": 0, "violations": 0, "seconds": []})

    def state(self) -> Any:
        liked, disliked, seen = (
            [i for i, k in self.given.items() if k == kind] for kind in ("like", "dislike", "seen")
        )
        return self.bench.state(None, liked, disliked, seen, now=0)

    def keep(self, item: str, kind: FeedbackKind) -> None:
        self.given.pop(item, None)
        self.given[item] = kind

    def reply(self, message: str) -> tuple[list[int], str]:
        ids = self.bench.catalogue.ids
        liked = tuple(ids.number(i) for i, kind in self.given.items() if kind == "like")
        known = set(self.given)
        context = TurnContext(tuple(self.dialogue), self.state(), "new user", self.keep, renew=self.state, liked=liked)
        events: list[TurnEvent] = list(run_turn(message, context, self.parts, self.settings, stop=threading.Event()))
        done = events[-1]
        assert isinstance(done, Done)
        shown = [e.item_id for e in events if isinstance(e, ItemShown)]
        self.tally["invented"] += sum(i not in ids for i in shown)
        self.tally["repeated"] += len(shown) - len(set(shown)) + len(known & set(shown))
        self.tally["violations"] += done.violations
        self.tally["seconds"].append(done.seconds)
        self.dialogue += [Turn("user", message), Turn("assistant", done.reply, tuple(shown), tuple(events))]
        return [ids.number(i) for i in shown], done.reply


class Systems:
    """A fresh system of each kind for every conversation."""

    def __init__(self, s: Settings) -> None:
        self.settings, self.bench = s, Workbench(s)
        self.popular = np.argsort(-self.bench.dataset.popularity, kind="stable")
        ranker = None if s.ranker == "none" else s.ranker
        info = available.describe(s.backend, s.llm)
        absent = AbsentModel(reason="none is wanted here")
        self.parts = Parts(info, absent, self.bench.pipeline(s.generator, ranker), s.generator, ranker)

    def new(self, name: str) -> System:
        if name == "popularity":
            return Ranked(self.bench, lambda _, allowed: self.popular[allowed[self.popular]][:PICKS].tolist())
        if name == "retrieval":
            texts = self.bench.text_index()
            if texts is None:
                raise SystemExit("there is no text index; run: chatrec setup")
            return Ranked(self.bench, lambda words, ok: [i for i, _ in texts.search(words, PICKS, allowed=ok)])
        return Controlled(self.bench, self.parts, self.settings)


Wording = Callable[[str, Talk], str]


def plain(message: str, _: Talk) -> str:
    return message


class Worded:
    """Messages in the words of the embedded language model, where these keep what was to be said."""

    def __init__(self, s: Settings) -> None:
        self.model = available.load(s.backend, s.llm)
        self.kept = self.asked = 0

    def __call__(self, message: str, talk: Talk) -> str:
        self.asked += 1
        prompt = (
            "Say the same in other words, as somebody in a chat.\n"
            "Message: Something older.\nOther words: hmm, anything a bit older?\n"
            "Message: I loved Fargo.\nOther words: Fargo is one I really loved.\n"
            f"Message: {message}\nOther words:"
        )
        text = self.model.bind(stop=["\n"], max_tokens=40).invoke(prompt).text.strip().strip('"')
        must = {w for w in folded(message) if w[:1].isdigit()} | {
            w for m in linker(talk.catalogue).mentions(message) for w in folded(m.surface)
        }
        if not text or not must <= set(folded(text)) or talk.says_title(text):
            return message
        self.kept += 1
        return text


def play(system: System, talk: Talk, turns: int, worded: Wording = plain) -> Row:
    """One conversation. found: the turn at which a wanted film was shown, 0 never."""
    message, row = worded(talk.opens(), talk), {"found": 0, "told_title": 0, "empty": 0}
    for turn in range(1, turns + 1):
        row["told_title"] += talk.says_title(message)
        shown, reply = system.reply(message)
        row["empty"] += not shown
        if talk.found(shown):
            row["found"] = turn
            break
        message = worded(talk.answers(shown, "?" in reply), talk)
    if isinstance(system, Controlled):
        row |= system.tally
    return row


def people(bench: Workbench, aim: Aim, many: int, seed: int) -> list[tuple[int, Person]]:
    """Users in a random order who can be simulated, with the seeds of their talk."""
    data, found = bench.dataset, []
    for user in np.random.default_rng(seed).permutation(len(data.users)).tolist():
        person = Person.of(data.state(user), aim, data.catalogue, np.random.default_rng((seed, user)))
        if person is not None:
            found.append((user, person))
        if len(found) == many:
            break
    return found


def summary(rows: Sequence[Row], turns: int) -> Row:
    """Figures of one system."""
    found = np.array([r["found"] for r in rows])
    told: Row = {f"success@{n}": _mean((found > 0) & (found <= n)) for n in (1, 3, turns)}
    told["turns"] = _mean(_needed(found, turns))
    told["without_items"] = int(sum(r["empty"] for r in rows))
    told["told_title"] = int(sum(r["told_title"] for r in rows))
    if "seconds" in rows[0]:
        seconds = [s for r in rows for s in r["seconds"]]
        told["seconds"] = {"p50": float(np.median(seconds)), "p95": float(np.quantile(seconds, 0.95))}
        told |= {name: int(sum(r[name] for r in rows)) for name in ("invented", "repeated", "violations")}
    return told


def against(rows: Sequence[Row], others: Sequence[Row], turns: int) -> Row:
    """Differences paired by person."""
    a, b = (np.array([r["found"] for r in some]) for some in (rows, others))
    return {
        f"success@{turns}": _mean((a > 0).astype(float) - (b > 0)),
        "turns": _mean(_needed(a, turns) - _needed(b, turns)),
    }


def _needed(found: np.ndarray, turns: int) -> np.ndarray:
    return np.where(found > 0, found, turns + 1).astype(float)


def _mean(values: np.ndarray) -> Row:
    return {"value": float(np.mean(values)), "interval": metrics.interval(values.astype(float))}


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--people", type=int, default=200)
    given.add_argument("--turns", type=int, default=TURNS)
    given.add_argument("--aims", nargs="*", choices=("film", "taste"), default=["film", "taste"])
    given.add_argument("--worded", type=int, default=0, help="people whose messages a language model words")
    given.add_argument("--seed", type=int, default=0)
    options = given.parse_args()
    s = settings()
    systems = Systems(s)
    results: Row = {**about(), "catalogue": s.dataset, "parts": f"{s.generator}+{s.ranker}", "seed": options.seed}
    results |= {"people": options.people, "turns": options.turns, "aims": {}}
    for aim in options.aims:
        some = people(systems.bench, aim, options.people, options.seed)
        rows = {name: conversations(systems, name, some, options.turns, options.seed) for name in SYSTEMS}
        told: Row = {name: summary(found, options.turns) for name, found in rows.items()}
        told["controller"]["gain"] = {
            other: against(rows["controller"], rows[other], options.turns) for other in SYSTEMS[:-1]
        }
        results["aims"][aim] = told
        for name, figures in told.items():
            print(aim, name, json.dumps(figures))
    if options.worded:
        results["worded"] = worded(systems, options)
        print("worded", json.dumps(results["worded"]))
    write("simulator", results)


def conversations(
    systems: Systems, name: str, some: Sequence[tuple[int, Person]], turns: int, seed: int, say: Wording = plain
) -> list[Row]:
    """One conversation of every person with a system, each from the person's own seed."""
    began, rows = time.perf_counter(), []
    for user, person in tqdm(some, desc=name, mininterval=5):
        talk = Talk(person, systems.bench.catalogue, np.random.default_rng((seed, user, 1)))
        rows.append(play(systems.new(name), talk, turns, say))
    print(f"{name}: {time.perf_counter() - began:.0f} s")
    return rows


def worded(systems: Systems, options: argparse.Namespace) -> Mapping[str, Any]:
    """The controller and retrieval with people whose messages the language model words; aim "film"."""
    some = people(systems.bench, "film", options.worded, options.seed)
    say = Worded(systems.settings)
    told: Row = {}
    for name in SYSTEMS[1:]:
        told[name] = summary(conversations(systems, name, some, options.turns, options.seed, say), options.turns)
    return {"people": len(some), "wordings": say.asked, "kept": say.kept, **told}


if __name__ == "__main__":
    main()
