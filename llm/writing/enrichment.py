"""An auxiliary description of an item, written by a language model out of its facts and checked against them.

What a model adds beyond the facts is what it makes up: a sentence stands only if nearly all of its content words (by
their stems, so that "detective" stands for "detectives") are in the facts, and no number or name is new.
"""

import re

from app.words import split, stem
from llm.writing.tidying import tidy

SHARE = 0.6  # of the content words that the facts must have
_PLAIN = frozenset(
    """a about across after against all along also among an and another are around as at becomes before behind between
    both but by can comes despite during each even every face faces film find finds follow follows from full get gets
    group has have her him his how in inside into is it its journey life lives made make makes man meet meets movie must
    near no not of off on one only other out over own people person set sets she so some someone story tale takes tells
    than that the their them themselves then these they this those through to together toward trying two under until
    up what when where which while who whole whose will with within without woman world""".split()
)


def content(text: str) -> list[str]:
    return [w for w in split(text) if w not in _PLAIN and (len(w) > 2 or w.isdigit())]


def grounded(text: str, facts: str) -> str:
    """The sentences of a description that the facts carry; "" where none is left."""
    known = {stem(w) for w in split(facts)}
    stand = []
    for sentence in re.findall(r"[^.!?]+[.!?]+", tidy(text)):
        own = content(sentence)
        share = sum(stem(w) in known for w in own) / len(own) if own else 0.0
        names = [w for w in re.findall(r"(?<=\s)[A-Z][a-z]+", sentence) if stem(w.lower()) not in known]
        numbers = [w for w in own if w.isdigit() and w not in known]
        if share >= SHARE and not names and not numbers:
            stand.append(sentence.strip())
    return " ".join(stand)
