"""What a word is, which are the same, and which number one says."""

import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import words
from app.words import Token, fold, folded, singular, split, stem, tokens


def test_accents_case_and_apostrophes() -> None:
    assert folded("Amélie & Schindler’s CAFÉ, sci-fi!") == ("amelie", "and", "schindlers", "cafe", "sci", "fi")
    assert split("Amélie & Schindler’s CAFÉ") == ["amelie", "and", "schindler's", "cafe"]
    assert split("he'll") == ["he'll"] != split("hell")
    assert fold("Weiß") == fold("WEISS") == "weiss"


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_composed_and_decomposed_accents_are_cut_alike(text: str) -> None:
    """However a keyboard writes "é", the words are the same."""
    known = "".join(c for c in text if unicodedata.normalize("NFC", unicodedata.normalize("NFD", c)) == c)
    known = re.sub("[^\u0020-\u017f]", "", known)
    assert folded(unicodedata.normalize("NFD", known)) == folded(known)


def _slowly(text: str) -> list[tuple[bool, bool]]:
    """capital and opens of every word by all that stands before it, which is quadratic."""
    end = re.compile(r"[.!?:;]['\"”)]*\s*$|[\"“(]\s*$")
    found = []
    for t in tokens(text):
        word, before = text[t.start : t.end], text[: t.start]
        opens = not before.strip() or bool(end.search(before))
        capital = word[0].isupper() and not opens and word not in ("I", "I'm", "I’m", "I've", "I’ve", "I'd", "I'll")
        found.append((capital or word[0].isdigit(), opens))
    return found


@given(st.text(st.sampled_from("aB1 .!?:;'\"”“()_-&I\n"), max_size=30))
def test_what_begins_a_sentence_is_told_by_the_gap_alone(text: str) -> None:
    found = tokens(text)
    assert [(t.capital, t.opens) for t in found] == _slowly(text)
    assert tuple(t.text for t in found) == folded(text)
    assert [text[t.start : t.end].lower().replace("'", "") for t in found if t.text != "and"] == [
        t.text for t in found if t.text != "and"
    ]


def test_reading_words_takes_linear_time() -> None:
    """Ten times the text takes about ten times as long, not a hundred times."""

    def seconds(n: int) -> float:
        text, found = "I liked Heat. And you? " * n, []
        for _ in range(3):
            began = time.process_time()
            tokens(text)
            found.append(time.process_time() - began)
        return min(found)

    seconds(100)
    assert seconds(4000) < 40 * seconds(400)


def test_where_words_stand() -> None:
    assert tokens("I liked Heat") == (
        Token("i", 0, 1, False, True), Token("liked", 2, 7, False, False), Token("heat", 8, 12, True, False),
    )  # fmt: skip
    assert [t.capital for t in tokens("Some Heat. Then heat")] == [False, True, False, False]


def test_a_plural_is_the_same_thing_and_a_root_is_not() -> None:
    assert [singular(w) for w in ("comedies", "thrillers", "class", "bus")] == ["comedy", "thriller", "class", "bus"]
    assert singular("thrilling") == "thrilling"
    assert stem("thrillers") == stem("thrilling")


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("3", 3),
        ("3rd", 3),
        ("three", 3),
        ("Third", 3),
        ("a couple of", 2),
        ("A  dozen", 12),
        ("heat", None),
    ],
)
def test_numbers_in_words(said: str, number: int | None) -> None:
    assert words.number(said) == number


def test_numbers_are_said_as_they_are_read() -> None:
    assert [words.ordinal(n) for n in (1, 2, 3, 4, 11, 12, 21, 112, 1271)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "21st", "112th", "1,271st",
    ]  # fmt: skip
    for n in range(1, 200):
        assert words.number(words.cardinal(n)) == words.number(words.ordinal_word(n)) == n
