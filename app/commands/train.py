"""chatrec train and chatrec evaluate."""

from typing import Annotated

import typer

_Data = Annotated[str | None, typer.Option("--data", help="Data set; the served one unless given.", show_default=False)]


def train(
    names: Annotated[list[str] | None, typer.Argument(help="Recommenders; see --all.", show_default=False)] = None,
    data: _Data = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting instead of its tuned value (repeatable)."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every recommender there is.")] = False,
    early_stopping: Annotated[
        bool, typer.Option("--early-stopping", help="Stop when the withheld items are not foreseen better any more.")
    ] = False,
) -> None:
    """Train recommenders for serving, without everybody's last interaction (the pipeline is tuned on these)."""
    from app.progress import bars
    from app.settings import settings
    from recommenders.contract import configured, parsed, registry
    from recommenders.data import sources
    from recommenders.experiments import training
    from recommenders.pipeline import withhold_last

    chosen = registry.names() if all_ else list(names or [])
    if not chosen:
        raise typer.BadParameter(f"name recommenders to train, or --all; there are: {', '.join(registry.names())}")
    given = parsed(set_ or [])
    for name in chosen:
        configured(name, given)  # a mistake is told before any training
    s = settings()
    served = data or s.dataset
    known, withheld = withhold_last(sources.load(served, s.cache_dir, s.datasets))
    for name in chosen:
        folder = s.runs_dir / served / name
        with bars() as progress:
            training.train(
                name, known, folder, config=given, valid=withheld if early_stopping else (), progress=progress
            )
        record = training.record(folder)
        typer.echo(f"{name}: trained in {record.wall_seconds:.1f} s ({record.cpu_seconds:.1f} CPU s), kept in {folder}")
    typer.echo("`chatrec setup` tunes the pipelines anew.")


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
    from app.progress import bars
    from app.settings import settings
    from recommenders.data import sources
    from recommenders.experiments import compare, comparison_table

    if not names and not pipeline:
        raise typer.BadParameter("name recommenders, or pipelines with --pipeline; for example: evaluate ease sasrec")
    if on not in ("test", "valid"):
        raise typer.BadParameter(f"--on is test or valid, got {on!r}")
    s = settings()
    loaded = sources.load(data or s.dataset, s.cache_dir, s.datasets)
    with bars() as progress:
        rows = compare(names or [], pipeline or [], loaded, k=k, on=on, progress=progress)
    typer.echo(comparison_table(rows))
