"""chatrec evaluate: how well the next item is foreseen."""

from typing import Annotated

import typer

from app.progress import bars
from app.settings import settings
from recommenders.data import sources
from recommenders.experiments import compare, comparison_table

_Data = Annotated[str | None, typer.Option("--data", help="Data set; the served one unless given.", show_default=False)]


def evaluate(
    names: Annotated[list[str] | None, typer.Argument(help="Recommenders.", show_default=False)] = None,
    pipeline: Annotated[
        list[str] | None,
        typer.Option("--pipeline", metavar="GENERATOR+RANKER", help="A whole pipeline (repeatable)."),
    ] = None,
    data: _Data = None,
    k: Annotated[int, typer.Option("--k", min=1, help="Length of the lists.")] = 10,
    on: Annotated[str, typer.Option("--on", help="test, or valid while choosing settings.")] = "test",
) -> None:
    """Measure how well the next item is foreseen: leave-last-one-out by time, full ranking, seen items excluded.

    Fits anew on the training part; what was trained for serving has seen the answers.
    """
    if not names and not pipeline:
        raise typer.BadParameter("name recommenders, or pipelines with --pipeline; for example: evaluate ease sasrec")
    if on not in ("test", "valid"):
        raise typer.BadParameter(f"--on is test or valid, got {on!r}")
    s = settings()
    loaded = sources.load(data or s.dataset, s.cache_dir, s.datasets)
    with bars() as progress:
        rows = compare(names or [], pipeline or [], loaded, k=k, on=on, progress=progress)
    typer.echo(comparison_table(rows))
