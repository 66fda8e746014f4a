"""chatrec steer: teach what reads messages where the language model cannot, the small encoder or the decoder."""

from pathlib import Path
from typing import Annotated

import typer

steer = typer.Typer(name="steer", help="Teach what reads messages.", no_args_is_help=True)


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
    import torch

    from app.settings import settings
    from app.understanding import ARTEFACT, Config, averaged, lessons
    from app.understanding import train as teach

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

    from app.progress import bars
    from app.settings import settings
    from app.understanding import lessons
    from benchmarks.decoder_tuning.adapt import Config
    from benchmarks.decoder_tuning.adapt import tune as teach
    from llm.rating import starts
    from llm.weights import published

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
