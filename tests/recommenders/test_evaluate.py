"""Evaluation: who is asked what, and what counts."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from app.cli import app
from app.errors import ConfigError, DataError, UnknownRecommender
from app.settings import Settings
from recommenders.contract.config import configured
from recommenders.data import sources
from recommenders.data.splits import leave_last_one_out
from recommenders.data.tables import Dataset, UserState
from recommenders.evaluation.evaluate import evaluate, top
from recommenders.experiments.compare import compare, comparison_table, parts
from recommenders.models.popularity import Popularity
from recommenders.pipeline.pipeline import Pipeline
from tests.recommenders.worlds import checkerboard


@pytest.fixture(scope="module")
def ease() -> object:
    return configured("ease", {"half_life": None}).fit(checkerboard()[0])


def test_a_model_that_has_understood_scores_one(ease) -> None:
    found = evaluate(ease, checkerboard()[1], k=5)
    assert (found.users, found.k) == (40, 5)
    for measured in found.measured.values():
        assert measured.mean == measured.low == measured.high == 1.0
    assert found.coverage > 0.5 and found.seconds > 0


def test_batches_and_the_one_by_one_path_of_a_pipeline_agree(ease) -> None:
    cases = checkerboard()[1]
    whole = evaluate(ease, cases, k=3, batch_size=256)
    np.testing.assert_array_equal(evaluate(ease, cases, k=3, batch_size=7).measured["ndcg"].values, 1.0)
    through = evaluate(Pipeline(ease.catalogue, ease), cases, k=3)
    for name in whole.measured:
        np.testing.assert_array_equal(through.measured[name].values, whole.measured[name].values)


def test_seen_and_rejected_items_are_left_out_of_the_ranking(ease) -> None:
    state = UserState((0, 2), disliked=(4,))
    ranked = top(ease, [state], 40)[0]
    assert set(ranked[:27]) == set(range(30)) - {0, 2, 4}
    assert (ranked[27:] == -1).all()
    assert [i for i, _ in ease.recommend(state, 27)] == ranked[:27].tolist()


def test_the_place_of_the_withheld_item_counts() -> None:
    """Popularity puts item 1 first, then 0: the gain of each place is known."""
    data, _ = checkerboard()
    model = Popularity().fit(data)
    first, second = (i for i, _ in model.recommend(UserState(), 2))
    found = evaluate(model, [(UserState(), first), (UserState(), second)], k=2)
    np.testing.assert_allclose(found.measured["ndcg"].values, [1, 1 / np.log2(3)])
    np.testing.assert_allclose(found.measured["mrr"].values, [1, 0.5])


def test_nothing_to_evaluate_is_said(ease) -> None:
    with pytest.raises(DataError, match="nothing to evaluate"):
        evaluate(ease, [])


def test_a_comparison_fits_on_training_and_tells_on_test() -> None:
    data, _ = checkerboard(hold_out=False)
    rows = compare(["popularity", "item_knn"], ["item_knn+deepfm"], data, k=3)
    assert [r.name for r in rows] == ["popularity", "item_knn", "item_knn+deepfm"]
    assert all(r.evaluation.users == 40 and r.wall_seconds > 0 and r.milliseconds_a_user > 0 for r in rows)
    assert rows[1].evaluation.measured["ndcg"].mean > rows[0].evaluation.measured["ndcg"].mean
    text = comparison_table(rows)
    assert all(r.name in text for r in rows) and "NDCG@3" in text and "ranker weight" in text


def test_pipelines_are_checked_before_any_training() -> None:
    assert parts("sasrec+deepfm") == ("sasrec", "deepfm")
    with pytest.raises(ConfigError, match=r"generator\+ranker"):
        parts("sasrec")
    with pytest.raises(ConfigError, match="cannot be a ranker"):
        parts("sasrec+item_knn")
    with pytest.raises(UnknownRecommender):
        parts("sasrec+deepfn")


def test_reference_figures_are_reached_on_ml_100k(ml_100k: Dataset) -> None:
    """The quick models on the real data, against other libraries' figures on the same protocol (NDCG@10, Recall@10)."""
    split = leave_last_one_out(ml_100k)
    for name, ndcg, recall in (("popularity", 0.038, 0.08), ("item_knn", 0.063, 0.115), ("ease", 0.071, 0.135)):
        found = evaluate(configured(name).fit(split.train), split.test).measured
        assert found["ndcg"].mean >= ndcg and found["recall"].mean >= recall, name


def test_the_commands_train_and_evaluate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s = Settings(cache_dir=tmp_path / "cache", runs_dir=tmp_path / "runs", dataset="checkerboard")
    for command in ("train", "evaluate"):
        monkeypatch.setattr(f"app.commands.{command}.settings", lambda: s)
    monkeypatch.setattr(sources, "load", lambda *_: checkerboard(hold_out=False)[0])
    run = CliRunner()
    done = run.invoke(app, ["train", "popularity", "ease", "--set", "half_life=none"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "runs" / "checkerboard" / "ease" / "weights.safetensors").is_file()
    assert "ease: trained in" in done.output
    done = run.invoke(app, ["evaluate", "ease", "--k", "3"])
    assert done.exit_code == 0 and "NDCG@3" in done.output and "40 users" in done.output
    assert run.invoke(app, ["train"]).exit_code == 2
    assert isinstance(run.invoke(app, ["train", "ease", "--set", "epochz=1"]).exception, ConfigError)
