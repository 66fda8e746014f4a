"""How an answer came about: every step with its time, tokens and the whole prompts."""

from collections.abc import Sequence
from functools import singledispatch

import streamlit as st

from app.events import (
    CandidatesFound,
    Decision,
    Done,
    Fallback,
    Interleaved,
    ItemShown,
    ModelAnswered,
    PromptBuilt,
    Refused,
    Reranked,
    Started,
    TakenAway,
    ToolCalled,
    TurnEvent,
)
from app.web.widgets.called import part_label
from app.web.widgets.markup import plain, seconds
from app.web.widgets.session import chat
from recommenders.data import Catalogue

_NAMED = 10  # candidates named in the trace; the rest are counted


def trace(events: Sequence[TurnEvent], catalogue: Catalogue, key: str) -> None:
    """Closed until it is opened: only then is anything drawn."""
    box = st.expander(_headline(events), key=f"trace-{key}", on_change="rerun", type="compact")
    if box.open:
        with box:
            for event in events:
                _step(event, catalogue)


def _headline(events: Sequence[TurnEvent]) -> str:
    calls = [e for e in events if isinstance(e, ModelAnswered)]
    done = next((e for e in events if isinstance(e, Done)), None)
    started = next((e for e in events if isinstance(e, Started)), None)
    parts = ["How this came about"]
    if done is not None:
        parts.append(seconds(done.seconds))
    if started is not None:
        parts.append(f"{started.leads} led")
    parts.append(f"{len(calls)} model call{'' if len(calls) == 1 else 's'}")
    if calls:
        parts.append(f"{sum(c.input_tokens + c.output_tokens for c in calls):,} tokens")
    return " · ".join(parts)


@singledispatch
def _step(event: TurnEvent, catalogue: Catalogue) -> None:
    """One event in words; tokens and the like say nothing here."""


@_step.register
def _started(event: Started, catalogue: Catalogue) -> None:
    ranker = f" + {_part(event.ranker)}" if event.ranker else ", no ranker"
    leads = "the model leads" if event.leads == "model" else "the rules lead"
    _line("Parts", f"{_part(event.backend)}; {_part(event.generator)}{ranker}; {leads}")


@_step.register
def _taken_away(event: TakenAway, catalogue: Catalogue) -> None:
    _line("Taken away", event.said)


@_step.register
def _prompt_built(event: PromptBuilt, catalogue: Catalogue) -> None:
    cut = f"; shortened: {'; '.join(event.shortened)}" if event.shortened else ""
    _line(f"Prompt to {event.purpose}", f"about {event.estimated_tokens:,} tokens{cut}", event.seconds)
    for message in event.messages:
        st.code(f"[{message.get('role', '?')}]\n{message.get('content', '')}", language=None, wrap_lines=True)


@_step.register
def _model_answered(event: ModelAnswered, catalogue: Catalogue) -> None:
    cached = f" ({event.cached_tokens:,} from the prefix cache)" if event.cached_tokens else ""
    first = f"; first token after {seconds(event.first_token_seconds)}" if event.first_token_seconds else ""
    tokens = f"{event.input_tokens:,} tokens read{cached}, {event.output_tokens:,} written{first}"
    _line(f"Model, to {event.purpose}", tokens, event.seconds)
    if event.text:
        st.code(event.text, language=None, wrap_lines=True)


@_step.register
def _decision(event: Decision, catalogue: Catalogue) -> None:
    understood = "; ".join(event.understood) or "no constraints"
    _line(f"Decision by {event.by}: {event.action.replace('_', ' ')}", understood, event.seconds)
    if event.second:
        st.caption(plain(event.second))
    for text in event.unmatched:
        st.caption(f"Not matched: {plain(text)}")
    if event.wants:
        st.json(event.wants.model_dump(mode="json", exclude_defaults=True), expanded=False)


@_step.register
def _tool_called(event: ToolCalled, catalogue: Catalogue) -> None:
    _line(f"Tool {event.name}", event.error or event.summary, event.seconds, wrong=bool(event.error))
    if event.arguments:
        st.json(event.arguments, expanded=False)


@_step.register
def _candidates_found(event: CandidatesFound, catalogue: Catalogue) -> None:
    stages = ", ".join(f"{_part(name)} {seconds(value)}" for name, value in event.stages.items())
    named = _labels(event.item_ids, catalogue)
    _line("Candidates", f"{len(event.item_ids)} of {event.qualified:,} that qualify: {named}")
    if stages:
        st.caption(plain(stages))


@_step.register
def _interleaved(event: Interleaved, catalogue: Catalogue) -> None:
    explored = [i for i, origin in event.origins.items() if origin == "explored"]
    _line(
        f"{_part(event.model)} explores",
        f"{len(explored)} of {len(event.origins)} candidates come from its disturbed network: "
        + _labels(explored, catalogue),
    )


@_step.register
def _reranked(event: Reranked, catalogue: Catalogue) -> None:
    refused = f"; refused: {', '.join(event.refused)}" if event.refused else ""
    _line(f"Picked by {event.by}", _labels(event.item_ids, catalogue) + refused, event.seconds)


@_step.register
def _item_shown(event: ItemShown, catalogue: Catalogue) -> None:
    places = ", ".join(f"{_part(p.source)} {p.rank}" for p in event.places)
    _line(f"Shown {event.position}", f"{event.title}{f' — places: {places}' if places else ''}")


@_step.register
def _fallback(event: Fallback, catalogue: Catalogue) -> None:
    detail = f" ({event.detail})" if event.detail else ""
    _line(f"Model bypassed at {event.step}", event.why + detail, event.seconds, wrong=True)


@_step.register
def _refused(event: Refused, catalogue: Catalogue) -> None:
    _line("Not shown", f"“{event.text}”: {event.why}", wrong=True)


@_step.register
def _done(event: Done, catalogue: Catalogue) -> None:
    first = f", first visible after {seconds(event.first_visible_seconds)}" if event.first_visible_seconds else ""
    outside = f"{seconds(event.seconds - event.seconds_in_model)} outside the model"
    _line(f"Over: {event.status}", f"{outside}{first}; items withheld: {event.violations}", event.seconds)


def _line(head: str, text: str, took: float = 0.0, *, wrong: bool = False) -> None:
    time = f" :gray[{seconds(took)}]" if took else ""
    head = f":orange[{plain(head)}]" if wrong else plain(head)
    st.markdown(f"**{head}**{time}  \n{plain(text)}")


def _part(name: str) -> str:
    """A part of the turn for people; sources and stages that are no part are called by their plain words."""
    return part_label(name, chat().settings).replace("_", " ")


def _labels(item_ids: Sequence[str], catalogue: Catalogue) -> str:
    named = [catalogue.label(catalogue.ids.number(i)) for i in item_ids[:_NAMED] if i in catalogue.ids]
    more = len(item_ids) - _NAMED
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")
