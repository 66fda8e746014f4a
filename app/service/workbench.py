"""The data set and the trained parts of the app, loaded once and shared by all sessions: holds nothing of any user.

Knows no Streamlit. Every load happens at the first use, under a lock, so that two sessions never load the same twice.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from app import files
from app.settings import Settings
from recommenders.contract import Recommender, Role, artefact, registry
from recommenders.data import Catalogue, Dataset, UserState, sources
from recommenders.learning import OnlineLearner
from recommenders.pipeline import Likeness, Pipeline, PipelineConfig, likes, tuned
from recommenders.texts import TEXT_INDEX, TextEncoder, TextIndex


class Workbench:
    """Everything of one data set that a conversation needs beside the LLM."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.RLock()
        self._dataset: Dataset | None = None
        self._models: dict[str, Recommender] = {}
        self._pipelines: dict[tuple[str, str | None], Pipeline] = {}
        self._texts: TextIndex | None = None
        self._texts_tried = False
        self._likeness: Likeness | None = None

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
            files.recover(self.runs / name)
            if (self.runs / name / artefact.WEIGHTS).is_file() and role in registry.get(name).roles:
                found.append(name)
        return found

    def model(self, name: str) -> Recommender:
        """A trained recommender. ArtefactError says what to do when it is not trained."""
        with self._lock:
            if name not in self._models:
                _one_thread()
                self._models[name] = registry.get(name).load(self.runs / name, self.catalogue)
            return self._models[name]

    def text_index(self) -> TextIndex | None:
        """The index of the item texts; None where it was never made. ArtefactError when it is damaged or outdated."""
        with self._lock:
            if not self._texts_tried:
                folder = self.runs / TEXT_INDEX
                files.recover(folder)
                if folder.is_dir():
                    encoder = TextEncoder(self.settings.cache_dir / "encoder")
                    self._texts = TextIndex.load(folder, encoder, self.catalogue)
                self._texts_tried = True
            return self._texts

    def pipeline(self, generator: str, ranker: str | None) -> Pipeline:
        """The pipeline of these parts, with its tuned weights. No ranker where `ranker` is None, "none", or the
        generator itself, whose opinion counts already."""
        ranker = None if ranker in (None, "", "none", generator) else ranker
        with self._lock:
            key = (generator, ranker)
            if key not in self._pipelines:
                self._pipelines[key] = Pipeline(
                    self.catalogue,
                    self.model(generator),
                    None if ranker is None else self.model(ranker),
                    self.text_index(),
                    self._config(generator, ranker),
                    self.dataset.popularity,
                    self._how_alike(),
                )
            return self._pipelines[key]

    def _how_alike(self) -> Likeness:
        if self._likeness is None:
            texts = self.text_index()
            self._likeness = Likeness(self.catalogue, None if texts is None else texts.vectors, likes(self.dataset))
        return self._likeness

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
            self._dataset, self._texts, self._texts_tried = None, None, False
            self._models.clear()
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


def _one_thread() -> None:
    """Serving scores one user at a time: a second thread costs more in handing over than it takes off (measured on two
    cores: half the time or less with one). Training runs in processes of its own and keeps them all."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    threadpool_limits(1, user_api="blas")
