"""Tools by constrained decoding: what may be decoded, and what is read from it."""

import json
import re
from typing import Any, Literal

import pytest
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, Field

from app.errors import MalformedOutput
from llm.calls.tool_calls import call_schema, called, compact_pattern, with_tools


class Years(BaseModel):
    first: int
    last: int | None = None


class Recommend(BaseModel):
    """Recommend films."""

    genres: list[Literal["Horror", "Comedy"]] = Field(max_length=2)
    years: Years | None = None


class Chart(BaseModel):
    """Show the charts."""

    class Years(BaseModel):
        decade: Literal[1980, 1990]

    years: Years


TOOLS: list[dict[str, Any]] = [convert_to_openai_tool(t) for t in (Recommend, Chart)]


def fits(choice: str | None, text: str) -> bool:
    return re.fullmatch(compact_pattern(call_schema(TOOLS, choice)), text) is not None


def call(name: str, **arguments: Any) -> str:
    return json.dumps({"name": name, "arguments": arguments}, separators=(",", ":"), ensure_ascii=False)


def test_each_tool_takes_its_own_arguments() -> None:
    assert fits("any", call("Recommend", genres=["Horror"], years={"first": 1980, "last": None}))
    assert fits("any", call("Chart", years={"decade": 1990}))
    # both tools call a part of theirs "Years": neither gets the other's
    assert not fits("any", call("Chart", years={"first": 1980, "last": None}))
    assert not fits("any", call("Recommend", genres=["Horror"], years={"decade": 1990}))
    assert not fits("any", call("Recommend", genres=["Western"]))
    assert not fits("any", call("Delete", genres=["Horror"]))


def test_the_choice_decides_what_may_be_said() -> None:
    chart, reply = call("Chart", years={"decade": 1980}), '{"reply":"Gladly! \\"Alien\\" – 千"}'
    assert fits(None, chart) and fits(None, reply) and fits("auto", reply)
    assert not fits("any", reply) and not fits("required", reply)
    assert fits("Chart", chart) and not fits("Recommend", chart)
    with pytest.raises(ValueError, match="'Chrt' is none of Recommend, Chart"):
        call_schema(TOOLS, "Chrt")


def test_there_is_no_room_for_endless_space_or_numbers() -> None:
    assert not fits("any", '{ "name":"Chart","arguments":{"years":{"decade":1980}}}')
    assert not fits("any", call("Recommend", genres=[], years={"first": 10**20, "last": None}))


def test_a_pattern_stays_small() -> None:
    class Loose(BaseModel):
        note: str = Field(max_length=500)

    assert len(compact_pattern(Loose.model_json_schema())) < 300


def test_the_tools_are_told_after_the_system_message() -> None:
    told = with_tools([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}], TOOLS)
    assert [m["role"] for m in told] == ["system", "user"]
    assert told[0]["content"].startswith("Be kind.")
    assert "- Recommend: Recommend films." in told[0]["content"] and "- Chart:" in told[0]["content"]
    assert [m["role"] for m in with_tools([{"role": "user", "content": "Hello"}], TOOLS)] == ["system", "user"]


def test_what_was_decoded_is_read_back() -> None:
    message = called(call("Chart", years={"decade": 1990}), truncated=False)
    (made,) = message.tool_calls
    assert (made["name"], made["args"], message.text) == ("Chart", {"years": {"decade": 1990}}, "")
    reply = called('{"reply":"Gladly!"}', truncated=False)
    assert reply.text == "Gladly!" and not reply.tool_calls


@pytest.mark.parametrize(
    "text", ["", "Gladly!", '{"name":"Chart","argum', '{"name":"Chart"}', "[]", '{"reply":3}', "3"]
)
def test_what_is_neither_is_malformed(text: str) -> None:
    with pytest.raises(MalformedOutput) as caught:
        called(text, truncated=False)
    assert caught.value.raw == text


def test_a_call_that_ran_out_of_tokens_says_so() -> None:
    with pytest.raises(MalformedOutput, match="max_tokens ended it"):
        called('{"name":"Chart","arg', truncated=True)
