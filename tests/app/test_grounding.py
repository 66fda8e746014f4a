"""Which sentences of a model may be shown: true ones pass, and nothing beyond the evidence does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.turn.answers.grounding import CONNECTING, Evidence, Known, check, harmless, sentences
from app.understanding.names.linking import Linker
from tests.recommenders.worlds import tiny_films

ALIEN = Known("Alien", 1979, ("Horror", "Sci-Fi"), ("Ridley Scott", "Sigourney Weaver"))
HEAT = Known("Heat", 1995, ("Action", "Crime"), ("Al Pacino",))
ALIENS = Known("Aliens", 1986, ("Action", "Sci-Fi"), ("Sigourney Weaver",), liked=True)
FACTS = Evidence(
    (ALIEN, HEAT, ALIENS),
    genres=("Horror",),
    without=("Comedy", "War"),
    phrases=("from the 1980s", "before 1990"),
    numbers=(5,),
    words=("space", "film", "films"),
)


@pytest.mark.parametrize(
    "sentence",
    [
        "Here are five horror films for your space wish.",
        "Alien (1979) is a horror film with Sigourney Weaver.",
        "Because you liked Aliens (1986), I picked Alien (1979).",
        "These are five horror picks, no comedy or war.",
        "Five horror films from the 1980s.",
        "Five horror films of the 1980s, before 1990.",
        "Alien and Aliens share Sci-Fi.",
        "Heat is from 1995.",
        "Al Pacino stars in Heat.",
    ],
)
def test_what_the_evidence_says_passes(sentence: str) -> None:
    assert check(sentence, FACTS).ok, check(sentence, FACTS).why


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("Here are five award-winning horror films.", "award"),
        ("Alien (1986) is a horror film.", "1986"),
        ("Alien, from 1995, is a horror film.", "1995"),
        ("Heat is a horror film.", "Horror"),
        ("Alien and Heat are horror films.", "Horror"),
        ("The Thing is a horror film.", "thing"),
        ("The Heat is for you.", "another title"),
        ("Alien 3 is for you.", "another title"),
        ("Alien: Resurrection is for you.", "another title"),
        ("Space Alien is for you.", "space"),
        ("Heat stars Sigourney Weaver.", "Sigourney Weaver"),
        ("Ridley Scott made Aliens.", "Ridley Scott"),
        ("Robert De Niro stars in Heat.", "robert"),
        ("Here are six horror films.", "six"),
        ("Here are 6 horror films.", "6"),
        ("Five comedy films.", "Comedy was excluded"),
        ("Five action films.", "Action"),
        ("Five films, no horror.", "denies"),
        ("Alien is without Sci-Fi.", "without"),
        ("Heat is not for you.", "not"),
        ("Alien is better than Heat.", "better"),
        ("Alien is the best horror film.", "best"),
        ("Alien is the most horror.", "most"),
        ("You liked Heat.", "Heat"),
        ("You loved Alien (1979).", "Alien"),
        ("You watched Aliens.", "watched"),
        ("These are from the 1970s.", "1970s"),
        ("Five horror films before 1980.", "before"),
        ("Five horror films from 1990.", "1990"),
        ("I picked Big for you.", "big"),
        ("Alien is set in space.", "set"),
        ("Watch **Alien** now.", "markup"),
        ("See https://example.org for Alien.", "markup"),
        ("Alien\nHeat", "markup"),
        ("", "nothing"),
        ("!!!", "nothing"),
        ("Alien " * 80, "longer"),
    ],
)
def test_what_goes_beyond_is_refused(sentence: str, why: str) -> None:
    verdict = check(sentence, FACTS)
    assert not verdict.ok and why.lower() in verdict.why.lower(), verdict


def test_an_any_of_request_licenses_no_genre_alone() -> None:
    assert not check("Five comedy films.", Evidence(numbers=(5,), words=("films",))).ok


_SAFE = sorted(CONNECTING)
_ADDED = st.text(st.characters(categories=("Ll", "Lu", "Nd")), min_size=2, max_size=12)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(_SAFE), min_size=1, max_size=8), _ADDED, st.integers(0, 8))
def test_a_word_from_outside_is_never_licensed(words: list[str], added: str, at: int) -> None:
    """Any word that is neither connecting nor in the evidence, anywhere, refuses the sentence."""
    from app.words import folded, singular

    known = CONNECTING | {
        "space",
        "film",
        "films",
        "horror",
        "sci",
        "fi",
        "scifi",
        "comedy",
        "war",
        "alien",
        "heat",
        "aliens",
        "five",
    }
    parts = folded(added)
    if not parts or any(p in known or singular(p) in known or p == "5" for p in parts):
        return
    sentence = " ".join([*words[:at], added, *words[at:]])
    assert not check(sentence, FACTS).ok


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([ALIEN, HEAT, ALIENS]), st.integers(1900, 2030))
def test_only_its_own_year_stands_beside_a_title(item: Known, year: int) -> None:
    assert check(f"I picked {item.title} ({year}).", FACTS).ok == (year == item.year)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([ALIEN, HEAT, ALIENS]), st.sampled_from(["Horror", "Sci-Fi", "Action", "Crime", "Comedy", "War"])
)
def test_only_its_own_genres_are_said_of_a_title(item: Known, genre: str) -> None:
    assert check(f"{item.title} is {genre}.", FACTS).ok == (genre in item.genres)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_gets_a_verdict(text: str) -> None:
    assert isinstance(check(text, FACTS).ok, bool)
    assert isinstance(harmless(text, NAMES).ok, bool)


NAMES = Linker(tiny_films())


@pytest.mark.parametrize(
    ("sentence", "ok"),
    [
        ("Glad to hear it!", True),
        ("What are you in the mood for?", True),
        ("You are welcome, enjoy it!", True),
        ("You should watch Heat.", False),
        ("I loved the shining.", False),
        ("It won 3 prizes.", False),
        ("The director is great.", False),
        ("My name is Bob.", False),
        ("It is from the eighties film era.", False),
    ],
)
def test_small_talk_claims_nothing(sentence: str, ok: bool) -> None:
    assert harmless(sentence, NAMES).ok == ok


def test_sentences() -> None:
    assert sentences("One. Two! Three?\nFour") == ["One.", "Two!", "Three?", "Four"]
    assert sentences("  ") == []
