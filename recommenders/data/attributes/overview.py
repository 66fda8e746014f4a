"""What a catalogue's attributes are, for its owner: kind, words, examples, how much is known, what did not fit."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recommenders.data.attributes.attribute import Attribute
from recommenders.data.attributes.named import Named
from recommenders.data.attributes.schema import Bound

_LOOKED_AT = 5_000  # cells that examples are taken from
_EXAMPLES, _LONGEST = 3, 40


@dataclass(frozen=True)
class Overview:
    """One attribute of `size` items: of how many it is known, of how many a cell does not fit, and what cells say."""

    attribute: Attribute
    size: int
    known: int
    astray: int
    examples: tuple[str, ...]

    @property
    def details(self) -> Mapping[str, Any]:
        """What the kind has besides the words: unit, levels, separator, ...; only where it says something."""
        words = {"name", "label", "aka", "better", "hidden", "asked", "sentence", "otherwise", "wanted", "writers"}
        fields = self.attribute.model_dump(mode="json", exclude_defaults=True)
        return {key: value for key, value in fields.items() if key not in words}

    def as_json(self) -> dict[str, Any]:
        a = self.attribute
        return {
            "kind": a.kind,
            **{key: value for key, value in a.model_dump(mode="json").items() if key not in ("asked", "writers")},
            "label": a.said,
            "known": self.known,
            "size": self.size,
            "does_not_fit": self.astray,
            "written": dict(self.attribute.writers),
            "examples": list(self.examples),
        }

    def _details_said(self) -> list[str]:
        said = {key: value for key, value in self.details.items() if key not in ("unit", "dimension")}
        return [f"{key.replace('_', ' ')} {_plain(key, value)}" for key, value in said.items()]

    @property
    def share(self) -> str:
        """How much is known, in words; "" where everything is."""
        if self.known in (0, self.size):
            return "" if self.known else "empty"
        percent = 100 * self.known / self.size
        return f"{percent:.0f}% known" if 1 <= percent < 99.5 else f"{self.known:,} of {self.size:,} known"

    @property
    def written(self) -> str:
        """Who filled cells that the owner left blank, and how many: "written by gpt-4o-mini, 812 of 1,000"."""
        told = [f"{backend}, {n:,} of {self.size:,}" for backend, n in self.attribute.writers]
        return f"written by {' and by '.join(told)}" if told else ""

    def line(self) -> str:
        """All of it in one line."""
        a = self.attribute
        kind = f"{a.kind} of {unit}" if (unit := self.details.get("unit")) else a.kind
        said = [f'"{w}"' for w in (a.said, *a.aka) if w != a.name]
        parts = [
            kind,
            f"called {', '.join(said)}" if said else "",
            *(
                f"{key.replace('_', ' ')} {_plain(key, value)}"
                for key, value in self.details.items()
                if key not in ("unit", "dimension")
            ),
            f"better: {a.better}" if a.better else "",
            "hidden" if a.hidden else "",
            self.share,
            self.written,
            f"{self.astray:,} do not fit" if self.astray else "",
            f"e.g. {', '.join(self.examples)}" if self.examples else "",
        ]
        return f"{a.name}: {'; '.join(p for p in parts if p)}"


def overview_of(bound: Bound) -> tuple[Overview, ...]:
    """Every attribute, in the schema's order."""
    return tuple(_one(bound, a) for a in bound.schema)


def _one(bound: Bound, a: Attribute) -> Overview:
    cells = bound.cells(a.name)
    known = sum(not a.unknown(cell) for cell in cells)
    astray = sum(len(rows) for rows in bound.astray(a.name).values())
    return Overview(a, len(cells), known, astray, _examples(a, cells))


def _examples(a: Attribute, cells: Sequence[Any]) -> tuple[str, ...]:
    """What the most frequent cells say."""
    seen = [cell for cell in cells[:_LOOKED_AT] if not a.unknown(cell)]
    names = [n for cell in seen for n in ([cell] if isinstance(cell, str) else cell)] if isinstance(a, Named) else seen
    told = (a.tell(cell) for cell, _ in Counter(names).most_common(_EXAMPLES))
    return tuple(t if len(t) <= _LONGEST else f"{t[: _LONGEST - 1]}…" for t in told)


def _plain(field: str, value: Any) -> str:
    if isinstance(value, list):
        return (" < " if field == "levels" else ", ").join(value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
