"""How well messages are understood: rules, the small encoder, both together, and the embedded language model.

    python -m benchmarks.steer [--dialogues 200] [--model smollm2-135m --sample 150] [--page] [--earlier FILE]

On composed messages whose ways of saying, titles and names were held out of training, and on the seekers' messages of
IARD (Cai & Chen, 2020; ReDial dialogues that real people had, none of them trained on). IARD names what the annotators
saw in a message, often several things; a reading is right if its action serves one of them (SERVES). Thresholds were
chosen on every other dialogue of IARD; what is reported are the others. The phrases of the rules were revised on both
halves, so there the figures of everything that has rules in it flatter; the encoder learnt from ReDial messages that
the same rules had labelled.

Figures are of tool calls (benchmarks/heard.py): a slot is right when its value in the catalogue is, whatever the words.
Under "labels" stand the encoder's own intents and stretches of text, before anything is linked or done. With --model
the embedded language model is asked too, zero-shot and few-shot under a schema, on the first messages; then what it
makes of a recommender's list, and how many of its sentences pass their check. --page only writes the tables of
docs/steering.md again. --earlier FILE measures on the ways of saying that an earlier phrases.toml held out (without
those that train now), so that two encoders can be told apart although the list grew; it only prints. Intervals are 95 %
bootstraps over dialogues.
"""

import argparse
import json
import re
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from app.settings import settings
from app.understanding.heard import Heard
from app.understanding.joint import read
from app.understanding.lessons.dialogues import Composer, Film, Message, dealt
from app.understanding.lessons.lessons import films
from app.understanding.names.linking import Linker
from app.understanding.reader.encoder import Encoder, shipped
from app.understanding.reader.labels import Span
from app.understanding.rules import understand
from app.understanding.table import Table
from app.wants import NOTHING, Wants
from benchmarks import steer_model, steer_page
from benchmarks.heard import Reading, macro_f1, of_understanding, scored, share, table
from benchmarks.measure import RESULTS, about, write
from benchmarks.reading_alone import read_alone
from llm.backends import available
from recommenders.contract.config import configured
from recommenders.data import sources
from recommenders.data.sources import ml_latest_small
from recommenders.data.splits import leave_last_one_out

ASKED = {"recommend", "similar"}
SERVES = {
    "IQU": ASKED, "CON": ASKED, "REF": ASKED, "STO": ASKED, "CRI-A": ASKED, "CRI-C": ASKED,
    "PRO": {*ASKED, "feedback"}, "ANS": {*ASKED, "feedback"}, "SEE": {"feedback"}, "REJ": {*ASKED, "feedback"},
    "ACC": {"chat", "feedback"}, "CRI-F": {*ASKED, "feedback"}, "INQ": {"ask_item", "compare", "explain"},
    "ASK": {"ask_item", "chat", "compare"}, "NRE": {"chat", "ask_item"}, "OTH": {"chat"},
}  # fmt: skip
Reads = Callable[[str, Table, str, Linker], Heard]


def systems(encoder: Encoder) -> dict[str, Reads]:
    return {
        "rules": lambda text, table, before, names: understand(text, table, names),
        "encoder": lambda text, table, before, names: read_alone(text, table, names, encoder, previous=before),
        "both": lambda text, table, before, names: read(text, table, names, encoder, previous=before),
    }


def heard(messages: Sequence[Message], names: Linker, reads: Reads) -> list[Reading]:
    found = []
    for m in messages:
        laid = table(m)
        began = time.process_time()
        u = reads(m.text, laid, m.previous, names)
        found.append(of_understanding(u, names, time.process_time() - began))
    return found


def labels(messages: Sequence[Message], names: Linker, encoder: Encoder) -> dict[str, object]:
    """The encoder's own intents, stretches and carries."""

    def stretches(spans: Sequence[Span]) -> set[tuple[str, int, int]]:
        return {(s.kind, s.start, s.end) for s in spans}

    pairs: list[tuple[str, str]] = []
    exact: list[bool] = []
    carried: list[bool] = []
    right, said, wanted = Counter[str](), Counter[str](), Counter[str]()
    for m in messages:
        found = encoder.read(m.text, m.previous, len(m.shown), names.known(m.text))
        pairs.append((m.intent, found.intent))
        ours, gold = stretches(found.spans), stretches(m.spans)
        exact.append(ours == gold)
        right.update(k for k, _, _ in ours & gold)
        said.update(k for k, _, _ in ours)
        wanted.update(k for k, _, _ in gold)
        if m.carry:
            carried.append(found.carry == m.carry)
    groups = [m.dialogue for m in messages]
    return {
        "intent": share([a == b for a, b in pairs], groups),
        "intent_macro_f1": macro_f1(pairs),
        "spans_exact": share(exact, groups),
        "carry": sum(carried) / len(carried),
        "span_f1": {k: 2 * right[k] / (said[k] + wanted[k]) for k in sorted(wanted)},
    }


def seekers(folder: Path, names: Linker) -> Iterator[tuple[int, str, str, Table, set[str]]]:
    """(dialogue, message, the one before, table, actions that serve it) for each message of IARD's seekers."""
    for number, dialogue in enumerate(json.loads((folder / "iard" / "dev.json").read_text(encoding="utf-8")).values()):
        shown: tuple[int, ...] = ()
        before = ""
        for turns, turn in enumerate(dialogue["dialogue_info"].values()):
            text = re.sub(r"@\d+\s*<([^<>]*?)\s*>", lambda m: re.sub(r"\s+\(", " (", m[1]), turn["utterance_text"])
            if turn["role"] != "seeker":
                shown = tuple(m.items[0] for m in names.mentions(text) if m.kind == "title") or shown
                continue
            text = text.replace("...", ". ")
            laid = Table(shown, shown, shown, Wants(others=True) if turns else NOTHING, turns)
            yield number, text, before, laid, set().union(*(SERVES[i] for i in turn["sub-intent/action"]))
            before = text


def iard(folder: Path, names: Linker, reads: Reads) -> dict[str, object]:
    """Share of seekers' messages whose reading serves an annotated intent, in the half not chosen on and in all."""
    right, groups = [], []
    for number, text, before, laid, serves in seekers(folder, names):
        found = reads(text, laid, before, names)
        action = "chat" if found.topic == "greeting" else found.action
        right.append(bool({action, *({"feedback"} if found.judged else ())} & serves))
        groups.append(number)
    odd = np.array(groups) % 2 == 1
    return {
        "action": share(np.array(right)[odd].tolist(), np.array(groups)[odd].tolist()),
        "messages": int(odd.sum()),
        "of all": float(np.mean(right)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dialogues", type=int, default=200, help="composed dialogues of the held-out part")
    parser.add_argument("--model", help="an embedded language model, which takes minutes; otherwise it is not asked")
    parser.add_argument("--sample", type=int, default=150, help="messages that the language model reads")
    parser.add_argument("--page", action="store_true", help="only write the tables of docs/steering.md again")
    parser.add_argument("--earlier", type=Path, help="an earlier phrases.toml; prints, and writes nothing")
    args = parser.parse_args()
    if args.earlier:
        torch.set_num_threads(1)
        print(json.dumps(understood(args.dialogues, args.earlier), indent=1))
        return
    file = RESULTS / "steer.json"
    results: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    if not args.page:
        torch.set_num_threads(1)
        results |= {"about": about()} | (asked_model(args) if args.model else understood(args.dialogues))
        write("steer", results)
        results = json.loads(file.read_text(encoding="utf-8"))  # as rounded there
    steer_page.PAGE.write_text(steer_page.filled(results), encoding="utf-8")


def held_out(rows: Sequence[Film], earlier: Path | None) -> Composer:
    """Composes messages of the held-out part, or of what an earlier list of ways held out and none trains with now."""
    composer = Composer(rows, "held-out")
    if earlier is not None:
        then = tomllib.loads(earlier.read_text(encoding="utf-8"))
        for (intent, carry), trains in Composer(rows, "train").templates.items():
            held = dealt(then[intent][carry or "none"]["templates"])["held-out"]
            composer.templates[intent, carry] = [way for way in held if way not in trains]
    return composer


def understood(dialogues: int, earlier: Path | None = None) -> dict[str, object]:
    """Rules, encoder and both."""
    s, encoder = settings(), shipped()
    catalogue = sources.load("ml-100k", s.cache_dir, s.datasets).catalogue
    names = Linker(catalogue)
    messages = [m for d in held_out(films(catalogue), earlier).dialogues(dialogues) for m in d]
    people = None
    if earlier is None and (s.datasets / "iard" / "dev.json").is_file():
        people = Linker(ml_latest_small.read(s.datasets / "ml-latest-small").catalogue)
    results: dict[str, object] = {"labels": labels(messages, names, encoder)}
    for name, reads in systems(encoder).items():
        found = {"held_out": scored(messages, heard(messages, names, reads))}
        if people is not None:
            found["iard"] = iard(s.datasets, people, reads)
        results[name] = found
        print(name, json.dumps(found), file=sys.stderr)
    return results


def asked_model(args: argparse.Namespace) -> dict[str, object]:
    """The embedded language model at the same tasks."""
    s = settings()
    data = sources.load("ml-100k", s.cache_dir, s.datasets)
    names = Linker(data.catalogue)
    model: Any = available.load(f"embedded:{args.model}", s.llm.model_copy(update={"threads": 1}))
    model.warm()
    composer = Composer(films(data.catalogue), "held-out")
    messages = list(islice((m for d in composer.dialogues(args.sample) for m in d), args.sample))
    teaching = [m for d in Composer(films(data.catalogue), "train").dialogues(60) for m in d]
    found: dict[str, object] = {}
    for name, shots in (("zero-shot", []), ("few-shot", steer_model.examples(teaching))):
        found[name] = scored(messages, [steer_model.read(model, shots, m, names) for m in tqdm(messages, desc=name)])
        print(name, json.dumps(found[name]))
    parts = leave_last_one_out(data)
    ease = configured("ease").fit(parts.train)
    cases = [c for c in parts.test[::7] if c[1] in [i for i, _ in ease.recommend(c[0], 10)]]
    found["picks"] = steer_model.picks(model, ease, cases[: args.sample // 3])
    print("picks", json.dumps(found["picks"]))
    some = islice(steer_model.requests(messages, names), args.sample // 3)
    found["sentences"] = steer_model.spoken(model, list(some), names)
    return {f"embedded:{args.model}": found}


if __name__ == "__main__":
    main()
