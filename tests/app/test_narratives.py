"""Requests and descriptions from sets and facts to files, through the real prompts and a scripted model."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from app.service import feature_writing
from llm.backends.scripted import ScriptedChat
from llm.writing.writing import Shelf
from recommenders.data.tables import Catalogue
from recommenders.texts.narratives import read, save, sets
from tests.recommenders.worlds import tiny_films, tiny_films_data

FILMS = tiny_films()


class Shared:
    """The share of the request's words that a text has, in place of a language model's probabilities."""

    def of(self, request: str, texts: Sequence[str]) -> np.ndarray:
        asked = set(request.lower().split())
        return np.array([len(asked & set(text.lower().split())) / len(asked) for text in texts])


def quiet(done: int, total: int, what: str) -> None:
    pass


def test_requests_go_from_sets_to_a_file_that_mint_reads(tmp_path: Path) -> None:
    data = tiny_films_data()
    chosen = sets(data, size=3, number=3, seed=0)
    first = FILMS.titles[chosen[0].items[1]]
    script = [f"I want something like {first.lower()} tonight.", "Eh.", "I want something like that tonight."]
    shelf = Shelf(tmp_path / "shelf.jsonl")
    model = ScriptedChat(script=list(script))
    wrote = feature_writing.requests(model, "b", data, Shared(), shelf, number=3, size=3, keep=1, progress=quiet)
    assert [n.text for n in wrote.narratives] == [script[0], script[2]]
    assert wrote.narratives[0].items == (chosen[0].items[1],) and wrote.narratives[0].known == chosen[0].known
    asked = model.asked[0].messages[-1].text
    assert all(FILMS.label(i) in asked for i in chosen[0].items)
    assert wrote.figures["sets"] == 3 and wrote.figures["usable"] == 2 and wrote.figures["named"] == 0.5
    save(tmp_path / "narratives.jsonl", FILMS, wrote.narratives)
    assert read(tmp_path / "narratives.jsonl", FILMS) == wrote.narratives
    again = feature_writing.requests(
        ScriptedChat(script=[]), "b", data, None, Shelf(shelf.path), number=3, size=3, progress=quiet
    )
    assert [len(n.items) for n in again.narratives] == [len(chosen[0].items), len(chosen[2].items)]


def test_descriptions_keep_to_the_facts(tmp_path: Path) -> None:
    table = FILMS.table.copy()
    table.loc[0, "text"] = "spaceship, monster, claustrophobic"
    table.loc[1, "text"] = "marines, colony, monsters"
    catalogue = Catalogue.of(table)
    script = ["A claustrophobic horror film about a monster on a spaceship.", "Ripley wins two Oscars in Paris."]
    model = ScriptedChat(script=script)
    found, figures = feature_writing.descriptions(
        model, "b", catalogue, [0, 1, 19], Shelf(tmp_path / "shelf.jsonl"), progress=quiet
    )
    assert found == {0: script[0]}
    assert figures["asked"] == 2 and figures["stood"] == 1  # nothing is known of the last film
    feature_writing.save_descriptions(tmp_path / "described.json", catalogue, found)
    assert json.loads((tmp_path / "described.json").read_text()) == {"a1": script[0]}


def test_another_wording_is_another_version() -> None:
    assert len({feature_writing.version("narrative"), feature_writing.version("describe")}) == 2
