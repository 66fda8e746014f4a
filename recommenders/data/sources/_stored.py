"""A data set as a folder of Parquet tables: what imports are kept as, and what makes the second load of others fast.

items.parquet, relatives.parquet where some are known, interactions.parquet, users.parquet, attributes.json and
dataset.json, put in place whole or not at all; and corrections.json where an owner corrected attributes.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from app import files
from app.errors import DataError
from recommenders.data.attributes import Schema
from recommenders.data.default_schema import default_schema
from recommenders.data.sources import _corrections
from recommenders.data.tables import (
    GENRES,
    ITEM,
    LANGUAGE,
    PEOPLE,
    TEXT,
    TIMESTAMP,
    USER,
    VALUE,
    YEAR,
    Catalogue,
    Dataset,
    Interactions,
)

FORMAT = 1
RELATIVES = "relatives.parquet"
ITEMS, INTERACTIONS, USERS, ABOUT = "items.parquet", "interactions.parquet", "users.parquet", "dataset.json"
ATTRIBUTES = "attributes.json"


def write(folder: Path, data: Dataset, *, key: str = "", extra: dict[str, str] | None = None) -> None:
    """Keep `data` in `folder`. `key` names what it was made from; `extra` are further text files by name."""
    relatives = data.catalogue.relatives
    x = data.interactions
    about = {
        "format": FORMAT,
        "key": key,
        "name": data.name,
        "explicit": data.explicit,
        "liked_from": data.liked_from,
        "source": data.source,
        "licence": data.licence,
    }
    with files.replacing(folder) as new:
        _write_items(data.catalogue, new / ITEMS)
        if relatives is not None:
            _write_items(relatives, new / RELATIVES)
        pq.write_table(
            pa.table({USER: x.user, ITEM: x.item, VALUE: x.value, TIMESTAMP: x.timestamp}), new / INTERACTIONS
        )
        pq.write_table(pa.Table.from_pandas(data.users, preserve_index=False), new / USERS)
        (new / ATTRIBUTES).write_text(data.catalogue.schema.to_json(), encoding="utf-8")
        (new / ABOUT).write_text(json.dumps(about, indent=2, ensure_ascii=False), encoding="utf-8")
        for name, text in (extra or {}).items():
            (new / name).write_text(text, encoding="utf-8")


def read(folder: Path, *, key: str = "", corrected: bool = True) -> Dataset | None:
    """What `write` kept; None where there is none or it was made from other files (another `key`). corrected: with what
    the owner corrected of the attributes, else as they were inferred.

    DataError when the folder is damaged.
    """
    files.recover(folder)
    if not (folder / ABOUT).exists():
        return None
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        if about["format"] != FORMAT or (key and about["key"] != key):
            return None
        items = _read_items(folder / ITEMS)
        relatives = _read_items(folder / RELATIVES) if (folder / RELATIVES).is_file() else None
        columns = pq.read_table(folder / INTERACTIONS)
        users = pq.read_table(folder / USERS).to_pandas()
        kept = folder / ATTRIBUTES  # data sets that were kept before there were attributes have none
        inferred = Schema.from_json(kept.read_text(encoding="utf-8")) if kept.is_file() else None
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise DataError(
            f"the stored data set in {folder} is damaged ({error}); delete that folder and load again"
        ) from error
    schema = inferred or default_schema(items, Schema())
    if corrected:
        schema = _corrections.applied(schema, _corrections.read(folder))
    arrays = [columns[c].to_numpy() for c in (USER, ITEM, VALUE, TIMESTAMP)]
    return Dataset(
        about["name"],
        Catalogue(items, schema, None if relatives is None else Catalogue(relatives, schema)),
        Interactions(*(np.ascontiguousarray(a) for a in arrays)),
        users,
        about["explicit"],
        about["liked_from"],
        about["source"],
        about["licence"],
    )


def _write_items(catalogue: Catalogue, path: Path) -> None:
    items = catalogue.table.copy()
    for column in (GENRES, PEOPLE):
        items[column] = [list(names) for names in items[column]]
    pq.write_table(pa.Table.from_pandas(items, preserve_index=False), path)


def _read_items(path: Path) -> pd.DataFrame:
    """Checked when it was written, so the cells are only brought back to the types that Catalogue.of gives."""
    items = pq.read_table(path).to_pandas()
    for column in (GENRES, PEOPLE):
        items[column] = pd.Series([tuple(names) for names in items[column]], index=items.index, dtype=object)
    items[YEAR] = items[YEAR].astype("Int64")
    for column in (LANGUAGE, TEXT):
        items[column] = items[column].astype(str)
    return items
