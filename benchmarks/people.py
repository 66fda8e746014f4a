"""A simulated person who looks for a film: tells a taste bit by bit, judges what is shown, never says a title sought.

The person is made of a real one: what a user of the data set liked, disliked and met, and what that user liked last,
which no served model was trained on. Two aims:

    film    exactly that last film: "the one that I have in mind"
    taste   any film of a genre and of the ten years of that one that the user liked, but the three that are named: what
            would do for the evening

Rules choose what to say, the generator of random numbers how to say it; the same seed talks the same way to whoever
answers alike. A person tells only what is true of the film (genre, decade, people, one theme, a film of their own that
is like it), answers a question with the next of these, and reacts to what is shown: knows films of their history, loves
or dislikes those that they rated so, finds the rest too new or too old where it is. What another film is called may be
said, what is sought never: `Person.tells` drops every word of its title from themes, and `says_title` is counted.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from app.understanding.names.everyday import FUNCTION
from app.words import folded
from recommenders.data.tables import Catalogue, UserState

Aim = Literal["film", "taste"]
LIKED, DISLIKED = 4.0, 2.0

_GENRE = (
    "I'm in the mood for a {x} film.",
    "Do you know a good {x} movie?",
    "{x}, please.",
    "I feel like some {x} tonight.",
)
_DECADE = ("It should be from the {x}.", "Something from the {x}.", "I like films from the {x}.")
_WITH = ("Something with {x}.", "I love {x}, is there anything with {x}?", "It should have {x} in it.")
_THEME = ("Something with {x}.", "A film about {x}.", "I'd like to see {x}.")
_LOVED = ("I loved {x}.", "My favourite is {x}.", "{x} was great.", "Something like {x} would be nice.")
_SEEN = ("I've seen {x} already.", "I know {x} already.", "I have seen {x}.")
_HATED = ("I didn't like {x}.", "{x} was not for me. I did not like it.")
_ELSE = ("Something else?", "Not quite. What else do you have?", "Anything else?", "Show me others.")
_OPEN = ("Hi!", "Hello, can you recommend a film?", "Hey, I'm looking for something to watch.")


@dataclass(frozen=True)
class Person:
    """target: the film of aim "film"; wanted: what counts as found; rated: item -> rating; liked: best known first."""

    target: int
    wanted: frozenset[int]
    rated: dict[int, float]
    liked: tuple[int, ...]

    @classmethod
    def of(cls, state: UserState, aim: Aim, catalogue: Catalogue, rng: np.random.Generator) -> "Person | None":
        """The person whose last film is what they look for; None where it is no liked one or too little is known."""
        *met, last = zip(state.items, state.values, strict=True)
        rated = dict(met)
        liked = [i for i, value in met if value >= LIKED]
        if last[1] < LIKED or last[0] in rated or len(liked) < 5 or not catalogue.genres[last[0]]:
            return None
        near = _shared(catalogue, last[0], liked)
        named = tuple(i for _, i in sorted(zip(-(near + 0.01 * rng.random(len(liked))), liked, strict=True))[:3])
        alike = {i for i in liked if i not in named and _would_do(catalogue, i, last[0])} if aim == "taste" else set()
        return cls(last[0], frozenset({last[0], *alike}), rated, named)


def _would_do(catalogue: Catalogue, item: int, sought: int) -> bool:
    """Whether an item has a genre of the film sought and is at most five years older or newer."""
    apart = abs(int(catalogue.years[item]) - int(catalogue.years[sought]))
    return apart <= 5 and bool({*catalogue.genres[item]} & {*catalogue.genres[sought]})


def _shared(catalogue: Catalogue, item: int, others: Sequence[int]) -> np.ndarray:
    """(n,) how many genres and people each of the others has in common with the item."""
    own = {*catalogue.genres[item], *catalogue.people[item]}
    return np.array([len(own & {*catalogue.genres[o], *catalogue.people[o]}) for o in others], float)


@dataclass
class Talk:
    """One conversation from the person's side."""

    person: Person
    catalogue: Catalogue
    rng: np.random.Generator
    hints: list[str] = field(init=False)
    named: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.hints = self._hints()

    def opens(self) -> str:
        """The first message: a greeting, or the first thing told."""
        return self._one(_OPEN) if self.rng.random() < 0.3 else self.hints.pop(0)

    def answers(self, shown: Sequence[int], asked: bool) -> str:
        """What is said to these films; asked: the reply was a question."""
        if asked and not shown and self.hints:
            return self.hints.pop(0)
        said = self._of_shown(shown)
        if said and (self.rng.random() < 0.5 or not self.hints):
            return said
        if self.hints:
            return self.hints.pop(0)
        return self._one(_ELSE)

    def found(self, shown: Sequence[int]) -> bool:
        return bool(self.person.wanted & set(shown))

    def says_title(self, message: str) -> bool:
        """Whether a message gives the sought film away (aim "film")."""
        title = folded(self.catalogue.titles[self.person.target])
        words = folded(message)
        return any(words[n : n + len(title)] == title for n in range(len(words))) and len(title) > 0

    def _of_shown(self, shown: Sequence[int]) -> str:
        """An opinion of something shown that the person has met and not spoken of, or that it is of the wrong time."""
        p, c = self.person, self.catalogue
        for item in shown:
            if item in p.rated and item not in self.named:
                self.named.add(item)
                phrases = _LOVED[:3] if p.rated[item] >= LIKED else _HATED if p.rated[item] <= DISLIKED else _SEEN
                return self._one(phrases, c.titles[item])
        years = [int(c.years[i]) for i in shown if c.years[i]]
        if years and c.years[p.target]:
            apart = int(c.years[p.target]) - float(np.median(years))
            if abs(apart) >= 15:
                return "Something newer." if apart > 0 else "Something older."
        return ""

    def _hints(self) -> list[str]:
        """Everything that the person may tell of the film, in a random order."""
        p, c, told = self.person, self.catalogue, []
        genres = [g for g in c.genres[p.target] if self._safe(g)]
        if genres:
            told.append(self._one(_GENRE, genres[int(self.rng.integers(len(genres)))].lower()))
        if c.years[p.target]:
            told.append(self._one(_DECADE, f"{int(c.years[p.target]) // 10 * 10}s"))
        people = [x for x in c.people[p.target][:4] if self._safe(x)]
        if people:
            told.append(self._one(_WITH, people[int(self.rng.integers(len(people)))]))
        themes = [t.strip() for t in c.texts[p.target].split(",") if t.strip() and self._safe(t) and len(t) < 40]
        if themes:
            told.append(self._one(_THEME, themes[int(self.rng.integers(len(themes)))]))
        for item in p.liked[:2]:
            if folded(c.titles[item]) != folded(c.titles[p.target]):
                told.append(self._one(_LOVED, c.titles[item]))
        return [told[n] for n in self.rng.permutation(len(told))]

    def _safe(self, words: str) -> bool:
        """Whether words share none that tells something with the title sought."""
        title = {w for w in folded(self.catalogue.titles[self.person.target]) if w not in FUNCTION}
        return not title & set(folded(words))

    def _one(self, phrases: Sequence[str], x: str = "") -> str:
        return re.sub(r"\{x\}", lambda _: x, phrases[int(self.rng.integers(len(phrases)))])
