"""The language model as a reader of item texts: it fills attributes, and shows for each value the words that say it.

What is not shown in the item's own text is not kept: the words must stand there, a number must stand in the words, a
value must be one that the attribute takes. What is kept lies in recommenders/data/knowledge.py.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages.ai import UsageMetadata
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, create_model

import prompts
from app.errors import DataError, LLMError, MalformedOutput, Stopped
from app.progress import Progress, quiet
from llm.calls import structured, to_chat
from recommenders.data import Catalogue, Dataset, Named, either, knowledge, stands_in
from recommenders.data.knowledge import Declared, Fact, Knowledge, Line

PROMPT = "knowledge"
IN_A_ROW = 5  # failures after which the model is taken to be gone
SECONDS = 300.0  # of one call: nobody waits for it, but a dead one must end
_MOST_TOKENS = 2048  # of an answer that may think before it
_TOKENS, _TOKENS_EACH, _SEVERAL = 40, 60, 3  # of one that is held to the schema: as many values as that where several
_USUAL = 25  # tokens of an answer, on average
_MOST_VALUES = 8
_LEAST = 100  # tokens of an item's text that go into a prompt, however many questions there are
_SHOWN = 40  # characters of a value or of words that are kept of a refused answer
_UNKNOWN = frozenset(("", "unknown", "null", "none", "n/a", "not known", "not stated"))


class Asked:
    """One attribute as it is asked for."""

    def __init__(self, declared: Declared) -> None:
        self.attribute = declared.made
        self.values = declared.values
        self.question = declared.question
        self.digest = declared.digest

    @property
    def name(self) -> str:
        return self.attribute.name

    def line(self) -> str:
        """What the prompt says of it."""
        a = self.attribute
        one = either(self.values) if isinstance(a, Named) and self.values else a.expected
        if a.several:
            one = f"each of {', '.join(self.values)} that the text states" if self.values else "names that the text has"
        elif isinstance(a, Named) and not self.values:
            one = "a name that the text has"
        called = "" if a.said == a.name else f" ({a.said})"
        return f"- {a.name}{called}: {one}. {self.question}".rstrip()

    def schema(self) -> dict[str, Any]:
        """Of its answer. The words come first, so that the value follows from them."""
        one: dict[str, Any] = {
            "type": "object",
            "properties": {"words": {"type": "string"}, "value": self.attribute.writable(self.values)},
            "required": ["words", "value"],
            "additionalProperties": False,
        }
        if self.attribute.several:
            return {"type": "array", "items": one, "maxItems": _MOST_VALUES}
        return {"anyOf": [{"type": "null"}, one]}

    def facts(self, answer: Any, text: str) -> tuple[Fact, ...]:
        """What an answer says, each value checked against the item's text; () where it says that nothing is known."""
        found = [f for given in _each(answer)[:_MOST_VALUES] if (f := self._fact(given, text)) is not None]
        return tuple({f.value.casefold(): f for f in sorted(found, key=lambda f: not f.why)}.values())

    def _fact(self, given: Any, text: str) -> Fact | None:
        value, said = (given.get("value"), given.get("words")) if isinstance(given, dict) else (given, None)
        if value is None or (str(value).strip().lower() in _UNKNOWN and str(value).lower() not in self._names()):
            return None
        shown, quoted = str(value)[:_SHOWN], str(said or "")[:_SHOWN]
        if not isinstance(said, str) or not said.strip():
            return Fact(value=shown, words="", why="no words of the text were given")
        if not stands_in(said, text):
            return Fact(value=shown, words=quoted, why="the words are not in the text")
        try:
            return Fact(value=self.attribute.cell_written(value, said, self.values), words=said.strip())
        except DataError as error:
            return Fact(value=shown, words=quoted, why=str(error))

    def _names(self) -> set[str]:
        return {v.lower() for v in (*self.values, *getattr(self.attribute, "levels", ()))}


def _each(answer: Any) -> list[Any]:
    """The single values of an answer, also where several share the words that say them."""
    if isinstance(answer, list):
        return [one for part in answer for one in _each(part)]
    if isinstance(answer, dict) and isinstance(answer.get("value"), list):
        return [{**answer, "value": value} for value in answer["value"]]
    return [answer]


@lru_cache(maxsize=256)
def answer_schema(asked: tuple[Asked, ...]) -> type[BaseModel]:
    """An object with one member an attribute: told and decoded strictly, read loosely, since a single wrong value is
    no reason to lose the others."""
    names = [a.name for a in asked]
    fields: dict[str, Any] = {
        f"fact_{n}": (Annotated[Any, WithJsonSchema(a.schema())], Field(None, alias=a.name))
        for n, a in enumerate(asked)
    }
    config = ConfigDict(json_schema_extra={"required": [*names], "additionalProperties": False})
    return create_model("Facts", __config__=config, **fields)


# -- planned ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """What is to be asked of one item."""

    item: int
    text: str
    asked: tuple[Asked, ...]


@dataclass(frozen=True)
class Plan:
    """declared  those of the attributes that are new
    tasks     the best known items first
    known     attribute -> cells that are filled, by the owner or an earlier answer
    done      answers of this backend that are there already and say nothing
    textless  items that have no text
    """

    asked: tuple[Asked, ...]
    declared: tuple[Declared, ...]
    tasks: tuple[Task, ...]
    known: dict[str, int]
    done: int
    textless: int
    prompt_tokens: int
    answer_tokens: int


def planned(
    data: Dataset,
    known: Knowledge,
    backend: str,
    declared: Sequence[Declared],
    names: Sequence[str],
    *,
    limit: int | None = None,
    budget: int = 1500,
) -> Plan:
    """What is still to be asked. data: as its owner brought it. budget: tokens of a prompt."""
    c = data.catalogue
    every = {**known.declared, **{d.made.name: d for d in declared}}
    asked = tuple(Asked(knowledge.asked_of(c, name, every)) for name in dict.fromkeys(names))
    blank = {a.name: set(knowledge.blanks(c, a.attribute)) for a in asked}
    filled = {a.name: len(c) - len(blank[a.name]) for a in asked}
    settled = _settled(c, known, backend, asked)
    texts = knowledge.own_texts(c)
    tasks: list[Task] = []
    done = textless = 0
    for item in sorted(range(len(c)), key=lambda i: (-int(data.popularity[i]), i)):
        open_ = [a for a in asked if item in blank[a.name]]
        text = texts[item] if open_ else ""
        textless += bool(open_) and not text
        left = []
        for a in open_ if text else ():
            state = settled.get((c.ids.ids[item], a.name, knowledge.digest(text)), "")
            filled[a.name] += state == "filled"
            done += state == "asked"
            if not state:
                left.append(a)
        if left:
            tasks.append(Task(item, text, tuple(left)))
    chosen = tuple(tasks[:limit])
    spent = sum(_prompt_tokens(task, budget) for task in chosen)
    answers = sum(_USUAL * len(task.asked) for task in chosen)
    new = tuple(d for d in declared if d.made.name in filled)
    return Plan(asked, new, chosen, filled, done, textless, spent, answers)


def _settled(
    catalogue: Catalogue, known: Knowledge, backend: str, asked: Sequence[Asked]
) -> dict[tuple[str, str, str], str]:
    """(item, attribute, digest of the text) -> "filled" by whatever backend, or "asked" of this one in vain."""
    by_name = {a.name: a for a in asked}
    found: dict[tuple[str, str, str], str] = {}
    for line in known.lines.values():
        a = by_name.get(line.attribute)
        if a is None:
            continue
        key = (line.item, line.attribute, line.text)
        if any(not a.values or f.value in a.values for f in line.kept):
            found[key] = "filled"
        elif line.backend == backend and line.question == a.digest:
            found.setdefault(key, "asked")
    return found


def _messages(task: Task, budget: int) -> tuple[prompts.Message, ...]:
    """The prompt; a text that is too long for it loses its end."""
    questions = "\n".join(a.line() for a in task.asked)
    text = task.text
    while prompts.estimate(text) > max(budget - _fixed_tokens(task.asked), _LEAST):
        text = text[: len(text) * 9 // 10].rstrip()
    return prompts.messages(PROMPT, questions=questions, text=text)


@lru_cache(maxsize=256)
def _fixed_tokens(asked: tuple[Asked, ...]) -> int:
    """What a prompt has besides the item's text: the task, the questions, the schema in words."""
    found = prompts.messages(PROMPT, questions="\n".join(a.line() for a in asked), text="")
    schema = json.dumps(answer_schema(asked).model_json_schema())
    return prompts.estimate(schema) + sum(prompts.estimate(m.content) for m in found)


def _prompt_tokens(task: Task, budget: int) -> int:
    fixed = _fixed_tokens(task.asked)
    return fixed + min(prompts.estimate(task.text), max(budget - fixed, _LEAST))


# -- written ----------------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What came of it. kept, unknown: attribute -> answers; refused: (attribute, why) -> values; failed: why -> items;
    end: why it ended before all was asked, "" where all was."""

    kept: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    in_a_row: int = 0
    end: str = ""

    def took(self, lines: Sequence[Line], usage: UsageMetadata | None) -> None:
        self.in_a_row = 0
        self.prompt_tokens += usage["input_tokens"] if usage else 0
        self.answer_tokens += usage["output_tokens"] if usage else 0
        for line in lines:
            self.kept[line.attribute] += bool(line.kept)
            self.unknown[line.attribute] += not line.facts
            self.refused.update((line.attribute, f.why) for f in line.facts if f.why)

    def missed(self, error: LLMError) -> None:
        why = "its answer was not the JSON that was asked for" if isinstance(error, MalformedOutput) else str(error)
        self.failed[why] += 1
        self.in_a_row += 1
        if self.in_a_row >= IN_A_ROW:
            self.end = f"the model failed {self.in_a_row} times in a row, at last: {why}"


def write(
    model: BaseChatModel,
    backend: str,
    catalogue: Catalogue,
    known: Knowledge,
    plan: Plan,
    *,
    workers: int = 1,
    budget: int = 1500,
    repairs: int = 1,
    stop: threading.Event | None = None,
    progress: Progress = quiet,
) -> Outcome:
    """Ask all that is planned, `workers` items at a time, and keep each answer as it comes. Set `stop` to end it: what
    is in flight is lost, nothing else. An item at which the model fails is left for another time; so is all the rest
    after IN_A_ROW failures."""
    stopping = threading.Event() if stop is None else stop
    outcome = Outcome()

    def ask(task: Task) -> tuple[list[Line], UsageMetadata | None]:
        answer = _answer(model, task, budget, repairs, stopping)
        return _lines(answer, task, catalogue.ids.ids[task.item], backend), answer.usage

    with known.writing(), ThreadPoolExecutor(workers) as pool:
        known.declare(plan.declared)
        try:
            for call in _calls(pool, ask, iter(plan.tasks), workers, lambda: not (outcome.end or stopping.is_set())):
                try:
                    lines, usage = call.result()
                except Stopped:
                    continue
                except LLMError as error:
                    outcome.missed(error)
                else:
                    known.put(lines)
                    outcome.took(lines, usage)
                outcome.asked += 1
                progress(outcome.asked, len(plan.tasks), "reading texts")
        finally:
            stopping.set()  # an interrupt does not wait for models
    return outcome


Taken = tuple[list[Line], UsageMetadata | None]


def _calls(
    pool: ThreadPoolExecutor,
    ask: Callable[[Task], Taken],
    tasks: Iterator[Task],
    workers: int,
    going_on: Callable[[], bool],
) -> Iterator[Future[Taken]]:
    """The calls as they end; never more of them begun than there are workers."""
    flying: set[Future[Taken]] = set()
    while True:
        while len(flying) < workers and going_on() and (task := next(tasks, None)) is not None:
            flying.add(pool.submit(ask, task))
        if not flying:
            return
        ended, flying = wait(flying, return_when=FIRST_COMPLETED)
        yield from ended


def _answer(
    model: BaseChatModel, task: Task, budget: int, repairs: int, stop: threading.Event
) -> structured.Structured[BaseModel]:
    held = sum(_TOKENS_EACH * (_SEVERAL if a.attribute.several else 1) for a in task.asked) + _TOKENS
    return structured.generate(
        model,
        to_chat(_messages(task, budget)),
        answer_schema(task.asked),
        stop=stop,
        total_seconds=SECONDS,
        repairs=repairs,
        max_tokens=held if getattr(model, "constrains", False) else _MOST_TOKENS,
    )


def _lines(answer: structured.Structured[BaseModel], task: Task, item_id: str, backend: str) -> list[Line]:
    """One line an attribute that the answer has. MalformedOutput where it has none of them."""
    given = {a: getattr(answer.value, f"fact_{n}") for n, a in enumerate(task.asked)}
    there = [a for n, a in enumerate(task.asked) if f"fact_{n}" in answer.value.model_fields_set]
    if not there:
        raise MalformedOutput(answer.raw, "it has none of the facts")
    text = knowledge.digest(task.text)
    return [
        Line(
            item=item_id,
            attribute=a.name,
            backend=backend,
            text=text,
            question=a.digest,
            facts=a.facts(given[a], task.text),
        )
        for a in there
    ]
