"""What an owner corrects of the attributes that an import inferred, kept beside them in corrections.json.

attributes.json holds what was inferred, corrections.json what the owner said and the attributes that come of it. So a
correction is one file put in place whole, taking it back leaves what was inferred, and a new import can keep it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_origin

import pandas as pd
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from app import files
from app.errors import DataError, did_you_mean
from recommenders.data.attributes import MOST, Attribute, Sample, Schema, kinds, read_attribute
from recommenders.data.default_schema import STANDARD

CORRECTIONS = "corrections.json"
_SHOWN = 3  # cells that an error quotes


class Correction(BaseModel):
    """said: field -> what the owner set it to, "kind" too; attribute: what comes of it, as in attributes.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    said: dict[str, Any]
    attribute: dict[str, Any]


Corrections = Mapping[str, Correction]
_FILE: TypeAdapter[dict[str, Correction]] = TypeAdapter(dict[str, Correction])


@dataclass(frozen=True)
class Setting:
    """One thing said: of which attribute which field becomes what."""

    attribute: str
    field: str
    value: str


def read(folder: Path) -> dict[str, Correction]:
    """DataError where the file is damaged."""
    path = folder / CORRECTIONS
    if not path.is_file():
        return {}
    try:
        return _FILE.validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise DataError(f"{path} is damaged ({error}); delete it and correct the attributes again") from error


def text(corrections: Corrections) -> str:
    return _FILE.dump_json(dict(corrections), indent=1).decode()


def write(folder: Path, corrections: Corrections) -> None:
    files.write_text(folder / CORRECTIONS, text(corrections))


def applied(schema: Schema, corrections: Corrections) -> Schema:
    """What was inferred with what was corrected in its place."""
    for name, correction in corrections.items():
        if name in schema:
            schema = schema.replaced(read_attribute(correction.attribute))
    return schema


def setting(given: str, schema: Schema) -> Setting:
    """ "price.label=Preis" as a Setting. DataError where it has another form or names what is not there."""
    path, equals, value = given.partition("=")
    name, dot, what = path.strip().rpartition(".")
    if not equals or not dot:
        raise DataError(f"cannot set {given!r}; expected ATTRIBUTE.FIELD=VALUE, for example price.unit=€")
    if name not in schema:
        raise DataError(f"there is no attribute {name!r}{did_you_mean(name, [a.name for a in schema])}")
    return Setting(name, what, value.strip().strip("\"'"))


def corrected(inferred: Attribute, table: pd.DataFrame, said: Mapping[str, Any]) -> Attribute:
    """The attribute that comes of what is said. DataError where a field or value is none, or where the cells of the
    table do not fit the result and fitted before."""
    kind = str(said.get("kind", inferred.kind))
    if kind not in kinds():
        raise DataError(f"unknown kind of attribute {kind!r}{did_you_mean(kind, kinds())}")
    fields = kinds()[kind].settings()
    for name in said:
        if name != "kind" and name not in fields:
            raise DataError(
                f"{inferred.name} is a {kind}, which has no {name!r}{did_you_mean(name, ('kind', *fields))}"
            )
    row = {
        **_base(inferred, kind, table),
        **{n: _typed(fields[n].annotation, v) for n, v in said.items() if n != "kind"},
    }
    made = read_attribute({**row, "kind": kind})
    _fits(made, inferred, table)
    return made


def _base(inferred: Attribute, kind: str, table: pd.DataFrame) -> dict[str, Any]:
    """The fields to begin with: of the same kind those that were inferred, of another what it would infer."""
    if kind == inferred.kind:
        return inferred.model_dump()
    if inferred.name in {a.name for a in STANDARD}:
        raise DataError(f"{inferred.name} is a column that every data set has; it stays a {inferred.kind}")
    if inferred.derived:
        raise DataError(f"{inferred.name} is made of {' and '.join(inferred.derived)}; it stays a {inferred.kind}")
    found = kinds()[kind].found(inferred.name, Sample.of(table[inferred.name]))
    return found[1].model_dump() if found is not None else {"name": inferred.name}


def _typed(annotation: Any, value: Any) -> Any:
    """A value as the field takes it: several, separated by commas, where it takes several."""
    if get_origin(annotation) is tuple and isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _fits(made: Attribute, inferred: Attribute, table: pd.DataFrame) -> None:
    if made.model_dump(exclude=_WORDS) == inferred.model_dump(exclude=_WORDS) and made.kind == inferred.kind:
        return
    parsed = made.parsed(table)
    several = sum(map(len, parsed.astray.values()))
    known = several + sum(not made.unknown(cell) for cell in parsed.cells)
    if several <= (1 - MOST) * known:
        return
    cells = [table[column].iloc[row] for column, rows in parsed.astray.items() for row in rows]
    quoted = ", ".join(repr(str(c)) for c in list(dict.fromkeys(map(str, cells)))[:_SHOWN])
    raise DataError(
        f"{made.name} cannot be that: {several:,} of {known:,} cells are not {made.expected}, for example {quoted}; "
        "nothing was changed"
    )


_WORDS = {"label", "aka", "better", "hidden"}  # fields that change no cell


def with_settings(
    corrections: Corrections, schema: Schema, table: pd.DataFrame, settings: Sequence[str], resets: Sequence[str]
) -> dict[str, Correction]:
    """The corrections after these settings ("price.label=Preis") and resets ("price"). schema: what was inferred."""
    changed = dict(corrections)
    for name in resets:
        if name not in schema:
            raise DataError(f"there is no attribute {name!r}{did_you_mean(name, [a.name for a in schema])}")
        changed.pop(name, None)
    said: dict[str, dict[str, Any]] = {}
    for one in (setting(given, schema) for given in settings):
        before = changed[one.attribute].said if one.attribute in changed else {}
        said.setdefault(one.attribute, dict(before))[one.field] = one.value
    for name, fields in said.items():
        changed[name] = _correction(schema[name], table, fields)
    return changed


def carried_over(
    corrections: Corrections, schema: Schema, table: pd.DataFrame
) -> tuple[dict[str, Correction], list[str]]:
    """The corrections that still hold for a newly imported table, and what is to be said of all of them."""
    kept: dict[str, Correction] = {}
    notes: list[str] = []
    for name, correction in corrections.items():
        fields = ", ".join(correction.said)
        if name not in schema:
            notes.append(f"your correction of {name} ({fields}) is gone: there is no such column any more")
            continue
        try:
            kept[name] = _correction(schema[name], table, correction.said)
            notes.append(f"your correction of {name} ({fields}) is kept")
        except DataError as error:
            notes.append(f"your correction of {name} ({fields}) is gone: {error}")
    return kept, notes


def _correction(inferred: Attribute, table: pd.DataFrame, said: dict[str, Any]) -> Correction:
    made = corrected(inferred, table, said)
    return Correction(said=said, attribute={"kind": made.kind, **made.model_dump(mode="json", exclude_defaults=True)})
