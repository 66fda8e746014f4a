"""chatrec online: what a recommender has learnt in the chat, and taking it back."""

from typing import Annotated

import typer

from app.service import Online, Store, Workbench
from app.settings import settings
from recommenders.learning import Change


def online(
    name: Annotated[str, typer.Argument(help="A recommender that learns online, such as drn.")],
    status: Annotated[bool, typer.Option("--status", help="What it has learnt; also without any option.")] = False,
    replay: Annotated[bool, typer.Option("--replay", help="A major update from every judged list.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take the latest change back.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Go back to the trained network.")] = False,
) -> None:
    """Look at what a recommender has learnt from likes and dislikes, let it learn more, or take it back.

    A running server goes on with the result at its next turn.
    """
    if sum((status, replay, undo, reset)) > 1:
        raise typer.BadParameter("give one of --status, --replay, --undo and --reset")
    s = settings()
    learning = Online(Workbench(s), Store(s.store_url), s)
    if undo:
        change = learning.undo(name)
        typer.echo("there is nothing to take back" if change is None else f"taken back: {_told(change)}")
    elif reset:
        count = learning.reset(name)
        typer.echo(f"{name} is as it was trained; {count} change{'' if count == 1 else 's'} taken back")
    elif replay:
        change = learning.replay(name)
        typer.echo("no list was judged yet" if change is None else f"learnt: {_told(change)}")
    else:
        found = learning.status(name)
        typer.echo(f"{name}: {found.told()}")
        for change in found.changes:
            typer.echo(f"  {_told(change)}")


def _told(change: "Change") -> str:
    number = str(change.first) if change.first == change.last else f"{change.first} to {change.last}"
    return f"change {number}, {change.kind}, {change.made_at:%d %b %Y %H:%M} UTC"
