"""Anybody's data: items and interactions (and users) from CSV, TSV or Parquet files into a data set of its own.

Nothing is lost silently. Of every file, rows read = rows kept + rows merged + rows rejected; what was not taken over
stands in rejected.csv with file, line and reason. The result is kept as Parquet in <cache>/datasets/<name>.

Every further column of the items stays in the table as it was given, and becomes an attribute of the kind that most of
its cells fit; the others count as unknown and are reported. `correct` changes what was inferred.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from app.errors import DataError, did_you_mean
from app.progress import Progress, quiet
from recommenders.data import sources
from recommenders.data.attributes import Attribute, Overview, Schema, names_said, overview_of
from recommenders.data.default_schema import STANDARD
from recommenders.data.sources import _checks, _columns, _corrections, _records, _stored
from recommenders.data.sources._checks import Checked
from recommenders.data.tables import (
    GENRES,
    ITEM_ID,
    LANGUAGE,
    PEOPLE,
    TEXT,
    TITLE,
    YEAR,
    Catalogue,
    Dataset,
    Interactions,
)

REJECTED = "rejected.csv"
_GIVEN = (ITEM_ID, TITLE, YEAR, GENRES, PEOPLE, LANGUAGE, TEXT)  # what every data set has
_NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"
_Separator = Annotated[str, StringConstraints(min_length=1, max_length=3)]


class Import(BaseModel):
    """What to import and how it is to be read. Columns that are None are found by their common names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Name of the data set: lower-case letters, digits, - and _.", pattern=_NAME)
    items: Path = Field(description="Item table: CSV, TSV or Parquet.")
    interactions: Path = Field(description="Who met what: CSV, TSV or Parquet.")
    users: Path | None = Field(None, description="User table with profile columns.")

    item_id: str | None = Field(None, description="Items: column of the id.")
    title: str | None = Field(None, description="Items: column of the title.")
    year: str | None = Field(None, description="Items: column of the year (a date will do).")
    genres: str | None = Field(None, description="Items: column of the genres.")
    people: str | None = Field(None, description="Items: column of the people.")
    language: str | None = Field(None, description="Items: column of the language.")
    text: str | None = Field(None, description="Items: column of the description.")
    extra: tuple[str, ...] = Field((), description="Items: further columns that must be there; all are kept.")

    user: str | None = Field(None, description="Interactions: column of the user id.")
    item: str | None = Field(None, description="Interactions: column of the item id.")
    value: str | None = Field(None, description="Interactions: column of the rating or count.")
    timestamp: str | None = Field(None, description="Interactions: column of the time.")
    user_id: str | None = Field(None, description="Users: column of the id.")

    implicit: bool | None = Field(
        None, description="Implicit feedback (plays, purchases), not ratings; None: by the name of the value column."
    )
    liked_from: float | None = Field(
        None, description="Ratings from here on are likes; None: three quarters up the scale."
    )
    genres_separator: _Separator | None = Field(None, description="Between genres in a cell; None: | ; or ,")
    people_separator: _Separator | None = Field(None, description="Between people in a cell; None: | or ;")
    separator: _Separator | None = Field(None, description="Between cells of text files; None: guessed.")
    quoted: bool | None = Field(None, description='Whether "…" encloses cells; None: not in tab-separated files.')
    encoding: str | None = Field(None, description="Of text files; None: UTF-8, else Windows-1252.")
    source: str = Field("", description="Where the data come from, for people.")
    licence: str = Field("", description="Its terms, for people.")


@dataclass(frozen=True)
class Counts:
    """One file: rows read = kept + merged + the sum of `rejected`. `left_out` counts cells whose row stayed."""

    file: str
    read: int
    kept: int
    merged: int
    rejected: Mapping[str, int]
    left_out: Mapping[str, int]

    @classmethod
    def of(cls, checked: Checked) -> "Counts":
        table = checked.table()
        rows, cells = (table["reason"][table["what"] == what] for what in ("row", "cell"))
        kept = int(checked.kept.sum()) - checked.merged
        general = rows.str.replace(r"^has \d+ cells.*", "number of cells differs from the head", regex=True)
        return cls(
            checked.records.path.name,
            len(checked.reasons) + len(checked.records.torn),
            kept,
            checked.merged,
            general.value_counts().to_dict(),
            cells.value_counts().to_dict(),
        )


@dataclass(frozen=True)
class Report:
    """What an import did: the mapping that was used, counts by file, what may be asked of the items, remarks, and where
    the rejected rows are."""

    name: str
    mapping: tuple[str, ...]
    counts: tuple[Counts, ...]
    notes: tuple[str, ...]
    rejected_file: Path | None
    users: int
    attributes: tuple[Overview, ...] = ()

    def lines(self) -> list[str]:
        """For people, line by line."""
        out = [f"Columns: {'; '.join(self.mapping)}"]
        for c in self.counts:
            merged = f", {c.merged:,} merged into an earlier row" if c.merged else ""
            out.append(
                f"{c.file}: {c.read:,} rows read, {c.kept:,} kept{merged}, {sum(c.rejected.values()):,} rejected"
            )
            out += [f"    {n:,} × {why}" for why, n in c.rejected.items()]
            out += [f"    {n:,} × cell left out: {why}" for why, n in c.left_out.items()]
        if shown := [a for a in self.attributes if a.known or a.attribute.name not in _GIVEN]:
            out.append(f"What may be asked of the items (correct it: chatrec data attributes {self.name}):")
            out += [f"    {a.line()}" for a in shown]
        out += [f"Note: {note}" for note in self.notes]
        if self.rejected_file is not None:
            out.append(f"Everything that was not taken over: {self.rejected_file}")
        return out


def planned(values: Mapping[str, object]) -> Import:
    """An Import of options as people give them; DataError names the first one that does not fit."""
    try:
        return Import.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "?"
        raise DataError(f"cannot import with {key} = {first['input']!r}: {first['msg']}") from error


def run(plan: Import, cache_dir: Path, *, replace: bool = False, progress: Progress = quiet) -> Report:
    """Import into `cache_dir`/datasets/<name>, whole or not at all. DataError when nothing usable is in the files,
    when a column is missing, or when the name is taken (unless `replace`)."""
    folder = cache_dir / "datasets" / plan.name
    if plan.name in sources.builtin_names():
        raise DataError(f"{plan.name!r} is a data set of its own; choose another name")
    if plan.name in sources.imported_names(cache_dir) and not replace:
        raise DataError(f"a data set {plan.name!r} was imported before; choose another name or use --replace")

    def read(path: Path) -> Checked:
        return Checked(
            _records.read(path, separator=plan.separator, quoted=plan.quoted, encoding=plan.encoding, progress=progress)
        )

    mapping: list[str] = []
    items = read(plan.items)
    notes = list(items.records.notes)
    catalogue = _catalogue(plan, items, mapping, notes)
    said, remarks = _corrections.carried_over(_corrections.read(folder), catalogue.schema, catalogue.table)
    notes += remarks
    asked = Catalogue(catalogue.table, _corrections.applied(catalogue.schema, said))
    _misfits(items, asked)
    met = read(plan.interactions)
    notes += met.records.notes
    table = _interactions(plan, met, catalogue, mapping, notes)
    people = None
    if plan.users is not None:
        people = read(plan.users)
        notes += people.records.notes
    users = _users(plan, people, table["user"], mapping)

    checked = [items, met, *([people] if people else [])]
    rejected = pd.concat([c.table() for c in checked])
    if not len(table):
        aside = cache_dir / "datasets" / f"{plan.name}-{REJECTED}"
        aside.parent.mkdir(parents=True, exist_ok=True)
        rejected.to_csv(aside, index=False)
        reasons = ", ".join(f"{why} ({n})" for why, n in list(Counts.of(met).rejected.items())[:3])
        raise DataError(f"no row of {plan.interactions} could be used: {reasons or 'it has none'}. All rows: {aside}")
    data = _dataset(plan, catalogue, table, users, mapping)
    extra = {_corrections.CORRECTIONS: _corrections.text(said)} if said else {}
    if len(rejected):
        extra[REJECTED] = rejected.to_csv(index=False)
    _stored.write(folder, data, extra=extra)
    return Report(
        plan.name,
        tuple(mapping),
        tuple(Counts.of(c) for c in checked),
        tuple(dict.fromkeys(notes)),
        folder / REJECTED if len(rejected) else None,
        len(users),
        overview_of(asked.attributes),
    )


def correct(
    name: str, cache_dir: Path, settings: Sequence[str] = (), resets: Sequence[str] = ()
) -> tuple[Overview, ...]:
    """Correct attributes of an imported data set ("price.label=Preis") and take corrections back ("price"); all of it
    or nothing. The attributes that were named, as they are now. DataError says what is wrong."""
    if name in sources.builtin_names():
        raise DataError(f"{name!r} is a data set of its own; only attributes of imported ones are corrected")
    folder = cache_dir / "datasets" / name
    stored = _stored.read(folder, corrected=False) if name in sources.imported_names(cache_dir) else None
    if stored is None:
        raise DataError(f"unknown data set {name!r}{did_you_mean(name, sources.imported_names(cache_dir))}")
    table, schema = stored.catalogue.table, stored.catalogue.schema
    changed = _corrections.with_settings(_corrections.read(folder), schema, table, settings, resets)
    _corrections.write(folder, changed)
    named = {*resets, *(_corrections.setting(given, schema).attribute for given in settings)}
    now = Catalogue(table, _corrections.applied(schema, changed))
    return tuple(o for o in overview_of(now.attributes) if o.attribute.name in named)


def _misfits(checked: Checked, catalogue: Catalogue) -> None:
    """Report the cells that do not fit what most of their column is; they stay in the table and count as unknown."""
    kept = np.flatnonzero(checked.kept)
    for attribute in catalogue.schema:
        for column, astray in catalogue.attributes.astray(attribute.name).items():
            rows = np.zeros(len(checked.kept), bool)
            rows[kept[list(astray)]] = True
            why = f"{column} is not {attribute.expected}, so it counts as unknown"
            checked.leave_out(rows, why, checked.column(column))


def _catalogue(plan: Import, checked: Checked, mapping: list[str], notes: list[str]) -> Catalogue:
    columns, where = list(checked.records.frame.columns), plan.items.name
    told = {role: getattr(plan, role) for role in ("item_id", "title", "year", "genres", "people", "language", "text")}
    found = {role: _columns.find(role, column, columns, where) for role, column in told.items()}
    id_column = _columns.need("item id", "--item-id", found["item_id"], columns, where)
    title_column = _columns.need("title", "--title", found["title"], columns, where)
    for column in plan.extra:
        _columns.find("extra", column, columns, where)
        if column in (*found.values(), *_GIVEN):
            raise DataError(f"the column {column!r} cannot be an extra one: its name or content is used already")

    ids, titles = checked.column(id_column), checked.column(title_column)
    checked.reject(_checks.no_id(ids), "no item id")
    checked.reject(_checks.no_id(titles), "empty title")
    _checks.unique(checked, ids, "item id")
    table = pd.DataFrame({"item_id": ids, "title": titles})
    if found["year"] is not None:
        table["year"] = _checks.years(checked, checked.column(found["year"]))
    elif (apart := _checks.years_in_titles(titles)) is not None:
        stripped = apart[0].where(apart[0] != "", titles)  # a title that is nothing but a year stays
        table["title"], table["year"] = stripped, apart[1]
        notes.append(f"{where}: years are taken from the ends of the titles")
    how: dict[str, str] = {}
    for role, told_separator, candidates in (
        ("genres", plan.genres_separator, "|;,"),
        ("people", plan.people_separator, "|;"),
    ):
        several = found[role]
        if several is not None and several not in (id_column, title_column):
            cells = checked.column(several)
            between = told_separator or _checks.separator(cells, candidates)
            table[role] = pd.Series(_checks.names(cells, between), index=table.index, dtype=object)
            how[role] = f" (separated by {between!r})"
    for role in ("language", "text"):
        plain = found[role]
        if plain is not None:
            cells = checked.column(plain)
            table[role] = cells.where(~_checks.empty(cells), "")
    mapping += [f"{role} = {column}{how.get(role, '')}" for role, column in found.items() if column is not None]
    _further(checked, table, [c for c in columns if c not in found.values()], notes)
    kept = table[checked.kept]
    if kept.empty:
        reasons = ", ".join(f"{why} ({n})" for why, n in list(Counts.of(checked).rejected.items())[:3])
        raise DataError(f"no row of {plan.items} could be used as an item: {reasons or 'it has none'}")
    return Catalogue.of(kept, Schema(_standard(a, found.get(a.name), a.name in kept) for a in STANDARD))


def _further(checked: Checked, table: pd.DataFrame, columns: Sequence[str], notes: list[str]) -> None:
    """Take the columns over as they were given."""
    unusable = [c for c in columns if not c or c in _GIVEN]
    if unusable:
        where = checked.records.path.name
        notes.append(f"{where}: not taken over, since a column of that name is made of another: {', '.join(unusable)}")
    for column in columns:
        if column not in unusable:
            table[column] = checked.column(column)


def _standard(attribute: Attribute, column: str | None, filled: bool) -> Attribute:
    """One of the columns that every data set has, called as the table calls it ("author" for people, "tag" for genres);
    hidden where the table has none."""
    if not filled:
        return attribute.model_copy(update={"hidden": True})
    if attribute.name not in (GENRES, PEOPLE) or column is None or _columns.plain(column) in _columns.USUAL:
        return attribute
    said = names_said(column)
    if attribute.name == PEOPLE and said["prefix"] != "by":
        return attribute
    prefix = said["prefix"] if attribute.name == PEOPLE else ""
    return attribute.model_copy(update={"label": said["label"], "aka": (attribute.label,), "prefix": prefix})


def _interactions(
    plan: Import, checked: Checked, catalogue: Catalogue, mapping: list[str], notes: list[str]
) -> pd.DataFrame:
    """Kept rows: user (id), item (number), value, timestamp."""
    columns, where = list(checked.records.frame.columns), plan.interactions.name
    told = {role: getattr(plan, role) for role in ("user", "item", "value", "timestamp")}
    found = {role: _columns.find(role, column, columns, where) for role, column in told.items()}
    user_column = _columns.need("user", "--user", found["user"], columns, where)
    item_column = _columns.need("item", "--item", found["item"], columns, where)
    implicit = _implicit(plan, found["value"])
    mapping += [f"{role} = {column}" for role, column in found.items() if column is not None]
    mapping.append("feedback is implicit" if implicit else "feedback is explicit (ratings)")

    users, item_ids = checked.column(user_column), checked.column(item_column)
    numbers = pd.Index(catalogue.ids.ids).get_indexer(pd.Index(item_ids))
    checked.reject(_checks.no_id(users), "no user")
    checked.reject(_checks.no_id(item_ids), "no item")
    checked.reject(numbers < 0, "item is not in the item table")
    values = np.ones(len(users))
    if found["value"] is not None:
        what = "count" if implicit else "rating"
        values = _checks.numbers(checked, checked.column(found["value"]), what)
        if implicit:
            checked.reject(values <= 0, "count is not above zero")
    times = np.zeros(len(users), np.int64)
    if found["timestamp"] is not None:
        times = _checks.seconds(checked, checked.column(found["timestamp"]), lambda n: notes.append(f"{where}: {n}"))
    else:
        notes.append(f"{where}: no column of times; the order of the rows stands for it")
    table = pd.DataFrame({"user": users, "item": numbers, "value": values, "timestamp": times})
    return _each_pair_once(checked, table, implicit)


def _each_pair_once(checked: Checked, table: pd.DataFrame, implicit: bool) -> pd.DataFrame:
    """One row a user and item: counts of implicit feedback add up in the latest row, of ratings the latest holds."""
    kept = table[checked.kept].sort_values("timestamp", kind="stable")
    earlier = kept.duplicated(["user", "item"], keep="last")
    if implicit:
        checked.merged = int(earlier.sum())
        if checked.merged:
            kept["value"] = kept.groupby(["user", "item"], sort=False)["value"].transform("sum")
    else:
        again = np.zeros(len(table), bool)
        again[earlier.index[earlier]] = True
        checked.reject(again, "rated again later (the latest rating is kept)")
    return kept[~earlier].sort_index()


def _users(plan: Import, checked: Checked | None, met: pd.Series, mapping: list[str]) -> pd.DataFrame:
    """The users of the table in its order, then those who only occur in the interactions."""
    known = pd.DataFrame({"user_id": pd.Series([], dtype="str")})
    if checked is not None and plan.users is not None:
        columns, where = list(checked.records.frame.columns), plan.users.name
        column = _columns.find("user_id", plan.user_id, columns, where)
        column = _columns.need("user id", "--user-id", column, columns, where)
        ids = checked.column(column)
        checked.reject(_checks.no_id(ids), "no user id")
        _checks.unique(checked, ids, "user id")
        profile = {c: _plain_column(checked.column(c)) for c in columns if c != column}
        known = pd.DataFrame({"user_id": ids, **profile})[checked.kept]
        mapping.append(f"user profiles = {column} with {', '.join(profile) or 'nothing else'}")
    new = met.drop_duplicates()
    new = new[~new.isin(set(known["user_id"]))]
    together = pd.concat([known, pd.DataFrame({"user_id": new})], ignore_index=True)
    for column in together.columns:
        if together[column].dtype.kind not in "fi":
            together[column] = together[column].fillna("").astype("str")
    return together


def _dataset(
    plan: Import, catalogue: Catalogue, table: pd.DataFrame, users: pd.DataFrame, mapping: list[str]
) -> Dataset:
    user_numbers = pd.Index(users["user_id"]).get_indexer(pd.Index(table["user"]))
    interactions = Interactions.of(
        user_numbers.astype(np.int64),
        table["item"].to_numpy(np.int64),
        table["value"].to_numpy(np.float32),
        table["timestamp"].to_numpy(np.int64),
    )
    implicit = "feedback is implicit" in mapping
    liked_from = plan.liked_from if plan.liked_from is not None else _liked_from(interactions.value, implicit)
    if not implicit:
        mapping.append(f"likes are ratings from {liked_from:g} on")
    return Dataset(
        plan.name,
        catalogue,
        interactions,
        users,
        not implicit,
        liked_from,
        plan.source or plan.items.name,
        plan.licence,
    )


def _implicit(plan: Import, value_column: str | None) -> bool:
    if plan.implicit is not None:
        return plan.implicit
    return value_column is None or _columns.plain(value_column) in _columns.COUNTS


def _liked_from(values: np.ndarray, implicit: bool) -> float:
    """The lowest rating that occurs from three quarters of the scale on: 4 of 1..5, 8 of 1..10; all of implicit."""
    if implicit or not len(values):
        return 0.0
    low, high = float(values.min()), float(values.max())
    return float(values[values >= low + 0.75 * (high - low)].min())


def _plain_column(column: pd.Series) -> pd.Series:
    """Numbers where every cell that is not empty is one, else text."""
    blank = _checks.empty(column)
    numeric = pd.to_numeric(column.where(~blank), errors="coerce")
    if (~blank).any() and numeric.notna()[~blank].all():
        whole = not blank.any() and (numeric % 1 == 0).all()
        return numeric.astype(np.int64) if whole else numeric.astype(np.float64)
    return column.where(~blank, "")
