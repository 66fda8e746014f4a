"""The prompt constructor of CHAT-REC (arXiv 2303.14524): five contexts in one prompt, under a token budget.

The contexts: tool descriptions, user profile, user-item history, dialogue, and the query. Tools and examples stand in
the system message and the example turns, which are the same bytes every turn, so a backend's prefix cache holds; what
changes stands in the last message. When the budget is short, the dialogue loses its oldest messages first, then the
history its oldest items; the query is never cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from prompts import rendering
from prompts.rendering import Message

CHARACTERS_A_TOKEN = 3.6
"""An estimate: asking the model would be slow, and for hosted ones a request."""


@dataclass(frozen=True)
class Contexts:
    """What goes into a prompt. history: oldest first; dialogue: (speaker, text), oldest first, without the query."""

    query: str
    tools: str = ""
    profile: str = ""
    history: tuple[str, ...] = ()
    dialogue: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Prompt:
    """shortened: what the budget cut, in words; fixed: how many leading messages are the same every turn."""

    messages: tuple[Message, ...]
    estimated_tokens: int
    shortened: tuple[str, ...] = ()


def estimate(text: str) -> int:
    """About how many tokens a text has."""
    return int(len(text) / CHARACTERS_A_TOKEN) + 1


def build(name: str, contexts: Contexts, budget: int, **more: object) -> Prompt:
    """Fill the prompt `name` with those of the contexts that it uses and with `more`, within `budget` tokens.

    A template that takes `history` or `dialogue` gets the latest of each that fit. A query that alone exceeds the
    budget goes in whole: the backend may still hold it, and cutting it would answer another question.
    """
    uses = rendering.variables(name)
    history, dialogue = list(contexts.history), list(contexts.dialogue)
    values = {"query": contexts.query, "tools": contexts.tools, "profile": contexts.profile}
    fixed = {k: v for k, v in values.items() if k in uses} | more
    dropped_messages = dropped_items = 0
    while True:
        dynamic = {"history": tuple(history), "dialogue": tuple(dialogue)}
        found = rendering.messages(name, **fixed, **{k: v for k, v in dynamic.items() if k in uses})
        tokens = sum(estimate(m.content) + 4 for m in found)
        over = tokens - budget
        if over <= 0:
            break
        if "dialogue" in uses and dialogue:
            n = _enough([f"{speaker}: {text}" for speaker, text in dialogue], over)
            del dialogue[:n]
            dropped_messages += n
        elif "history" in uses and history:
            n = _enough(history, over)
            del history[:n]
            dropped_items += n
        else:
            break
    shortened = []
    if dropped_messages:
        shortened.append(f"dialogue: oldest {dropped_messages} message{'s' * (dropped_messages > 1)} left out")
    if dropped_items:
        shortened.append(f"history: oldest {dropped_items} item{'s' * (dropped_items > 1)} left out")
    if over > 0:
        shortened.append(f"still about {over} tokens over the budget of {budget}: nothing else may be cut")
    return Prompt(found, tokens, tuple(shortened))


def _enough(texts: Sequence[str], over: int) -> int:
    """How many of the oldest texts are worth `over` tokens; at least one."""
    saved = 0
    for n, text in enumerate(texts, start=1):
        saved += estimate(text)
        if saved >= over:
            return n
    return len(texts)
