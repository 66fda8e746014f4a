"""A long message costs as much as its words: four times the words four times the work, whatever the words are."""

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.understanding import Table, cues, read, shipped, understand
from app.understanding.names import Marks, Stretches, before, replaced
from app.understanding.names.linking import Linker
from app.words import tokens
from tests.recommenders.worlds import tiny_films

NAMES = Linker(tiny_films())
ON_TABLE = Table(shown=(0, 3, 4), focus=(0,), ever=(0, 3, 4), turns=2)
PASTED = (
    "I was thinking about the weekend and what my friends and I could do, since the weather has been poor and nobody "
    "feels like going out; my brother said that he saw a film about a crew far out in space, with Sigourney Weaver in "
    "it, and that he liked it, but my sister hated The Exorcist and would never watch anything that scary again. ",
    "is it ",
    "I like it but I really like you ",
    "Heat, Alien, Casablanca and Solaris ",
    "'Heat' \"Alien\" “nothing like this” ",
    "the film that I would like to see was ",
    "no horror, thrillers or war ",
    "the second one and the third, ",
    "I loved Zorg Blat and hated Quux Fnord but not ",
    "horror\n",
    "- ",
    "1990 or 20 minutes ",
)
"""Each is repeated; most were read in quadratic time once."""


def seconds(text: str, how: str) -> float:
    """Processor time of reading a text, the least of three."""
    took = []
    for _ in range(3):
        tokens.cache_clear()
        began = time.process_time()
        if how == "rules":
            understand(text, ON_TABLE, NAMES)
        else:
            read(text, ON_TABLE, NAMES, shipped())
        took.append(time.process_time() - began)
    return min(took)


@pytest.mark.parametrize(
    ("words", "how"), [*((w, "rules") for w in PASTED), (PASTED[0], "both"), (PASTED[1], "both")]
)  # fmt: skip
def test_reading_takes_time_linear_in_the_message(words: str, how: str) -> None:
    short, long = ((words * n)[:n] for n in (4_000, 16_000))
    seconds(short, how)
    assert seconds(long, how) < 8 * seconds(short, how) + 0.005  # linear is 4, quadratic 16


def test_a_word_without_end_is_read() -> None:
    for word in ("x" * 16_000, "-" * 16_000, "loved it " + "!" * 16_000, "loved it " + "- " * 8_000, "’" * 16_000):
        assert seconds(word, "rules") < 1.0


@pytest.mark.parametrize(
    ("cue", "whole"),
    [
        (cues._then(r"\bor\b", r"\bbetter\b", r"\n"), r"\bor\b.*\bbetter\b"),
        (cues._then(r"\bis\s+it\b", r"\b(?:old|in\s+it)\b"), r"\bis\s+it\b[^.!]*\b(?:old|in\s+it)\b"),
        (cues._then(r"\bis\s+it\b", r"\?"), r"\bis\s+it\b[^.!?]*\?"),
    ],
)
@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["is it", "old", "in it", "or", "better", "x", ".", "!", "?", "\n", " "]), max_size=9))
def test_one_cue_behind_another_is_what_one_expression_finds(cue: cues.Then, whole: str, pieces: list[str]) -> None:
    for text in (" ".join(pieces), "".join(pieces)):
        assert cue.search(text) == bool(re.search(whole, text))


_PLACES = st.tuples(st.integers(0, 40), st.integers(1, 8)).map(lambda p: (p[0], p[0] + p[1]))


@given(st.lists(_PLACES, max_size=6), _PLACES)
def test_stretches_answer_as_looking_at_each_does(stretches: list[tuple[int, int]], asked: tuple[int, int]) -> None:
    found, (a, b) = Stretches(stretches), asked
    assert found.touch(a, b) == any(start < b and a < end for start, end in stretches)
    assert found.cover(a) == any(start <= a < end for start, end in stretches)
    beyond = [start for start, end in stretches if not any(s < start < e for s, e in stretches) and start > a]
    assert found.begin_after(a) == min(beyond, default=None)


@given(st.dictionaries(st.integers(0, 20), st.booleans(), max_size=6), st.integers(0, 20))
def test_the_last_mark_before_a_place(marks: dict[int, bool], place: int) -> None:
    for here in (True, False):
        earlier = [at for at in marks if at < place or (here and at == place)]
        assert Marks(marks.items()).last(place, here=here) == (marks[max(earlier)] if earlier else False)


@given(st.text("ab ’_.", max_size=300), st.integers(0, 300))
def test_what_stands_before_a_place_cuts_no_word(text: str, place: int) -> None:
    place = min(place, len(text))
    found = before(text, place)
    assert text[:place].endswith(found) and len(found) <= 120
    cut = place - len(found)
    if found and cut:
        assert not (text[cut - 1].isalnum() or text[cut - 1] in "_’")


@given(st.text("ab", max_size=40), st.lists(_PLACES, max_size=5))
def test_stretches_are_replaced_and_all_else_stays(text: str, stretches: list[tuple[int, int]]) -> None:
    apart = sorted(s for s in stretches if s[1] <= len(text))
    if any(one[1] > other[0] for one, other in pairwise(apart)):
        return
    expected = text
    for start, end in reversed(apart):
        expected = expected[:start] + "_" + expected[end:]
    assert replaced(text, stretches if apart == sorted(stretches) else apart, lambda length: "_") == expected
