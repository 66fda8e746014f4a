"""chatrec data: get, import, list and show data sets."""

import json
from pathlib import Path
from typing import Annotated

import typer

from app.progress import bars
from app.settings import DATASET, settings
from app.setup import get_data
from recommenders.data import imported, overview_of, sources

data = typer.Typer(name="data", no_args_is_help=True, help="Data sets: fetch, import, list, show.")

_ITEMS, _INTERACTIONS, _USERS, _FILES = (
    "Item columns",
    "Interaction columns",
    "User columns",
    "How the files are written",
)
_FIELDS = "label, aka, better, hidden, kind, unit, levels, ..."


def _column(what: str, panel: str) -> typer.models.OptionInfo:
    return typer.Option(metavar="COLUMN", help=what, rich_help_panel=panel)


@data.command("list")
def list_() -> None:
    """Every known data set, and whether it is here."""
    s = settings()
    for info in sources.available(s.cache_dir, s.datasets):
        state = "missing" if info.missing else ("imported" if info.imported else "ready")
        served = "  (served)" if info.name == s.dataset else ""
        typer.echo(f"{info.name:20} {state:9} {info.label}{served}")
        if info.missing:
            typer.echo(f"{'':20} {info.missing}")


@data.command()
def get(
    name: Annotated[str | None, typer.Argument(help="Name of the data set; the default one if left out.")] = None,
) -> None:
    """Fetch the files of a data set that can be fetched; does nothing where they are here."""
    s = settings()
    name = name or DATASET
    if not sources.is_here(name, s.cache_dir, s.datasets):
        typer.echo(f"{name}: {sources.source(name).COST}.")
    with bars() as progress:
        get_data(name, s, progress)
    found = sources.load(name, s.cache_dir, s.datasets)
    typer.echo(f"{name} is here: {len(found.interactions):,} interactions with {len(found.catalogue):,} items.")
    typer.echo(f"Terms: {found.licence}")


@data.command("import")
def import_(
    name: Annotated[str, typer.Option(help="Name of the new data set: lower-case letters, digits, - and _.")],
    items: Annotated[Path, typer.Option(help="Item table: CSV, TSV or Parquet.")],
    interactions: Annotated[Path, typer.Option(help="Who met what: CSV, TSV or Parquet.")],
    users: Annotated[Path | None, typer.Option(help="User table with profile columns.")] = None,
    item_id: Annotated[str | None, _column("Id.", _ITEMS)] = None,
    title: Annotated[str | None, _column("Title.", _ITEMS)] = None,
    year: Annotated[str | None, _column("Year (a date will do).", _ITEMS)] = None,
    genres: Annotated[str | None, _column("Genres.", _ITEMS)] = None,
    genres_separator: Annotated[
        str | None, typer.Option(help="Between genres in a cell; guessed: | ; or ,", rich_help_panel=_ITEMS)
    ] = None,
    people: Annotated[str | None, _column("People.", _ITEMS)] = None,
    people_separator: Annotated[
        str | None, typer.Option(help="Between people in a cell; guessed: | or ;", rich_help_panel=_ITEMS)
    ] = None,
    language: Annotated[str | None, _column("Language.", _ITEMS)] = None,
    text: Annotated[str | None, _column("Description.", _ITEMS)] = None,
    extra: Annotated[
        list[str] | None, _column("A further column that must be there (repeatable); all are kept.", _ITEMS)
    ] = None,
    user: Annotated[str | None, _column("User id.", _INTERACTIONS)] = None,
    item: Annotated[str | None, _column("Item id.", _INTERACTIONS)] = None,
    value: Annotated[str | None, _column("Rating or count.", _INTERACTIONS)] = None,
    timestamp: Annotated[str | None, _column("Time: seconds, milliseconds or ISO dates.", _INTERACTIONS)] = None,
    implicit: Annotated[
        bool | None,
        typer.Option(
            "--implicit/--explicit",
            help="Plays or purchases, or ratings; guessed from the name of the value column.",
            rich_help_panel=_INTERACTIONS,
        ),
    ] = None,
    liked_from: Annotated[
        float | None,
        typer.Option(help="Ratings from here on are likes; guessed.", rich_help_panel=_INTERACTIONS),
    ] = None,
    user_id: Annotated[str | None, _column("Id in the user table.", _USERS)] = None,
    separator: Annotated[
        str | None, typer.Option(help=r"Between cells (\t for tab); guessed.", rich_help_panel=_FILES)
    ] = None,
    quoted: Annotated[
        bool | None,
        typer.Option(
            "--quoted/--not-quoted",
            help='Whether "…" encloses cells; as a rule yes, but not in tab-separated files.',
            rich_help_panel=_FILES,
        ),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Else UTF-8, and Windows-1252 where it is not.", rich_help_panel=_FILES)
    ] = None,
    source: Annotated[str, typer.Option(help="Where the data come from, for people.")] = "",
    licence: Annotated[str, typer.Option(help="Its terms, for people.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Replace an earlier import of this name.")] = False,
) -> None:
    """Import your own items and interactions; what could not be used is reported and written to a file. Every column of
    the items becomes an attribute that can be asked for; see `chatrec data attributes`."""
    given = {key: value for key, value in locals().items() if key in imported.Import.model_fields}
    given["extra"] = tuple(extra or ())
    given["separator"] = None if separator is None else separator.replace("\\t", "\t")
    with bars() as progress:
        report = imported.run(imported.planned(given), settings().cache_dir, replace=replace, progress=progress)
    for line in report.lines():
        typer.echo(line)
    typer.echo(f"Serve it with: CHATREC_DATASET={report.name} chatrec setup, then the same before chatrec serve.")


@data.command()
def attributes(
    name: Annotated[str | None, typer.Argument(help="Name of the data set; the served one if left out.")] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="ATTRIBUTE.FIELD=VALUE", help=f"Correct {_FIELDS} (repeatable)."),
    ] = None,
    resets: Annotated[
        list[str] | None,
        typer.Option("--reset", metavar="ATTRIBUTE", help="Take corrections of an attribute back (repeatable)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What may be asked of the items of a data set: kind, words, unit, levels, examples, how much is known.

    Corrects what an import took for something else: --set price.unit=€ --set price.aka=cost --set weight.better=low.
    """
    s = settings()
    name = name or s.dataset
    if changes or resets:
        imported.correct(name, s.cache_dir, changes or (), resets or ())
    found = overview_of(sources.load(name, s.cache_dir, s.datasets).catalogue.attributes)
    if as_json:
        typer.echo(json.dumps([o.as_json() for o in found], ensure_ascii=False, indent=2))
        return
    for o in found:
        typer.echo(o.line())
    if changes or resets:
        typer.echo("Corrected. What is running already takes it up when it is started again.")


@data.command()
def show(
    name: Annotated[str | None, typer.Argument(help="Name of the data set; the served one if left out.")] = None,
    rows: Annotated[int, typer.Option(min=0, help="Items to print.")] = 5,
) -> None:
    """What a data set holds: sizes, what is known of items and users, a few items."""
    s = settings()
    found = sources.load(name or s.dataset, s.cache_dir, s.datasets)
    c, x = found.catalogue, found.interactions
    typer.echo(f"{found.name}: {found.source}")
    if found.licence:
        typer.echo(f"Terms: {found.licence}")
    kind = f"ratings {x.value.min():g} to {x.value.max():g}, liked from {found.liked_from:g} on"
    typer.echo(f"{len(x):,} interactions ({kind if found.explicit else 'implicit'}) of {len(found.users):,} users")
    years = c.years[c.years > 0]
    known = [
        f"years {years.min()} to {years.max()} ({len(years) / len(c):.0%})" if len(years) else "no years",
        f"{len(c.genre_names)} genres",
        f"{len(c.people_names):,} people",
        f"{len(c.language_names)} languages",
        f"descriptions of {sum(bool(t) for t in c.texts) / len(c):.0%}",
    ]
    typer.echo(f"{len(c):,} items: {', '.join(known)}")
    asked = [a for a in c.schema.shown if a.name in c.extra_columns or a.derived]
    if asked:
        told = (f"{a.said} ({a.kind})" if a.said == a.name else f"{a.name} ({a.kind}, {a.said})" for a in asked)
        typer.echo(f"Further attributes: {', '.join(told)}; more: chatrec data attributes {found.name}")
    typer.echo(f"Profile columns: {', '.join(found.profile_columns) or 'none'}")
    for item in range(min(rows, len(c))):
        typer.echo(f"  {c.ids.ids[item]:>8}  {c.label(item)}  {', '.join(c.genres[item])}")
