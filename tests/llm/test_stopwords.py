"""However the text is cut into pieces, what is shown is the text up to the first stop word."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from llm.backends.stop_words import StopWords

SHORT = st.text("ab\n", max_size=12)


@given(
    text=SHORT, words=st.lists(st.text("ab\n", min_size=1, max_size=3), max_size=3), cuts=st.lists(st.integers(0, 12))
)
def test_the_cuts_do_not_matter(text: str, words: list[str], cuts: list[int]) -> None:
    at = sorted({0, len(text), *(c for c in cuts if c < len(text))})
    filtered = StopWords(words)
    shown = "".join(filtered.push(text[a:b]) for a, b in pairwise(at))
    shown += filtered.rest()
    ends = [text.find(w) for w in words if w in text]
    # a shorter stop word may be complete before a longer one that begins earlier is
    expected = {text[:e] for e in ends} or {text}
    assert shown in expected
    assert filtered.met == bool(ends)
    assert not any(w in shown for w in words)


def test_nothing_is_held_back_without_need() -> None:
    filtered = StopWords(["\n\n"])
    assert [filtered.push(p) for p in ["Hel", "lo", "\n", "you", "\n", "\nmore", "x"]] == [
        "Hel", "lo", "", "\nyou", "", "", "",
    ]  # fmt: skip
    assert filtered.met and filtered.rest() == ""


def test_an_empty_stop_word_stops_nothing() -> None:
    assert StopWords([""]).push("text") == "text"
