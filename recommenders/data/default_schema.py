"""The attributes of the columns that every catalogue may have, under the names that they have here; and what people
often ask of items that a catalogue may have no column for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from recommenders.data.attributes import FIT, Attribute, Number, Schema, inferred, read_attribute

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
_ABOUT = (
    r"what(?:['’]?s|\s+is|\s+are|\s+was|\s+does)?\b.{0,60}\babout",
    r"what\s+happens",
    "plot",
    "(?:the|its)\\s+story",
    "storyline",
    "synopsis",
)
STANDARD: tuple[Attribute, ...] = tuple(
    read_attribute(row)
    for row in (
        {"kind": "set", "name": GENRES, "label": "genre", "together": True, "asked": _WHAT_KIND,
         "sentence": "{it} goes under {value}", "wanted": "what kind {it} is"},
        {"kind": "set", "name": PEOPLE, "label": "person", "proper": True, "prefix": "with", "asked": _WHO,
         "sentence": "{it} is with {value}", "wanted": "who is in {it}"},
        {"kind": "category", "name": LANGUAGE, "label": "language", "prefix": "in",
         "sentence": "{it} is in {value}", "wanted": "in which language {it} is"},
        {"kind": "year", "name": YEAR, "label": "year"},
        {"kind": "text", "name": TEXT, "label": "description", "asked": _ABOUT, "wanted": "what {it} is about"},
    )
)  # fmt: skip
NOTES: tuple[Attribute, ...] = tuple(
    read_attribute(
        {"kind": "levels", "name": name, "levels": ("none", "mild", "moderate", "strong"), "harmless": "mild",
         "better": "low", "asked": FIT, "adjectives": tuple(words.split()),
         "sentence": f"{{it}} has {{value}} {noun}", "wanted": f"how {words.split()[0]} {{it}} is"}
    )
    for name, noun, words in (
        ("violence", "violence", "violent violence gory gore gorey bloody blood brutal"),
        ("sex", "sex", "sexual sex nudity erotic nude raunchy risque"),
        ("frightening", "frightening scenes", "frightening scary creepy disturbing scares nightmarish"),
    )
)  # fmt: skip
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


# -- asked in vain ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Topic:
    """wanted  what a question for it wants to know, of {it}
    asked   what such a question has
    held    names or dimensions of attributes that would answer it
    """

    wanted: str
    asked: re.Pattern[str]
    held: frozenset[str]


def _topic(wanted: str, asked: str, held: str = "") -> Topic:
    return Topic(wanted, re.compile(rf"\b(?:{asked})(?!\w)", re.IGNORECASE), frozenset(held.split()))


_AT_CINEMA = r"(?:in|at)\s+(?:the\s+)?(?:cinemas?|theat(?:er|re)s?)|showing|screening|play(?:s|ing)\s+near"
_TOPICS = (
    _topic(
        "where {it} is streaming",
        r"stream(?:s|ing|ed)?|netflix|(?:amazon\s+)?prime|hulu|disney\s*(?:\+|plus)|hbo|on\s+dvd|blu-?rays?|"
        r"where\s+(?:can|could|do|would)\s+(?:i|we|you|one)\s+(?:\w+\s+)?(?:see|watch|find|get|rent|buy|download|stream)",
        "streaming provider shop",
    ),
    _topic("in which cinema {it} is shown", _AT_CINEMA, "cinema"),
    _topic(
        "the music of {it}",
        r"soundtracks?|music(?:\s+like)?\s*\?*$|the\s+(?:music|songs?|score|theme\s+song)|composers?|who\s+(?:composed|"
        r"(?:wrote|made|did)\s+the\s+(?:music|score|songs?))",
        "music soundtrack composer",
    ),
    _topic(
        "the budget of {it}",
        r"budget|(?:how\s+much|what)\s+did\s+(?:it|they|that|this)\s+(?:cost|spend)|cost\s+to\s+(?:make|produce)|"
        r"expensive\s+to\s+make",
        "budget",
    ),
    _topic(
        "what {it} took at the box office",
        r"box[\s-]?office|gross(?:ed)?|how\s+much\s+(?:money\s+)?did\s+(?:it|they|that|this)\s+(?:make|earn|take)|"
        r"(?:make|made|earn(?:ed)?)\s+(?:a\s+lot\s+of\s+)?money|a\s+(?:flop|box[\s-]office\s+hit)|did\s+it\s+flop",
        "box_office gross revenue",
    ),
    _topic(
        "what {it} costs",
        r"(?:how\s+much|what)\s+(?:is|are|does|do)\s+(?:it|this|that|they)(?:\s+costs?)?\s*\?*$|what['’]?s\s+the\s+price|price",
        "price",
    ),
    _topic(
        "where {it} was filmed",
        r"where\s+(?:was|were|did\s+they)\s+(?:\w+\s+)?(?:film(?:ed)?|shot|shoot)|filming\s+locations?|"
        r"(?:filmed|shot)\s+(?:in|on\s+location)",
        "location locations filmed",
    ),
    _topic(
        "who wrote {it}",
        r"who\s+wrote(?!\s+the\s+(?:music|score|songs?))|screenwriters?|screenplay|script(?:ed)?|written\s+by",
        "writer writers author authors screenwriter",
    ),
    _topic("whether {it} has subtitles or is dubbed", r"subtitle[sd]?|dubbed|dubbing", "subtitles dubbed"),
    _topic("who did the camera work of {it}", r"cinematograph\w+|camera\s+work|who\s+filmed", "cinematographer"),
    _topic("who produced {it}", r"who\s+produced|producers?|which\s+studio|what\s+studio", "producer producers studio"),
    _topic("whether there is a trailer of {it}", r"trailers?|teasers?", "trailer"),
    _topic("what critics made of {it}", r"critics?|imdb|rotten\s+tomato\w*|metacritic|metascore", "critics"),
    _topic(
        "whether anything comes after the credits of {it}", r"(?:after|post|end|mid)[\s-](?:the\s+)?credits?", "credits"
    ),
    _topic(
        "who plays which part in {it}",
        r"who\s+(?:plays?|played|voices?|voiced)\s+(?!in\b|it\b|that\b|this\b|there\b)\w+|which\s+(?:character|role)|"
        r"(?:main|lead)\s+characters?(?:['’]s)?\s+(?:name|called)",
        "characters roles",
    ),
    _topic(
        "what is said in {it} word for word",
        r"(?:famous|best|favou?rite)\s+(?:quotes?|lines?)|quotes?\s+from",
        "quotes",
    ),
    _topic("where to see a picture of {it}", r"posters?|pictures?\s+of|screenshots?|stills?\s+of", "poster image"),
)


def asked_in_vain(text: str, schema: Schema) -> tuple[str, ...]:
    """What a question wants to know that people often ask of items and that this catalogue has no column for."""
    held = {a.name for a in schema} | {a.dimension for a in schema if isinstance(a, Number)}
    return tuple(dict.fromkeys(_in_vain(text, frozenset(held))))


def _in_vain(text: str, held: frozenset[str]) -> Iterator[str]:
    for a in _OFTEN_ASKED:
        dimension = a.dimension if isinstance(a, Number) else a.name
        if a.name not in held and dimension not in held and a.asks(text):
            yield a.wanted or (a.words.wanted if isinstance(a, Number) else "")
    for topic in _TOPICS:
        if not held & topic.held and topic.asked.search(text):
            yield topic.wanted
