"""One condition on one attribute: the shape that a wish for "under two hours" or "no horror" has everywhere."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

Operator = Literal["at most", "at least", "between", "is", "one of", "has any", "has all", "has none"]
Value = bool | int | float | str
Holding = Literal["answer", "conversation", "always"]


class Condition(BaseModel):
    """What must hold of an item.

    attribute  its name in the catalogue's schema
    values     one for "at most", "at least" and "is", two for "between", any number for the others; names are the
               catalogue's own
    refused    the opposite is wanted: "not from the seventies"
    hard       a promise, kept by filter and gate; a soft one only orders
    holds      for how long: this answer, this conversation, or for good
    said       the person's words for it, "" where nobody said them
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)  # JSON has no words for those

    attribute: str
    operator: Operator
    values: tuple[Value, ...]
    refused: bool = False
    hard: bool = True
    holds: Holding = "conversation"
    said: str = ""

    @property
    def meaning(self) -> tuple[str, Operator, tuple[Value, ...], bool]:
        """What two conditions share that let the same items pass."""
        return (self.attribute, self.operator, self.values, self.refused)

    @property
    def excludes(self) -> bool:
        """Whether it says what is not wanted."""
        return self.refused != (self.operator == "has none")

    def only(self, values: Sequence[Value]) -> "Condition":
        """The same of other values."""
        return self.model_copy(update={"values": tuple(values)})


def each_part(conditions: Sequence[Condition]) -> list[tuple[Condition, tuple[Condition, ...]]]:
    """Each thing that could be given up, with the conditions that remain then: of "has all" and "has none" each name is
    one, and of a range each end."""
    found: list[tuple[Condition, tuple[Condition, ...]]] = []
    for n, condition in enumerate(conditions):
        before, behind = tuple(conditions[:n]), tuple(conditions[n + 1 :])
        for part, rest in _split(condition):
            found.append((part, (*before, *rest, *behind)))
    return found


def _split(condition: Condition) -> list[tuple[Condition, tuple[Condition, ...]]]:
    values = tuple(dict.fromkeys(condition.values)) if condition.operator in _EACH else condition.values
    if condition.operator in _EACH and len(values) > 1 and not condition.refused:
        return [(condition.only([v]), (condition.only([w for w in values if w != v]),)) for v in values]
    if condition.operator == "between" and not condition.refused and values[0] != values[1]:
        low, high = (condition.model_copy(update={"operator": o, "values": (v,)}) for o, v in _ends(values))
        return [(low, (high,)), (high, (low,))]
    return [(condition, ())]


_EACH: tuple[Operator, ...] = ("has all", "has none")  # every value of these is a condition of its own


def _ends(values: tuple[Value, ...]) -> tuple[tuple[Operator, Value], tuple[Operator, Value]]:
    return (("at least", values[0]), ("at most", values[1]))
