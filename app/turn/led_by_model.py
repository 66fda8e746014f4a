"""A turn that a capable model leads: it chooses tools, chooses among candidates, and speaks; everything is checked.

Four straight steps: decide (tool calls, a bounded number, errors shown back), guard (hard constraints that the rules
read in the message are added where the model forgot them), choose (picks by number out of the candidates), speak
(sentence by sentence through the grounding check). Whatever breaks, the rules end the turn, and the reply says so.
"""

import json
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from app.errors import LLMError, MalformedOutput, Stopped
from app.events import Decision, Fallback, Refused, Token, TurnEvent
from app.settings import Settings
from app.turn import asking, led_by_reader, tools
from app.turn.alongside import alongside
from app.turn.answers import check, for_opening, for_reason, for_table, harmless, sentences, wording
from app.turn.choosing import Choice, choose
from app.turn.desk import Desk, Outcome, ToolError
from app.understanding import About, Act, Action, Compare, Heard, Why, told, understand
from llm.calls import to_chat
from prompts import Contexts, build, estimate
from recommenders.contract import Request

MAX_CALLS = 4
"""Model calls of one decision: remember, a failed call shown back, and the call that answers, with one to spare."""
HISTORY = 40
"""History items that a prompt may name, the latest ones."""
_ACTIONS: dict[str, Action] = {
    "recommend": "recommend",
    "search": "recommend",
    "similar": "similar",
    "lookup": "ask_item",
    "explain": "explain",
    "compare": "compare",
    "remember": "feedback",
}
_CONSTRAINED = ("recommend", "similar")


@dataclass(frozen=True)
class _Decided:
    """What the model's calls came to. `reply`: its words when it called nothing that answers."""

    outcome: Outcome | None
    tool: str
    noted: tuple[str, ...]
    reply: str


def turn(message: str, desk: Desk, settings: Settings, stop: threading.Event) -> Iterator[TurnEvent]:
    """The events between Started and Done."""
    rules = understand(message, desk.table, desk.linker)
    began = time.perf_counter()
    try:
        decided = yield from _decide(message, rules, desk, settings, stop)
    except Stopped:
        return
    except LLMError as error:
        yield from _by_rules(asking.fallback("decide", error, time.perf_counter() - began), rules, desk, settings, stop)
        return
    if decided.noted:
        yield Token(text=" ".join(decided.noted) + "\n\n")
    outcome = decided.outcome
    if outcome is None or outcome.kind is not None:
        yield from _talk(decided, rules, desk, settings, stop)
    elif outcome.recommendation is not None:
        yield from _recommend(message, decided, outcome, desk, settings, stop)
    else:
        yield from _explain(message, decided, outcome, rules, desk, settings, stop)


def _by_rules(
    fallback: Fallback, rules: Heard, desk: Desk, settings: Settings, stop: threading.Event
) -> Iterator[TurnEvent]:
    """The visible word that the model was bypassed, and the whole answer by rules."""
    yield fallback
    yield Token(text=wording.bypassed(fallback.why) + "\n\n")
    rules = alongside(rules, desk.message, desk)
    yield led_by_reader.decision(rules, desk, 0.0)
    yield from led_by_reader.act(rules, desk, settings, stop, model=False)


# -- decide -----------------------------------------------------------------------------------------------------------


def contexts(message: str, desk: Desk) -> Contexts:
    """The five contexts of this turn."""
    speaker = led_by_reader.voice(desk)
    state = desk.state
    history = tuple(
        f"{desk.label(i)}{' (liked)' if speaker.liked(i) else ''}" for i in dict.fromkeys(state.items[-HISTORY:])
    )
    rejected = f"; rejected: {speaker.labels(state.disliked, 10)}" if state.disliked else ""
    dialogue = []
    ids = desk.catalogue.ids
    for turn_ in desk.context.dialogue:
        shown = [desk.label(ids.number(i)) for i in turn_.item_ids if i in ids]
        listed = f" [showed {'; '.join(f'#{n} {x}' for n, x in enumerate(shown, start=1))}]" if shown else ""
        dialogue.append(("person" if turn_.role == "user" else "you", turn_.text[:600] + listed))
    described = "\n".join(f"- {name}: {tools.get(name).description}" for name in tools.names())
    return Contexts(message, described, desk.context.profile_label + rejected, history, tuple(dialogue))


def _decide(
    message: str, rules: Heard, desk: Desk, settings: Settings, stop: threading.Event
) -> Generator[TurnEvent, None, _Decided]:
    """Tool calls of the model until one answers; LLMError when it fails or goes on making mistakes."""
    began = time.perf_counter()
    schemas = tools.schemas(desk.catalogue)
    # the budget is for what changes; the tools are the same every turn, and in the prefix cache
    prompt = build("decide", contexts(message, desk), settings.prompt_tokens)
    prompt = replace(prompt, estimated_tokens=prompt.estimated_tokens + estimate(json.dumps(schemas)))
    yield asking.built(prompt, "decide", time.perf_counter() - began)
    model = desk.parts.model.bind_tools(schemas)
    messages: list[BaseMessage] = to_chat(prompt.messages)
    noted: list[str] = []
    mistakes = 0
    kept: Outcome | None = None
    for _ in range(MAX_CALLS):
        began = time.perf_counter()
        answer = yield from asking.ask(model, messages, "decide", settings, stop)
        calls, broken = _calls(answer)
        if not calls and not broken:
            yield _decision(None, kept, (), rules, desk, time.perf_counter() - began, answer.text)
            return _Decided(kept, "", tuple(noted), answer.text)
        messages.append(AIMessage(content=answer.text, tool_calls=calls))
        errors = list(broken)
        for call in calls:
            arguments, more = _guarded(call["name"], call["args"], rules, desk)
            outcome = yield from led_by_reader.call_tool(call["name"], arguments, desk)
            if isinstance(outcome, ToolError):
                errors.append(str(outcome))
                said = f"error: {outcome}"
                messages.append(ToolMessage(content=said, tool_call_id=call["id"] or "", name=call["name"]))
                continue
            if outcome.kind is not None:
                noted.append(wording.noted(led_by_reader.voice(desk), outcome.items, outcome.kind))
                kept = outcome
                messages.append(ToolMessage(content=outcome.summary, tool_call_id=call["id"] or "", name=call["name"]))
                continue
            yield _decision(call["name"], outcome, more, rules, desk, time.perf_counter() - began)
            return _Decided(outcome, call["name"], tuple(noted), answer.text)
        if broken:
            messages.append(HumanMessage(content=f"That was no usable call: {'; '.join(broken)}. Try again."))
        if errors:
            mistakes += 1
            if mistakes > settings.repairs:
                raise MalformedOutput(asking.said(answer), "; ".join(errors))
    if kept is not None:
        yield _decision("remember", kept, (), rules, desk, 0.0)
        return _Decided(kept, "remember", tuple(noted), "")
    raise MalformedOutput("", f"no answer after {MAX_CALLS} calls")


def _calls(answer: AIMessage) -> tuple[list[Any], list[str]]:
    """The calls of an answer, and what was wrong with those that cannot be read."""
    broken = [
        f"{c['name'] or 'a call'}: {c.get('error') or 'arguments are not JSON'}" for c in answer.invalid_tool_calls
    ]
    return list(answer.tool_calls), broken


def _guarded(
    name: str, arguments: Mapping[str, object], rules: Heard, desk: Desk
) -> tuple[dict[str, object], tuple[str, ...]]:
    """The arguments with the hard conditions that the rules read and the model left out, and those in words.

    A condition that a person stated must hold, whoever leads; so what the rules found is added where the model said
    nothing on the same attribute, and what they found unwanted in any case.
    """
    given = {k: v for k, v in dict(arguments).items() if v not in (None, "", [])}
    if name not in _CONSTRAINED or not rules.shows:
        return given, ()
    added: dict[str, object] = {}
    for a in desk.catalogue.schema.heard:
        mine = rules.wants.of(a.name)
        keys = tuple(a.properties(()))
        if f"without_{a.name}" in keys:
            unwanted = [v for c in mine if c.excludes for v in c.values]
            have = {str(x).casefold() for x in _list(given.get(f"without_{a.name}"))}
            if missing := [v for v in unwanted if str(v).casefold() not in have]:
                added[f"without_{a.name}"] = [*_list(given.get(f"without_{a.name}")), *missing]
        wanted = [c for c in mine if not c.excludes]
        if not any(k in given for k in keys if not k.startswith("without_")):
            added |= {k: v for c in wanted for k, v in a.arguments(c).items()}
    for key, value in (("count", rules.wants.count), ("more", rules.wants.others), ("include_seen", rules.wants.again)):
        if value and key not in given:
            added[key] = value
    return {**given, **added}, tuple(sorted(added))


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _decision(
    tool: str | None,
    outcome: Outcome | None,
    added: tuple[str, ...],
    rules: Heard,
    desk: Desk,
    seconds: float,
    reply: str = "",
) -> Decision:
    if tool is None:
        action: Action = "feedback" if outcome is not None else "clarify" if reply.rstrip().endswith("?") else "chat"
        return Decision(action=action, by="model", seconds=seconds)
    assert outcome is not None
    return Decision(
        action=_ACTIONS.get(tool, "recommend"),
        by="model",
        wants=outcome.wants,
        items=[] if outcome.recommendation is not None else [desk.item_id(i) for i in outcome.items],
        understood=_understood(outcome, added, desk),
        unmatched=list(outcome.unmatched or rules.unmatched),
        seconds=seconds,
    )


def _understood(outcome: Outcome, added: tuple[str, ...], desk: Desk) -> list[str]:
    if outcome.request is None or outcome.recommendation is None:
        return []
    said = list(told(outcome.wants, desk.catalogue.schema))
    return [*said, *([f"added by the rules: {', '.join(added)}"] if added else [])]


# -- choose -----------------------------------------------------------------------------------------------------------


def _recommend(
    message: str, decided: _Decided, outcome: Outcome, desk: Desk, settings: Settings, stop: threading.Event
) -> Iterator[TurnEvent]:
    """The model picks among the candidates; the rules do when it cannot."""
    found, request = outcome.recommendation, outcome.request
    assert found is not None and request is not None
    choice = Choice(tuple(found.candidates[: request.k]))
    if len(found.candidates) > 1:
        began = time.perf_counter()
        try:
            choice = yield from choose(
                contexts(message, desk), outcome, desk, settings, stop, led_by_reader.voice(desk)
            )
        except Stopped:
            return
        except LLMError as error:
            failed = asking.fallback("rerank", error, time.perf_counter() - began)
            yield failed
            yield Token(text=wording.bypassed(failed.why) + "\n\n")
            choice = Choice(tuple(found.candidates[: request.k]))
    yield choice.event(desk)
    shown = yield from led_by_reader.cards(desk, list(choice.picks), request, choice.reasons)
    speaker = led_by_reader.voice(desk)
    text = wording.opening(speaker, shown, request, more=bool(request.exclude - set(request.like)))
    if choice.opening and shown:
        text = (yield from _checked_opening(choice.opening, speaker, request, shown)) or text
    remarks = wording.remarks(found.note, outcome.unmatched)
    yield Token(text=f"{text}\n\n{remarks}" if remarks else text)


def _checked_opening(
    opening: str, speaker: wording.Voice, request: Request, shown: int
) -> Generator[TurnEvent, None, str]:
    sentence = next(iter(sentences(opening)), "")
    verdict = check(sentence, for_opening(speaker, request, shown))
    if verdict.ok:
        return sentence
    yield Refused(text=sentence, why=verdict.why)
    return ""


# -- speak ------------------------------------------------------------------------------------------------------------


def _explain(
    message: str,
    decided: _Decided,
    outcome: Outcome,
    rules: Heard,
    desk: Desk,
    settings: Settings,
    stop: threading.Event,
) -> Iterator[TurnEvent]:
    """The evidence in the rules' words, and above it what the model says of it, as far as that passes the check."""
    evidence = led_by_reader.told(desk, _act(decided.tool, outcome, rules), outcome)
    if decided.tool == "explain" and len(outcome.explanations) == 1:
        context = contexts(message, desk)
        prompt = build("speak", context, settings.prompt_tokens, evidence=evidence)
        yield asking.built(prompt, "reply")
        began = time.perf_counter()
        try:
            answer = yield from asking.ask(
                desk.parts.model, to_chat(prompt.messages), "reply", settings, stop, max_tokens=120
            )
        except Stopped:
            return
        except LLMError as error:
            failed = asking.fallback("speak", error, time.perf_counter() - began)
            yield failed
            yield Token(text=wording.bypassed(failed.why) + "\n\n")
        else:
            spoken: list[str] = []
            licensed = for_reason(led_by_reader.voice(desk), outcome.explanations[0], outcome.request)
            for sentence in sentences(answer.text)[:4]:
                verdict = check(sentence, licensed)
                if verdict.ok:
                    spoken.append(sentence)
                else:
                    yield Refused(text=sentence, why=verdict.why)
            if spoken:
                yield Token(text=" ".join(spoken) + "\n\n")
    yield Token(text=evidence)


def _act(tool: str, outcome: Outcome, rules: Heard) -> Act:
    """The act that a tool stands for; its particulars as the rules read them, where they read the same."""
    mine = rules.leading
    if tool == "explain":
        return replace(mine, items=outcome.items) if isinstance(mine, Why) else Why(outcome.items)
    if tool == "compare":
        return replace(mine, items=outcome.items) if isinstance(mine, Compare) else Compare(outcome.items)
    return replace(mine, items=outcome.items) if isinstance(mine, About) else About(outcome.items)


def _talk(
    decided: _Decided, rules: Heard, desk: Desk, settings: Settings, stop: threading.Event
) -> Iterator[TurnEvent]:
    """What the model says without a tool: sentences that name nothing, or only what is on the table."""
    table = for_table(led_by_reader.voice(desk), desk)
    said = []
    for sentence in sentences(decided.reply)[:5]:
        verdict = harmless(sentence, desk.linker)
        if not verdict.ok:
            spoken = check(sentence, table)
            if not spoken.ok:
                yield Refused(text=sentence, why=f"{verdict.why}; {spoken.why}")
                continue
        said.append(sentence)
    if said:
        yield Token(text=" ".join(said))
    elif not decided.noted:
        why = "its answer went beyond what is known" if decided.reply.strip() else "it said nothing"
        yield from _by_rules(Fallback(step="reply", why=why, detail=decided.reply[:500]), rules, desk, settings, stop)
