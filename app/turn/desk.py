"""The desk at which tools work: the parts of this turn, what is on the table, and how names become rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.scorer import noted
from app.turn.context import Parts, TurnContext
from app.turn.laying import lay
from app.understanding import Linker, Table, filters_of, linker, telling
from recommenders.contract import Explanation, Filters, Recommendation, Request
from recommenders.data import Catalogue, FeedbackKind, UserState


class ToolError(Exception):
    """A tool call that cannot be served as it stands; the message says what was given, what was expected."""


@dataclass(frozen=True)
class Outcome:
    """What a tool found. `summary` is one line for people, `facts` is what a model may be told, line by line."""

    summary: str
    items: tuple[int, ...] = ()
    request: Request | None = None
    recommendation: Recommendation | None = None
    explanations: tuple[Explanation, ...] = ()
    kind: FeedbackKind | None = None
    facts: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()  # the items that the call named, as "item:<id>"


_SAID = 2000  # characters of what was said that the recommender is told; the encoder reads fewer


@dataclass
class Desk:
    """`state` and `liked` change when a tool remembers something; all else stays for the turn.

    message  what the person says in this turn
    liked    items liked in this conversation, the latest last
    """

    parts: Parts
    context: TurnContext
    picks: int
    pool: int
    message: str = ""
    state: UserState = field(init=False)
    table: Table = field(init=False)
    liked: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.state = self.context.state
        self.liked = self.context.liked
        self.table = lay(self.context.dialogue, self.catalogue)

    @property
    def catalogue(self) -> Catalogue:
        return self.parts.pipeline.catalogue

    @property
    def linker(self) -> Linker:
        return linker(self.catalogue)

    # -- names to rows ----------------------------------------------------------------------------------------------

    def items(self, references: Sequence[str]) -> tuple[int, ...]:
        """Rows for "item:<id>", "#2" (second of the latest answer) or a title. ToolError names what is unknown."""
        found: list[int] = []
        unknown: list[str] = []
        for reference in references:
            name = reference.strip()
            place = name.removeprefix("#")
            if name.startswith("item:") and name[5:] in self.catalogue.ids:
                found.append(self.catalogue.ids.number(name[5:]))
            elif place.isdigit() and 1 <= int(place) <= len(self.table.shown):
                found.append(self.table.shown[int(place) - 1])
            elif rows := self._rows(name):
                found.append(rows[0])
            else:
                unknown.append(name)
        if unknown or not found:
            shown = ", ".join(f"#{n} {self.catalogue.label(i)}" for n, i in enumerate(self.table.shown, start=1))
            raise ToolError(
                f"unknown: {', '.join(map(repr, unknown)) or 'no items given'}; expected a title of the catalogue"
                + (f" or one of the latest answer: {shown}" if shown else "")
            )
        return tuple(dict.fromkeys(found))

    def _rows(self, title: str) -> tuple[int, ...]:
        rows = self.linker.items(title)
        on_table = [r for r in rows if r in self.table.ever]
        return tuple(on_table) or rows

    def filters(
        self,
        *,
        genres: Sequence[str] = (),
        any_genres: Sequence[str] = (),
        without_genres: Sequence[str] = (),
        people: Sequence[str] = (),
        without_people: Sequence[str] = (),
        languages: Sequence[str] = (),
        without_content: Sequence[str] = (),
        year_from: int | None = None,
        year_to: int | None = None,
    ) -> tuple[Filters, tuple[str, ...]]:
        """The catalogue's own names for what was asked, and what it does not know, in words."""
        unmatched: list[str] = []

        def known(kind: str, names: Sequence[str]) -> tuple[str, ...]:
            find = {"genre": self.linker.genre, "person": self.linker.person, "language": self.linker.language}[kind]
            rows: list[str] = []
            for name in names:
                found = find(name)
                if not found:
                    unmatched.append(_unknown(kind, name, self.catalogue))
                rows += found
            return tuple(dict.fromkeys(rows))

        if year_from is not None and year_to is not None and year_from > year_to:
            year_from, year_to = year_to, year_from
        notes = tuple(dict.fromkeys(n for n in without_content if n in self.catalogue.content))
        unmatched += [
            f"“{n}”: this catalogue has no such content notes"
            for n in without_content
            if n not in self.catalogue.content
        ]
        filters = Filters(
            genres=known("genre", genres),
            any_genres=known("genre", any_genres),
            without_genres=known("genre", without_genres),
            people=known("person", people),
            without_people=known("person", without_people),
            languages=known("language", languages),
            without_content=notes,
            year_from=year_from,
            year_to=year_to,
        )
        return filters, tuple(unmatched)

    # -- asking and telling -----------------------------------------------------------------------------------------

    def recommend(self, request: Request) -> Recommendation:
        pool = max(self.pool, request.k)
        found = self.parts.pipeline.recommend(self.state, request, pool=pool)
        if self.parts.explorer is not None:
            found = self.parts.explorer.interleaved(found, self.state, request, pool)
        return noted(found, self.parts.pipeline.ranker)

    def explain(self, items: Sequence[int], request: Request | None, *, latest: int) -> tuple[Explanation, ...]:
        return tuple(self.parts.pipeline.explain(self.state, items, request, latest=latest))

    def said(self, *, before: bool = False) -> str:
        """What the person has said in this conversation, the latest first, without greetings and the like.

        before  without this turn's message
        """
        words = [t.text for t in reversed(self.context.dialogue) if t.role == "user"]
        return " ".join(t for t in (words if before else [self.message, *words]) if telling(t))[:_SAID]

    def request_behind(self, items: Sequence[int]) -> Request | None:
        """The request that showed these; the latest one where none of them was shown, None where there is none."""
        table = self.table
        if not table.arguments and not table.shown:
            return None
        asked = request_of(next((table.asked[i] for i in items if i in table.asked), table.arguments), self.catalogue)
        return replace(asked, said=self.said(before=True), liked=self.liked)

    def remember(self, items: Sequence[int], kind: FeedbackKind) -> None:
        """Keep feedback, and let this turn know of it."""
        for item in items:
            self.context.remember(self.catalogue.ids.ids[item], kind)
        self.state = self.context.renew() if self.context.renew is not None else self._after(items, kind)
        others = tuple(i for i in self.liked if i not in items)
        self.liked = (*others, *items) if kind == "like" else others if kind == "dislike" else self.liked

    def _after(self, items: Sequence[int], kind: FeedbackKind) -> UserState:
        state = self.state
        if kind == "dislike":
            return replace(state, disliked=tuple(dict.fromkeys((*state.disliked, *items))))
        fresh = [i for i in items if i not in state.items]
        liked = max((*state.values, self.parts.pipeline.config.liked_from, 1.0))
        value = liked if kind == "like" else 1.0
        return replace(
            state,
            items=(*state.items, *fresh),
            values=(*state.values, *(value for _ in fresh)),
            timestamps=(*state.timestamps, *(max(state.timestamps, default=0) for _ in fresh)),
            disliked=tuple(i for i in state.disliked if i not in items),
        )

    def ids(self, items: Sequence[int]) -> tuple[str, ...]:
        """As references: "item:<id>"."""
        return tuple(f"item:{self.catalogue.ids.ids[i]}" for i in items)

    def item_id(self, item: int) -> str:
        """The owner's id; a number that is no row of the catalogue stays recognisable as such in the trace."""
        return self.catalogue.ids.ids[item] if 0 <= item < len(self.catalogue) else f"no row {item}"

    def label(self, item: int) -> str:
        return self.catalogue.label(item)

    def facts(self, item: int) -> str:
        """One line of what the catalogue says of an item."""
        parts = [self.label(item)]
        if self.catalogue.genres[item]:
            parts.append(", ".join(self.catalogue.genres[item]))
        if self.catalogue.people[item]:
            parts.append("with " + ", ".join(self.catalogue.people[item][:4]))
        return "; ".join(parts)


def _unknown(kind: str, name: str, catalogue: Catalogue) -> str:
    if kind == "genre":
        return f"this catalogue has no genre “{name}”"
    if kind == "person":
        if not catalogue.people_names:
            return f"this catalogue lists no people, so I could not look for {name}"
        return f"I found nobody called {name} in this catalogue"
    if not catalogue.language_names:
        return f"this catalogue lists no languages, so I could not look for {name}"
    return f"I found no language “{name}” in this catalogue"


def request_of(arguments: Mapping[str, object], catalogue: Catalogue) -> Request:
    """The request that a stored decision stands for (its names are the catalogue's own)."""
    items = arguments.get("items")
    rows = [str(i)[5:] for i in items if str(i).startswith("item:")] if isinstance(items, list | tuple) else []
    return Request(
        wish=str(arguments.get("wish", "")),
        like=tuple(catalogue.ids.number(i) for i in rows if i in catalogue.ids),
        filters=filters_of(arguments),
    )
