"""An answer in the terminal: what `chatrec chat` and `chatrec ask` print of a turn, and how Ctrl-C ends it."""

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from app.events import Done, Fallback, ItemShown, Token, TurnEvent
from app.service import Chat, Stored, facts

_SHOWN_APART = ("year", "genres")  # beside the title
_TOO_LONG = ("text",)
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
        known = {k: v for k, v in facts(self._chat.workbench.catalogue, item.item_id).items() if k not in _SHOWN_APART}
        told = [f"{k}: {_words(v)}" for k, v in known.items() if k not in _TOO_LONG]
        if told:
            typer.secho(f"     {' · '.join(told)}", dim=True)
        for reason in (*item.reasons, *([item.standing_out] if item.standing_out else [])):
            typer.echo(f"     - {reason.text}")


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
