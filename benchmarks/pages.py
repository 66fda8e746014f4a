"""Writes the pages of the documentation that are made from results: leaderboard, costs, the language model as scorer.

    python -m benchmarks.pages          (make docs does it too)

benchmarks/tests/test_pages_of_results.py fails when a file is not what this would write.
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from app.scorer import figures
from benchmarks import scaling
from benchmarks.measure import RESULTS
from benchmarks.peers import ctr, top_n
from benchmarks.peers.results import Results
from recommenders.experiments.boards import BOARDS, Measure
from recommenders.experiments.results import SHIPPED, snapshot
from recommenders.experiments.standings import markdown, standings

FOLDER = Path(__file__).resolve().parents[1] / "docs"
NOTE = "<!-- written by benchmarks/pages.py; change the results or the code and run: make docs -->\n"


ABOUT_THE_BOARDS = """\
Every line is `chatrec leaderboard --data SET --task BOARD --models NAME --seeds SEEDS`. A single run is trained again,
from the settings that are kept with it, by `chatrec leaderboard --repeat BOARD/NAME-SEED`. Settings were chosen on the
validation part of MovieLens 100K (the comments in recommenders/configs say how), never on a test.

The first figure orders the table: the mean over seeds, ± the standard deviation between them, with the 95 % interval of
a bootstrap over users. Intervals of two lines may overlap although the two differ, because both were asked the same
users: "behind" is the first line's lead over this one, user by user, with its interval; where that holds 0 the two are
not told apart. CPU seconds are of one training on one of the machines above, one thread; wall seconds were taken
beside other work and tell the order of magnitude."""


ABOUT_THE_PUBLISHED = """\
What the papers report for the same models. None of it is on MovieLens 100K, so nothing can be subtracted from a table
above; the last column says what else differs."""

PUBLISHED = (  # model, published, on, differs from the boards
    (
        "I-AutoRec, U-AutoRec (Sedhain et al. 2015)",
        "RMSE .831, .874",
        "MovieLens 1M",
        "ten times the ratings; rows at random (90/10), as in `rating-random`",
    ),
    (
        "NeuMF (He et al. 2017)",
        "NDCG@10 .447, HR@10 .730",
        "MovieLens 1M",
        "the withheld item among 100 drawn ones, not among all",
    ),
    (
        "SASRec (Kang, McAuley 2018)",
        "NDCG@10 .591, HR@10 .825",
        "MovieLens 1M",
        "the withheld item among 101, not among all",
    ),
    (
        "BERT4Rec (Sun et al. 2019)",
        "NDCG@10 .482, HR@10 .697",
        "MovieLens 1M",
        "the withheld item among 101, drawn by popularity, not among all",
    ),
    (
        "DIN with Dice (Zhou et al. 2018)",
        "AUC .735; Wide&Deep .730, PNN .732, DeepFM .732",
        "MovieLens 20M",
        "users are withheld, not the latest ratings",
    ),
)


ABOUT_GROWTH = """\
On made-up interactions, one thread, one epoch of what has epochs; CPU seconds, and memory beside the data. The
exponents say how the cost grows with users, items and history length, in this order, from the base size upwards: 1 in
proportion, 2 four times for twice the size. fm, deepfm and din stand for all models of fields: they share a loop."""

ABOUT_SCORING = """\
Four quadrants: a language model that is tuned to foretell ratings or not, with a conventional recommender or without
(Kang et al. 2023, arXiv 2305.06474).

- Not tuned: SmolLM2-135M, the embedded model, is shown the person's latest ratings and asked for the next one,
  zero-shot or after three examples. "text": its words are read as a number. "expected": the mean of 1 to 5, weighed
  by the chances of these tokens (from the same weights in transformers); no decoding.
- Tuned: the text of the ratings goes through a network with a projection head, as regression or as classification
  with the expected value. T5: an encoder-decoder of chance weights (two layers and one, vectors of 128, own word
  pieces). SmolLM2: its lowest four layers, the upper two of them trained, on few rows. Any other Hugging Face folder
  goes the same way: `chatrec llm tune-rating --model FOLDER`.
- With a recommender: what item-kNN expects stands in the text; a tuned head corrects it, and learns on rows that
  item-kNN was fitted without.

In the chat the same stand among the rankers of the sidebar: "language model, lists", "language model, ratings", and
"language model, tuned ratings" once `chatrec llm tune-rating` has run. They read the first ten candidates; where a
model gives no order the incoming one stands, and the reply says that the model was bypassed."""

ABOUT_RATED = """\
The cut by time; {rows} ratings of its test part, of {users} people of whom at least five ratings are known;
everything that came before is known. All foretold the same rows. Hyper-parameters of item-kNN and matrix factorisation
were chosen on the validation rows; those of the networks were set by hand and stopped on validation. One seed. A text
tells the latest ten ratings of the person (T5), five (tuned SmolLM2) or four (prompts); the recommenders read all of
them. Intervals are bootstraps over people. "Above item-kNN" is the difference of both RMSE on the same draws of people:
where its interval holds 0 the two are not told apart. "Unread" answers gave no number; the person's mean stood in."""

ABOUT_LISTED = """\
Leave-last-one-out. Only people whose next item is among the generator's first ten can gain or lose by a new order of
these ten: users are drawn from them, and the mean is multiplied by their share. "Its order" is the model's alone,
"blend" what the pipeline makes of both at its default weight; changes are paired, user by user. T5 learnt here from
ratings of the training part alone. "Unread" lists had no order: the incoming one stood."""

ABOUT_FOLD_IN = """\
A fifth of the users is left out of the training and then ranked for, from the same histories, beside a model that was
trained with them. Kept: the share of NDCG@10 that is left, with the 95 % interval over users."""


ABOUT_COLD = """\
A tenth of the items that ten or more people met is taken out of the training; a case is a person's meeting with such an
item, told from the earlier history. "Among cold": the place among the cold items alone; "among all": in the whole
catalogue, where a new item has to pass every known one; "warm": the usual test, what a change costs there. Gains over
the model as trained, with the 95 % interval over people; mean of {seeds} seeds.

- from texts: the setting `texts`, embeddings of cold items by a ridge regression from their sentence vectors; for
  models of fields the next line as well
- unknown: the popularity of cold items reads as not known instead of nil
- lifted: SASRec's setting `lift` as well, which adds to their biases"""

COLD_MEASURES = ("report: ndcg among cold", "report: recall among all", "warm: ndcg")


BESIDE_LIBRARIES = """\
"Ours" has the fields, sizes and settings that all sides have; "ours, chosen" besides what validation prefers (He's
start at random, dropout of .4 in time, [lab-log.md](lab-log.md)); "ours as shipped" the fields and settings of the
boards above: no user id, ratings beside the history."""


def beside_libraries() -> list[str]:
    """The tables of benchmarks/peers.py."""
    found = Results.read(RESULTS / "peers.json")
    versions = ", ".join(f"{name} {version}" for name, version in sorted(found.versions.items()))
    lines = [
        "## Beside the libraries of the field",
        "",
        f"`python benchmarks/peers.py`: {found.hardware}; {versions}.",
        "",
        BESIDE_LIBRARIES,
        "",
    ]
    for report in (ctr.report(list(found.clicks.values())), top_n.report(list(found.top_n.values()))):
        lines += ["```text", *(line.rstrip() for line in report.splitlines()), "```", ""]
    return lines


def leaderboard() -> str:
    """Every board with the shipped runs: what `chatrec leaderboard --export` wrote."""
    runs = snapshot(SHIPPED)
    lines = ["# Leaderboard", "", NOTE]
    if not runs:
        return "\n".join([*lines, "Nothing has been measured yet: `chatrec leaderboard --export`.", ""])
    first, last = min(r.at for r in runs), max(r.at for r in runs)
    when = f"{first:%d %B %Y}" if first.date() == last.date() else f"{first:%d %B %Y} to {last:%d %B %Y}"
    measured, machines = sorted({r.dataset for r in runs}), sorted({r.hardware for r in runs})
    lines += [f"{', '.join(measured)} · {when} · {' and '.join(machines)}", "", ABOUT_THE_BOARDS, ""]
    for board in BOARDS.values():
        tables = {name: standings(board, (r for r in runs if r.dataset == name)) for name in measured}
        tables = {name: found for name, found in tables.items() if found}
        if tables:
            lines += [f"## {board.title} (`{board.name}`)", "", board.about, ""]
            for name, found in tables.items():
                lines += (
                    [f"### {name}", "", markdown(board, found), ""] if len(tables) > 1 else [markdown(board, found), ""]
                )
            lines += [f"- {m.label}: {m.about}{_way(m)}" for m in board.measures]
            lines += [""]
    lines += [*beside_libraries(), "## Published figures", "", ABOUT_THE_PUBLISHED, ""]
    lines += ["| model | published | on | what differs |", "| --- | --- | --- | --- |"]
    lines += [f"| {' | '.join(row)} |" for row in PUBLISHED]
    return "\n".join([*lines, ""])


def costs() -> str:
    """How cost grows, what a million items cost, what folding in keeps, what texts tell of new items: scaling.json,
    fold_in.json and cold_start.json."""
    grown = json.loads((RESULTS / "scaling.json").read_text(encoding="utf-8"))
    kept = json.loads((RESULTS / "fold_in.json").read_text(encoding="utf-8"))
    large = grown["large"]
    lines = ["# Cost, fold-in, new items", "", NOTE, "## How cost grows", "", ABOUT_GROWTH, ""]
    machines = sorted({part["hardware"] for model in grown["models"].values() for part in (model, model["large"])})
    lines += [f"`python -m benchmarks.scaling`, {' and '.join(machines)}, {grown['made']}.", ""]
    lines += ["| recommender | base: users × items × length | fit, s | exponents | memory, MB | exponents |"]
    lines += ["| --- | ---: | ---: | ---: | ---: | ---: |"]
    for name, model in sorted(grown["models"].items()):
        base, exponents = model["base"], model["exponents"]
        size = f"{base['users']:,} × {base['items']:,} × {base['length']:.0f}"
        fit, memory = (_exponents(exponents[cost]) for cost in ("fit_seconds", "fit_mb"))
        lines += [f"| {name} | {size} | {base['fit_seconds']:.2f} | {fit} | {base['fit_mb']:.0f} | {memory} |"]
    lines += ["", f"## {large['items']:,} items, {large['users']:,} users, ten million interactions, one epoch", ""]
    lines += [f"- {name}: {scaling.in_words(model['large'])}" for name, model in sorted(grown["models"].items())]
    lines += ["", "## People nobody has seen", "", ABOUT_FOLD_IN, ""]
    lines += [f"`python -m benchmarks.fold_in`, {kept['users']} users left out, {kept['made']}.", ""]
    lines += ["| recommender | NDCG@10, known | unknown | kept |", "| --- | ---: | ---: | ---: |"]
    for name, model in sorted(kept["models"].items()):
        share = f"{model['kept']:.2f} [{model['low']:.2f}, {model['high']:.2f}]"
        lines += [f"| {name} | {model['seen']:.3f} | {model['unseen']:.3f} | {share} |"]
    return "\n".join([*lines, "", *cold_items(), ""])


def cold_items() -> list[str]:
    """The table of benchmarks/cold_start.py."""
    found = json.loads((RESULTS / "cold_start.json").read_text(encoding="utf-8"))
    lines = ["## Items nobody has met", "", ABOUT_COLD.format(seeds=found["seeds"]), ""]
    cases = f"{found['cases']:,} cases (a third of the people for rankers)"
    about = f"{found['cold_items']} cold items, {cases}, {found['made']}"
    lines += [f"`python -m benchmarks.cold_start --seeds {found['seeds']}`, {about}."]
    lines += ["", "| model | NDCG@10 among cold | gain | Recall@10 among all | gain | NDCG@10, warm | change |"]
    lines += ["| --- | ---: | --- | ---: | --- | ---: | --- |"]
    for way, measures in found["ways"].items():
        cells = []
        for key in COLD_MEASURES:
            gain = measures[key].get("gain")
            low, high = gain["interval"] if gain else (0.0, 0.0)
            cells += [f"{measures[key]['value']:.3f}"]
            cells += [f"{gain['value']:+.3f} [{low:.3f}, {high:.3f}]" if gain else ""]
        lines += [f"| {way} | {' | '.join(cells)} |"]
    return lines


def llm_scoring() -> str:
    """The language model as scorer and ranker: what benchmarks/llm_scoring.py wrote."""
    found = figures.read()
    lines = ["# The language model as scorer and ranker", "", NOTE, ABOUT_SCORING, ""]
    if found is None:
        return "\n".join([*lines, "Nothing has been measured yet: `python -m benchmarks.llm_scoring`.", ""])
    lines += [f"`python -m benchmarks.llm_scoring`, {found.made}, {found.hardware}.", "", "## Ratings", ""]
    lines += [ABOUT_RATED.format(rows=found.rows, users=found.users), ""]
    lines += [*figures.markdown(figures.rating_table(found)), "", "## Lists", "", ABOUT_LISTED, ""]
    return "\n".join([*lines, *figures.markdown(figures.list_table(found)), ""])


def _exponents(of: Mapping[str, float | None]) -> str:
    return ", ".join("–" if of[what] is None else f"{of[what]:.2f}" for what in scaling.VARIED)


def _way(measure: Measure) -> str:
    return {True: " (higher is better)", False: " (lower is better)", None: ""}[measure.higher]


FILES: dict[str, Callable[[], str]] = {
    "leaderboard.md": leaderboard,
    "costs.md": costs,
    "llm-scoring.md": llm_scoring,
}


def main() -> None:
    for name, made in FILES.items():
        path = FOLDER / name
        text = made()
        changed = not path.is_file() or path.read_text(encoding="utf-8") != text
        path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(FOLDER.parent)}: {'written' if changed else 'current'}", file=sys.stderr)


if __name__ == "__main__":
    main()
