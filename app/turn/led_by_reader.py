"""A turn that rules lead: understand, call tools, show; the model adds one sentence, if it passes its check.

Items and their reasons appear from evidence before any model is asked, so the first visible answer does not wait for
one. Also the path on which a turn ends when a model that leads has failed (then without any model).

What a model of 135M parameters is not asked for, because it was measured to do it badly (docs/lab-log.md): telling a
request from small talk, filling slots, picking from a list, small talk itself.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace

from app.errors import LLMError, Stopped
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
from app.settings import Settings
from app.turn import asking, tools
from app.turn.alongside import alongside
from app.turn.answers import (
    Gate,
    Voice,
    check,
    for_opening,
    for_reason,
    item_facts,
    reasons,
    sentences,
    standing_out,
    wording,
)
from app.turn.desk import Desk, Outcome, ToolError
from app.turn.meaning import meant
from app.turn.tools import compare, explain, lookup, recommend, remember
from app.understanding import (
    About,
    Act,
    Ask,
    Clarify,
    Compare,
    Heard,
    Judge,
    Wants,
    Why,
    read,
    shipped,
    understand,
)
from app.understanding import told as wants_told
from llm.calls import to_chat
from prompts import Contexts, build
from recommenders.contract import Candidate, Request

CARD_LATEST = 20  # history items tried for the reasons on a card; "why?" tries more
_OPENING_TOKENS = 40


def turn(message: str, desk: Desk, settings: Settings, stop: threading.Event) -> Iterator[TurnEvent]:
    """The events between Started and Done."""
    began = time.perf_counter()
    encoder = None
    if settings.small_encoder:
        try:
            encoder = shipped()
        except LLMError as error:
            yield asking.fallback("understanding", error, time.perf_counter() - began)
    if encoder is None:
        heard = understand(message, desk.table, desk.linker)
    else:
        said = [turn.text for turn in desk.context.dialogue if turn.role == "user"]
        heard = read(message, desk.table, desk.linker, encoder, previous=said[-1] if said else "")
    heard = alongside(meant(heard, message, desk), message, desk)
    yield decision(heard, desk, time.perf_counter() - began)
    yield from act(heard, desk, settings, stop)


def pressed(wants: Wants, desk: Desk, settings: Settings, stop: threading.Event) -> Iterator[TurnEvent]:
    """The events of a turn whose wants were pressed: there is nothing to read."""
    kept = wants.changed(conditions=desk.known(wants.conditions))
    said = wants_told(kept, desk.catalogue.schema, [desk.label(i) for i in desk.rows(kept.like)])
    heard = Heard((Ask(kept),), understood=said, by="person")
    yield decision(heard, desk, 0.0)
    yield from act(heard, desk, settings, stop)


def decision(heard: Heard, desk: Desk, seconds: float) -> Decision:
    return Decision(
        action=heard.action,
        by=heard.by,
        second=heard.second,
        wants=heard.wants,
        items=[desk.item_id(i) for i in heard.items],
        understood=list(heard.understood),
        unmatched=list(heard.unmatched),
        along=heard.along,
        seconds=seconds,
    )


def act(
    heard: Heard, desk: Desk, settings: Settings, stop: threading.Event, *, model: bool = True
) -> Iterator[TurnEvent]:
    """Do what was understood, act by act. model: whether the language model may speak."""
    said: list[str] = []
    outcome: Outcome | None = None
    for one in heard.acts:
        outcome = yield from _acted(one, desk)
        if outcome is not None and outcome.kind is not None:
            said.append(wording.noted(voice(desk), outcome.items, outcome.kind))
    if heard.along and heard.action == "clarify":
        said += [wording.remarks("", heard.unmatched), wording.question(voice(desk), heard.topic, ())]
        heard = replace(heard, unmatched=())
    if said:
        yield Token(text=" ".join(said) + "\n\n")
    if outcome is not None and outcome.recommendation is not None:
        yield from show(desk, outcome, heard, settings, stop, model=model)
    elif outcome is None or outcome.kind is None:
        yield Token(text=answer(desk, heard, outcome))
    elif heard.unmatched:
        yield Token(text=wording.remarks("", heard.unmatched))


def _acted(act: Act, desk: Desk) -> Generator[TurnEvent, None, Outcome | None]:
    """What an act comes to; None for one that needs no tool, or whose tool could not serve it."""
    match act:
        case Ask(wants=wants):
            called = yield from called_tool("recommend", lambda: recommend(desk, wants=wants), wants_shown(wants), desk)
        case Judge(items=items, kind=kind):
            said = {"items": _labels(items, desk), "kind": kind}
            called = yield from called_tool("remember", lambda: remember(desk, items=items, kind=kind), said, desk)
        case About(items=items):
            called = yield from called_tool("lookup", lambda: lookup(desk, items=items), _named(items, desk), desk)
        case Why(items=items):
            called = yield from called_tool("explain", lambda: explain(desk, items=items), _named(items, desk), desk)
        case Compare(items=items):
            called = yield from called_tool("compare", lambda: compare(desk, items=items), _named(items, desk), desk)
        case _:
            return None
    return None if isinstance(called, ToolError) else called


def _labels(items: Sequence[int], desk: Desk) -> list[str]:
    return [desk.label(i) for i in items]


def _named(items: Sequence[int], desk: Desk) -> dict[str, object]:
    return {"items": _labels(items, desk)}


def wants_shown(wants: Wants) -> dict[str, object]:
    """Wants as the trace shows them."""
    return wants.model_dump(mode="json", exclude_defaults=True)


def call_tool(
    name: str, arguments: Mapping[str, object], desk: Desk
) -> Generator[TurnEvent, None, Outcome | ToolError]:
    """Run a tool with what a model gave; returns its Outcome, or the error, which is in the trace too."""
    return (yield from called_tool(name, lambda: tools.call(name, desk, arguments), arguments, desk))


def called_tool(
    name: str, run: Callable[[], Outcome], arguments: Mapping[str, object], desk: Desk
) -> Generator[TurnEvent, None, Outcome | ToolError]:
    began = time.perf_counter()
    try:
        outcome = run()
    except ToolError as error:
        yield ToolCalled(name=name, arguments=dict(arguments), error=str(error), seconds=time.perf_counter() - began)
        return error
    yield ToolCalled(name=name, arguments=dict(arguments), summary=outcome.summary, seconds=time.perf_counter() - began)
    found = outcome.recommendation
    if found is not None:
        yield CandidatesFound(
            item_ids=[desk.item_id(c.item) for c in found.candidates],
            qualified=found.qualified,
            generator=found.generator,
            ranker=found.ranker,
            note=found.note,
            stages=dict(found.seconds),
        )
        if desk.parts.explorer is not None and found.origins:
            yield desk.parts.explorer.event({desk.item_id(item): origin for item, origin in found.origins.items()})
    return outcome


def voice(desk: Desk) -> Voice:
    pipeline = desk.parts.pipeline
    read = pipeline.wishes is not None  # what reads wishes says what they called for; no second encoder is asked
    encoder = None if read or pipeline.texts is None else pipeline.texts.encoder
    return Voice(desk.catalogue, desk.state, pipeline.config.liked_from, desk.parts.generator, encoder)


def show(
    desk: Desk, outcome: Outcome, u: Heard, settings: Settings, stop: threading.Event, *, model: bool
) -> Iterator[TurnEvent]:
    """The best candidates as cards, then the sentence above them."""
    found, request = outcome.recommendation, outcome.request
    assert found is not None and request is not None
    chosen = list(found.candidates)[: request.k]
    yield Reranked(item_ids=[desk.item_id(c.item) for c in chosen], by="rules")
    shown = yield from cards(desk, chosen, request)
    text = wording.opening(
        voice(desk),
        shown,
        request,
        topic=u.topic,
        understood=u.understood,
        more=u.wants.others and bool(desk.table.ever),
        order=u.wants.order,
    )
    told = bool(request.wish) and desk.parts.pipeline.wishes is not None  # a small model garbles a long wish
    spoken = model and bool(shown) and not told and desk.parts.model is not None
    if spoken and not request.relatives and u.wants.order is None:  # rules name the order, and what is missing
        text = (yield from _spoken_opening(desk, request, shown, u, settings, stop)) or text
    remarks = wording.remarks(found.note, (*u.unmatched, *outcome.unmatched))
    if request.relatives:  # that it is missing comes before what stands in for it
        text, remarks = " ".join(filter(None, [remarks, text])), ""
    yield Token(text=f"{text}\n\n{remarks}" if remarks else text)


def cards(
    desk: Desk, chosen: list[Candidate], request: Request, spoken: Mapping[int, str] | None = None
) -> Generator[TurnEvent, None, int]:
    """Pass each pick through the gate and show it with its reasons; returns how many were shown.

    spoken  what a model says of picks: each sentence is checked, and left out when it goes beyond the evidence
    """
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
    c = desk.catalogue
    told_apart = standing_out(c, [p.item for p in passed])
    for position, (candidate, explanation) in enumerate(zip(passed, explanations, strict=True), start=1):
        item = candidate.item
        said: list[str] = []
        for sentence in sentences((spoken or {}).get(item, ""))[:2]:
            if (verdict := check(sentence, for_reason(speaker, explanation, request))).ok:
                said.append(sentence)
            else:
                yield Refused(text=sentence, why=verdict.why)
        yield ItemShown(
            item_id=c.ids.ids[item],
            position=position,
            title=c.titles[item],
            year=int(c.years[item]) or None,
            genres=list(c.genres[item]),
            reasons=reasons.reasons(speaker, explanation, request, said),
            standing_out=told_apart.get(item),
            places=[Place(source=p.source, rank=p.rank, score=p.score) for p in candidate.provenance],
        )
    return len(passed)


def _spoken_opening(
    desk: Desk, request: Request, shown: int, u: Heard, settings: Settings, stop: threading.Event
) -> Generator[TurnEvent, None, str]:
    """One sentence of the model over the facts of the request, or "" when it has none that passes."""
    speaker = voice(desk)
    before, behind = wording.asked(speaker, request)
    noun = next(iter(desk.catalogue.nouns), "picks")
    facts = " ".join(
        filter(None, [str(shown), before, noun.removesuffix("s") if shown == 1 else noun, ", ".join(behind)])
    )
    prompt = build("opening", Contexts(query=facts), settings.prompt_tokens, facts=facts, noun=noun)
    yield asking.built(prompt, "reply")
    began = time.perf_counter()
    try:
        answer = yield from asking.ask(
            desk.parts.model.bind(stop=["\n"]),
            to_chat(prompt.messages),
            "reply",
            settings,
            stop,
            max_tokens=_OPENING_TOKENS,
        )
    except Stopped:
        return ""
    except LLMError as error:
        failed = asking.fallback("opening", error, time.perf_counter() - began)
        yield failed
        yield Token(text=wording.bypassed(failed.why) + "\n\n")
        return ""
    spoken = sentences(answer.text)[:1]
    if not spoken:
        yield Refused(text=answer.text, why="nothing is said")
        return ""
    verdict = check(spoken[0], for_opening(speaker, request, shown))
    if not verdict.ok:
        yield Refused(text=spoken[0], why=verdict.why)
        return ""
    missed = _missed(spoken[0], before, behind)
    hello = "Hello! " if u.topic == "greeting" else ""
    return hello + spoken[0] + (f" ({', '.join(missed)})" if missed else "")


def _missed(sentence: str, before: str, behind: tuple[str, ...]) -> list[str]:
    """What was asked and the sentence does not repeat: it is added, so that the person sees what was understood."""
    said = sentence.casefold()
    return [x for x in (before, *behind) if x and x.strip("“”").casefold().removeprefix("for “") not in said]


def answer(desk: Desk, heard: Heard, outcome: Outcome | None) -> str:
    """The deterministic words for everything that shows no cards."""
    speaker, act = voice(desk), heard.leading
    remarks = wording.remarks("", heard.unmatched)
    if isinstance(act, Clarify):
        return " ".join(filter(None, [remarks, wording.question(speaker, act.topic, desk.table.shown)]))
    if outcome is None:
        return " ".join(filter(None, [remarks, wording.talk(heard.topic)]))
    if isinstance(act, About) and act.unanswered:
        return remarks
    return "\n\n".join(filter(None, [told(desk, act, outcome), remarks]))


def told(desk: Desk, act: Act, outcome: Outcome) -> str:
    """What an act about items is answered with, from evidence."""
    speaker = voice(desk)
    if isinstance(act, Why):
        return _reasons(desk, act, outcome)
    if isinstance(act, Compare):
        return _compared(speaker, act, outcome)
    return item_facts.facts(speaker, outcome.items, act if isinstance(act, About) else About(outcome.items))


def _compared(speaker: Voice, act: Compare, outcome: Outcome) -> str:
    if act.by is not None:
        return item_facts.ordered(speaker, outcome.items, act.by)
    if act.tests:
        return item_facts.meeting(speaker, outcome.items, act.tests)
    several = outcome.explanations[:5]
    told = item_facts.beside(speaker.catalogue, [e.item for e in several])
    return " ".join([*told, *reasons.first_of(speaker, several)])


def _reasons(desk: Desk, act: Why, outcome: Outcome) -> str:
    speaker, request = voice(desk), desk.request_behind(outcome.items)
    if act.not_picked:
        return "\n\n".join(reasons.why_not(speaker, e, request, desk.table.shown) for e in outcome.explanations)
    brief = len(outcome.explanations) > 1
    text = "\n\n".join(reasons.why(speaker, e, request, brief=brief) for e in outcome.explanations)
    if act.quality:
        return f"Whether it is good I cannot judge; what I can say is why it may suit you. {text}"
    return text
