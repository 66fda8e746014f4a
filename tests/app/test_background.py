"""What is made beside the app: in its own process, told on the page, taken over by what runs, gone on with later."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from app.commands.serve import _make_the_rest
from app.errors import FetchError, SetupError, UnknownRecommender
from app.events import ItemShown, Started
from app.service.chat import Chat
from app.service.store import Store
from app.service.workbench import Workbench
from app.settings import Settings
from app.setup import background
from app.setup import steps as setup
from recommenders.data import sources
from recommenders.experiments.training import train
from recommenders.pipeline import TunedPair, tuned
from tests.app.bench import environment_of, make_tiny
from tests.app.shop import ENCODER, opened, settings_for

ROOT = Path(__file__).resolve().parents[2]

needs_encoder = pytest.mark.skipif(not ENCODER.is_dir(), reason=f"no text encoder in {ENCODER}; run chatrec setup")


@pytest.fixture(autouse=True)
def quick_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """item_knn takes SASRec's part: it is trained later than what answers first."""
    monkeypatch.setattr(setup, "MODELS", ("popularity", "ease", "item_knn"))
    monkeypatch.setattr(setup, "FIRST", ("popularity", "ease"))


def first(settings: Settings) -> list[str]:
    lines: list[str] = []
    setup.prepare(settings, first=True, say=lines.append, show_bars=False)
    return lines


def answered(chat: Chat, text: str) -> tuple[Started, list[ItemShown]]:
    conversation = chat.start(chat.person())
    events = list(chat.send(conversation.id, text, threading.Event()))
    return next(e for e in events if isinstance(e, Started)), [e for e in events if isinstance(e, ItemShown)]


# -- first, then the rest --------------------------------------------------------------------------------------------


@needs_encoder
def test_what_is_needed_to_answer_comes_first_and_the_rest_takes_over_in_the_running_app(tmp_path: Path) -> None:
    settings = opened(tmp_path, generator="item_knn", database_url=f"sqlite:///{tmp_path / 'chat.db'}")
    assert first(settings)[3:] == ["[4/5] Train popularity", "[5/5] Train ease"]
    assert all(line.endswith(": ready") for line in first(settings))
    chat = Chat(Workbench(settings), Store(settings.store_url), settings)
    started, shown = answered(chat, "a comedy")
    assert (started.generator, bool(shown)) == ("ease", True)  # openly: the trace says who found them
    assert chat.workbench.text_index() is None

    background.make_rest(settings, say=lambda _: None)
    assert background.look(settings) is None
    assert not (settings.runs_dir / "shop" / background.STATE).exists()
    started, shown = answered(chat, "a comedy")
    assert (started.generator, bool(shown)) == ("item_knn", True)
    assert chat.workbench.text_index() is not None
    assert chat.workbench.pipeline("item_knn", None).texts is chat.workbench.text_index()
    assert "item_knn+ease" in tuned.read(settings.runs_dir / "shop" / tuned.FILE)
    assert not list(setup.rest(settings))


def test_nothing_is_made_where_no_set_up_was_begun(tmp_path: Path) -> None:
    settings = make_tiny(tmp_path)
    background.make_rest(settings)
    assert not (settings.runs_dir / settings.dataset / setup.DONE).exists()
    environment = os.environ | environment_of(settings)
    done = subprocess.run([sys.executable, "-m", "app.cli", "setup", "--background"], cwd=ROOT, env=environment)
    assert done.returncode == 0
    assert not (settings.runs_dir / settings.dataset / background.STATE).exists()


@needs_encoder
def test_a_step_that_fails_is_told_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = opened(tmp_path)
    first(settings)
    real = setup._Work.train

    def failing(work: setup._Work, name: str, progress: setup.Progress) -> None:
        if name == "item_knn":
            raise MemoryError("no more memory")
        real(work, name, progress)

    monkeypatch.setattr(setup._Work, "train", failing)
    background.make_rest(settings, say=lambda _: None)
    told = background.look(settings)
    assert told is not None and not told.running
    assert set(told.failed) == {"item_knn"}
    words = background.in_words(told, "item_knn", "ease")
    assert words == "Item-kNN could not be made (MemoryError: no more memory). `chatrec setup` tries again."
    assert set(tuned.read(settings.runs_dir / "shop" / tuned.FILE)) == {"ease", "popularity", "popularity+ease"}

    monkeypatch.setattr(setup._Work, "train", real)
    background.make_rest(settings, say=lambda _: None)  # the next start tries again
    assert background.look(settings) is None
    assert "item_knn" in tuned.read(settings.runs_dir / "shop" / tuned.FILE)


@needs_encoder
def test_two_processes_do_not_make_the_same(tmp_path: Path) -> None:
    settings = opened(tmp_path)
    first(settings)
    step = next(s for s in setup.steps(settings) if s.name == "item_knn")
    made, lines = threading.Event(), []
    taken = threading.Thread(
        target=setup.make,
        args=(
            setup.Step("item_knn", step.what, step.done, lambda progress: (made.wait(30), step.run(progress))[1]),
            settings,
            lambda *_: None,
            lambda _: None,
        ),
    )
    taken.start()

    def waiting(line: str) -> None:
        lines.append(line)
        made.set()

    again = setup.Step("item_knn", step.what, step.done, lambda _: pytest.fail("made twice"))
    while not (settings.runs_dir / "shop" / ".item_knn.lock").exists():
        pass
    setup.make(again, settings, lambda *_: None, waiting)
    taken.join()
    assert step.done()


def test_the_process_runs_at_the_lowest_priority_on_one_thread_and_ends_when_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment_of(make_tiny(tmp_path)).items():
        monkeypatch.setenv(name, value)
    process = _make_the_rest()
    try:
        about = psutil.Process(process.pid)
        if os.name == "posix":
            assert about.nice() == 19
        assert about.environ()["OMP_NUM_THREADS"] == "1"
    finally:
        process.terminate()
        process.wait()


# -- told -------------------------------------------------------------------------------------------------------------


def making(**given: object) -> background.Making:
    here = psutil.Process()
    values: dict[str, object] = {"pid": here.pid, "started": here.create_time(), "step": "sasrec", "since": 1000.0}
    return background.Making.model_validate(values | given)


def test_it_is_told_how_far_it_is_and_who_serves_until_then() -> None:
    half = making(at=1300.0, done=500, total=1000, first=200)
    assert half.running and half.seconds_left == 500
    said = background.in_words(half, "sasrec", "ease")
    assert said == "SASRec is being trained: 50 %, about 8 minutes; until then EASE finds the titles."
    assert background.in_words(making(), "sasrec", "sasrec") == "SASRec is being trained."
    texts = making(step="text index", at=1010.0, done=90, total=100)
    assert background.in_words(texts, "ease", "ease") == (
        "What the texts mean is being indexed: 90 %, about a minute; until then wishes are matched by their words."
    )
    assert background.in_words(texts, "sasrec", "ease").endswith("by their words and EASE finds the titles.")


def test_a_process_that_is_gone_tells_nothing(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    path = settings.runs_dir / settings.dataset / background.STATE
    path.parent.mkdir(parents=True)
    path.write_text(making(started=1.0).model_dump_json())
    assert background.look(settings) is None
    path.write_text("{")
    assert background.look(settings) is None
    path.write_text(making().model_dump_json())
    assert background.look(settings) == making()


# -- the running app --------------------------------------------------------------------------------------------------


def test_what_is_trained_anew_serves_from_the_next_use_on(tmp_path: Path) -> None:
    settings = make_tiny(tmp_path)
    bench = Workbench(settings)
    before, runs = bench.pipeline("ease", None), bench.runs
    assert bench.pipeline("ease", None) is before
    tuned.write(runs / tuned.FILE, {"ease": TunedPair(ranker_weight=0.5, diversity=0.1, ndcg=0.2)})
    assert bench.pipeline("ease", None).config.diversity == 0.1
    assert bench.pipeline("ease", None).generator is before.generator
    train("ease", bench.dataset, runs / "ease", config={"regularisation": 1.0})
    after = bench.pipeline("ease", None)
    assert after.generator is not before.generator
    (runs / "ease" / "weights.safetensors").write_bytes(b"torn")
    assert bench.pipeline("ease", None).generator is after.generator  # what cannot be read takes nothing over


def test_somebody_stands_in_for_a_generator_that_is_not_trained(tmp_path: Path) -> None:
    bench = Workbench(make_tiny(tmp_path))
    assert [bench.standing_in(name) for name in ("item_knn", "sasrec")] == ["item_knn", "ease"]
    with pytest.raises(UnknownRecommender, match="did you mean 'sasrec'"):
        bench.standing_in("sasrek")


# -- a data set that cannot be had ------------------------------------------------------------------------------------


def unnamed(folder: Path) -> Settings:
    """Settings of somebody who chose no data set."""
    return Settings(
        _env_file=None,  # type: ignore[call-arg]
        cache_dir=folder / "cache",
        runs_dir=folder / "runs",
        datasets=folder / "datasets",
        backend="scripted:test",
    )


@pytest.fixture
def vanished(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """movielens-2016 cannot be had; ML-100K can (files of nothing: only that they are there counts here)."""
    asked: list[str] = []
    monkeypatch.delenv("CHATREC_DATASET", raising=False)

    def get(name: str, settings: Settings, progress: setup.Progress) -> None:
        asked.append(name)
        if name == "movielens-2016":
            raise FetchError("movielens.pkl.compress has the SHA-256 1, expected 2; it was not kept")
        folder = settings.cache_dir / name
        folder.mkdir(parents=True)
        for file in sources.source(name).files(folder):
            file.touch()

    monkeypatch.setattr(setup, "get_data", get)
    monkeypatch.setattr(setup, "MODELS", ())
    monkeypatch.setattr(setup, "FIRST", ())
    monkeypatch.setattr(setup._Work, "get_encoder", lambda *_: None)
    monkeypatch.setattr(setup._Work, "get_wishes", lambda *_: None)
    return asked


def test_where_the_default_data_set_cannot_be_had_the_small_one_serves(tmp_path: Path, vanished: list[str]) -> None:
    settings = unnamed(tmp_path)
    assert settings.served.dataset == "movielens-2016"
    lines: list[str] = []
    served = setup.prepare(settings, first=True, say=lines.append, show_bars=False)
    assert "Data set movielens-2016 could not be had: movielens.pkl.compress has the SHA-256" in lines[0]
    assert "ml-100k serves instead" in lines[0]
    assert served.dataset == settings.served.dataset == "ml-100k"  # set-up and app come to the same
    assert vanished == ["movielens-2016", "ml-100k"]
    lines.clear()
    assert setup.prepare(settings, first=True, say=lines.append, show_bars=False).dataset == "ml-100k"
    assert "within the last day" in lines[0]
    assert vanished == ["movielens-2016", "ml-100k"]  # not asked for at every start
    folder = settings.cache_dir / "movielens-2016"
    (folder / "movielens.pkl.xz").touch()
    assert settings.served.dataset == "movielens-2016"


def test_a_data_set_that_somebody_chose_has_no_stand_in(tmp_path: Path, vanished: list[str]) -> None:
    chosen = unnamed(tmp_path).model_copy(update={"dataset": "movielens-2016"})
    with pytest.raises(SetupError, match="Data set movielens-2016: could not be fetched"):
        setup.prepare(chosen, say=lambda _: None, show_bars=False)
    assert vanished == ["movielens-2016"]
    assert json.loads(chosen.model_dump_json())["dataset"] == chosen.served.dataset
