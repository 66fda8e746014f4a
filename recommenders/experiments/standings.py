"""The runs of a board as a table: one line a recommender, over its seeds."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from recommenders.evaluation import metrics
from recommenders.experiments.boards import KS, Board, Measure
from recommenders.experiments.results import Result, settings_of


@dataclass(frozen=True)
class Mean:
    """Over seeds: the mean, the mean bounds of the runs' 95 % intervals over users, and the standard deviation between
    seeds (None for a single run)."""

    value: float
    low: float | None
    high: float | None
    spread: float | None


@dataclass(frozen=True)
class Standing:
    """One line. Seconds are of one training, milliseconds of one test case; both are means over the runs."""

    recommender: str
    seeds: int
    measures: dict[str, Mean]
    cpu_seconds: float
    wall_seconds: float
    milliseconds: float
    parameters: int
    runs: tuple[Result, ...]
    behind: Mean | None = None
    """What the first line is ahead by on the first measure, user by user, so that the interval is of the difference:
    where it holds 0 the two are not told apart. None for the first line and where users are not asked one by one."""

    @property
    def label(self) -> str:
        """The name, and how many users were asked where not all were."""
        sample = self.runs[0].sample
        return self.recommender if sample is None else f"{self.recommender} ({self.runs[0].rows} users)"


def standings(board: Board, results: Iterable[Result]) -> list[Standing]:
    """The lines of a board, best first."""
    by_name: dict[str, list[Result]] = {}
    for result in results:
        if result.board == board.name:
            by_name.setdefault(result.recommender, []).append(result)
    lines = [_standing(board, name, _alike(runs)) for name, runs in by_name.items()]
    first, sign = board.first.key, -1 if board.first.higher else 1
    lines.sort(key=lambda s: (first not in s.measures, sign * s.measures[first].value, s.recommender))
    return [*lines[:1], *(replace(line, behind=_behind(lines[0], line)) for line in lines[1:])]


def _behind(best: Standing, line: Standing) -> Mean | None:
    """The paired difference of NDCG, mean over the seeds of each, and its bootstrap interval over users."""
    ahead, own = _gains(best), _gains(line)
    if ahead is None or own is None or len(ahead) != len(own):
        return None
    return Mean(float((ahead - own).mean()), *metrics.interval(ahead - own), None)


def _gains(line: Standing) -> np.ndarray | None:
    """(B,) NDCG@10 of each test case: one relevant item, so 1/log2(1 + place)."""
    places = np.array([run.places for run in line.runs])  # (seeds, B)
    if not places.size:
        return None
    within = (places > 0) & (places <= KS[0])
    return np.where(within, 1 / np.log2(1 + np.maximum(places, 1)), 0.0).mean(axis=0)


def _alike(runs: Sequence[Result]) -> list[Result]:
    """The latest run and those that differ from it by the seed alone: earlier settings are not averaged in."""

    def follows_from(r: Result) -> tuple[object, ...]:
        return r.protocol, r.fingerprint, r.sample, {**settings_of(r), "seed": None}

    latest = follows_from(max(runs, key=lambda r: r.at))
    return sorted((r for r in runs if follows_from(r) == latest), key=lambda r: r.seed)


def _standing(board: Board, name: str, runs: Sequence[Result]) -> Standing:
    def mean(values: Sequence[float]) -> float:
        return statistics.fmean(values)

    measures = {}
    for measure in board.measures:
        found = [r.measures[measure.key] for r in runs if measure.key in r.measures]
        values = [v.value for v in found if v.value is not None]
        if not values:
            continue
        lows = [v.low for v in found if v.low is not None]
        highs = [v.high for v in found if v.high is not None]
        spread = statistics.stdev(values) if len(values) > 1 else None
        measures[measure.key] = Mean(mean(values), mean(lows) if lows else None, mean(highs) if highs else None, spread)
    return Standing(
        name,
        len(runs),
        measures,
        mean([r.cpu_seconds for r in runs]),
        mean([r.wall_seconds for r in runs]),
        mean([r.milliseconds for r in runs]),
        runs[0].parameters,
        tuple(runs),
    )


# -- as text ----------------------------------------------------------------------------------------------------------


def headings(board: Board) -> list[str]:
    return [
        "recommender",
        board.first.label,
        *(["behind"] if board.task == "top-n" else []),
        *(m.label for m in board.measures[1:]),
        "train CPU s",
        "wall s",
        f"ms/{board.a_row}",
        "parameters",
        "seeds",
    ]


def cells(board: Board, line: Standing) -> list[str]:
    """The first measure with its interval and spread, the others alone."""
    told = [_number(line.measures.get(m.key), m, whole=m is board.first) for m in board.measures]
    return [
        line.label,
        told[0],
        *([_number(line.behind, board.first, whole=True)] if board.task == "top-n" else []),
        *told[1:],
        f"{line.cpu_seconds:,.1f}",
        f"{line.wall_seconds:,.1f}",
        f"{line.milliseconds:.2f}",
        f"{line.parameters:,}",
        str(line.seeds),
    ]


def table(board: Board, lines: Sequence[Standing]) -> str:
    """For a terminal."""
    rows = [headings(board), *(cells(board, line) for line in lines)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def markdown(board: Board, lines: Sequence[Standing]) -> str:
    """For the documentation."""
    head = headings(board)
    rows = [head, ["---"] + ["---:"] * (len(head) - 1), *(cells(board, line) for line in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _number(mean: Mean | None, measure: Measure, *, whole: bool) -> str:
    if mean is None:
        return "–"
    text = f"{mean.value:.{measure.digits}f}"
    if not whole:
        return text
    if mean.spread is not None:
        text += f" ± {mean.spread:.{measure.digits}f}"
    if mean.low is not None and mean.high is not None:
        text += f" [{mean.low:.{measure.digits}f}, {mean.high:.{measure.digits}f}]"
    return text
