"""Where the tables come from: one file a data set, and whatever people import. The name is the file's name.

`load("ml-100k", cache_dir, datasets_dir)` reads ml_100k.py; a new file needs no edit here. A file
defines what `Source` lists. Fetching is the app's affair: a file only declares what it needs.
"""

import csv
import hashlib
import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from app.errors import DataError, did_you_mean
from recommenders.data.knowledge import Knowledge, joined
from recommenders.data.rated import rated
from recommenders.data.sources import _stored
from recommenders.data.tables import Dataset

__all__ = [
    "Info", "Source", "as_owned", "available", "builtin_names", "imported", "imported_names", "is_here", "load",
    "ml_latest_small", "names", "requests", "source",
]  # fmt: skip

_NOT_SOURCES = {"imported"}  # the importer of people's own files


class Source(Protocol):
    """What a file in recommenders/data/sources defines at its top level.

    LABEL        name for people
    LICENCE      terms in one or two sentences
    REQUIREMENT  "package==version" whose wheel holds the files, "" where none does
    ARCHIVE      where the publisher's zip with the files is, "" where there is none
    MEMBERS      file name here -> path inside that wheel or zip
    SHA256       file name here -> checksum, of a wheel
    MD5          the published checksum of the zip, "" where there is none: then LEAST, bytes that a file has at least
    HOW          what to do when the files are absent
    COST         what fetching and reading takes, for people
    folder       where the files lie
    files        the files that must be there
    also_read    files that are joined when they are there
    read         the files as a Dataset
    """

    LABEL: str
    LICENCE: str
    REQUIREMENT: str
    ARCHIVE: str
    MEMBERS: Mapping[str, str]
    SHA256: Mapping[str, str]
    MD5: str
    LEAST: Mapping[str, int]
    HOW: str
    COST: str

    def folder(self, cache_dir: Path, datasets_dir: Path) -> Path: ...
    def files(self, folder: Path) -> tuple[Path, ...]: ...
    def also_read(self, folder: Path) -> tuple[Path, ...]: ...
    def read(self, folder: Path) -> Dataset: ...


@dataclass(frozen=True)
class Info:
    """One data set as listed to people. `missing` is "" when it can be loaded, else what is missing and what to do."""

    name: str
    label: str
    licence: str
    imported: bool
    missing: str


def builtin_names() -> list[str]:
    """The data sets that have a file here."""
    files = (m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return sorted(name.replace("_", "-") for name in files if name not in _NOT_SOURCES)


def imported_names(cache_dir: Path) -> list[str]:
    """The data sets that were imported into the cache folder."""
    return sorted(f.parent.name for f in (cache_dir / "datasets").glob(f"[!.]*/{_stored.ABOUT}"))


def names(cache_dir: Path | None = None) -> list[str]:
    """Every known data set: those with a file here, then what was imported into `cache_dir`."""
    return builtin_names() + (imported_names(cache_dir) if cache_dir is not None else [])


def source(name: str) -> Source:
    """The file of a data set that has one."""
    if name not in builtin_names():
        raise DataError(f"unknown data set {name!r}{did_you_mean(name, builtin_names())}")
    return cast(Source, importlib.import_module(f"recommenders.data.sources.{name.replace('-', '_')}"))


def available(cache_dir: Path, datasets_dir: Path) -> list[Info]:
    """Every known data set and whether it is here. Reads no table."""
    infos = []
    for name in builtin_names():
        src = source(name)
        infos.append(Info(name, src.LABEL, src.LICENCE, False, _missing(src, cache_dir, datasets_dir)))
    for name in imported_names(cache_dir):
        infos.append(Info(name, name, "your own data", True, ""))
    return infos


def _missing(src: Source, cache_dir: Path, datasets_dir: Path) -> str:
    absent = [f for f in src.files(src.folder(cache_dir, datasets_dir)) if not f.is_file()]
    return f"{', '.join(f.name for f in absent)} not found in {absent[0].parent}; {src.HOW}" if absent else ""


def is_here(name: str, cache_dir: Path, datasets_dir: Path) -> bool:
    """Whether the files of a data set can be read. DataError where there is none of the name."""
    if name in imported_names(cache_dir):
        return True
    return not _missing(source(name), cache_dir, datasets_dir)


def load(name: str, cache_dir: Path, datasets_dir: Path) -> Dataset:
    """The data set of that name, checked, with what was written of its items (`chatrec knowledge`). DataError says what
    is missing and how to get it.

    The parsed tables are kept in `cache_dir`/parsed, so that only the first load reads text files.
    """
    return joined(as_owned(name, cache_dir, datasets_dir), Knowledge.of(cache_dir, name))


def as_owned(name: str, cache_dir: Path, datasets_dir: Path) -> Dataset:
    """The same as its owner brought it, without what was written."""
    if name not in builtin_names():
        imported = _stored.read(cache_dir / "datasets" / name) if name in imported_names(cache_dir) else None
        if imported is None:
            raise DataError(
                f"unknown data set {name!r}{did_you_mean(name, names(cache_dir))} "
                "Bring your own with `chatrec data import`."
            )
        return imported
    src = source(name)
    missing = _missing(src, cache_dir, datasets_dir)
    if missing:
        raise DataError(f"data set {name!r} is not here: {missing}")
    folder = src.folder(cache_dir, datasets_dir)
    key = _key([*src.files(folder), *src.also_read(folder)])
    kept = cache_dir / "parsed" / name
    data = _stored.read(kept, key=key)
    if data is None:
        data = rated(src.read(folder))
        _stored.write(kept, data, key=key)
    return data


def requests(name: str) -> list[tuple[str, str]]:
    """(item id, text): requests in people's words that were written for a data set's items; [] where there are none."""
    path = getattr(source(name), "REQUESTS", None) if name in builtin_names() else None
    if path is None:
        return []
    with path.open(encoding="utf-8", newline="") as f:
        return [(row["movie_id"], row["text"]) for row in csv.DictReader(f)]


def _key(files: list[Path]) -> str:
    """Changes when a file or the code that reads it does."""
    digest = hashlib.sha256()
    code = Path(__file__).parents[1]
    for path in sorted((*code.rglob("*.py"), *code.rglob("*.toml"))):
        digest.update(path.read_bytes())
    for path in files:
        if path.is_file():
            stat = path.stat()
            digest.update(f"{path}:{stat.st_size}:{stat.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]
