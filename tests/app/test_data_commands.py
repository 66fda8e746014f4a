"""chatrec data: what people type and what they are told."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import settings as settings_module
from app.commands.data import data
from app.errors import DataError
from recommenders.data import sources
from tests.app.shop import write_files
from tests.llm.index import serving

RUN = CliRunner()
INPUTS = Path(__file__).resolve().parents[1] / "inputs"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, value in (("CACHE_DIR", tmp_path / "cache"), ("DATASETS", tmp_path), ("DATASET", "shop")):
        monkeypatch.setenv(f"CHATREC_{name}", str(value))
    settings_module.settings.cache_clear()
    yield tmp_path
    settings_module.settings.cache_clear()


def run(*arguments: object) -> str:
    result = RUN.invoke(data, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_import_list_show(here: Path) -> None:
    items, ratings, users = write_files(here / "files")
    with ratings.open("a") as f:
        f.write("u1,nothing,5,1\n")
    said = run("import", "--name", "shop", "--items", items, "--interactions", ratings, "--users", users)
    assert "item_id = item_id; title = title" in said
    assert "ratings.csv: 211 rows read, 210 kept, 1 rejected" in said
    assert "1 × item is not in the item table" in said
    rejected = here / "cache" / "datasets" / "shop" / "rejected.csv"
    assert str(rejected) in said.replace("\n", "")
    assert "ratings.csv,212,row,item is not in the item table,u1 ¦ nothing ¦ 5 ¦ 1" in rejected.read_text()
    listed = run("list")
    assert "shop                 imported" in listed
    assert "ml-100k              missing" in listed
    assert "chatrec data get ml-100k" in listed
    shown = run("show", "--rows", 2)
    assert "210 interactions (ratings 3 to 5, liked from 5 on) of 30 users" in shown
    assert "Profile columns: age, gender" in shown
    assert "Alien (1979)  Horror, Sci-Fi" in shown


def test_options_reach_the_import(here: Path) -> None:
    (here / "i.txt").write_text("nr;label;kind\n1;Heat;Crime, Drama\n")
    (here / "r.txt").write_text("wer;was;mal\nu;1;3\nu;1;2\n")
    said = run(
        *("import", "--name", "other", "--items", here / "i.txt", "--interactions", here / "r.txt"),
        *("--item-id", "nr", "--title", "label", "--genres", "kind", "--genres-separator", ","),
        *("--user", "wer", "--item", "was", "--value", "mal", "--implicit", "--separator", ";"),
    )
    assert "1 merged into an earlier row" in said
    found = sources.load("other", here / "cache", here)
    assert not found.explicit
    assert found.interactions.value.tolist() == [5]
    assert found.catalogue.genres == (("Crime", "Drama"),)


def test_attributes_are_shown_and_corrected(here: Path) -> None:
    files = ("--items", INPUTS / "board_games.csv", "--interactions", INPUTS / "board_games_ratings.csv")
    said = run("import", "--name", "shop", *files)
    assert "What may be asked of the items (correct it: chatrec data attributes shop):" in said
    shown = run("attributes", "shop")
    assert 'minutes: number of minutes; called "running time"' in shown
    run("attributes", "shop", "--set", "price.label=Preis", "--set", "price.unit=€", "--set", "weight.better=low")
    rows = {row["name"]: row for row in json.loads(run("attributes", "shop", "--json"))}
    assert (rows["price"]["label"], rows["price"]["unit"], rows["weight"]["better"]) == ("Preis", "€", "low")
    assert "kept" in run("import", "--name", "shop", *files, "--replace")
    back = run("attributes", "shop", "--reset", "price")
    assert "Preis" not in back
    assert "Corrected" in back
    with pytest.raises(DataError, match="has no 'colour'"):
        run("attributes", "shop", "--set", "price.colour=red")
    assert "players (number), minutes (number, running time)" in run("show", "shop")


def test_errors_are_those_of_the_data(here: Path) -> None:
    items, ratings, _ = write_files(here / "files")
    with pytest.raises(DataError, match="no column 'titel'"):
        run("import", "--name", "shop", "--items", items, "--interactions", ratings, "--title", "titel")
    with pytest.raises(DataError, match="unknown data set 'ml-1m'"):
        run("get", "ml-1m")
    with pytest.raises(DataError, match="unknown data set 'shop'"):
        run("show")


def test_a_set_of_the_publisher_is_fetched_into_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a server on this machine that has a small zip of the same shape."""
    ml_latest_small = sources.ml_latest_small
    monkeypatch.setattr(ml_latest_small, "LEAST", {"movies.csv": 20, "ratings.csv": 20})
    with serving() as served:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("ml-latest-small/movies.csv", "movieId,title,genres\n1,Toy Story (1995),Comedy\n")
            archive.writestr("ml-latest-small/ratings.csv", "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n")
            archive.writestr("ml-latest-small/README.txt", "terms")
        served.wheels["ml-latest-small.zip"] = packed.getvalue(), b""
        monkeypatch.setattr(ml_latest_small, "ARCHIVE", f"{served.url}/files/ml-latest-small.zip")
        said = run("get", "ml-latest-small")
    assert "ml-latest-small: 1 MB to fetch." in said
    assert "ml-latest-small is here: 1 interactions with 1 items." in said
    assert "not for commercial use" in said
    assert "ml-latest-small is here" in run("get", "ml-latest-small")  # with no server any more
