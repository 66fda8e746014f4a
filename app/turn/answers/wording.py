"""The sentence above the picks and the small words of an answer, by rules: every sentence here says what is known, no
more.

Always the last resort and, with a model that does not steer, nearly the whole answer. Nothing here is random: the same
evidence gives the same words.
"""

from collections.abc import Sequence

from app.turn.answers.voice import Voice, sentence
from app.understanding import Order, Topic, in_order
from app.wants import shortened
from app.words import cardinal
from recommenders.contract import Request
from recommenders.data import FeedbackKind, Named, both, either

# -- the sentence above the picks -------------------------------------------------------------------------------------


def asked(voice: Voice, request: Request, understood: Sequence[str] = ()) -> tuple[str, tuple[str, ...]]:
    """What a request asks for, as words before the noun ("horror", "comedy or drama") and phrases behind it."""
    schema = voice.catalogue.schema
    before: list[str] = []
    behind: list[str] = []
    unwanted: list[str] = []
    for condition in in_order(request.conditions, schema):
        a = schema[condition.attribute]
        front, rear = a.phrase(condition)
        if front:
            before.append(f"({front})" if before and condition.operator == "has any" else front)
        elif condition.excludes and isinstance(a, Named):
            unwanted.append(rear.removeprefix("without "))
        elif rear:
            behind.append(next((u for u in understood if u.startswith(a.bare(condition))), rear))
    if request.like:
        behind.append(f"like {voice.labels(request.like)}")
    if request.relatives:
        behind.append(f"closest in spirit to {both(voice.lacking(request.relatives))}")
    if request.wish:
        behind.append(f"for “{shortened(request.wish)}”")
    if unwanted:
        behind.append(f"without {either(unwanted)}")
    return " ".join(before), tuple(behind)


def opening(
    voice: Voice,
    n: int,
    request: Request,
    *,
    topic: Topic = "",
    understood: Sequence[str] = (),
    more: bool = False,
    order: Order | None = None,
) -> str:
    """One sentence that introduces n picks: "Five horror picks from the 1990s, without comedy, the shortest first:"."""
    hello = "Hello! " if topic == "greeting" else ""
    before, behind = asked(voice, request, understood)
    if not n:
        said = " ".join(filter(None, ["more" if more else "", before, "picks", ", ".join(behind)]))
        return f"{hello}I found no {said}." if before or behind else f"{hello}I found nothing that you do not know yet."
    many = f"{_number(n)} more" if more else _number(n)
    head = " ".join(filter(None, [many, before, "pick" if n == 1 else "picks"]))
    if order is not None and order.attribute in voice.catalogue.schema:
        first = f"the {voice.catalogue.schema[order.attribute].foremost(order.rising)} first"
        if not before and not behind and not more:
            return f"{hello}{sentence(first).rstrip('.')}:"
        return f"{hello}{head}{' ' if behind else ''}{', '.join((*behind, first) if behind else ('', first))}:"
    if behind:
        return f"{hello}{head} {', '.join(behind)}:"
    if before:
        return f"{hello}{head}:"
    return f"{hello}{head} {'that should suit you' if voice.state.items else 'to start with'}:"


def remarks(note: str, unmatched: Sequence[str]) -> str:
    """What the person should know beside the picks: what was not found, why the list is short."""
    return " ".join([*(sentence(u) for u in dict.fromkeys(unmatched)), *([note] if note else [])])


def _number(n: int) -> str:
    return cardinal(n).capitalize() if n else "No"


# -- other answers ----------------------------------------------------------------------------------------------------


def noted(voice: Voice, items: Sequence[int], kind: FeedbackKind) -> str:
    """That feedback was kept."""
    names = voice.labels(items)
    return {
        "like": f"Noted: you like {names}.",
        "dislike": f"Noted: {names} {'is' if len(items) == 1 else 'are'} not for you.",
        "seen": f"Noted: you know {names} already.",
    }[kind]


_TALK: dict[Topic, str] = {
    "greeting": "Hello! Tell me what you are in the mood for, or name something that you liked.",
    "thanks": "You are welcome. Tell me how you liked it, and I will know better next time.",
    "bye": "Goodbye, and enjoy it.",
    "help": "I find items of this catalogue for you. Ask for a genre, a time, something like a title that you know, or "
    "describe what you want; say what you liked or disliked, and ask why I picked something.",
    "accept": "Good. Tell me afterwards whether you liked it.",
    "elsewhere": "That is beyond me: I only know this catalogue. I can find something in it for you.",
    "small talk": "I can help with finding something: name a genre, a time, or something that you liked.",
    "missing": "Tell me something like it, and I will look for that.",
    "": "I can help with finding something: name a genre, a time, or something that you liked.",
}


def talk(topic: Topic) -> str:
    """An answer that claims nothing about any item."""
    return _TALK.get(topic, _TALK[""])


def question(voice: Voice, topic: Topic, shown: Sequence[int]) -> str:
    """One clarifying question."""
    if topic == "empty":
        return "What would you like? A genre, a time, or something like a title that you know will do."
    if topic == "lacking":
        return "Ask me for something like it, and I look for what is closest."
    if topic == "no such place":
        if not shown:
            return "There is nothing on the table yet. What would you like?"
        last = f"{len(shown)} items" if len(shown) > 1 else "one item"
        return f"The latest answer has {last}. Which one do you mean?"
    if shown:
        return f"Which one do you mean: {_or([voice.label(i) for i in shown[:6]])}?"
    return "Which one do you mean? Please give its title."


def _or(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]


def bypassed(why: str) -> str:
    """The visible word that a step went without the model."""
    return f"The language model was bypassed: {why}."
