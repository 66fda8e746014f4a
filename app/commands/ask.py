"""chatrec ask: messages in, answers out. The stable door for scripts and pipes; docs/asking.md has its format."""

import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Annotated, Protocol

import typer

from app.commands.printing import Printer, interrupt_sets
from app.events import TurnEvent
from app.service import Asked, Chat, Conversation, Store, Summary, Workbench
from app.settings import settings

INTERRUPTED = 130  # exit code, as shells have it for Ctrl-C


def ask(
    messages: Annotated[
        list[str] | None,
        typer.Argument(
            help="Messages, one after the other; without any, the lines of standard input, empty ones left out."
        ),
    ] = None,
    person: Annotated[
        str | None, typer.Option(help="Ask as the person of this name, who is remembered; made if there is none.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Ask as a user of the data set.")] = None,
    resume: Annotated[str | None, typer.Option(help="Id of a conversation to go on with, or 'last'.")] = None,
    llm: Annotated[str | None, typer.Option(help="Language model, see: chatrec models list.")] = None,
    generator: Annotated[str | None, typer.Option(help="Candidate generator.")] = None,
    ranker: Annotated[str | None, typer.Option(help="Ranker; 'none' for none.")] = None,
    data: Annotated[str | None, typer.Option(help="Data set; the served one unless given.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One line an event, then one that sums the turn up.")] = False,
) -> None:
    """Ask the recommender, message after message, without a page: for scripts, tests and pipes.

    Somebody new asks, unless --person, --user or --resume says who. Exit code 0 when all were answered, 1 when one was
    not, 130 after Ctrl-C.
    """
    if sum(who is not None for who in (person, user, resume)) > 1:
        raise typer.BadParameter("give one of --person, --user and --resume")
    s = settings() if data is None else settings().model_copy(update={"dataset": data})
    service = Chat(Workbench(s), Store(s.store_url), s)
    _ = service.workbench.dataset  # what is missing of it is told before anything is stored
    service.check_parts(backend=llm, generator=generator, ranker=ranker)
    conversation = _conversation(service, person, user, resume)
    service.swap(conversation, backend=llm, generator=generator, ranker=ranker)
    teller: Teller = Lines() if json else Words(service)
    failed = False
    try:
        for message in messages or _typed():
            stop = threading.Event()
            summary = _turn(Asked(service, conversation, message), teller, stop)
            failed |= summary.status != "done"
            if stop.is_set():
                raise typer.Exit(INTERRUPTED)
    finally:
        if not service.messages(conversation.id):
            service.delete(conversation.id)  # nothing was said: nothing to keep
    if failed:
        raise typer.Exit(1)


def _conversation(service: Chat, person: str | None, user: str | None, resume: str | None) -> Conversation:
    if resume is not None:
        return service.resumed(resume)
    return service.start(service.person(user) if person is None else service.remembered(person))


def _typed() -> Iterator[str]:
    """The lines of standard input as they come. All that is typed is sent, `#` at the beginning too."""
    reconfigure = getattr(sys.stdin, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")  # a byte that is no text is one odd letter, not the end
    for line in sys.stdin:
        if line.strip():
            yield line.strip()


class Teller(Protocol):
    """How a turn is told."""

    def begin(self, message: str) -> None: ...
    def event(self, event: TurnEvent) -> None: ...
    def end(self, summary: Summary) -> None: ...


class Words(Printer):
    """For people."""

    def begin(self, message: str) -> None:
        typer.secho(f"> {message}", bold=True)

    def end(self, summary: Summary) -> None:
        if summary.error:
            typer.echo(summary.error)
        self.stored(summary.stored)
        typer.secho(f"{summary.seconds.whole:.2f} s\n", dim=True)


class Lines:
    """For programs: JSON, one object a line, each written at once."""

    def begin(self, message: str) -> None:
        """The summary has the message."""

    def event(self, event: TurnEvent) -> None:
        _write(event.model_dump_json())

    def end(self, summary: Summary) -> None:
        _write(summary.model_dump_json())


def _write(line: str) -> None:
    typer.echo(line)
    sys.stdout.flush()


def _turn(asked: Asked, teller: Teller, stop: threading.Event) -> Summary:
    """Where nobody reads any more (a pipe that closed) the turn ends too, and is stored as stopped."""
    teller.begin(asked.message)
    with interrupt_sets(stop), closing(asked.events(stop)) as events:
        for event in events:
            teller.event(event)
    summary = asked.summary()
    teller.end(summary)
    return summary
