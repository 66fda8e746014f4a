"""Whole turns on twenty films with known answers, and a scripted model: shared by the tests of the controller."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from langchain_core.messages import AIMessage

from app.events import Decision, Done, Fallback, ItemShown, Refused, Reranked, Token, ToolCalled, TurnEvent
from app.settings import Settings
from app.turn.context import Parts, Turn, TurnContext
from app.turn.controller import run_turn
from llm.backends.available import BackendInfo
from llm.backends.scripted import ScriptedChat
from recommenders.contract.registry import get
from recommenders.data.tables import FeedbackKind, UserState
from recommenders.pipeline.pipeline import Pipeline, PipelineConfig
from tests.recommenders.worlds import tiny_films_data

SETTINGS = Settings(first_token_seconds=1.0, total_seconds=3.0, pool=10)


def pipeline(generator: str = "popularity") -> Pipeline:
    data = tiny_films_data()
    return Pipeline(data.catalogue, get(generator)().fit(data), config=PipelineConfig(liked_from=4.0))


def call(name: str, **arguments: object) -> AIMessage:
    """A model's tool call."""
    return AIMessage(content="", tool_calls=[{"name": name, "args": arguments, "id": f"call-{name}"}])


@dataclass
class Conversation:
    """Says one thing after the other, and keeps what came of it."""

    pipeline: Pipeline
    script: list = field(default_factory=list)
    steers: bool = False
    state: UserState = field(default_factory=UserState)
    settings: Settings = SETTINGS
    dialogue: list[Turn] = field(default_factory=list)
    kept: list[tuple[str, FeedbackKind]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    liked: tuple[int, ...] = ()
    speechless: bool = False  # no model at all, so that rules answer alone

    def __post_init__(self) -> None:
        self.model = ScriptedChat(script=self.script)

    def events(self, message: str) -> Iterator[TurnEvent]:
        context = TurnContext(
            tuple(self.dialogue),
            self.state,
            "new user",
            lambda item_id, kind: self.kept.append((item_id, kind)),
            liked=self.liked,
        )
        info = BackendInfo("scripted:test", "scripted", "scripted", True, "", self.steers, True)
        model = None if self.speechless else self.model
        return run_turn(
            message,
            context,
            Parts(info, model, self.pipeline, self.pipeline.generator.name, None),  # type: ignore[arg-type]
            self.settings,
            stop=self.stop,
        )

    def say(self, message: str) -> "Answer":
        answer = Answer(list(self.events(message)), self.pipeline)
        self.dialogue += [
            Turn("user", message),
            Turn("assistant", answer.done.reply, tuple(answer.done.item_ids), tuple(answer.events)),
        ]
        return answer


@dataclass
class Answer:
    events: list[TurnEvent]
    pipeline: Pipeline

    def of(self, kind: type) -> list:
        return [e for e in self.events if isinstance(e, kind)]

    @property
    def done(self) -> Done:
        last = self.events[-1]
        assert isinstance(last, Done)
        assert not [e for e in self.events[:-1] if isinstance(e, Done)]
        return last

    @property
    def decision(self) -> Decision:
        return self.of(Decision)[-1]

    @property
    def titles(self) -> list[str]:
        return [e.title for e in self.of(ItemShown)]

    @property
    def items(self) -> list[int]:
        return [self.pipeline.catalogue.ids.number(e.item_id) for e in self.of(ItemShown)]

    @property
    def reply(self) -> str:
        return self.done.reply

    @property
    def fallbacks(self) -> list[Fallback]:
        return self.of(Fallback)

    @property
    def refused(self) -> list[Refused]:
        return self.of(Refused)

    @property
    def reranked(self) -> Reranked:
        return self.of(Reranked)[-1]

    @property
    def tools(self) -> list[ToolCalled]:
        return self.of(ToolCalled)

    @property
    def tokens(self) -> str:
        return "".join(e.text for e in self.of(Token))
