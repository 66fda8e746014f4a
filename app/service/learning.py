"""Recommenders that learn in the chat: which network serves, what it explores, and what likes and dislikes teach it.

A turn with such a model shows two lists in one: of the network as it is and of one with disturbed weights
(probabilistic interleaving). The turn's trace keeps which item came from which. When a person likes, dislikes or asks
for more like an item, the list is judged: if the disturbed network's items were received better, the weights move
towards it (a minor update). Verdicts follow from what the store holds alone, so judging again changes nothing, and
taking feedback back takes its update back. A major update replays all judged lists. Changes lie in the model's journal,
beside its run.

Networks are never changed in place: a turn under way keeps the one that it began with. Which items may be shown is
decided by the pipeline's filters for both lists, and by the gate for each item, as for every other recommender.
"""

import logging
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.errors import AppError, RecommenderError
from app.events import Decision, Interleaved, TurnEvent
from app.service.store import Feedback, Message, Profile, Store
from app.service.workbench import Workbench
from app.settings import Settings
from recommenders.contract import Recommendation, Recommender, Request
from recommenders.data import FeedbackKind, UserState
from recommenders.learning import Change, Impression, Journal, OnlineLearner, Origin, explored_wins, interleave
from recommenders.pipeline import Pipeline

WORTH: dict[FeedbackKind, float] = {"like": 1.0, "seen": 0.0, "dislike": -1.0}
MORE_LIKE = 1.0  # "more like this" counts as a like of the item
_LATEST = 40  # answers of a person that are looked through for the one that feedback belongs to

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Status:
    """What a model has learnt online.

    changes   of this training, oldest first
    lists     shown lists that were judged: what a major update replays
    fresh     of them, those judged after the last major update
    """

    model: str
    changes: tuple[Change, ...]
    lists: int
    fresh: int

    def told(self) -> str:
        kinds = [c.kind for c in self.changes]
        merged = sum(c.last - c.first + 1 for c in self.changes if c.kind == "merged")
        parts = [f"{kinds.count('minor')} minor and {kinds.count('major')} major changes"]
        if merged:
            parts.append(f"{merged} older ones merged")
        return f"{', '.join(parts)}; {self.lists} judged lists, {self.fresh} since the last replay"


class Explorer:
    """Interleaves for one turn: `pipeline` is of the network as it is; the explored one is made when it is needed."""

    def __init__(self, pipeline: Pipeline, model: Recommender, run: str, seed: int) -> None:
        self._pipeline, self._model, self._run, self._seed = pipeline, model, run, seed
        self._explored: Pipeline | None = None

    def interleaved(self, found: Recommendation, state: UserState, request: Request, pool: int) -> Recommendation:
        """`found` by the current network and what the explored one finds, as one list of the same length."""
        began = time.perf_counter()
        if self._explored is None:
            assert isinstance(self._model, OnlineLearner)
            self._explored = self._pipeline.with_model(self._model.moved(self._model.disturbance(self._seed)))
        other = self._explored.recommend(state, request, pool=pool)
        own = {c.item: c for c in found.candidates}
        # Rows of equal title and year are one item: the lists may hold different ones of them.
        same = {twin: item for item in own for twin in self._pipeline.twins(item)}
        others = {same.get(c.item, c.item): own.get(same.get(c.item, c.item), c) for c in other.candidates}
        rng = np.random.default_rng((self._seed, 1))
        items, origins = interleave(list(own), list(others), len(own), rng)
        candidates = [(own if o == "current" else others)[i] for i, o in zip(items, origins, strict=True)]
        return replace(
            found,
            candidates=tuple(replace(c, rank=rank) for rank, c in enumerate(candidates, start=1)),
            seconds={**found.seconds, "explore": time.perf_counter() - began},
            origins=dict(zip(items, origins, strict=True)),
        )

    def event(self, origins: Mapping[str, Origin]) -> Interleaved:
        return Interleaved(model=self._model.name, run=self._run, seed=self._seed, origins=dict(origins))


@dataclass(frozen=True)
class _Live:
    """A model as it serves now, and what it was made from."""

    trained: Recommender
    head: tuple[str, ...]
    model: Recommender


class Online:
    """The learning models of one workbench, shared by all sessions. Holds nothing of any person."""

    def __init__(self, workbench: Workbench, store: Store, settings: Settings) -> None:
        self.workbench, self.store, self.settings = workbench, store, settings
        self._lock = threading.RLock()
        self._live: dict[str, _Live] = {}
        self._journals: dict[str, Journal] = {}

    # -- serving ------------------------------------------------------------------------------------------------------

    def serving(self, pipeline: Pipeline) -> tuple[Pipeline, Explorer | None]:
        """The pipeline with what its models have learnt so far, and what explores in this turn (the ranker, where both
        could)."""
        explorer = None
        for model in (pipeline.generator, pipeline.ranker):
            if isinstance(model, OnlineLearner):
                assert isinstance(model, Recommender)
                pipeline = pipeline.with_model(self.current(model))
        learner = next((m for m in (pipeline.ranker, pipeline.generator) if isinstance(m, OnlineLearner)), None)
        if learner is not None and self.settings.learn_online:
            explorer = Explorer(pipeline, learner, self._journal(learner.name).run, secrets.randbits(32))
        return pipeline, explorer

    def current(self, trained: Recommender) -> Recommender:
        """The trained model with all that was learnt since, by this process or another."""
        assert isinstance(trained, OnlineLearner)
        name = trained.name
        with self._lock:
            journal = self._journal(name)
            head = journal.head()
            live = self._live.get(name)
            if live is None or live.trained is not trained or live.head != head:
                change = journal.total()
                live = _Live(trained, head, trained.moved(change) if change else trained)
                self._live[name] = live
            return live.model

    def _journal(self, name: str) -> Journal:
        with self._lock:
            if name not in self._journals:
                self._journals[name] = Journal(self.workbench.runs / name)
            return self._journals[name]

    # -- learning from one list ---------------------------------------------------------------------------------------

    def judged(self, profile: Profile, item_ids: Sequence[str]) -> None:
        """Something was said, or taken back, of these items: settle the lists that had shown them.

        A failure to learn is logged and fails nothing else: the feedback itself is stored already.
        """
        if not self.settings.learn_online or not self.workbench.learners():
            return
        try:
            answers = self.store.answers(profile.id, limit=_LATEST)
            verdicts = judgements(answers, self.store.feedback(profile.id, profile.dataset))
            for message in answers:
                if duel_of(message) is not None and set(item_ids) & set(message.item_ids):
                    self._settle(message, verdicts.get(message.id, {}))
        except (RecommenderError, AppError, OSError):
            _log.exception("nothing was learnt from the feedback")

    def _settle(self, message: Message, judged: Mapping[str, float]) -> None:
        duel = duel_of(message)
        assert duel is not None
        journal = self._journal(duel.model)
        if duel.model not in self.workbench.learners() or duel.run != journal.run:
            return  # trained anew since
        numbers = {item_id: n for n, item_id in enumerate(duel.origins)}
        origins = {numbers[i]: origin for i, origin in duel.origins.items()}
        wins = explored_wins(origins, {numbers[i]: worth for i, worth in judged.items() if i in numbers})
        with self._lock:
            known = any(change.because == message.id for change in journal.changes())
            if wins and not known:
                model = self.current(self.workbench.model(duel.model))
                assert isinstance(model, OnlineLearner)
                journal.append("minor", message.id, model.minor_update(duel.seed))
            elif known and not wins:
                journal.remove(message.id)

    # -- looking at it, and taking it back ----------------------------------------------------------------------------

    def status(self, name: str) -> Status:
        changes = tuple(self._learner(name).changes())
        shown = self._judged_lists(name)
        major = max((c.made_at.timestamp() for c in changes if c.kind == "major"), default=0.0)
        return Status(name, changes, len(shown), sum(at > major for at, _ in shown))

    def undo(self, name: str) -> Change | None:
        """Take the latest change back; None where there is none."""
        return self._learner(name).undo()

    def reset(self, name: str) -> int:
        """Go back to the trained network; how many changes that took back."""
        return self._learner(name).reset()

    def replay(self, name: str) -> Change | None:
        """A major update from every judged list; None where there is none yet."""
        journal = self._learner(name)
        shown = [impression for _, impression in self._judged_lists(name)]
        if not shown:
            return None
        with self._lock:
            model = self.current(self.workbench.model(name))
            assert isinstance(model, OnlineLearner)
            change = model.major_update(shown, seed=len(journal.changes()))
            return journal.append("major", f"replay {time.time_ns()}", change)

    def _learner(self, name: str) -> Journal:
        """UnknownRecommender, ArtefactError or AppError where it is none, or not trained."""
        model = self.workbench.model(name)
        if not isinstance(model, OnlineLearner):
            able = ", ".join(self.workbench.learners()) or "none that is trained"
            raise AppError(f"{name} does not learn online; these do: {able}")
        return self._journal(name)

    def _judged_lists(self, name: str) -> list[tuple[float, Impression]]:
        """When each was judged last, and what a major update needs of it; oldest first."""
        ids, found = self.workbench.catalogue.ids, []
        for profile in self.store.profiles(self.settings.dataset):
            answers = self.store.answers(profile.id)
            given = self.store.feedback(profile.id, profile.dataset)
            verdicts = judgements(answers, given)
            for message in answers:
                duel, judged = duel_of(message), verdicts.get(message.id)
                shown = [i for i in message.item_ids if i in ids]
                if duel is None or duel.model != name or not judged or not shown:
                    continue
                own = {f.item_id for f in given if f.item_id in judged and f.at >= message.created}
                earlier = [f for f in given if f.at < message.created]
                then = [*earlier, *(f for f in given if f.item_id in own)]
                at = max((f.at for f in given if f.item_id in own), default=message.created)
                impression = Impression(
                    self._state(profile, earlier, message.created),
                    tuple(ids.number(i) for i in shown),
                    tuple(judged.get(i, 0.0) for i in shown),
                    self._state(profile, then, at),
                )
                found.append((at, impression))
        return sorted(found, key=lambda x: x[0])

    def _state(self, profile: Profile, given: Sequence[Feedback], at: float) -> UserState:
        by_kind = {kind: [f.item_id for f in given if f.kind == kind] for kind in WORTH}
        return self.workbench.state(profile.user_id, by_kind["like"], by_kind["dislike"], by_kind["seen"], now=int(at))


def duel_of(message: Message) -> Interleaved | None:
    """How the list of an answer was interleaved; None where one network made it alone."""
    return next((e for e in reversed(message.events) if isinstance(e, Interleaved)), None)


def asked_more_like(events: Sequence[TurnEvent]) -> list[str]:
    """Ids of the items of which a turn was asked for more like them."""
    asked: list[str] = []
    for event in events:
        if isinstance(event, Decision) and event.action == "similar":
            asked += event.wants.like
    return asked


def judgements(answers: Sequence[Message], given: Sequence[Feedback]) -> dict[str, dict[str, float]]:
    """message id -> item id -> what was said of the item: it belongs to the latest answer before that showed the item.

    answers  of one person, the latest first
    """
    said: list[tuple[float, str, float]] = []  # when, item, worth; explicit feedback last, so that it decides
    for answer in answers:
        said += [(answer.created, item, MORE_LIKE) for item in asked_more_like(answer.events)]
    said += [(f.at, f.item_id, WORTH[f.kind]) for f in given]
    verdicts: dict[str, dict[str, float]] = defaultdict(dict)
    for at, item, worth in said:
        shown = next((a for a in answers if a.created < at and item in a.item_ids), None)
        if shown is not None:
            verdicts[shown.id][item] = worth
    return dict(verdicts)
