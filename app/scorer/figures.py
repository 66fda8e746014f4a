"""What was measured of the language model as scorer and ranker: the file that benchmarks/llm_scoring.py
writes and that comes with the package."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from app.errors import AppError

YARDSTICK = "item-knn"  # name of the row that the others are held against
FILE = Path(__file__).parent / "shipped" / "llm_scoring.json"

Interval = tuple[float, float, float]
"""value, low, high: a mean with its bootstrap 95 % interval over users."""


class Figures(BaseModel):
    """tuned: None where no language model takes part; conventional: whether a conventional recommender does."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    label: str
    tuned: bool | None
    conventional: bool

    @property
    def quadrant(self) -> str:
        """Which of the four the row is of, or that it has no language model."""
        if self.tuned is None:
            return "no language model"
        return f"{'tuned' if self.tuned else 'not tuned'}, {'with' if self.conventional else 'without'} a recommender"


class Rated(Figures):
    """One way of foretelling ratings. behind: how far its RMSE lies above that of the yardstick; unread: (answers that
    gave no rating, answers)."""

    rmse: Interval
    mae: Interval
    behind: Interval
    cpu_seconds_making: float
    cpu_ms_a_row: float
    unread: tuple[int, int] | None = None


class Listed(Figures):
    """One way of ordering the first ten: NDCG@10 before, in the model's order, in the blend; the changes are paired.
    users: drawn; unread of asked lists had no order."""

    users: int
    before: Interval
    alone: Interval
    alone_change: Interval
    blended: Interval
    blended_change: Interval
    asked: int
    unread: int
    cpu_seconds_a_list: float


class Measured(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    dataset: str
    rows: int
    users: int
    made: str
    hardware: str
    ratings: tuple[Rated, ...]
    lists: tuple[Listed, ...]


def read(path: Path = FILE) -> Measured | None:
    """None where nothing was measured. AppError where the file is damaged."""
    if not path.is_file():
        return None
    try:
        return Measured.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise AppError(f"{path} is damaged; write it again: python -m benchmarks.llm_scoring --again") from error


def rating_table(found: Measured) -> list[dict[str, object]]:
    """The rows of the table, best RMSE first."""
    return [
        {
            "Who": r.label,
            "Quadrant": r.quadrant,
            "RMSE": r.rmse[0],
            "RMSE, 95 %": _span(r.rmse),
            "above item-kNN": "" if r.name == YARDSTICK else _signed(r.behind),
            "MAE": r.mae[0],
            "MAE, 95 %": _span(r.mae),
            "Making, CPU s": r.cpu_seconds_making,
            "CPU ms/rating": r.cpu_ms_a_row,
            "Unread": "" if r.unread is None else f"{r.unread[0]} of {r.unread[1]}",
        }
        for r in sorted(found.ratings, key=lambda r: r.rmse[0])
    ]


def list_table(found: Measured) -> list[dict[str, object]]:
    """Likewise of the lists."""
    return [
        {
            "Who": r.label,
            "Quadrant": r.quadrant,
            "People": r.users,
            "As found": r.before[0],
            "Its order": r.alone[0],
            "change": _signed(r.alone_change),
            "Blend": r.blended[0],
            "change of blend": _signed(r.blended_change),
            "Unread": f"{r.unread} of {r.asked}",
            "CPU s/list": r.cpu_seconds_a_list,
        }
        for r in found.lists
    ]


def markdown(rows: list[dict[str, object]]) -> list[str]:
    """The lines of a table."""
    if not rows:
        return ["Not measured yet."]
    told = [[f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows]
    return [f"| {' | '.join(rows[0])} |", "|" + "---|" * len(rows[0]), *(f"| {' | '.join(row)} |" for row in told)]


def _span(x: Interval) -> str:
    return f"{x[1]:.3f} – {x[2]:.3f}"


def _signed(x: Interval) -> str:
    return f"{x[0]:+.3f} ({x[1]:+.3f} – {x[2]:+.3f})"
