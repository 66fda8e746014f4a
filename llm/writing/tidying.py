"""What a language model wrote for a person, made usable: tidied, judged, and only the items kept that it suits.

MINT lets a large model write a request for a set of items that a person liked, and then keeps of the set those items
for which a second language model finds the request most likely: rank by log P(request | item text).
Reference: Mysore, McCallum & Zamani (RecSys 2023), arXiv:2306.02250, section on filtering items for synthetic queries.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.words import split

_SENTENCE = re.compile(r"[^.!?]+[.!?]+[\"')\]]*\s*")
LEAST = 4  # words: what is shorter is no request


def tidy(text: str) -> str:
    """The first paragraph without quotes, labels and a sentence that was cut off or said before; "" for nothing."""
    first = next((p.strip() for p in text.strip().split("\n") if p.strip()), "")
    first = re.sub(r"^(request|person|me|answer)\s*:\s*", "", first.strip("\"“”' "), flags=re.IGNORECASE)
    whole: list[str] = []
    for sentence in _SENTENCE.findall(first):
        said = sentence.strip()
        if said.lower() not in {s.lower() for s in whole}:
            whole.append(said)
    tidied = " ".join(whole)
    return tidied if len(split(tidied)) >= LEAST else ""


@dataclass(frozen=True)
class Quality:
    """copied   share of the text's runs of five words that stand in the examples of the prompt
    named    whether it names one of the items, or a word of three or more letters of their titles but in the facts
    grounded share of its longer words (five letters and more) that the facts have
    length   in words
    """

    copied: float
    named: bool
    grounded: float
    length: int


def quality(text: str, examples: Sequence[str], facts: str, titles: Sequence[str]) -> Quality:
    """Of one text: how much is the prompt's, how much the item's."""
    own = split(text)
    runs = _runs(own)
    shown = {run for example in examples for run in _runs(split(example))}
    long = {w for w in own if len(w) >= 5}
    known = set(split(facts))
    plain = " ".join(own)
    return Quality(
        copied=sum(run in shown for run in runs) / len(runs) if runs else 0.0,
        named=any(f" {' '.join(split(t))} " in f" {plain} " for t in titles if split(t)),
        grounded=len(long & known) / len(long) if long else 0.0,
        length=len(own),
    )


def _runs(said: Sequence[str], n: int = 5) -> list[tuple[str, ...]]:
    return [tuple(said[i : i + n]) for i in range(len(said) - n + 1)]


def kept(scores: np.ndarray, keep: int) -> tuple[int, ...]:
    """The places of the `keep` items of a set whose texts make the request most likely (llm.likelihood), best first."""
    return tuple(np.argsort(-scores, kind="stable")[:keep].tolist())
