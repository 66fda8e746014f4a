"""chatrec steer: teach the small encoder, which reads messages where the language model cannot."""

from pathlib import Path
from typing import Annotated

import torch
import typer

from app.settings import settings
from app.understanding import ARTEFACT, Config, averaged, lessons
from app.understanding import train as teach

steer = typer.Typer(name="steer", help="Teach what reads messages.", no_args_is_help=True)


@steer.callback()
def _group() -> None:
    """A group, though it has one command so far."""


@steer.command()
def train(
    out: Annotated[Path | None, typer.Option(help="Folder of the artefact; without it the one that ships.")] = None,
    dialogues: Annotated[int, typer.Option(min=10, help="Dialogues composed for each training.")] = 5000,
    real: Annotated[int, typer.Option(min=0, help="Real messages of each intent at most; 0 for none.")] = 600,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the messages.")] = 5,
    trainings: Annotated[int, typer.Option(min=1, help="Networks trained and averaged, on other dialogues each.")] = 3,
    seed: Annotated[int, typer.Option(help="Of dialogues and training.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
) -> None:
    """Compose dialogues on MovieLens, add ReDial's messages if at hand, train and average; goes on where it stopped."""
    torch.set_num_threads(threads)
    s = settings()
    work = s.runs_dir / "steer"
    folders = [work / f"training-{n}" for n in range(trainings)]
    for n, folder in enumerate(folders):
        found = lessons(s, dialogues=dialogues, checks=150, most=real, seed=seed + n)
        typer.echo(
            f"training {n + 1} of {trainings}: {len(found.composed)} composed messages, {len(found.real)} real ones"
        )
        teach(
            found.composed,
            found.valid,
            s.cache_dir / "encoder",
            folder,
            work,
            Config(epochs=epochs, seed=seed),
            knows=found.knows,
            untagged=found.real,
            notes={"composed": len(found.composed), "real": len(found.real), "seed": seed + n},
        )
    card = averaged(folders, out or ARTEFACT, {"base": "all-MiniLM-L6-v2 (Apache-2.0)"})
    typer.echo(f"written to {out or ARTEFACT}: {card['sha256']}")
