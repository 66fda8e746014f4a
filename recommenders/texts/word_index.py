"""Which words of a wish an item really has: in its title, genres, people, language, text.

Dense vectors tell what is *like* the wish; words are evidence that can be shown ("matches: space, horror").
"""

from collections.abc import Sequence

import numpy as np

from app.words import split, stem
from recommenders.data import Catalogue

# Words that say nothing of an item: grammar, and what people wrap around a wish.
_GRAMMAR_AND_FRAME = """
    a about above after again all also am an and any anything are as at be because been before being below best
    better between both but by can cannot could did do does doing don't down during each else enough ever every few
    film films find for from further get give go good got great had has have having he her here hers him his how i i'd
    i'll i'm i've if in into is it it's its just kind kinda know less let like liked little looking lot love many maybe
    me mind more most movie movies much must my need new no none nor not nothing now of off on one only or other our
    out over own please pretty quite rather really recommend recommendation same see seen set she should show so some
    someone something somewhat sort stuff such suggest than that that's the their them then there these they thing
    things this those though three through to today tonight too two type under until up us very want wanted was watch
    watching we were what when where which while who why will with without would you your
"""
STOP_WORDS = frozenset(_GRAMMAR_AND_FRAME.split())


def content_words(text: str) -> dict[str, str]:
    """stem -> word (folded), of the words that say something; in order, each stem once."""
    found: dict[str, str] = {}
    for word in split(text):
        if word not in STOP_WORDS and (len(word) > 1 or word.isdigit()):
            found.setdefault(stem(word), word)
    return found


class WordIndex:
    """stem -> the items whose title, genres, people, language or text have it."""

    def __init__(self, catalogue: Catalogue) -> None:
        lists: dict[str, list[int]] = {}
        stems: dict[str, str] = {}  # word -> stem, since texts repeat their words
        rows = zip(
            catalogue.titles, catalogue.genres, catalogue.people, catalogue.languages, catalogue.texts, strict=True
        )
        for item, (title, genres, people, language, text) in enumerate(rows):
            here: set[str] = set()
            for word in split(" ".join((title, *genres, *people, language, text))):
                known = stems.get(word)
                if known is None:
                    known = stems[word] = stem(word)
                here.add(known)
            for s in here:
                lists.setdefault(s, []).append(item)
        self._size = len(catalogue)
        self._lists = {s: np.array(items, np.int64) for s, items in lists.items()}

    def has(self, word: str) -> bool:
        """Whether some item's text has this word, in whatever form."""
        return any(s in self._lists for s in content_words(word))

    def coverage(self, text: str) -> np.ndarray:
        """(I,) float32 in [0, 1]: share of the content words that an item has, rare words weighing more (their idf)."""
        total, scores = 0.0, np.zeros(self._size, np.float32)
        for s in content_words(text):
            items = self._lists.get(s)
            weight = np.log1p(self._size / (1 + (0 if items is None else len(items))))
            total += weight
            if items is not None:
                scores[items] += weight
        return scores / total if total else scores

    def matched(self, text: str, items: Sequence[int]) -> list[tuple[str, ...]]:
        """For each item the content words of the text that it has, as written in the text."""
        found: list[list[str]] = [[] for _ in items]
        for s, word in content_words(text).items():
            having = self._lists.get(s)
            if having is not None:
                for hits, has in zip(found, np.isin(np.asarray(items), having), strict=True):
                    if has:
                        hits.append(word)
        return [tuple(hits) for hits in found]


def index_of(catalogue: Catalogue) -> WordIndex:
    """The word index of a catalogue, made once and kept with it (as its cached properties are)."""
    kept = vars(catalogue)
    if "_word_index" not in kept:
        kept["_word_index"] = WordIndex(catalogue)
    return kept["_word_index"]
