"""chatrec llm: the language model as scorer."""

import shutil
from pathlib import Path
from typing import Annotated, Literal

import torch
import typer

from app.errors import AppError
from app.progress import bars
from app.scorer import FOLDER, teach
from app.settings import settings
from llm.rating import Config, starts
from recommenders.data import sources

llm = typer.Typer(name="llm", help="The language model as scorer and ranker.", no_args_is_help=True)


@llm.callback()
def _group() -> None:
    """A group, though it has one command so far."""


@llm.command("tune-rating")
def tune_rating(
    model: Annotated[
        str,
        typer.Option(
            help="Folder of a Hugging Face model (causal or encoder-decoder), embedded:<name>, or small-t5: one of "
            "chance weights and its own word pieces."
        ),
    ] = "small-t5",
    objective: Annotated[
        Literal["regression", "classification"], typer.Option(help="Squared error, or the classes of the scale.")
    ] = "regression",
    beside: Annotated[
        str,
        typer.Option(
            help="Conventional model whose rating it corrects: none, biases, rated_neighbours, rated_factors."
        ),
    ] = "none",
    rows: Annotated[int, typer.Option(min=50, help="Ratings to learn from.")] = 6000,
    known: Annotated[int, typer.Option(min=1, help="Earlier ratings of the person that a text tells.")] = 10,
    layers: Annotated[
        int | None, typer.Option(min=1, help="Lowest layers of a causal model that are kept; all unless given.")
    ] = None,
    trained: Annotated[
        int | None, typer.Option(min=1, help="Upper layers of a causal model that learn; all unless given.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the ratings.")] = 2,
    batch_size: Annotated[int, typer.Option(min=1, help="Ratings a step.")] = 32,
    learning_rate: Annotated[float, typer.Option(min=1e-6, help="Highest learning rate of the model.")] = 1e-3,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the result; without it where the chat finds it as a ranker.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
    seed: Annotated[int, typer.Option(help="Of rows and training.")] = 0,
) -> None:
    """Tune a language model to foretell ratings of the served data set; goes on where it stopped."""
    torch.set_num_threads(threads)
    s = settings()
    work = s.runs_dir / s.dataset / "llm-rating-work"
    if model != "small-t5" and not model.startswith("embedded:") and not (Path(model) / "config.json").is_file():
        raise AppError(f"{model} is no folder of a Hugging Face model: it has no config.json")
    data = sources.load(s.dataset, s.cache_dir, s.datasets)
    config = Config(
        objective=objective,
        layers=layers,
        trained=trained,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
    )
    with bars() as progress:
        scorer = teach(
            data,
            (lambda texts: starts.small_t5(work / "small-t5", texts))
            if model == "small-t5"
            else starts.embedded(model.removeprefix("embedded:"), s.cache_dir)
            if model.startswith("embedded:")
            else Path(model),
            work,
            config,
            name=beside,
            rows=rows,
            known=known,
            progress=progress,
            device=device,
        )
    scorer.notes["model"] = model
    folder = out or s.runs_dir / s.dataset / FOLDER
    scorer.save(folder)
    shutil.rmtree(work)
    history = scorer.notes["history"]
    best = min(history, key=lambda h: h["rmse"])
    typer.echo(
        f"validation RMSE {best['rmse']:.4f} after step {best['step']:.0f}; before training {history[0]['rmse']:.4f}"
    )
    typer.echo(f"written to {folder}")
