"""The data set and the trained parts of the app, loaded once and shared by all sessions: holds nothing of any user.

Knows no Streamlit. Every load happens at the first use, under a lock, so that two sessions never load the same twice.
What another process trains meanwhile serves from the next use on; a turn under way keeps what it began with.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from app import files
from app.errors import ArtefactError, RecommenderError
from app.settings import Settings
from recommenders.contract import Recommender, Role, artefact, registry
from recommenders.data import Catalogue, Dataset, UserState, sources
from recommenders.learning import OnlineLearner
from recommenders.pipeline import Likeness, Pipeline, PipelineConfig, likes, tuned
from recommenders.texts import TEXT_INDEX, TextEncoder, TextIndex
from recommenders.wishes import WISH_INDEX, WishIndex, WishReader, multilingual

STAND_INS = ("ease", "item_knn", "popularity")  # who finds candidates where the chosen one is not trained yet
_log = logging.getLogger(__name__)


class _Loaded(NamedTuple):
    """A part in memory, and when the file that it was read from was written."""

    part: Any
    written: int


class Workbench:
    """Everything of one data set that a conversation needs beside the LLM."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.RLock()
        self._dataset: Dataset | None = None
        self._parts: dict[str, _Loaded] = {}
        self._pipelines: dict[tuple[str, str | None], tuple[tuple[object, ...], Pipeline]] = {}
        self._likeness: tuple[TextIndex | None, Likeness] | None = None

    # -- data -------------------------------------------------------------------------------------------------------

    @property
    def dataset(self) -> Dataset:
        """DataError says what is missing and how to get it."""
        with self._lock:
            if self._dataset is None:
                s = self.settings
                self._dataset = sources.load(s.dataset, s.cache_dir, s.datasets)
            return self._dataset

    @property
    def catalogue(self) -> Catalogue:
        return self.dataset.catalogue

    @property
    def runs(self) -> Path:
        """The folder of what was trained on this data set."""
        return self.settings.runs_dir / self.settings.dataset

    # -- parts ------------------------------------------------------------------------------------------------------

    def generators(self) -> list[str]:
        """The candidate generators that are trained for this data set."""
        return self._trained("generator")

    def rankers(self) -> list[str]:
        """The rankers that are trained for this data set."""
        return self._trained("ranker")

    def learners(self) -> list[str]:
        """The trained recommenders that can learn in the chat."""
        trained = sorted({*self.generators(), *self.rankers()})
        return [name for name in trained if issubclass(registry.get(name), OnlineLearner)]

    def _trained(self, role: Role) -> list[str]:
        found = []
        for name in registry.names():
            if self._is_trained(name) and role in registry.get(name).roles:
                found.append(name)
        return found

    def standing_in(self, generator: str) -> str:
        """Who finds candidates now: the generator itself, or as long as it is not trained one that is.
        UnknownRecommender for a name that does not exist."""
        registry.get(generator)
        return next((name for name in (generator, *STAND_INS) if self._is_trained(name)), generator)

    def _is_trained(self, name: str) -> bool:
        files.recover(self.runs / name)
        return (self.runs / name / artefact.WEIGHTS).is_file()

    def model(self, name: str) -> Recommender:
        """A trained recommender. ArtefactError says what to do when it is not trained."""

        def load() -> Recommender:
            _one_thread()
            return registry.get(name).load(self.runs / name, self.catalogue)

        model: Recommender = self._current(name, artefact.WEIGHTS, load)
        return model

    def text_index(self) -> TextIndex | None:
        """The index of the item texts; None where it is not made yet. ArtefactError when it is damaged or outdated."""
        folder = self.runs / TEXT_INDEX
        files.recover(folder)
        if TEXT_INDEX not in self._parts and not folder.is_dir():
            return None

        def load() -> TextIndex:
            return TextIndex.load(folder, TextEncoder(self.settings.cache_dir / "encoder"), self.catalogue)

        texts: TextIndex = self._current(TEXT_INDEX, "index.json", load)
        return texts

    def wish_index(self) -> WishIndex | None:
        """What wishes are held against; None where the encoder of wishes is not here, or no text was read yet. Texts
        that came with the reader serve at once, all others when they were read."""
        encoder = self.settings.cache_dir / "encoder" / multilingual.FILE
        if WISH_INDEX not in self._parts and not encoder.is_file():
            return None

        def load() -> WishIndex:
            with self._lock:
                known = self._parts.get(WISH_INDEX)
                reader = known.part.reader if known is not None else WishReader(multilingual.Encoder(encoder))
            requests = sources.requests(self.settings.dataset)
            return WishIndex.build(reader, self.catalogue, requests, folder=self.runs / WISH_INDEX, encode=False)

        try:
            wishes: WishIndex = self._current(WISH_INDEX, artefact.WEIGHTS, load)
        except ArtefactError as error:  # wishes are searched by the index of the texts then
            _log.warning("wishes are not read: %s", error)
            return None
        return wishes if wishes.read_share else None

    def _current(self, name: str, file: str, load: Callable[[], Any]) -> Any:
        """A part as it lies on the disk now. One in memory goes on where the newer one can't be read."""
        with self._lock:
            written = _written(self.runs / name / file)
            loaded = self._parts.get(name)
            if loaded is None or written not in (0, loaded.written):
                try:
                    loaded = _Loaded(load(), written)
                except RecommenderError as error:
                    if loaded is None:
                        raise
                    _log.warning("the newer %s cannot be read, the one before goes on: %s", name, error)
                    loaded = _Loaded(loaded.part, written)
                self._parts[name] = loaded
            return loaded.part

    def pipeline(self, generator: str, ranker: str | None) -> Pipeline:
        """The pipeline of these parts, with its tuned weights. No ranker where `ranker` is None, "none", or the
        generator itself, whose opinion counts already."""
        ranker = None if ranker in (None, "", "none", generator) else ranker
        with self._lock:
            key = (generator, ranker)
            found, reads = self.model(generator), self.wish_index()
            ranks, texts = None if ranker is None else self.model(ranker), self.text_index()
            config = self._config(generator, ranker)
            parts = (found, ranks, texts, config, reads)
            known = self._pipelines.get(key)
            if known is None or not all(a is b or a == b for a, b in zip(known[0], parts, strict=True)):
                popularity, likeness = self.dataset.popularity, self._how_alike(texts)
                made = Pipeline(self.catalogue, found, ranks, texts, config, popularity, likeness, reads)
                known = self._pipelines[key] = parts, made
            return known[1]

    def _how_alike(self, texts: TextIndex | None) -> Likeness:
        """Made once for each index of the texts."""
        if self._likeness is None or self._likeness[0] is not texts:
            made = Likeness(self.catalogue, None if texts is None else texts.vectors, likes(self.dataset))
            self._likeness = texts, made
        return self._likeness[1]

    def _config(self, generator: str, ranker: str | None) -> PipelineConfig:
        config = PipelineConfig(liked_from=self.dataset.liked_from if self.dataset.explicit else 0.0)
        chosen = tuned.read(self.runs / tuned.FILE).get(tuned.pair(generator, ranker))
        return (
            config
            if chosen is None
            else replace(config, ranker_weight=chosen.ranker_weight, diversity=chosen.diversity)
        )

    def forget(self) -> None:
        """Load everything anew at the next use: something was trained, imported or fetched meanwhile."""
        with self._lock:
            self._dataset = None
            self._parts.clear()
            self._pipelines.clear()
            self._likeness = None

    # -- people -----------------------------------------------------------------------------------------------------

    def state(
        self,
        user_id: str | None,
        liked: Sequence[str] = (),
        disliked: Sequence[str] = (),
        seen: Sequence[str] = (),
        *,
        now: int | None = None,
    ) -> UserState:
        """A person as the recommenders see them: the history in the data set (None: a new person) and the chat.

        liked     item ids, oldest first: appended to the history with the top value of the scale, at the time `now`
        seen      appended before them with the average value: met, but not praised
        disliked  taken out of the history; never recommended, and what resembles them sinks
        Ids that the catalogue does not have (any more) are left out. UnknownItem for an unknown user.
        """
        data = self.dataset
        known = UserState() if user_id is None else data.state(data.user_ids.number(user_id))
        loved, rejected, met = (self._numbers(ids) for ids in (liked, disliked, seen))
        loved = [i for i in loved if i not in rejected]
        met = [i for i in met if i not in rejected and i not in loved and i not in known.items]
        dropped = {*rejected, *loved}  # a film liked again counts once, as the latest
        rows = [row for row in zip(known.items, known.values, known.timestamps, strict=True) if row[0] not in dropped]
        latest = int(time.time() if now is None else now)
        top, middle = self._scale
        news = [(i, middle) for i in met] + [(i, top) for i in loved]
        rows += [(i, value, latest - len(news) + n) for n, (i, value) in enumerate(news)]
        items, values, timestamps = zip(*rows, strict=True) if rows else ((), (), ())
        return UserState(items, values, timestamps, tuple(rejected), known.profile)

    def _numbers(self, ids: Iterable[str]) -> list[int]:
        known = self.catalogue.ids
        return list(dict.fromkeys(known.number(i) for i in ids if i in known))

    @property
    def _scale(self) -> tuple[float, float]:
        """The highest and the average value of the ratings; 1 and 1 for implicit feedback."""
        data = self.dataset
        if not data.explicit or not len(data.interactions):
            return 1.0, 1.0
        values = data.interactions.value
        return float(values.max()), float(np.mean(values))


def _written(path: Path) -> int:
    """When a file was written, in nanoseconds; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _one_thread() -> None:
    """Serving scores one user at a time: a second thread costs more in handing over than it takes off (measured on two
    cores: half the time or less with one). Training runs in processes of its own and keeps them all."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    threadpool_limits(1, user_api="blas")
