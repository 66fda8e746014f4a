"""Items like another one, as "more like this" finds them for somebody of whom nothing is known."""

from app.errors import RecommenderError
from app.service.workbench import Workbench
from recommenders.contract import Request
from recommenders.data import UserState


def resembling(workbench: Workbench, item: int, generator: str, k: int = 5) -> list[int]:
    """The k items closest to this one, the closest first; none where the recommender cannot be used."""
    try:
        found = workbench.pipeline(generator, None).recommend(UserState(), Request(k=k, like=(item,)))
    except RecommenderError:
        return []
    return [c.item for c in found.candidates[:k]]
