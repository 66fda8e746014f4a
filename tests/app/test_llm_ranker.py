"""Language models as rankers and raters over a small pipeline: what they say is read, what fails changes nothing."""

import random
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from langchain_core.language_models import BaseChatModel
from typer.testing import CliRunner

from app.cli import app
from app.errors import BackendFailed, ConfigError, DataError, LLMError, RecommenderError
from app.events import ItemShown, Token
from app.scorer import predicted_ratings, rating_texts
from app.scorer.ordering import LLMRanker, noted
from app.scorer.predicted_ratings import TextRatings, TunedRatings, words_of
from app.scorer.rankers import FOLDER, LISTWISE, POINTWISE, TUNED, Listwise, Pointwise
from app.service.chat import Chat
from app.service.store.store import Store
from app.service.workbench import Workbench
from app.settings import Settings
from llm.backends import available
from llm.backends.available import BackendInfo
from llm.backends.scripted import Reply, ScriptedChat
from llm.rating import network
from recommenders.contract.request import Recommendation
from recommenders.data.tables import Dataset, UserState
from recommenders.evaluation import rating_task
from tests.app.bench import make_tiny
from tests.recommenders.worlds import tiny_films_data

STATE = UserState(items=(0, 1, 2), values=(5.0, 2.0, 4.0), timestamps=(1, 2, 3))
ITEMS = (7, 8, 9, 10)


def shown(state: UserState, items: tuple[int, ...], shuffles: int) -> list[list[int]]:
    """The orders in which a list is told, as the module draws them."""
    chance = random.Random(zlib.crc32(f"{state.items}|{list(items)}".encode()))
    orders = []
    for _ in range(shuffles):
        order = list(range(len(items)))
        chance.shuffle(order)
        orders.append(order)
    return orders


def listwise(*script: object, **more: object) -> tuple[Listwise, ScriptedChat]:
    model = ScriptedChat(script=list(script))
    return Listwise(model, tiny_films_data().catalogue, 4.0, **more), model  # type: ignore[arg-type]


def ranker(order: object, depth: int = 10) -> LLMRanker:
    return LLMRanker("test", tiny_films_data().catalogue, order, LLMRanker.Config(depth=depth))  # type: ignore[arg-type]


# -- one list ---------------------------------------------------------------------------------------------------------


def test_numbers_are_places_of_the_shuffled_list() -> None:
    """Whatever order the list is told in, the model that knows what it wants gets the same order."""
    wanted = [2, 0, 3, 1]  # best first, as places of ITEMS
    said = [", ".join(str(order.index(p) + 1) for p in wanted) for order in shown(STATE, ITEMS, 2)]
    order, model = listwise(*said)
    assert np.argsort(order(STATE, ITEMS)).tolist() == wanted
    told = [m.messages[-1].text for m in model.asked]
    label = tiny_films_data().catalogue.label
    assert told[0] != told[1] and all(label(i) in t for t in told for i in ITEMS)
    assert label(0) in told[0] and label(2) in told[0] and label(1) not in told[0]  # liked ones alone


def test_always_the_first_number_cancels_out() -> None:
    """A model that only repeats the list's own order says nothing on average: no item is favoured for its place."""
    order, _ = listwise(*["1, 2, 3, 4"] * 400, shuffles=400)
    places = order(STATE, ITEMS)
    assert places.max() / places.min() < 1.25
    assert order.firsts == [1] * 400


def test_what_it_leaves_out_comes_behind_as_it_came() -> None:
    order, _ = listwise("2", shuffles=1)
    [told] = shown(STATE, ITEMS, 1)
    first = told[1]
    assert np.argsort(order(STATE, ITEMS)).tolist() == [first, *(p for p in range(4) if p != first)]


def test_scores_order_what_was_read_and_leave_the_rest() -> None:
    ranked = ranker(lambda state, items: np.array([3.0, 1.0, 2.0]), depth=3)
    scores = ranked.score([STATE], np.array([[4, 5, 6, 7, 8]]))
    np.testing.assert_allclose(scores, [[1 / 3, 1, 2 / 3, 0, 0]])
    assert (ranked.tally.asked, ranked.tally.unread) == (1, 0)
    ranked.score([STATE], np.array([[4, 5, 6, 9, 8]]))  # the same first three: not asked again
    assert ranked.tally.asked == 1
    with pytest.raises(RecommenderError, match="cannot score a catalogue"):
        ranked.score([STATE])
    with pytest.raises(RecommenderError, match="no weights"):
        ranked.save(Path("unused"))
    assert ranked.score([STATE], np.zeros((1, 0), np.int64)).shape == (1, 0)


@pytest.mark.parametrize(
    "script",
    [["I like all of them.", "So do I."], [BackendFailed("gone")], [Reply("1, 2", before=5.0)]],
    ids=["no number", "failed", "too slow"],
)
def test_without_an_order_the_incoming_one_stands_and_is_counted(script: list[object]) -> None:
    order, _ = listwise(*script, first_token_seconds=0.2, total_seconds=0.3)
    ranked = ranker(order)
    scores = ranked.score([STATE], np.array([list(ITEMS)]))
    assert np.argsort(-scores[0]).tolist() == [0, 1, 2, 3]
    assert (ranked.tally.asked, ranked.tally.unread) == (1, 1) and ranked.tally.why
    found = Recommendation((), 0, "ease", "test", note="Only two.")
    assert noted(found, ranked).note.startswith("Only two. The language model was bypassed")
    assert noted(found, ranker(order)).note == "Only two."
    assert noted(found, None).note == "Only two."


def test_one_answer_of_two_is_enough() -> None:
    first, second = shown(STATE, ITEMS, 2)
    order, _ = listwise("what?", ", ".join(str(second.index(p) + 1) for p in (3, 2, 1, 0)))
    assert np.argsort(order(STATE, ITEMS)).tolist() == [3, 2, 1, 0]
    assert first != second


def test_stop_ends_the_question_under_way() -> None:
    stop = threading.Event()
    stop.set()
    order, _ = listwise(Reply("1, 2, 3, 4", before=20.0), stop=stop)
    with pytest.raises(LLMError, match="stopped"):
        order(STATE, ITEMS)


# -- ratings in words -------------------------------------------------------------------------------------------------


def rater(*script: object, **more: object) -> TextRatings:
    return TextRatings(ScriptedChat(script=list(script)), words_of(tiny_films_data(), 2), **more)  # type: ignore[arg-type]


def test_pointwise_asks_for_each_and_the_unread_are_average() -> None:
    order = Pointwise(rater("Rating: 2", "no idea", "5", "I say 3 of 5"))
    assert (-order(STATE, ITEMS)).tolist() == pytest.approx([2, 10 / 3, 5, 3])
    with pytest.raises(LLMError, match="gives no rating"):
        Pointwise(rater(*["no idea"] * 4))(STATE, ITEMS)
    with pytest.raises(BackendFailed, match="gone"):  # a dead backend is asked once, not once an item
        Pointwise(rater(BackendFailed("gone")))(STATE, ITEMS)


def test_an_unread_rating_is_the_hint_or_the_own_mean() -> None:
    alone = rater("4", "hm", BackendFailed("gone"))
    told = alone.predict_rating([STATE], np.array([[7, 8, 9]]))
    np.testing.assert_allclose(told, [[4, 11 / 3, 11 / 3]], rtol=1e-6)
    assert (alone.asked, alone.unread) == (3, 2)
    biases = predicted_ratings.beside("biases", tiny_films_data())
    assert biases is not None
    hinted = rater("hm", other=biases)
    told = hinted.predict_rating([STATE], np.array([[7]]))
    assert told == pytest.approx(biases.predict_rating([STATE], np.array([[7]])))
    question = hinted.model.asked[0].messages[-1].text  # type: ignore[attr-defined]
    assert f"expects {told[0, 0]:.1f}" in question
    assert question.count(": ") == 2  # two known ratings, the latest


def test_an_unknown_neighbour_is_named() -> None:
    with pytest.raises(ConfigError, match="did you mean 'biases'"):
        predicted_ratings.beside("biased", tiny_films_data())


# -- rows and texts ---------------------------------------------------------------------------------------------------


def many(seed: int = 0) -> Dataset:
    return tiny_films_data(users=60, seed=seed)


def test_rows_to_learn_from_are_kept_from_what_stands_beside() -> None:
    data = tiny_films_data(users=60)
    x = data.interactions
    mine, rest = rating_texts.taught(data, 20, seed=1)
    assert len(mine) == 20 and len(rest.interactions) == len(x) - 20
    for state, item, value, user in zip(mine.states, mine.items, mine.values, mine.users, strict=True):
        own = data.state(int(user))
        place = own.items.index(int(item))
        assert state.items == own.items[:place] and own.values[place] == value  # what was before, and no more
        assert len(state.items) >= rating_texts.LEAST
        assert (int(user), int(item)) not in set(zip(rest.interactions.user, rest.interactions.item, strict=True))


def test_drawn_rows_are_of_people_of_whom_something_is_known() -> None:
    cut = rating_task.rating_split(many(), "random", known="rolling")
    found = rating_texts.drawn(cut.test, 10, seed=3)
    assert all(len(s.items) >= rating_texts.LEAST for s in found.states)
    again = rating_texts.drawn(cut.test, 10, seed=3)
    assert found.items.tolist() == again.items.tolist()
    nobody = rating_texts.Rows([STATE], np.array([1]), np.array([3.0]), np.array([0]))
    with pytest.raises(DataError, match="nothing can be asked"):
        rating_texts.drawn(nobody, 5)


def test_examples_of_a_prompt_differ_in_people_and_ratings() -> None:
    rows, _ = rating_texts.taught(many(), 40)
    shots = rating_texts.spread_out(rows, 3)
    assert len(set(shots.users.tolist())) == 3
    assert len(set(shots.values.tolist())) == 3
    words = words_of(many(), 4)
    asked = words.question(STATE, 7, None, words.shots(shots))
    assert [m.role for m in asked] == ["system", *["user", "assistant"] * 3, "user"]
    assert asked[2].content == f"Rating: {shots.values[0]:g}"


# -- in the chat ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make_tiny(tmp_path_factory.mktemp("bench"))


@pytest.fixture
def chat(tiny: Settings, tmp_path: Path) -> Iterator[Chat]:
    store = Store(f"sqlite:///{tmp_path / 'chatrec.db'}")
    yield Chat(Workbench(tiny), store, tiny)
    store.close()


def with_script(monkeypatch: pytest.MonkeyPatch, script: list[object]) -> None:
    def load(name: str, settings: object) -> BaseChatModel:
        return ScriptedChat(script=script)

    monkeypatch.setattr(available, "describe", lambda n, _: BackendInfo(n, "scripted", n, True, "", False, False))
    monkeypatch.setattr(available, "load", load)


def test_the_model_orders_the_list_of_a_turn(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    assert chat.rankers() == [*chat.workbench.rankers(), LISTWISE, POINTWISE]
    person = chat.person("u1")

    def picks(name: str | None, script: list[object]) -> tuple[list[str], str]:
        with_script(monkeypatch, script)
        c = chat.start(person, ranker=None)
        if name is not None:
            chat.use(c.id, backend=c.backend, generator=c.generator, ranker=name)
        events = list(chat.send(c.id, "recommend something", threading.Event()))
        said = "".join(e.text for e in events if isinstance(e, Token))
        return [e.item_id for e in events if isinstance(e, ItemShown)], said

    plain, _ = picks(None, ["Here are five picks."])
    ordered, said = picks(POINTWISE, ["1", "1", "1", "1", "5", *["1"] * 5, "Here are five picks."])
    assert ordered != plain and "bypassed" not in said
    failed, said = picks(POINTWISE, [BackendFailed("gone"), "Here are five picks."])
    assert failed == plain and "The language model was bypassed" in said


def test_tuned_by_the_command_it_can_be_chosen(
    tiny: Settings, chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tiny.model_copy(update={"runs_dir": tmp_path / "runs"})
    chat = Chat(Workbench(settings), chat.store, settings)
    monkeypatch.setattr("app.commands.llm.settings", lambda: settings)
    monkeypatch.setattr(rating_texts, "LEAST", 2)
    arguments = ["llm", "tune-rating", "--rows", "50", "--epochs", "1", "--beside", "biases", "--known", "3"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, (done.output, done.exception)
    assert "validation RMSE" in done.stdout
    folder = settings.runs_dir / settings.dataset / FOLDER
    assert folder.is_dir() and not folder.with_name("llm-rating-work").exists()
    assert TUNED in chat.rankers()
    rated = TunedRatings.of(network.load(folder), chat.workbench.dataset)
    told = rated.predict_rating([STATE, STATE], np.array([[7, 8], [8, 7]]))
    np.testing.assert_allclose(told[0], told[1][::-1], atol=1e-5)
    base = Chat(Workbench(tiny), chat.store, tiny).workbench.pipeline("ease", None)
    ranked = chat.llm_rankers.pipeline(base, TUNED, ScriptedChat()).ranker
    assert ranked is not None and base.ranker is None
    scores = ranked.score([STATE], np.array([[7, 8]]))
    assert (scores[0, 0] > scores[0, 1]) == (told[0, 0] >= told[0, 1])


def test_a_folder_that_is_no_model_is_refused(monkeypatch: pytest.MonkeyPatch, tiny: Settings) -> None:
    monkeypatch.setattr("app.commands.llm.settings", lambda: tiny)
    done = CliRunner().invoke(app, ["llm", "tune-rating", "--model", "nowhere"])
    assert done.exit_code != 0 and "no folder of a Hugging Face model" in str(done.exception)
