"""Do films that real people liked come up? Dialogues of ReDial replayed turn by turn (benchmarks/replay.py).

    python -m benchmarks.dialogues [--half 0] [--parts sasrec ...] [--variants popularity ...] [--fresh]

At every turn of the human recommender each variant gives up to 50 films; Recall@k is the share of the targets among the
first k, averaged over a dialogue's turns that have targets, then over dialogues; intervals are 95 % bootstraps over
dialogues, and the differences to retrieval only are paired. A turn at which a variant shows nothing scores 0. Of
dialogues at even places in the file (half 0) settings were chosen; the others (half 1) were not looked at.

    popularity  the films that most people rated, without those mentioned
    retrieval   the text index asked with the seeker's words so far, without the films mentioned
    taste       the pipeline with what was liked and disliked, no words
    mixed       the pipeline with the same, similar items to what was liked, and the seeker's latest words as a wish
    told        the pipeline as the controller asks it when it understands nothing more: words and likes so far
    rules       the controller by rules alone
    controller  the controller as shipped, rules and small encoder, without a language model
    embedded    the same with the embedded language model, which adds one sentence to the picks and changes none; on the
                first dialogues only (--spoken)

What the controller shows comes first in its list, the rest of its candidates follow. Its own earlier decisions stay in
the dialogue; the words and films of earlier answers are the human's. Rows are kept in the runs folder as they come, and
a second run goes on from there (--fresh forgets them: do so when the code changed). Results of each pair of generator
and ranker: benchmarks/results/dialogues.json, without any text or number of ReDial.
"""

import argparse
import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from app.events import CandidatesFound, Decision, Done, Fallback, ItemShown, TurnEvent
from app.service.workbench import Workbench
from app.settings import Settings, settings
from app.turn.context import Parts, Turn, TurnContext
from app.turn.controller import run_turn
from app.wants import NOTHING
from benchmarks.measure import about, write
from benchmarks.replay import Moment, Said, breaks, moments, read
from llm.backends import available
from llm.backends.absent import AbsentModel
from recommenders.contract.request import Request
from recommenders.data.tables import UserState
from recommenders.evaluation import metrics
from recommenders.pipeline import tuned

DEPTH = 50
CUTS = (1, 5, 10, 50)
VARIANTS = ("popularity", "retrieval", "taste", "mixed", "told", "rules", "controller", "embedded")
ANY_PARTS = ("popularity", "retrieval")  # the same whatever generator and ranker serve
CONTROLLED = ("rules", "controller", "embedded")
HALVES = ("development", "held")
Row = dict[str, object]


class Bench:
    """The trained parts, and every variant as a function from a dialogue to one row a moment."""

    def __init__(self, s: Settings, bench: Workbench) -> None:
        self.settings = s.model_copy(update={"pool": DEPTH})
        self.bench = bench
        self.catalogue = self.bench.catalogue
        self.pipeline = self.bench.pipeline(s.generator, s.ranker)
        self.popular = np.argsort(-self.bench.dataset.popularity, kind="stable")

    def replayed(self, variant: str, said: Sequence[Said]) -> list[Row]:
        if variant in CONTROLLED:
            return self._controlled(said, spoken=variant == "embedded", encoder=variant != "rules")
        asked: Callable[[Moment], list[int]] = getattr(self, f"_{variant}")
        rows = []
        for moment in moments(said):
            if not moment.targets:
                continue
            began = time.perf_counter()
            shown = asked(moment)
            rows.append(_row(moment, shown, time.perf_counter() - began) | {"repeated": _repeated(shown, moment.met)})
        return rows

    def _popularity(self, m: Moment) -> list[int]:
        return self.popular[~np.isin(self.popular, m.met)][:DEPTH].tolist()

    def _retrieval(self, m: Moment) -> list[int]:
        texts = self.bench.text_index()
        if texts is None:
            raise SystemExit("there is no text index; run: chatrec setup")
        allowed = np.ones(len(self.catalogue), bool)
        allowed[list(m.met)] = False
        return [i for i, _ in texts.search(_words(m.before), DEPTH, allowed=allowed)]

    def _taste(self, m: Moment) -> list[int]:
        return self._asked(m, Request(k=DEPTH))

    def _mixed(self, m: Moment) -> list[int]:
        return self._asked(m, Request(k=DEPTH, wish=m.before[-1].text, like=m.liked))

    def _told(self, m: Moment) -> list[int]:
        return self._asked(m, Request(k=DEPTH, said=_words(m.before[::-1]), liked=m.liked))

    def _asked(self, m: Moment, request: Request) -> list[int]:
        return [c.item for c in self.pipeline.recommend(self._state(m), request).candidates]

    def _state(self, m: Moment) -> UserState:
        def ids(rows: Sequence[int]) -> list[str]:
            return [self.catalogue.ids.ids[r] for r in rows]

        # what was mentioned without an answer is known too, so that it is not offered again
        return self.bench.state(None, ids(m.liked), ids(m.disliked), ids(m.met), now=0)

    def _controlled(self, said: Sequence[Said], *, spoken: bool, encoder: bool) -> list[Row]:
        s = self.settings.model_copy(update={"small_encoder": encoder})
        info = available.describe(s.backend, s.llm)
        model = available.load(s.backend, s.llm) if spoken else None
        absent = AbsentModel(reason="none is wanted here")
        parts = Parts(info, model or absent, self.pipeline, s.generator, None if s.ranker == "none" else s.ranker)
        decisions: dict[int, tuple[TurnEvent, ...]] = {}  # by the number of turns before the answer
        rows = []
        for m in moments(said):
            dialogue = self._dialogue(m.before[:-1], decisions)
            context = TurnContext(dialogue, self._state(m), "new user", lambda item, kind: None, liked=m.liked)
            events = list(run_turn(m.before[-1].text, context, parts, s, stop=threading.Event()))
            decisions[len(m.before)] = tuple(e for e in events if isinstance(e, Decision))
            if m.targets:
                rows.append(self._judged(m, events))
        return rows

    def _dialogue(self, before: Sequence[Said], decisions: dict[int, tuple[TurnEvent, ...]]) -> tuple[Turn, ...]:
        ids = self.catalogue.ids.ids
        return tuple(
            Turn("user", turn.text)
            if turn.who == "seeker"
            else Turn(
                "assistant",
                turn.text,
                tuple(ids[f.row] for f in turn.films if f.row is not None),
                decisions.get(n, ()),
            )
            for n, turn in enumerate(before)
        )

    def _judged(self, m: Moment, events: list[TurnEvent]) -> Row:
        ids, done = self.catalogue.ids, events[-1]
        assert isinstance(done, Done)
        decision = next((e for e in events if isinstance(e, Decision)), None)
        wants = NOTHING if decision is None else decision.wants
        cards = [e.item_id for e in events if isinstance(e, ItemShown)]
        found = [i for e in events if isinstance(e, CandidatesFound) for i in e.item_ids]
        listed = list(dict.fromkeys((*cards, *found)))
        known = [ids.number(i) for i in listed if i in ids]
        return _row(m, known[:DEPTH], done.seconds) | {
            "action": "none" if decision is None else decision.action,
            "invented": sum(i not in ids for i in listed),
            "repeated": len(cards) - len(set(cards)) + (0 if wants.again else _repeated(known, m.met)),
            "violations": done.violations + sum(bool(breaks(self.catalogue, i, wants)) for i in known),
            "in_model": done.seconds_in_model,
            "bypassed": sum(isinstance(e, Fallback) for e in events),
        }


def _words(turns: Sequence[Said]) -> str:
    return " ".join(turn.text for turn in turns if turn.who == "seeker")


def _row(m: Moment, shown: Sequence[int], seconds: float) -> Row:
    """ranks: 1-based place of every target in the list, 0 where it is not there."""
    places = {item: n for n, item in enumerate(shown, start=1)}
    return {"ranks": [places.get(t, 0) for t in m.targets], "shown": len(shown), "seconds": seconds}


def _repeated(shown: Sequence[int], met: Sequence[int]) -> int:
    return len(set(shown) & set(met)) + len(shown) - len(set(shown))


def recalls(rows: Sequence[Row], k: int) -> float:
    """Mean over the moments of one dialogue: share of the targets among the first k."""
    return float(np.mean([np.mean([0 < rank <= k for rank in row["ranks"]]) for row in rows]))  # type: ignore[attr-defined]


def summary(by_dialogue: dict[int, list[Row]], against: dict[int, list[Row]] | None) -> dict[str, object]:
    """Figures of one variant; `against`: the variant that it is compared with, on the dialogues that both have."""
    numbers = sorted(n for n, rows in by_dialogue.items() if rows)
    rows = [row for n in numbers for row in by_dialogue[n]]
    seconds = [float(row["seconds"]) for row in rows]  # type: ignore[arg-type]
    told: dict[str, object] = {"dialogues": len(numbers), "turns": len(rows)}
    for k in CUTS:
        own = np.array([recalls(by_dialogue[n], k) for n in numbers])
        told[f"recall@{k}"] = {"value": float(own.mean()), "interval": metrics.interval(own)}
        both = [n for n in numbers if against is not None and against.get(n)]
        if against is not None and both:
            gain = np.array([recalls(by_dialogue[n], k) - recalls(against[n], k) for n in both])
            told[f"gain@{k}"] = {"value": float(gain.mean()), "interval": metrics.interval(gain)}
    told["turns_with_items"] = float(np.mean([row["shown"] != 0 for row in rows]))
    told["seconds"] = {"p50": float(np.median(seconds)), "p95": float(np.quantile(seconds, 0.95))}
    for name in ("invented", "repeated", "violations"):
        told[name] = sum(int(row.get(name, 0)) for row in rows)  # type: ignore[call-overload]
    actions = [str(row["action"]) for row in rows if "action" in row]
    if actions:
        told["actions"] = {a: actions.count(a) for a in sorted(set(actions))}
        told["without_items"] = {
            a: sum(r["action"] == a and not r["shown"] for r in rows) for a in sorted(set(actions))
        }
        told["spoken"] = sum(float(r["in_model"]) > 0 for r in rows)  # type: ignore[arg-type]
    return told


def kept(path: Path) -> dict[int, list[Row]]:
    """What an earlier run found, by the dialogue's place in the file; a last line cut short is left out."""
    found: dict[int, list[Row]] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            number, rows = json.loads(line)
        except ValueError:
            continue
        found[number] = rows
    return found


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--half", type=int, choices=(0, 1), help="only dialogues of this half; nothing is written then")
    given.add_argument("--spoken", type=int, default=20, help="dialogues with targets for the embedded model")
    given.add_argument("--parts", nargs="*", help="generator, or generator+ranker; those served where none is named")
    given.add_argument("--variants", nargs="*", choices=VARIANTS, default=list(VARIANTS))
    given.add_argument("--kept", action="store_true", help="run nothing: figures of what earlier runs found")
    given.add_argument("--fresh", action="store_true", help="forget what earlier runs found")
    options = given.parse_args()
    s = settings()
    path = s.datasets / "redial-valid" / "valid_data.jsonl"
    if not path.is_file():
        raise SystemExit(f"{path} is missing; set CHATREC_DATASETS to the folder that holds redial-valid")
    workbench = Workbench(s)
    dialogues = read(path, workbench.catalogue)
    told = coverage(dialogues)
    print(told)
    useful = [n for n, said in enumerate(dialogues) if any(m.targets for m in moments(said))]
    by_parts: dict[str, object] = {}
    for parts in options.parts or [tuned.pair(s.generator, None if s.ranker == "none" else s.ranker)]:
        generator, _, ranker = parts.partition("+")
        bench = Bench(s.model_copy(update={"generator": generator, "ranker": ranker or "none"}), workbench)
        found: dict[str, dict[int, list[Row]]] = {}
        for variant in options.variants:
            wanted = [n for n in useful if options.half in (None, n % 2)]
            wanted = wanted[: options.spoken] if variant == "embedded" else wanted
            rows = replayed(bench, variant, dialogues, [] if options.kept else wanted, fresh=options.fresh)
            if some := {n: rows[n] for n in wanted if n in rows}:
                found[variant] = some
        by_parts[parts] = figures = {
            name: summaries(rows, found.get("retrieval"), name) for name, rows in found.items()
        }
        for name, halves in figures.items():
            print(parts, name, json.dumps(halves))
        if options.half is None:
            head = {**about(), "catalogue": s.dataset, "backend": s.backend, "coverage": told}
            write("dialogues", {**head, "parts": by_parts})


def coverage(dialogues: Sequence[Sequence[Said]]) -> dict[str, object]:
    """How much of the dialogues the catalogue can answer."""
    films = {f.title: f.row for said in dialogues for turn in said for f in turn.films}
    mentioned = [f.row for said in dialogues for turn in said for f in turn.films]
    all_moments = [moments(said) for said in dialogues]
    return {
        "dialogues": len(dialogues),
        "with_targets": sum(any(m.targets for m in some) for some in all_moments),
        "films_of_catalogue": sum(r is not None for r in films.values()) / len(films),
        "mentions_of_catalogue": sum(r is not None for r in mentioned) / len(mentioned),
        "turns": sum(map(len, all_moments)),
        "turns_with_targets": sum(bool(m.targets) for some in all_moments for m in some),
        "targets": sum(len(m.targets) for some in all_moments for m in some),
    }


def replayed(
    bench: Bench, variant: str, dialogues: Sequence[Sequence[Said]], wanted: Sequence[int], *, fresh: bool
) -> dict[int, list[Row]]:
    """The rows of the wanted dialogues, those of earlier runs reused; rows of other parts are other figures."""
    ranker = None if bench.settings.ranker == "none" else bench.settings.ranker
    parts = "any" if variant in ANY_PARTS else tuned.pair(bench.settings.generator, ranker)
    file = bench.bench.runs / "dialogues" / parts / f"{variant}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    if fresh:
        file.unlink(missing_ok=True)
    known = kept(file)
    with file.open("a", encoding="utf-8") as out:
        for number in tqdm([n for n in wanted if n not in known], desc=variant, mininterval=5):
            known[number] = bench.replayed(variant, dialogues[number])
            out.write(json.dumps([number, known[number]]) + "\n")
            out.flush()
    return known


def summaries(rows: dict[int, list[Row]], retrieval: dict[int, list[Row]] | None, name: str) -> dict[str, object]:
    """Figures of all dialogues, and of each half alone."""
    against = None if name == "retrieval" else retrieval
    halves = {h: {n: r for n, r in rows.items() if n % 2 == k} for k, h in enumerate(HALVES)}
    found: dict[str, object] = {"all": summary(rows, against)}
    return found | {h: summary(some, against) for h, some in halves.items() if some and len(some) < len(rows)}


if __name__ == "__main__":
    main()
