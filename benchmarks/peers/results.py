"""What has been measured, in one JSON file that grows measurement by measurement."""

from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from pydantic import BaseModel, Field


class Clicks(BaseModel):
    """One training for the click task. cpu and wall: seconds of each epoch; quality: figures after each epoch."""

    side: str
    model: str
    setting: str  # "same" fields and sizes for all sides; of ours also "chosen" by validation, and "shipped"
    split: str
    batch_size: int  # 0 where the shipped settings say
    threads: int
    seed: int
    cpu: list[float]
    wall: list[float]
    quality: list[dict[str, float]]
    parameters: int
    peak_mb: int
    hardware: str = ""
    measured: datetime

    @property
    def cpu_an_epoch(self) -> float:
        """Median, without the first epoch, in which everything is warmed up."""
        return median(self.cpu[1:] or self.cpu)

    @property
    def wall_an_epoch(self) -> float:
        return median(self.wall[1:] or self.wall)

    @property
    def auc(self) -> float:
        """Of the test rows, after the epoch that is best on the validation rows; as shipped, after the last one."""
        best = self.quality[-1] if self.setting == "shipped" else max(self.quality, key=lambda q: q["valid_auc"])
        return best["test_auc"]


class TopN(BaseModel):
    """One training for the top-N task. cpu and wall: seconds of the whole training."""

    side: str
    model: str
    seed: int
    cpu: float
    wall: float
    epochs: int
    recall: float
    ndcg: float
    users: int
    peak_mb: int
    note: str = ""
    measured: datetime


class Results(BaseModel):
    hardware: str = ""
    load: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    clicks: dict[str, Clicks] = Field(default_factory=dict)
    top_n: dict[str, TopN] = Field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Results":
        """The file, or nothing yet. ValidationError says what is wrong with a damaged one."""
        return cls.model_validate_json(path.read_text(encoding="utf-8")) if path.is_file() else cls()

    def write(self, path: Path) -> None:
        """Whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.clicks, self.top_n = dict(sorted(self.clicks.items())), dict(sorted(self.top_n.items()))
        new = path.with_suffix(".new")
        new.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        new.replace(path)


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
