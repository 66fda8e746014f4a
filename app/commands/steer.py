"""chatrec steer: the small encoder that reads messages where the language model cannot."""

from pathlib import Path
from typing import Annotated

import typer

steer = typer.Typer(name="steer", help="The small encoder that reads messages.", no_args_is_help=True)


@steer.command()
def train(
    out: Annotated[Path | None, typer.Option(help="Folder of the artefact; without it the one that ships.")] = None,
    dialogues: Annotated[int, typer.Option(min=10, help="Dialogues composed for training.")] = 2400,
    real: Annotated[int, typer.Option(min=0, help="Real messages of each intent at most; 0 for none.")] = 600,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the messages.")] = 5,
    seed: Annotated[int, typer.Option(help="Of dialogues and training.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
) -> None:
    """Compose dialogues on MovieLens, add ReDial's messages if at hand, and train; goes on where it stopped."""
    import torch

    from app.linking import Linker
    from app.settings import settings
    from app.steering import films, real_messages, thinned
    from llm.steering.dialogues import Composer
    from llm.steering.encoder import ARTEFACT
    from llm.steering.train import Config
    from llm.steering.train import train as teach
    from recommenders import datasets
    from recommenders.datasets import ml_latest_small

    torch.set_num_threads(threads)
    s = settings()
    rows = films(datasets.load("ml-100k", s.cache_dir, s.datasets).catalogue)
    valid = [m for d in Composer(rows, "valid", seed).dialogues(150) for m in d]
    said = []
    if (s.datasets / "ml-latest-small").is_dir():
        # more titles, and films up to 2018, of which ReDial's people talk
        later = ml_latest_small.read(s.datasets / "ml-latest-small").catalogue
        rows += films(later)
        said = thinned(real_messages(s.datasets, Linker(later)), real, seed) if real else []
    composed = [m for d in Composer(rows, "train", seed).dialogues(dialogues) for m in d]
    typer.echo(f"{len(composed)} composed messages, {len(said)} real ones")
    card = teach(
        composed,
        valid,
        s.cache_dir / "encoder",
        out or ARTEFACT,
        s.runs_dir / "steer",
        Config(epochs=epochs, seed=seed),
        untagged=said,
        notes={"composed": len(composed), "real": len(said), "base": "all-MiniLM-L6-v2 (Apache-2.0)"},
    )
    typer.echo(f"written to {out or ARTEFACT}: {card['sha256']}")


@steer.command()
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
    import torch

    from app.linking import Linker
    from app.progress import bars
    from app.settings import settings
    from app.steering import films, real_messages, thinned
    from llm import models
    from llm.scoring import starts
    from llm.steering.adapt import Config
    from llm.steering.adapt import tune as teach
    from llm.steering.dialogues import Composer
    from recommenders import datasets
    from recommenders.datasets import ml_latest_small

    torch.set_num_threads(threads)
    s = settings()
    rows = films(datasets.load("ml-100k", s.cache_dir, s.datasets).catalogue)
    composed = [m for d in Composer(rows, "train", seed).dialogues(dialogues) for m in d]
    valid = [m for d in Composer(rows, "valid", seed).dialogues(25) for m in d]
    said = []
    if real and (s.datasets / "ml-latest-small").is_dir():
        linker = Linker(ml_latest_small.read(s.datasets / "ml-latest-small").catalogue)
        said = thinned(real_messages(s.datasets, linker), real, seed)
    typer.echo(f"{len(composed)} composed messages, {len(said)} real ones")
    folder = out or s.runs_dir / "steer" / "decoder"
    with bars() as progress:
        card = teach(
            starts.embedded(weights, s.cache_dir),
            composed,
            valid,
            folder,
            s.runs_dir / "steer",
            Config(epochs=epochs, seed=seed),
            untagged=said,
            base={"weights": weights, "weights_sha256": models.known(weights).sha256},
            progress=progress,
        )
    typer.echo(f"written to {folder}: {card['sha256']}")
