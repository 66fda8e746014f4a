"""How people point at a film on the table and name years: the draws that dialogues.py composes with.

Each returns the words and what they mean: a place from 1, a pair of places, "that" or "all"; bounds of years.
"""

import random
from collections.abc import Mapping, Sequence

from app.words import cardinal, ordinal, ordinal_word

NUMBERS = {n: cardinal(n) for n in (1, 2, 3, 4, 5, 6, 10)}
_DECADES = ("thirties", "forties", "fifties", "sixties", "seventies", "eighties", "nineties")


def one(r: random.Random, shown: int) -> tuple[str, object]:
    """One film by its place, or as "it"."""
    if shown < 2 or r.random() < 0.25:
        return r.choice(("it", "that one", "this one", "that movie", "this film", "that")), "that"
    place = r.randint(1, min(shown, 5))
    if place == shown and r.random() < 0.4:
        return r.choice(("the last one", "the last", "the final one")), place
    if r.random() < 0.25:
        return r.choice((f"number {place}", f"#{place}", f"number {NUMBERS[place]}", f"no. {place}")), place
    word, short = ordinal_word(place), ordinal(place)
    return r.choice(
        (f"the {word} one", f"the {word}", f"the {word} movie", f"the {word} film", f"your {word} pick",
         f"the {short} one", f"the {short}", f"the {word} suggestion")
    ), place  # fmt: skip


def foreign_one(r: random.Random, ways: Mapping[str, Sequence[str]], shown: int) -> tuple[str, object]:
    """One film in another language. ways: the words for "first", "second" and "that"."""
    place = r.choice(("first", "second", "that")[(0 if shown > 1 else 2) :])
    return r.choice(ways[place]), {"first": 1, "second": 2}.get(place, "that")


def several(r: random.Random, shown: int) -> tuple[str, object]:
    """Two or all of them."""
    if shown > 2 and r.random() < 0.5:
        return r.choice((("the first two", (1, 2)), ("the last two", (shown - 1, shown))))
    return r.choice(("these", "those", "them", "all of them", "both")), "all"


def decade(r: random.Random) -> tuple[str, object]:
    """Years as a noun: "the 80s"."""
    first = r.choice(range(1930, 2020, 10))
    whole = (first, first + 9)
    year = r.randint(1935, 2018)
    short = f"{first % 100:02}s"
    word = _DECADES[(first - 1930) // 10] if first < 2000 else f"{first}s"
    return r.choice(
        (
            (f"the {short}", whole), (f"the {first}s", whole), (f"{first}s", whole), (f"the {word}", whole),
            (str(year), (year, year)), (f"the early {short}", (first, first + 3)),
            (f"the late {short}", (first + 6, first + 9)), (short, whole),
        )
    )  # fmt: skip


def years(r: random.Random, tongue: str) -> tuple[str, object]:
    """Years with the word before them: "from the 80s", "before 1960"."""
    first = r.choice(range(1930, 2000, 10))
    year = r.randint(1935, 2014)
    short = first % 100
    if tongue:
        before, after, from_ = {
            "de": ("vor", "nach", f"aus den {short}ern"), "fr": ("avant", "après", f"des années {short}"),
            "es": ("antes de", "después de", f"de los años {short}"),
            "it": ("prima del", "dopo il", f"degli anni {short}"),
        }[tongue]  # fmt: skip
        bounds = ((f"{before} {year}", (None, year - 1)), (f"{after} {year}", (year + 1, None)))
        return r.choice((*bounds, (from_, (first, first + 9))))
    if r.random() < 0.45:
        words, value = decade(r)
        return f"{r.choice(('from', 'from', 'of', 'in', 'made in', 'out of'))} {words}", value
    choices: list[tuple[str, object]] = [
        (f"before {year}", (None, year - 1)), (f"after {year}", (year + 1, None)), (f"since {year}", (year, None)),
        (f"from {year} on", (year, None)), (f"older than {year}", (None, year - 1)),
        (f"newer than {year}", (year + 1, None)), (f"between {year} and {year + 5}", (year, year + 5)),
        (f"from {year} to {year + 9}", (year, year + 9)), (f"not older than {year}", (year, None)),
        (f"prior to {year}", (None, year - 1)), (f"up to {year}", (None, year)),
    ]  # fmt: skip
    return r.choice(choices)
