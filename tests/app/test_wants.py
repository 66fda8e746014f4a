"""The one shape of a request: kept in stores, told to people, empty where nothing is wanted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.understanding import NOTHING, Order, Wants, told
from recommenders.data import Condition
from tests.app.wanted import plain, wants
from tests.recommenders.conditions import ASKED, conditions, keywords
from tests.recommenders.worlds import tiny_films

_CONDITIONS = st.builds(
    Condition,
    attribute=st.sampled_from(["genres", "year", "price", "in_stock"]),
    operator=st.sampled_from(["at most", "at least", "between", "is", "one of", "has any", "has all", "has none"]),
    values=st.lists(
        st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(), max_size=3
    ).map(tuple),
    refused=st.booleans(),
    hard=st.booleans(),
    holds=st.sampled_from(["answer", "conversation", "always"]),
    said=st.text(max_size=8),
)
_WANTS = st.builds(
    Wants,
    conditions=st.lists(_CONDITIONS, max_size=4).map(tuple),
    wish=st.text(max_size=12),
    like=st.lists(st.text(max_size=4), max_size=2).map(tuple),
    unlike=st.lists(st.text(max_size=4), max_size=2).map(tuple),
    count=st.none() | st.integers(1, 20),
    others=st.booleans(),
    again=st.booleans(),
    order=st.none() | st.builds(Order, attribute=st.sampled_from(["year", "price"]), rising=st.booleans()),
)


@given(_WANTS)
def test_wants_survive_a_store(wanted: Wants) -> None:
    again = Wants.model_validate_json(wanted.model_dump_json())
    assert again == wanted and hash(again) == hash(wanted)
    assert [[type(v) for v in c.values] for c in again.conditions] == [
        [type(v) for v in c.values] for c in wanted.conditions
    ]
    assert Wants.model_validate(wanted.model_dump(mode="json", exclude_defaults=True)) == wanted


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_what_a_store_could_not_keep_is_no_condition(value: float) -> None:
    with pytest.raises(ValidationError, match="finite number"):
        Condition(attribute="price", operator="at most", values=(value,))


@given(_WANTS)
def test_wants_are_empty_only_where_nothing_is_wanted(wanted: Wants) -> None:
    assert bool(wanted) == (wanted != NOTHING) and not Wants()


@given(ASKED, st.booleans())
def test_keywords_say_what_conditions_say(asked: dict[str, object], more: bool) -> None:
    said = {k: v for k, v in asked.items() if v not in (None, [])}
    assert keywords(conditions(**asked)) == said
    assert plain(wants(more=more, order="year falling", **asked)) == {
        **said,
        **({"more": True} if more else {}),
        "order": "year falling",
    }


def test_wants_in_words() -> None:
    """One way of saying a condition, wherever it is said; names before numbers, what is wanted before what is not."""
    rest = {"year_to": 1979, "wish": "hotels", "order": "year falling"}
    asked = wants(without_genres=["War"], genres=["Horror"], people=["Al Pacino"], **rest)  # type: ignore[arg-type]
    assert told(asked, tiny_films().schema, like=("Heat (1995)",)) == (
        "genre: Horror",
        "not War",
        "with Al Pacino",
        "before 1980",
        "ordered by year",
        "like Heat (1995)",
        "wish: hotels",
    )
