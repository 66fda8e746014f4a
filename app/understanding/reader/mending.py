"""Words of a message as the encoder shall read them: slips of the finger put right, German, French, Spanish and Italian
word by word in English.

MiniLM learnt English without slips: what it makes of the pieces of "recomend" or "parecido a" is little, and a few
hundred ways of saying cannot teach it more. So a word that its vocabulary lacks is read as the commonest word one slip
away, and one that glosses.toml has as its English gloss. Every word stays one word, so the stretches that the encoder
marks are those of the message itself; names that the catalogue knows stay as they are.

References: Damerau, A technique for computer detection and correction of spelling errors (1964), for the four slips (a
letter too many, missing, wrong, two swapped), tried as in Norvig, How to write a spelling corrector (2007); Mayhew,
Tsai & Roth, Cheap translation for cross-lingual named entity recognition (EMNLP 2017), for glosses word by word.
"""

import string
import tomllib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from app.words import fold

GLOSSES = Path(__file__).with_name("glosses.toml")
# Where each letter lies on a keyboard: (row, column).
_AT = {
    c: (row, column + row / 2)
    for row, keys in enumerate(("qwertyuiop", "asdfghjkl", "zxcvbnm"))
    for column, c in enumerate(keys)
}
_FIRST = 1000  # the rank of words that people say to a recommender: about that of BERT's commonest
_LAST = 12_000  # rarer words are not what was meant
_LONGEST = 24  # letters of a word
_ENDINGS = ("s", "es", "ed", "ing", "ly", "er", "est", "y", "ish", "ness", "less", "able", "ful")
_BEGINNINGS = ("un", "re", "non", "over", "super", "anti", "mis", "out")


@lru_cache(maxsize=1)
def glosses() -> tuple[dict[str, frozenset[str]], dict[str, dict[str, str]]]:
    """What glosses.toml says of English words, and language -> word -> its English; slang is one of the languages."""
    tables = tomllib.loads(GLOSSES.read_text(encoding="utf-8"))
    english = {name: frozenset(words.split()) for name, words in tables.pop("english").items()}
    return english, {
        tongue: {word: meant for meant, said in table.items() for word in said.split()}
        for tongue, table in tables.items()
    }


class Mender:
    """Knows the words of one vocabulary, commonest first as BERT's are."""

    def __init__(self, vocabulary: Iterable[str]) -> None:
        english, self._foreign = glosses()
        self._slang = self._foreign["slang"]
        self._foreign = {tongue: table for tongue, table in self._foreign.items() if tongue != "slang"}
        self._also = english["also"] | english["talk"] | _ENGLISH
        self.rank = {w: n for n, w in enumerate(vocabulary) if w.isascii() and w.isalpha() and len(w) > 1}
        self._foreign["de"] = self._inflected(self._foreign["de"])
        self.rank |= dict.fromkeys(english["rare"], len(self.rank)) | dict.fromkeys(english["talk"], _FIRST)

    def __call__(self, words: Sequence[str], known: Sequence[bool]) -> list[str]:
        """Each word as it shall be read; `known` ones stay."""
        said = [fold(w) for w in words]  # as MiniLM reads
        found = list(words)
        sure = [not k and (w not in self._also or not o.isascii()) for w, o, k in zip(said, words, known, strict=True)]
        counts = {
            t: sum(w in table and s for w, s in zip(said, sure, strict=True)) for t, table in self._foreign.items()
        }
        tongue = max(counts, key=lambda t: (counts[t], sum(w in self._foreign[t] for w in said)))
        table = self._foreign[tongue] if counts[tongue] else {}
        foreign = counts[tongue] > 0 and counts[tongue] >= sum(w in _ENGLISH for w in said)
        for n, word in enumerate(said):
            if known[n] or not word.isalpha() or len(word) < (1 if word in self._slang else 2):
                continue
            if (english := table.get(word)) and (foreign or sure[n]):
                found[n] = "yet" if word == "noch" and said[n + 1 : n + 2] in (["nicht"], ["nie"]) else english
            elif not foreign and word in self._slang:
                found[n] = self._slang[word]
            elif not foreign and len(word) > 2:
                found[n] = self.mended(word) or words[n]
        return found

    def _inflected(self, german: dict[str, str]) -> dict[str, str]:
        """The words with the endings of adjectives besides ("lustiger"), where that makes no English word."""
        more = {w + e: meant for w, meant in german.items() if len(w) > 4 for e in ("e", "er", "es", "en", "em")}
        return {word: meant for word, meant in more.items() if word not in self.rank} | german

    def mended(self, word: str) -> str:
        """The commonest word one slip away; "" where the word is one already, or none is near."""
        if self.knows(word):
            return ""
        best, found = 1e9, ""
        for near, cost in slips(word):
            if self.rank.get(near, _LAST) < _LAST and self.rank[near] * cost < best:
                best, found = self.rank[near] * cost, near
        return found

    def knows(self, word: str) -> bool:
        return word in self.rank or self._derived(word)

    def _derived(self, word: str) -> bool:
        """Whether a word is a known one with an ending or a beginning: "rewatchable"."""
        stems = {word[: -len(e)] for e in _ENDINGS if word.endswith(e)} | {
            word[len(b) :] for b in _BEGINNINGS if word.startswith(b)
        }
        stems |= {s + "e" for s in stems} | {s[:-1] for s in stems if len(s) > 3 and s[-1] == s[-2]}
        stems |= {s[:-1] + "y" for s in stems if s.endswith("i")}
        return any(len(s) > 2 and s in self.rank for s in stems)


@lru_cache(maxsize=2)
def mender(vocabulary: Path) -> Mender:
    """For a BERT's vocab.txt."""
    return Mender(vocabulary.read_text(encoding="utf-8").splitlines())


def _beside(a: str, b: str) -> bool:
    """Whether two letters lie side by side, so that one is easily struck for the other."""
    (x, y), (u, v) = _AT.get(a, (9, 9)), _AT.get(b, (-9, -9))
    return abs(x - u) <= 1 and abs(y - v) <= 1


def slips(word: str) -> Iterable[tuple[str, float]]:
    """(what may have been meant, how unlikely the slip is); nothing for what is longer than words are."""
    if len(word) > _LONGEST:
        return
    cuts = [(word[:n], word[n:]) for n in range(len(word) + 1)]
    for a, b in cuts:
        if len(b) > 1 and b[0] != b[1]:
            yield a + b[1] + b[0] + b[2:], 1.0
        if b:
            yield a + b[1:], 1.0 if (a and a[-1] == b[0]) or b[1:2] == b[0] else 3.0
            for c in string.ascii_lowercase:
                if c != b[0]:
                    yield a + c + b[1:], 1.0 if _beside(c, b[0]) else 3.0
        for c in string.ascii_lowercase:
            yield a + c + b, 1.0


_ENGLISH = frozenset(
    """i you he she it we they me my your the a an and or but if of to in on at for with from about is are was were be
    been do does did have has had can could would will should may not no yes what which who why how when where that this
    these those there some any something anything more like good movie movies film films please thanks want watch see
    give show me hi hello hey so then than too very just only""".split()
) - frozenset("me no a in on an was will film films has".split())
