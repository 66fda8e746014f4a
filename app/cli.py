"""The command line: `chatrec` or `python -m app.cli`.

The modules of the commands are light: each imports what it works with when it runs, so that `chatrec --help` is there
at once.
"""

import sys
from typing import Annotated

import typer

from app.commands.chat import chat
from app.commands.data import data
from app.commands.leaderboard import leaderboard
from app.commands.llm import llm
from app.commands.mint import mint
from app.commands.models import models
from app.commands.online import online
from app.commands.serve import serve, setup
from app.commands.steer import steer
from app.commands.train import evaluate, train
from app.errors import ChatrecError

DEBUG = "--debug"
MISTAKE = 2  # exit code of everything that we raise on purpose

app = typer.Typer(
    name="chatrec",
    help="Chat with a recommender that you can trust.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(setup)
app.command()(serve)
app.command()(chat)
app.command()(train)
app.command()(evaluate)
app.command()(online)
app.command()(leaderboard)
app.add_typer(data, name="data")
app.add_typer(models, name="models")
app.add_typer(llm, name="llm")
app.add_typer(mint, name="mint")
app.add_typer(steer, name="steer")


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
