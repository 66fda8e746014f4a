"""Whether words stand in a text: what is taken from a text must be shown in it."""

import re
from functools import lru_cache

from app import words

_LEFT_OUT = re.compile(r"\s*(?:\[?\(?(?:\.{3,}|…)\)?\]?)\s*")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff]")  # scripts without spaces between words
_SAYS_NOTHING = frozenset(
    """a an and are as at be been but by for from had has have he her him his i in into is it its my not of on one or
    our she so some than that the their them then there these they this those to up was we were what when where which
    who will with you your""".split()
)


def stands_in(said: str, text: str) -> bool:
    """Whether words stand in a text one behind the other, whatever their case, accents, white space and punctuation;
    "…" may stand for what was left out between two parts. Words that say nothing ("of the") stand nowhere."""
    parts = [part for part in _LEFT_OUT.split(said) if words.folded(part)]
    return any(map(_says_something, parts)) and all(_one(part, text) for part in parts)


def _one(said: str, text: str) -> bool:
    if _UNSPACED.search(said):
        return "".join(words.folded(said)) in "".join(_words(text))
    return f" {' '.join(words.folded(said))} " in f" {' '.join(_words(text))} "


@lru_cache(maxsize=64)
def _words(text: str) -> tuple[str, ...]:
    return words.folded(text)


def _says_something(said: str) -> bool:
    return any(word not in _SAYS_NOTHING and (len(word) > 1 or word.isdigit()) for word in words.folded(said))
