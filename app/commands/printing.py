"""An answer in the terminal: what `chatrec chat` and `chatrec ask` print of a turn, and how Ctrl-C ends it."""

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from app.events import Done, Fallback, ItemShown, Token, TurnEvent
from app.service import Chat, Stored, items

_KEPT = {"like": "likes", "dislike": "dislikes", "seen": "has seen", "forgotten": "no longer anything about"}


@contextmanager
def interrupt_sets(stop: threading.Event) -> Iterator[None]:
    """The first Ctrl-C asks the turn to stop, so that its end is stored like any other; the next one raises."""

    def on_interrupt(number: int, frame: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Printer:
    """Prints a turn while it comes: words as they are said, items with their facts and reasons, what was stored."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._line_open = False

    def event(self, event: TurnEvent) -> None:
        if isinstance(event, Token):
            typer.echo(event.text, nl=False)
            sys.stdout.flush()
            self._line_open = not event.text.endswith("\n")
        elif isinstance(event, ItemShown):
            typer.echo(nl=self._line_open)
            self._line_open = False
            self._item(event)
        elif isinstance(event, Fallback):
            typer.secho(f"The language model was bypassed: {event.why}", fg="yellow")
        elif isinstance(event, Done):
            typer.echo("" if event.status == "done" else f" ({event.status})", nl=self._line_open)
            self._line_open = False

    def stored(self, changes: Sequence[Stored]) -> None:
        if changes:
            typer.echo(f"kept: {'; '.join(f'{_KEPT[c.kind]} {c.title}' for c in changes)}")

    def _item(self, item: ItemShown) -> None:
        year = f" ({item.year})" if item.year else ""
        genres = f"  {', '.join(item.genres)}" if item.genres else ""
        typer.echo(f"  {item.position}. {typer.style(item.title, bold=True)}{year}{typer.style(genres, dim=True)}")
        data = self._chat.workbench.dataset
        known = items.portrait(data, data.catalogue.ids.number(item.item_id))
        for line in (known.about, " · ".join(_told(known))):
            if line:
                typer.secho(f"     {line}", dim=True)
        for reason in (*item.reasons, *([item.standing_out] if item.standing_out else [])):
            typer.echo(f"     - {reason.text}")


def _told(known: items.Portrait) -> Iterator[str]:
    """By whom and with whom, measures, what others think; of an item of which little is known whatever is."""
    if known.makers:
        yield f"by {' and '.join(known.makers)}"
    if known.cast:
        yield f"with {', '.join(known.cast)}"
    yield from known.measures
    if known.rating:
        yield f"{known.rating:.1f} ({known.raters:,} ratings)"
    yield from known.others
