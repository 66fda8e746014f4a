"""The attributes of the columns that every catalogue may have, under the names that they have here."""

import pandas as pd

from recommenders.data.attributes import Attribute, Number, Schema, inferred, read_attribute

ITEM_ID, TITLE, YEAR, GENRES, PEOPLE, LANGUAGE, TEXT = (
    "item_id",
    "title",
    "year",
    "genres",
    "people",
    "language",
    "text",
)
_WHAT_KIND = (r"what\s+(?:kind|type|sort)", r"comedy\s+or")
_WHO = ("who", "cast", "actors?", "actress", "star(?:s|ring)?", "direct(?:or|s|ed)")
STANDARD: tuple[Attribute, ...] = (
    read_attribute({"kind": "set", "name": GENRES, "label": "genre", "together": True, "asked": _WHAT_KIND}),
    read_attribute({"kind": "set", "name": PEOPLE, "label": "person", "proper": True, "prefix": "with", "asked": _WHO}),
    read_attribute(
        {"kind": "category", "name": LANGUAGE, "label": "language", "prefix": "in", "asked": ("subtitles?",)}
    ),
    read_attribute({"kind": "year", "name": YEAR, "label": "year"}),
    read_attribute({"kind": "text", "name": TEXT, "label": "description"}),
)
_FIT = (
    r"(?:kid|child|family)[\s-]?friendly",
    r"(?:suitable|ok|okay|appropriate|fine|safe|good|right)\s+for\s+(?:\w+\s+){0,2}?"
    r"(?:kids?|child(?:ren)?|famil(?:y|ies)|daughters?|sons?|\d+[\s-]year[\s-]olds?)",
)
_NOTE = {
    "kind": "levels",
    "levels": ("none", "mild", "moderate", "strong"),
    "harmless": "mild",
    "better": "low",
    "asked": _FIT,
}
NOTES: tuple[Attribute, ...] = tuple(
    read_attribute({**_NOTE, "name": name, "adjectives": tuple(words.split())})
    for name, words in (
        ("violence", "violent violence gory gore gorey bloody blood brutal"),
        ("sex", "sexual sex nudity erotic nude raunchy risque"),
        ("frightening", "frightening scary creepy disturbing scares nightmarish"),
    )
)
"""Content notes, where a catalogue has columns of these names."""
_OFTEN_ASKED = (
    *NOTES,
    read_attribute(
        {"kind": "number", "name": "runtime", "label": "running time", "unit": "minutes", "dimension": "duration"}
    ),
)
_OWN = {ITEM_ID, TITLE, *(a.name for a in STANDARD)}


def default_schema(table: pd.DataFrame, declared: Schema) -> Schema:
    """The standard columns, then what is declared, then what the columns left over look like."""
    kept = [a for a in STANDARD if a.name not in declared]
    kept += [a for a in NOTES if a.name in table.columns and a.name not in declared]
    taken = {*_OWN, *(a.name for a in (*kept, *declared)), *(c for a in declared for c in a.derived)}
    rest = inferred(table, [str(c) for c in table.columns if c not in taken])
    return Schema((*kept, *declared, *rest))


def asked_in_vain(text: str, schema: Schema) -> tuple[Attribute, ...]:
    """What a question is about that people often ask of items and that this catalogue has no column for."""
    held = {a.name for a in schema} | {a.dimension for a in schema if isinstance(a, Number)}
    return tuple(
        a for a in _OFTEN_ASKED if a.name not in held and getattr(a, "dimension", a.name) not in held and a.asks(text)
    )
