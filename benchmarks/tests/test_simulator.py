"""The simulated person, and the benchmarks that talk to it: no title is told, what is told is true, figures add up."""

from pathlib import Path

import numpy as np
import pytest

from app.service.workbench import Workbench
from app.understanding.names.linking import linker
from app.words import folded
from benchmarks import chat_rec, simulator
from benchmarks.people import LIKED, Person, Talk
from recommenders.data.tables import UserState
from tests.app.bench import tiny_workbench
from tests.recommenders.worlds import tiny_films, tiny_films_data

FILMS = tiny_films()
HISTORY = (0, 1, 2, 3, 4, 6, 7)  # Alien ... The Shining, Heat, The Godfather
STATE = UserState(items=(*HISTORY, 8), values=(5.0, 4.0, 4.0, 5.0, 4.0, 2.0, 5.0, 5.0))  # the last one: Goodfellas


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return tiny_workbench(tmp_path_factory.mktemp("simulator"))


def person(aim: str = "film") -> Person:
    found = Person.of(STATE, aim, FILMS, np.random.default_rng(0))  # type: ignore[arg-type]
    assert found is not None
    return found


def test_who_can_be_simulated() -> None:
    assert person().target == 8 and person().wanted == {8}
    assert person().liked[0] == 7  # The Godfather shares most with Goodfellas
    disliked_last = UserState(items=STATE.items, values=(*STATE.values[:-1], 3.0))
    few = UserState(items=(0, 8), values=(5.0, 5.0))
    assert Person.of(disliked_last, "film", FILMS, np.random.default_rng(0)) is None
    assert Person.of(few, "film", FILMS, np.random.default_rng(0)) is None


def test_a_taste_takes_what_would_do_and_no_named_film() -> None:
    state = UserState(items=(*range(8), 13, 14), values=(5.0,) * 10)  # sought: Spirited Away, liked: The Lion King
    found = Person.of(state, "taste", FILMS, np.random.default_rng(0))
    assert found is not None and 14 in found.wanted and not {*found.liked} & found.wanted
    assert found.wanted <= {14, 13}


@pytest.mark.parametrize("seed", range(30))
def test_a_talk_is_true_repeatable_and_tells_no_title(seed: int) -> None:
    def messages() -> list[str]:
        talk = Talk(person(), FILMS, np.random.default_rng(seed))
        said = [talk.opens()]
        for n in range(6):
            said.append(talk.answers([0, 6, 10 + n], asked=n % 2 == 0))
        return said

    said = messages()
    assert said == messages()
    film = FILMS.titles[8]
    for message in said:
        assert folded(film)[0] not in folded(message)
        named = {m.items[0] for m in linker(FILMS).mentions(message) if m.kind == "title"}
        assert named <= set(HISTORY)
        for genre in FILMS.genre_names:
            if f"{genre.lower()} film" in message or f"{genre.lower()} movie" in message:
                assert genre in FILMS.genres[8]
    assert not any("loved Heat" in m or "Heat was great" in m for m in said)  # rated 2


def test_telling_the_title_would_be_noticed() -> None:
    talk = Talk(person(), FILMS, np.random.default_rng(0))
    assert talk.says_title("what about goodfellas?") and not talk.says_title("good fellows")


def test_a_conversation_ends_when_a_wanted_film_is_shown() -> None:
    class Fixed:
        def __init__(self, lists: list[list[int]]) -> None:
            self.lists, self.heard = lists, 0

        def reply(self, message: str) -> tuple[list[int], str]:
            self.heard += 1
            return self.lists[self.heard - 1], ""

    for lists, found in (([[8]], 1), ([[], [0], [8]], 3), ([[], [], [], []], 0)):
        system = Fixed(lists)
        row = simulator.play(system, Talk(person(), FILMS, np.random.default_rng(1)), len(lists))
        assert (row["found"], row["told_title"]) == (found, 0) and system.heard == (found or len(lists))


def test_every_system_holds_a_conversation(bench: Workbench) -> None:
    systems = simulator.Systems(bench.settings)
    for name in ("popularity", "controller"):
        system, shown = systems.new(name), []
        for message in ("crime films", "I loved Heat", "something else"):
            rows, _ = system.reply(message)
            shown += rows
        assert shown and FILMS.titles.index("Heat") not in shown[len(shown) // 2 :]
        if isinstance(system, simulator.Controlled):
            assert system.given == {"a7": "like"}
            assert (system.tally["invented"], system.tally["violations"]) == (0, 0)
        else:
            assert len(shown) == len(set(shown))


def test_figures_of_conversations() -> None:
    rows = [{"found": f, "empty": 0, "told_title": 0} for f in (1, 3, 0, 0)]
    others = [{"found": f, "empty": 0, "told_title": 0} for f in (0, 3, 0, 6)]
    told = simulator.summary(rows, 6)
    assert told["success@1"]["value"] == 0.25 and told["success@6"]["value"] == 0.5
    assert told["turns"]["value"] == (1 + 3 + 7 + 7) / 4
    gain = simulator.against(rows, others, 6)
    assert gain["success@6"]["value"] == 0 and gain["turns"]["value"] == (-6 + 0 + 0 + 1) / 4


def test_the_cut_of_the_table_withholds_what_it_asks_for() -> None:
    data = tiny_films_data()
    some = chat_rec.cut(data, 5, seed=1)
    assert 0 < len(some.users) <= 5 and len(some.train.interactions) < len(data.interactions)
    rated = {(u, i): v for u, i, v in zip(data.interactions.user, data.interactions.item, data.interactions.value,
                                          strict=True)}  # fmt: skip
    for user, state, liked, met in zip(some.users, some.states, some.liked, some.met, strict=True):
        assert liked and liked <= met and not met & set(state.items)
        assert all(rated[user, i] >= LIKED for i in liked)


def test_precision_counts_short_lists_as_misses() -> None:
    found = chat_rec.figures(np.array([[1, 2, -1, -1, -1], [3, 4, 5, 6, 7]]), [{1, 9}, {3, 4, 5, 6, 7}])
    assert found["precision"].tolist() == [0.2, 1.0] and found["recall"].tolist() == [0.5, 1.0]
    assert found["ndcg"][1] == 1.0


def test_results_name_no_person(tmp_path: Path) -> None:
    """What is written are figures; the shipped file says so of itself."""
    import json

    file = Path(simulator.__file__).parent / "results" / "simulator.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    for aim in content["aims"].values():
        assert set(aim) == set(simulator.SYSTEMS)
        assert all(system["told_title"] == 0 for system in aim.values())
        assert [aim["controller"][name] for name in ("invented", "repeated", "violations")] == [0, 0, 0]
