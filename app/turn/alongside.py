"""Picks that come along with an answer that nobody asked picks of.

People who look for something rarely ask: they tell what they loved, that they know a film already, that they never saw
another. Of real turns at which a person was about to be offered a film that they then liked, 40 % asked for nothing
(benchmarks/dialogues.py). What such a message tells is enough to go on with. Kept free of picks are thanks, farewells,
consent ("I'll watch that"), questions about an item, and talk that says nothing of anybody's taste.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from app.turn.desk import Desk
from app.understanding import Call, Understanding, cues, telling

NEAREST = 5  # items liked in this conversation that picks may be called "like"

_OVER = re.compile(
    r"\b(?:(?:i|we)\s+(?:think\s+)?(?:am|are|['’]?re|['’]?m)\s+(?:all\s+)?(?:done|set|good)|that\s+will\s+do)\b", re.I
)


def alongside(u: Understanding, message: str, desk: Desk) -> Understanding:
    """The same with a last call that brings picks, where the message calls for them; a mere greeting does only once."""
    if u.action == "recommend" and not u.arguments and desk.table.ever and _greets(message):
        return replace(u, action="chat", calls=(), topic="greeting")
    if u.action == "feedback" and u.calls and not _over(message):
        return replace(u, calls=(*u.calls, _next(u, desk)), along=True)
    if u.action == "clarify" and u.unmatched and _known(message, desk):
        return replace(u, calls=(_next(u, desk),), along=True)
    if u.action != "chat":
        return u
    if u.topic == "greeting" and not desk.table.ever:
        return replace(u, action="recommend", calls=(Call("recommend", {}),))
    if u.topic in ("accept", "thanks") and cues.ELSE.search(message) and not _over(message):
        return replace(u, calls=(_next(u, desk),), along=True)
    if u.topic in ("", "small talk") and _tells(message):
        return replace(u, calls=(_next(u, desk),), along=True)
    return u


def _greets(message: str) -> bool:
    """Whether a message is a greeting and nothing else: the small encoder may take "hi again" for a request."""
    wants = cues.REQUEST.search(message) or cues.ELSE.search(message)
    return bool(cues.GREETING.search(message)) and not wants and not telling(message)


def _over(message: str) -> bool:
    return bool(cues.BYE.search(message) or _OVER.search(message))


def _known(message: str, desk: Desk) -> bool:
    """Whether there is anything to go by: a history, an earlier request, or words that tell a taste."""
    return bool(desk.state.items or desk.table.arguments or _tells(message))


def _tells(message: str) -> bool:
    """Whether a message says something of what its author likes, dislikes, has seen or has not."""
    return any(cue.search(message) for cue in (cues.LIKE, cues.DISLIKE, cues.SEEN, cues.UNSEEN, cues.PREFERENCE))


def _next(u: Understanding, desk: Desk) -> Call:
    """Other picks within the constraints of the latest request: like what was just praised, else like what that request
    named."""
    kept = {
        n: v for n, v in desk.table.arguments.items() if n not in ("wish", "count", "items", "more", "include_seen")
    }
    if desk.table.ever:
        kept["more"] = True
    praised = _judged(u, "like")
    if not praised:
        asked = [i for i in _items(desk.table.arguments) if i.startswith("item:") and i not in _judged(u, "dislike")]
        return Call("similar", {**kept, "items": asked}) if asked else Call("recommend", kept)
    before = [i for i in reversed(desk.ids(desk.liked)) if i not in praised]
    return Call("similar", {**kept, "items": [*praised, *before][:NEAREST]})


def _judged(u: Understanding, kind: str) -> list[str]:
    return [i for c in u.calls if c.arguments.get("kind") == kind for i in _items(c.arguments)]


def _items(arguments: Mapping[str, object]) -> list[str]:
    items = arguments.get("items")
    return [str(i) for i in items] if isinstance(items, list | tuple) else []
