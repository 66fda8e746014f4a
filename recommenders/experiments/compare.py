"""Recommenders and pipelines side by side on one protocol: leave-last-one-out by time, full ranking, seen excluded.

Everything is fitted on the training part alone, whatever was trained for serving; pipelines are tuned on the validation
items; figures are those of the test items.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from app.errors import ConfigError
from app.progress import Progress, quiet
from recommenders.contract import Recommender, configured, registry
from recommenders.data import Case, Dataset, Split, leave_last_one_out
from recommenders.evaluation import Evaluation, evaluate
from recommenders.experiments.training import cpu_seconds
from recommenders.pipeline import Pipeline, tune


@dataclass(frozen=True)
class Row:
    """One line of the comparison. A pipeline trained as long as its parts together; `note` says how it is set."""

    name: str
    evaluation: Evaluation
    wall_seconds: float
    cpu_seconds: float
    note: str = ""

    @property
    def milliseconds_a_user(self) -> float:
        """Of ranking, in batches for a recommender, one user at a time for a pipeline."""
        return 1000 * self.evaluation.seconds / self.evaluation.users


def compare(
    names: Sequence[str],
    pipelines: Sequence[str],
    data: Dataset,
    *,
    k: int = 10,
    on: str = "test",
    progress: Progress = quiet,
) -> list[Row]:
    """Evaluate recommenders by name and pipelines written as "generator+ranker".

    on  "test" or "valid": which of the withheld items to foresee
    """
    pairs = [parts(pipeline) for pipeline in pipelines]
    for name in names:
        registry.get(name)  # before any training
    split = leave_last_one_out(data)
    cases: list[Case] = split.test if on == "test" else split.valid
    fitted: dict[str, tuple[Recommender, float, float]] = {}
    for name in dict.fromkeys([*names, *(n for pair in pairs for n in pair)]):
        fitted[name] = _fit(name, split, progress)
    rows = []
    for name in names:
        model, wall, cpu = fitted[name]
        rows.append(Row(name, evaluate(model, cases, k=k, progress=progress), wall, cpu))
    for (generator, ranker), written in zip(pairs, pipelines, strict=True):
        pipeline = Pipeline(data.catalogue, fitted[generator][0], fitted[ranker][0])
        config = tune(pipeline, split.valid, progress=progress).config
        pipeline = Pipeline(data.catalogue, fitted[generator][0], fitted[ranker][0], config=config)
        wall = fitted[generator][1] + fitted[ranker][1]
        cpu = fitted[generator][2] + fitted[ranker][2]
        note = f"ranker weight {config.ranker_weight:g}, diversity {config.diversity:g}"
        rows.append(Row(written, evaluate(pipeline, cases, k=k, progress=progress), wall, cpu, note))
    return rows


def parts(pipeline: str) -> tuple[str, str]:
    """ "sasrec+deepfm" -> its generator and its ranker, both checked."""
    generator, plus, ranker = pipeline.partition("+")
    if not plus:
        raise ConfigError(f"expected a pipeline as generator+ranker, got {pipeline!r}; for example: sasrec+deepfm")
    for name, role in ((generator, "generator"), (ranker, "ranker")):
        if role not in registry.get(name).roles:
            able = ", ".join(n for n in registry.names() if role in registry.get(n).roles)
            raise ConfigError(f"{name} cannot be a {role}; these can: {able}")
    return generator, ranker


def comparison_table(rows: Sequence[Row]) -> str:
    """The comparison as text, a line each, with 95 % intervals over users."""
    k = rows[0].evaluation.k if rows else 10
    columns = [f"{f'NDCG@{k}':>20} {f'Recall@{k}':>20} {f'MRR@{k}':>7}", " shown", " wall s", "  CPU s", " ms/user"]
    lines = [f"{'':24} " + " ".join(columns)]
    for row in rows:
        m = row.evaluation.measured
        ndcg, recall = (f"{x.mean:.4f} [{x.low:.3f}, {x.high:.3f}]" for x in (m["ndcg"], m["recall"]))
        lines.append(
            f"{row.name:24} {ndcg:>20} {recall:>20} {m['mrr'].mean:7.4f} {row.evaluation.coverage:6.1%} "
            f"{row.wall_seconds:7.1f} {row.cpu_seconds:7.1f} {row.milliseconds_a_user:8.2f}"
            + (f"  {row.note}" if row.note else "")
        )
    if rows:
        users = f"{rows[0].evaluation.users:,} users"
        lines.append(f"{users}; intervals: bootstrap over users, 95 %; shown: share of the catalogue.")
    return "\n".join(lines)


def _fit(name: str, split: Split, progress: Progress) -> tuple[Recommender, float, float]:
    wall, cpu = time.perf_counter(), cpu_seconds()
    model = configured(name).fit(split.train, progress=progress)
    return model, time.perf_counter() - wall, cpu_seconds() - cpu
