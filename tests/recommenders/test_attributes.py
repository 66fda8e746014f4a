"""Attributes: what may be asked of an item holds exactly, by mask and by objection, and is said and heard in words."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import DataError, UnknownName
from recommenders.data import Attribute, Bound, Catalogue, Condition, Schema, each_part, found_in, kinds, read_attribute
from recommenders.data.attributes import inferred
from tests.recommenders.worlds import tiny_films

FILMS = tiny_films()
GAMES = Path(__file__).resolve().parents[1] / "inputs" / "board_games.csv"

# -- one attribute of every kind, with cells as a table writes them and as the test reads them -------------------------

NAMES = ("Ash", "Birch", "Cedar", "Dogwood")
LEVELS = ("none", "mild", "moderate", "strong")
Known = Any  # what the test knows of a cell; None: nothing


def ranges() -> st.SearchStrategy[tuple[str, Known]]:
    number = st.integers(0, 12)
    return st.one_of(
        st.sampled_from([("", None), ("n/a", None), ("many", None)]),
        number.map(lambda n: (str(n), (n, n))),
        st.tuples(number, number).map(lambda ab: (f"{min(ab)}-{max(ab)}", (min(ab), max(ab)))),
        number.map(lambda n: (f"{n}+", (n, np.inf))),
    )


CELLS: Mapping[str, st.SearchStrategy[tuple[str, Known]]] = {
    "number": ranges(),
    "choice": ranges(),
    "year": st.one_of(
        st.sampled_from([("", None), ("soon", None)]),
        st.integers(1960, 1999).map(lambda y: (str(y), y)),
        st.integers(1960, 1999).map(lambda y: (f"{y}-11-22", y)),
    ),
    "levels": st.one_of(
        st.sampled_from([("", None), ("?", None), ("gory", None)]),
        st.sampled_from(LEVELS).map(lambda level: (level.title(), LEVELS.index(level))),
    ),
    "flag": st.sampled_from(
        [("yes", True), ("No", False), ("1", True), ("0", False), ("", None), ("maybe", None), ("X", True)]
    ),
    "category": st.one_of(st.just(("", ())), st.sampled_from(NAMES).map(lambda n: (f" {n} ", (n,)))),
    "set": st.lists(st.sampled_from(NAMES), max_size=3).map(lambda names: ("|".join(names), tuple(names))),
    "text": st.sampled_from([("", None), ("A word or two.", "A word or two.")]),
}
ATTRIBUTES: Mapping[str, Attribute] = {
    "number": read_attribute({"kind": "number", "name": "number", "span": "doubt", "unit": "minutes"}),
    "choice": read_attribute({"kind": "number", "name": "choice", "span": "choice", "dimension": "players"}),
    "year": read_attribute({"kind": "year", "name": "year"}),
    "levels": read_attribute({"kind": "levels", "name": "levels", "levels": LEVELS, "adjectives": ("violent",)}),
    "flag": read_attribute({"kind": "flag", "name": "flag", "label": "in stock", "opposite": ("sold out",)}),
    "category": read_attribute({"kind": "category", "name": "category", "prefix": "in"}),
    "set": read_attribute({"kind": "set", "name": "set", "together": True}),
    "text": read_attribute({"kind": "text", "name": "text"}),
}


def test_every_kind_is_tested() -> None:
    assert {a.kind for a in ATTRIBUTES.values()} == set(kinds())


def some(values: Sequence[Any], least: int = 1, most: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(st.sampled_from(values), min_size=least, max_size=most, unique=True).map(tuple)


def values_of(name: str, operator: str) -> st.SearchStrategy[tuple[Any, ...]]:
    if name in ("number", "choice", "year"):
        one = st.integers(1955, 2004) if name == "year" else st.integers(-1, 14)
        return st.tuples(one, one).map(lambda ab: tuple(sorted(ab))) if operator == "between" else st.tuples(one)
    pool: Sequence[Any] = {"levels": LEVELS, "flag": (True, False)}.get(name, NAMES)
    return some(pool, most=1) if operator in ("is", "at most", "at least") else some(pool)


@st.composite
def conditions(draw: st.DrawFn, names: Sequence[str] = tuple(ATTRIBUTES)) -> Condition:
    name = draw(st.sampled_from([n for n in names if ATTRIBUTES[n].operators]))
    operator = draw(st.sampled_from(ATTRIBUTES[name].operators))
    values = draw(values_of(name, operator))
    return ATTRIBUTES[name].condition(operator, *values, refused=draw(st.booleans()))


def table_of(rows: Sequence[Mapping[str, tuple[str, Known]]]) -> pd.DataFrame:
    return pd.DataFrame([{name: cell for name, (cell, _) in row.items()} for row in rows], dtype="str")


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Bound, list[dict[str, Known]]]:
    """A table with what is known of it. Every name occurs, so that none is unknown: the last rows hold one each."""
    drawn = draw(st.lists(st.fixed_dictionaries(dict(CELLS)), min_size=1, max_size=8))
    named = [
        {name: ("", () if name in ("set", "category") else None) for name in CELLS}
        | {"set": (n, (n,)), "category": (n, (n,))}
        for n in NAMES
    ]
    rows = [*drawn, *named]
    bound = Bound(Schema(ATTRIBUTES.values()), table_of(rows))
    return bound, [{name: known for name, (_, known) in row.items()} for row in rows]


def keeps(name: str, known: Known, c: Condition) -> bool:
    """The definition in words, one cell at a time; third to mask and objection."""
    v = c.values
    if name in ("set", "category"):
        has = [value in known for value in v]
        holds = {"has all": all(has), "has none": not any(has)}.get(c.operator, any(has))
        return holds != c.refused  # a thing without names is no "Ash", and not one without "Ash" refused
    if known is None:
        return False
    if name == "flag":
        holds = known == v[0]
    elif name == "levels":
        places = [LEVELS.index(level) for level in v]
        holds = {"at most": known <= places[0], "at least": known >= places[0]}.get(c.operator, known in places)
    else:
        low, high = known if isinstance(known, tuple) else (known, known)
        possible = {"at most": low <= v[0], "at least": high >= v[0]}
        sure = {"at most": high <= v[0], "at least": low >= v[0], "between": v[0] <= low and high <= v[-1]}
        every = all(low <= x <= high for x in v)
        holds = (possible if name == "choice" else sure).get(c.operator, every)
    return bool(holds) != c.refused


@given(worlds(), conditions())
@settings(deadline=None, max_examples=400)
def test_mask_and_objections_are_the_definition(world: tuple[Bound, list[dict[str, Known]]], c: Condition) -> None:
    bound, known = world
    expected = [keeps(c.attribute, row[c.attribute], c) for row in known]
    assert bound.mask([c]).tolist() == expected
    said = [bound.objections(item, [c]) for item in range(len(known))]
    assert [not words for words in said] == expected
    assert all(words[0].strip() for words in said if words)


@given(worlds(), st.lists(conditions(), max_size=4))
@settings(deadline=None)
def test_dropping_a_part_never_loses_an_item(
    world: tuple[Bound, list[dict[str, Known]]], asked: list[Condition]
) -> None:
    bound, _ = world
    own = bound.mask(asked)
    for part, others in each_part(asked):
        assert (bound.mask(others) >= own).all()
        assert part.attribute in {c.attribute for c in asked}
    while asked:
        ((_, rest), *_) = each_part(asked)
        asked = list(rest)
    assert bound.mask(asked).all()


@given(worlds(), conditions())
@settings(deadline=None)
def test_what_is_asked_and_what_is_there_is_said_in_words(world: tuple[Bound, list[dict]], c: Condition) -> None:
    bound, known = world
    a = bound.schema[c.attribute]
    assert a.describe(c).strip()
    assert "".join(a.phrase(c)).strip()
    assert a.said
    for item in range(len(known)):
        cell = bound.cells(a.name)[item]
        told = bound.tell(a.name, item)
        assert bool(told) is not a.unknown(cell)


@given(conditions())
def test_what_a_model_states_reads_back(c: Condition) -> None:
    a = ATTRIBUTES[c.attribute]
    arguments = a.arguments(c)
    stated = set(a.properties(NAMES))
    assert set(arguments) <= stated
    if not c.excludes and arguments and c.operator != "is" and not (a.kind == "levels" and c.operator == "one of"):
        (back,) = a.read(arguments)
        assert back.values == c.values


def test_soft_conditions_let_everything_pass() -> None:
    bound = FILMS.attributes
    soft = FILMS.schema["genres"].condition("has all", "Horror").model_copy(update={"hard": False})
    assert bound.mask([soft]).all()
    assert bound.objections(6, [soft]) == ()


def test_no_conditions_allow_all_and_masks_cannot_be_written() -> None:
    mask = FILMS.attributes.mask([])
    assert mask.all()
    with pytest.raises(ValueError, match="read-only"):
        mask[0] = False


def test_many_different_conditions_do_not_pile_up() -> None:
    bound = Bound(FILMS.schema, FILMS.table)
    year = FILMS.schema["year"]
    for first in range(1000, 2000):
        bound.mask([year.condition("at least", first)])
    assert len(bound._masks) <= 256
    assert bound.mask([year.condition("at least", 1000)]).sum() == 19  # one film has no year


@pytest.mark.parametrize(
    ("attribute", "operator", "values", "says"),
    [
        ("genres", "has all", ("Horor",), "unknown genre 'Horor'.*did you mean 'Horror'"),
        ("people", "has any", ("Al Pachino",), "unknown person.*did you mean 'Al Pacino'"),
        ("people", "has none", ("Nobody",), "unknown person 'Nobody'"),
        ("language", "one of", ("Klingon",), "unknown language 'Klingon'"),
        ("violens", "at most", ("mild",), "unknown attribute 'violens'"),
        ("genres", "at most", ("Horror",), "genre cannot be asked for by 'at most'; it takes: has any"),
        ("genres", "has any", (), "needs at least one value"),
        ("year", "between", (1990,), "'between' needs 2 values, got 1"),
        ("year", "at least", ("soon",), "year is a whole number, not 'soon'"),
    ],
)
def test_unknown_names_and_operators(attribute: str, operator: Any, values: tuple, says: str) -> None:
    with pytest.raises(UnknownName, match=says):
        FILMS.attributes.mask([Condition(attribute=attribute, operator=operator, values=values)])


@pytest.mark.parametrize(
    ("name", "operator", "value", "says"),
    [
        ("levels", "at most", "mid", "unknown level 'mid' of levels; did you mean 'mild'"),
        ("flag", "is", "no", "in stock is true or false, not 'no'"),
        ("number", "at most", "cheap", "number is a number, not 'cheap'"),
        ("text", "is", "x", "text cannot be asked for"),
    ],
)
def test_values_that_an_attribute_cannot_have(name: str, operator: Any, value: Any, says: str) -> None:
    bound = Bound(Schema(ATTRIBUTES.values()), table_of([dict.fromkeys(CELLS, ("", None))]))
    with pytest.raises(UnknownName, match=says):
        bound.mask([Condition(attribute=name, operator=operator, values=(value,))])


def test_a_catalogue_without_people_says_so() -> None:
    plain = Catalogue.of(FILMS.table[["item_id", "title"]])
    with pytest.raises(UnknownName, match="this catalogue names none"):
        plain.attributes.mask([plain.schema["people"].condition("has any", "Al Pacino")])


def test_content_notes_must_be_known_to_be_harmless() -> None:
    table = FILMS.table.copy()
    table["violence"] = (["none", "mild", "moderate", "strong", ""] * 4)[: len(table)]
    noted = Catalogue.of(table)
    (hit,) = noted.schema["violence"].hear("nothing violent", noted.attributes.column("violence"), ())
    found = noted.attributes.mask([hit.condition])
    assert np.flatnonzero(found).tolist() == [n for n in range(len(table)) if n % 5 in (0, 1)]


def test_a_schema_survives_json() -> None:
    schema = Schema(ATTRIBUTES.values())
    assert Schema.from_json(schema.to_json()) == schema
    assert Schema.from_json(shop().schema.to_json()) == shop().schema


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"kind": "numbr", "name": "x"}, "unknown kind of attribute 'numbr'; did you mean 'number'"),
        ({"kind": "levels", "name": "x"}, "the attribute x: levels: Field required"),
        ({"kind": "levels", "name": "x", "levels": ("high",)}, "two or more different levels"),
        ({"kind": "levels", "name": "x", "levels": ("low", "high"), "harmless": "mid"}, "not one of the levels"),
        ({"kind": "number", "name": "x", "dimension": "prise"}, "unknown dimension 'prise'; did you mean 'price'"),
        ({"kind": "number", "name": "x", "better": "cheap"}, "better"),
        ({"kind": "set", "name": "x", "separator": ""}, "separator"),
        ({"kind": "text", "name": "x", "unit": "€"}, "unit"),
    ],
)
def test_wrong_attributes_are_named(row: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_attribute(row)


# -- cells -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (("34,90", "1.234,50", "7"), (34.9, 1234.5, 7)),
        (("€ 34.90", "€1,234.50", "7 €"), (34.9, 1234.5, 7)),
        (("1.200", "850", "2.400", "10 €"), (1200, 850, 2400, 10)),  # no price has three digits behind its mark
        (("1 234,50", "12,00", "5"), (1234.5, 12, 5)),
        (("1'250.00", "3.50"), (1250, 3.5)),
        (("CHF 12.50", "CHF 9"), (12.5, 9)),
        (("0.125", "1.5", "2.875"), (0.125, 1.5, 2.875)),
    ],
)
def test_figures_are_read_as_their_column_writes_them(cells: tuple[str, ...], read: tuple[float, ...]) -> None:
    table = pd.DataFrame({"price": cells})
    a = found_in("price", table["price"])
    assert a.kind == "number"
    assert [low for low, _ in a.cells(table)] == list(read)


@pytest.mark.parametrize(
    ("cell", "low", "high"),
    [
        ("45", 45, 45),
        ("45 min", 45, 45),
        ("30-60", 30, 60),
        ("30 – 60 minutes", 30, 60),
        ("1h30", 90, 90),
        ("1 h 30 min", 90, 90),
        ("2 hours", 120, 120),
        ("1-2 hours", 60, 120),
        ("90+", 90, np.inf),
        ("ca. 45", 45, 45),
        ("up to 20", 0, 20),
        ("from 60", 60, np.inf),
    ],
)
def test_cells_of_a_duration(cell: str, low: float, high: float) -> None:
    a = read_attribute({"kind": "number", "name": "t", "unit": "minutes", "dimension": "duration", "span": "doubt"})
    assert list(a.cells(pd.DataFrame({"t": [cell]}))) == [(low, high)]


@given(st.text(max_size=30))
def test_any_cell_is_read_or_does_not_fit(cell: str) -> None:
    """Nothing raises, and what does not fit counts as unknown."""
    table = pd.DataFrame({name: [cell] for name in CELLS}, dtype="str")
    for a in ATTRIBUTES.values():
        parsed = a.parsed(table)
        assert parsed.astray in ({}, {a.name: [0]})
        if parsed.astray:
            assert a.unknown(parsed.cells[0])
            with pytest.raises(DataError, match="expected"):
                a.parse(cell)


def test_tuples_lists_and_numbers_are_cells_too() -> None:
    table = pd.DataFrame({"set": [("A", "B"), ["B"], None, {"A"}], "number": [1, 2.5, None, np.nan]}, dtype=object)
    assert list(ATTRIBUTES["set"].cells(table)) == [("A", "B"), ("B",), (), ("A",)]
    assert list(ATTRIBUTES["number"].cells(table)) == [(1, 1), (2.5, 2.5), None, None]


# -- found in a table --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "cells", "expected"),
    [
        ("price", ["12.50", "8", "30"], {"kind": "number", "dimension": "price", "better": "low"}),
        ("preis", ["12,50 €", "8 €"], {"kind": "number", "unit": "€", "decimal": ","}),
        ("gewicht_kg", ["1.5", "2"], {"kind": "number", "unit": "kg", "dimension": "weight"}),
        ("Play Time", ["30-60", "45"], {"kind": "number", "unit": "minutes", "span": "doubt"}),
        ("hours", ["1", "2"], {"kind": "number", "dimension": "duration", "unit": "minutes"}),
        ("minPlayers", ["1", "2"], {"kind": "number", "dimension": "players", "span": "choice"}),
        ("age", ["8+", "12+"], {"kind": "number", "dimension": "age", "span": "choice"}),
        ("in_stock", ["yes", "no", ""], {"kind": "flag", "label": "in stock"}),
        ("awarded", ["x", "", "", "x"], {"kind": "flag", "blank_is_no": True, "hidden": False}),
        ("expansion", ["0", "1", "1"], {"kind": "flag"}),
        ("stock", ["0", "12", "3"], {"kind": "number", "dimension": "stock"}),
        ("weight", ["light", "Heavy", "medium"], {"kind": "levels", "levels": ("light", "medium", "heavy")}),
        ("mood", ["low", "high", "none"], {"kind": "levels", "levels": ("none", "low", "medium", "high")}),
        ("released", ["1999-12-04", "2001-01-30"], {"kind": "year"}),
        ("released", ["04.12.1999", "30.1.2001"], {"kind": "year"}),
        ("published", ["1999", "2001"], {"kind": "year"}),
        (
            "mechanics",
            ["Dice|Trade", "Trade", "Dice", "Dice|Bluff"],
            {"kind": "set", "separator": "|", "together": True},
        ),
        ("tags", ["a, b", "b, c", "a, c"], {"kind": "set", "separator": ",", "label": "tag"}),
        ("publisher", ["Ash Games", "Ash Games", "Birch"], {"kind": "category", "proper": True, "prefix": "by"}),
        ("designer", ["Ada Ash", "Bo Birch", "Cy Cedar"], {"kind": "category", "proper": True}),
        ("binding", ["soft", "hard", "soft", "soft"], {"kind": "category", "proper": False}),
        ("sku", ["A-1", "B-2", "C-3"], {"kind": "text", "hidden": True}),
        ("bgg_id", ["17", "28", "31"], {"kind": "text", "hidden": True}),
        ("picture", ["https://a.example/1.png", "https://a.example/2.png"], {"kind": "text", "hidden": True}),
        ("code", ["ab12cd", "ef34gh", "ij56kl"], {"kind": "text", "hidden": True}),
        ("blurb", ["A long tale of a town, its mayor and a goat.", "Another one."], {"kind": "text", "hidden": False}),
        ("shop", ["main", "main", "main"], {"hidden": True}),
        ("nothing", ["", "n/a", ""], {"kind": "text", "hidden": True}),
    ],
)
def test_what_a_column_looks_like(name: str, cells: list[str], expected: dict[str, Any]) -> None:
    a = found_in(name, pd.Series(cells, dtype="str"))
    assert {"kind": a.kind, **{k: v for k, v in a.model_dump().items() if k in expected}} == {"kind": a.kind} | expected


def test_two_columns_of_ends_are_one_number() -> None:
    table = pd.DataFrame({"min_players": ["2", "1", ""], "max_players": ["4", "", ""], "color": ["red", "red", "blue"]})
    players, color = inferred(table, list(table.columns))
    assert (players.name, players.derived, players.kind) == ("players", ("min_players", "max_players"), "number")
    assert list(players.cells(table)) == [(2, 4), (1, 1), None]
    assert color.name == "color"
    bound = Bound(Schema([players]), table)
    assert bound.mask([players.condition("is", 3)]).tolist() == [True, False, False]
    taken = table.assign(players=["x", "y", "z"])
    assert [a.name for a in inferred(taken, list(taken.columns))] == ["min_players", "max_players", "color", "players"]


def test_ten_thousand_categories_that_come_again_are_one_attribute_and_values_of_a_row_each_are_not() -> None:
    rows = 100_000
    again = pd.Series([f"kind {n % 10_000}" for n in range(rows)], dtype="str")
    assert found_in("kind", again).kind == "category"
    once = pd.Series([f"remark {n} upon this" for n in range(rows)], dtype="str")
    assert found_in("remark", once).kind == "text"


def test_most_cells_decide_and_the_others_do_not_fit() -> None:
    table = pd.DataFrame({"price": [*map(str, range(10, 29)), "ask us"]})
    a = found_in("price", table["price"])
    assert a.kind == "number"
    assert a.parsed(table).astray == {"price": [19]}
    with pytest.raises(DataError, match="price holds 'ask us'; expected a number"):
        a.parse("ask us")
    mixed = pd.DataFrame({"price": ["10", "20", "ask us", "call", "later", "soon"]})
    assert found_in("price", mixed["price"]).kind != "number"


# -- heard -------------------------------------------------------------------------------------------------------------


@cache
def shop() -> Bound:
    table = pd.read_csv(GAMES, dtype=str, keep_default_na=False)
    n = len(table)
    table["pages"] = [str(100 + 10 * i) for i in range(n)]
    table["rating"] = [f"{1 + i % 9 / 2}" for i in range(n)]
    table["expansion"] = ["yes", "no"] * (n // 2)
    table["violence"] = (["none", "mild", "moderate", "strong"] * n)[:n]
    violence = {"kind": "levels", "name": "violence", "levels": LEVELS, "adjectives": ("violent", "gory")}
    columns = [c for c in table.columns if c not in ("game_id", "title", "violence")]
    schema = Schema([read_attribute({**violence, "harmless": "mild", "better": "low"}), *inferred(table, columns)])
    return Bound(schema, table)


def heard(text: str, shown: Sequence[int] = ()) -> set[str]:
    """The conditions and orders that all attributes of the shop hear: "price at most 40", "order price rising"."""
    said: set[str] = set()
    bound = shop()
    for a in bound.schema.shown:
        cells = [bound.cells(a.name)[i] for i in shown]
        for hit in a.hear(text, bound.column(a.name), cells):
            c = hit.condition
            bound.mask([c])  # it can be asked
            assert text[hit.start : hit.end].strip()
            said.add(f"{a.name} {'not ' * c.refused}{c.operator} {' '.join(map(str, c.values))}")
        if (order := a.hear_order(text)) is not None:
            said.add(f"order {a.name} {'rising' if order.rising else 'falling'}")
    return said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # prices
        ("under 40 euros", {"price at most 39.99"}),
        ("under 40", {"price at most 39.99"}),
        ("under $40", {"price at most 39.99"}),
        ("< 30 €", {"price at most 29.99"}),
        ("cheaper than 30 euros", {"price at most 29.99"}),
        ("up to 35 EUR", {"price at most 35"}),
        ("€20-30", {"price between 20 30"}),
        ("20€ max", {"price at most 20"}),
        ("40 euros or less", {"price at most 40"}),
        ("between 20 and 30 euros", {"price between 20 30"}),
        ("it should cost 20 to 25 euros", {"price between 20 25"}),
        ("about 20 euros", {"price between 18 22"}),
        ("my budget is 50", {"price at most 50"}),
        ("I have 30 euros", {"price at most 30"}),
        ("no more than 25 euros", {"price at most 25"}),
        ("it must not cost more than 25", {"price at most 25"}),
        ("don't want to spend more than 30", {"price at most 30"}),
        ("not less than 20 euros", {"price at least 20"}),
        ("over 50 euros", {"price at least 50.01"}),
        ("price under 30", {"price at most 29.99"}),
        ("price: 25", {"price at most 25"}),
        # durations
        ("not more than 90 minutes", {"minutes at most 90"}),
        ("nothing over an hour", {"minutes at most 60"}),
        ("nothing longer than an hour", {"minutes at most 60"}),
        ("max 45 min", {"minutes at most 45"}),
        ("20 minutes tops", {"minutes at most 20"}),
        ("an hour at most", {"minutes at most 60"}),
        ("1 hour and 30 minutes at most", {"minutes at most 90"}),
        ("an hour and a half or less", {"minutes at most 90"}),
        ("playable in under half an hour", {"minutes at most 29"}),
        ("a game that takes less than 45 minutes", {"minutes at most 44"}),
        ("the game should not take longer than forty-five minutes", {"minutes at most 45"}),
        ("30 minutes to 2 hours", {"minutes between 30 120"}),
        ("between half an hour and an hour", {"minutes between 30 60"}),
        ("1h30", {"minutes between 81 99"}),
        ("around an hour", {"minutes between 54 66"}),
        ("exactly 60 minutes", {"minutes is 60"}),
        # players
        ("for 2", {"players is 2"}),
        ("for two players", {"players is 2"}),
        ("a two-player game", {"players is 2"}),
        ("we are four", {"players is 4"}),
        ("there are 5 of us", {"players is 5"}),
        ("can be played by 6", {"players is 6"}),
        ("for 2-4", {"players between 2 4"}),
        ("2 to 4 players", {"players between 2 4"}),
        ("for 3 or more", {"players at least 3"}),
        ("no less than 3 players", {"players at least 3"}),
        ("more than 4 players", {"players at least 5"}),
        ("no more than two players", {"players at most 2"}),
        ("not for 2 players", {"players not is 2"}),
        ("solo", {"players is 1"}),
        ("just me", {"players is 1"}),
        # ages
        ("suitable for a six year old", {"age is 6"}),
        ("for my 6-year-old", {"age is 6"}),
        ("for ten year olds", {"age is 10"}),
        ("ages 8 and up", {"age is 8"}),
        ("from age 10", {"age is 10"}),
        ("for kids under 7", {"age at most 6"}),
        ("for children aged 5 and up", {"age is 5"}),
        ("suitable for 7 year olds and older", {"age is 7"}),
        # pages, ratings
        ("less than 300 pages", {"pages at most 299"}),
        ("two hundred pages or less", {"pages at most 200"}),
        ("under 1,200 pages", {"pages at most 1199"}),
        ("at least 4 stars", {"rating at least 4"}),
        ("4+ stars", {"rating at least 4"}),
        ("rated 4 or higher", {"rating at least 4"}),
        # stock and flags
        ("in stock", {"stock at least 1"}),
        ("sold out", {"stock not at least 1"}),
        ("not sold out", {"stock at least 1"}),
        ("nothing that is sold out", {"stock at least 1"}),
        ("not available", {"stock not at least 1"}),
        ("at least 3 in stock", {"stock at least 3"}),
        ("with an expansion", {"expansion is True"}),
        ("without expansion", {"expansion is False"}),
        # levels
        ("a light game", {"weight is light"}),
        ("not too heavy", {"weight at most medium"}),
        ("nothing heavy", {"weight at most medium"}),
        ("anything but heavy", {"weight at most medium"}),
        ("not light", {"weight at least medium"}),
        ("medium or light", {"weight one of light medium"}),
        ("of medium weight", {"weight is medium"}),
        ("nothing gory", {"violence at most mild"}),
        ("the least violent", {"order violence rising"}),
        ("the lightest one", {"order weight rising"}),
        # years
        ("from 1990 on", {"year at least 1990"}),
        ("1990+", {"year at least 1990"}),
        ("post 1990", {"year at least 1991"}),
        ("newer than 2020", {"year at least 2021"}),
        ("not older than 2018", {"year at least 2018"}),
        ("before 2015", {"year at most 2014"}),
        ("between 2015 and 2018", {"year between 2015 2018"}),
        ("from the 80s", {"year between 1980 1989"}),
        ("not from the seventies", {"year not between 1970 1979"}),
        ("the newest", {"order year falling"}),
        # little and much
        ("cheap", {"price at most 24.3"}),
        ("not cheap", {"price at least 24.3"}),
        ("not too expensive", {"price at most 40.1"}),
        ("the cheapest of these", {"order price rising"}),
        ("most expensive", {"order price falling"}),
        ("sorted by price", {"order price rising"}),
        ("the shortest of these", {"order minutes rising", "order pages rising"}),
        # several
        ("under 40 euros for two players", {"price at most 39.99", "players is 2"}),
        ("4 of us, under an hour", {"players is 4", "minutes at most 59"}),
        (
            "something for 3 people, max 30 euros, not heavy",
            {"players is 3", "price at most 30", "weight at most medium"},
        ),
        (
            "less than 2 hours, at least 3 players, under 60 euros",
            {"minutes at most 119", "players at least 3", "price at most 59.99"},
        ),
        # nothing of the kind
        *((text, set()) for text in (
            "give me 5 games", "looking for two good games", "looking for 2", "long ago", "how long is it?", "so long",
            "hard to say", "nothing for under 10s", "a light hearted evening", "oh dear", "none of these"
        )),
    ],
)  # fmt: skip
def test_what_people_say(text: str, expected: set[str]) -> None:
    assert heard(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("something cheaper", {"price at most 24.49"}),
        ("cheaper please", {"price at most 24.49"}),
        ("nothing longer", {"minutes at most 90", "pages at most 120"}),
        ("something lighter", {"weight at most light"}),
        ("better rated", {"rating at least 2.01"}),
        ("something newer", {"year at least 2020"}),
    ],
)
def test_what_people_say_of_what_they_see(text: str, expected: set[str]) -> None:
    assert heard(text, (0, 1, 2)) == expected


def test_another_currency_says_nothing_of_a_price() -> None:
    euros = read_attribute({"kind": "number", "name": "price", "unit": "€", "dimension": "price"})
    column = euros.column([(10.0, 10.0)])
    assert euros.hear("under 40 dollars", column, ()) == []
    assert [h.condition.values for h in euros.hear("under 40 euros", column, ())] == [(39.99,)]


def test_titles_say_nothing() -> None:
    a = shop().schema["players"]
    text = "like Two Players, for 3 players"
    hits = a.hear(text, shop().column("players"), (), ((5, 16),))
    assert [h.condition.values for h in hits] == [(3,)]


PIECES = st.sampled_from(
    """under over not no nothing too than 40 2 1990 euros € minutes hour players for between and or - + half sold out in
    stock cheaper light heavy 80s the most least ? . , ' older year old stars 1,000 9999999999999""".split()
)


@given(st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=25).map(" ".join)))
@settings(deadline=None, max_examples=300)
def test_any_text_is_heard_without_fail(text: str) -> None:
    heard(text, (0, 1))
    for a in shop().schema:
        a.asks(text)


@pytest.mark.parametrize(
    "piece", ["a", " ", "1", "1 ", "€ ", "1-", "under 40 euros ", "not more than ", "how ", "light or "]
)
def test_hearing_is_linear(piece: str) -> None:
    """Twice the text takes about twice the time, and 32,000 characters well under a second an attribute."""

    def seconds(hear: Callable[[str], object], length: int) -> float:
        text = (piece * length)[:length]
        start = time.process_time()
        hear(text)
        return time.process_time() - start

    bound = shop()
    for a in bound.schema:
        assert seconds(lambda text, a=a: a.hear(text, bound.column(a.name), ()), 32_000) < 1.0  # type: ignore[misc]
        assert seconds(a.hear_order, 32_000) < 1.0
        assert seconds(lambda text, a=a: a.asks(f"{text}?"), 32_000) < 1.0  # type: ignore[misc]
