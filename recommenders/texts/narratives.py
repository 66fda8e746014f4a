"""Sets of items that people liked, and requests in words that such a set answers: what the bi-encoder of MINT learns
from.

A narrative is written by a language model (the app asks one, recommenders/models/mint.py reads the file) or composed
here by rules, from what the catalogue says of the set. Rules know two ways of asking:
- by what the set has in common: "I'm in the mood for a dark crime film, something with detectives and a rainy city."
- by some of its items: "I really liked Seven (1995) and Heat (1995). Do you know anything like that?"; then the others
  of the set are the answers.
Reference: Mysore, McCallum & Zamani, Large language model augmented narrative driven recommendations (RecSys 2023),
arXiv:2306.02250.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app import files
from app.errors import DataError
from recommenders.data import Catalogue, Dataset


@dataclass(frozen=True)
class LikedSet:
    """items: a few that one person liked; known: all that this person liked, never counter-examples."""

    items: tuple[int, ...]
    known: tuple[int, ...]


@dataclass(frozen=True)
class Narrative:
    """text: what a person might say; items: row numbers that answer it, best first; known as in LikedSet."""

    text: str
    items: tuple[int, ...]
    known: tuple[int, ...] = ()


def liked(data: Dataset) -> list[tuple[int, ...]]:
    """For each user the items they liked (rated at or above `liked_from`; all of implicit feedback), oldest first."""
    x = data.interactions
    good = x.value >= data.liked_from if data.explicit else np.ones(len(x), bool)
    return [
        tuple(dict.fromkeys(x.item[rows][good[rows]].tolist()))
        for rows in (data.rows_of(user) for user in range(len(data.users)))
    ]


def sets(data: Dataset, size: int, number: int, seed: int) -> list[LikedSet]:
    """`number` sets of `size` liked items of one user each, users in a random order and again from the start.

    A set begins with an item drawn at random; the others are those of the user's liked items that share most genres
    with it among twice as many drawn at random: people ask for one thing at a time, not for all that they like.
    Users with fewer than two liked items give none; a set may be smaller than `size`.
    """
    rng = np.random.default_rng(seed)
    genres = [frozenset(g) for g in data.catalogue.genres]
    people = [items for items in liked(data) if len(items) >= 2]
    found: list[LikedSet] = []
    while len(found) < number and people:
        for n in rng.permutation(len(people)).tolist():
            first, *others = rng.permutation(people[n])[: 1 + 2 * (size - 1)].tolist()
            others.sort(key=lambda i: -_overlap(genres[first], genres[i]))
            found.append(LikedSet((first, *others[: size - 1]), people[n]))
            if len(found) == number:
                break
    return found


def _overlap(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / max(1, len(a | b))


# -- by rules ---------------------------------------------------------------------------------------------------------

_OPENINGS = ("", "Hi! ", "Hello, ", "Hey there. ", "Good evening. ")
_ASKS = (
    "I'm looking for {kind}",
    "I'm in the mood for {kind}",
    "Can you recommend {kind}",
    "I'd like to see {kind}",
    "Any ideas for {kind}",
    "I would love {kind}",
)
_THEMES = (", something with {a} and {b}.", " about {a}.", ", maybe with {a}.", ". I like {a}, {b} and the like.")
_NAMED = (
    "I really liked {titles}.",
    "I loved {titles}.",
    "{titles} was great, have you seen it?",
    "Something like {titles} would be perfect.",
    "My favourites are {titles}.",
    "I enjoyed {titles} a lot.",
)


def composed(catalogue: Catalogue, chosen: LikedSet, rng: np.random.Generator) -> Narrative:
    """What somebody who likes this set of two or more items might say, by rules.

    Half of them name one to three of the items (never all), and the others answer; half ask by what the set shares, and
    the items that have most of what was asked answer.
    """
    items = chosen.items
    names = rng.random() < 0.5
    kinds = Counter(g for i in items for g in catalogue.genres[i])
    said = [k for i in items for k in _keywords(catalogue.texts[i])]
    ask = ""
    themes: list[str] = []
    kind = ""
    if kinds and (not names or rng.random() < 0.5):
        kind = kinds.most_common(1)[0][0]
        ask = str(rng.choice(_ASKS)).format(kind=_film_of(kind))
        if said and rng.random() < 0.7:
            themes = [str(k) for k in rng.choice(said, 2)]
            ask += str(rng.choice(_THEMES)).format(a=themes[0], b=themes[1])
        else:
            ask += "."
    if names or not ask:
        named = list(items[: int(rng.integers(1, min(3, len(items) - 1) + 1))])
        rest = tuple(i for i in items if i not in named)
        text = str(rng.choice(_NAMED)).format(titles=_joined([catalogue.label(i) for i in named]))
        parts = [text, ask] if rng.random() < 0.5 else [ask, text]
        return Narrative(str(rng.choice(_OPENINGS)) + " ".join(p for p in parts if p), rest, chosen.known)
    fits = {i: (kind in catalogue.genres[i]) + 2 * len(set(themes) & set(_keywords(catalogue.texts[i]))) for i in items}
    best = sorted(items, key=lambda i: -fits[i])
    return Narrative(str(rng.choice(_OPENINGS)) + ask, tuple(i for i in best if fits[i] > 0), chosen.known)


def praise(catalogue: Catalogue, item: int) -> str:
    """What somebody says who liked an item: a history is read as such sentences."""
    return _NAMED[0].format(titles=catalogue.label(item))


def _keywords(text: str) -> list[str]:
    """The parts of a text that is a list of keywords; none of running text."""
    parts = [p.strip() for p in text.split(",")]
    return [p for p in parts if p] if all(len(p.split()) <= 5 for p in parts) else []


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _film_of(genre: str) -> str:
    """ "Action" -> "an action movie"."""
    name = genre if genre.isupper() else genre.lower()
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name} movie"


# -- kept -------------------------------------------------------------------------------------------------------------


def save(path: Path, catalogue: Catalogue, narratives: Sequence[Narrative]) -> None:
    """One JSON object a line: the text and ids of items."""
    ids = catalogue.ids.ids
    rows = [
        {"text": n.text, "items": [ids[i] for i in n.items], "known": [ids[i] for i in n.known]} for n in narratives
    ]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    files.write_text(path, "".join(f"{line}\n" for line in lines))


def read(path: Path, catalogue: Catalogue) -> list[Narrative]:
    """What `save` wrote; items that the catalogue lacks are left out, and narratives without any left."""
    ids = catalogue.ids
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        found = [
            Narrative(
                str(row["text"]),
                *(tuple(ids.number(i) for i in row[column] if i in ids) for column in ("items", "known")),
            )
            for row in rows
        ]
    except FileNotFoundError as error:
        raise DataError(f"no narratives in {path}; let a language model write them: chatrec mint write") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is damaged ({error!r}); write it again: chatrec mint write") from error
    return [n for n in found if n.items and n.text.strip()]
