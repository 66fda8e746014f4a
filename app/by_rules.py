"""A turn that rules lead: understand, call tools, show; the model, if it may, adds one checked sentence.

Items and their reasons appear from evidence before any model is asked, so the first visible answer does not wait for
one. Also the path on which a turn ends when a model that leads has failed.
"""

import threading
import time
from collections.abc import Generator, Iterator, Mapping

from app import tools, wording
from app.desk import Desk, Outcome, ToolError
from app.events import (
    CandidatesFound,
    Decision,
    ItemShown,
    Place,
    Refused,
    Reranked,
    Token,
    ToolCalled,
    TurnEvent,
)
from app.gate import Gate
from app.settings import Settings
from app.understanding import Understanding, understand
from app.wording import Voice
from recommenders.request import Candidate, Explanation, Request

CARD_LATEST = 20  # history items tried for the reasons on a card; "why?" tries more


def turn(message: str, desk: Desk, settings: Settings, stop: threading.Event) -> Iterator[TurnEvent]:
    """The events between Started and Done."""
    began = time.perf_counter()
    understood = understand(message, desk.table, desk.linker, k=settings.picks)
    yield decision(understood, time.perf_counter() - began)
    yield from act(understood, desk)


def decision(u: Understanding, seconds: float) -> Decision:
    return Decision(
        action=u.action,
        by="rules",
        arguments=dict(u.arguments),
        understood=list(u.understood),
        unmatched=list(u.unmatched),
        seconds=seconds,
    )


def act(u: Understanding, desk: Desk) -> Iterator[TurnEvent]:
    """Do what was understood, without any model."""
    said: list[str] = []
    outcome: Outcome | None = None
    for call in u.calls:
        outcome = yield from call_tool(call.tool, call.arguments, desk)
        if outcome is not None and outcome.kind is not None:
            said.append(wording.noted(voice(desk), outcome.items, outcome.kind))
    if said:
        yield Token(text=" ".join(said) + "\n\n")
    if outcome is not None and outcome.recommendation is not None:
        yield from show(desk, outcome, u)
    elif outcome is None or outcome.kind is None:
        yield Token(text=answer(desk, u, outcome))
    elif u.unmatched:
        yield Token(text=wording.remarks("", u.unmatched))


def call_tool(name: str, arguments: Mapping[str, object], desk: Desk) -> Generator[TurnEvent, None, Outcome | None]:
    """Run one tool; returns its Outcome, or None after an error, which is in the trace."""
    began = time.perf_counter()
    try:
        outcome = tools.call(name, desk, arguments)
    except ToolError as error:
        yield ToolCalled(name=name, arguments=dict(arguments), error=str(error), seconds=time.perf_counter() - began)
        return None
    yield ToolCalled(name=name, arguments=dict(arguments), summary=outcome.summary, seconds=time.perf_counter() - began)
    found = outcome.recommendation
    if found is not None:
        ids = desk.catalogue.ids.ids
        yield CandidatesFound(
            item_ids=[ids[c.item] for c in found.candidates],
            qualified=found.qualified,
            generator=found.generator,
            ranker=found.ranker,
            note=found.note,
            stages=dict(found.seconds),
        )
    return outcome


def voice(desk: Desk) -> Voice:
    pipeline = desk.parts.pipeline
    return Voice(desk.catalogue, desk.state, pipeline.config.liked_from, desk.parts.generator)


def show(desk: Desk, outcome: Outcome, u: Understanding) -> Iterator[TurnEvent]:
    """The best candidates as cards, then the sentence above them."""
    found, request = outcome.recommendation, outcome.request
    assert found is not None and request is not None
    chosen = list(found.candidates)[: request.k]
    yield Reranked(item_ids=[desk.catalogue.ids.ids[c.item] for c in chosen], by="rules")
    shown = yield from cards(desk, chosen, request)
    text = wording.opening(shown, u.understood, u.topic, bool(desk.state.items))
    remarks = wording.remarks(found.note, (*u.unmatched, *outcome.unmatched))
    yield Token(text=f"{text}\n\n{remarks}" if remarks else text)


def cards(desk: Desk, chosen: list[Candidate], request: Request) -> Generator[TurnEvent, None, int]:
    """Pass each pick through the gate and show it with its reasons; returns how many were shown."""
    gate = Gate(desk.catalogue, desk.state, request)
    passed: list[Candidate] = []
    for candidate in chosen:
        if objection := gate.admit(candidate.item):
            label = desk.label(candidate.item) if 0 <= candidate.item < len(desk.catalogue) else str(candidate.item)
            yield Refused(text=label, why=objection, violation=True)
        else:
            passed.append(candidate)
    explanations = desk.explain([c.item for c in passed], request, latest=CARD_LATEST) if passed else ()
    speaker = voice(desk)
    for position, (candidate, explanation) in enumerate(zip(passed, explanations, strict=True), start=1):
        yield card(desk, candidate, explanation, position, request, speaker)
    return len(passed)


def card(
    desk: Desk, candidate: Candidate, explanation: Explanation, position: int, request: Request, speaker: Voice
) -> ItemShown:
    c, item = desk.catalogue, candidate.item
    return ItemShown(
        item_id=c.ids.ids[item],
        position=position,
        title=c.titles[item],
        year=int(c.years[item]) or None,
        genres=list(c.genres[item]),
        reasons=wording.reasons(speaker, explanation, request),
        places=[Place(source=p.source, rank=p.rank, score=p.score) for p in candidate.provenance],
    )


def answer(desk: Desk, u: Understanding, outcome: Outcome | None) -> str:
    """The deterministic words for everything that shows no cards."""
    speaker = voice(desk)
    request = desk.latest_request()
    remarks = wording.remarks("", u.unmatched)
    if u.action == "clarify":
        return " ".join(filter(None, [remarks, wording.question(speaker, u.topic, desk.table.shown)]))
    if outcome is None:
        return " ".join(filter(None, [remarks, wording.talk(u.topic)]))
    if u.action == "explain":
        if u.why_not:
            text = "\n\n".join(wording.why_not(speaker, e, request, desk.table.shown) for e in outcome.explanations)
        else:
            brief = len(outcome.explanations) > 1
            text = "\n\n".join(wording.why(speaker, e, request, brief=brief) for e in outcome.explanations)
    elif u.action == "compare":
        text = wording.comparison(speaker, outcome.explanations)
    else:
        text = wording.facts(speaker, outcome.items, u.fact)
    return "\n\n".join(filter(None, [text, remarks]))
