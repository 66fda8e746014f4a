"""What would not fit into memory is refused beforehand, in words."""

import tracemalloc
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from app.errors import TooLarge
from recommenders.contract import memory
from recommenders.contract.config import configured
from recommenders.contract.memory import Need
from recommenders.data.tables import Catalogue, Dataset, Interactions


def large(users: int, items: int) -> Dataset:
    catalogue = Catalogue.of(pd.DataFrame({"item_id": np.arange(items), "title": "x"}))
    people = pd.DataFrame({"user_id": np.arange(users).astype(str)})
    rng = np.random.default_rng(0)
    met = Interactions.of(rng.integers(0, users, 1000), rng.integers(0, items, 1000))
    return Dataset("large", catalogue, met, people, explicit=False)


def test_free_memory_is_that_of_the_machine_or_of_the_container() -> None:
    left = memory.free()
    assert left is None or 10**6 < left < 10**14


@pytest.mark.parametrize(("size", "words"), [(4 * 10**12, "4.0 TB"), (25 * 10**8, "2.5 GB"), (380 * 10**6, "380 MB")])
def test_sizes_in_words(size: int, words: str) -> None:
    assert memory.in_words(size) == words


def test_the_message_says_what_was_given_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free", lambda: 8 * 10**9)
    memory.require(Need(8 * 10**9, "train popularity"), "ease", "9 items")
    with pytest.raises(TooLarge, match=r"^ease needs about 9\.0 GB of memory for 9 items, 8\.0 GB are free: train pop"):
        memory.require(Need(9 * 10**9, "train popularity"), "ease", "9 items")


def test_where_nothing_is_known_of_the_machine_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free", lambda: None)
    memory.require(Need(10**30, ""), "ease", "9 items")


@pytest.mark.parametrize(
    ("name", "settings", "advice"),
    [
        ("ease", {"max_items": 50_000}, "lower max_items"),
        ("user_autorec", {}, "train bpr"),
        ("item_autorec", {}, "train bpr"),
        ("sasrec", {}, "set negatives"),
        ("bert4rec", {}, "lower batch_size"),
    ],
)
def test_it_is_refused_before_any_memory_is_taken(
    name: str, settings: Mapping[str, object], advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine of 100 MB: what these models hold for 50,000 items or users is more."""
    monkeypatch.setattr(memory, "free", lambda: 10**8)
    data, model = large(50_000, 50_000), configured(name, settings)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge, match=rf"{name} needs about .* for 50,000 items and 50,000 users, .*{advice}"):
            model.fit(data)
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["popularity", "item_knn", "bpr"])
def test_models_that_grow_with_the_data_alone_are_not_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free", lambda: 0)
    settings = {"epochs": 1, "embedding_size": 2} if name == "bpr" else {}
    configured(name, settings).fit(large(2000, 2000))
