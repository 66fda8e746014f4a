"""Who speaks to whom, and how names are listed: what all words of an answer share."""

from collections.abc import Sequence
from dataclasses import dataclass

from recommenders.data import Catalogue, UserState, both
from recommenders.texts import TextEncoder


@dataclass(frozen=True)
class Voice:
    """What is needed to speak of items: the catalogue, the person, from which value on an item counts as liked, what
    tells how near two texts are in meaning."""

    catalogue: Catalogue
    state: UserState
    liked_from: float
    generator: str
    encoder: TextEncoder | None = None

    def label(self, item: int) -> str:
        return self.catalogue.label(item)

    def labels(self, items: Sequence[int], limit: int = 6) -> str:
        return both([self.label(i) for i in items[:limit]]) + (" and others" if len(items) > limit else "")

    def lacking(self, rows: Sequence[int]) -> list[str]:
        """Titles of what the catalogue lacks."""
        others = self.catalogue.relatives
        return [] if others is None else [others.label(row) for row in rows]

    def liked(self, item: int) -> bool:
        """Whether the history says that the person liked an item (and not only met it)."""
        if self.liked_from <= 0 or item not in self.state.items:
            return False
        return self.state.values[self.state.items.index(item)] >= self.liked_from

    def nearness(self, wish: str, names: Sequence[str]) -> dict[str, float]:
        """name -> cosine with the wish; empty without an encoder."""
        if self.encoder is None or not names:
            return {}
        wished = self.encoder.query(wish)
        return {name: float(self.encoder.query(name) @ wished) for name in names}


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def anything(catalogue: Catalogue) -> str:
    """What any of its items is called: "any of my films"."""
    return f"any of my {next(iter(catalogue.nouns), 'items')}"
