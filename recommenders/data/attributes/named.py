"""What kinds whose values are names share: inverted lists, and how one or several names are said."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import field_validator

from app.errors import DataError
from app.words import folded
from recommenders.data.attributes.attribute import Attribute, Column, both, either, unknown_value, yes_or_no
from recommenders.data.attributes.conditions import Condition, Operator
from recommenders.data.attributes.dimensions import any_of
from recommenders.data.attributes.quoting import stands_in
from recommenders.data.attributes.reading import name_parts, one_of

_CUES: Mapping[str, str] = {
    **dict.fromkeys(
        "author artist designer director creator publisher brand manufacturer maker label studio developer "
        "illustrator writer composer producer narrator translator editor band singer winery brewery distillery".split(),
        "by",
    ),
    **dict.fromkeys("cast actor actress people person star starring".split(), "with"),
    **dict.fromkeys("language lang sprache".split(), "in"),
    **dict.fromkeys("country origin region city town place land".split(), "from"),
}
"""What a sentence says before the names of a column that is called so."""


def names_said(column: str) -> dict[str, Any]:
    """How the names of a column are said, by what it is called: "publisher" are proper names, said with "by"."""
    label = one_of(column)
    cue = next((_CUES[one_of(part)] for part in reversed(name_parts(column)) if one_of(part) in _CUES), "")
    return {"label": label, "prefix": cue, "proper": bool(cue) and cue != "in"}


def look_proper(names: Iterable[str]) -> bool:
    """Whether names look like those of people or things: most of two words and more, with capitals."""
    distinct = set(names)
    return sum(" " in n and n.title() == n for n in distinct) > 0.6 * len(distinct)


class NamedColumn(Column):
    """name -> the items that have it, in order."""

    def __init__(self, attribute: Attribute, rows: Sequence[Sequence[str]]) -> None:
        lists: dict[str, list[int]] = {}
        for item, names in enumerate(rows):
            for name in names:
                lists.setdefault(name, []).append(item)
        self._attribute = attribute
        self._size = len(rows)
        self.lists: Mapping[str, np.ndarray] = {name: np.array(items, np.int64) for name, items in lists.items()}

    def known(self) -> np.ndarray:
        return self.any_of(self.lists)

    def items(self, name: str) -> np.ndarray:
        """The items that have this name. UnknownName where none has it."""
        if name not in self.lists:
            raise unknown_value(self._attribute, name, tuple(self.lists))
        return self.lists[name]

    def any_of(self, names: Iterable[str]) -> np.ndarray:
        found = np.zeros(self._size, bool)
        for name in names:
            found[self.items(name)] = True
        return found

    def mask(self, condition: Condition) -> np.ndarray:
        names = [str(v) for v in condition.values]
        if condition.operator == "has all":
            found = np.ones(self._size, bool)
            for name in names:
                found &= self.any_of((name,))
            return found
        found = self.any_of(names)
        return ~found if condition.operator == "has none" else found


class Named(Attribute):
    """proper  its values are names of their own (people, brands), not words for a sort (genres): they are told by a
    capital, a cue or their length
    prefix  what a sentence says before such a name, behind the noun ("with", "in", "by"); "" puts it before the noun
    together  several that are wanted must all be there
    synonyms  names, each with what a question may call it: "happy ending", "end well"
    """

    unknown_passes_refusal = True

    proper: bool = False
    prefix: str = ""
    together: bool = False
    synonyms: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @field_validator("synonyms", mode="before")
    @classmethod
    def _paired(cls, synonyms: Any) -> Any:
        return tuple(synonyms.items()) if isinstance(synonyms, Mapping) else synonyms

    @property
    def any_of(self) -> Operator:
        """The operator for "one of these", which several wanted names mean."""
        return "has any" if "has any" in self.operators else "one of"

    def tell(self, cell: Any) -> str:
        return cell if isinstance(cell, str) else both(list(cell))

    def bare(self, condition: Condition) -> str:
        names = [str(v) for v in condition.values]
        if condition.operator == "has all":
            return " + ".join(names)
        return f"{'no ' if condition.operator == 'has none' else ''}{either(names)}"

    def describe(self, condition: Condition) -> str:
        names = either([str(v) for v in condition.values])
        if condition.excludes:
            return f"not {self.prefix} {names}" if self.prefix == "with" else f"not {names}"
        return f"with {names}" if self.prefix == "with" else f"{self.said}: {self.bare(condition)}"

    def phrase(self, condition: Condition) -> tuple[str, str]:
        names = [str(v) for v in condition.values]
        if condition.excludes:
            return "", f"without {either(names if self.proper else [n.lower() for n in names])}"
        if self.prefix or self.proper:
            return "", f"{self.prefix or self.said} {either(names)}"
        if not self.together and (behind := self.behind(either(names))):
            return "", behind
        lower = [n.lower() for n in names]
        return (both(lower) if condition.operator == "has all" else either(lower)), ""

    def objects(self, cell: Any, condition: Condition) -> str:
        have = {cell} if isinstance(cell, str) else set(cell)
        names = [str(v) for v in condition.values]
        told = f"{self.prefix} " if self.prefix == "with" else ""
        if condition.excludes:
            there = [n for n in names if n in have]
            return "; ".join(f"it is {told}{n}" for n in there)
        if self.prefix and self.prefix != "with":
            return f"its {self.said} is not {either(names)}"
        missing = [n for n in names if n not in have] if condition.operator == "has all" else [either(names)]
        return "; ".join(f"it is not {told}{n}" for n in missing)

    def objects_unknown(self, condition: Condition) -> str:
        names = [str(v) for v in condition.values]
        told = f"{self.prefix} " if self.prefix == "with" else ""
        if self.prefix and self.prefix != "with":
            return f"its {self.said} is not {either(names)}"
        return "; ".join(
            f"it is not {told}{n}" for n in (names if condition.operator == "has all" else [either(names)])
        )

    def supposes(self, question: str, values: Sequence[str]) -> Condition | None:
        """The names that a question speaks of, where there are few: "is it good for a date?"."""
        few, called = values if len(values) <= _LISTED else (), dict(self.synonyms)
        names = [v for v in few if any_of((_ARTICLE.sub("", v), *called.get(v, ()))).search(question)]
        return self.condition(self.any_of, *names, said=question) if names else None

    def verdict(self, cell: Any, question: str, column: Column) -> str:
        """Of what is there or not: "is it part of a series?"."""
        return "Yes," if self.otherwise and yes_or_no(question) else ""

    def writable(self, values: Sequence[str]) -> dict[str, Any]:
        return {"type": "string", "enum": list(values)} if values else {"type": "string"}

    def cell_written(self, value: Any, said: str, values: Sequence[str]) -> str:
        """One of the values, or, where any will do, a name that stands in the words."""
        name = " ".join(str(value).split())
        if values:
            found = next((v for v in values if folded(v) == folded(name)), None)
            if found is None:
                raise DataError("it is none of the values")
            return found
        if not stands_in(name, said):
            raise DataError("the name is not in the words quoted")
        return name

    def asks(self, text: str) -> bool:
        words = "|".join((*(f"{re.escape(w)}s?" for w in (self.said, *self.aka)), *self.asked))
        return bool(re.search(rf"\b(?:{words})\b", text, re.IGNORECASE))

    def properties(self, values: Sequence[str]) -> dict[str, dict[str, Any]]:
        """`<name>`: what every item must have (or one of); `any_<name>`: one of; `without_<name>`: none of."""
        one: dict[str, Any] = {"type": "string"}
        if 0 < len(values) <= _LISTED:
            one["enum"] = list(values)
        many = {"type": "array", "items": one, "default": []}
        wanted = "that every item must have" if self.together else "of which an item must have one"
        found = {self.name: {**many, "description": f"{self.said}: names {wanted}"}}
        if self.together:
            found[f"any_{self.name}"] = {**many, "description": f"{self.said}: names of which an item must have one"}
        found[f"without_{self.name}"] = {**many, "description": f"{self.said}: names that no item may have"}
        return found

    def _stated(self, arguments: Mapping[str, Any], key: str) -> tuple[str, ...]:
        given = arguments.get(key) or ()
        return (given,) if isinstance(given, str) else tuple(str(v) for v in given)


_ARTICLE = re.compile(r"^(?:an?|the)\s+")
_LISTED = 60  # values that a schema lists
