"""chatrec setup: all that the app works with."""

from typing import Annotated

import typer

from app.settings import Settings, settings
from app.setup import background, prepare


def setup(
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bars.")] = False,
    first: Annotated[
        bool,
        typer.Option("--first", help="Only what the app needs before it can answer; `chatrec serve` makes the rest."),
    ] = False,
    rest: Annotated[
        bool,
        typer.Option("--background", help="Only the rest, without a word, as `chatrec serve` lets it run beside it."),
    ] = False,
) -> None:
    """Fetch data and weights and train what the app needs; does only what is missing."""
    if rest:
        background.make_rest(settings())
    else:
        prepare(Settings(), first=first, say=typer.echo, show_bars=not quiet)
