"""A conversation in the terminal, with the service that the web app uses."""

import threading
from collections.abc import Callable, Iterator
from typing import Annotated

import typer

from app.commands.printing import Printer, interrupt_sets
from app.errors import AppError, LLMError, NothingToRepeat, RecommenderError
from app.events import ItemShown, TurnEvent
from app.service import Chat, Conversation, Memory, Profile, Store, Workbench
from app.settings import settings
from llm.backends import available

HELP = """/why N          why item N of the last answer
/more N         more like item N
/like N         also /dislike N, /seen N, /undo N
/llm NAME       swap the language model; without a name: which there are
/generator NAME, /ranker NAME   likewise
/again          answer the last message again
/edit TEXT      put TEXT in the place of the last message
/new            begin a new conversation
/quit           leave; the conversation is kept"""


def chat(
    user: Annotated[str | None, typer.Option(help="A user of the data set; without it you are somebody new.")] = None,
    resume: Annotated[str | None, typer.Option(help="Id of a conversation to go on with, or 'last'.")] = None,
) -> None:
    """Talk to the recommender in the terminal. Ctrl-C stops an answer."""
    s = settings()
    service = Chat(Workbench(s), Store(s.store_url), s)
    conversation = service.start(service.person(user)) if resume is None else service.resumed(resume)
    terminal = Terminal(service, service.profile_of(conversation), conversation)
    terminal.run()
    if not service.messages(terminal.conversation.id):
        service.delete(terminal.conversation.id)  # nothing was said: nothing to keep


def _instead(chat: Chat) -> str:
    """Who finds candidates where the chosen one is not trained yet, in a line; "" where it is."""
    wanted = chat.settings.generator
    finds = chat.workbench.standing_in(wanted)
    if finds == wanted:
        return ""
    return f"{wanted} is not trained yet: until then {finds} finds the titles (chatrec setup trains it).\n"


class Terminal:
    """Reads a line, does what it says, prints the answer as it comes."""

    def __init__(self, service: Chat, profile: Profile, conversation: Conversation) -> None:
        self.chat, self.profile, self.conversation = service, profile, conversation
        self.printer = Printer(service)
        self.commands: dict[str, Callable[[str], None]] = {
            "/why": lambda rest: self.send(f"Why {self._title(rest)}?"),
            "/more": lambda rest: self.send(f"More like {self._title(rest)}"),
            "/like": lambda rest: self._feedback("like", rest),
            "/dislike": lambda rest: self._feedback("dislike", rest),
            "/seen": lambda rest: self._feedback("seen", rest),
            "/undo": self._undo,
            "/llm": lambda rest: self._swap("backend", rest),
            "/generator": lambda rest: self._swap("generator", rest),
            "/ranker": lambda rest: self._swap("ranker", rest),
            "/again": lambda _: self.show(lambda stop: self.chat.regenerate(self.conversation.id, stop)),
            "/edit": lambda rest: self.show(lambda stop: self.chat.edit_last(self.conversation.id, rest, stop)),
            "/new": self._new,
            "/help": lambda _: typer.echo(HELP),
        }

    def run(self) -> None:
        typer.echo(_instead(self.chat), nl=False)
        typer.echo(f"You are {self.profile.name}. Say what you are in the mood for; /help lists the commands.")
        while True:
            try:
                line = input("\n> ").strip()
            except (EOFError, KeyboardInterrupt):
                typer.echo()
                return
            if line in ("/quit", "/exit"):
                return
            if not line:
                continue
            command, _, rest = line.partition(" ")
            try:
                if not command.startswith("/"):
                    self.send(line)
                elif command in self.commands:
                    self.commands[command](rest.strip())
                else:
                    typer.echo(f"There is no command {command}.\n{HELP}")
            except (AppError, LLMError, RecommenderError) as error:
                typer.echo(str(error))

    # -- turns ------------------------------------------------------------------------------------------------------

    def send(self, text: str) -> None:
        self.show(lambda stop: self.chat.send(self.conversation.id, text, stop))

    def show(self, turn: Callable[[threading.Event], Iterator[TurnEvent]]) -> None:
        """Print the events of a turn as they come; Ctrl-C stops it, a second one breaks off."""
        stop, memory = threading.Event(), Memory(self.chat, self.profile)
        with interrupt_sets(stop):
            for event in turn(stop):
                self.printer.event(event)
        self.printer.stored(memory.changes())

    # -- commands ---------------------------------------------------------------------------------------------------

    def _shown(self) -> list[ItemShown]:
        """The items of the latest answer that showed any."""
        for message in reversed(self.chat.messages(self.conversation.id)):
            items = [e for e in message.events if isinstance(e, ItemShown)]
            if items:
                return items
        return []

    def _number(self, text: str) -> ItemShown:
        shown = self._shown()
        if text.isdigit() and 1 <= int(text) <= len(shown):
            return shown[int(text) - 1]
        given = f"got {text!r}" if text else "none was given"
        raise NothingToRepeat(
            f"expected the number of an item, 1 to {len(shown)}; {given}" if shown else "no items have been shown yet"
        )

    def _title(self, text: str) -> str:
        item = self._number(text)
        return f"{item.title} ({item.year})" if item.year else item.title

    def _feedback(self, kind: str, text: str) -> None:
        item = self._number(text)
        self.chat.remember(self.profile, item.item_id, kind)  # type: ignore[arg-type]
        typer.echo(f"{kind}: {item.title}")

    def _undo(self, text: str) -> None:
        item = self._number(text)
        said = self.chat.forget(self.profile, item.item_id)
        typer.echo(f"{'forgotten' if said else 'nothing was said of it'}: {item.title}")

    def _swap(self, part: str, name: str) -> None:
        now = self.chat.conversation(self.conversation.id)
        if name:
            self.chat.swap(now, **{part: name})
            typer.echo(f"{part}: {name}")
        elif part == "backend":
            for b in available.backends(self.chat.settings.llm):
                typer.echo(f"{'*' if b.name == now.backend else ' '} {b.name:32} {b.reason or 'usable'}")
        else:
            names = self.chat.workbench.generators() if part == "generator" else [*self.chat.rankers(), "none"]
            typer.echo(f"{part}: {getattr(now, part) or 'none'}; trained: {', '.join(names)}")

    def _new(self, _: str) -> None:
        now = self.chat.conversation(self.conversation.id)
        self.conversation = self.chat.start(
            self.profile, backend=now.backend, generator=now.generator, ranker=now.ranker
        )
        typer.echo("A new conversation.")
