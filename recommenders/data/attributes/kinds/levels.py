"""Ordered levels: how violent, how spicy, how demanding; from the least to the most."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import field_validator, model_validator

from app.errors import DataError, UnknownName, did_you_mean
from recommenders.data.attributes.attribute import (
    Attribute,
    Column,
    Hit,
    Ordered,
    either,
    free,
    in_question,
    wrong_cell,
    yes_or_no,
)
from recommenders.data.attributes.conditions import Condition, Operator
from recommenders.data.attributes.dimensions import any_of, denied
from recommenders.data.attributes.reading import MOST, Sample

KNOWN = (
    ("none", "mild", "moderate", "strong"),
    ("none", "low", "medium", "high"),
    ("low", "medium", "high"),
    ("very low", "low", "medium", "high", "very high"),
    ("small", "medium", "large"),
    ("easy", "medium", "hard"),
    ("beginner", "intermediate", "advanced"),
    ("light", "medium", "heavy"),
    ("slow", "steady", "fast"),
    ("dry", "medium", "sweet"),
    ("never", "rarely", "sometimes", "often", "always"),
)
"""Scales that tables use, from the least to the most."""
_VAGUE = frozenset(
    "none low medium high mild moderate strong small large slow steady fast never rarely sometimes often always".split()
)
"""Levels that mean one only beside the attribute's name: "low complexity", but not "a low blow"."""


class Scale(Column):
    def __init__(self, cells: Sequence[int | None]) -> None:
        self.levels = np.array([-1 if c is None else c for c in cells], np.int64)  # (I,) -1 unknown

    def known(self) -> np.ndarray:
        return self.levels >= 0

    def mask(self, condition: Condition) -> np.ndarray:
        raise NotImplementedError  # the attribute knows the levels' names


class Levels(Attribute):
    """levels  from the least to the most
    capitals  whether they are written in capitals (certificates)
    adjectives  what an item with much of it is called ("violent", "gory"), so that "nothing violent" is understood;
                the first is used for speaking
    harmless  the highest level that "nothing violent" still admits
    """

    kind: ClassVar[str] = "levels"
    operators: ClassVar[tuple[Operator, ...]] = ("at most", "at least", "is", "one of")

    levels: tuple[str, ...]
    adjectives: tuple[str, ...] = ()
    harmless: str = ""
    capitals: bool = False

    @field_validator("levels")
    @classmethod
    def _distinct(cls, levels: tuple[str, ...]) -> tuple[str, ...]:
        plain = tuple(level.strip().lower() for level in levels)
        if len(set(plain)) < max(2, len(plain)) or "" in plain:
            raise ValueError("expected two or more different levels, from the least to the most")
        return plain

    @model_validator(mode="after")
    def _among(self) -> Self:
        if self.harmless and self.harmless not in self.levels:
            raise ValueError(f"harmless is {self.harmless!r}, which is not one of the levels {either(self.levels)}")
        return self

    @property
    def expected(self) -> str:
        return f"one of {either(self.levels)}"

    def blank(self, value: Any) -> bool:
        return super().blank(value) and str(value).strip().lower() not in self.levels  # "None" may be one

    def parse(self, value: Any) -> int:
        key = str(value).strip().lower()
        if key not in self.levels:
            raise wrong_cell(self, value)
        return self.levels.index(key)

    def check(self, condition: Condition) -> None:
        super().check(condition)
        for value in condition.values:
            if value not in self.levels:
                known = did_you_mean(str(value), self.levels)
                raise UnknownName(f"unknown level {value!r} of {self.said}{known}")

    def column(self, cells: Sequence[Any]) -> Column:
        return Scale(cells)

    def unknown(self, cell: Any) -> bool:
        return cell is None

    def mask(self, column: Column, condition: Condition) -> np.ndarray:
        self.check(condition)
        assert isinstance(column, Scale)
        asked = [self.levels.index(str(v)) for v in condition.values]
        if condition.operator == "at most":
            passing = column.levels <= asked[0]
        elif condition.operator == "at least":
            passing = column.levels >= asked[0]
        else:
            passing = np.isin(column.levels, asked)
        return (~passing if condition.refused else passing) & column.known()

    def holds(self, cell: Any, condition: Condition) -> bool:
        name = self.levels[cell]
        if condition.operator in ("is", "one of"):
            return name in condition.values
        within = self.levels[: self.levels.index(str(condition.values[0])) + 1]
        return name in within if condition.operator == "at most" else name not in within or name == condition.values[0]

    def tell(self, cell: Any) -> str:
        return self._written(self.levels[cell])

    def _written(self, level: str) -> str:
        return level.upper() if self.capitals else level

    def value(self, cell: Any) -> str:
        """ "No violence" rather than "none violence"."""
        return "no" if self.levels[cell] == "none" and self.sentence else self.tell(cell)

    def verdict(self, cell: Any, question: str, column: Column) -> str:
        if not yes_or_no(question):
            return ""
        if asked := any_of(self.levels).search(question):
            return "Yes," if " ".join(asked.group().lower().split()) == self.levels[cell] else "No,"
        if not any_of((*self.adjectives, self.said, *self.aka)).search(question):
            return ""
        place = cell / (len(self.levels) - 1)
        return "No," if not place else "A little:" if place < _MUCH else "Yes,"

    def bare(self, condition: Condition) -> str:
        values = either([self._written(str(v)) for v in condition.values])
        return values if condition.operator in ("is", "one of") else f"{condition.operator} {values}"

    def describe(self, condition: Condition) -> str:
        if condition.operator == "at most" and condition.values[0] == self.calm and self.adjectives:
            return f"nothing {self.adjectives[0]}"
        return f"{'not ' if condition.refused else ''}{self.said}: {self.bare(condition)}"

    def phrase(self, condition: Condition) -> tuple[str, str]:
        described = self.describe(condition)
        if described.startswith("nothing "):
            return "", f"with {described}"
        behind = self.behind(self.bare(condition))
        return ("", f"{'not ' if condition.refused else ''}{behind}") if behind else super().phrase(condition)

    def objects(self, cell: Any, condition: Condition) -> str:
        return f"its {self.said} is {self.tell(cell)}"

    @property
    def calm(self) -> str:
        """The highest level that "nothing ..." admits."""
        return self.harmless or self.levels[min(1, len(self.levels) - 1)]

    def hear(self, text: str, column: Column, shown: Sequence[Any], taken: Sequence[tuple[int, int]] = ()) -> list[Hit]:
        refused = [
            Hit(m.start(), m.end(), self.condition("at most", self.calm, said=m.group()))
            for m in (any_of((*self.adjectives, self.name, *self.aka)).finditer(text) if self.adjectives else ())
            if denied(text, m.start())
        ]
        return free(refused or self._against(text, shown) or self._by_level(text), taken)

    def _against(self, text: str, shown: Sequence[Any]) -> list[Hit]:
        """ "Lighter" than what is on the table; of nothing there, the lighter half."""
        for match, less in () if self.adjectives else self._degrees(text, _comparative):
            places = [c for c in shown if c is not None]
            last = len(self.levels) - 1
            edge = (
                (min(places) - 1 if less else max(places) + 1) if places else (last // 2 if less else (last + 1) // 2)
            )
            operator: Operator = "at most" if less else "at least"
            condition = self.condition(operator, self.levels[min(max(edge, 0), last)], said=match.group())
            return [Hit(match.start(), match.end(), condition, relative=bool(places))]
        return []

    def _degrees(self, text: str, degree: Any) -> list[tuple[re.Match[str], bool]]:
        """Where a text compares by it, each with whether less is meant: "lighter", "less heavy", "more complex"."""
        least, most = self.levels[0], self.levels[-1]
        ways: list[tuple[tuple[str, ...], bool]] = []
        more, less = ("more", "less") if degree is _comparative else ("most", "least")
        if self._stands_alone(least) and self._stands_alone(most):
            ways += [((degree(least), f"{more} {least}", f"{less} {most}"), True)]
            ways += [((degree(most), f"{more} {most}", f"{less} {least}"), False)]
        called = (*self.adjectives, *self.names)
        ways += [(tuple(f"{less} {w}" for w in called), True), (tuple(f"{more} {w}" for w in called), False)]
        if degree is _superlative:
            ways += [(tuple(f"lowest {w}" for w in called), True), (tuple(f"highest {w}" for w in called), False)]
            ways += (
                [(tuple(_superlative(w) for w in self.adjectives if " " not in w), False)] if self.adjectives else []
            )
        found = ((any_of(words).search(text), little) for words, little in ways)
        return [(match, little) for match, little in found if match is not None and not _THAN.match(text, match.end())]

    def _stands_alone(self, level: str) -> bool:
        return level not in _VAGUE and " " not in level and not self.adjectives

    def _by_level(self, text: str) -> list[Hit]:
        """Levels by their own names: "a light one" is that, "light or medium" either, "not too heavy" at most the one
        below, "at most medium weight" as it says."""
        runs: list[list[re.Match[str]]] = []  # levels joined by "or" are meant together: "medium or light"
        for match in any_of(self.levels).finditer(text):
            if runs and _OR.fullmatch(text, runs[-1][-1].end(), match.start()):
                runs[-1].append(match)
            else:
                runs.append([match])
        matches = next((run for run in runs if any(self._is_meant(text, m) for m in run)), [])
        if not matches:
            return []
        first, last = matches[0], matches[-1]
        places = sorted({self.levels.index(" ".join(m.group().lower().split())) for m in matches})
        said = text[first.start() : last.end()]
        bound = _BOUND.search(text[max(0, first.start() - 24) : first.start()])
        levels = [self.levels[p] for p in places]
        if bound is not None:
            condition = self.condition("at most" if bound["most"] else "at least", levels[0], said=said)
        elif denied(text, first.start()):
            condition = self._without(text[: first.start()], places, said)
        else:
            condition = self.condition("is" if len(levels) == 1 else "one of", *levels, said=said)
        return [Hit(first.start(), last.end(), condition)]

    def _without(self, before: str, places: Sequence[int], said: str) -> Condition:
        """ "Nothing heavy", "not too heavy": at most the level below; "not light": the levels above it."""
        low, high = places[0], places[-1]
        if low > 0 and high == len(self.levels) - 1:
            return self.condition("at most", self.levels[low - 1], said=said)
        if low == 0 and high < len(self.levels) - 1:
            return self.condition("at least", self.levels[high + 1], said=said)
        if _TOO.search(before[-8:]) and low > 0:
            return self.condition("at most", self.levels[low - 1], said=said)
        return self.condition("one of", *(self.levels[p] for p in places), refused=True, said=said)

    def _is_meant(self, text: str, match: re.Match[str]) -> bool:
        level = " ".join(match.group().lower().split())
        if _SPEECH.match(text, match.end()) or (self.adjectives and level in _VAGUE):
            return False
        if level not in _VAGUE and len(level) > 1:
            return True
        near = any_of(self.names)
        return bool(
            near.search(text[match.end() : match.end() + 24])
            or near.search(text[max(0, match.start() - 24) : match.start()])
        )

    def foremost(self, rising: bool) -> str:
        if not self.adjectives:
            return _superlative(self.levels[0 if rising else -1])
        word = self.adjectives[0]
        if not rising and len(word) <= _SHORT and word.endswith("y"):
            return _superlative(word)
        return f"{'least' if rising else 'most'} {word}"

    def further(self, less: bool) -> str:
        if self.adjectives:
            return f"less {self.adjectives[0]}" if less else ""  # "more violent" asks for no level
        end = self.levels[0 if less else -1]
        return _comparative(end) if self._stands_alone(end) and not self.capitals else ""

    def hear_order(self, text: str) -> Ordered | None:
        for match, less in self._degrees(text, _superlative):
            return Ordered(self.name, less, match.start(), match.end())
        return None

    def hear_comparison(self, text: str) -> Ordered | None:
        for match, less in self._degrees(text, _comparative):
            return Ordered(self.name, less, match.start(), match.end())
        for match in any_of(tuple(_comparative(w) for w in self.adjectives if " " not in w)).finditer(text):
            return Ordered(self.name, False, match.start(), match.end())
        return None

    def asks(self, text: str) -> bool:
        words = "|".join((*map(re.escape, (*self.adjectives, self.said, *self.aka)), *self.asked))
        return in_question(re.compile(rf"\b(?:{words})\b", re.IGNORECASE), text)

    def key(self, cell: Any) -> float | None:
        return None if cell is None else float(cell)

    def properties(self, values: Sequence[str]) -> dict[str, dict[str, Any]]:
        level = {"type": ["string", "null"], "enum": [*self.levels, None], "default": None}
        return {
            f"{self.name}_at_most": {**level, "description": f"{self.said}: no item may have more than this"},
            f"{self.name}_at_least": {**level, "description": f"{self.said}: every item must have at least this"},
        }

    def read(self, arguments: Mapping[str, Any]) -> tuple[Condition, ...]:
        found = []
        for operator, end in (("at most", "_at_most"), ("at least", "_at_least")):
            if (level := arguments.get(f"{self.name}{end}")) is not None:
                found.append(self.condition(operator, str(level)))  # type: ignore[arg-type]
        return tuple(found)

    def arguments(self, condition: Condition) -> Mapping[str, Any]:
        end = {"at most": "_at_most", "at least": "_at_least"}.get(condition.operator)
        return {} if end is None or condition.refused else {f"{self.name}{end}": condition.values[0]}

    def writable(self, values: Sequence[str]) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.levels)}

    def cell_written(self, value: Any, said: str, values: Sequence[str]) -> str:
        level = " ".join(str(value).lower().split())
        if level not in self.levels:
            raise DataError("it is none of the levels")
        return level

    @classmethod
    def found(cls, name: str, sample: Sample) -> tuple[float, Self] | None:
        """A column whose cells are the levels of a scale that tables use: the shortest one that holds them."""
        written = {cell.lower() for cell in sample.counts}
        none = {"none"} if "None" in sample.blanks else set()  # a level where the scale has it, else a blank
        for scale in sorted(KNOWN, key=lambda scale: (not none <= set(scale), len(scale))):
            on = written & set(scale)
            if len(on) > 1 and sample.share(lambda cell, scale=scale: cell.lower() in scale) >= MOST:  # type: ignore[misc]
                return 0.96, cls(name=name, levels=scale)
        return None


def _comparative(word: str) -> str:
    """ "light" -> "lighter", "heavy" -> "heavier", "simple" -> "simpler", "big" -> "bigger"."""
    return f"{_stem(word)}er"


def _superlative(word: str) -> str:
    return f"{_stem(word)}est"


def _stem(word: str) -> str:
    if word.endswith("e"):
        return word[:-1]
    if word.endswith("y"):
        return f"{word[:-1]}i"
    short = len(word) == 3 and word[1] in "aeiou" and word[2] not in "aeiouwxy"
    return word + word[-1] if short else word


_SHORT = 6  # letters of an adjective in -y whose superlative is one word: "funniest"
_MUCH = 0.5  # of a scale: from there on an item is what its adjective says
_BOUND = re.compile(
    r"(?:(?P<most>\b(?:at\s+(?:the\s+)?most|up\s+to|max(?:imum)?|no\s+more\s+than|not\s+more\s+than|(?:nothing|not|no)\s+"
    r"\w+er\s+than))|\b(?:at\s+(?:the\s+)?least|min(?:imum)?|no\s+less\s+than|not\s+less\s+than))\s+(?:a\s+)?$",
    re.IGNORECASE,
)
_OR = re.compile(r"\s*(?:or|and|to|-|/|,)\s*", re.IGNORECASE)
_TOO = re.compile(r"\btoo\s+$", re.IGNORECASE)
_THAN = re.compile(r"\s+than\b", re.IGNORECASE)
_SPEECH = re.compile(r"\s+(?:to|of|hearted)\b|[-'’]\w", re.IGNORECASE)  # "hard to say", "light of day", "hard-boiled"
