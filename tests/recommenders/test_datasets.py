"""Loading data sets: titles, the oddities of MovieLens, and the stored form."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import DataError
from recommenders.data import sources
from recommenders.data.sources import _stored, ml_32m, ml_latest_small
from recommenders.data.sources._titles import article_first, split_year
from recommenders.data.tables import Dataset
from tests.recommenders.worlds import tiny_films_data


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Usual Suspects, The", "The Usual Suspects"),
        ("Fish Called Wanda, A", "A Fish Called Wanda"),
        ("Enfer, L'", "L'Enfer"),
        ("Postino, Il (Postman, The)", "Il Postino (The Postman)"),
        ("Good, The Bad and The Ugly, The", "The Good, The Bad and The Ugly"),
        ("Godzilla (Gojira) (Return of Godzilla, The)", "Godzilla (Gojira) (The Return of Godzilla)"),
        ("Paris, France", "Paris, France"),
        ("To Have, or Not", "To Have, or Not"),
        ("Maybe, Maybe Not (Bewegte Mann, Der)", "Maybe, Maybe Not (Der Bewegte Mann)"),
        ("Line King: Al Hirschfeld, The", "The Line King: Al Hirschfeld"),
        ("When Harry Met Sally...", "When Harry Met Sally..."),
    ],
)
def test_articles(written: str, said: str) -> None:
    assert article_first(written) == said


@pytest.mark.parametrize(
    ("written", "title", "year"),
    [
        ("Heat (1995)", "Heat", 1995),
        ("Assembly (Ji jie hao) (2007) ", "Assembly (Ji jie hao)", 2007),
        ("Death Note: Desu nôto (2006–2007)", "Death Note: Desu nôto", 2006),
        ("Babylon 5", "Babylon 5", None),
        ("1984", "1984", None),
        ("2001: A Space Odyssey (1968)", "2001: A Space Odyssey", 1968),
    ],
)
def test_years_at_the_end(written: str, title: str, year: int | None) -> None:
    assert split_year(written) == (title, year)


@given(st.text(max_size=60))
def test_no_title_loses_a_letter(title: str) -> None:
    """Articles only move: the letters stay (white space and the comma aside)."""
    assert sorted(article_first(title).replace(",", "")) == sorted(article_first(article_first(title)).replace(",", ""))
    letters = [c for c in title if c.isalnum()]
    assert sorted(c for c in article_first(title) if c.isalnum()) == sorted(letters)


def test_ml_100k(ml_100k: Dataset) -> None:
    c, x = ml_100k.catalogue, ml_100k.interactions
    assert (len(c), len(ml_100k.users), len(x)) == (1681, 943, 99_991)  # film 267 and its 9 ratings are left out
    assert "267" not in c.ids
    assert not any("unkonwn" in t.casefold() for t in c.titles)
    assert "unknown" not in c.genre_names
    assert len(c.genre_names) == 18
    assert c.genres[c.ids.number("1373")] == ()
    late = c.ids.number("1412")
    assert c.label(late) == "Land Before Time III: The Time of the Great Giving (1995)"
    assert c.titles[c.ids.number("12")] == "The Usual Suspects"
    assert c.titles[c.ids.number("543")] == "Les Misérables"
    assert (c.years > 1900).all()
    state = ml_100k.state(ml_100k.user_ids.number("196"))
    assert dict(state.profile) == {"age": 49, "gender": "M", "occupation": "writer"}
    # the file's row "196 242 3 881250949"
    place = state.items.index(c.ids.number("242"))
    assert (state.values[place], state.timestamps[place]) == (3.0, 881250949)
    assert list(state.timestamps) == sorted(state.timestamps)


def test_ml_latest_small(datasets_folder: Path, tmp_path: Path) -> None:
    data = sources.load("ml-latest-small", tmp_path, datasets_folder)
    c = data.catalogue
    assert (len(c), len(data.users), len(data.interactions)) == (9742, 610, 100_836)
    assert c.label(c.ids.number("11")) == "The American President (1995)"
    assert "(no genres listed)" not in c.genre_names
    assert not any("\r" in t or t != t.strip() for t in c.titles)
    texts = datasets_folder / "film-texts" / "films.csv"
    if texts.is_file():
        heat = c.ids.number("6")
        assert "Al Pacino" in c.people[heat]
        assert "crime film" in c.texts[heat]
        assert not any(p.startswith("(") for p in c.people_names)
        assert not any("http" in str(cell) for cell in c.table.iloc[heat])  # thumbnails are not taken over


def grouplens(folder: Path) -> None:
    """movies.csv and ratings.csv as the newer sets of GroupLens have them: the first films, three people."""
    folder.mkdir(parents=True)
    (folder / "movies.csv").write_text(
        'movieId,title,genres\n1,Toy Story (1995),Animation|Comedy\n11,"American President, The (1995)",Drama\n'
        "999999,Nobody Knows It,(no genres listed)\n"
    )
    rows = ["3,999999,0.5,30", "1,11,4.0,20", "1,1,5.0,10", "7,1,3.5,40"]
    (folder / "ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *rows]) + "\n")


@pytest.mark.parametrize("name", ["ml-latest-small", "ml-32m"])
def test_the_newer_sets_lie_in_the_cache_or_the_folder_of_data_sets_and_get_film_facts(
    name: str, tmp_path: Path
) -> None:
    sets, cache = tmp_path / "sets", tmp_path / "cache"
    assert not sources.is_here(name, cache, sets)
    grouplens(cache / name)
    assert sources.is_here(name, cache, sets)
    data = sources.load(name, cache, sets)
    c = data.catalogue
    assert (data.name, list(c.ids.ids)) == (name, ["1", "11", "999999"])
    assert list(c.titles) == ["Toy Story", "The American President", "Nobody Knows It"]
    assert "Tom Hanks" in c.people[0] and "cowboy doll" in c.texts[0]  # of the film facts
    assert (c.people[2], c.genres[2], c.texts[2]) == ((), (), "")
    assert data.users["user_id"].tolist() == ["3", "1", "7"]
    assert data.state(data.user_ids.number("1")).items == (0, 1)
    grouplens(sets / name)
    (sets / name / "ratings.csv").write_text("userId,movieId,rating,timestamp\n5,1,3.0,1\n")
    assert len(sources.load(name, cache, sets).interactions) == 1  # one's own folder goes before


def test_texts_beside_the_set_go_before_the_film_facts(tmp_path: Path) -> None:
    grouplens(tmp_path / "ml-latest-small")
    (tmp_path / "film-texts").mkdir()
    texts = "movieId,extract,cast\n1,Toys come alive.,Somebody Else|(voices)\n"
    (tmp_path / "film-texts" / "films.csv").write_text(texts)
    c = sources.load("ml-latest-small", tmp_path / "cache", tmp_path).catalogue
    assert (c.texts[0], c.people[0]) == ("Toys come alive.", ("Somebody Else",))
    assert c.people[1] and c.texts[1]  # not told there: the facts stay


@pytest.mark.parametrize("line", ["1,5,4.0,20", "1,1,much,20"])
def test_ratings_that_cannot_be_read_are_named(line: str, tmp_path: Path) -> None:
    grouplens(tmp_path / "ml-latest-small")
    (tmp_path / "ml-latest-small" / "ratings.csv").write_text(f"userId,movieId,rating,timestamp\n{line}\n")
    with pytest.raises(DataError, match=r"ratings\.csv"):
        sources.load("ml-latest-small", tmp_path / "cache", tmp_path)


def test_a_set_that_does_not_fit_into_memory_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grouplens(tmp_path / "ml-32m")
    monkeypatch.setattr(ml_32m, "_BYTES_A_BYTE", 1e12)
    with pytest.raises(DataError, match="GB of memory"):
        sources.load("ml-32m", tmp_path / "cache", tmp_path)


def test_the_second_load_reads_the_stored_tables(datasets_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sets" / "ml-latest-small"
    folder.mkdir(parents=True)
    for name in ("movies.csv", "ratings.csv"):
        shutil.copy(datasets_folder / "ml-latest-small" / name, folder / name)
    cache = tmp_path / "cache"
    first = sources.load("ml-latest-small", cache, tmp_path / "sets")
    assert (cache / "parsed" / "ml-latest-small" / "items.parquet").is_file()
    again = sources.load("ml-latest-small", cache, tmp_path / "sets")
    same(first, again)
    # a changed file is read anew
    lines = (folder / "movies.csv").read_text(encoding="utf-8").replace("Toy Story (1995)", "Play Story (1995)")
    (folder / "movies.csv").write_text(lines, encoding="utf-8")
    assert sources.load("ml-latest-small", cache, tmp_path / "sets").catalogue.titles[0] == "Play Story"


def same(a: Dataset, b: Dataset) -> None:
    assert a.catalogue.ids == b.catalogue.ids
    for field in ("titles", "genres", "people", "languages", "texts", "extra_columns"):
        assert getattr(a.catalogue, field) == getattr(b.catalogue, field)
    assert (a.catalogue.years == b.catalogue.years).all()
    for field in ("user", "item", "value", "timestamp"):
        left, right = getattr(a.interactions, field), getattr(b.interactions, field)
        assert left.dtype == right.dtype
        assert np.array_equal(left, right)
    assert a.users.equals(b.users)
    assert (a.name, a.explicit, a.liked_from, a.source, a.licence) == (
        b.name,
        b.explicit,
        b.liked_from,
        b.source,
        b.licence,
    )


def test_stored_tables_come_back_as_they_were(tmp_path: Path) -> None:
    data = tiny_films_data()
    _stored.write(tmp_path / "kept", data, key="k")
    back = _stored.read(tmp_path / "kept", key="k")
    assert back is not None
    same(data, back)
    assert _stored.read(tmp_path / "kept", key="other") is None
    assert _stored.read(tmp_path / "nothing") is None


@pytest.mark.parametrize("torn", ["items.parquet", "interactions.parquet", "users.parquet", "dataset.json"])
def test_a_damaged_store_is_named(tmp_path: Path, torn: str) -> None:
    _stored.write(tmp_path / "kept", tiny_films_data())
    whole = (tmp_path / "kept" / torn).read_bytes()
    (tmp_path / "kept" / torn).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="damaged"):
        _stored.read(tmp_path / "kept")


def test_names_and_what_is_missing(tmp_path: Path) -> None:
    assert sources.names() == ["ml-100k", "ml-32m", "ml-latest-small", "movielens-2016"]
    _stored.write(tmp_path / "datasets" / "shop", tiny_films_data())
    assert sources.names(tmp_path) == ["ml-100k", "ml-32m", "ml-latest-small", "movielens-2016", "shop"]
    infos = {i.name: i for i in sources.available(tmp_path, tmp_path)}
    assert "chatrec data get ml-100k" in infos["ml-100k"].missing
    assert infos["shop"].imported
    assert infos["shop"].missing == ""
    with pytest.raises(DataError, match="did you mean 'ml-100k'"):
        sources.load("ml-100", tmp_path, tmp_path)
    with pytest.raises(DataError, match=r"ml-100k\.inter.*chatrec data get ml-100k"):
        sources.load("ml-100k", tmp_path, tmp_path)


def test_every_source_declares_what_it_needs() -> None:
    for name in sources.builtin_names():
        source = sources.source(name)
        assert source.LABEL
        assert source.LICENCE
        assert source.HOW
        assert source.COST
        assert bool(source.REQUIREMENT) != bool(source.ARCHIVE)  # a wheel or a zip
        assert set(source.SHA256) == (set(source.MEMBERS) if source.REQUIREMENT else set())
        assert not source.ARCHIVE or source.MD5 or set(source.LEAST) == set(source.MEMBERS)
        assert {f.name for f in source.files(source.folder(Path(), Path()))} == set(source.MEMBERS)


def test_a_file_that_lacks_a_column(tmp_path: Path) -> None:
    folder = tmp_path / "ml-latest-small"
    folder.mkdir()
    (folder / "movies.csv").write_text("movieId,name\n1,Heat\n")
    (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n")
    with pytest.raises(DataError, match="lacks the column"):
        ml_latest_small.read(folder)
