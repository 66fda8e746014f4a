"""The Leaderboard page and `chatrec leaderboard`, over a small real data set."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from app.cli import app
from app.errors import AppError, ArtefactError, ConfigError
from app.scorer import figures
from app.service import runs
from app.settings import Settings
from recommenders.contract import registry
from recommenders.experiments import results
from tests.app.bench import NAME, make_tiny

MAIN = str(Path(__file__).resolve().parents[2] / "app" / "main.py")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make_tiny(tmp_path_factory.mktemp("leaderboard"))


@pytest.fixture
def served(tiny: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A fresh folder of runs, and no shipped figures, for each test."""
    update = {"database_url": f"sqlite:///{tmp_path / 'chatrec.db'}", "runs_dir": tmp_path / "runs"}
    settings = tiny.model_copy(update=update)
    st.cache_resource.clear()
    st.cache_data.clear()
    monkeypatch.setattr("app.web.widgets.session.settings", lambda: settings)
    monkeypatch.setattr("app.web.widgets.session._warm", lambda chat: None)
    monkeypatch.setattr("app.commands.leaderboard.settings", lambda: settings)
    monkeypatch.setattr(runs, "SNAPSHOT", tmp_path / "shipped.json")
    yield settings
    st.cache_resource.clear()
    st.cache_data.clear()


def command(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["leaderboard", *arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout  # the progress is on standard error


def opened() -> AppTest:
    at = AppTest.from_file(MAIN, default_timeout=30).run()
    at.switch_page("web/views/leaderboard.py").run()
    assert not at.exception
    return at


def words(at: AppTest) -> str:
    kinds = (at.markdown, at.caption, at.info, at.error, at.warning, at.code)
    return "\n".join(str(e.value) for kind in kinds for e in kind)


def test_before_any_run_the_page_says_what_to_do(served: Settings) -> None:
    at = opened()
    assert "chatrec leaderboard --task top-n" in words(at)
    assert not at.dataframe
    at.segmented_control(key="leaderboard-task").set_value("ctr").run()
    assert not at.exception
    assert "chatrec leaderboard --task ctr-time" in words(at)


def test_what_was_measured_is_on_the_page(served: Settings) -> None:
    output = command("--task", "top-n", "--models", "popularity,ease,bpr", "--curves")
    assert "NDCG@10" in output
    at = opened()
    frame = at.dataframe[0].value
    own, _ = results.read_all(runs.folder(served, NAME), ["top-n"])
    best = sorted(own, key=lambda r: (-r.measures["ndcg@10"].value, r.recommender))
    assert frame["Recommender"].tolist() == [registry.label(r.recommender) for r in best]
    assert frame["NDCG@10"].tolist() == pytest.approx([r.measures["ndcg@10"].value for r in best])
    assert frame["95 %"].str.contains("–").all()
    assert len(at.get("vega_lite_chart")) >= 2  # against time, learning curves
    choice = at.selectbox(key="leaderboard-one-top-n")
    choice.set_value("bpr").run()
    assert not at.exception
    told = words(at)
    assert "matrix factorisation trained by Bayesian personalised ranking" in told
    assert "Loss in training" in told
    assert "--repeat top-n/bpr-0" in told
    assert "Shipped figures" not in told


def test_shipped_figures_are_marked_and_give_way_to_own_ones(served: Settings) -> None:
    command("--task", "top-n", "--models", "ease", "--export")
    for path in runs.folder(served, NAME).rglob("*.json"):
        path.unlink()
    at = opened()
    assert "Shipped figures" in words(at)
    assert at.dataframe[0].value["Recommender"].tolist() == ["EASE"]
    assert "ndcg@10" in command("--repeat", "top-n/ease-0")
    (run,) = results.snapshot(runs.SNAPSHOT)
    results.export([run, run.model_copy(update={"dataset": "another"})], runs.SNAPSHOT)
    command("--task", "top-n", "--models", "popularity", "--export")
    kept = [(r.dataset, r.recommender) for r in results.snapshot(runs.SNAPSHOT)]
    assert sorted(kept) == sorted([("another", "ease"), (NAME, "ease"), (NAME, "popularity")])  # nothing is lost
    at = opened()
    assert "Shipped figures" not in words(at)
    assert at.dataframe[0].value["Recommender"].tolist() == ["Most popular items"]


def test_damaged_files_are_told(served: Settings) -> None:
    command("--task", "top-n", "--models", "popularity,ease")
    results.place(runs.folder(served, NAME), "top-n", "ease", 0).write_text("{")
    at = opened()
    assert "damaged" in at.warning[0].value
    assert at.dataframe[0].value["Recommender"].tolist() == ["Most popular items"]
    for path in runs.folder(served, NAME).rglob("*.json"):
        path.unlink()
    runs.SNAPSHOT.write_text("{")
    at = opened()
    assert "damaged" in at.error[0].value
    with pytest.raises(ArtefactError, match="damaged"):
        runs.find(served, "top-n")


def test_ratings_and_clicks_are_other_tables(served: Settings) -> None:
    command("--task", "rating", "--task", "ctr", "--models", "biases,mean")
    at = opened()
    at.segmented_control(key="leaderboard-task").set_value("rating").run()
    assert {"RMSE", "MAE"} <= set(at.dataframe[0].value.columns)
    at.segmented_control(key="leaderboard-task").set_value("ctr").run()
    at.segmented_control(key="leaderboard-cut-ctr").set_value("random").run()
    assert not at.exception
    assert {"AUC", "GAUC", "Log loss"} <= set(at.dataframe[0].value.columns)
    assert "Means and biases" in words(at)


def test_the_command_shows_repeats_and_explains(served: Settings) -> None:
    assert "No runs yet: chatrec leaderboard --task top-n" in command("--task", "top-n", "--show")
    command("--task", "top-n", "--models", "ease")
    path = results.place(runs.folder(served, NAME), "top-n", "ease", 0)
    written = path.read_bytes()
    shown = command("--task", "top-n", "--show")
    assert "ease" in shown
    assert path.read_bytes() == written
    rows = [line.split() for line in command("--repeat", "top-n/ease-0").splitlines()[1:]]
    assert len(rows) == 10
    assert all(then == now for name, then, now in rows if name != "candidates_ms")
    with pytest.raises(ConfigError, match="unknown task"):
        command("--task", "top")
    with pytest.raises(ConfigError, match="cannot take part"):
        command("--task", "ctr", "--models", "ease")
    with pytest.raises(ArtefactError, match="did you mean 'top-n/ease-0'"):
        command("--repeat", "top-n/ease-1")


def test_the_language_model_has_a_table_of_its_own(served: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = figures.read()
    assert measured is not None and measured.ratings
    best = measured.ratings[0].model_copy(
        update={"label": "best", "rmse": (0.5, 0.4, 0.6), "behind": (-0.5, -0.6, -0.4)}
    )
    measured = measured.model_copy(update={"ratings": (*measured.ratings[1:], best)})
    at = opened()
    at.segmented_control(key="leaderboard-task").set_value("rating").run()
    assert not at.dataframe  # these figures are of another data set
    monkeypatch.setattr(figures, "read", lambda: measured.model_copy(update={"dataset": NAME}))
    at.run()
    assert not at.exception
    second = min(measured.ratings[:-1], key=lambda r: r.rmse[0]).label
    assert at.dataframe[0].value["Who"].iloc[:2].tolist() == ["best", second]
    assert at.dataframe[0].value["above item-kNN"].iloc[0] == "-0.500 (-0.600 – -0.400)"
    assert {"tuned, with a recommender", "no language model"} <= set(at.dataframe[0].value["Quadrant"])
    assert "benchmarks.llm_scoring" in words(at)


def test_damaged_figures_of_the_language_model_are_told(tmp_path: Path) -> None:
    assert figures.read(tmp_path / "none.json") is None
    (tmp_path / "torn.json").write_text("{")
    with pytest.raises(AppError, match="damaged"):
        figures.read(tmp_path / "torn.json")
