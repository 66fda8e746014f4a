"""Settings, run folders and their records."""

from pathlib import Path

import numpy as np
import pytest

from app.errors import ArtefactError, ConfigError, UnknownRecommender
from recommenders.contract import registry
from recommenders.contract.config import configured, parsed, tuned
from recommenders.data.tables import UserState
from recommenders.experiments.training import record, train
from tests.recommenders.worlds import checkerboard


def test_a_run_is_trained_saved_and_on_record(tmp_path: Path) -> None:
    data, cases = checkerboard()
    steps: list[tuple[int, int]] = []
    model = train("ease", data, tmp_path / "ease", progress=lambda done, total, what: steps.append((done, total)))
    again = registry.get("ease").load(tmp_path / "ease", data.catalogue)
    states = [state for state, _ in cases]
    np.testing.assert_array_equal(again.score(states), model.score(states))
    about = record(tmp_path / "ease")
    assert (about.recommender, about.dataset, about.interactions) == ("ease", "checkerboard", len(data.interactions))
    assert about.wall_seconds > 0 and about.cpu_seconds > 0 and about.trained_at.year >= 2024
    assert steps[-1][0] == steps[-1][1] > 0


def test_a_second_training_replaces_the_first_whole(tmp_path: Path) -> None:
    data, _ = checkerboard()
    train("popularity", data, tmp_path / "popularity", config={"half_life": 3.0})
    train("popularity", data, tmp_path / "popularity")
    assert registry.get("popularity").load(tmp_path / "popularity", data.catalogue).config.half_life is None
    assert sorted(p.name for p in tmp_path.iterdir()) == ["popularity"]


def test_validation_cases_stop_training_early(tmp_path: Path) -> None:
    data, cases = checkerboard()
    settings = {"epochs": 200, "batch_size": 8, "embedding_size": 16, "patience": 2}
    calls: list[int] = []
    train(
        "sasrec", data, tmp_path / "sasrec", config=settings, valid=cases, progress=lambda done, *_: calls.append(done)
    )
    assert len(calls) < 5 * 200  # far from all steps


def test_tuned_values_come_from_the_file_and_given_ones_win() -> None:
    assert configured("ease").config.regularisation == tuned("ease")["regularisation"]
    assert configured("ease", {"regularisation": 7}).config.regularisation == 7.0


@pytest.mark.parametrize("name", registry.names())
def test_every_tuned_file_is_read_whole(name: str) -> None:
    config = configured(name).config
    for key, value in tuned(name).items():
        assert getattr(config, key) == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epoch": 3}, "did you mean 'epochs'"),
        ({"epochs": "many"}, r"epochs = 'many'"),
        ({"epochs": 0}, "greater than or equal to 1"),
        ({"dropout": 1.0}, "less than 1"),
        ({"learning_rate": -1}, "greater than 0"),
    ],
)
def test_wrong_settings_are_explained(given: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        configured("sasrec", given)


def test_unknown_recommenders_are_explained() -> None:
    with pytest.raises(UnknownRecommender, match="did you mean 'sasrec'"):
        configured("sasrek")


def test_assignments_are_read_as_toml() -> None:
    given = parsed(["epochs=10", "dropout = 0.3", "half_life=none", "variant=mlp", "hidden=[64, 32]"])
    assert given == {"epochs": 10, "dropout": 0.3, "half_life": None, "variant": "mlp", "hidden": [64, 32]}
    assert configured("deepfm", {"hidden": given["hidden"]}).config.hidden == (64, 32)
    for wrong in ("epochs", "=3"):
        with pytest.raises(ConfigError, match="key=value"):
            parsed([wrong])


def test_a_missing_or_damaged_record_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="chatrec train ease"):
        record(tmp_path / "ease")
    train("ease", checkerboard()[0], tmp_path / "ease")
    (tmp_path / "ease" / "training.json").write_text("{")
    with pytest.raises(ArtefactError, match="damaged"):
        record(tmp_path / "ease")


def test_a_name_on_disk_is_the_registry_s(tmp_path: Path) -> None:
    model = train("item_knn", checkerboard()[0], tmp_path / "anything")
    assert model.name == "item_knn" and model.score([UserState((1,))]).shape == (1, 30)
