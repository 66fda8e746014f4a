"""Words of a wish: what counts as a word, and which items have it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.words import split, stem
from recommenders.texts.word_index import STOP_WORDS, WordIndex, content_words
from tests.recommenders.worlds import tiny_films

FILMS = tiny_films()
INDEX = WordIndex(FILMS)
ALIEN, SOLARIS, EVENT_HORIZON, AMELIE = 0, 2, 3, 10


def test_words_have_no_accents_and_no_capitals() -> None:
    assert split("Amélie's CAFÉ, sci-fi!") == ["amelie's", "cafe", "sci", "fi"]


def test_endings_meet() -> None:
    assert len({stem(w) for w in ("hunt", "hunts", "hunted", "hunting", "hunter", "hunters")}) == 1
    assert stem("spy") == "spy"
    assert stem("family") == stem("families")
    assert stem("comedy") == stem("comedies")
    assert stem("space") == stem("spaces")
    assert stem("alien's") == stem("aliens")


def test_stop_words_and_frames_say_nothing() -> None:
    assert content_words("could you recommend me something good to watch tonight please") == {}
    assert list(content_words("I'd like a slow space horror film").values()) == ["slow", "space", "horror"]


def test_coverage_knows_how_much_of_the_wish_an_item_has() -> None:
    covered = INDEX.coverage("slow space horror")
    assert covered[ALIEN] > 0  # horror (genre) and space (text)
    assert covered[EVENT_HORIZON] == covered[ALIEN]
    assert covered[SOLARIS] > 0  # slow, space
    assert covered[AMELIE] == 0
    assert INDEX.coverage("a film to watch").max() == 0
    assert INDEX.coverage("zyzzyva").max() == 0


def test_matched_words_are_those_of_the_wish() -> None:
    assert INDEX.matched("Spaces and Horrors with Amelie", [ALIEN, AMELIE, SOLARIS]) == [
        ("spaces", "horrors"),
        ("amelie",),
        ("spaces",),
    ]


@given(st.text(max_size=40))
def test_coverage_is_a_share_and_agrees_with_the_matched_words(text: str) -> None:
    covered = INDEX.coverage(text)
    assert ((covered >= 0) & (covered <= 1 + 1e-6)).all()
    everything = list(range(len(FILMS)))
    matched = INDEX.matched(text, everything)
    assert np.array_equal(covered > 0, [bool(m) for m in matched])
    for item, hits in zip(everything, matched, strict=True):
        own = {stem(w) for w in split(f"{FILMS.titles[item]} {FILMS.texts[item]}")}
        named = (*FILMS.genres[item], *FILMS.people[item], FILMS.languages[item])
        own |= {stem(w) for n in named for w in split(n)}
        assert all(stem(hit) in own for hit in hits)
        assert not set(hits) & STOP_WORDS


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_a_stem_is_never_empty(word: str) -> None:
    for w in split(word):
        assert stem(w)
