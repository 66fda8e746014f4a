"""The desk at which tools work: the parts of this turn, what is on the table, and how names become rows."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from app import words
from app.errors import UnknownName
from app.events import TakenAway
from app.scorer import noted
from app.turn.context import Parts, TurnContext, lay
from app.understanding import NOTHING, Linker, Order, Table, Wants, lacks, linker, telling, unknown_name
from recommenders.contract import Explanation, Recommendation, Request
from recommenders.data import Attribute, Catalogue, Condition, FeedbackKind, Named, UserState


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
    wants: Wants = NOTHING  # what it was asked for, in the catalogue's own names


_ORDERED = 200  # of which the cheapest, the newest, ... are taken
_MOST = 20  # items an answer
_SAID = 2000  # characters of what was said that the recommender is told; the encoder reads fewer


def without(text: str, phrases: Sequence[str]) -> str:
    """A text without the words of these phrases."""
    gone = {word for phrase in phrases for word in words.split(phrase)}
    kept = [t for t in words.tokens(text) if t.text not in gone] if gone else None
    return text if kept is None else " ".join(text[t.start : t.end] for t in kept)


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
                + ("; what it lacks goes into lacking" if any(map(self.linker.relatives, unknown)) else "")
                + (f" or one of the latest answer: {shown}" if shown else "")
            )
        return tuple(dict.fromkeys(found))

    def _rows(self, title: str) -> tuple[int, ...]:
        rows = self.linker.items(title)
        on_table = [r for r in rows if r in self.table.ever]
        return tuple(on_table) or rows

    def conditions(self, stated: Sequence[Condition]) -> tuple[tuple[Condition, ...], tuple[str, ...]]:
        """The conditions in the catalogue's own names, and what it does not know, in words."""
        schema, kept, unmatched = self.catalogue.schema, [], []
        for condition in stated:
            a = schema[condition.attribute]
            if not isinstance(a, Named):
                kept.append(condition)
                continue
            known: list[str] = []
            for name in map(str, condition.values):
                found = self.linker.value(a.name, name)
                if not found:
                    values = self.catalogue.attributes.values.get(a.name, ())
                    unmatched.append(unknown_name(schema, a.name, name, values))
                known += found
            if known:
                kept.append(condition.only(tuple(dict.fromkeys(known))))
        return tuple(kept), tuple(unmatched)

    # -- asking and telling -----------------------------------------------------------------------------------------

    def recommend(self, request: Request, order: Order | None = None) -> Recommendation:
        """What the pipeline finds; where an order was asked for, the best of many in that order."""
        pool = max(self.pool, request.k)
        found = self.parts.pipeline.recommend(self.state, request, pool=pool if order is None else _ORDERED)
        if order is not None:
            return self._in_order(found, order, pool)
        if self.parts.explorer is not None:
            found = self.parts.explorer.interleaved(found, self.state, request, pool)
        return noted(found, self.parts.pipeline.ranker)

    def _in_order(self, found: Recommendation, order: Order, pool: int) -> Recommendation:
        by_item = {c.item: c for c in found.candidates}
        items = self.catalogue.attributes.ordered(order.attribute, list(by_item), rising=order.rising)[:pool]
        return replace(found, candidates=tuple(replace(by_item[i], rank=n) for n, i in enumerate(items, start=1)))

    def explain(self, items: Sequence[int], request: Request | None, *, latest: int) -> tuple[Explanation, ...]:
        return tuple(self.parts.pipeline.explain(self.state, items, request, latest=latest))

    def said(self, *, before: bool = False) -> str:
        """What the person has said in this conversation, the latest first, without greetings and the like.

        before  without this turn's message
        """
        typed = self._typed()
        return " ".join(t for t in (typed if before else [self.message, *typed]) if telling(t))[:_SAID]

    def _typed(self) -> list[str]:
        """What was typed before, the latest first, without what was taken away since."""
        typed: list[str] = []
        gone: list[str] = []
        for turn in reversed(self.context.dialogue):
            taken = [e.words for e in turn.events if isinstance(e, TakenAway)]
            if taken:
                gone += filter(None, taken)
            elif turn.role == "user":
                typed.append(without(turn.text, gone))
        return typed

    def request_behind(self, items: Sequence[int]) -> Request | None:
        """The request that showed these; the latest one where none of them was shown, None where there is none."""
        table = self.table
        if not table.wants and not table.shown:
            return None
        wants = next((table.asked[i] for i in items if i in table.asked), table.wants)
        return Request(
            wish=wants.wish,
            like=self.rows(wants.like),
            relatives=self.relatives(wants),
            conditions=self.known(wants.conditions),
            said=self.said(before=True),
            liked=self.liked,
        )

    def request(self, wants: Wants) -> Request:
        """What the pipeline is asked for these wants; the names in them are the catalogue's own."""
        like = self.rows(wants.like)
        return Request(
            k=max(1, min(_MOST, wants.count or self.picks)),
            wish=wants.wish.strip(),
            said=self.said(),
            liked=self.liked,
            like=like,
            relatives=self.relatives(wants),
            conditions=wants.conditions,
            exclude=frozenset(like) | (frozenset(self.table.ever) if wants.others else frozenset()),
            include_seen=wants.again,
        )

    def known(self, conditions: Sequence[Condition]) -> tuple[Condition, ...]:
        """Those that this catalogue can keep: a stored request may be of one that has changed since."""
        attributes, kept = self.catalogue.attributes, []
        for condition in conditions:
            with suppress(UnknownName):
                attributes.mask((condition,))
                kept.append(condition)
        return tuple(kept)

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

    def rows(self, ids: Sequence[str]) -> tuple[int, ...]:
        """Internal numbers of the ids that the catalogue has."""
        return tuple(self.catalogue.ids.number(i) for i in ids if i in self.catalogue.ids)

    def lacking(self, titles: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Ids of those that something is known of, and that the catalogue has none of them, in words."""
        others, found, said = self.catalogue.relatives, [], []
        for title in titles:
            rows = self.linker.relatives(title)
            if others is None or not rows:
                said.append(f"I found no title “{title}” in this catalogue")
            else:
                found.append(others.ids.ids[rows[0]])
                said.append(lacks(self.catalogue, rows[0]))
        return tuple(found), tuple(said)

    def relatives(self, wants: Wants) -> tuple[int, ...]:
        """Rows of what the catalogue lacks; a stored request may name one of another table."""
        others = self.catalogue.relatives
        return () if others is None else tuple(others.ids.number(i) for i in wants.relatives if i in others.ids)

    def item_id(self, item: int) -> str:
        """The owner's id; a number that is no row of the catalogue stays recognisable as such in the trace."""
        return self.catalogue.ids.ids[item] if 0 <= item < len(self.catalogue) else f"no row {item}"

    def label(self, item: int) -> str:
        return self.catalogue.label(item)

    @property
    def _secrets(self) -> tuple[Attribute, ...]:
        """What is told to nobody who does not ask, as far as this message asks for it."""
        schema = self.catalogue.schema
        return tuple(a for a in schema.asked if a.spoiler and a.asks(self.message))

    def facts(self, item: int) -> str:
        """One line of what the catalogue says of an item."""
        attributes, told = self.catalogue.attributes, [self.label(item)]
        for a in (*attributes.schema.told, *self._secrets):
            cell = attributes.cells(a.name)[item]
            if a.kind in ("year", "text") or a.unknown(cell):
                continue
            if isinstance(a, Named):
                told.append(
                    f"{a.prefix} {', '.join(cell[:4])}" if a.proper and not isinstance(cell, str) else _flat(cell)
                )
            else:
                told.append(f"{a.said}: {a.tell(cell)}")
        return "; ".join(told)


def _flat(cell: str | tuple[str, ...]) -> str:
    return cell if isinstance(cell, str) else ", ".join(cell)
