"""What people say for quantities: one table of units, and one of the quantities that shops and collections have.

A dimension is found by the name of a column or by its unit; an owner may name another one, or none. Adding a quantity
that people have words for is one row here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal

from recommenders.data.attributes.reading import name_parts

UNITS: Mapping[str, Mapping[str, float]] = {
    "minutes": {
        "minutes": 1, "minute": 1, "mins": 1, "min": 1, "m": 1, "hours": 60, "hour": 60, "hrs": 60, "hr": 60, "h": 60,
        "seconds": 1 / 60, "second": 1 / 60, "secs": 1 / 60, "sec": 1 / 60, "days": 1440, "day": 1440,
    },
    "€": {"€": 1, "euros": 1, "euro": 1, "eur": 1},
    "$": {"$": 1, "dollars": 1, "dollar": 1, "usd": 1, "bucks": 1, "buck": 1},
    "£": {"£": 1, "pounds": 1, "pound": 1, "gbp": 1, "quid": 1},
    "kg": {"kg": 1, "kilos": 1, "kilo": 1, "kilograms": 1, "g": 0.001, "grams": 0.001, "gram": 0.001},
    "cm": {"cm": 1, "centimetres": 1, "centimeters": 1, "mm": 0.1, "metres": 100, "meters": 100, "inches": 2.54},
    "l": {"l": 1, "litres": 1, "liters": 1, "litre": 1, "liter": 1, "ml": 0.001, "cl": 0.01},
    "%": {"%": 1, "percent": 1, "vol": 1},
    "pages": {"pages": 1, "page": 1, "pp": 1},
    "stars": {"stars": 1, "star": 1},
    "players": {"players": 1, "player": 1, "people": 1, "persons": 1, "person": 1, "of us": 1, "gamers": 1},
    "years": {"years old": 1, "year old": 1, "years": 1, "year": 1, "yo": 1, "y/o": 1, "year olds": 1},
}  # fmt: skip
"""Base unit -> the words for it and its kin, each with how many base units it is."""

MONEY = ("€", "$", "£")

Plain = Literal["at most", "at least", "is", "about"]
Span = Literal["", "choice", "doubt"]


@dataclass(frozen=True)
class Dimension:
    """columns    whole parts of column names that it goes by; unit: the usual one, where the table names none
    low, high  adjectives for little and much of it, each as (plain, comparative, superlative)
    plain      what a bare quantity means: a budget ("20 euros") is a bound, players are a number, a length is about it
    span       what "2-4" in a cell means: any of them may be chosen, or it is not known better; "" no ranges expected
    asked      regular expressions of what a question for it has
    there, gone  words for there being some of it, and none; having: what a sentence says before it ("with")
    exact      words for one value: "solo" is one player
    cues       what stands before a bare number that is one of it: "for 2"
    sentence   how a sentence says it; wanted: what a question for it wants to know
    """

    columns: tuple[str, ...]
    unit: str
    label: str
    low: tuple[tuple[str, str, str], ...] = ()
    high: tuple[tuple[str, str, str], ...] = ()
    better: Literal["", "low", "high"] = ""
    plain: Plain = "about"
    span: Span = "doubt"
    asked: tuple[str, ...] = ()
    there: tuple[str, ...] = ()
    having: str = ""
    gone: tuple[str, ...] = ()
    exact: tuple[tuple[str, float], ...] = ()
    cues: tuple[str, ...] = ()
    sentence: str = ""
    wanted: str = ""


FIT = (
    r"(?:kid|child|family)[\s-]?friendly",
    r"(?:suitable|ok|okay|appropriate|fine|safe|good|right|something|all\s+right|too\s+\w+)\s+(?:for|to\s+watch\s+with)\s+"
    r"(?:\w+\s+){0,3}?(?:kids?|child(?:ren)?|famil(?:y|ies)|daughters?|sons?|nephews?|nieces?|grand\w+|boys?|girls?|"
    r"little\s+ones?|teens?|teenagers?|\d+[\s-]years?[\s-]olds?|\d+)",
    r"(?:can|could|may|should|let|would|will)\s+(?:i\s+|we\s+)?(?:\w+\s+){0,3}?(?:kids?|child(?:ren)?|daughters?|sons?|\d+[\s-]years?[\s-]olds?)"
    r"\s+(?:\w+\s+)?(?:watch|see|play|read|like|enjoy|love)",
    r"(?:watch|see|play|read)\s+(?:it|that|this)\s+with\s+(?:\w+\s+){0,2}?(?:kids?|child(?:ren)?)",
)
"""What people ask who have somebody young in mind."""

DIMENSIONS: Mapping[str, Dimension] = {
    "price": Dimension(
        ("price", "prices", "cost", "costs", "preis", "prix", "msrp", "rrp"), "€", "price",
        low=(("cheap", "cheaper", "cheapest"), ("inexpensive", "less expensive", "least expensive"),
             ("affordable", "more affordable", "most affordable")),
        high=(("expensive", "more expensive", "most expensive"), ("pricey", "pricier", "priciest"),
              ("overpriced", "dearer", "dearest")),
        better="low", plain="at most", span="doubt",
        asked=("how much is", "how much does", "how much are", "how expensive", "what does it cost", "how cheap"),
        cues=("budget", "budget is", "budget of", "budget is about", "spend", "pay", "cost", "costs", "costing"),
        sentence="{it} costs {value}", wanted="what {it} costs",
    ),
    "duration": Dimension(
        ("runtime", "running", "duration", "length", "minutes", "mins", "playtime", "playing", "hours", "dauer",
         "spieldauer", "spielzeit"), "minutes", "running time",
        low=(("short", "shorter", "shortest"), ("quick", "quicker", "quickest")),
        high=(("long", "longer", "longest"),), plain="about", span="doubt",
        asked=("how long",),
        sentence="{it} takes {value}", wanted="how long {it} is",
    ),
    "players": Dimension(
        ("players", "player", "spieler"), "players", "players", plain="is", span="choice",
        asked=("how many players", "how many people", "for how many", "how many can"),
        exact=(("solo", 1), ("alone", 1), ("just me", 1), ("only me", 1), ("by myself", 1), ("on my own", 1),
               ("a couple", 2), ("the both of us", 2),
               ("my partner and me", 2), ("my wife and me", 2), ("my husband and me", 2)),
        cues=("for", "for the", "we are", "we're", "we will be", "party of", "group of", "family of", "played by",
              "playable by", "playable with", "works with", "works for", "plays"),
        sentence="{it} is for {value}", wanted="for how many {it} is",
    ),
    "age": Dimension(
        ("age", "ages", "alter"), "years", "age", plain="at most", span="choice",
        asked=("from what age", "from which age", "what age", "which age", "how old do", *FIT),
        cues=("aged", "age of", "kids", "kids of", "children", "children of", "child of", "boy of", "girl of"),
        sentence="{it} is for {value}", wanted="for what age {it} is",
    ),
    "pages": Dimension(
        ("pages", "pagecount", "seiten"), "pages", "pages",
        low=(("short", "shorter", "shortest"), ("thin", "thinner", "thinnest")),
        high=(("long", "longer", "longest"), ("thick", "thicker", "thickest")), plain="about",
        asked=("how long", "how many pages", "how thick"),
        sentence="{it} has {value}", wanted="how many pages {it} has",
    ),
    "rating": Dimension(
        ("rating", "stars", "score", "bewertung"), "stars", "rating",
        low=(("badly rated", "worse rated", "worst rated"),),
        high=(("well rated", "better rated", "best rated"), ("highly rated", "higher rated", "highest rated"),
              ("popular with others", "better", "best")), better="high", plain="at least",
        asked=("how good is", "how well rated", "how is it rated", "what rating"), cues=("rated",),
        sentence="{it} is rated {value}", wanted="how {it} is rated",
    ),
    "awards": Dimension(
        ("oscars", "oscar", "awards"), "", "awards", better="high", plain="at least", having="with",
        asked=("how many oscars", "how many awards", "win an oscar", "win any oscars", "won an oscar"),
        there=("Oscars", "Oscar", "Oscar winner", "Oscar winners", "Oscar-winning", "Oscar winning",
               "won an Oscar", "Academy Award", "Academy Awards", "Academy Award winner", "Academy Award winners",
               "award-winning", "award winning", "award winner", "award winners"),
        sentence="{it} won {value}", wanted="what {it} won",
    ),
    "stock": Dimension(
        ("stock", "instock", "quantity", "inventory", "availability", "available", "bestand", "lager"), "", "in stock",
        plain="at least", asked=("how many are left", "how many do you have", "in stock"),
        there=("in stock", "on stock", "available", "that you have here", "have in the shop"),
        gone=("sold out", "out of stock", "unavailable", "not in stock", "not available"),
    ),
    "weight": Dimension(
        ("weight", "gewicht"), "kg", "weight", low=(("light", "lighter", "lightest"),),
        high=(("heavy", "heavier", "heaviest"),), asked=("how heavy",),
        sentence="{it} weighs {value}", wanted="how heavy {it} is",
    ),
    "complexity": Dimension(
        ("complexity", "difficulty"), "", "complexity",
        low=(("easy", "easier", "easiest"), ("simple", "simpler", "simplest"), ("light", "lighter", "lightest")),
        high=(("complex", "more complex", "most complex"), ("hard", "harder", "hardest"),
              ("difficult", "more difficult", "most difficult")), asked=("how complex", "how difficult", "how hard"),
    ),
    "alcohol": Dimension(
        ("alcohol", "abv"), "%", "alcohol", low=(("light", "lighter", "lightest"), ("weak", "weaker", "weakest")),
        high=(("strong", "stronger", "strongest"),), asked=("how strong", "how much alcohol"),
        sentence="{it} has {value} of alcohol", wanted="how strong {it} is",
    ),
}  # fmt: skip


@cache
def dimension_of(column: str) -> str:
    """The dimension that a column's name speaks of; "" for none."""
    words = name_parts(column)
    parts = {*words, *("".join(pair) for pair in pairwise(words))}  # "Play Time" is a playtime
    return next((n for n, d in DIMENSIONS.items() if any(p in d.columns for p in parts)), "")


@cache
def unit_of(word: str) -> tuple[str, float] | None:
    """(base unit, how many of it) of a unit's word; None where it is none."""
    key = " ".join(word.lower().replace("-", " ").strip(" .").split())
    for base, words in UNITS.items():
        if key in words:
            return base, words[key]
    return None


Ways = tuple[tuple[re.Pattern[str], bool], ...]
"""What is said, and whether it means little of it."""


@cache
def plains(dimension: str) -> Ways:
    """ "cheap" -> little, "long" -> much."""
    d = DIMENSIONS.get(dimension)
    return () if d is None else _ways([(p, True) for p, _, _ in d.low] + [(p, False) for p, _, _ in d.high])


@cache
def comparatives(dimension: str) -> Ways:
    """ "cheaper", "less expensive" -> little; "longer", "less cheap" -> much."""
    return _degrees(dimension, 1, "more", "less")


@cache
def superlatives(dimension: str) -> Ways:
    """ "cheapest", "least long" -> little; "longest" -> much."""
    return _degrees(dimension, 2, "most", "least")


def superlative(dimension: str, *, little: bool) -> str:
    """ "cheapest"; "" for a dimension without such words."""
    d = DIMENSIONS.get(dimension)
    side = () if d is None else d.low if little else d.high
    return side[0][2] if side else ""


def adjective(dimension: str, *, little: bool) -> str:
    """ "cheap"; "" for a dimension without such words."""
    d = DIMENSIONS.get(dimension)
    side = () if d is None else d.low if little else d.high
    return side[0][0] if side else ""


def _degrees(dimension: str, place: int, more: str, less: str) -> Ways:
    d = DIMENSIONS.get(dimension)
    if d is None:
        return ()
    said = []
    for side, little in ((d.low, True), (d.high, False)):
        for words in side:
            said += [(words[place], little), (f"{more} {words[0]}", little), (f"{less} {words[0]}", not little)]
    return _ways(said)


def _ways(said: list[tuple[str, bool]]) -> Ways:
    """The longest first, so that "less expensive" is not taken for "expensive"."""
    return tuple(
        (re.compile(rf"\b{re.escape(words)}\b(?!\s+than\b)", re.IGNORECASE), little)
        for words, little in sorted(dict(said).items(), key=lambda w: -len(w[0]))
    )


@cache
def any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of these words, whole, the longest first; nothing where there are none."""
    longest = sorted({w for w in words if w}, key=lambda w: (-len(w), w))
    said = "|".join(r"\s+".join(map(re.escape, w.split())) for w in longest)
    return re.compile(rf"(?<!\w)(?:{said})(?!\w)" if said else r"(?!)", re.IGNORECASE)


def denied(text: str, start: int) -> bool:
    """Whether what begins there is said not to be wanted: "not too heavy", "nothing that is sold out"."""
    return bool(_DENIED.search(text[max(0, start - _WINDOW) : start]))


_WINDOW = 40  # characters before a word that may deny it
_DENIED = re.compile(
    r"\b(?:not|no|non|nothing|none|never|without|avoid|isn['’]?t|aren['’]?t|wasn['’]?t|(?:don|doesn|won)['’]?t\s+\w+|"
    r"zero|hates?|dislikes?|less|any(?:thing|one)?\s+but|every(?:thing)?\s+but|except|other\s+than)\s+(?:(?!(?:but|and|or|only|just)\b)[\w'’]+\s+){0,2}$|\btoo\s+(?:much\s+)?$",
    re.IGNORECASE,
)
