"""chatrec mint: the language model as a writer of features."""

from typing import Annotated

import numpy as np
import typer

from app.progress import bars
from app.service import feature_writing
from app.settings import settings
from llm.backends import available
from llm.weights import published
from llm.writing import OpenVinoLikelihood, Remembered
from recommenders.data import sources
from recommenders.pipeline import withhold_last
from recommenders.texts import save

mint = typer.Typer(name="mint", help="Features that the language model writes.", no_args_is_help=True)

_Backend = Annotated[
    str | None, typer.Option("--backend", help="Who writes; the LLM of new conversations unless given.")
]


@mint.command()
def write(
    sets: Annotated[int, typer.Option(min=1, help="Sets of liked items to write a request for.")] = 480,
    size: Annotated[int, typer.Option(min=2, help="Items of a set.")] = 5,
    keep: Annotated[int, typer.Option(min=1, help="Items of a set that the filter keeps.")] = 3,
    filter_: Annotated[
        bool, typer.Option("--filter/--no-filter", help="Keep only the items under which the request is likeliest.")
    ] = True,
    seed: Annotated[int, typer.Option(help="Of the sets.")] = 0,
    backend: _Backend = None,
) -> None:
    """Write requests for sets of items that people liked, for mint to learn from; goes on where it stopped."""
    s = settings()
    name = backend or s.backend
    data, _ = withhold_last(sources.load(s.dataset, s.cache_dir, s.datasets))  # as what is served is trained
    likelihood = None
    if filter_:
        weights = published.path("smollm2-135m", s.cache_dir)
        copies = sorted(weights.parent.glob("openvino-*"))
        model = OpenVinoLikelihood(copies[-1] if copies else weights.parent)
        likelihood = Remembered(model, "smollm2-135m", feature_writing.shelf(s.cache_dir, "likelihood"))
    with bars() as progress:
        wrote = feature_writing.requests(
            available.load(name, s.llm),
            name,
            data,
            likelihood,
            feature_writing.shelf(s.cache_dir, "narrative"),
            number=sets,
            size=size,
            keep=keep,
            seed=seed,
            progress=progress,
        )
    path = s.runs_dir / s.dataset / "narratives.jsonl"
    save(path, data.catalogue, wrote.narratives)
    for key, value in wrote.figures.items():
        typer.echo(f"{key:24} {value:8.3f}")
    typer.echo(f"written to {path}; train on them: chatrec train mint --set narratives={path}")


@mint.command()
def describe(
    items: Annotated[int, typer.Option(min=1, help="So many items, the most popular first.")] = 600,
    backend: _Backend = None,
) -> None:
    """Write descriptions of items from their facts; sentences that go beyond them are left out."""
    s = settings()
    name = backend or s.backend
    data = sources.load(s.dataset, s.cache_dir, s.datasets)
    popular = np.argsort(-data.popularity, kind="stable")[:items].tolist()
    with bars() as progress:
        found, figures = feature_writing.descriptions(
            available.load(name, s.llm),
            name,
            data.catalogue,
            popular,
            feature_writing.shelf(s.cache_dir, "describe"),
            progress=progress,
        )
    path = s.runs_dir / s.dataset / "descriptions.json"
    feature_writing.save_descriptions(path, data.catalogue, found)
    for key, value in figures.items():
        typer.echo(f"{key:24} {value:8.3f}")
    typer.echo(f"written to {path}")
