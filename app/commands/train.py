"""chatrec train: recommenders for serving."""

from typing import Annotated

import typer

from app.progress import bars
from app.settings import settings
from recommenders.contract import configured, parsed, registry
from recommenders.data import sources
from recommenders.experiments import training
from recommenders.pipeline import withhold_last

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
