"""Every page, run as Streamlit runs it, over a small real workbench."""

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_plus

import psutil
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from app.events import Done, Token, TurnEvent
from app.service.chat import Chat
from app.service.store.store import Store
from app.service.workbench import Workbench
from app.settings import Settings
from app.setup import background
from recommenders.data.knowledge import Declared, Fact, Knowledge, Line, digest, own_texts
from tests.app.bench import make_tiny, tiny_settings
from tests.recommenders.worlds import tiny_films_data

MAIN = str(Path(__file__).resolve().parents[2] / "app" / "main.py")
PAGES = ("chat", "profile", "data", "models")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make_tiny(tmp_path_factory.mktemp("pages"))


@pytest.fixture
def served(tiny: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """What the app reads its settings from; the store is new for each test, and so is all that sessions share."""
    settings = tiny.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'chatrec.db'}"})
    yield from _serving(settings, monkeypatch)


def _serving(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    st.cache_resource.clear()
    st.cache_data.clear()
    monkeypatch.setattr("app.web.widgets.session.settings", lambda: settings)
    monkeypatch.setattr(
        "app.web.widgets.session._warm", lambda chat: None
    )  # a thread of its own would outlive the test
    yield settings
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def chat(served: Settings) -> Iterator[Chat]:
    """The same store, as the test looks at it."""
    store = Store(served.store_url)
    yield Chat(Workbench(served), store, served)
    store.close()


def opened(page: str = "chat", **query: str) -> AppTest:
    at = AppTest.from_file(MAIN, default_timeout=20)
    for key, value in query.items():
        at.query_params[key] = value
    at.run()
    if page != "chat":
        at.switch_page(f"web/views/{page}.py").run()
    assert not at.exception
    return at


def settled(at: AppTest) -> AppTest:
    """Run again until no answer is being written."""
    deadline = time.monotonic() + 20
    while any(b.key == "stop" for b in at.button):
        assert time.monotonic() < deadline, "the turn did not end"
        time.sleep(0.05)
        at.run()
    assert not at.exception
    return at


def say(at: AppTest, text: str) -> AppTest:
    return settled(at.chat_input[0].set_value(text).run())


def words(at: AppTest) -> str:
    return "\n".join(str(e.value) for kind in (at.markdown, at.caption, at.info, at.error, at.title) for e in kind)


def keys(at: AppTest, prefix: str) -> list[str]:
    return [b.key for b in at.button if b.key and b.key.startswith(prefix)]


def chooser(at: AppTest, prefix: str) -> Selectbox:
    """A choice whose key ends with what it shows."""
    return next(s for s in at.selectbox if s.key and s.key.startswith(prefix))


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_for_somebody_new(served: Settings, page: str) -> None:
    at = opened(page)
    assert at.title
    assert not at.error


def test_the_first_page_offers_what_the_catalogue_has_and_a_press_begins(served: Settings, chat: Chat) -> None:
    at = opened()
    offers = keys(at, "starter-")
    assert offers
    settled(at.button(key=offers[0]).click().run())
    (c,) = chat.conversations()
    asked, told = chat.messages(c.id)
    assert f"starter-{asked.text}" == offers[0]
    assert told.item_ids
    assert len(keys(at, "why-")) == len(told.item_ids)
    assert at.query_params["c"] == c.id


def test_a_reload_finds_the_conversation_and_a_new_session_starts_empty(served: Settings, chat: Chat) -> None:
    say(opened(), "a comedy")
    (c,) = chat.conversations()
    reloaded = opened(c=c.id)
    assert "a comedy" in words(reloaded)
    assert keys(reloaded, "why-")
    fresh = opened()
    assert not keys(fresh, "why-")
    assert f"open-{c.id}" in keys(fresh, "open-")
    fresh.button(key=f"open-{c.id}").click().run()
    assert len(keys(fresh, "why-")) == len(keys(reloaded, "why-"))


def test_an_address_of_a_conversation_that_is_gone_opens_an_empty_page(served: Settings) -> None:
    at = opened(c="0" * 32)
    assert keys(at, "starter-")
    assert "c" not in at.query_params


def test_what_is_typed_while_an_answer_comes_is_sent_after_it(
    served: Settings, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(message: str, *args: object, stop: threading.Event, **kwargs: object) -> Iterator[TurnEvent]:
        yield Token(text=f"about {message}")
        stop.wait(20)
        yield Done(status="stopped", reply=f"about {message}")

    monkeypatch.setattr("app.service.chat.run_turn", slow)
    at = opened()
    at.chat_input[0].set_value("first").run()
    at.chat_input[0].set_value("second").run()
    (c,) = chat.conversations()
    assert [m.text for m in chat.messages(c.id) if m.role == "user"] == ["first"]
    assert "second" in words(at)
    at.button(key="stop").click().run()
    deadline = time.monotonic() + 20
    while len(chat.messages(c.id)) < 4 and time.monotonic() < deadline:
        at.run()
    at.button(key="stop").click().run()
    settled(at)
    assert [(m.text, m.status) for m in chat.messages(c.id)] == [
        ("first", "done"),
        ("about first", "stopped"),
        ("second", "done"),
        ("about second", "stopped"),
    ]


def test_why_and_more_like_this_are_sent_as_words(served: Settings, chat: Chat) -> None:
    at = say(opened(), "a comedy")
    settled(at.button(key=keys(at, "why-")[1]).click().run())
    settled(at.button(key=keys(at, "more-")[0]).click().run())
    (c,) = chat.conversations()
    texts = [m.text for m in chat.messages(c.id) if m.role == "user"]
    assert texts[1].startswith("Why ")
    assert texts[2].startswith("More like ")
    assert chat.messages(c.id)[3].text
    assert chat.messages(c.id)[5].item_ids


def test_feedback_is_stored_shown_and_taken_back(served: Settings, chat: Chat) -> None:
    at = say(opened(), "a comedy")
    (c,) = chat.conversations()
    profile = chat.profile_of(c)
    first = chat.messages(c.id)[1].item_ids[0]
    pills = next(p for p in at.button_group if p.key.startswith("feedback-"))
    pills.set_value(["like"]).run()
    assert [(f.item_id, f.kind) for f in chat.feedback(profile)] == [(first, "like")]
    reloaded = opened(c=c.id)
    shown = next(p for p in reloaded.button_group if p.key.startswith("feedback-"))
    assert shown.value == ["like"]
    shown.set_value([]).run()
    assert chat.feedback(profile) == []


def press(at: AppTest, number: int, *names: str) -> None:
    """Press icons of a card, one after the other."""
    for name in names:
        pills = [p for p in at.button_group if p.key.startswith("feedback-")][number]
        pills.set_value([*(v for v in pills.value if v != name), *([] if name in pills.value else [name])]).run()
        assert not at.exception


def test_an_item_is_saved_beside_an_opinion_and_removed_on_the_profile(served: Settings, chat: Chat) -> None:
    at = say(opened(), "a comedy")
    (c,) = chat.conversations()
    profile, first = chat.profile_of(c), chat.messages(c.id)[1].item_ids[0]
    press(at, 0, "saved", "like", "dislike")
    assert [s.item_id for s in chat.saved(profile)] == [first]
    assert [f.kind for f in chat.feedback(profile)] == ["dislike"], "the last of like, dislike and seen counts"
    at.switch_page("web/views/profile.py").run()
    at.button(key=f"unsave-{first}").click().run()
    assert chat.saved(profile) == [] and chat.feedback(profile)
    assert not at.exception


def html(at: AppTest) -> str:
    return "\n".join(str(e.proto.body) for e in at.get("html"))


def test_a_title_opens_all_that_is_known_and_leads_to_what_resembles_it(served: Settings, chat: Chat) -> None:
    at = say(opened(), "a comedy")
    at.button(key=keys(at, "details-")[1]).click().run()
    assert not at.exception
    assert 'class="sheet"' in html(at) and 'rel="noopener noreferrer"' in html(at)
    other = keys(at, "look-")[0]
    at.button(key=other).click().run()
    assert not at.exception
    name = chat.workbench.catalogue.titles[chat.workbench.catalogue.ids.number(other.removeprefix("look-"))]
    assert f'search?q={quote_plus(name)}"' in html(at)


def test_two_to_four_items_are_compared(served: Settings) -> None:
    at = say(opened(), "a comedy")
    assert not keys(at, "compare-now")
    press(at, 0, "compared")
    assert at.button(key="compare-now").disabled
    press(at, 1, "compared")
    at.button(key="compare-now").click().run()
    assert html(at).count("scope='col'") == 2
    at.button(key="compare-clear").click().run()
    assert not keys(at, "compare-now") and not at.exception


def test_pictures_of_others_are_shown_only_where_the_owner_allows_it(served: Settings) -> None:
    say(opened(), "a comedy")
    assert "https://" not in "".join(re.findall(r'src="([^"]*)"', html(say(opened(), "a comedy"))))


def test_parts_are_swapped_in_the_middle(served: Settings, chat: Chat) -> None:
    at = say(opened(), "a comedy")
    chooser(at, "part-generator-").set_value("popularity").run()
    say(at, "something else")
    (c,) = chat.conversations()
    started = [e for m in chat.messages(c.id) for e in m.events if e.kind == "started"]
    assert [e.generator for e in started] == ["ease", "popularity"]
    assert chooser(at, "part-generator-").value == "popularity"


def test_parts_chosen_before_the_first_message_count(served: Settings, chat: Chat) -> None:
    at = opened()
    chooser(at, "part-generator-").set_value("item_knn").run()
    say(at, "a comedy")
    assert chat.conversations()[0].generator == "item_knn"


def test_a_user_of_the_data_set_can_be_picked_and_begins_anew(served: Settings, chat: Chat) -> None:
    at = say(opened(), "a comedy")
    chooser(at, "who-").set_value("user:u4").run()
    assert keys(at, "starter-")
    say(at, "recommend me something")
    mine = chat.conversations()[0]
    assert chat.profile_of(mine).user_id == "u4"
    assert len(chat.conversations()) == 2


def test_edit_again_rename_and_delete(served: Settings, chat: Chat) -> None:
    at = say(opened(), "a comedy")
    (c,) = chat.conversations()
    at.button(key=keys(at, "edit-button-")[0]).click().run()
    at.text_area[0].set_value("a horror film")
    settled(next(b for b in at.button if b.label == "Send again").click().run())
    assert [m.text for m in chat.messages(c.id) if m.role == "user"] == ["a horror film"]
    settled(at.button(key="again").click().run())
    assert len(chat.messages(c.id)) == 2
    at.text_input(key=f"title-{c.id}").set_value("Spooky").run()
    assert chat.conversation(c.id).title == "Spooky"
    at.button(key="delete").click().run()
    assert chat.conversations()
    at.button(key="delete-confirmed").click().run()
    assert chat.conversations() == []


def test_a_trace_is_drawn_when_it_is_opened(served: Settings, chat: Chat) -> None:
    at = say(opened(), "a comedy")
    assert "Decision by rules" not in words(at)
    (c,) = chat.conversations()
    at.session_state[f"trace-{chat.messages(c.id)[1].id}"] = True
    at.run()
    assert "Decision by rules" in words(at)
    assert "Candidates" in words(at)


def test_two_sessions_do_not_mix(served: Settings, chat: Chat) -> None:
    one, two = opened(), opened()
    say(one, "a comedy")
    say(two, "a horror film")
    say(one, "something else")
    assert "horror film" not in words(one)
    assert "comedy" not in words(two).lower().replace("·", "") or "a comedy" not in words(two)
    by_title = {c.title: c for c in chat.conversations()}
    assert len(chat.messages(by_title["a comedy"].id)) == 4
    assert len(chat.messages(by_title["a horror film"].id)) == 2
    assert by_title["a comedy"].profile_id != by_title["a horror film"].profile_id


def test_the_profile_lists_what_was_said_and_undoes_it(served: Settings, chat: Chat) -> None:
    me = chat.person("u5")
    ids = chat.workbench.catalogue.ids.ids
    chat.remember(me, ids[0], "like")
    chat.remember(me, ids[1], "dislike")
    c = chat.start(me)
    at = opened(c=c.id)
    at.switch_page("web/views/profile.py").run()
    assert chat.workbench.catalogue.titles[0] in words(at)
    assert at.dataframe
    at.button(key=f"undo-{ids[0]}").click().run()
    assert [f.item_id for f in chat.feedback(me)] == [ids[1]]
    at.button(key="forget-all").click().run()
    at.button(key="forget-confirmed").click().run()
    assert chat.feedback(me) == []
    assert not at.exception


def test_the_catalogue_is_searched_and_filtered(served: Settings) -> None:
    at = opened("data")
    at.text_input(key="catalogue-search").set_value("alien").run()
    assert set(at.dataframe[0].value["Title"]) == {"Alien", "Aliens"}
    at.multiselect(key="catalogue-genres").set_value(["Horror"]).run()
    assert list(at.dataframe[0].value["Title"]) == ["Alien"]
    at.text_input(key="catalogue-search").set_value("no such film").run()
    assert "Nothing matches" in words(at)


def test_what_a_language_model_wrote_is_told(served: Settings) -> None:
    known, data = Knowledge.of(served.cache_dir, served.dataset), tiny_films_data()
    text = digest(own_texts(data.catalogue)[0])
    declared = Declared(attribute={"kind": "category", "name": "mood"})
    fact = Fact(value="tense", words="whatever it says")
    about = {"item": data.catalogue.ids.ids[0], "attribute": "mood", "question": declared.digest}
    with known.writing():
        known.declare([declared])
        known.put([Line(backend="openai:some", text=text, facts=(fact,), **about)])
    try:
        told = "Written by a language model out of the items' own texts: mood (openai:some, 1 of 20)"
        assert told in words(opened("data")).replace("\\", "")
    finally:
        with known.writing():
            known.drop()


def test_an_import_without_files_says_what_is_missing(served: Settings) -> None:
    at = opened("data")
    next(b for b in at.button if b.label == "Import").click().run()
    assert "needs a name" in words(at)


def test_models_lists_backends_with_reasons_and_recommenders_with_their_training(served: Settings) -> None:
    text = words(opened("models"))
    assert "OPENAI\\_API\\_KEY" in text
    assert "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046" in text
    assert "not trained" in text
    assert "interactions of" in text


def test_before_the_set_up_the_page_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in _serving(tiny_settings(tmp_path, dataset="ml-100k"), monkeypatch):
        at = opened()
        assert "make chat" in words(at)
        assert "no data set" in words(at)


def test_a_store_that_cannot_be_opened_is_told(
    served: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "letter.db").write_text("Dear reader, " * 200)
    broken = served.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'letter.db'}"})
    monkeypatch.setattr("app.web.widgets.session.settings", lambda: broken)
    at = opened()
    assert "cannot be opened" in words(at)
    assert [b.label for b in at.button] == ["Try again"]


def test_a_generator_that_is_not_trained_is_told_and_another_one_stands_in(served: Settings, chat: Chat) -> None:
    c = chat.start(chat.person(), generator="sasrec")
    at = say(opened(c=c.id), "a comedy")
    assert "SASRec is not trained yet; until then EASE finds the titles" in words(at)
    assert "chatrec train sasrec" in words(at)
    assert chat.messages(c.id)[-1].item_ids


def test_what_is_in_force_is_shown_and_taken_away(served: Settings, chat: Chat) -> None:
    at = say(opened(), "a comedy from the 90s")
    assert keys(at, "take-away-") == ["take-away-comedy", "take-away-from the 1990s"]
    settled(at.button(key="take-away-comedy").click().run())
    (c,) = chat.conversations()
    assert [m.text for m in chat.messages(c.id) if m.role == "user"][-1] == "Never mind “comedy”"
    assert keys(at, "take-away-") == ["take-away-from the 1990s"]
    reloaded = opened(c=c.id)
    assert keys(reloaded, "take-away-") == ["take-away-from the 1990s"]
    assert not keys(reloaded, "edit-button-"), "what was pressed cannot be edited as words"


def test_a_follow_up_is_sent_as_a_message(served: Settings, chat: Chat) -> None:
    at = say(opened(), "a comedy")
    settled(at.button(key="follow-up-Why the first one?").click().run())
    (c,) = chat.conversations()
    assert [m.text for m in chat.messages(c.id) if m.role == "user"] == ["a comedy", "Why the first one?"]
    assert not keys(at, "follow-up-Why"), "an answer without picks offers nothing about the first of them"


def test_a_long_conversation_is_drawn_from_its_last_messages(served: Settings, chat: Chat) -> None:
    c = chat.start(chat.person())
    for n in range(60):
        chat.store.add_message(c.id, f"question {n}")
        answer = chat.store.begin_answer(c.id)
        chat.store.write_answer(answer.id, f"answer {n}", (), (), "done")
    at = opened(c=c.id)
    assert "answer 59" in words(at) and "question 50" in words(at) and "answer 49" not in words(at)
    assert at.button(key="show-earlier").label == "Show earlier (100 more)"
    at.button(key="show-earlier").click().run()
    assert "question 40" in words(at) and "answer 39" not in words(at)


def test_conversations_stand_under_their_days(served: Settings, chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    day, now = 86_400, time.time()
    for age in (0, 1, 3, 400):
        with monkeypatch.context() as then:
            then.setattr(time, "time", lambda age=age: now - age * day)
            c = chat.start(chat.person())
            chat.store.add_message(c.id, f"{age} days ago")
    at = opened()
    headings = [e.value for e in at.sidebar.caption]
    month = time.strftime("%B %Y", time.localtime(now - 400 * day))
    assert headings == ["**Today**", "**Yesterday**", "**Previous 7 days**", f"**{month}**"]


def test_parts_are_called_by_names_for_people(served: Settings, chat: Chat) -> None:
    at = say(opened(), "a comedy")
    (c,) = chat.conversations()
    assert chooser(at, "part-generator").options == ["EASE", "Item-based nearest neighbours", "Most popular items"]
    chat.store.set_parts(c.id, backend=c.backend, generator="ease", ranker=None)
    assert " · EASE" in chat.export_markdown(c.id)
    models = words(opened("models"))
    assert "SASRec" in models and "**sasrec**" not in models


def test_what_is_made_beside_the_app_is_told_in_a_line(served: Settings) -> None:
    process = psutil.Process()
    path = served.runs_dir / served.dataset / background.STATE
    about = {"pid": process.pid, "started": process.create_time(), "step": "sasrec", "since": 0, "at": 300}
    path.write_text(json.dumps(about | {"done": 43, "total": 100}))
    assert "SASRec is being trained: 43 %, about 7 minutes" in words(opened()).replace("\\", "")
    path.write_text(json.dumps(about | {"step": "", "failed": {"sasrec": "no more memory"}}))
    assert "SASRec could not be made (no more memory)" in words(opened()).replace("\\", "")
    path.unlink()
    assert "SASRec" not in words(opened())
