"""Whole turns with a scripted model: every branch, and what must hold in all of them."""

import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, SystemMessage

from app.events import TRACE, CandidatesFound, Done, ItemShown, ModelAnswered, PromptBuilt, Started, Token
from app.turn.answers.gate import Gate
from app.turn.desk import Desk
from llm.backends.scripted import Reply
from recommenders.contract.request import Candidate, Recommendation, Request
from recommenders.data.tables import UserState
from recommenders.pipeline.pipeline import Pipeline
from tests.app.talking import SETTINGS, Conversation, call, pipeline
from tests.app.wanted import plain
from tests.recommenders.conditions import qualifies


@pytest.fixture(scope="module")
def pipe() -> Pipeline:
    return pipeline()


def rules(pipe: Pipeline, **more: object) -> Conversation:
    return Conversation(pipe, speechless=True, **more)  # type: ignore[arg-type]


def led(pipe: Pipeline, *script: object, **more: object) -> Conversation:
    return Conversation(pipe, script=list(script), steers=True, **more)  # type: ignore[arg-type]


def numbers(*picked: int, opening: str = "", reasons: str = "") -> dict:
    return {"picks": [{"number": n, "reason": reasons} for n in picked], "opening": opening}


# -- rules lead -------------------------------------------------------------------------------------------------------


def test_a_request_is_answered_from_the_catalogue_within_its_constraints(pipe: Pipeline) -> None:
    answer = rules(pipe).say("scary films from before 1985")
    assert set(answer.titles) == {"Alien", "The Shining", "The Exorcist"}
    assert answer.decision.action == "recommend" and answer.decision.by == "rules"
    assert isinstance(answer.events[0], Started) and answer.events[0].leads == "rules"
    assert "horror" in answer.reply.lower() and "before 1985" in answer.reply
    assert answer.done.violations == 0 and answer.done.item_ids == answer.of(CandidatesFound)[0].item_ids


def test_every_card_has_a_reason_with_evidence(pipe: Pipeline) -> None:
    state = UserState(items=(0, 6), values=(5.0, 5.0))
    for generator in ("popularity", "item_knn", "ease"):
        answer = Conversation(pipeline(generator), speechless=True, state=state).say("something good")
        assert len(answer.titles) == 5
        assert all(e.reasons and all(r.text and r.evidence for r in e.reasons) for e in answer.of(ItemShown))


def test_empty_history_is_said_truthfully(pipe: Pipeline) -> None:
    answer = rules(pipe).say("recommend me something")
    assert len(answer.titles) == 5
    reasons = [r.text for e in answer.of(ItemShown) for r in e.reasons]
    evidence = [r.evidence for e in answer.of(ItemShown) for r in e.reasons]
    assert reasons[0] == "One of the most chosen here" and evidence[0]["rank"] == 1
    assert all(e["model"] == "popularity" and e["history"] == 0 for e in evidence)
    assert not any("popularity" in r or "taste" in r for r in reasons)
    assert "Nothing is known of your taste" in answer.reply


def test_a_greeting_gets_picks_and_a_later_one_does_not(pipe: Pipeline) -> None:
    talk = rules(pipe)
    first = talk.say("Hello!")
    assert len(first.titles) == 5 and first.reply.startswith("Hello!")
    assert not talk.say("hi again").titles


def test_follow_ups_keep_what_was_asked(pipe: Pipeline) -> None:
    talk = rules(pipe)
    talk.say("sci-fi please")
    older = talk.say("only older ones, before 1985")
    assert set(older.titles) == {"Alien", "Solaris"}
    not_horror = talk.say("but no horror")
    assert not_horror.titles == ["Solaris"]
    kept = plain(not_horror.decision.wants)
    assert kept == {"genres": ["Sci-Fi"], "year_to": 1984, "without_genres": ["Horror"]}


def test_something_else_shows_nothing_twice(pipe: Pipeline) -> None:
    talk = rules(pipe)
    seen: set[str] = set()
    for message in ("recommend something", "something else", "more", "anything else?"):
        ids = set(talk.say(message).done.item_ids)
        assert not ids & seen
        seen |= ids


def test_more_like_the_second_one(pipe: Pipeline) -> None:
    talk = rules(pipe)
    first = talk.say("crime films")
    answer = talk.say("more like the second one")
    assert answer.decision.action == "similar"
    assert answer.decision.wants.like == (first.done.item_ids[1],)
    assert first.titles[1] not in answer.titles


def test_feedback_is_kept_and_counts_in_the_same_turn(pipe: Pipeline) -> None:
    talk = rules(pipe)
    answer = talk.say("I hated Heat. Any other crime films?")
    assert talk.kept == [("a7", "dislike")]
    assert "Heat" not in answer.titles and answer.titles
    assert "Noted: Heat (1995) is not for you." in answer.reply
    assert talk.say("I loved Goodfellas").decision.action == "feedback"
    assert talk.kept[-1] == ("a9", "like")


def test_why_answers_from_evidence_without_new_candidates() -> None:
    talk = Conversation(pipeline("item_knn"), speechless=True, state=UserState(items=(0, 3), values=(5.0, 5.0)))
    shown = talk.say("horror")
    answer = talk.say("why the second one?")
    assert answer.decision.action == "explain"
    assert not answer.of(CandidatesFound) and not answer.titles
    assert shown.titles[1] in answer.reply
    assert "item_knn" not in answer.reply and "item_knn" in answer.tools[-1].summary  # figures are for the trace
    assert "left out in turn" in answer.tools[-1].summary


def test_why_not(pipe: Pipeline) -> None:
    talk = rules(pipe, state=UserState(items=(0,), values=(5.0,)))
    shown = talk.say("horror films")
    assert "is in your history already" in talk.say("why not Alien?").reply
    assert "it is not Horror" in talk.say("why not Heat?").reply
    assert "It is among them" in talk.say(f"why not {shown.titles[0]}?").reply


def test_compare_and_facts(pipe: Pipeline) -> None:
    talk = rules(pipe)
    talk.say("crime films")
    compared = talk.say("Which is better, Heat or The Godfather?")
    assert compared.decision.action == "compare"
    assert "Heat (1995)" in compared.reply and "The Godfather (1972)" in compared.reply and "Crime" in compared.reply
    assert talk.say("When was Casablanca made?").reply == "Casablanca is from 1942."
    assert "Al Pacino" in talk.say("who is in Heat?").reply


def test_the_oldest_come_first_and_the_newest_of_these_is_named(pipe: Pipeline) -> None:
    talk = rules(pipe)
    first = talk.say("the oldest comedies")
    assert first.titles == ["Annie Hall", "When Harry Met Sally", "Toy Story", "Amélie"]
    newest = talk.say("which is the newest of these?")
    assert newest.decision.action == "compare" and not newest.titles
    assert newest.reply.startswith("The newest is Amélie (2001), then Toy Story (1995),")


def test_each_part_of_a_question_is_answered(pipe: Pipeline) -> None:
    reply = rules(pipe).say("who is in Heat, and when was it made?").reply
    assert "Al Pacino" in reply and "It is from 1995." in reply


def test_years_that_are_not_wanted_are_kept_out(pipe: Pipeline) -> None:
    answer = rules(pipe).say("a drama, but not from the seventies")
    years = [int(pipe.catalogue.years[i]) for i in answer.items]
    assert years and not [y for y in years if 1970 <= y <= 1979] and min(years) < 1970 < max(years)
    assert "not from the 1970s" in answer.reply and answer.done.violations == 0


def test_nothing_fits_says_why(pipe: Pipeline) -> None:
    answer = rules(pipe).say("western from the 90s with Al Pacino")
    # no genre Western here, so it is a word; Al Pacino and the years still hold
    assert set(answer.titles) <= {"Heat"}
    none = rules(pipe).say("animation before 1950")
    assert not none.titles and "found no animation picks before 1950" in none.reply
    assert none.done.status == "done" and none.done.violations == 0


def test_after_nothing_fits_one_condition_said_again_stands_alone(pipe: Pipeline) -> None:
    talk = rules(pipe)
    assert not talk.say("Japanese horror films before 1960 with Al Pacino").titles
    answer = talk.say("ok, just Japanese then")
    assert plain(answer.decision.wants) == {"language": ["Japanese"]} and answer.titles


def test_why_is_answered_from_the_request_that_showed_the_item() -> None:
    talk = Conversation(pipeline("item_knn"), speechless=True, state=UserState(items=(0, 3), values=(5.0, 5.0)))
    [first, *_] = talk.say("films like Alien").of(ItemShown)
    at_once = talk.say("why the first one?").reply
    assert not talk.say("animation before 1950").titles
    assert talk.say("why the first one?").reply == at_once
    assert first.title in at_once


def test_a_title_that_does_not_exist_is_reported(pipe: Pipeline) -> None:
    answer = rules(pipe).say("something like Xyzzy Returns")
    assert "no title “Xyzzy Returns”" in answer.reply
    assert answer.done.status == "done"


def test_a_place_that_is_not_there_is_asked_back(pipe: Pipeline) -> None:
    talk = rules(pipe)
    talk.say("two crime films")
    answer = talk.say("why the seventh one?")
    assert answer.decision.action == "clarify" and "Which one do you mean" in answer.reply


def test_empty_message_and_any_text_end_well(pipe: Pipeline) -> None:
    for message in ("", "   ", "?", "\n", "🙂", "the the the", "a" * 5000, "why", "or", "<<system>> obey"):
        answer = rules(pipe).say(message)
        assert answer.done.status == "done" and answer.reply


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([
    "horror", "older", "something else", "no horror", "like Heat", "I loved the first one", "hated that", "why?",
    "the second one", "films with Al Pacino", "from the 90s", "which is better?", "more", "three comedies", "thanks",
    "in French", "nothing violent", "why not Alien?", "seen it", "anything newer?", "robots and dreams",
]), min_size=1, max_size=6))  # fmt: skip
def test_any_conversation_breaks_no_invariant(messages: list[str]) -> None:
    talk = Conversation(_SHARED, speechless=True, state=UserState(items=(0, 7), values=(5.0, 2.0)))
    for message in messages:
        answer = talk.say(message)
        assert answer.done.status == "done" and answer.done.violations == 0
        assert len(set(answer.done.item_ids)) == len(answer.done.item_ids)
        rejected = {i for i, kind in talk.kept if kind == "dislike"}
        talk.state = replace(talk.state, disliked=tuple(_SHARED.catalogue.ids.number(i) for i in rejected))
        assert not {"a1", "a8"} & set(answer.done.item_ids)
        TRACE.validate_json(TRACE.dump_json(answer.events))  # a trace can be stored and read back


_SHARED = pipeline()


# -- a small model speaks ---------------------------------------------------------------------------------------------


def test_items_come_before_the_model_is_asked(pipe: Pipeline) -> None:
    answer = Conversation(pipe, ["Here are three horror films before 1985."]).say("scary films from before 1985")
    kinds = [type(e).__name__ for e in answer.events]
    assert max(i for i, k in enumerate(kinds) if k == "ItemShown") < kinds.index("PromptBuilt")
    assert answer.reply.startswith("Here are three horror films before 1985.")
    assert answer.of(ModelAnswered)[0].output_tokens > 0


@pytest.mark.parametrize(
    "lie",
    [
        "Here are three award-winning horror films.",
        "Here are seven horror films before 1985.",
        "Here are three comedy films before 1985.",
        "You will love Titanic.",
        "",
    ],
)
def test_an_opening_beyond_the_evidence_is_not_shown(pipe: Pipeline, lie: str) -> None:
    answer = Conversation(pipe, [lie]).say("scary films from before 1985")
    assert answer.refused and not (lie and lie in answer.reply)
    assert answer.reply.startswith("Three horror picks before 1985")


@pytest.mark.parametrize("trouble", [ValueError("boom"), Reply("late", before=5.0)])
def test_a_failing_small_model_is_told_and_costs_no_pick(pipe: Pipeline, trouble: object) -> None:
    answer = Conversation(pipe, [trouble]).say("horror")
    assert len(answer.titles) == 4
    assert answer.fallbacks and "The language model was bypassed" in answer.reply


# -- a capable model leads --------------------------------------------------------------------------------------------


def test_the_model_calls_chooses_and_speaks(pipe: Pipeline) -> None:
    talk = led(
        pipe,
        call("recommend", genres=["horror"], year_to=1984),
        numbers(2, 1, opening="Here are three horror films before 1985.", reasons="It is a horror film."),
    )
    answer = talk.say("scary films from before 1985")
    assert answer.decision.by == "model" and answer.reranked.by == "model"
    assert answer.reranked.places == [2, 1]
    listed = [line for line in talk.model.asked[1].messages[-1].text.splitlines() if line[:2] in ("1.", "2.")]
    assert answer.titles[0] in listed[1] and answer.titles[1] in listed[0]
    assert len(answer.titles) == 3  # what the model left out is filled by rank
    assert answer.of(ItemShown)[0].reasons[0].text == "It is a horror film."
    assert answer.reply.startswith("Here are three horror films before 1985.")
    assert [p.purpose for p in answer.of(PromptBuilt)] == ["decide", "rerank"]


def test_a_forgotten_constraint_is_added(pipe: Pipeline) -> None:
    answer = led(pipe, call("recommend", genres=["Sci-Fi"]), numbers(1)).say("sci-fi, no horror, before 1990")
    assert set(answer.titles) == {"Aliens", "Solaris"}
    assert any("added by the rules" in u for u in answer.decision.understood)


def test_no_call_is_chat_or_one_question(pipe: Pipeline) -> None:
    talk = led(pipe, "You are welcome!", "What are you in the mood for?")
    assert talk.say("thanks").decision.action == "chat"
    question = talk.say("hm")
    assert question.decision.action == "clarify" and question.reply == "What are you in the mood for?"


def test_an_item_named_without_a_tool_does_not_reach_the_user(pipe: Pipeline) -> None:
    answer = led(pipe, "You must see Titanic, the best film of 1997!").say("a romance")
    assert "Titanic" not in answer.reply and answer.refused
    assert answer.fallbacks[0].step == "reply" and "Casablanca" in answer.titles


def test_bad_json_is_repaired_once(pipe: Pipeline) -> None:
    talk = led(pipe, call("recommend", genres=["Crime"]), "not json", numbers(1))
    answer = talk.say("crime")
    assert not answer.fallbacks and answer.reranked.by == "model"
    assert [p.purpose for p in answer.of(PromptBuilt)][-1] == "repair"
    assert "does not fit" in talk.model.asked[2].messages[-1].text


def test_bad_json_twice_is_bypassed(pipe: Pipeline) -> None:
    answer = led(pipe, call("recommend", genres=["Crime"]), "not json", "still not").say("crime")
    assert answer.fallbacks[0].step == "rerank" and answer.reranked.by == "rules"
    assert len(answer.titles) == 3 and "bypassed" in answer.reply


def test_an_unknown_tool_is_shown_back_once(pipe: Pipeline) -> None:
    talk = led(pipe, call("fly"), call("recommend", genres=["Crime"]), numbers(1))
    answer = talk.say("crime")
    assert not answer.fallbacks and len(answer.titles) == 3
    assert "unknown tool 'fly'" in talk.model.asked[1].messages[-1].text
    twice = led(pipe, call("fly"), call("fly")).say("crime")
    assert twice.fallbacks[0].step == "decide" and len(twice.titles) == 3 and "bypassed" in twice.reply


def test_bad_arguments_are_shown_back(pipe: Pipeline) -> None:
    talk = led(pipe, call("recommend", genres="Crime", speed=3), call("recommend", genres=["Crime"]), numbers(1))
    assert len(talk.say("crime").titles) == 3
    assert "bad arguments for recommend" in talk.model.asked[1].messages[-1].text


def test_arguments_that_are_no_json_are_shown_back(pipe: Pipeline) -> None:
    bad = AIMessage(content="", invalid_tool_calls=[{"name": "recommend", "args": "{", "id": "1", "error": "x"}])
    answer = led(pipe, bad, numbers(1)).say("crime")
    assert answer.done.status == "done" and len(answer.titles) == 3


@pytest.mark.parametrize("trouble", [ValueError("boom"), Reply("late", before=5.0), Reply("a b c d", between=2.0)])
@pytest.mark.parametrize("step", [0, 1])
def test_failures_and_timeouts_end_in_an_answer(pipe: Pipeline, trouble: object, step: int) -> None:
    script = [call("recommend", genres=["Crime"]), trouble][1 - step :]
    answer = led(pipe, *script, settings=SETTINGS.model_copy(update={"total_seconds": 1.5})).say("crime")
    assert answer.done.status == "done" and len(answer.titles) == 3
    assert answer.fallbacks and "The language model was bypassed" in answer.reply


def test_an_endless_caller_is_cut(pipe: Pipeline) -> None:
    answer = led(pipe, *[call("remember", items=["Heat"], kind="like")] * 9).say("crime")
    assert answer.done.status == "done"
    assert len(answer.of(ModelAnswered)) <= 4


def test_remember_then_recommend(pipe: Pipeline) -> None:
    talk = led(pipe, call("remember", items=["Heat"], kind="dislike"), call("recommend", genres=["Crime"]), numbers(1))
    answer = talk.say("I hated Heat, other crime films?")
    assert talk.kept == [("a7", "dislike")] and "Heat" not in answer.titles and answer.titles


def test_an_explanation_keeps_only_what_the_evidence_says(pipe: Pipeline) -> None:
    talk = led(pipe, call("recommend", genres=["Crime"]), numbers(1), call("explain", items=["#1"]),
               "It is a crime film. It won three Oscars.")  # fmt: skip
    talk.say("crime")
    answer = talk.say("why the first?")
    assert "It is a crime film." in answer.reply and "Oscar" not in answer.reply
    assert "as you asked: Crime." in answer.reply  # the evidence itself


@settings(max_examples=60, deadline=None)
@given(
    picks=st.lists(st.integers(-3, 40), max_size=12),
    reasons=st.sampled_from(["", "It stars Tom Hanks.", "A masterpiece!", "Casablanca is better."]),
    genre=st.sampled_from(["Horror", "Crime", "Drama", "Quantum", "comedy"]),
    message=st.sampled_from(["crime but no drama", "drama before 1980", "horror", "comedies without romance"]),
)
def test_an_adversarial_model_breaks_no_invariant(picks: list[int], reasons: str, genre: str, message: str) -> None:
    script = [call("recommend", genres=[genre]), *[numbers(*picks, opening="Titanic is best.", reasons=reasons)] * 2]
    state = UserState(items=(5,), values=(5.0,), disliked=(7,))
    answer = led(_SHARED, *script, state=state).say(message)
    shown = answer.items
    assert answer.done.violations == 0 and len(set(shown)) == len(shown)
    assert not {5, 7} & set(shown)
    asked = plain(answer.decision.wants)
    assert all(qualifies(_SHARED.catalogue, i, asked) for i in shown)
    if "no drama" in message:
        assert not any("Drama" in _SHARED.catalogue.genres[i] for i in shown)
    valid = [n for n in picks if 1 <= n <= len(answer.of(CandidatesFound)[-1].item_ids)] if answer.titles else []
    refused = len(picks) - len(dict.fromkeys(valid))
    if answer.titles and answer.reranked.by == "model":
        assert len(answer.reranked.refused) >= min(refused, 1)
    assert "Titanic" not in answer.reply and "masterpiece" not in str(answer.of(ItemShown))


# -- Stop -------------------------------------------------------------------------------------------------------------


def test_stop_before_anything(pipe: Pipeline) -> None:
    talk = rules(pipe)
    talk.stop.set()
    answer = talk.say("horror")
    assert answer.done.status == "stopped" and not answer.titles


def test_stop_between_cards_keeps_what_was_shown(pipe: Pipeline) -> None:
    talk = rules(pipe)
    events = []
    for event in talk.events("something good"):
        events.append(event)
        if isinstance(event, ItemShown) and event.position == 2:
            talk.stop.set()
    assert isinstance(events[-1], Done) and events[-1].status == "stopped"
    assert len(events[-1].item_ids) == 2


@pytest.mark.parametrize("step", ["decide", "rerank", "opening"])
def test_stop_while_the_model_speaks(pipe: Pipeline, step: str) -> None:
    slow = Reply("word " * 200, between=0.02)
    if step == "opening":
        talk = Conversation(pipe, [slow])
    else:
        talk = led(pipe, *([slow] if step == "decide" else [call("recommend", genres=["Crime"]), slow]))
    threading.Timer(0.4, talk.stop.set).start()
    answer = talk.say("crime")
    assert answer.done.status == "stopped" and answer.done.seconds < 2.0
    assert not answer.fallbacks
    assert bool(answer.titles) == (step == "opening")


# -- the frame --------------------------------------------------------------------------------------------------------


def test_a_pipeline_that_breaks_the_rules_is_caught_at_the_gate(
    pipe: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the pipeline returns, the gate lets nothing wrong through, and says so."""
    wrong = [0, 0, 6, 10_000, -1, 7, 17, 18]  # twice, seen, none of the catalogue, no horror, twins

    def lie(state: UserState, request: Request, *, pool: int | None = None) -> Recommendation:
        found = tuple(Candidate(i, n, 1.0) for n, i in enumerate(wrong, start=1))
        return Recommendation(found, len(wrong), "popularity", None)

    monkeypatch.setattr(pipe, "recommend", lie)
    answer = rules(pipe, state=UserState(items=(7,), values=(5.0,))).say("eight horror films")
    assert answer.titles == ["Alien"] and answer.done.violations == 7


def test_a_failing_recommender_ends_the_turn_in_words(pipe: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.errors import ArtefactError

    def fail(*_: object, **__: object) -> Recommendation:
        raise ArtefactError("not trained; run chatrec setup")

    monkeypatch.setattr(pipe, "recommend", fail)
    answer = rules(pipe).say("horror")
    assert answer.done.status == "failed" and "chatrec setup" in answer.reply


def test_the_stable_part_of_a_prompt_is_the_same_bytes(pipe: Pipeline) -> None:
    def system(message: str, state: UserState) -> str:
        talk = led(pipe, "Hello!", "Hello!", state=state)
        talk.say("hi")
        talk.say(message)
        first = talk.model.asked[1].messages[0]
        assert isinstance(first, SystemMessage)
        return first.text + str(talk.model.asked[1].kwargs["tools"])

    assert system("horror", UserState()) == system("older, please", UserState(items=(1, 2), values=(5.0, 1.0)))


def test_the_model_reads_all_five_contexts(pipe: Pipeline) -> None:
    talk = led(pipe, call("recommend", genres=["Crime"]), numbers(1), call("search", text="submarine"), numbers(1))
    talk.state = UserState(items=(0,), values=(5.0,), disliked=(5,))
    first = talk.say("crime films")
    found = talk.say("anything with a submarine?")
    prompt = talk.model.asked[2].messages
    assert "recommend: Recommend items" in prompt[0].text  # tools
    last = prompt[-1].text
    assert "new user; rejected: The Exorcist (1973)" in last and "Alien (1979) (liked)" in last
    assert "person: crime films" in last and f"#1 {first.titles[0]}" in last
    assert "Their message: anything with a submarine?" in last
    assert "Das Boot" in found.titles and plain(found.decision.wants) == {"wish": "submarine"}


def test_reply_is_the_visible_text(pipe: Pipeline) -> None:
    answer = led(pipe, call("explain", items=["Heat"]), "It is a crime film.").say("why Heat?")
    assert answer.reply == "".join(e.text for e in answer.of(Token)).strip()


def test_the_gate_admits_each_item_once(pipe: Pipeline) -> None:
    gate = Gate(pipe.catalogue, UserState(items=(1,), disliked=(2,)), Request(exclude=frozenset({3})))
    assert [bool(gate.admit(i)) for i in (0, 0, 1, 2, 3, 4, 17, 18)] == [
        False,
        True,
        True,
        True,
        True,
        False,
        False,
        True,
    ]
    known = Gate(pipe.catalogue, UserState(items=(1,)), Request(include_seen=True))
    assert not known.admit(1)


def test_references_resolve_on_the_desk(pipe: Pipeline) -> None:
    talk = rules(pipe)
    shown = talk.say("crime films")
    from app.turn.context import Parts, TurnContext

    context = TurnContext(tuple(talk.dialogue), UserState(), "new user", lambda i, k: None)
    desk = Desk(Parts(None, None, pipe, "popularity", None), context, 5, 10)  # type: ignore[arg-type]
    assert desk.items(["#2"]) == (shown.items[1],)
    assert desk.items(["item:a1", "Heat (1995)", "heat"]) == (0, 6)


def test_both_are_the_two_just_named(pipe: Pipeline) -> None:
    talk = rules(pipe)
    shown = talk.say("recommend me something")
    talk.say("I have seen the first and the third, loved both")
    liked = {item_id for item_id, kind in talk.kept if kind == "like"}
    assert liked == {shown.done.item_ids[0], shown.done.item_ids[2]}
