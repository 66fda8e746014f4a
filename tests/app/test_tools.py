"""Tools: found by file, described by signature and docstring, strict about arguments."""

import json
from pathlib import Path

import pytest

from app.turn import tools
from app.turn.context import Parts, TurnContext
from app.turn.desk import Desk, ToolError
from recommenders.data.tables import UserState
from tests.app.talking import pipeline
from tests.app.wanted import plain
from tests.recommenders.conditions import keywords
from tests.recommenders.worlds import tiny_films

KEPT: list[tuple[str, str]] = []


@pytest.fixture
def desk() -> Desk:
    KEPT.clear()
    context = TurnContext((), UserState(), "new user", lambda item_id, kind: KEPT.append((item_id, kind)))
    return Desk(Parts(None, None, pipeline(), "popularity", None), context, 5, 10)  # type: ignore[arg-type]


def test_every_file_is_a_tool_and_every_argument_is_described() -> None:
    files = {p.stem for p in Path(tools.__file__).parent.glob("[!_]*.py")} - {"arguments"}
    assert set(tools.names()) == files == {"compare", "explain", "lookup", "recommend", "remember", "search", "similar"}
    for schema in tools.schemas(tiny_films()):
        function = schema["function"]
        assert len(function["description"]) > 20
        for name, field in function["parameters"]["properties"].items():
            assert field["description"], f"{function['name']}: {name} is not described"


def test_schemas_are_the_same_bytes_each_time() -> None:
    assert json.dumps(tools.schemas(tiny_films())) == json.dumps(tools.schemas(tiny_films()))


def test_every_tool_is_documented() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "adding-a-tool.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in tools.names())


def test_mistakes_are_told_so_that_a_model_can_correct_them(desk: Desk) -> None:
    for name, arguments, says in [
        ("fly", {}, "unknown tool 'fly'; expected one of: compare"),
        ("recommend", {"speed": 1}, "speed"),
        ("recommend", {"year_from": "soon"}, "year_from"),
        ("recommend", {"count": "many", "speed": 1}, "count: .*; speed: there is no such argument; expected: wish"),
        ("recommend", {"order": "year sideways"}, "order: 'year sideways' is none of year rising, year falling"),
        ("recommend", {"genres": [["Crime"]]}, "genres"),
        ("similar", {}, "items"),
        ("similar", {"items": ["Xyzzy"]}, "unknown: 'Xyzzy'"),
        ("lookup", {"items": []}, "no items given"),
        ("compare", {"items": ["Heat"]}, "needs two items"),
        ("remember", {"items": ["Heat"], "kind": "adore"}, "kind"),
        ("search", {"text": " "}, "needs words"),
    ]:
        with pytest.raises(ToolError, match=says):
            tools.call(name, desk, arguments)
    assert not KEPT


def test_recommend_matches_names_and_reports_the_rest(desk: Desk) -> None:
    outcome = tools.call("recommend", desk, {"genres": ["scary", "Quantum"], "people": ["sigourny weaver"], "count": 3})
    assert outcome.request is not None
    assert keywords(outcome.request.conditions) == {"genres": ["Horror"], "people": ["Sigourney Weaver"]}
    assert plain(outcome.wants) == {"genres": ["Horror"], "people": ["Sigourney Weaver"], "count": 3}
    assert outcome.unmatched == ("this catalogue has no genre “Quantum”",) and outcome.items == (0,)


def test_years_given_the_wrong_way_round_are_turned(desk: Desk) -> None:
    outcome = tools.call("recommend", desk, {"year_from": 1990, "year_to": 1970})
    assert outcome.request is not None
    assert keywords(outcome.request.conditions) == {"year_from": 1970, "year_to": 1990}


def test_what_models_write_beside_the_schema_is_read(desk: Desk) -> None:
    outcome = tools.call("recommend", desk, {"genres": "crime", "year_to": "1990", "people": None, "count": "2"})
    assert plain(outcome.wants) == {"genres": ["Crime"], "year_to": 1990, "count": 2}


def test_an_order_is_kept(desk: Desk) -> None:
    outcome = tools.call("recommend", desk, {"genres": ["Drama"], "order": "year rising"})
    years = [int(desk.catalogue.years[i]) for i in outcome.items]
    assert years == sorted(years) and len(years) > 3 and years[0] == 1942


def test_similar_leaves_out_what_was_named(desk: Desk) -> None:
    outcome = tools.call("similar", desk, {"items": ["Heat", "item:a8"]})
    assert not {6, 7} & set(outcome.items) and outcome.wants.like == ("a7", "a8")


def test_search_finds_titles_and_words(desk: Desk) -> None:
    assert tools.call("search", desk, {"text": "godfather"}).items[0] == 7
    assert tools.call("search", desk, {"text": "submarine crew"}).items[0] == 16


def test_remember_changes_the_state_of_the_turn(desk: Desk) -> None:
    tools.call("remember", desk, {"items": ["Heat"], "kind": "like"})
    tools.call("remember", desk, {"items": ["Alien"], "kind": "dislike"})
    assert KEPT == [("a7", "like"), ("a1", "dislike")]
    assert desk.state.items == (6,) and desk.state.disliked == (0,)
    assert desk.state.values[0] >= 4.0  # counts as liked on this scale
    tools.call("remember", desk, {"items": ["Alien"], "kind": "like"})
    assert desk.state.disliked == () and desk.state.items == (6, 0)


def test_explain_and_compare_bring_evidence(desk: Desk) -> None:
    assert [e.item for e in tools.call("explain", desk, {"items": ["Heat"]}).explanations] == [6]
    assert [e.item for e in tools.call("compare", desk, {"items": ["Heat", "Alien"]}).explanations] == [6, 0]
    assert any("Al Pacino" in f for f in tools.call("lookup", desk, {"items": ["Heat"]}).facts)
