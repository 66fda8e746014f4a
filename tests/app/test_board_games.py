"""A shop's own table, imported by one command and talked about: sixty board games with price, players, minutes."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.settings import Settings, settings
from recommenders.data import sources
from recommenders.experiments.training import train
from tests.app.bench import environment_of, tiny_settings

GAMES, RATINGS = (
    Path(__file__).parents[1] / "inputs" / name for name in ("board_games.csv", "board_games_ratings.csv")
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The table imported by the command, with a recommender trained on it."""
    served = tiny_settings(tmp_path_factory.mktemp("games"), dataset="games")
    with pytest.MonkeyPatch.context() as environment:
        for name, value in environment_of(served).items():
            environment.setenv(name, value)
        settings.cache_clear()
        arguments = ["data", "import", "--name", "games", "--items", str(GAMES), "--interactions", str(RATINGS)]
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0 and "60 kept, 0 rejected" in done.output, done.output
        train("ease", sources.load("games", served.cache_dir, served.datasets), served.runs_dir / "games" / "ease")
        yield served
    settings.cache_clear()


def talk(*messages: str) -> list[dict[str, Any]]:
    """The summaries of the turns of one conversation."""
    done = CliRunner().invoke(app, ["ask", "--json", *messages])
    assert done.exit_code == 0, done.output
    return [line for line in map(json.loads, done.stdout.splitlines()) if line["kind"] == "turn"]


def ends(said: str) -> tuple[int, int]:
    """What a cell of the file says: "2-4", "90", "10+"."""
    low, _, high = said.rstrip("+").partition("-")
    return int(low), 999 if said.endswith("+") else int(high or low)


def rows(turn: dict[str, Any]) -> list[dict[str, str]]:
    """The picks as they stand in the file that was imported."""
    with GAMES.open(encoding="utf-8") as file:
        told = {row["game_id"]: row for row in csv.DictReader(file)}
    return [told[item["item_id"]] for item in turn["items"]]


def test_price_and_players_then_minutes_then_the_cheapest(shop: Settings) -> None:
    cheap, short, cheapest = talk(
        "under 40 euros for two players", "nothing longer than an hour", "the cheapest of these"
    )
    for turn in (cheap, short):
        assert len(turn["items"]) == 5
        for row in rows(turn):
            assert float(row["price"]) < 40 and ends(row["players"])[0] <= 2 <= ends(row["players"])[1], row
    assert all(ends(row["minutes"])[1] <= 60 for row in rows(short))  # and what was asked before holds on
    least = min(rows(short), key=lambda row: float(row["price"]))
    assert cheapest["understood"]["action"] == "compare"
    assert cheapest["reply"].startswith(f"The cheapest is {least['title']} (")


def test_why_not_is_answered_by_what_it_does_not_meet(shop: Settings) -> None:
    with GAMES.open(encoding="utf-8") as file:
        dear = next(line.split(",")[1] for line in file.readlines()[1:] if float(line.split(",")[2]) > 50)
    _, why = talk("under 40 euros", f"why not {dear}?")
    assert why["understood"]["action"] == "explain" and dear in why["reply"] and "price" in why["reply"]


def test_stock_levels_and_names_are_held(shop: Settings) -> None:
    (turn,) = talk("something light in stock for a 9 year old, not by Tin Compass")
    assert turn["items"]
    for row in rows(turn):
        assert row["weight"] == "light" and int(row["stock"]) > 0, row
        assert ends(row["age"])[0] <= 9 and row["publisher"] != "Tin Compass", row


def test_two_facts_in_one_question(shop: Settings) -> None:
    first, facts = talk("worker placement under 45 euros", "how long does the first one take and what does it cost?")
    row = rows(first)[0]
    assert row["title"] in facts["reply"] and f"{float(row['price']):.2f}".rstrip("0").rstrip(".") in facts["reply"]
    assert "minutes" in facts["reply"] or "hour" in facts["reply"]


def test_questions_are_answered_in_sentences(shop: Settings) -> None:
    """By the same kinds as of films: yes or no first, the first in an order, and what is not known of any game."""
    first, price, solo, stock, longest, film = talk(
        "worker placement under 45 euros",
        "what does the first one cost?",
        "is it for two players?",
        "is it in stock?",
        "which of these takes the longest?",
        "what's the soundtrack of the first one like?",
    )
    row, *_ = rows(first)
    assert price["reply"].startswith(f"{row['title']} costs ")
    low, high = ends(row["players"])
    assert solo["reply"].startswith("Yes, " if low <= 2 <= high else "No, ") and "players" in solo["reply"]
    assert stock["reply"].startswith("Yes, " if int(row["stock"]) else "No, ")
    assert longest["reply"].startswith("The longest ")
    assert film["reply"] == f"I don't know the music of {row['title']}."
