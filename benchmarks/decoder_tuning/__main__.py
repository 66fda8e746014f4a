"""Teach the embedded decoder (LoRA) what the small encoder is taught:

python -m benchmarks.decoder_tuning [--dialogues 1700] [--real 300] [--epochs 1] [--threads 1]
"""

from pathlib import Path
from typing import Annotated

import torch
import typer

from app.progress import bars
from app.settings import settings
from app.understanding import lessons
from benchmarks.decoder_tuning.adapt import Config
from benchmarks.decoder_tuning.adapt import tune as teach
from llm.rating import starts
from llm.weights import published


def tune(
    out: Annotated[Path | None, typer.Option(help="Folder of the adapter; without it among the runs.")] = None,
    weights: Annotated[str, typer.Option(help="Embedded weights that learn.")] = "smollm2-135m",
    dialogues: Annotated[int, typer.Option(min=10, help="Dialogues composed for training.")] = 1700,
    real: Annotated[int, typer.Option(min=0, help="Real messages of each intent at most; 0 for none.")] = 300,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the messages.")] = 1,
    seed: Annotated[int, typer.Option(help="Of dialogues and training.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
) -> None:
    """Teach the embedded decoder (LoRA) what the small encoder is taught; goes on where it stopped."""
    torch.set_num_threads(threads)
    s = settings()
    found = lessons(s, dialogues=dialogues, checks=25, most=real, seed=seed)
    typer.echo(f"{len(found.composed)} composed messages, {len(found.real)} real ones")
    folder = out or s.runs_dir / "steer" / "decoder"
    with bars() as progress:
        card = teach(
            starts.embedded(weights, s.cache_dir),
            found.composed,
            found.valid,
            folder,
            s.runs_dir / "steer",
            Config(epochs=epochs, seed=seed),
            untagged=found.real,
            base={"weights": weights, "weights_sha256": published.known(weights).sha256},
            progress=progress,
        )
    typer.echo(f"written to {folder}: {card['sha256']}")


if __name__ == "__main__":
    typer.run(tune)
