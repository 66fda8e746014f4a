"""The leaderboard: what is computed, kept, computed anew, repeated and shown."""

import json
from pathlib import Path

import numpy as np
import pytest

from app.errors import ArtefactError, ConfigError, DataError, UnknownRecommender
from recommenders.contract import registry
from recommenders.data.splits import leave_last_one_out
from recommenders.data.tables import Dataset, Interactions
from recommenders.evaluation.baselines import NAMES
from recommenders.evaluation.evaluate import evaluate
from recommenders.experiments import boards, leaderboard, results
from recommenders.experiments.boards import BOARDS, of_tasks
from recommenders.experiments.cards import HEADINGS, card
from recommenders.experiments.leaderboard import compute, fingerprint, run, settings
from recommenders.experiments.results import Result, export, place, read, read_all, snapshot, write
from recommenders.experiments.standings import cells, headings, markdown, standings, table
from recommenders.models.ease import EASE
from recommenders.networks.loop import Epoch
from tests.recommenders.test_clicks import opinions
from tests.recommenders.worlds import checkerboard

TOP = BOARDS["top-n"]


@pytest.fixture(scope="module")
def data() -> Dataset:
    return checkerboard(hold_out=False)[0]


@pytest.fixture(scope="module")
def kept(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("board")
    compute([TOP], ["popularity", "ease"], data, folder)
    return folder


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """bpr with settings that suit a small world, as if they had been tuned."""
    quick = {"epochs": 3, "batch_size": 128, "embedding_size": 8, "half_life": None}
    real = leaderboard.configured
    monkeypatch.setattr(leaderboard, "configured", lambda name, given, task: real(name, {**quick, **given}, task=task))


def test_a_run_measures_what_the_evaluation_measures(data: Dataset, kept: Path) -> None:
    found = read(place(kept, "top-n", "ease", 0))
    split = leave_last_one_out(data)
    model = EASE(EASE.Config(**found.config)).fit(split.train)
    for k in (10, 20):
        whole = evaluate(model, split.test, k=k)
        for name, measured in whole.measured.items():
            value = found.measures[f"{name}@{k}"]
            assert value.value == pytest.approx(measured.mean, abs=1e-6)
            assert (value.low, value.high) == pytest.approx((measured.low, measured.high), abs=1e-6)
    assert found.measures["coverage@10"].value == pytest.approx(evaluate(model, split.test).coverage, abs=1e-6)
    assert found.measures["novelty@10"].value == pytest.approx(1.0, abs=0.2)  # half of the users met each item
    assert found.rows == 40
    assert found.parameters == sum(a.size for a in model._arrays().values() if a.dtype == np.float32)
    assert found.milliseconds > 0
    assert found.cpu_seconds >= 0
    assert not found.resumed


def test_what_is_there_is_not_computed_again(data: Dataset, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {p: p.read_bytes() for p in kept.rglob("*.json")}
    monkeypatch.setattr(leaderboard, "run", lambda *a, **k: pytest.fail("computed again"))
    told: list[Result] = []
    found = compute([TOP], ["popularity", "ease"], data, kept, seeds=3, told=told.append)
    assert [(r.recommender, r.seed) for r in found] == [("popularity", 0), ("ease", 0)]  # they have no randomness
    assert told == found
    assert {p: p.read_bytes() for p in kept.rglob("*.json")} == before


def test_other_data_other_settings_and_damage_are_computed_anew(data: Dataset, tmp_path: Path) -> None:
    (first,) = compute([TOP], ["popularity"], data, tmp_path)
    path = place(tmp_path, "top-n", "popularity", 0)
    x = data.interactions
    fewer = data.with_interactions(x.where(np.arange(len(x)) != 5))
    (other,) = compute([TOP], ["popularity"], fewer, tmp_path)
    assert other.fingerprint != first.fingerprint
    path.write_text(path.read_text()[:-40])
    with pytest.raises(ArtefactError, match="damaged"):
        read(path)
    assert read_all(tmp_path)[0] == []
    assert "damaged" in read_all(tmp_path)[1][0]
    (mended,) = compute([TOP], ["popularity"], data, tmp_path)
    assert mended.measures["ndcg@10"] == first.measures["ndcg@10"]
    write(mended.model_copy(update={"config": {"half_life": 3.0}, "hardware": "an earlier run"}), path)
    (anew,) = compute([TOP], ["popularity"], data, tmp_path)
    assert anew.hardware != "an earlier run"
    write(anew.model_copy(update={"hardware": "as it was"}), path)
    assert compute([TOP], ["popularity"], data, tmp_path)[0].hardware == "as it was"
    assert compute([TOP], ["popularity"], data, tmp_path, again=True)[0].hardware != "as it was"


def test_a_setting_gained_since_stood_at_its_default(data: Dataset, tmp_path: Path) -> None:
    (run,) = compute([TOP], ["ease"], data, tmp_path)
    path = place(tmp_path, "top-n", "ease", 0)
    early = {key: value for key, value in run.config.items() if key != "max_items"}
    write(run.model_copy(update={"config": early, "hardware": "an earlier run"}), path)
    assert compute([TOP], ["ease"], data, tmp_path)[0].hardware == "an earlier run"
    assert [line.seeds for line in standings(TOP, [run, run.model_copy(update={"config": early, "seed": 1})])] == [2]
    write(run.model_copy(update={"config": early | {"max_items": 9}, "hardware": "an earlier run"}), path)
    assert compute([TOP], ["ease"], data, tmp_path)[0].hardware != "an earlier run"


def test_seeds_differ_and_a_run_repeats_from_its_file(data: Dataset, tmp_path: Path, small: None) -> None:
    found = compute([TOP], ["bpr"], data, tmp_path, seeds=2)
    assert [r.seed for r in found] == [0, 1] == [r.config["seed"] for r in found]
    assert found[0].curve[-1].loss != found[1].curve[-1].loss
    assert len(found[0].curve) == 3
    first = read(place(tmp_path, "top-n", "bpr", 0))
    assert first == found[0]
    again = run(BOARDS[first.board], first.recommender, first.config, data)
    assert [e.loss for e in again.curve] == [e.loss for e in first.curve]
    cost = {"candidates_ms"}
    assert {k: v for k, v in again.measures.items() if k not in cost} == {
        k: v for k, v in first.measures.items() if k not in cost
    }
    assert not list(tmp_path.rglob("*.checkpoint"))


def test_a_killed_training_goes_on(data: Dataset, tmp_path: Path, small: None) -> None:
    class Killed(Exception):
        pass

    def kill(done: int, total: int, what: str) -> None:
        if what == "training bpr" and done > 2 * total / 3:
            raise Killed

    (whole,) = compute([TOP], ["bpr"], data, tmp_path / "whole")
    with pytest.raises(Killed):
        compute([TOP], ["bpr"], data, tmp_path / "killed", progress=kill)
    assert not read_all(tmp_path / "killed")[0]
    steps: list[int] = []
    (found,) = compute([TOP], ["bpr"], data, tmp_path / "killed", progress=lambda done, *_: steps.append(done))
    assert found.resumed
    assert not whole.resumed
    assert [e.loss for e in found.curve] == [e.loss for e in whole.curve]
    assert found.measures["ndcg@10"] == whole.measures["ndcg@10"]
    assert not list(tmp_path.rglob("*.checkpoint"))


def test_a_watched_training_gives_a_curve_and_changes_no_figure(data: Dataset, tmp_path: Path, small: None) -> None:
    (plain,) = compute([TOP], ["bpr"], data, tmp_path)
    assert [e.validation for e in plain.curve] == [None] * 3
    (watched,) = compute([TOP], ["bpr"], data, tmp_path, curves=True)
    assert all(e.validation is not None and 0 <= e.validation <= 1 for e in watched.curve)
    assert watched.measures == plain.measures
    assert read(place(tmp_path, "top-n", "bpr", 0)) == watched


def test_clicks_and_ratings_have_boards_too(tmp_path: Path) -> None:
    data = opinions(40, 16)
    found = compute(of_tasks(["ctr", "rating"]), ["biases", "mean"], data, tmp_path)
    assert len(found) == 8
    assert {r.board for r in found} == {"ctr-time", "ctr-random", "rating-random", "rating-time"}
    for result in found:
        board = BOARDS[result.board]
        assert set(result.measures) == {m.key for m in board.measures}
        assert result.rows == 64
    best = standings(BOARDS["rating-random"], found)
    assert {s.recommender for s in best} == {"biases", "mean"}
    assert best[0].measures["rmse"].value < best[1].measures["rmse"].value  # the lower error first


def test_a_click_model_takes_part_with_the_objective_of_the_task(tmp_path: Path) -> None:
    assert settings(BOARDS["ctr-time"], "deepfm", 4)["objective"] == "click"
    assert settings(BOARDS["ctr-time"], "deepfm", 4)["seed"] == 4
    assert settings(BOARDS["rating-time"], "deepfm", 0)["objective"] == "rating"
    assert settings(BOARDS["rating-time"], "item_autorec", 0)["feedback"] == "ratings"
    assert settings(TOP, "item_autorec", 0)["feedback"] == "met"
    config = settings(BOARDS["ctr-random"], "deepfm", 0) | {"epochs": 2, "batch_size": 128}
    found = run(BOARDS["ctr-random"], "deepfm", config, opinions(20, 16))
    assert 0 <= (found.measures["auc"].value or -1) <= 1
    assert [e.number for e in found.curve] == [1, 2]


def test_every_recommender_can_take_part_with_its_settings() -> None:
    for board in BOARDS.values():
        for name in board.able():
            board.check(name)
            assert json.loads(json.dumps(settings(board, name, 0))) == settings(board, name, 0)
    assert set(TOP.able()) == set(registry.names())
    assert {*NAMES, "deepfm"} <= set(BOARDS["ctr-time"].able())
    assert {*NAMES, "item_autorec", "user_autorec"} <= set(BOARDS["rating-time"].able())


def test_who_cannot_take_part_is_told_before_any_training(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ease cannot take part in ctr-time.*biases"):
        compute([BOARDS["ctr-time"]], ["biases", "ease"], opinions(8, 12), tmp_path)
    with pytest.raises(ConfigError, match="mean cannot take part in top-n"):
        compute([TOP], ["mean"], data, tmp_path)
    with pytest.raises(UnknownRecommender, match="did you mean 'ease'"):
        compute([TOP], ["eaze"], data, tmp_path)
    with pytest.raises(ConfigError, match="did you mean 'rating'"):
        of_tasks(["ratings"])
    assert not list(tmp_path.iterdir())
    x = data.interactions
    plays = Dataset("plays", data.catalogue, Interactions.of(x.user, x.item), data.users, explicit=False)
    with pytest.raises(DataError, match="no ratings"):
        compute([BOARDS["ctr-time"]], ["mean"], plays, tmp_path)
    assert [b.name for b in of_tasks(["ctr-random", "ctr"])] == ["ctr-random", "ctr-time"]
    assert [b.name for b in of_tasks([])] == list(BOARDS)


def test_lists_for_some_users_are_marked(data: Dataset, tmp_path: Path) -> None:
    (some,) = compute([TOP], ["ease"], data, tmp_path, sample=7)
    assert (some.rows, some.sample) == (7, 7)
    assert compute([TOP], ["ease"], data, tmp_path) == [some]  # kept until it is asked for again
    again = run(TOP, "ease", some.config, data, sample=some.sample)
    assert again.measures["ndcg@10"] == some.measures["ndcg@10"]
    (line,) = standings(TOP, [some])
    assert line.label == "ease (7 users)"
    (whole,) = compute([TOP], ["ease"], data, tmp_path, again=True)
    assert (whole.rows, whole.sample) == (40, None)


def test_one_failure_does_not_end_the_others(data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise ConfigError("too much of it")

    monkeypatch.setattr(EASE, "_fit", refuse)
    failures: list[str] = []
    found = compute(
        [TOP], ["ease", "popularity"], data, tmp_path, failed=lambda board, name, e: failures.append(f"{name}: {e}")
    )
    assert [r.recommender for r in found] == ["popularity"]
    assert failures == ["ease: too much of it"]
    with pytest.raises(ConfigError, match="too much"):
        compute([TOP], ["ease"], data, tmp_path)


def test_the_fingerprint_is_of_all_that_is_learned_from(data: Dataset) -> None:
    assert fingerprint(data) == fingerprint(checkerboard(hold_out=False)[0])
    users = data.users.assign(age=1)
    assert fingerprint(Dataset(data.name, data.catalogue, data.interactions, users)) != fingerprint(data)
    liked = Dataset(data.name, data.catalogue, data.interactions, data.users, liked_from=3)
    assert fingerprint(liked) != fingerprint(data)


def made(kept: Path, name: str, seed: int, value: float, **changes: object) -> Result:
    """A run with a known figure."""
    first = read(place(kept, "top-n", "ease", 0))
    measures = first.measures | {"ndcg@10": results.Value(value=value, low=value - 0.1, high=value + 0.1)}
    return first.model_copy(
        update={"recommender": name, "seed": seed, "measures": measures, "config": {"seed": seed}, **changes}
    )


def test_standings_are_means_over_seeds(kept: Path) -> None:
    runs = [made(kept, "a", 0, 0.3), made(kept, "a", 1, 0.5, cpu_seconds=3.0), made(kept, "b", 0, 0.45)]
    first, second = standings(TOP, runs)
    assert (first.recommender, second.recommender) == ("b", "a")
    mean = second.measures["ndcg@10"]
    assert (mean.value, mean.low, mean.high) == pytest.approx((0.4, 0.3, 0.5))
    assert mean.spread == pytest.approx(np.std([0.3, 0.5], ddof=1))
    assert first.measures["ndcg@10"].spread is None
    assert second.cpu_seconds == pytest.approx((runs[0].cpu_seconds + 3) / 2)
    shown = table(TOP, [first, second])
    assert shown.splitlines()[2].startswith("a ")
    assert "0.400 ± 0.141 [0.300, 0.500]" in shown
    assert len(cells(TOP, first)) == len(headings(TOP))
    rows = markdown(TOP, [first, second]).splitlines()
    assert len(rows) == 4
    assert len({row.count("|") for row in rows}) == 1


def test_earlier_settings_are_not_averaged_in(kept: Path) -> None:
    late = made(kept, "a", 0, 0.3)
    early = made(kept, "a", 1, 0.9, config={"seed": 1, "epochs": 5}, at=late.at.replace(year=2020))
    (line,) = standings(TOP, [early, late])
    assert line.seeds == 1
    assert line.measures["ndcg@10"].value == 0.3


def test_what_the_first_is_ahead_by_is_told_user_by_user(kept: Path) -> None:
    better, worse = [1, 2, 0, 11] * 10, [1, 3, 0, 0] * 10
    runs = [made(kept, "a", 0, 0.4, places=tuple(better)), made(kept, "b", 0, 0.3, places=tuple(worse))]
    first, second = standings(TOP, runs)
    assert first.behind is None
    assert second.behind is not None
    gained = (1 / np.log2(3) - 1 / np.log2(4)) / 4
    assert second.behind.value == pytest.approx(gained)
    assert 0 < second.behind.low < gained < second.behind.high  # though their own intervals overlap by far
    assert standings(TOP, [runs[0], made(kept, "b", 0, 0.3, places=(1, 0))])[1].behind is None  # others were asked


def test_places_are_those_of_the_figures(kept: Path) -> None:
    for result in read_all(kept)[0]:
        places = np.array(result.places)
        assert len(places) == result.rows
        for k in (10, 20):
            within = (places > 0) & (places <= k)
            assert within.mean() == pytest.approx(result.measures[f"recall@{k}"].value, abs=1e-6)
            gains = np.where(within, 1 / np.log2(1 + np.maximum(places, 1)), 0)
            assert gains.mean() == pytest.approx(result.measures[f"ndcg@{k}"].value, abs=1e-6)


def test_a_snapshot_is_read_as_it_was_written(kept: Path, tmp_path: Path) -> None:
    runs = read_all(kept)[0]
    curved = runs[0].model_copy(update={"curve": (Epoch(1, 0.5, None, 0.1), Epoch(2, 0.4, 0.2, 0.2))})
    path = tmp_path / "results" / "leaderboard.json"
    export([runs[1], curved], path)
    assert snapshot(path) == [curved, runs[1]] == sorted([curved, runs[1]], key=lambda r: r.recommender)
    before = path.read_text()
    export([curved, runs[1]], path)
    assert path.read_text() == before
    assert snapshot(tmp_path / "nothing.json") == []
    path.write_text(before[:-5])
    with pytest.raises(ArtefactError, match="damaged"):
        snapshot(path)


@pytest.mark.parametrize("name", [*registry.names(), *NAMES])
def test_every_head_is_a_card(name: str) -> None:
    about = card(name)
    assert tuple(about.sections) == HEADINGS
    assert about.title.endswith(".")
    assert all(text and text == text.strip() for text in about.sections.values())
    assert not any(text.startswith(" ") for text in about.sections["Idea"].splitlines())


def test_measures_have_names_of_their_own() -> None:
    for board in boards.BOARDS.values():
        labels = headings(board)
        assert len(set(labels)) == len(labels)
        assert board.first.higher is not None
