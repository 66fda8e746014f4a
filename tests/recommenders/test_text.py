"""The sentence encoder and the index over item texts, with the real model."""

from pathlib import Path

import numpy as np
import pytest

from app.errors import ArtefactError
from recommenders.data.tables import Catalogue
from recommenders.texts import text_index
from recommenders.texts.text_index import TextEncoder, TextIndex
from tests.recommenders.worlds import tiny_films

FILMS = tiny_films()


@pytest.fixture(scope="module")
def texts(encoder: TextEncoder) -> TextIndex:
    return TextIndex.build(encoder, FILMS)


def test_vectors_are_unit_rows_and_do_not_depend_on_company(encoder: TextEncoder) -> None:
    some = ["space horror", "a comedy", "space horror", "x" * 3000, ""]
    vectors = encoder.encode(some)
    assert vectors.shape == (5, text_index.SIZE)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(vectors[0], vectors[2], atol=1e-6)
    assert np.allclose(encoder.encode(["space horror"])[0], vectors[0], atol=1e-5)
    assert encoder.encode([]).shape == (0, text_index.SIZE)


def test_meaning_is_near(encoder: TextEncoder) -> None:
    wish, near, far = encoder.encode(["scary film in outer space", "horror aboard a spaceship", "a wedding in Paris"])
    assert wish @ near > wish @ far + 0.2


def test_a_repeated_query_is_remembered(encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    first = encoder.query("slow-burning space horror")
    monkeypatch.setattr(TextEncoder, "encode", lambda *_: pytest.fail("encoded again"))
    assert encoder.query("slow-burning space horror") is first


def test_search_answers_wishes_within_the_filter(texts: TextIndex) -> None:
    found = [i for i, _ in texts.search("slow-burning horror in space", 4)]
    assert {FILMS.titles[i] for i in found} & {"Alien", "Event Horizon", "Solaris"}
    japanese = np.array([x == "Japanese" for x in FILMS.languages])
    assert [FILMS.titles[i] for i, _ in texts.search("swordsmen", 5, allowed=japanese)] == [
        "Seven Samurai",
        "Spirited Away",
    ]


def test_progress_reaches_the_end(encoder: TextEncoder) -> None:
    seen: list[tuple[int, int]] = []
    encoder.encode(["a", "b"], progress=lambda done, total, what: seen.append((done, total)))
    assert seen[-1] == (2, 2)


def test_document() -> None:
    alien = text_index.document(FILMS, 0)
    assert alien.startswith("Alien (1979). Horror, Sci-Fi. ")
    assert "Sigourney Weaver" not in alien
    assert text_index.document(FILMS, len(FILMS) - 1) == "Untitled Reel"


def test_fingerprint_follows_texts_and_order() -> None:
    assert text_index.fingerprint(FILMS) == text_index.fingerprint(tiny_films())
    turned = Catalogue.of(FILMS.table.iloc[::-1])
    edited = FILMS.table.copy()
    edited.loc[0, "text"] = "Another text."
    assert len({text_index.fingerprint(c) for c in (FILMS, turned, Catalogue.of(edited))}) == 3


def test_save_load_and_another_catalogue(texts: TextIndex, encoder: TextEncoder, tmp_path: Path) -> None:
    texts.save(tmp_path / "text-index")
    back = TextIndex.load(tmp_path / "text-index", encoder, FILMS)
    assert back.search("war at sea", 3) == texts.search("war at sea", 3)
    with pytest.raises(ArtefactError, match="other items or texts"):
        TextIndex.load(tmp_path / "text-index", encoder, Catalogue.of(FILMS.table.iloc[1:]))


def test_an_incomplete_encoder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match=r"lacks model\.safetensors.*chatrec setup"):
        TextEncoder(tmp_path)
