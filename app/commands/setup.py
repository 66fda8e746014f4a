"""chatrec setup: all that must be there before the first chat."""

from typing import Annotated

import typer

from app.settings import settings
from app.setup import prepare


def setup(
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bars.")] = False,
) -> None:
    """Fetch data and weights and train what the app needs; does only what is missing."""
    prepare(settings(), say=typer.echo, show_bars=not quiet)
