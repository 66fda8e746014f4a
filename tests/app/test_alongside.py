"""Picks that nobody asked for: which messages bring them, which do not, and what they keep to."""

import pytest

from app.events import CandidatesFound, Decision, ItemShown
from app.turn.context import Parts, Turn, TurnContext
from app.turn.desk import Desk
from recommenders.data.tables import UserState
from recommenders.pipeline.pipeline import Pipeline
from tests.app.talking import Answer, Conversation, pipeline
from tests.app.wanted import plain


@pytest.fixture(scope="module")
def pipe() -> Pipeline:
    return pipeline("ease")


def talk(pipe: Pipeline, *messages: str, **more: object) -> Answer:
    """The answer to the last of these messages."""
    conversation = Conversation(pipe, speechless=True, **more)  # type: ignore[arg-type]
    return [conversation.say(m) for m in messages][-1]


@pytest.mark.parametrize("message", ["I loved Heat", "my favourite is Heat", "Heat was great"])
def test_praise_brings_films_like_the_praised_one(pipe: Pipeline, message: str) -> None:
    answer = talk(pipe, message)
    assert answer.decision.action == "feedback" and answer.decision.along
    assert plain(answer.decision.wants) == {"like": ["a7"]} and answer.decision.items == ["a7"]
    assert len(answer.titles) == 5 and "Heat" not in answer.titles
    assert answer.reply.startswith("Noted: you like Heat (1995).") and "picks like Heat (1995):" in answer.reply


def test_what_was_praised_before_counts_with_it(pipe: Pipeline) -> None:
    conversation = Conversation(pipe, speechless=True)
    conversation.say("I loved Alien")
    conversation.liked = (pipe.catalogue.titles.index("Alien"),)
    conversation.state = UserState(items=conversation.liked, values=(5.0,))
    answer = conversation.say("I loved Heat too")
    assert answer.decision.wants.like == ("a7", "a1")  # the latest first
    assert not {"Heat", "Alien"} & set(answer.titles)


def test_a_wish_after_praise_is_weighed_with_it(pipe: Pipeline) -> None:
    """Of two people who ask for the same, each gets first what is near to what they liked in this conversation."""
    first = {}
    for title in ("Alien", "Casablanca"):
        item = pipe.catalogue.titles.index(title)
        answer = talk(pipe, "a drama", state=UserState(items=(item,), values=(5.0,)), liked=(item,))
        assert all("Drama" in e.genres for e in answer.of(ItemShown))
        first[title] = answer.items
        assert any(title in r.text for e in answer.of(ItemShown) for r in e.reasons)
    assert first["Alien"] != first["Casablanca"]


@pytest.mark.parametrize("message", ["I've seen Das Boot", "I hated Das Boot", "seen the first one"])
def test_what_is_known_or_rejected_brings_others(pipe: Pipeline, message: str) -> None:
    conversation = Conversation(pipe, speechless=True)
    before = conversation.say("two dramas")
    answer = conversation.say(message)
    assert answer.decision.action == "feedback" and answer.titles
    assert not set(answer.items) & set(before.items)  # others
    assert "Das Boot" not in answer.titles or "first" in message
    assert all("Drama" in e.genres for e in answer.of(ItemShown))  # the constraint of before holds
    assert answer.done.violations == 0


@pytest.mark.parametrize("message", ["seen the first one", "I hated the second one"])
def test_others_are_like_what_the_request_named(pipe: Pipeline, message: str) -> None:
    conversation = Conversation(pipe, speechless=True)
    before = conversation.say("two films like Heat")
    answer = conversation.say(message)
    assert answer.decision.wants.like == ("a7",)
    assert answer.titles and "Heat" not in answer.titles and not set(answer.items) & set(before.items)
    assert all(any(r.evidence.get("like") == ["a7"] for r in e.reasons) for e in answer.of(ItemShown))


def test_a_rejected_example_is_one_no_more(pipe: Pipeline) -> None:
    answer = talk(pipe, "two films like Heat", "I hated Heat")
    assert not answer.decision.wants.like and answer.titles and "Heat" not in answer.titles


def test_a_refinement_after_them_refines_their_constraints(pipe: Pipeline) -> None:
    answer = talk(pipe, "crime films", "I've seen Heat", "older")
    assert answer.decision.action == "recommend"
    found = plain(answer.decision.wants)
    assert found["genres"] == ["Crime"] and found["year_to"]


@pytest.mark.parametrize(
    "message", ["I loved that movie!", "never saw it", "yeah that's a great one", "I like most films"]
)
def test_opinions_of_what_nobody_here_has_shown_go_on_with_picks(pipe: Pipeline, message: str) -> None:
    answer = talk(pipe, message)
    assert len(answer.titles) == 5 and answer.reply


@pytest.mark.parametrize(
    "message", ["thanks!", "great, thank you", "ok I'll watch that", "bye", "how are you?", "lol", "what can you do?"]
)
def test_talk_gets_words_alone(pipe: Pipeline, message: str) -> None:
    answer = talk(pipe, "crime films", message)
    assert not answer.of(CandidatesFound) and not answer.titles and answer.reply
    assert not answer.of(Decision)[-1].along


def test_the_end_of_a_conversation_is_left_in_peace(pipe: Pipeline) -> None:
    answer = talk(pipe, "crime films", "I loved the first one. I think we're done!")
    assert answer.decision.action == "feedback" and not answer.titles


def test_consent_that_asks_for_more_gets_more(pipe: Pipeline) -> None:
    conversation = Conversation(pipe, speechless=True)
    before = conversation.say("two dramas")
    answer = conversation.say("sounds good, one more idea please")
    assert answer.titles and not set(answer.items) & set(before.items)


def test_a_greeting_behind_a_greeting_gets_picks_while_nothing_was_shown(pipe: Pipeline) -> None:
    conversation = Conversation(pipe, speechless=True, dialogue=[Turn("assistant", "Hi, what do you like?")])
    answer = conversation.say("Hello")
    assert len(answer.titles) == 5 and answer.reply.startswith("Hello!")
    again = conversation.say("hi again")
    assert not again.titles and again.reply.startswith("Hello!")


def test_an_unknown_title_is_asked_about_beside_picks(pipe: Pipeline) -> None:
    answer = talk(pipe, "I loved Xyzzy Returns")
    assert "no title “Xyzzy Returns”" in answer.reply and "Please give its title." in answer.reply
    assert len(answer.titles) == 5


def test_with_nothing_known_the_question_stands_alone(pipe: Pipeline) -> None:
    answer = talk(pipe, "“Xyzzy Returns”")
    assert answer.decision.action == "clarify" and not answer.titles
    assert answer.reply == "I found no title “Xyzzy Returns” in this catalogue. Which one do you mean? " + (
        "Please give its title."
    )


def test_which_of_the_shown_ones_is_asked_without_new_ones(pipe: Pipeline) -> None:
    """The picks on the table are what the question is about: others would make the answer ambiguous."""
    answer = talk(pipe, "crime films", "seen it")
    assert answer.decision.action == "clarify" and not answer.titles


def test_questions_about_an_item_are_answered_alone(pipe: Pipeline) -> None:
    assert not talk(pipe, "When was Casablanca made?").titles
    assert not talk(pipe, "crime films", "why the first one?").titles


def test_greetings_are_no_wish(pipe: Pipeline) -> None:
    dialogue = (Turn("user", "Hi there!"), Turn("assistant", "Hello!"), Turn("user", "dark space horror"))
    context = TurnContext(dialogue, UserState(), "new user", lambda item, kind: None)
    parts = Parts(None, None, pipe, "ease", None)  # type: ignore[arg-type]
    desk = Desk(parts, context, 5, 10, "thanks, something slower")
    assert desk.said() == "thanks, something slower dark space horror"
    assert desk.said(before=True) == "dark space horror"
