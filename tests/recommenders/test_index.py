"""Vector search: exact where it says so, near to exact where it does not, and a filter is never violated."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import ArtefactError, DataError
from recommenders.texts import vector_index
from recommenders.texts.vector_index import VectorIndex


def rows(n: int, d: int = 16, seed: int = 0) -> np.ndarray:
    """Unit vectors in clusters, as texts of one genre are."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(12, d))
    found = centres[rng.integers(0, 12, n)] + 0.5 * rng.normal(size=(n, d))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


VECTORS = rows(3000)
FLAT = VectorIndex.build(VECTORS, "f", kind="flat")
LISTS = VectorIndex.build(VECTORS, "f", kind="lists")


def by_hand(query: np.ndarray, k: int, allowed: np.ndarray) -> list[int]:
    scored = sorted((-float(VECTORS[i] @ query), i) for i in np.flatnonzero(allowed))
    return [i for _, i in scored[:k]]


@given(seed=st.integers(0, 1000), k=st.integers(0, 40), share=st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_flat_search_is_exact_and_keeps_the_filter(seed: int, k: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    query = rows(1, seed=seed + 1)[0]
    allowed = rng.random(len(VECTORS)) < share
    scores, items = FLAT.search(query, k, allowed=allowed)
    expected = by_hand(query, k, allowed)
    assert items.shape == (1, min(k, int(allowed.sum())))
    assert np.allclose(scores[0], [VECTORS[i] @ query for i in expected], atol=1e-6)
    assert allowed[items[0]].all()


@given(seed=st.integers(0, 1000), k=st.integers(1, 300), share=st.floats(0, 1))
@settings(max_examples=80, deadline=None)
def test_list_search_never_violates_the_filter_and_fills_the_list(seed: int, k: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    queries = rows(3, seed=seed + 1)
    allowed = rng.random(len(VECTORS)) < share
    scores, items = LISTS.search(queries, k, allowed=allowed)
    assert items.shape == scores.shape == (3, min(k, int(allowed.sum())))
    for row, found in zip(items, scores, strict=True):
        assert allowed[row].all()
        assert len(set(row.tolist())) == len(row)
        assert (np.diff(found) <= 1e-6).all()


@pytest.mark.parametrize("share", [1.0, 0.5, 0.2, 0.11, 0.05])
def test_list_search_finds_nearly_what_the_exact_one_does(share: float) -> None:
    rng = np.random.default_rng(1)
    allowed = rng.random(len(VECTORS)) < share
    queries = rows(100, seed=9)
    _, near = LISTS.search(queries, 10, allowed=None if share == 1 else allowed)
    _, exact = FLAT.search(queries, 10, allowed=None if share == 1 else allowed)
    found = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(near.tolist(), exact.tolist(), strict=True)])
    assert found >= 0.97


def test_an_adversarial_filter_far_from_the_query_is_still_filled() -> None:
    """All allowed items lie in lists far from the query: reading the near ones alone would come back empty."""
    query = VECTORS[0]
    far = np.argsort(VECTORS @ query)[:400]
    allowed = np.zeros(len(VECTORS), bool)
    allowed[far] = True
    _, items = LISTS.search(query, 20, allowed=allowed)
    assert items.shape == (1, 20)
    assert allowed[items].all()


def test_too_few_from_the_lists_means_comparing_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_few(*_: object) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((1, 5), np.float32), np.array([[3, 4, -1, -1, -1]])

    monkeypatch.setattr(LISTS, "_approximate", too_few)
    _, items = LISTS.search(VECTORS[7], 5)
    assert items[0].tolist() == by_hand(VECTORS[7], 5, np.ones(len(VECTORS), bool))


def test_the_kind_follows_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    assert VectorIndex.build(rows(50), "f").kind == "flat"
    monkeypatch.setattr(vector_index, "EXACT_BELOW", 40)
    assert VectorIndex.build(rows(50), "f").kind == "lists"


def test_more_than_there_is() -> None:
    _, items = FLAT.search(VECTORS[0], 10**6)
    assert items.shape == (1, len(VECTORS))
    _, none = FLAT.search(VECTORS[0], 5, allowed=np.zeros(len(VECTORS), bool))
    assert none.shape == (1, 0)


@pytest.mark.parametrize("kind", ["flat", "lists"])
def test_save_and_load_change_nothing(tmp_path: Path, kind: vector_index.Kind) -> None:
    made = VectorIndex.build(rows(500), "f1", kind=kind)
    made.save(tmp_path / "i")
    back = VectorIndex.load(tmp_path / "i", "f1")
    assert back.kind == kind
    assert np.array_equal(back.vectors, made.vectors)
    for left, right in zip(made.search(VECTORS[:5], 10), back.search(VECTORS[:5], 10), strict=True):
        assert np.array_equal(left, right)


def test_what_cannot_be_loaded_says_why(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="chatrec setup"):
        VectorIndex.load(tmp_path / "i", "f1")
    FLAT.save(tmp_path / "i")
    with pytest.raises(ArtefactError, match="other items or texts"):
        VectorIndex.load(tmp_path / "i", "f2")
    for torn in ("index.faiss", "lists.faiss", "index.json"):
        LISTS.save(tmp_path / "i")
        whole = (tmp_path / "i" / torn).read_bytes()
        (tmp_path / "i" / torn).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ArtefactError, match="damaged"):
            VectorIndex.load(tmp_path / "i", "f")


def test_an_index_of_another_version_says_what_to_do(tmp_path: Path) -> None:
    FLAT.save(tmp_path / "i")
    about = tmp_path / "i" / "index.json"
    about.write_text(about.read_text(encoding="utf-8").replace('"flat"', '"hnsw"'), encoding="utf-8")
    with pytest.raises(ArtefactError, match="another version; make it again: chatrec setup"):
        VectorIndex.load(tmp_path / "i", "f")


def test_an_index_in_use_outlives_its_replacement(tmp_path: Path) -> None:
    """The vectors are mapped from the file: writing a new index must not change those of an open one."""
    FLAT.save(tmp_path / "i")
    opened = VectorIndex.load(tmp_path / "i", "f")
    VectorIndex.build(rows(50, seed=7), "g").save(tmp_path / "i")
    assert np.array_equal(opened.vectors, VECTORS)
    assert np.array_equal(opened.search(VECTORS[:2], 5)[1], FLAT.search(VECTORS[:2], 5)[1])


@pytest.mark.parametrize("kind", ["flat", "lists"])
@pytest.mark.parametrize(("n", "d"), [(1, 5), (3, 4), (60, 7)])
def test_few_items_of_any_size(kind: vector_index.Kind, n: int, d: int) -> None:
    vectors = rows(n, d)
    _, items = VectorIndex.build(vectors, "f", kind=kind).search(vectors, 1)
    assert items[:, 0].tolist() == list(range(n))


def test_queries_unlike_the_items_find_nearly_what_the_exact_search_does() -> None:
    """What people say lies elsewhere than what is written of films, so its neighbours lie in many lists."""
    rng = np.random.default_rng(3)
    queries = rng.normal(size=(100, 16)) + 1
    queries = (queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(np.float32)
    _, near = LISTS.search(queries, 10)
    _, exact = FLAT.search(queries, 10)
    found = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(near.tolist(), exact.tolist(), strict=True)])
    assert found >= 0.95


@pytest.mark.parametrize("bad", [np.zeros((0, 4)), np.zeros(4), np.full((2, 4), np.nan)])
def test_what_is_no_index(bad: np.ndarray) -> None:
    with pytest.raises(DataError):
        VectorIndex.build(bad.astype(np.float32), "f")


def test_vectors_outlive_their_index() -> None:
    made = rows(2_000, seed=1)
    vectors = VectorIndex.build(made, "x").vectors
    others = [VectorIndex.build(rows(2_000, seed=seed), "y") for seed in range(2, 6)]
    np.testing.assert_array_equal(vectors, made)
    assert not any(np.shares_memory(vectors, other.vectors) for other in others)
