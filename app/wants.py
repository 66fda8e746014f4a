"""The one shape of a request, from the message to pipeline, store, prompt and back."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from recommenders.data import Condition, Named, Operator, Schema, each_part, either


class Order(BaseModel):
    """An order that was asked for: by this attribute, the lowest first where `rising`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attribute: str
    rising: bool


class Wants(BaseModel):
    """What a person wants to be shown.

    conditions  what must hold of every item; names are the catalogue's own
    wish        free words beyond them
    like        ids of items that it should be like; unlike: that it should not be like
    relatives   of things that the catalogue lacks and that it should be like, the ids that its table of them has
    count       how many, where that was said
    others      nothing that was shown before
    again       what the person knows already may appear
    order       by an attribute: "the newest"
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    conditions: tuple[Condition, ...] = ()
    wish: str = ""
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    relatives: tuple[str, ...] = ()
    count: int | None = None
    others: bool = False
    again: bool = False
    order: Order | None = None

    def __bool__(self) -> bool:
        return self != NOTHING

    def of(self, attribute: str, *operators: Operator) -> tuple[Condition, ...]:
        """The conditions on an attribute, of any operator where none is given."""
        return tuple(
            c for c in self.conditions if c.attribute == attribute and c.operator in (operators or (c.operator,))
        )

    def names(self, attribute: str, *operators: Operator) -> tuple[str, ...]:
        """The names in these conditions, each once."""
        return tuple(dict.fromkeys(str(v) for c in self.of(attribute, *operators) for v in c.values))

    def changed(self, **fields: object) -> "Wants":
        return self.model_copy(update=fields)


NOTHING = Wants()


def tidied(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """One "has all", "has any" and "has none" an attribute, none of them empty, and nothing twice."""
    found: list[Condition] = []
    for condition in conditions:
        if not condition.values:
            continue
        same = next((n for n, c in enumerate(found) if _joins(c, condition)), None)
        if same is None:
            found.append(condition)
        else:
            found[same] = found[same].only(tuple(dict.fromkeys((*found[same].values, *condition.values))))
    return tuple(found)


def _joins(one: Condition, other: Condition) -> bool:
    same = (one.attribute, one.operator, one.refused) == (other.attribute, other.operator, other.refused)
    return same and one.operator in ("has all", "has any", "has none", "one of")


def shortened(wish: str) -> str:
    """A wish as it is repeated to the person: whole, or its beginning up to a word."""
    wish = " ".join(wish.split())
    return wish if len(wish) <= _REPEATED else f"{wish[:_REPEATED].rsplit(' ', 1)[0].rstrip(',.;:')} …"


_REPEATED = 60  # characters


def told(wants: Wants, schema: Schema, like: Sequence[str] = ()) -> tuple[str, ...]:
    """What was understood, for people, one entry each: "genre: Horror", "before 1980", "3 picks". like: labels."""
    said = [schema[c.attribute].describe(c) for c in in_order(wants.conditions, schema) if c.attribute in schema]
    if wants.order is not None and wants.order.attribute in schema:
        said.append(f"ordered by {schema[wants.order.attribute].said}")
    if like:
        said.append(f"like {' and '.join(like)}")
    if wants.wish:
        said.append(f"wish: {shortened(wants.wish)}")
    return tuple(said)


@dataclass(frozen=True)
class Piece:
    """One thing that wants ask for. said: for people; rest: the wants without it; words: the person's own for it."""

    said: str
    rest: Wants
    words: str = ""


def pieces(wants: Wants, schema: Schema, label: Callable[[str], str]) -> tuple[Piece, ...]:
    """What could be taken away one by one: each condition (of several names that must all hold each name), the wish,
    what it should be like and unlike, the order. label: of an item by its id."""
    found: list[Piece] = []
    for n, condition in enumerate(wants.conditions):
        if condition.attribute not in schema:
            continue
        split = each_part([condition]) if condition.operator in ("has all", "has none") else [(condition, ())]
        for part, rest in split:
            left = (*wants.conditions[:n], *rest, *wants.conditions[n + 1 :])
            found.append(Piece(_piece_said(part, schema), wants.changed(conditions=left), part.said))
    if wants.wish:
        found.append(Piece(shortened(wants.wish), wants.changed(wish=""), wants.wish))
    for item_id in wants.like:
        found.append(Piece(f"like {label(item_id)}", wants.changed(like=_without(wants.like, item_id)), label(item_id)))
    for item_id in wants.unlike:
        others = wants.changed(unlike=_without(wants.unlike, item_id))
        found.append(Piece(f"not like {label(item_id)}", others, label(item_id)))
    if wants.order is not None and wants.order.attribute in schema:
        first = schema[wants.order.attribute].foremost(wants.order.rising)
        found.append(Piece(f"{first} first", wants.changed(order=None), first))
    return tuple(found)


def _piece_said(condition: Condition, schema: Schema) -> str:
    a = schema[condition.attribute]
    return " ".join(filter(None, a.phrase(condition))) if isinstance(a, Named) else a.describe(condition)


def _without(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(n for n in names if n != name)


def in_order(conditions: Sequence[Condition], schema: Schema) -> list[Condition]:
    """As people would say them: what is wanted before what is not within an attribute, attributes as the schema has
    them, names before numbers."""
    places = {a.name: n for n, a in enumerate(schema)}
    named = {a.name: not isinstance(a, Named) for a in schema}
    return sorted(conditions, key=lambda c: (named.get(c.attribute, True), places.get(c.attribute, 99), c.excludes))


def unknown_name(schema: Schema, attribute: str, name: str, known: Sequence[str]) -> str:
    """That the catalogue does not have a name, in words."""
    a = schema[attribute]
    several = "people" if a.said == "person" else f"{a.said}s"
    if not known:
        return f"this catalogue lists no {several}, so I could not look for {name}"
    if isinstance(a, Named) and a.prefix == "with":
        return f"I found nobody called {name} in this catalogue"
    if isinstance(a, Named) and a.together:
        return f"this catalogue has no {a.said} “{name}”"
    return f"I found no {a.said} “{name}” in this catalogue"


def untold(wanted: Sequence[str], of: str) -> tuple[str, ...]:
    """That the catalogue holds nothing of what is wanted to know of {it}, in one sentence; none where there is none."""
    first, *rest = [w.replace("{it}", of if n == 0 else "it") for n, w in enumerate(wanted)] or [""]
    return (f"I don't know {either([first, *rest])}",) if first else ()
