"""Fetched data for the tests of this folder: they are skipped, with the reason, before the set-up has fetched it."""

from pathlib import Path

import pytest

from recommenders.data import sources
from recommenders.data.tables import Dataset
from recommenders.texts import text_index
from recommenders.texts.text_index import TextEncoder

CACHE = Path(__file__).resolve().parents[2] / "data" / "cache"


@pytest.fixture(scope="session")
def encoder() -> TextEncoder:
    folder = CACHE / "encoder"
    if not all(f.is_file() for f in text_index.files(folder)):
        pytest.skip(f"no text encoder in {folder}; fetch it: chatrec setup")
    return TextEncoder(folder)


@pytest.fixture(scope="session")
def ml_100k(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    source = sources.source("ml-100k")
    folder = source.folder(CACHE, CACHE)
    if not all(f.is_file() for f in source.files(folder)):
        pytest.skip(f"no MovieLens 100K in {folder}; fetch it: chatrec data get ml-100k")
    return source.read(folder)
