"""chatrec knowledge: attributes that a language model fills out of the items' own texts."""

import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from app.commands.printing import interrupt_sets
from app.errors import AppError
from app.progress import Progress, bars
from app.service import knowledge_writing
from app.settings import settings
from llm.backends import BackendInfo, available
from recommenders.data import sources
from recommenders.data.knowledge import Knowledge, Line, read_declared

knowledge = typer.Typer(
    name="knowledge",
    help="What a language model writes of items out of their own texts, each value shown there.",
    no_args_is_help=True,
)

_HERE = ("embedded", "huggingface")  # kinds of backends that run on this machine, one call at a time
_AT_ONCE = 4  # calls of the others
_FIRST = 5  # calls that the pace is told after
_EXAMPLES = 3
_Name = Annotated[str | None, typer.Argument(help="Name of the data set; the served one if left out.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before it begins.")]


@knowledge.command()
def write(
    attribute: Annotated[list[str], typer.Option(help="Attribute to fill where its cells are blank (repeatable).")],
    dataset: Annotated[str | None, typer.Option(help="Name of the data set; the served one unless given.")] = None,
    declare: Annotated[
        Path | None, typer.Option(help="TOML file that declares attributes that the data set lacks.")
    ] = None,
    backend: Annotated[str | None, typer.Option(help="Who reads; the LLM of new conversations unless given.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="So many items, the best known first.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Calls at a time; 4 for servers, 1 on this machine.")
    ] = None,
    yes: _Yes = False,
) -> None:
    """Let a language model fill attributes from each item's own text. Only what the text shows is kept, and only in
    cells that you left blank. Asks what is missing; can be interrupted, and goes on where it stopped."""
    s = settings()
    name, reader = dataset or s.dataset, backend or s.backend
    data = sources.as_owned(name, s.cache_dir, s.datasets)
    kept = Knowledge.of(s.cache_dir, name)
    info = available.describe(reader, s.llm)
    model = available.load(reader, s.llm)
    declared = read_declared(declare) if declare else ()
    budget = s.prompt_tokens
    plan = knowledge_writing.planned(data, kept, reader, declared, attribute, limit=limit, budget=budget)
    _tell(plan, name, info, len(data.catalogue))
    if not plan.tasks:
        return
    _agreed(yes)
    stop = threading.Event()
    with interrupt_sets(stop), bars() as progress:
        outcome = knowledge_writing.write(
            model,
            reader,
            data.catalogue,
            kept,
            plan,
            workers=workers or (1 if info.kind in _HERE else _AT_ONCE),
            budget=budget,
            repairs=s.repairs,
            stop=stop,
            progress=_with_pace(progress),
        )
    _told(outcome, plan)
    if outcome.end:
        raise AppError(f"stopped: {outcome.end}. What was written is kept; the same command goes on")
    if outcome.asked < len(plan.tasks):
        typer.echo("Interrupted. What was written is kept; the same command goes on.")
        raise typer.Exit(130)
    typer.echo(f"It is there when {name} is opened next (chatrec data attributes {name}).")
    if {"genres", "year"} & {a.name for a in plan.asked}:
        typer.echo("The index of the texts reads genres and years: make it anew with chatrec setup.")


@knowledge.command()
def show(name: _Name = None) -> None:
    """What was written for a data set: how much, by whom, what was refused and why, examples with their words."""
    s = settings()
    name = name or s.dataset
    data = sources.load(name, s.cache_dir, s.datasets)
    lines = Knowledge.of(s.cache_dir, name).lines.values()
    if not lines:
        typer.echo(f"Nothing was written for {name}; see chatrec knowledge write --help")
    titles = dict(zip(data.catalogue.ids.ids, data.catalogue.titles, strict=True))
    writers = {a.name: a.writers for a in data.catalogue.schema}
    for attribute in dict.fromkeys(line.attribute for line in lines):
        of = [line for line in lines if line.attribute == attribute]
        there = sum(n for _, n in writers.get(attribute, ()))
        typer.echo(f"{attribute}: in {there:,} of {len(data.catalogue):,} items")
        for backend in dict.fromkeys(line.backend for line in of):
            _answers([line for line in of if line.backend == backend], backend)
        for line in [line for line in of if line.kept and line.item in titles][:_EXAMPLES]:
            said = "; ".join(f"{f.value} (“{f.words}”)" for f in line.kept)
            typer.echo(f"    {titles[line.item]}: {said}")


@knowledge.command()
def drop(
    name: Annotated[str, typer.Argument(help="Name of the data set.")],
    attribute: Annotated[str | None, typer.Argument(help="Attribute; all that was written if left out.")] = None,
    yes: _Yes = False,
) -> None:
    """Forget what was written of a data set. Your own cells stay as they are."""
    kept = Knowledge.of(settings().cache_dir, name)
    n = sum(attribute in (None, line.attribute) for line in kept.lines.values())
    if n:
        typer.echo(f"{n:,} answers for {attribute or f'all attributes of {name}'} will be forgotten.")
        _agreed(yes)
    with kept.writing():
        kept.drop(attribute)
    typer.echo("Forgotten. What is running already takes it up when it is started again.")


# -- told -------------------------------------------------------------------------------------------------------------


def _agreed(yes: bool) -> None:
    """Ask whether to go on, where somebody can answer."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise AppError("nothing was done: there is no terminal to ask at; say --yes to go on")
    typer.confirm("Go on?", default=False, abort=True)


def _tell(plan: knowledge_writing.Plan, name: str, reader: BackendInfo, size: int) -> None:
    """What will be asked, and what it takes."""
    for a in plan.asked:
        what = f"{len(a.values)} values" if a.values else a.attribute.expected
        typer.echo(f"{a.name} ({a.attribute.kind}: {what}): {plan.known[a.name]:,} of {size:,} known")
    if plan.textless:
        typer.echo(f"{plan.textless:,} items have no text to read and are left out.")
    if plan.done:
        typer.echo(f"{plan.done:,} answers of {reader.name} found nothing before; they are not asked again.")
    if not plan.tasks:
        typer.echo(f"Nothing is left to ask for {name}.")
        return
    typer.echo(
        f"{len(plan.tasks):,} items to ask {reader.name}: about {plan.prompt_tokens:,} tokens of prompts and "
        f"{plan.answer_tokens:,} of answers."
    )
    here = reader.kind in _HERE
    cost = "It runs on this machine: it costs time only." if here else "What a token costs, its provider says."
    if not reader.steers:
        typer.echo(f"It is too small to read well: try --limit 20, then look at chatrec knowledge show {name}")
    typer.echo(f"{cost} How long it takes is told after the first {_FIRST} items.")


def _with_pace(progress: Progress) -> Progress:
    """Tells once how long the rest takes."""
    began = time.monotonic()

    def told(done: int, total: int, what: str) -> None:
        progress(done, total, what)
        if done == _FIRST < total:
            left = (time.monotonic() - began) / done * (total - done)
            tqdm.write(f"About {_duration(left)} more at this pace.", file=sys.stderr)

    return told


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 6000 else f"{seconds / 3600:.1f} hours"


def _told(outcome: knowledge_writing.Outcome, plan: knowledge_writing.Plan) -> None:
    for a in plan.asked:
        refused = Counter({why: n for (name, why), n in outcome.refused.items() if name == a.name})
        typer.echo(f"{a.name}: {outcome.kept[a.name]:,} filled, {outcome.unknown[a.name]:,} not in the text")
        for why, n in refused.most_common():
            typer.echo(f"    {n:,} refused: {why}")
    for why, n in outcome.failed.most_common(_EXAMPLES):
        typer.echo(f"{n:,} items failed: {why}")
    if outcome.prompt_tokens:
        typer.echo(f"{outcome.prompt_tokens:,} tokens of prompts, {outcome.answer_tokens:,} of answers.")


def _answers(lines: Sequence[Line], backend: str) -> None:
    why = Counter(f.why for line in lines for f in line.facts if f.why)
    filled, silent = sum(bool(line.kept) for line in lines), sum(not line.facts for line in lines)
    typer.echo(f"    {backend}: {filled:,} filled, {silent:,} not in the text, {sum(why.values()):,} values refused")
    for reason, n in why.most_common():
        typer.echo(f"        {n:,} × {reason}")
