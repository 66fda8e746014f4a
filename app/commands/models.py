"""Language models: which there are, which are usable here, and fetching the weights of embedded ones."""

from typing import Annotated

import typer

from app.progress import bars
from app.settings import settings
from llm.backends import available
from llm.weights import published

models = typer.Typer(name="models", help="Language models: list them, fetch their weights.", no_args_is_help=True)


@models.command("list")
def list_() -> None:
    """Every backend, whether it is usable here, and why not; then the weights that can be fetched."""
    s = settings()
    for b in available.backends(s.llm):
        used = "  (used by new conversations)" if b.name == s.backend else ""
        typer.echo(f"{b.name:34} {'usable' if b.usable else 'not usable':11} {b.label}{used}")
        if b.reason:
            typer.echo(f"{'':34} {b.reason}")
    typer.echo("\nWeights for chatrec models get:")
    for w in published.KNOWN.values():
        there = "here" if published.present(w.name, s.cache_dir) else "not fetched"
        typer.echo(f"{w.name:34} {there:11} {w.bytes / 1e6:,.0f} MB, {w.licence}, from {w.source}")
        typer.echo(f"{'':34} SHA-256 {w.sha256}")


@models.command()
def get(name: Annotated[str, typer.Argument(help="Name of the weights, see: chatrec models list")]) -> None:
    """Fetch the weights of an embedded model; goes on where an interrupted fetch ended."""
    s = settings()
    with bars() as progress:
        path = published.get(name, s.cache_dir, progress)
    typer.echo(f"{name} is here: {path}")
