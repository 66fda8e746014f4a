"""Traces that earlier versions stored still open."""

from collections.abc import Mapping

import pytest

from app.events import TRACE, Decision, Done, ItemShown, Token
from app.service.store.migrations.step_0002_decisions_hold_wants import with_wants
from app.turn.context import Turn, lay
from tests.app.talking import Conversation, pipeline
from tests.app.wanted import plain, wants
from tests.recommenders.worlds import tiny_films


def test_kinds_that_are_gone_are_left_out() -> None:
    stored = [
        {"kind": "token", "text": "Hm", "seconds": 0.0},
        {"kind": "replaced", "text": "Here are two.", "seconds": 0.0},
        {"kind": "done", "status": "done", "reply": "Here are two.", "item_ids": ["1"]},
    ]
    events = TRACE.validate_python(stored)
    assert events == [Token(text="Hm"), Done(reply="Here are two.", item_ids=["1"])]
    assert [e["kind"] for e in TRACE.dump_python(events, mode="json")] == ["token", "done"]


def stored(action: str, **fields: object) -> Decision:
    """A decision as it was stored while it carried the arguments of a tool, opened."""
    old = {"kind": "decision", "action": action, "by": "rules", "seconds": 0.1, **fields}
    [event] = TRACE.validate_python(with_wants([old]))
    assert isinstance(event, Decision)
    return event


@pytest.mark.parametrize(
    ("action", "arguments", "asked"),
    [
        ("recommend", {}, {}),
        ("recommend", {"genres": ["Horror"], "year_from": 1980, "year_to": 1989, "count": 3},
         {"genres": ["Horror"], "year_from": 1980, "year_to": 1989, "count": 3}),
        ("recommend", {"any_genres": ["Horror", "War"], "without_genres": ["Comedy"], "year_to": 1979},
         {"any_genres": ["Horror", "War"], "without_genres": ["Comedy"], "year_to": 1979}),
        ("recommend", {"people": ["Al Pacino"], "without_people": ["Meg Ryan"], "languages": ["French"]},
         {"people": ["Al Pacino"], "without_people": ["Meg Ryan"], "language": ["French"]}),
        ("recommend", {"wish": "hotels", "year_from": 1990, "more": True, "include_seen": True},
         {"wish": "hotels", "year_from": 1990, "more": True, "include_seen": True}),
        ("recommend", {"without_content": ["violence", "sex"]}, {"violence_at_most": "mild", "sex_at_most": "mild"}),
        ("similar", {"items": ["item:a7", "item:a1"], "without_genres": ["War"]},
         {"like": ["a7", "a1"], "without_genres": ["War"]}),
    ],
)  # fmt: skip
def test_a_request_stored_as_arguments_opens_as_wants(
    action: str, arguments: Mapping[str, object], asked: Mapping[str, object]
) -> None:
    found = stored(action, arguments=arguments, understood=["genre Horror"])
    assert plain(found.wants) == asked and found.items == []
    assert found.understood == ["genre Horror"]
    assert TRACE.validate_json(TRACE.dump_json([found])) == [found]
    assert "arguments" not in TRACE.dump_python([found], mode="json")[0]


@pytest.mark.parametrize("action", ["explain", "compare", "ask_item", "feedback"])
def test_what_an_old_decision_was_about_opens_as_items(action: str) -> None:
    found = stored(action, arguments={"items": ["item:a7", "item:a1"], "kind": "like"})
    assert (found.items, bool(found.wants)) == (["a7", "a1"], False)


def test_picks_that_came_along_with_an_old_opinion_keep_their_wants() -> None:
    found = stored("feedback", arguments={"items": ["item:a7"], "genres": ["Crime"], "more": True}, along=True)
    assert plain(found.wants) == {"like": ["a7"], "genres": ["Crime"], "more": True}


def test_an_old_conversation_goes_on() -> None:
    """What an old trace asked for is refined by the next message, and what it showed lies on the table."""
    old = [
        stored("recommend", arguments={"genres": ["Sci-Fi"], "without_genres": ["Comedy"], "count": 2}),
        *TRACE.validate_python(
            [{"kind": "item", "item_id": i, "position": n, "title": i} for n, i in enumerate(("a1", "a2"), start=1)]
        ),
    ]
    assert isinstance(old[1], ItemShown)
    dialogue = [Turn("user", "two sci-fi films, no comedy"), Turn("assistant", "Here:", ("a1", "a2"), tuple(old))]
    table = lay(tuple(dialogue), tiny_films())
    assert table.shown == (0, 1) and table.wants == wants(genres=["Sci-Fi"], without_genres=["Comedy"], count=2)
    assert table.asked == {0: table.wants, 1: table.wants}
    answer = Conversation(pipeline(), speechless=True, dialogue=dialogue).say("older, before 1975")
    assert plain(answer.decision.wants) == {"genres": ["Sci-Fi"], "without_genres": ["Comedy"], "year_to": 1974}
    assert answer.titles == ["Solaris"]
