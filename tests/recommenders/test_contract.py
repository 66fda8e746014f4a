"""What every registered recommender must hold: a new file in recommenders/models is tested by existing."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch

from app.errors import ArtefactError, DataError, NotFitted, UnknownRecommender
from recommenders.contract import registry
from recommenders.contract.base import Recommender
from recommenders.contract.config import configured
from recommenders.data.tables import Catalogue, Dataset, Interactions, UserState
from recommenders.evaluation.evaluate import top
from recommenders.evaluation.metrics import ndcg
from recommenders.networks.neural import NeuralRecommender
from tests.recommenders.worlds import checkerboard, circles

NAMES = registry.names()
GENERATORS = registry.names("generator")
IMPERSONAL = {"popularity"}  # gives all users one order, so it can't tell the checkerboard's colours apart
PERSONAL = [n for n in NAMES if n not in IMPERSONAL]
QUICK: dict[str, dict[str, object]] = {  # settings that suit a data set of 560 interactions
    "unbert": {
        "pretrained": None,
        "layers": 1,
        "apart": 0,
        "embedding_size": 32,
        "heads": 2,
        "tokens_per_item": 6,
        "aggregator": "attention",
        "every": 1,
        "epochs": 6,
        "batch_size": 64,
        "learning_rate": 3e-3,
        "dropout": 0.3,
        "negatives": 4,
    },
    "mint": {
        "pretrained": None,
        "composed": 600,
        "layers": 1,
        "tokens": 20,
        "hard_negatives": 0,  # near items that nobody has met yet are often the right ones
        "half_life": 1e9,  # colours have no order
        "epochs": 3,
        "batch_size": 32,
        "learning_rate": 3e-3,
    },
    "item_knn": {"half_life": None},  # colours have no order
    "ease": {"half_life": None},
    "bpr": {"half_life": None, "embedding_size": 16, "epochs": 60, "batch_size": 64},
    "bert4rec": {"epochs": 40, "batch_size": 16, "embedding_size": 32, "window": 16, "dropout": 0.2},
    "neural_cf": {"half_life": None, "factors": 4, "epochs": 15, "batch_size": 64, "background": 4.0},
    "user_autorec": {"half_life": None, "hidden_size": 16, "epochs": 60, "batch_size": 8},
    "item_autorec": {"half_life": None, "hidden_size": 16, "epochs": 60, "batch_size": 8},
    "drn": {"epochs": 30, "batch_size": 64, "negatives": 20},
    "fm": {"epochs": 30, "batch_size": 64, "negatives": 20},
    "fnn": {"fm_epochs": 10, "epochs": 30, "batch_size": 64, "negatives": 20},
    "nfm": {"epochs": 30, "batch_size": 64, "negatives": 20},
    "afm": {"epochs": 20, "batch_size": 64, "negatives": 10, "attention_size": 4},
    "deep_crossing": {"epochs": 15, "batch_size": 64, "negatives": 20},
    "deep_and_cross": {"epochs": 15, "batch_size": 64, "negatives": 20},
    "pnn": {"epochs": 15, "batch_size": 64, "negatives": 20, "product": "both"},
    "wide_and_deep": {"epochs": 15, "batch_size": 64, "negatives": 20},
    "din": {"epochs": 10, "batch_size": 64, "negatives": 20, "latest": 10},
    "dien": {"epochs": 10, "batch_size": 64, "negatives": 20, "latest": 10},
    "deepfm": {"epochs": 30, "batch_size": 64, "negatives": 20},
    "sasrec": {"epochs": 60, "batch_size": 8, "embedding_size": 32},
}
UNSEEN_EPOCHS = {"bert4rec": 60, "mint": 2, "neural_cf": 20, "unbert": 6}  # these are slow to learn circles of taste
CLOSE = {"rtol": 1e-4, "atol": 1e-5}  # batched matrix products may sum in another order


class Fitted(dict[str, Recommender]):
    """Each model fitted when a test first asks for it, so a single model's tests train that one alone."""

    def __init__(self, data: Dataset) -> None:
        self.data = data

    def __missing__(self, name: str) -> Recommender:
        self[name] = fitted(name, self.data)
        return self[name]


def fitted(name: str, data: Dataset) -> Recommender:
    return configured(name, QUICK.get(name, {})).fit(data)


@pytest.fixture(scope="module")
def world() -> tuple[Dataset, list[tuple[UserState, int]]]:
    return checkerboard()


@pytest.fixture(scope="module")
def models(world: tuple[Dataset, list[tuple[UserState, int]]]) -> dict[str, Recommender]:
    return Fitted(world[0])


@pytest.fixture(params=NAMES)
def model(request: pytest.FixtureRequest, models: dict[str, Recommender]) -> Recommender:
    return models[request.param]


@pytest.fixture
def states(world: tuple[Dataset, list[tuple[UserState, int]]]) -> list[UserState]:
    return [state for state, _ in world[1]]


def colour(item: int) -> int:
    return item % 2


@pytest.mark.parametrize("name", PERSONAL)
def test_learns_the_checkerboard(name: str, models: dict[str, Recommender], world) -> None:
    """Even users like even items: the one item of their colour that a user has not met comes first."""
    for state, withheld in world[1]:
        assert models[name].recommend(state, 1)[0][0] == withheld


def test_declares_a_role_and_a_default_for_every_setting(model: Recommender) -> None:
    assert model.roles and model.roles <= {"generator", "ranker"}
    assert dataclasses.is_dataclass(model.Config) and model.Config() == model.Config()
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.Config().seed = 1


def test_opens_like_a_textbook_entry(model: Recommender) -> None:
    text = sys.modules[type(model).__module__].__doc__ or ""
    headings = [line for line in text.splitlines() if line and not line.startswith(" ")][1:]
    assert headings == ["Idea", "Formula", "Input", "Relations", "When it fails", "Reference"]


def test_scores_are_finite_floats_of_the_promised_shape(model: Recommender, states: list[UserState]) -> None:
    scores = model.score(states)
    assert scores.shape == (len(states), len(model.catalogue)) and scores.dtype == np.float32
    assert np.isfinite(scores).all()


def test_candidates_score_as_in_the_full_ranking(model: Recommender, states: list[UserState]) -> None:
    rng = np.random.default_rng(1)
    candidates = np.stack([rng.permutation(len(model.catalogue))[:7] for _ in states])
    some = model.score(states, candidates)
    assert some.shape == candidates.shape and some.dtype == np.float32
    np.testing.assert_allclose(some, np.take_along_axis(model.score(states), candidates, axis=1), **CLOSE)


def test_neither_the_order_nor_the_company_of_a_batch_matters(model: Recommender, states: list[UserState]) -> None:
    together = model.score(states)
    np.testing.assert_allclose(model.score(states[::-1])[::-1], together, **CLOSE)
    empty, long = UserState(), UserState(tuple(range(len(model.catalogue))))
    np.testing.assert_allclose(model.score([empty, states[0], long])[1], together[0], **CLOSE)


def test_save_then_load_changes_no_score(model: Recommender, states: list[UserState], tmp_path: Path) -> None:
    model.save(tmp_path / "run")
    again = type(model).load(tmp_path / "run", model.catalogue)
    assert again.config == model.config
    np.testing.assert_array_equal(again.score(states), model.score(states))


def test_the_same_seed_gives_the_same_model(model: Recommender, world, states: list[UserState]) -> None:
    np.testing.assert_allclose(fitted(model.name, world[0]).score(states), model.score(states), **CLOSE)


@pytest.mark.parametrize("name", PERSONAL)
def test_serves_a_user_nobody_has_seen(name: str, models: dict[str, Recommender]) -> None:
    """Items of one colour, in no order that training knew, and a profile with values training never met."""
    state = UserState((7, 3, 11, 5), profile={"age": 140, "occupation": "astronaut", "shoe size": "large"})
    best = models[name].recommend(state, 3)
    assert all(colour(i) == 1 for i, _ in best)


def test_an_empty_history_is_answered(model: Recommender) -> None:
    best = model.recommend(UserState(), 5)
    assert len({i for i, _ in best}) == 5
    assert np.isfinite([s for _, s in best]).all()


def test_an_empty_batch_is_answered(model: Recommender) -> None:
    assert model.score([]).shape == (0, len(model.catalogue))


def test_more_than_the_catalogue_gives_all_that_is_left(model: Recommender, states: list[UserState]) -> None:
    best = model.recommend(states[0], 10_000)
    assert {i for i, _ in best} == set(range(len(model.catalogue))) - set(states[0].items)
    assert [s for _, s in best] == sorted((s for _, s in best), reverse=True)


def test_nothing_allowed_gives_nothing(model: Recommender, states: list[UserState]) -> None:
    assert model.recommend(states[0], 5, allowed=np.zeros(len(model.catalogue), bool)) == []
    assert model.recommend(states[0], 0) == []
    assert model.recommend(UserState(tuple(range(len(model.catalogue)))), 5) == []


def test_never_returns_what_was_met_or_rejected(model: Recommender, states: list[UserState]) -> None:
    best = model.recommend(states[0], 1)[0][0]
    rejecting = dataclasses.replace(states[0], disliked=(best,))
    again = [i for i, _ in model.recommend(rejecting, 10_000)]
    assert best not in again and not set(states[0].items) & set(again)


def test_returns_only_what_is_allowed(model: Recommender, states: list[UserState]) -> None:
    allowed = np.zeros(len(model.catalogue), bool)
    allowed[[1, 4, 9]] = True
    assert {i for i, _ in model.recommend(UserState((0,)), 10, allowed=allowed)} == {1, 4, 9}


def test_an_explanation_is_what_really_happens_without_the_item(model: Recommender, states: list[UserState]) -> None:
    state = states[0]
    chosen = [i for i, _ in model.recommend(state, 2)]
    for explanation in model.explain(state, chosen):
        assert explanation.model == model.name and explanation.tried == len(explanation.influences) == len(state.items)
        order = [i for i, _ in model.recommend(state, len(model.catalogue))]
        assert order.index(explanation.item) + 1 == explanation.rank
        for influence in explanation.influences:
            without = state.without(state.items.index(influence.item))
            scores = model.score([without])[0]
            np.testing.assert_allclose(
                explanation.score - scores[explanation.item], influence.change, rtol=1e-3, atol=1e-4
            )
            unseen = [i for i in range(len(scores)) if i not in state.items]
            better = scores[unseen] - scores[explanation.item]
            # float noise between batch sizes may swap equal items: the rank lies between strictly better and as good
            assert 1 + (better > 1e-4).sum() <= influence.rank_without <= 1 + (better > -1e-4).sum()


@pytest.mark.parametrize("name", PERSONAL)
def test_the_strongest_influence_has_the_same_colour(name: str, models: dict[str, Recommender]) -> None:
    """A history with one item of the other colour: what speaks for the best item is of the best item's colour."""
    state = UserState((2, 6, 1, 10, 4))
    best = models[name].recommend(state, 1)[0][0]
    assert colour(best) == 0
    strongest = max(models[name].explain(state, [best])[0].influences, key=lambda i: i.change)
    assert colour(strongest.item) == 0 and strongest.change > 0


def test_explaining_an_empty_history_names_no_influences(model: Recommender) -> None:
    (explanation,) = model.explain(UserState(), [3])
    assert explanation.influences == () and explanation.tried == 0 and np.isfinite(explanation.score)


@pytest.mark.parametrize("name", NAMES)
def test_before_fitting_it_says_so(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotFitted, match="fit"):
        registry.get(name)().score([UserState()])
    with pytest.raises(NotFitted, match="fit"):
        registry.get(name)().save(tmp_path / "run")


@pytest.mark.parametrize("name", NAMES)
def test_refuses_to_learn_from_nothing(name: str, world) -> None:
    nobody = np.zeros(0, np.int64)
    with pytest.raises(DataError, match="no interactions"):
        registry.get(name)().fit(world[0].with_interactions(Interactions.of(nobody, nobody)))


@pytest.mark.parametrize("name", NAMES)
def test_learns_from_implicit_feedback_without_times_or_profiles_or_attributes(name: str, world) -> None:
    data = world[0]
    bare = Catalogue.of(data.catalogue.table[["item_id", "title"]])
    x = Interactions.of(data.interactions.user, data.interactions.item)
    model = fitted(name, Dataset("bare", bare, x, data.users[["user_id"]], explicit=False))
    assert np.isfinite(model.score([UserState(), UserState((1, 2, 3))])).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_run_is_an_artefact_error(name: str, models: dict[str, Recommender], tmp_path: Path) -> None:
    model, cls, run = models[name], registry.get(name), tmp_path / "run"
    with pytest.raises(ArtefactError, match="train it first"):
        cls.load(run, model.catalogue)
    for damage in ("cut weights", "cut config", "no config", "lacks an array", "wrong shape"):
        model.save(run)
        weights = run / "weights.safetensors"
        if damage == "cut weights":
            weights.write_bytes(weights.read_bytes()[:-9])
        elif damage == "cut config":
            (run / "config.json").write_text((run / "config.json").read_text()[:-9])
        elif damage == "no config":
            (run / "config.json").unlink()
        else:
            from safetensors.numpy import load_file, save_file

            arrays = load_file(weights)
            first = sorted(arrays)[0]
            if damage == "lacks an array":
                del arrays[first]
            else:
                arrays[first] = np.zeros((3, 2, 1), np.float32)
            save_file(arrays, weights)
        with pytest.raises(ArtefactError, match="train"):
            cls.load(run, model.catalogue)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_of_another_catalogue_or_model_or_version_is_refused(
    name: str, models: dict[str, Recommender], tmp_path: Path
) -> None:
    model, cls, run = models[name], registry.get(name), tmp_path / "run"
    model.save(run)
    fewer = Catalogue.of(model.catalogue.table.iloc[:-1])
    with pytest.raises(ArtefactError, match="another catalogue"):
        cls.load(run, fewer)
    other = registry.get(NAMES[(NAMES.index(name) + 1) % len(NAMES)])
    with pytest.raises(ArtefactError, match="expected a"):
        other.load(run, model.catalogue)
    meta = json.loads((run / "config.json").read_text())
    meta["config"]["colour_of_the_moon"] = 1
    (run / "config.json").write_text(json.dumps(meta))
    with pytest.raises(ArtefactError, match="another version"):
        cls.load(run, model.catalogue)


def test_a_kill_in_the_middle_of_saving_leaves_a_readable_run(world, tmp_path: Path) -> None:
    """A process saves one run over and over and is killed at arbitrary moments: what is left always loads."""
    run = tmp_path / "popularity"
    script = textwrap.dedent(
        f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from pathlib import Path
        from tests.recommenders.worlds import checkerboard, circles
        from recommenders.models.ease import EASE
        model = EASE().fit(checkerboard()[0])
        model.save(Path({str(run)!r}))
        print("saving", flush=True)
        while True:
            model.save(Path({str(run)!r}))
        """
    )
    ease = registry.get("ease")
    rng = np.random.default_rng(0)
    for _ in range(4):
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "saving\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=float(rng.uniform(0.01, 0.2)))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        loaded = ease.load(run, world[0].catalogue)
        assert np.isfinite(loaded.score([UserState((1, 3))])).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_known_user_scored_as_unseen_keeps_the_quality(name: str) -> None:
    """Fitted with everybody, then without a third of the users: their recommendations stay 80 % as good or better."""
    data, cases = circles()
    x, away = data.interactions, np.arange(len(data.users)) % 3 == 0
    states = [state for (state, _), left_out in zip(cases, away, strict=True) if left_out]
    withheld = [set(items) for (_, items), left_out in zip(cases, away, strict=True) if left_out]
    settings = dict(QUICK.get(name, {}))
    for key in {"epochs", "fm_epochs"} & set(settings):  # of nearly three times the rows
        settings[key] = UNSEEN_EPOCHS.get(name, max(1, int(str(settings[key])) // 3))
    seen, unseen = (
        ndcg(top(configured(name, settings).fit(part), states, 10), withheld, 10).mean()
        for part in (data, data.with_interactions(x.where(~away[x.user])))
    )
    assert seen > 0.5 or name in IMPERSONAL  # there is something to keep: by chance it would be .1
    assert unseen >= 0.8 * seen


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("name", PERSONAL)
def test_fits_and_scores_on_cuda(
    name: str, world, states: list[UserState], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It learns there what it learns here, its weights lie there, and they score alike once read on the processor."""
    model = fitted(name, world[0])
    if isinstance(model, NeuralRecommender):
        assert {weight.device.type for weight in model.module.parameters()} == {"cuda"}
    assert all(model.recommend(state, 1)[0][0] == withheld for state, withheld in world[1])
    model.save(tmp_path / "run")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    here = type(model).load(tmp_path / "run", model.catalogue)
    if isinstance(here, NeuralRecommender):
        assert {weight.device.type for weight in here.module.parameters()} == {"cpu"}
    np.testing.assert_allclose(here.score(states), model.score(states), rtol=1e-2, atol=1e-2)


def test_unknown_names_get_a_suggestion() -> None:
    with pytest.raises(UnknownRecommender, match="did you mean 'popularity'"):
        registry.get("popularty")


def test_every_generator_and_ranker_is_listed() -> None:
    assert set(GENERATORS) | set(registry.names("ranker")) == set(NAMES)
