"""The import infers attributes, reports them, and keeps what the owner corrected."""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import DataError
from recommenders.data import Catalogue, sources
from recommenders.data.sources import imported
from tests.recommenders.test_import import RATINGS, brought, rejected

INPUTS = Path(__file__).resolve().parents[1] / "inputs"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, imported.Report]]:
    """The folder with the imported shop of board games, and what the import said."""
    cache = tmp_path_factory.mktemp("cache")
    plan = imported.planned(
        {"name": "shop", "items": INPUTS / "board_games.csv", "interactions": INPUTS / "board_games_ratings.csv"}
    )
    yield cache, imported.run(plan, cache)


def test_every_column_of_a_shop_becomes_what_it_is(shop: tuple[Path, imported.Report]) -> None:
    cache, report = shop
    data = sources.load("shop", cache, cache)
    catalogue = data.catalogue
    assert (len(catalogue), len(data.interactions), len(data.users)) == (60, 1508, 120)
    found = {
        a.name: (a.kind, {k: v for k, v in a.model_dump(exclude_defaults=True).items() if k not in ("name", "asked")})
        for a in catalogue.schema.shown
    }
    assert found == {
        "year": ("year", {"label": "year"}),
        "text": ("text", {"label": "description", "wanted": "what {it} is about"}),
        "price": ("number", {"label": "price", "better": "low", "dimension": "price", "decimal": "."}),
        "players": (
            "number",
            {"label": "players", "unit": "players", "dimension": "players", "span": "choice", "whole": True},
        ),
        "minutes": (
            "number",
            {"label": "running time", "unit": "minutes", "dimension": "duration", "span": "doubt", "whole": True},
        ),
        "age": ("number", {"label": "age", "unit": "years", "dimension": "age", "span": "choice", "whole": True}),
        "mechanics": ("set", {"label": "mechanic", "together": True}),
        "stock": ("number", {"label": "in stock", "dimension": "stock", "whole": True}),
        "weight": ("levels", {"levels": ("light", "medium", "heavy")}),
        "publisher": ("category", {"label": "publisher", "proper": True, "prefix": "by"}),
    }
    bound = catalogue.attributes
    first = {name: bound.tell(name, 0) for name in found if name != "text"}
    assert first == {
        "year": "2019",
        "price": "29.90",
        "players": "2 to 4 players",
        "minutes": "45 to 60 minutes",
        "age": "ages 10 and up",
        "mechanics": "Worker Placement and Trading",
        "stock": "3 in stock",
        "weight": "medium",
        "publisher": "Tin Compass",
    }
    assert catalogue.table["price"].iloc[0] == "29.90"  # as it was given
    assert catalogue.table["minutes"].iloc[0] == "45-60"
    said = "\n".join(report.lines())
    assert "players: number of players" in said
    assert "weight: levels; levels light < medium < heavy; 98% known; e.g. medium, light, heavy" in said
    assert "genres" not in said  # the table has none


def test_conditions_hold_on_the_shop(shop: tuple[Path, imported.Report]) -> None:
    """Against the raw table, by hand."""
    cache, _ = shop
    bound = sources.load("shop", cache, cache).catalogue.attributes
    raw = pd.read_csv(INPUTS / "board_games.csv", dtype=str, keep_default_na=False)
    low = raw["players"].str.split("-").str[0].astype(int)
    high = raw["players"].str.split("-").str[-1].astype(int)
    longest = raw["minutes"].str.split("-").str[-1].astype(int)
    asked = [
        bound.schema["price"].condition("at most", 39.99),
        bound.schema["players"].condition("is", 2),
        bound.schema["minutes"].condition("at most", 60),
        bound.schema["age"].condition("is", 8),
        bound.schema["stock"].condition("at least", 1),
    ]
    expected = (
        (raw["price"].astype(float) < 40)
        & (low <= 2)
        & (high >= 2)
        & (longest <= 60)
        & (raw["age"].str.rstrip("+").astype(int) <= 8)
        & (raw["stock"].replace("", "0").astype(int) > 0)
    )
    assert bound.mask(asked).tolist() == expected.tolist()
    assert 0 < expected.sum() < 60


ODD = (
    "item_id,title,price,size,code,empty,same,note,min_age,max_age,2nd\n"
    + "".join(f"{n},Thing {n},{n}.50,{'SML'[n % 3]},ab{n:03}x,,here,,{n % 5},{n % 5 + 3},yes\n" for n in range(1, 30))
    + "30,Thing 30,on request,M,ab030x,,here,,1,4,no\n"
    + "31,Thing 31,free,M,ab031x,,here,once,,,no\n"
)


def test_what_does_not_fit_is_reported_with_its_line_and_kept_as_it_was(tmp_path: Path) -> None:
    report, data = brought(tmp_path, ODD)
    catalogue = data.catalogue
    price = catalogue.schema["price"]
    assert price.kind == "number"
    assert rejected(tmp_path) == [
        ("items.csv", 31, "cell", "price is not a number, so it counts as unknown"),
        ("items.csv", 32, "cell", "price is not a number, so it counts as unknown"),
    ]
    assert catalogue.table["price"].tolist()[-2:] == ["on request", "free"]
    assert catalogue.attributes.tell("price", 30) == ""
    assert catalogue.attributes.objections(30, [price.condition("at most", 5)]) == ("its price is not known",)
    assert any("2 × cell left out: price is not a number" in line for line in report.lines())
    assert report.counts[0].kept == 31
    hidden = {a.name for a in catalogue.schema if a.hidden} - {"genres", "people", "language", "text", "year"}
    assert hidden == {"code", "empty", "same", "note"}
    assert catalogue.schema["age"].derived == ("min_age", "max_age")
    said = {o.attribute.name: o for o in report.attributes}
    assert (said["price"].known, said["price"].astray, said["empty"].known) == (29, 2, 0)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(
        st.tuples(st.text(max_size=12), st.sampled_from(["1", "2-4", "1,5", "€ 3", "x", "yes", "1999", "a|b", ""])),
        min_size=1,
        max_size=20,
    )
)
def test_any_table_is_imported(tmp_path: Path, cells: list[tuple[str, str]]) -> None:
    """No cell raises, every row is kept, and every column has one attribute."""
    columns = {"a": [a for a, _ in cells], "b": [b for _, b in cells]}
    frame = pd.DataFrame({"item_id": range(len(cells)), "title": "T", **columns})
    frame["a"] = frame["a"].str.replace(r"[\x00\r\n]|[\ud800-\udfff]", "", regex=True)
    catalogue = Catalogue.of(frame)
    assert [a.name for a in catalogue.schema][-2:] == ["a", "b"]
    for name in ("a", "b"):
        assert len(catalogue.attributes.cells(name)) == len(cells)


def test_an_import_from_before_there_were_attributes_gets_them(tmp_path: Path) -> None:
    brought(tmp_path, "item_id,title,price\n1,A,3.50\n2,B,4\n3,C,7\n")
    folder = tmp_path / "cache" / "datasets" / "shop"
    (folder / "attributes.json").unlink()
    data = sources.load("shop", tmp_path / "cache", tmp_path)
    assert data.catalogue.schema["price"].kind == "number"
    assert data.catalogue.attributes.tell("price", 0) == "3.50"
    imported.correct("shop", tmp_path / "cache", ["price.unit=€"])
    assert sources.load("shop", tmp_path / "cache", tmp_path).catalogue.attributes.tell("price", 0) == "3.50 €"


# -- corrected ---------------------------------------------------------------------------------------------------------

GAMES = "item_id,title,price,weight,players\n1,A,3.50,light,2\n2,B,4,heavy,3\n3,C,7,medium,2\n"


def schema(tmp_path: Path) -> dict[str, object]:
    data = sources.load("shop", tmp_path / "cache", tmp_path)
    return {a.name: a for a in data.catalogue.schema}


def test_corrections_are_kept_taken_back_and_outlive_a_new_import(tmp_path: Path) -> None:
    brought(tmp_path, GAMES)
    inferred = schema(tmp_path)
    said = ['price.label="Preis"', "price.aka=cost, budget", "price.unit=€", "weight.better=low", "players.hidden=yes"]
    imported.correct("shop", tmp_path / "cache", said)
    price = schema(tmp_path)["price"]
    assert (price.label, price.aka, price.unit) == ("Preis", ("cost", "budget"), "€")  # type: ignore[attr-defined]
    imported.correct("shop", tmp_path / "cache", ["price.label=price"], ["players"])
    now = schema(tmp_path)
    assert now["price"].model_dump() == {**price.model_dump(), "label": "price"}  # type: ignore[attr-defined]
    assert now["players"] == inferred["players"]

    report, _ = brought(tmp_path, GAMES + "4,D,12,light,4\n")
    assert schema(tmp_path)["price"] == now["price"]
    assert "your correction of price (label, aka, unit) is kept" in report.notes
    assert "your correction of weight (better) is kept" in report.notes

    report, _ = brought(tmp_path, "item_id,title,price\n1,A,3 $\n2,B,4 $\n3,C,7 $\n")
    assert "your correction of weight (better) is gone: there is no such column any more" in report.notes
    assert any(
        note.startswith("your correction of price") and "is gone: price cannot be that" in note for note in report.notes
    )
    assert schema(tmp_path)["price"].unit == "$"  # type: ignore[attr-defined]
    assert not (tmp_path / "cache" / "datasets" / "shop" / "corrections.json").exists()


def test_another_kind_must_fit(tmp_path: Path) -> None:
    brought(tmp_path, GAMES)
    (now,) = imported.correct("shop", tmp_path / "cache", ["weight.kind=category"])
    assert now.attribute.kind == "category"
    (now,) = imported.correct("shop", tmp_path / "cache", ["weight.kind=levels", "weight.levels=heavy,medium,light"])
    assert now.attribute.model_dump()["levels"] == ("heavy", "medium", "light")
    assert schema(tmp_path)["weight"] == now.attribute


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("price", "cannot set 'price'; expected ATTRIBUTE.FIELD=VALUE"),
        ("prise.unit=€", "there is no attribute 'prise'; did you mean 'price'"),
        ("price.colour=red", "price is a number, which has no 'colour'.*Known: aka, aside, better"),
        ("price.kind=numbr", "unknown kind of attribute 'numbr'; did you mean 'number'"),
        ("price.hidden=maybe", "hidden: .*given: 'maybe'"),
        ("price.better=cheap", "better: Input should be '', 'low' or 'high'"),
        ("price.dimension=prise", "unknown dimension 'prise'"),
        ("price.kind=flag", r"price cannot be that: 3 of 3 cells are not yes or no, for example '3.50', '4', '7'"),
        ("weight.levels=light,heavy", "1 of 3 cells are not one of light or heavy, for example 'medium'"),
        ("weight.levels=light", "two or more different levels"),
        ("genres.kind=text", "genres is a column that every data set has; it stays a set"),
    ],
)
def test_wrong_corrections_change_nothing(tmp_path: Path, given: str, says: str) -> None:
    brought(tmp_path, GAMES)
    before = schema(tmp_path)
    with pytest.raises(DataError, match=says):
        imported.correct("shop", tmp_path / "cache", ["price.label=cost", given])
    assert schema(tmp_path) == before


def test_only_imported_data_sets_are_corrected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="only attributes of imported ones"):
        imported.correct("ml-100k", tmp_path, ["genres.label=sort"])
    with pytest.raises(DataError, match="unknown data set 'shop'"):
        imported.correct("shop", tmp_path, ["genres.label=sort"])


def test_a_damaged_file_of_corrections_is_named(tmp_path: Path) -> None:
    brought(tmp_path, GAMES)
    (tmp_path / "cache" / "datasets" / "shop" / "corrections.json").write_text("{")
    with pytest.raises(DataError, match=r"corrections.json is damaged"):
        schema(tmp_path)


def test_people_and_genres_are_called_as_the_table_calls_them(tmp_path: Path) -> None:
    _, data = brought(
        tmp_path,
        "isbn,title,author,categories\n1,A,Ada Ash,Crime|Drama\n2,B,Bo Birch,Crime\n",
        RATINGS.replace("3,4", "2,4"),
    )
    people, genres = data.catalogue.schema["people"], data.catalogue.schema["genres"]
    assert (people.said, people.phrase(people.condition("has any", "Ada Ash"))) == ("author", ("", "by Ada Ash"))
    assert genres.said == "category"


def test_attributes_as_json(shop: tuple[Path, imported.Report]) -> None:
    _, report = shop
    rows = json.loads(json.dumps([o.as_json() for o in report.attributes]))
    weight = next(r for r in rows if r["name"] == "weight")
    assert weight["levels"] == ["light", "medium", "heavy"]
    assert (weight["kind"], weight["known"], weight["size"], weight["does_not_fit"]) == ("levels", 59, 60, 0)
