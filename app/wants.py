"""The one shape of a request, from the message to pipeline, store, prompt and back."""

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from recommenders.data import Attribute, Condition, Levels, Named, Operator, Schema, either


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


def told(wants: Wants, schema: Schema, like: Sequence[str] = ()) -> tuple[str, ...]:
    """What was understood, for people, one entry each: "genre: Horror", "before 1980", "3 picks". like: labels."""
    said = [schema[c.attribute].describe(c) for c in in_order(wants.conditions, schema) if c.attribute in schema]
    if wants.order is not None and wants.order.attribute in schema:
        said.append(f"ordered by {schema[wants.order.attribute].said}")
    if like:
        said.append(f"like {' and '.join(like)}")
    if wants.wish:
        said.append(f"wish: {wants.wish}")
    return tuple(said)


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


def untold(attributes: Sequence[Attribute]) -> tuple[str, ...]:
    """That the catalogue has no column for these, in words; nothing where there are none."""
    levels = [a.adjectives[0] for a in attributes if isinstance(a, Levels)]
    others = [a.said for a in attributes if not isinstance(a, Levels)]
    found = [f"this catalogue does not say how {either(levels)} its items are"] if levels else []
    return (*found, *(f"this catalogue does not say the {other} of its items" for other in others))
