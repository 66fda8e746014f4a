"""What the pipeline is asked for and what it gives back: the data on the bus between controller and recommenders."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from recommenders.data import Condition

Origin = Literal["current", "explored"]
"""Which of two interleaved networks an item came from."""


@dataclass(frozen=True)
class Request:
    """One call of the recommender.

    k             how many items, best first (fewer come back only when fewer qualify)
    wish          free text to match against item texts ("slow-burning space horror"), "" none
    like          items to find similar ones to ("more like these"), internal numbers
    said          what the person said in this conversation, the latest first, whether they asked or told; "" nothing
    relatives     rows of the catalogue's table of what it lacks, to find similar items to
    liked         items liked in this conversation; the pipeline leans on both as long as little else is known
    conditions    what must hold of every item; names are the catalogue's own
    exclude       items never to return (already shown, rejected), besides the seen and disliked ones of the state
    include_seen  True when the user asked for things they know
    """

    k: int = 5
    wish: str = ""
    like: tuple[int, ...] = ()
    relatives: tuple[int, ...] = ()
    said: str = ""
    liked: tuple[int, ...] = ()
    conditions: tuple[Condition, ...] = ()
    exclude: frozenset[int] = frozenset()
    include_seen: bool = False

    @property
    def alike(self) -> bool:
        """Whether items are wanted that are like something."""
        return bool(self.like or self.relatives)


@dataclass(frozen=True)
class Provenance:
    """Where one stage of the pipeline placed an item: source "sasrec" / "text" / "deepfm", 1-based rank, raw score."""

    source: str
    rank: int
    score: float


@dataclass(frozen=True)
class Candidate:
    """One qualified item, in final order, with what each stage said of it.

    matched: request words and attributes that the item really has, e.g. {"genres": ("Horror",), "words": ("space",)}
    """

    item: int
    rank: int  # 1-based, final
    score: float  # final; comparable only within this recommendation
    provenance: tuple[Provenance, ...] = ()
    matched: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Recommendation:
    """The answer to a Request: candidates best first (at least k of them when so many qualify, up to the pool size,
    so that an LLM can choose), and how it came about.

    qualified   how many items of the catalogue satisfied conditions and exclusions
    note        "" or why the list is short or empty, in words for people
    seconds     {stage: duration}
    origins     item -> which of two interleaved networks it came from; empty where one list is shown
    """

    candidates: tuple[Candidate, ...]
    qualified: int
    generator: str
    ranker: str | None
    note: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    origins: Mapping[int, Origin] = field(default_factory=dict)


@dataclass(frozen=True)
class Influence:
    """How one history item mattered for a recommended item: score and rank of that item had the user not met it.

    `change` = score with the full history minus score without `item`; > 0 means the history item spoke for it.
    """

    item: int
    change: float
    rank_without: int


@dataclass(frozen=True)
class Explanation:
    """Checkable evidence for one item and one user.

    rank, score   by `model` among all items the user has not met
    influences    history items by |change|, strongest first (leave-one-out re-scoring, every history item tried,
                  or the latest `tried` of them)
    provenance    generator, text and ranker positions
    shared        attributes the item shares with the liked history: {"genres": ("Drama", ...), "people": ...}
    matched       attributes and words of the request that the item has
    """

    item: int
    model: str
    rank: int
    score: float
    influences: tuple[Influence, ...] = ()
    tried: int = 0
    provenance: tuple[Provenance, ...] = ()
    shared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    matched: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
