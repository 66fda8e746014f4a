"""The model's choice among candidates: picks by number, in an order of the list that tells nothing.

Models prefer what stands first (Hou et al., arXiv 2305.08845), so the list is shuffled, by a seed of the message and
the items: the same turn reads the same, and the recommender's order is not given away. Where each pick stood is in the
trace, so that a model which only takes the first ones is seen.
"""

import random
import threading
import time
import zlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, Field, create_model

from app.errors import MalformedOutput
from app.events import Reranked, TurnEvent
from app.settings import Settings
from app.turn import asking
from app.turn.answers import wording
from app.turn.desk import Desk, Outcome
from llm.calls import structured, to_chat
from prompts import Contexts, build
from recommenders.contract import Candidate

_TOKENS_A_PICK, _TOKENS_OPENING = 60, 60


@dataclass(frozen=True)
class Choice:
    """picks best first; places: where each stood in the prompt, 1-based; reasons: item -> the model's words."""

    picks: tuple[Candidate, ...]
    by_model: bool = False
    places: tuple[int, ...] = ()
    refused: tuple[str, ...] = ()
    reasons: Mapping[int, str] = field(default_factory=dict)
    opening: str = ""

    def event(self, desk: Desk) -> Reranked:
        return Reranked(
            item_ids=[desk.item_id(c.item) for c in self.picks],
            by="model" if self.by_model else "rules",
            refused=list(self.refused),
            places=list(self.places),
        )


class Pick(BaseModel):
    number: int
    reason: str = ""


class Picks(BaseModel):
    """Lenient on purpose: a wrong number is refused one by one and counted, not answered with a repair."""

    picks: list[Pick]
    opening: str = ""


def schema(n: int, k: int) -> type[Picks]:
    """Picks whose JSON schema names the numbers 1..n and at most k picks, for backends that decode under it."""
    number = Annotated[int, Field(json_schema_extra={"enum": list(range(1, n + 1))})]
    reason = Annotated[str, Field(json_schema_extra={"maxLength": 160})]
    one: Any = create_model("Pick", __base__=Pick, number=(number, ...), reason=(reason, ""))
    many = Annotated[list[one], Field(json_schema_extra={"minItems": min(k, n), "maxItems": min(k, n)})]
    opening = Annotated[str, Field(json_schema_extra={"maxLength": 160})]
    made: type[Picks] = create_model("Picks", __base__=Picks, picks=(many, ...), opening=(opening, ""))
    return made


def choose(
    contexts: Contexts, outcome: Outcome, desk: Desk, settings: Settings, stop: threading.Event, voice: wording.Voice
) -> Generator[TurnEvent, None, Choice]:
    """Ask the model for its picks. LLMError when it fails; MalformedOutput also when no pick is a candidate."""
    found, request = outcome.recommendation, outcome.request
    assert found is not None and request is not None
    order = list(found.candidates)
    random.Random(zlib.crc32(f"{contexts.query}|{[c.item for c in order]}".encode())).shuffle(order)
    before, behind = wording.asked(voice, request)
    prompt = build(
        "choose",
        contexts,
        settings.prompt_tokens,
        understood=" ".join(filter(None, [before, ", ".join(behind)])) or "nothing in particular",
        candidates="\n".join(f"{n}. {desk.facts(c.item)}" for n, c in enumerate(order, start=1)),
        k=min(request.k, len(order)),
    )
    yield asking.built(prompt, "rerank")
    began = time.perf_counter()
    answer = structured.generate(
        desk.parts.model,
        to_chat(prompt.messages),
        schema(len(order), request.k),
        stop=stop,
        first_token_seconds=settings.first_token_seconds,
        total_seconds=settings.total_seconds,
        repairs=settings.repairs,
        max_tokens=_TOKENS_OPENING + _TOKENS_A_PICK * request.k,
    )
    yield asking.answered("rerank", answer.raw, answer.usage, time.perf_counter() - began, None)
    if answer.repaired:
        yield asking.repaired(answer.messages)
    return _read(answer.value, order, list(found.candidates), request.k, answer.raw)


def _read(value: Picks, order: list[Candidate], by_rank: list[Candidate], k: int, raw: str) -> Choice:
    """Numbers to candidates; what is none of them, or named twice, is refused; a short list is filled by rank."""
    picks: list[Candidate] = []
    places: list[int] = []
    refused: list[str] = []
    reasons: dict[int, str] = {}
    for pick in value.picks:
        if not 1 <= pick.number <= len(order):
            refused.append(f"{pick.number} (no number of the list)")
        elif order[pick.number - 1] in picks:
            refused.append(f"{pick.number} (named twice)")
        elif len(picks) == k:
            refused.append(f"{pick.number} (one too many)")
        else:
            candidate = order[pick.number - 1]
            picks.append(candidate)
            places.append(pick.number)
            reasons[candidate.item] = pick.reason
    if not picks:
        raise MalformedOutput(raw, f"none of its picks is a candidate: {', '.join(refused) or 'it named none'}")
    picks += [c for c in by_rank if c not in picks][: k - len(picks)]
    return Choice(tuple(picks), True, tuple(places), tuple(refused), reasons, value.opening)
