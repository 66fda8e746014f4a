"""What tuning chose for each generator and ranker, as kept beside the trained models."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from app import files
from app.errors import ArtefactError

FILE = "pipeline.json"  # below the runs of a data set


class TunedPair(BaseModel):
    """What tuning chose for one generator and ranker."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ranker_weight: float
    diversity: float
    ndcg: float
    """NDCG@10 on the validation items."""


def pair(generator: str, ranker: str | None) -> str:
    """The key of the file: "sasrec+deepfm" or "sasrec"."""
    return generator if ranker is None else f"{generator}+{ranker}"


def read(path: Path) -> dict[str, TunedPair]:
    """What was tuned, by pair; empty where nothing was. ArtefactError when the file is damaged."""
    if not path.is_file():
        return {}
    try:
        pairs = json.loads(path.read_text(encoding="utf-8"))
        return {name: TunedPair.model_validate(values) for name, values in pairs.items()}
    except (ValueError, AttributeError, ValidationError) as error:
        raise ArtefactError(f"{path} is damaged; delete it and run: chatrec setup") from error


def write(path: Path, pairs: dict[str, TunedPair]) -> None:
    """Replace the file whole."""
    files.write_text(path, json.dumps({k: v.model_dump() for k, v in sorted(pairs.items())}, indent=2))
