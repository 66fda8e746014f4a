"""What tells an item from those beside it: true of it, of no other, and said by general code for any catalogue."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.turn.answers import standing_out
from recommenders.data import Catalogue, Condition, Schema, read_attribute

GORY = {"adjectives": ["gory"], "better": "low"}
FILMS = Schema(
    read_attribute(row)
    for row in (
        {"kind": "number", "name": "minutes", "unit": "minutes", "dimension": "duration", "whole": True},
        {"kind": "flag", "name": "black_and_white", "label": "black and white", "opposite": ["in colour"]},
        {"kind": "flag", "name": "sequel", "label": "a sequel"},
        {
            "kind": "levels",
            "name": "gore",
            "levels": ["none", "mild", "strong"],
            "adjectives": ["gory"],
            "better": "low",
        },
        {"kind": "category", "name": "ending"},
    )
)


def films(**columns: Sequence[object]) -> Catalogue:
    """Five films that are alike but for these columns, among forty others."""
    n = 45
    table = {
        "item_id": [f"f{i}" for i in range(n)],
        "title": [f"Film {i}" for i in range(n)],
        "year": [1980 + i % 30 for i in range(n)],
        "genres": [("Thriller", "Western", "Drama")[i % 3] for i in range(n)],
        "minutes": [90 + i for i in range(n)],
        "black_and_white": ["no"] * n,
        "sequel": ["no"] * n,
        "gore": ["mild"] * n,
        "ending": [("happy ending", "open ending", "sad ending")[i % 3] for i in range(n)],
    }
    table |= {
        name: [1990 if name == "year" else "Thriller" if name == "genres" else "open ending"] * 5
        + list(table[name][5:])
        for name in ("year", "genres", "ending")
    }
    table["minutes"] = [121] * 5 + list(table["minutes"][5:])
    for name, cells in columns.items():
        table[name] = [*cells, *table[name][5:]]
    return Catalogue.of(pd.DataFrame(table), FILMS)


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"minutes": [88, 121, 125, 130, 140]}, "The only one under 2 hours"),
        ({"minutes": [95, 61, 62, 63, 64]}, "The only one over 1 hour 30 minutes"),
        ({"year": [1962, 1990, 1990, 1991, 1995]}, "The only one before 1970"),
        ({"year": [1961, 1975, 1976, 1981, 1985]}, "The only one before 1970"),
        ({"black_and_white": ["yes", "no", "no", "no", "no"]}, "The only one that is black and white"),
        ({"black_and_white": ["no", "yes", "yes", "yes", "yes"]}, "The only one in colour"),
        ({"sequel": ["yes", "no", "no", "no", "no"]}, "The only sequel"),
        ({"genres": ["Western"] + ["Thriller"] * 4}, "The only western film"),
        ({"gore": ["none", "mild", "mild", "strong", "mild"]}, "The least gory of these"),
        ({"ending": ["happy ending"] + ["open ending"] * 4}, "The only one with a happy ending"),
    ],
)
def test_the_one_fact_that_sets_it_apart(columns: dict[str, list[object]], text: str) -> None:
    catalogue = films(**columns)
    assert catalogue.nouns
    told = standing_out(catalogue, range(5))
    assert told[0].text == text
    assert told[0].evidence["attribute"] in columns
    assert len(told[0].evidence["values"]) == 5  # type: ignore[arg-type]


def test_what_is_alike_or_alone_or_not_known_says_nothing() -> None:
    assert standing_out(films(), range(5)) == {}
    assert standing_out(films(minutes=[60, 121, 121, 121, 121]), [0]) == {}
    told = standing_out(films(black_and_white=["yes", "", "no", "no", "no"]), range(5))
    assert told == {}, "another one may be black and white too"


def test_what_is_not_told_of_an_item_sets_none_apart() -> None:
    catalogue = films(sequel=["yes", "no", "no", "no", "no"])
    quiet = catalogue.schema.replaced(catalogue.schema["sequel"].model_copy(update={"told": False}))
    assert standing_out(Catalogue(catalogue.table, quiet), range(5)) == {}


def test_a_shop_is_told_in_its_own_words() -> None:
    table = pd.DataFrame(
        {
            "item_id": list("abcdef"),
            "title": [f"Game {n}" for n in "abcdef"],
            "price": [12.5, 40.0, 41.0, 44.0, 39.0, 60.0],
            "players": ["2-4", "2-4", "2-8", "2-4", "2-4", "1-3"],
            "stock": [4, 0, 0, 3, 0, 2],
        }
    )
    catalogue = Catalogue.of(table)
    told = standing_out(catalogue, [0, 1, 2, 4])
    assert told[0].text in ("The only one with price under 20", "The cheapest of these", "The only one in stock")
    assert told[2].text == "The only one for 8 players"


@settings(deadline=None)
@given(st.lists(st.integers(0, 44), min_size=2, max_size=6, unique=True), st.integers(0, 9))
def test_a_condition_holds_for_this_one_alone(items: list[int], seed: int) -> None:
    """By the mask of the whole catalogue, which is other code than what found it."""
    rng = np.random.default_rng(seed)
    catalogue = Catalogue.of(
        films().table.assign(
            minutes=rng.integers(60, 200, 45),
            year=rng.integers(1930, 2016, 45),
            gore=rng.choice(["none", "mild", "strong"], 45),
            black_and_white=rng.choice(["yes", "no"], 45),
        ),
        FILMS,
    )
    for item, reason in standing_out(catalogue, items).items():
        if "condition" in reason.evidence:
            condition = Condition.model_validate(reason.evidence["condition"])
            mask = catalogue.attributes.mask((condition,))
            assert [i for i in items if mask[i]] == [item], reason.text
