"""Dialogues of real people (ReDial) as a controller would have met them: what was known at every turn, what was liked.

Consecutive messages of one person are one turn. A moment is a recommender's turn that follows at least one turn of the
seeker. What is known there:
- the words of the turns before it, films written as their titles;
- the films mentioned in those turns ("met"), with the seeker's answers: liked, not liked, or seen. The answers were
  given in a form after the dialogue; an answer counts as known once the film was mentioned and the seeker has spoken,
  which at a moment holds for every film mentioned before.

Targets are the films that the recommender suggested in this turn or a later one (suggested = 1), that nobody had
mentioned before this turn, and that the seeker liked (liked = 1, seen or not: 0 is "did not like", 2 "did not say").
The seeker's form is used; where it was left empty, the recommender's. Films that the catalogue lacks are no targets.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.understanding.names.naming import title_index
from app.wants import Wants
from app.words import folded
from recommenders.data.tables import Catalogue

_MENTION = re.compile(r"@(\d+)")
_YEAR = re.compile(r"^(.*?)\s*\((\d{4})\)\s*$")


@dataclass(frozen=True)
class Film:
    """A film of one dialogue. row: its number in the catalogue, None where it lacks it. Answers as in the form."""

    title: str
    row: int | None
    suggested: int = 2
    seen: int = 2
    liked: int = 2


@dataclass(frozen=True)
class Said:
    who: Literal["seeker", "recommender"]
    text: str
    films: tuple[Film, ...]


@dataclass(frozen=True)
class Moment:
    """before: the turns so far, the seeker's last; met, liked, disliked and targets are catalogue rows."""

    before: tuple[Said, ...]
    met: tuple[int, ...]
    liked: tuple[int, ...]
    disliked: tuple[int, ...]
    targets: tuple[int, ...]


class Matcher:
    """Finds films of other sources by exact title (or its part before a colon) and year, one year of tolerance."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._titles, _ = title_index(catalogue)
        self._years = catalogue.years

    def row(self, name: str) -> int | None:
        """ "The Shining  (1980)" -> its row; None without a year or without such a film."""
        match = _YEAR.match(name.strip())
        if match is None:
            return None
        title, year = match.group(1), int(match.group(2))
        for form in dict.fromkeys((title, title.split(":", 1)[0])):
            rows = [r for r in self._titles.get(folded(form), ()) if abs(int(self._years[r]) - year) <= 1]
            if rows:
                return min(rows, key=lambda r: abs(int(self._years[r]) - year))
        return None


def read(path: Path, catalogue: Catalogue) -> list[tuple[Said, ...]]:
    """The dialogues of a ReDial file, each as its turns."""
    matcher = Matcher(catalogue)
    return [turns(json.loads(line), matcher) for line in path.read_text(encoding="utf-8").splitlines()]


def turns(dialogue: dict, matcher: Matcher) -> tuple[Said, ...]:  # type: ignore[type-arg]
    """One dialogue as ReDial has it -> its turns."""
    form = dialogue["initiatorQuestions"] or dialogue["respondentQuestions"] or {}
    mentions = dialogue["movieMentions"] or {}
    films = {
        number: Film(" ".join(name.split()), matcher.row(name), **form.get(number, {}))
        for number, name in mentions.items()
        if name
    }
    found: list[Said] = []
    for message in dialogue["messages"]:
        who: Literal["seeker", "recommender"] = (
            "seeker" if message["senderWorkerId"] == dialogue["initiatorWorkerId"] else "recommender"
        )
        named = tuple(films[n] for n in _MENTION.findall(message["text"]) if n in films)
        text = _MENTION.sub(lambda m: films[m[1]].title if m[1] in films else "that film", message["text"])
        if found and found[-1].who == who:
            last = found.pop()
            text, named = f"{last.text}\n{text}", (*last.films, *named)
        found.append(Said(who, text, named))
    return tuple(found)


def moments(said: Sequence[Said]) -> list[Moment]:
    """Every turn of the recommender behind a turn of the seeker, also those without targets."""
    found = []
    for n, turn in enumerate(said):
        if turn.who != "recommender" or n == 0:
            continue
        before = tuple(said[:n])
        known = [film for earlier in before for film in earlier.films]
        titles = {film.title for film in known}
        coming = [f for later in said[n:] if later.who == "recommender" for f in later.films]
        met = _rows(known)
        found.append(
            Moment(
                before,
                met,
                _rows([f for f in known if f.liked == 1]),
                _rows([f for f in known if f.liked == 0]),
                tuple(
                    row
                    for row in _rows([f for f in coming if f.suggested == 1 and f.liked == 1 and f.title not in titles])
                    if row not in met
                ),
            )
        )
    return found


def _rows(films: Sequence[Film]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(f.row for f in films if f.row is not None))


def breaks(catalogue: Catalogue, item: int, wants: Wants) -> str:
    """The condition on a film that an item breaks, "" none. Written apart from attributes, to check them."""
    sets = {"genres": set(catalogue.genres[item]), "people": set(catalogue.people[item])}
    year, levels = int(catalogue.years[item]), ("none", "mild", "moderate", "strong")
    for c in wants.conditions:
        if c.attribute in sets:
            have, asked = sets[c.attribute], set(c.values)
            holds = {"has all": asked <= have, "has any": bool(asked & have), "has none": not asked & have}[c.operator]
        elif c.attribute == "language":
            holds = any(x in c.values for x in catalogue.languages[item].split("|")) != (c.operator == "has none")
        elif c.attribute == "year":
            low = int(c.values[0]) if c.operator != "at most" else 1
            high = int(c.values[-1]) if c.operator != "at least" else 9999
            holds = year > 0 and (low <= year <= high) != c.refused
        elif str(c.values[0]) not in levels:
            continue  # of what people made of an item (hidden gems, ratings) nothing else knows
        else:
            level = str(catalogue.table[c.attribute].iloc[item])
            holds = level in levels[: levels.index(str(c.values[0])) + 1]
        if not holds:
            return c.attribute
    return ""
