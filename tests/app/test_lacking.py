"""What a catalogue lacks and its table of relatives knows: said to be missing, and what is closest to it found."""

import dataclasses
import json

import pandas as pd
import pytest
from langchain_core.messages import AIMessage

from app.understanding import Table, linker, understand
from app.wants import Wants
from recommenders.contract.config import configured
from recommenders.data import sources
from recommenders.data.sources import _film_facts, _stored, movielens_2016
from recommenders.data.tables import Catalogue, Dataset
from recommenders.pipeline.pipeline import Pipeline, PipelineConfig
from tests.app.talking import Conversation, call
from tests.recommenders.worlds import tiny_films_data

RELATIVES = pd.DataFrame(
    {
        "item_id": ["Parasite (2019)", "Get Out (2017)", "Lion (2016)", "Dune (2021)", "Alien (1979)"],
        "title": ["Parasite", "Get Out", "Lion", "Dune", "Alien"],
        "year": [2019, 2017, 2016, 2021, 1979],
        "genres": ["Drama|Thriller", "Horror|Sci-Fi", "Drama", "Sci-Fi", "Horror|Sci-Fi"],
    }
)


def films() -> Dataset:
    data = tiny_films_data()
    return data.with_catalogue(data.catalogue.with_relatives(RELATIVES))


FILMS: Catalogue = films().catalogue
NEWEST = int(FILMS.years.max())


def talk() -> Conversation:
    data = films()
    generator = configured("popularity").fit(data)
    return Conversation(Pipeline(data.catalogue, generator, config=PipelineConfig(liked_from=4.0)), speechless=True)


def test_what_the_catalogue_has_is_left_out() -> None:
    assert FILMS.relatives is not None and "Alien" not in FILMS.relatives.titles and len(FILMS.relatives) == 4


@pytest.mark.parametrize(
    "message",
    [
        "something like Parasite",
        "something like parasite",
        "movies similar to Parasite (2019)",
        "anything like Parasyte?",
        'something like "Parasite"',
        "I loved Parasite",
        "Parasite",
        "I just watched Parasite and loved it, what next?",
    ],
)
def test_its_relatives_are_the_wish(message: str) -> None:
    heard = understand(message, Table(), linker(FILMS))
    assert heard.wants.relatives == ("Parasite (2019)",)
    assert not heard.judged  # nothing is kept of what is no item
    assert heard.unmatched == (f"I don't have Parasite (2019); my films end in {NEWEST}",)


@pytest.mark.parametrize("message", ["have you got Parasite?", "who directed Parasite?", "do you have Get Out?"])
def test_a_question_for_it_is_answered_with_no(message: str) -> None:
    heard = understand(message, Table(), linker(FILMS))
    assert not heard.shows and heard.unmatched[0].startswith("No, I don't have ")


@pytest.mark.parametrize(
    "message", ["a film about a lion", "something scary to get out of my comfort zone", "lion", "I hated it"]
)
def test_plain_words_are_no_titles(message: str) -> None:
    heard = understand(message, Table(), linker(FILMS))
    assert not heard.wants.relatives and not any("I don't have" in u for u in heard.unmatched)


def test_a_year_tells_which_of_two_is_meant() -> None:
    both = Catalogue.of(pd.DataFrame({"item_id": ["1"], "title": ["Dune"], "year": [1984], "number_of_ratings": [9]}))
    names = linker(both.with_relatives(RELATIVES))
    plain, dated = (understand(f"something like Dune{y}", Table(), names) for y in ("", " (2021)"))
    assert plain.wants.like == ("1",) and not plain.wants.relatives
    assert dated.wants.relatives == ("Dune (2021)",) and not dated.wants.like
    assert "only Dune (1984)" in dated.unmatched[0]
    assert names.items("Dune (2021)") == () and names.items("Dune") == (0,)


def test_of_two_without_a_year_the_one_that_hardly_anybody_chose_is_not_meant() -> None:
    columns = {"item_id": ["1", "2"], "title": ["Parasite", "Heat"], "year": [1982, 1995], "number_of_ratings": [1, 99]}
    names = linker(Catalogue.of(pd.DataFrame(columns)).with_relatives(RELATIVES))
    assert understand("something like Parasite", Table(), names).wants.relatives == ("Parasite (2019)",)
    assert understand("something like Parasite (1982)", Table(), names).wants.like == ("1",)


def test_a_turn_says_so_and_shows_real_items_only() -> None:
    turn = talk().say("something like Get Out")
    assert turn.reply.startswith(f"I don't have Get Out (2017); my films end in {NEWEST}.")
    assert "closest in spirit to Get Out (2017)" in turn.reply
    shown = turn.items  # rows of the catalogue
    assert shown and {"Horror", "Sci-Fi"} & {*FILMS.genres[shown[0]]}


def test_a_refinement_goes_on_from_it() -> None:
    conversation = talk()
    conversation.say("something like Get Out")
    turn = conversation.say("but nothing from the 90s")
    assert turn.decision.wants.relatives == ("Get Out (2017)",)
    assert turn.decision.wants.conditions


def test_it_is_stored_and_an_older_request_opens() -> None:
    wants = Wants(relatives=("Get Out (2017)",))
    assert Wants.model_validate_json(wants.model_dump_json()) == wants
    assert Wants.model_validate(json.loads('{"like": ["a1"]}')).relatives == ()


def test_the_table_is_kept_with_the_data_set(tmp_path) -> None:
    data = films()
    _stored.write(tmp_path / "kept", data)
    again = _stored.read(tmp_path / "kept")
    assert again is not None and again.catalogue.relatives is not None
    pd.testing.assert_frame_equal(again.catalogue.relatives.table, FILMS.relatives.table)  # type: ignore[union-attr]
    without = dataclasses.replace(data.catalogue, relatives=None)
    _stored.write(tmp_path / "kept", data.with_catalogue(without))
    third = _stored.read(tmp_path / "kept")
    assert third is not None and third.catalogue.relatives is None


def test_films_of_the_shipped_table_are_whole() -> None:
    films_known = _film_facts.relatives(movielens_2016.RELATIVES)
    assert len(films_known) > 500 and films_known["item_id"].is_unique
    assert films_known["plot"].str.len().min() > 20 and films_known["genres"].ne("").all()
    assert sources.source("movielens-2016").also_read(movielens_2016.FACTS.parent)[-1] == movielens_2016.RELATIVES


def test_a_model_that_leads_can_ask_for_it() -> None:
    data = films()
    pipeline = Pipeline(data.catalogue, configured("popularity").fit(data), config=PipelineConfig(liked_from=4.0))
    script = [call("similar", lacking=["Get Out (2017)"]), AIMessage(content="1, 2")]
    turn = Conversation(pipeline, script, steers=True).say("something like Get Out")
    assert turn.decision.wants.relatives == ("Get Out (2017)",) and turn.items
    assert "I don't have Get Out (2017)" in turn.reply
