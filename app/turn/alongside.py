"""Picks that come along with an answer that nobody asked picks of.

People who look for something rarely ask: they tell what they loved, that they know a film already, that they never saw
another. Of real turns at which a person was about to be offered a film that they then liked, 40 % asked for nothing
(benchmarks/dialogues.py). What such a message tells is enough to go on with. Kept free of picks are thanks, farewells,
consent ("I'll watch that"), questions about an item, and talk that says nothing of anybody's taste.
"""

import re
from dataclasses import replace

from app.turn.desk import Desk
from app.understanding import Ask, Heard, Talk, Wants, cues, telling

NEAREST = 5  # items liked in this conversation that picks may be called "like"

_OVER = re.compile(
    r"\b(?:(?:i|we)\s+(?:think\s+)?(?:am|are|['’]?re|['’]?m)\s+(?:all\s+)?(?:done|set|good)|that\s+will\s+do)\b", re.I
)


def alongside(u: Heard, message: str, desk: Desk) -> Heard:
    """The same with a last act that brings picks, where the message calls for them; a mere greeting does only once."""
    if u.action == "recommend" and not u.wants and desk.table.ever and _greets(message):
        return replace(u, acts=(*u.acts[:-1], Talk("greeting")))
    if u.action == "chat" and u.topic == "greeting" and not desk.table.ever:
        return replace(u, acts=(Ask(greets=True),))
    if not _calls_for_picks(u, message, desk):
        return u
    return replace(u, acts=(*u.acts, Ask(_next(u, desk))), along=True)


def _calls_for_picks(u: Heard, message: str, desk: Desk) -> bool:
    if u.action == "feedback":
        return not _over(message)
    if u.action == "clarify":
        return bool(u.unmatched) and u.topic != "lacking" and _known(message, desk)
    if u.action != "chat":
        return False
    if u.topic in ("accept", "thanks"):
        return bool(cues.ELSE.search(message)) and not _over(message)
    return u.topic in ("", "small talk") and _tells(message)


def _greets(message: str) -> bool:
    """Whether a message is a greeting and nothing else: the small encoder may take "hi again" for a request."""
    wants = cues.REQUEST.search(message) or cues.ELSE.search(message)
    return bool(cues.GREETING.search(message)) and not wants and not telling(message)


def _over(message: str) -> bool:
    return bool(cues.BYE.search(message) or _OVER.search(message))


def _known(message: str, desk: Desk) -> bool:
    """Whether there is anything to go by: a history, an earlier request, or words that tell a taste."""
    return bool(desk.state.items or desk.table.wants or _tells(message))


def _tells(message: str) -> bool:
    """Whether a message says something of what its author likes, dislikes, has seen or has not."""
    return any(cue.search(message) for cue in (cues.LIKE, cues.DISLIKE, cues.SEEN, cues.UNSEEN, cues.PREFERENCE))


def _next(u: Heard, desk: Desk) -> Wants:
    """Other picks within the conditions of the latest request: like what was just praised, else like what that request
    named."""
    before = desk.table.wants
    kept = Wants(conditions=before.conditions, others=bool(desk.table.ever))
    praised = [i for judge in u.judged if judge.kind == "like" for i in judge.items]
    if not praised:
        refused = {desk.item_id(i) for judge in u.judged if judge.kind == "dislike" for i in judge.items}
        return kept.changed(like=tuple(i for i in before.like if i not in refused), relatives=before.relatives)
    earlier = [i for i in reversed(desk.liked) if i not in praised]
    return kept.changed(like=tuple(desk.item_id(i) for i in [*praised, *earlier][:NEAREST]))
