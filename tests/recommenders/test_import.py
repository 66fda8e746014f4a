"""Anybody's data: nothing is lost silently, and every rejected row is named with its line and reason."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import DataError
from recommenders.data import sources
from recommenders.data.sources import _records, imported
from recommenders.data.tables import Dataset

ITEMS = "item_id,title,year,genres\n1,Heat,1995,Crime|Drama\n2,Alien,1979,Horror\n3,Amélie,2001,Comedy\n"
RATINGS = "user_id,item_id,rating,timestamp\nu1,1,5,100\nu1,2,3,200\nu2,3,4,300\n"


def brought(
    tmp_path: Path, items: str | bytes = ITEMS, ratings: str | bytes = RATINGS, **options: object
) -> tuple[imported.Report, Dataset]:
    """Import these file contents as "shop" and load the result."""
    suffix = str(options.pop("suffix", "csv"))
    paths = []
    for name, content in (("items", items), ("ratings", ratings)):
        path = tmp_path / f"{name}.{suffix}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths.append(path)
    plan = imported.planned({"name": "shop", "items": paths[0], "interactions": paths[1], **options})
    report = imported.run(plan, tmp_path / "cache", replace=True)
    return report, sources.load("shop", tmp_path / "cache", tmp_path)


def rejected(tmp_path: Path) -> list[tuple[str, int, str, str]]:
    path = tmp_path / "cache" / "datasets" / "shop" / imported.REJECTED
    with path.open(encoding="utf-8", newline="") as f:
        return [(r["file"], int(r["line"]), r["what"], r["reason"]) for r in csv.DictReader(f)]


def test_a_clean_import(tmp_path: Path) -> None:
    report, data = brought(tmp_path)
    assert data.catalogue.titles == ("Heat", "Alien", "Amélie")
    assert data.catalogue.years.tolist() == [1995, 1979, 2001]
    assert data.catalogue.genres[0] == ("Crime", "Drama")
    assert data.explicit
    assert data.liked_from == 5.0  # the lowest rating that occurs in the upper quarter of 3..5
    assert data.state(data.user_ids.number("u1")).items == (0, 1)
    assert report.rejected_file is None
    assert [(c.read, c.kept, c.merged) for c in report.counts] == [(3, 3, 0), (3, 3, 0)]
    assert any("title = title" in line for line in report.lines())


def test_every_kind_of_bad_row_is_named_with_its_line(tmp_path: Path) -> None:
    items = (
        "item_id,title,year\n"  # 1
        "1,Heat,1995\n"  # 2
        ",Nobody,1990\n"  # 3 no id
        "3,  ,1990\n"  # 4 empty title
        "1,Heat again,1995\n"  # 5 repeated
        "\n"  # 6 no record
        "4,Alien,soon\n"  # 7 a cell
        "5,Too,many,cells\n"  # 8
        '6,"Two\nlines",1999\n'  # 9-10
        "7,Few\n"  # 11
    )
    ratings = (
        "user_id,item_id,rating,timestamp\n"  # 1
        "u1,1,5,100\n"  # 2
        ",1,5,100\n"  # 3 no user
        "u1,,5,100\n"  # 4 no item
        "u1,99,5,100\n"  # 5 unknown item
        "u1,3,5,100\n"  # 6 its item was rejected
        "u1,4,five,100\n"  # 7 no number
        "u1,4,,100\n"  # 8 no rating
        "u1,4,inf,100\n"  # 9 no number
        "u1,4,3,yesterday\n"  # 10 time
        "u2,4,3,100\n"  # 11 rated again later
        "u2,4,4,200\n"  # 12
        "u3,6,2,\n"  # 13 no time, kept
    )
    report, data = brought(tmp_path, items, ratings)
    assert rejected(tmp_path) == [
        ("items.csv", 3, "row", "no item id"),
        ("items.csv", 4, "row", "empty title"),
        ("items.csv", 5, "row", "item id repeated (the first one is kept)"),
        ("items.csv", 7, "cell", "year not understood"),
        ("items.csv", 8, "row", "has 4 cells, the head has 3"),
        ("items.csv", 11, "row", "has 2 cells, the head has 3"),
        ("ratings.csv", 3, "row", "no user"),
        ("ratings.csv", 4, "row", "no item"),
        ("ratings.csv", 5, "row", "item is not in the item table"),
        ("ratings.csv", 6, "row", "item is not in the item table"),
        ("ratings.csv", 7, "row", "rating is not a number"),
        ("ratings.csv", 8, "row", "no rating"),
        ("ratings.csv", 9, "row", "rating is not a number"),
        ("ratings.csv", 10, "row", "time not understood"),
        ("ratings.csv", 11, "row", "rated again later (the latest rating is kept)"),
    ]
    assert data.catalogue.ids.ids == ("1", "4", "6")
    assert data.catalogue.titles[2] == "Two\nlines"
    assert len(data.interactions) == 3
    items_count, ratings_count = report.counts
    assert (items_count.read, items_count.kept, sum(items_count.rejected.values())) == (8, 3, 5)
    assert (ratings_count.read, ratings_count.kept, sum(ratings_count.rejected.values())) == (12, 3, 9)
    assert items_count.left_out == {"year not understood": 1}


CELL = st.one_of(
    st.sampled_from(["", "1", "2", "3", "u1", "u2", "5", "4.5", "-1", "nan", "inf", "x", '"', 'a"b', " ", "1e400"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(CELL, min_size=0, max_size=6), max_size=25),
    implicit=st.booleans(),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_rows_in_are_rows_kept_merged_or_rejected(
    tmp_path: Path, rows: list[list[str]], implicit: bool, quoting: int
) -> None:
    path = tmp_path / "ratings.csv"
    with path.open("w", encoding="utf-8", newline="") as f:
        writer = csv.writer(f, quoting=quoting)  # type: ignore[arg-type]
        writer.writerow(["user_id", "item_id", "rating", "timestamp"])
        writer.writerow(["u9", "1", "5", "100"])  # one good row, so that there is something to import
        writer.writerows(rows)
    with path.open(encoding="utf-8", newline="") as f:
        written = [(n, row) for n, row in enumerate(csv.reader(f)) if row][1:]
    (tmp_path / "items.csv").write_text(ITEMS, encoding="utf-8")
    plan = imported.planned(
        {"name": "shop", "items": tmp_path / "items.csv", "interactions": path, "implicit": implicit}
    )
    report = imported.run(plan, tmp_path / "cache", replace=True)
    count = report.counts[1]
    assert count.read == len(written)
    assert count.read == count.kept + count.merged + sum(count.rejected.values())
    data = sources.load("shop", tmp_path / "cache", tmp_path)
    assert len(data.interactions) == count.kept
    assert np.isfinite(data.interactions.value).all()
    pairs = set(zip(data.interactions.user.tolist(), data.interactions.item.tolist(), strict=True))
    assert len(pairs) == count.kept
    listed = [r for r in rejected(tmp_path) if r[2] == "row"] if report.rejected_file else []
    assert len(listed) == sum(count.rejected.values())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(CELL, CELL), max_size=25))
def test_items_in_are_items_kept_or_rejected(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    path = tmp_path / "items.csv"
    with path.open("w", encoding="utf-8", newline="") as f:
        csv.writer(f).writerows([("item_id", "title"), ("good", "Good"), *rows])
    (tmp_path / "ratings.csv").write_text("user_id,item_id\nu,good\n")
    plan = imported.planned({"name": "shop", "items": path, "interactions": tmp_path / "ratings.csv"})
    count = imported.run(plan, tmp_path / "cache", replace=True).counts[0]
    assert count.read == 1 + len(rows)
    assert count.read == count.kept + sum(count.rejected.values())
    assert len(sources.load("shop", tmp_path / "cache", tmp_path).catalogue) == count.kept


def test_line_breaks_in_cells_do_not_break_the_report(tmp_path: Path) -> None:
    brought(tmp_path, ITEMS + '4,"\r","a\rb",\n"5\n\n",,"x",y\n')
    path = tmp_path / "cache" / "datasets" / "shop" / imported.REJECTED
    assert len(path.read_bytes().splitlines()) == 3
    assert [r[3] for r in rejected(tmp_path)] == ["empty title", "empty title"]


def test_implicit_counts_add_up(tmp_path: Path) -> None:
    report, data = brought(tmp_path, ratings="user_id,item_id,plays\nu1,1,3\nu1,2,1\nu1,1,4\nu2,1,0\n")
    assert not data.explicit
    assert data.interactions.value.tolist() == [1, 7]
    assert data.interactions.item.tolist() == [1, 0]  # in the order of the latest rows
    assert report.counts[1].merged == 1
    assert report.counts[1].rejected == {"count is not above zero": 1}


def test_interactions_without_a_value_are_implicit(tmp_path: Path) -> None:
    _, data = brought(tmp_path, ratings="user,item\nu1,1\nu2,3\n")
    assert not data.explicit
    assert data.interactions.value.tolist() == [1, 1]
    assert data.liked_from == 0


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [
        ("881250949", 881250949),
        ("881250949000", 881250949),
        ("881250949000000", 881250949),
        ("1997-12-04T15:55:49Z", 881250949),
        ("1997-12-04 15:55:49", 881250949),
        ("1997-12-04T16:55:49+01:00", 881250949),
        ("1997-12-04", 881193600),
        ("881250949.7", 881250949),
    ],
)
def test_times(tmp_path: Path, stamp: str, seconds: int) -> None:
    _, data = brought(tmp_path, ratings=f"user,item,rating,time\nu1,1,5,{stamp}\n")
    assert data.interactions.timestamp.tolist() == [seconds]


def test_years_come_from_dates_or_from_the_ends_of_titles(tmp_path: Path) -> None:
    _, data = brought(tmp_path, "id,title,releasedate\n1,Heat,1995-12-15\n2,Alien,25-May-1979\n3,It,\n")
    assert data.catalogue.years.tolist() == [1995, 1979, 0]
    report, data = brought(tmp_path, "id,title\n1,Heat (1995)\n2,Alien (1979)\n3,(2001)\n")
    assert data.catalogue.titles == ("Heat", "Alien", "(2001)")
    assert data.catalogue.years.tolist() == [1995, 1979, 2001]
    assert any("ends of the titles" in note for note in report.notes)


def test_columns_as_told(tmp_path: Path) -> None:
    _, data = brought(
        tmp_path,
        "nr;label;styles;who;remark\n1;Heat;Crime, Drama;Pacino, Al;loud\n2;Alien;Horror;;still\n",
        "wer;was;note\nu1;1;5\nu2;2;1\n",
        item_id="nr",
        title="label",
        genres="styles",
        genres_separator=",",
        people="who",
        extra=("remark",),
        user="wer",
        item="was",
        value="note",
    )
    assert data.catalogue.genres == (("Crime", "Drama"), ("Horror",))
    assert data.catalogue.people == (("Pacino, Al",), ())
    assert data.catalogue.extra_columns == ("remark",)
    assert data.explicit


def test_users_with_profiles(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("id,age,town\nu2,30,Bonn\nu7,,Ulm\nu2,31,Kiel\n,5,x\n")
    report, data = brought(tmp_path, users=path)
    assert data.user_ids.ids == ("u2", "u7", "u1")
    assert data.profile_columns == ("age", "town")
    assert data.state(0).profile == {"age": 30.0, "town": "Bonn"}
    assert np.isnan(data.users["age"].iloc[1])
    assert data.users["town"].tolist() == ["Bonn", "Ulm", ""]
    assert report.counts[2].rejected == {"user id repeated (the first one is kept)": 1, "no user id": 1}


def test_parquet_with_lists_and_floating_ids(tmp_path: Path) -> None:
    pd.DataFrame(
        {"item_id": [1.0, 2.0, np.nan], "title": ["Heat", "Alien", "None"], "genres": [["Crime", "Drama"], [], None]}
    ).to_parquet(tmp_path / "items.parquet")
    pd.DataFrame(
        {
            "user_id": [7, 8, 8],
            "item_id": [1, 2, 3],
            "rating": [5.0, 2.5, 1.0],
            "time": pd.to_datetime(["1997-12-04 15:55:49", "1997-12-05 00:00:00", "1997-12-06 00:00:00"]),
        }
    ).to_parquet(tmp_path / "ratings.parquet")
    plan = imported.planned(
        {"name": "shop", "items": tmp_path / "items.parquet", "interactions": tmp_path / "ratings.parquet"}
    )
    imported.run(plan, tmp_path / "cache")
    data = sources.load("shop", tmp_path / "cache", tmp_path)
    assert data.catalogue.ids.ids == ("1", "2")
    assert data.catalogue.genres == (("Crime", "Drama"), ())
    assert data.interactions.timestamp[0] == 881250949
    assert rejected(tmp_path) == [
        ("items.parquet", 3, "row", "no item id"),
        ("ratings.parquet", 3, "row", "item is not in the item table"),
    ]


def test_tab_separated_names_may_hold_quotes(tmp_path: Path) -> None:
    """As in lastfm: the line begins with a quote that is text; read as quoting it would swallow the rest."""
    _, data = brought(
        tmp_path,
        'id\tname\n1\t"Weird Al" Yankovic\n2\tRoyce da 5\'9"\n3\t"Broken\n',
        "userID\tartistID\tweight\nu\t1\t10\nu\t3\t1\n",
        suffix="dat",
    )
    assert data.catalogue.titles == ('"Weird Al" Yankovic', "Royce da 5'9\"", '"Broken')


def test_files_without_a_head_get_numbered_columns(tmp_path: Path) -> None:
    report, data = brought(
        tmp_path,
        "1\tHeat\n2\tAlien\n",
        "u1\t1\t5\nu1\t2\t4\n",
        suffix="tsv",
        item_id="1",
        title="2",
        user="1",
        item="2",
    )
    assert data.catalogue.titles == ("Heat", "Alien")
    assert report.counts[0].read == 2
    assert sum("no line of column names" in note for note in report.notes) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    report, data = brought(tmp_path, ITEMS.encode(encoding))
    assert data.catalogue.titles[2] == "Amélie"
    assert any("Windows-1252" in note for note in report.notes) == (encoding == "cp1252")


def test_carriage_returns(tmp_path: Path) -> None:
    _, data = brought(tmp_path, ITEMS.replace("\n", "\r\n"), RATINGS.replace("\n", "\r\n"))
    assert data.catalogue.genres[0] == ("Crime", "Drama")
    assert len(data.interactions) == 3


def test_a_quote_that_is_never_closed_is_reported_with_the_lines_it_swallows(tmp_path: Path) -> None:
    _, data = brought(tmp_path, ITEMS + '4,"Open,1990,Drama\n5,Lost,1991,Drama\n')
    assert len(data.catalogue) == 3
    ((file, line, what, reason),) = rejected(tmp_path)
    assert (file, line, what) == ("items.csv", 5, "row")
    assert "runs to line 6" in reason
    assert "quote" in reason


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"name": "Shop!"}, "name"),
        ({"name": "ml-100k"}, "choose another name"),
        ({"title": "titel"}, "no column 'titel'.*did you mean 'title'"),
        ({"extra": ("colour",)}, "no column 'colour'"),
        ({"extra": ("title",)}, "used already"),
        ({"encoding": "klingon"}, "unknown encoding"),
        ({"encoding": "ascii"}, "--encoding"),
        ({"price": 3}, "price"),
    ],
)
def test_options_that_do_not_fit(tmp_path: Path, options: dict[str, object], says: str) -> None:
    with pytest.raises(DataError, match=says):
        brought(tmp_path, **options)
    assert not (tmp_path / "cache" / "datasets" / "shop").exists()


@pytest.mark.parametrize(
    ("items", "ratings", "says"),
    [
        ("", RATINGS, "is empty"),
        ("item_id,item_id,title\n1,1,Heat\n", RATINGS, "more than once"),
        ("key,label\na,Heat\n", RATINGS, "--item-id"),
        (ITEMS, "wer,was\nu,1\n", "--user"),
        ("item_id,title\n1,\n", RATINGS, r"empty title \(1\)"),
        (ITEMS, "user,item\nu,9\n", r"item is not in the item table \(1\)"),
    ],
)
def test_files_that_hold_nothing_usable(tmp_path: Path, items: str, ratings: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        brought(tmp_path, items, ratings)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file .*nowhere\.csv"):
        _records.read(tmp_path / "nowhere.csv")


def test_an_earlier_import_is_not_overwritten_unasked(tmp_path: Path) -> None:
    brought(tmp_path)
    plan = imported.planned({"name": "shop", "items": tmp_path / "items.csv", "interactions": tmp_path / "ratings.csv"})
    with pytest.raises(DataError, match="--replace"):
        imported.run(plan, tmp_path / "cache")


def test_lastfm(datasets_folder: Path, tmp_path: Path) -> None:
    """A second domain: no head in one file, no times, counts instead of ratings, quotes in names."""
    folder = datasets_folder / "lastfm"
    plan = imported.planned(
        {
            "name": "lastfm",
            "items": folder / "artists.dat",
            "interactions": folder / "user_artists.dat",
            "item_id": "1",
            "title": "2",
        }
    )
    report = imported.run(plan, tmp_path)
    data = sources.load("lastfm", tmp_path, datasets_folder)
    assert (len(data.catalogue), len(data.users), len(data.interactions)) == (17_632, 1892, 92_834)
    assert not data.explicit
    assert data.interactions.value.max() > 1000
    assert '"Weird Al" Yankovic' in data.catalogue.titles
    assert "Röyksopp" in data.catalogue.titles
    for count in report.counts:
        assert count.read == count.kept
