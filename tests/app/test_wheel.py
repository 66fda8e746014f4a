"""The package as it is installed: built, put into an environment of its own, and asked from an empty folder."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.app.bench import environment_of, make_tiny

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("app", "recommenders", "llm", "prompts", "pyproject.toml", "README.md", "LICENSE")

SHIPPED = """
import sys
from pathlib import Path
from importlib.util import find_spec
import app
from app.commands.serve import MAIN
from app.scorer.figures import FILE
from app.understanding.lessons.dialogues import PHRASES
from app.understanding.reader.encoder import ARTEFACT
from app.understanding.reader.mending import GLOSSES
from recommenders.contract.config import tuned
from recommenders.data.sources.ml_100k import FACTS
from recommenders.experiments.results import SHIPPED

files = [MAIN, MAIN.parent / ".streamlit" / "config.toml", FILE, PHRASES, ARTEFACT / "model.safetensors", GLOSSES,
         FACTS, SHIPPED]
missing = [str(f) for f in files if not f.is_file() or not f.is_relative_to(sys.prefix)]
assert not missing, missing
assert tuned("sasrec"), "no tuned settings"
assert find_spec("benchmarks") is None and find_spec("tests") is None
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the commands of an environment that has the built package, and else what this one has."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # a copy: building writes beside what it builds
    source.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    _run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, source)
    (wheel,) = folder.glob("chatrec-*.whl")
    _run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    commands = folder / "venv" / Path(sys.executable).parent.name
    _run(*pip, "--python", commands / "python", "install", "--no-deps", "--no-index", wheel)
    # A path alone: the editable install in there, which is the checkout, is not followed.
    (site,) = (folder / "venv").rglob("site-packages")
    (site / "others.pth").write_text(sysconfig.get_paths()["purelib"])
    return commands


def _run(*command: object, **more: object) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def _environment(folder: Path) -> dict[str, str]:
    """Without what points into the checkout; the user's data folder is in `folder`."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" and not k.startswith("CHATREC_")}
    return kept | {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "share")}


@pytest.mark.slow
def test_everything_that_it_reads_comes_with_it(installed: Path, tmp_path: Path) -> None:
    _run(installed / "python", "-c", SHIPPED, cwd=tmp_path, env=_environment(tmp_path))


@pytest.mark.slow
def test_it_is_asked_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    tiny = environment_of(make_tiny(tmp_path / "prepared"))
    del tiny["CHATREC_DATABASE_URL"]
    here = tmp_path / "here"
    here.mkdir()
    said = _run(
        installed / "chatrec", "ask", "--json", "a comedy", "I love Heat", cwd=here, env=_environment(tmp_path) | tiny
    )
    first, second = [line for line in map(json.loads, said.splitlines()) if line["kind"] == "turn"]
    assert first["status"] == "done" and first["items"]
    assert [s["title"] for s in second["stored"]] == ["Heat"]
    assert not list(here.iterdir())
    if sys.platform == "linux":
        assert (tmp_path / "share" / "chatrec" / "data" / "store" / "chatrec.db").is_file()


@pytest.mark.slow
def test_what_is_missing_is_told_with_its_place(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [installed / "chatrec", "ask", "a comedy"],
        cwd=tmp_path,
        env=_environment(tmp_path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert (
        done.stderr.startswith("chatrec: data set 'movielens-2016' is not here") and "chatrec data get" in done.stderr
    )
