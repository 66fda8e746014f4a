"""The command line: `chatrec` or `python -m app.cli`.

Commands are known from a table. The module of one is imported when it runs or its help is asked for, so that
`chatrec --help` is there at once, and a command module imports at its top what it works with, like any file.
"""

import importlib
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from app.errors import ChatrecError

DEBUG = "--debug"
MISTAKE = 2  # exit code of everything that we raise on purpose

COMMANDS = {
    "setup": (
        "app.commands.setup:setup",
        "Fetch data and weights and train what the app needs; does only what is missing.",
    ),
    "serve": (
        "app.commands.serve:serve",
        "Open the web app and keep it running until Ctrl-C. What a set-up left to be made is made beside it.",
    ),
    "chat": ("app.commands.chat:chat", "Talk to the recommender in the terminal. Ctrl-C stops an answer."),
    "ask": (
        "app.commands.ask:ask",
        "Ask the recommender, message after message, without a page: for scripts, tests and pipes.",
    ),
    "train": (
        "app.commands.train:train",
        "Train recommenders for serving, without everybody's last interaction (the pipeline is tuned on these).",
    ),
    "evaluate": (
        "app.commands.evaluate:evaluate",
        "Measure how well the next item is foreseen: leave-last-one-out by time, full ranking, seen items excluded.",
    ),
    "online": (
        "app.commands.online:online",
        "Look at what a recommender has learnt from likes and dislikes, let it learn more, or take it back.",
    ),
    "leaderboard": (
        "app.commands.leaderboard:leaderboard",
        "Compare recommenders: what comes next, liked or not, ratings. Computes what is missing; can be interrupted.",
    ),
    "data": ("app.commands.data:data", "Data sets: fetch, import, list, show."),
    "models": ("app.commands.models:models", "Language models: list them, fetch their weights."),
    "llm": ("app.commands.llm:llm", "The language model as scorer and ranker."),
    "mint": ("app.commands.mint:mint", "Features that the language model writes."),
    "knowledge": (
        "app.commands.knowledge:knowledge",
        "What a language model writes of items out of their own texts, each value shown there.",
    ),
    "steer": ("app.commands.steer:steer", "Teach what reads messages."),
}
"""Name -> (module:what it defines, a function or a group of commands; its line in the help)."""


class Entry(TyperCommand):
    """A row of the table in the place of a command: it has its name and line; what runs is loaded when it is called."""

    def __init__(self, name: str, place: str, line: str) -> None:
        super().__init__(name, help=line)
        self.place = place

    def load(self) -> TyperCommand | TyperGroup:
        module, _, name = self.place.partition(":")
        found = getattr(importlib.import_module(module), name)
        if isinstance(found, typer.Typer):
            return typer.main.get_group(found)
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(self.name)(found)
        return typer.main.get_command(alone)  # type: ignore[return-value]

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The loaded command's own, so that the group runs that one."""
        return self.load().make_context(info_name, args, parent, **extra)


class Table(TyperGroup):
    """The commands of the table."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, (place, line) in COMMANDS.items():
            self.add_command(Entry(name, place, line))


app = typer.Typer(
    name="chatrec",
    help="Chat with a recommender that you can trust.",
    cls=Table,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option(DEBUG, help="Show the traceback of an error; may stand anywhere.")] = False,
) -> None:
    """Listed here for the help; `main` reads it."""


def main(arguments: list[str] | None = None) -> None:
    """Run a command. What our own packages raise is told in one line, with exit code 2; a fault keeps its traceback."""
    given = sys.argv[1:] if arguments is None else arguments
    debug = DEBUG in given
    try:
        app([a for a in given if a != DEBUG])
    except ChatrecError as error:
        if debug:
            raise
        print(f"chatrec: {error}", file=sys.stderr)
        sys.exit(MISTAKE)


if __name__ == "__main__":
    main()
