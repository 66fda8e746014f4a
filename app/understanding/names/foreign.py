"""Stretches of German, French, Spanish and Italian, and words with slips of the finger, in the English of the rules.

The encoder marks genres, years, places and wishes in these languages as well ("keine Horrorfilme", "avant 1960", "la
segunda"); what it marked is put into English here and then linked like everything else. Whole messages are not
translated.
"""

import re

from app.understanding.reader import common_words, mending
from app.words import fold, folded
from recommenders.data import Catalogue
from recommenders.texts import word_index

_GENRES = {
    "action": "dazione|daction|accion|azione|actionfilme?",
    "animation": "danimazione|danimation|animacion|animazione|zeichentrick(?:film)?e?|dessins? animes?|cartone animato",
    "comedy": "komodien?|comedies?|comedias?|commedie|commedia|comici?|lustig(?:es?)?|comiques?|droles?|divertid[ao]s?|"
    "divertent[ei]",
    "documentary": "dokus?|dokumentarfilme?|documentaires?|documentales?|documentari[oi]?",
    "drama": "dramen|drames?|dramas?|drammatic[oi]|dramatiques?",
    "horror": "horrorfilme?|dhorreur|horreur|terror|miedo|dellorrore|grusel(?:film)?e?|gruselig(?:es?)?",
    "romance": "liebesfilme?|romantiques?|damour|amor|romantic[oaie]s?|damore|liebe",
    "science fiction": "ciencia ficcion|fantascienza|zukunftsfilme?",
    "thriller": "krimis?|suspenso|policiers?",
    "war": "kriegsfilme?|de guerre|guerre|guerra|di guerra|krieg",
    "western": "vaqueros|westernfilme?",
}
_AGES = {
    "older": "alter(?:e[rs]?)?|plus (?:vieux|anciens?)|mas (?:antigu[oa]s?|viej[oa]s?)|piu (?:vecchi[oa]?|antic[oh]i?)",
    "newer": "neuer(?:e[rs]?)?|moderner(?:e[rs]?)?|plus (?:recents?|modernes?|nouveaux?)|"
    "mas (?:nuev[oa]s?|recientes?|modern[oa]s?)|piu (?:recent[ei]|nuov[oi]|modern[oi])",
    "old": "alt|vieux|viej[oa]|vecchi[oa]?",
    "lighter": "leichter|plus leger|mas ligero|piu leggero",
    "funnier": "lustiger|plus drole|mas divertid[oa]|piu divertente",
    "calmer": "ruhiger|plus calme|mas tranquil[oa]|piu tranquillo",
    "more exciting": "spannender",
}
_PLACES = {
    "the first one": "(?:(?:de[nr]|die|das|le|la|el|il|lo) )?(?:erste[nrs]?|premiere?|primer[oa]|prim[oa])",
    "the second one": "(?:(?:de[nr]|die|das|le|la|el|il|lo) )?(?:zweite[nrs]?|deuxieme|segund[oa]|second[oa])",
    "the third one": "(?:(?:de[nr]|die|das|le|la|el|il|lo) )?(?:dritte[nrs]?|troisieme|tercer[oa]|terz[oa])",
    "number one": "(?:(?:die|le|el|il) )?(?:nummer|numero) (?:eins|une?|uno|1)",
    "number two": "(?:(?:die|le|el|il) )?(?:nummer|numero) (?:zwei|deux|dos|due|2)",
    "number three": "(?:(?:die|le|el|il) )?(?:nummer|numero) (?:drei|trois|tres|tre|3)",
    "that one": "das|den|diesen?|ca|celui la|celle la|ce film|es[aeo]|est[ae] pelicula|quello|quest[oa](?: film)?",
}
_YEARS = (
    (r"(?:vor|avant|antes del?|prima del?)", "before"),
    (r"hasta", "until"),
    (r"(?:nach|apres|despues del?|dopo il|dopo)", "after"),
    (r"(?:(?:aus den|der) (\d0)ern?|(?:des annees|annees|de los anos|los anos|degli anni|anni) (\d0))", r"the \1\2s"),
)


def _table(words: dict[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(said), english) for english, said in words.items())


_WHOLE = tuple(_table(words) for words in (_GENRES, _AGES, _PLACES))


def genre(stretch: str) -> str:
    """ "Horrorfilme" -> "horror"; what is in no list stays as it is."""
    return _whole(stretch, _WHOLE[0])


def age(stretch: str) -> str:
    """ "plus vieux" -> "older"; "leichter" -> "lighter"."""
    return _whole(stretch, _WHOLE[1])


def place(stretch: str) -> str:
    """ "il secondo" -> "the second one"; "ce film" -> "that one"."""
    return _whole(stretch, _WHOLE[2])


def years(stretch: str) -> str:
    """ "avant 1960" -> "before 1960"; "aus den 80ern" -> "the 80s"."""
    plain = " ".join(folded(stretch))
    english = plain
    for said, meant in _YEARS:
        english = re.sub(rf"\b{said}\b", meant, english)
    return english if english != plain else stretch


def mended(stretch: str) -> str:
    """Word by word without slips and in English: "the secnd one" -> "the second one", "sin violencia" -> "without
    violence"."""
    said = stretch.split()
    return " ".join(common_words()(said, [False] * len(said)))


def wish(stretch: str, catalogue: Catalogue) -> str:
    """Words that no item's text has without slips ("gladitaors") and in English; the others as they are."""
    index, mend = word_index.index_of(catalogue), common_words()
    said = stretch.split()
    read = mend(said, [index.has(w) or mend.knows(fold(w)) for w in said])
    found = [new if index.has(new) else old for old, new in zip(said, read, strict=True)]
    for n, word in enumerate(found):
        plainly = fold(word)
        if len(word) > 4 and not index.has(word) and not mend.knows(plainly):
            found[n] = next((near for near, cost in mending.slips(plainly) if cost <= 1 and index.has(near)), word)
    return " ".join(found)


def _whole(stretch: str, table: tuple[tuple[re.Pattern[str], str], ...]) -> str:
    plain = " ".join(folded(stretch))
    return next((english for said, english in table if said.fullmatch(plain)), stretch)
