"""The contract that every recommender keeps.

Dimension letters used in the whole package: B batch of users, I items, C candidates, T sequence length, F fields,
D embedding size, U users.

A recommender declares its roles: a *generator* scores the whole catalogue, a *ranker* scores given candidates, from
rich features or as a second opinion that reads the history in another way. Input is always `UserState`, never a user
id, so a user nobody has seen is served from their history alone (fold-in), down to an empty history (then the model
falls back to what it knows without one, e.g. item popularity).
"""

import dataclasses
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np

from app.errors import ArtefactError, DataError, NotFitted
from app.progress import Progress, quiet
from recommenders.contract import artefact, memory
from recommenders.contract.request import Explanation, Influence
from recommenders.data import Catalogue, Dataset, UserState

Role = Literal["generator", "ranker"]


def best(scores: np.ndarray, k: int) -> np.ndarray:
    """The numbers of the k highest of (I,) scores, best first, ties to the smaller number.

    Only the k are sorted: the time grows with I + k log k.
    """
    k = max(0, min(k, len(scores)))
    if 8 * k >= len(scores):
        return np.argsort(-scores, kind="stable")[:k]
    if k == 0:
        return np.empty(0, np.int64)
    least = np.partition(scores, len(scores) - k)[len(scores) - k]
    near = np.flatnonzero(scores >= least)  # the k highest and what equals the last of them
    return near[np.argsort(-scores[near], kind="stable")[:k]]


class Recommender(ABC):
    """Subclasses set `roles` and `Config`, and write `_fit`, `score`, `_arrays` and `_restore`."""

    roles: ClassVar[frozenset[Role]]
    Config: ClassVar[type[Any]]  # a frozen dataclass with a default for every field

    def __init__(self, config: Any = None) -> None:
        self.config = self.Config() if config is None else config
        self._catalogue: Catalogue | None = None

    @property
    def name(self) -> str:
        return type(self).__module__.rpartition(".")[2]

    @property
    def catalogue(self) -> Catalogue:
        if self._catalogue is None:
            raise NotFitted(f"{self.name} is not fitted: call fit(data) or load(folder, catalogue) first")
        return self._catalogue

    # -- learning ---------------------------------------------------------------------------------------------------

    def fit(
        self,
        data: Dataset,
        *,
        valid: Sequence[tuple[UserState, int]] = (),
        progress: Progress = quiet,
        checkpoint: Path | None = None,
    ) -> Self:
        """Learn from `data.interactions`.

        valid       (state, withheld item) pairs for early stopping; () trains for the configured epochs
        checkpoint  folder where iterative models keep a resumable state, so a killed training goes on; who gives it
                    removes it once the model is saved (recommenders.train does)
        """
        if not len(data.interactions):
            raise DataError(f"{self.name} cannot be fitted: data set {data.name!r} has no interactions")
        need = self.needs(data)
        if need is not None:
            size = f"{len(data.catalogue):,} items and {len(data.users):,} users"
            memory.require(need, self.name, size)
        self._catalogue = data.catalogue
        self._fit(data, valid=valid, progress=progress, checkpoint=checkpoint)
        return self

    def needs(self, data: Dataset) -> memory.Need | None:
        """The memory that `fit` takes at its peak, for models in which it grows faster than the data: TooLarge is
        raised before any of it is taken. None where it doesn't."""
        return None

    @abstractmethod
    def _fit(
        self,
        data: Dataset,
        *,
        valid: Sequence[tuple[UserState, int]],
        progress: Progress,
        checkpoint: Path | None,
    ) -> None: ...

    # -- serving ----------------------------------------------------------------------------------------------------

    @abstractmethod
    def score(self, states: Sequence[UserState], candidates: np.ndarray | None = None) -> np.ndarray:
        """Scores, higher is better: (B, I) float32 for the whole catalogue, or (B, C) for candidates (B, C) int64.

        Finite always. Items of the history are scored like all others; who calls leaves out what must not appear.
        """

    def recommend(self, state: UserState, k: int, *, allowed: np.ndarray | None = None) -> list[tuple[int, float]]:
        """The best k items with their scores, best first; never one of the history or the disliked.

        allowed  (I,) bool mask of items that may be returned; None allows all
        Fewer than k come back when fewer qualify. Ties are broken by the smaller item number.
        """
        scores = self.score([state])[0].astype(np.float64)
        may = np.ones(len(scores), bool) if allowed is None else allowed.copy()
        may[list(state.items + state.disliked)] = False
        scores[~may] = -np.inf
        return [(int(i), float(scores[i])) for i in best(scores, min(k, int(may.sum())))]

    def explain(self, state: UserState, items: Sequence[int], *, latest: int = 50) -> list[Explanation]:
        """Leave-one-out evidence for each item: its score and rank without each history item.

        Every item of the history is tried, or the `latest` ones of a longer history; one batch of 1 + tried states is
        scored for all items together. Ranks are among the items that the full history has not met, ties to the
        smaller number as in `recommend`.
        """
        n = len(state.items)
        tried = list(range(max(0, n - latest), n))
        scores = self.score([state, *(state.without(p) for p in tried)])  # (1 + tried, I)
        unseen = np.setdiff1d(np.arange(scores.shape[1]), state.items)
        explanations = []
        for item in items:
            own = scores[:, item]  # (1 + tried,)
            others = scores[:, unseen]
            before = (others > own[:, None]) | ((others == own[:, None]) & (unseen < item))
            ranks = 1 + before.sum(axis=1)
            influences = [
                Influence(state.items[p], float(own[0] - own[j]), int(ranks[j])) for j, p in enumerate(tried, start=1)
            ]
            influences.sort(key=lambda x: -abs(x.change))
            explanations.append(
                Explanation(item, self.name, int(ranks[0]), float(own[0]), tuple(influences), len(tried))
            )
        return explanations

    # -- keeping ----------------------------------------------------------------------------------------------------

    @abstractmethod
    def _arrays(self) -> dict[str, np.ndarray]:
        """What must be kept: name -> array. Becomes weights.safetensors."""

    @abstractmethod
    def _restore(self, arrays: dict[str, np.ndarray]) -> None:
        """The inverse of `_arrays`; `self.config` and `self.catalogue` are already set."""

    def save(self, folder: Path, *, documents: Mapping[str, str] | None = None) -> None:
        """Write config.json and weights.safetensors; the folder is whole or untouched, also after a kill.

        documents  further text files of the run, file name -> text
        """
        catalogue, arrays = self.catalogue, self._arrays()
        meta = {
            "recommender": self.name,
            "config": dataclasses.asdict(self.config),
            "items": artefact.fingerprint(catalogue),
            "arrays": {name: [str(a.dtype), *a.shape] for name, a in sorted(arrays.items())},
        }
        artefact.write(
            folder, arrays=arrays, documents={"config.json": json.dumps(meta, indent=2), **(documents or {})}
        )

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Self:
        """Read what `save` wrote. ArtefactError when missing, torn, of another model or of another catalogue."""
        arrays, documents = artefact.read(folder, documents=("config.json",))
        name = cls.__module__.rpartition(".")[2]
        try:
            meta = json.loads(documents["config.json"])
            listed, _, _, _ = meta["arrays"], meta["recommender"], meta["items"], meta["config"]
        except (ValueError, KeyError, TypeError) as error:
            raise ArtefactError(
                f"{folder}/config.json is damaged ({error!r}); train it again: chatrec train {name}"
            ) from error
        if meta["recommender"] != name:
            raise ArtefactError(f"{folder} holds a {meta['recommender']!r}, expected a {name!r}")
        if meta["items"] != artefact.fingerprint(catalogue):
            raise ArtefactError(
                f"{folder} was trained on another catalogue; train again: chatrec train {meta['recommender']}"
            )
        fields = {f.name: f for f in dataclasses.fields(cls.Config)}
        unknown = set(meta["config"]) - set(fields)
        if unknown:
            raise ArtefactError(f"{folder} was made by another version: it configures {', '.join(sorted(unknown))}")
        if listed != {n: [str(a.dtype), *a.shape] for n, a in sorted(arrays.items())}:
            raise ArtefactError(
                f"{folder} is damaged (its weights are not those that config.json lists); "
                f"train it again: chatrec train {name}"
            )
        config = {k: tuple(v) if isinstance(v, list) else v for k, v in meta["config"].items()}
        self = cls(cls.Config(**config))
        self._catalogue = catalogue
        try:
            self._restore(arrays)
        except KeyError as error:
            raise ArtefactError(
                f"{folder} was made by another version: it lacks {error}; train it again: chatrec train {name}"
            ) from error
        return self
