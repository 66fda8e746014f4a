"""Words: how a text is cut into them, which of them are the same though written otherwise, and numbers in words.

The one place for all three: reading a message, linking names, searching item texts and checking sentences must not
differ about what a word is.

Relations
    fold        the same but for case and accents: "Amélie" and "AMELIE".
    singular    the same thing, once or more: "thriller" and "thrillers". What a genre or a title is looked up by.
    stem        the same root: "hunt", "hunted", "hunters". What a text is searched by, where a near word is evidence.
                It can't look up names: "thrilling" would be the genre Thriller, "shorter" the genre Short. Nor can
                `singular` search texts, since it leaves verbs alone.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

# A combining mark belongs to the letter before it, so that a text is cut alike whether its accents are composed or not.
_LETTERS = r"[^\W_](?:[^\W_]|[\u0300-\u036f])*"
_WORD = re.compile(rf"{_LETTERS}(?:['’`]{_LETTERS})*|&")
_APOSTROPHES = re.compile("['’`]")
_CLOSING, _OPENING = "'\"”)", '"“('
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
_MONTHS = "January February March April May June July August September October November December"
_NOT_A_NAME = frozenset(  # capitals that spelling asks for
    ("I", "I'm", "I’m", "I've", "I’ve", "I'd", "I'll", *_DAYS.split(), *_MONTHS.split(), "Christmas", "Easter")
)


# -- cutting -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Token:
    """One word: `text` as `folded` gives it, characters `start`:`end` of the message.

    capital  written with a capital that no sentence start explains ("Heat" in "I liked Heat"), or a digit
    opens    first word of a sentence
    """

    text: str
    start: int
    end: int
    capital: bool
    opens: bool


@lru_cache(maxsize=256)
def tokens(text: str) -> tuple[Token, ...]:
    """The words of a text, in order; in time linear in its length. Remembered, so that a message is cut once however
    many look at its words."""
    found: list[Token] = []
    end = 0  # of the word before
    for match in _WORD.finditer(text):
        word = match.group()
        opens = _opens(text[end : match.start()], first=not found)
        capital = (word[0].isupper() and not opens and word not in _NOT_A_NAME) or word[0].isdigit()
        found.append(Token(_bare(word), match.start(), match.end(), capital, opens))
        end = match.end()
    return tuple(found)


def _opens(gap: str, *, first: bool) -> bool:
    """Whether a sentence begins behind what stands between two words."""
    gap = gap.rstrip()
    if not gap:
        return first
    return gap[-1] in _OPENING or gap.rstrip(_CLOSING).endswith((".", "!", "?", ":", ";"))


def folded(text: str) -> tuple[str, ...]:
    """The words of a text as names are compared: folded, without apostrophes: "Schindler's" -> "schindlers"."""
    return tuple(_bare(word) for word in _WORD.findall(text))


def split(text: str) -> list[str]:
    """The words of a text, folded, in order. Their apostrophes stay, else "he'll" would be "hell"."""
    return [_APOSTROPHES.sub("'", _plain(word)) for word in _WORD.findall(text)]


def fold(text: str) -> str:
    """Lower case without accents: "Amélie" -> "amelie", "Weiß" -> "weiss"."""
    if text.isascii():
        return text.lower()
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()


@lru_cache(maxsize=65_536)
def _plain(word: str) -> str:
    return "and" if word == "&" else fold(word) or word


@lru_cache(maxsize=65_536)
def _bare(word: str) -> str:
    return _APOSTROPHES.sub("", _plain(word))


# -- endings -----------------------------------------------------------------------------------------------------------

_ENDINGS = ("ies", "ing", "ers", "ed", "er", "es", "s", "y")


def stem(word: str) -> str:
    """The word without an English ending: "hunted", "hunting", "hunters" -> "hunt"; short words stay.

    Light on purpose: two words of one stem must look alike to the reader.
    """
    word = word.removesuffix("'s")
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)].rstrip("e") or word
    return word.rstrip("e") if len(word) > 4 else word


def singular(word: str) -> str:
    """A noun without its plural: comedies -> comedy, thrillers -> thriller, films -> film; short words stay."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


# -- numbers -----------------------------------------------------------------------------------------------------------

CARDINALS = {
    word: n for n, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
}
ORDINALS = {
    word: n
    for n, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(), start=1
    )
}
AMOUNTS = {"a single": 1, "a couple": 2, "a couple of": 2, "a dozen": 12, "fifteen": 15, "a hundred": 100} | {
    word: 10 * n
    for n, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety hundred".split(), start=2)
}
_NUMBERS = CARDINALS | ORDINALS | AMOUNTS
_FIGURES = re.compile(r"([0-9]+)(?:st|nd|rd|th)?")


def number(words: str) -> int | None:
    """What a number says: "3", "3rd", "three", "third", "a couple of"; None for other words."""
    plain = " ".join(words.lower().split())
    if figures := _FIGURES.fullmatch(plain):
        return int(figures[1])
    return _NUMBERS.get(plain)


def cardinal(n: int) -> str:
    """3 -> "three"; in figures beyond what the table has."""
    return next((word for word, value in CARDINALS.items() if value == n), f"{n:,}")


def ordinal(n: int) -> str:
    """1 -> "1st"."""
    tail = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n:,}{tail}"


def ordinal_word(n: int) -> str:
    """3 -> "third"; in figures beyond what the table has."""
    return next((word for word, value in ORDINALS.items() if value == n), ordinal(n))
