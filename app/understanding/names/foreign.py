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
    "animation": r"danimazione|danimation|animacion|animazione|zeichentrick(?:film)?e?|dessins? animes?|"
    r"cartone animato",
    "comedy": r"komodien?|comedies?|comedias?|commedie|commedia|comici?|lustig(?:es?)?|comiques?|droles?|"
    r"divertid[ao]s?|"
    "divertent[ei]",
    "documentary": "dokus?|dokumentarfilme?|documentaires?|documentales?|documentari[oi]?",
    "drama": "dramen|drames?|dramas?|drammatic[oi]|dramatiques?",
    "horror": "horrorfilme?|dhorreur|horreur|terror|miedo|dellorrore|grusel(?:film)?e?|gruselig(?:es?)?",
    "romance": "liebes(?:film|geschichte|komodie|drama)[ens]*|romantiques?|damour|amor|romantic[oaie]s?|damore|liebe",
    "science fiction": "ciencia ficcion|fantascienza|zukunftsfilme?",
    "thriller": "krimis?|suspenso|policiers?",
    "war": "kriegsfilme?|de guerre|guerre|guerra|di guerra|krieg",
    "western": "vaqueros|westernfilme?",
}
_AGES = {
    "older": r"alter(?:e[rs]?)?|plus (?:vieux|anciens?)|mas (?:antigu[oa]s?|viej[oa]s?)|"
    r"piu (?:vecchi[oa]?|antic[oh]i?)",
    "newer": "neuer(?:e[rs]?)?|moderner(?:e[rs]?)?|plus (?:recents?|modernes?|nouveaux?)|"
    "mas (?:nuev[oa]s?|recientes?|modern[oa]s?)|piu (?:recent[ei]|nuov[oi]|modern[oi])",
    "old": "alt|vieux|viej[oa]|vecchi[oa]?",
    "lighter": "leichter|plus leger|mas ligero|piu leggero",
    "funnier": "lustiger|plus drole|mas divertid[oa]|piu divertente",
    "calmer": "ruhiger|plus calme|mas tranquil[oa]|piu tranquillo",
    "more exciting": "spannender",
}
_SHORT = 120  # characters of a question that is read in other languages
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


_QUESTIONS = {
    "what is it about?": r"worum (?:geht|dreht)|wovon handelt|was passiert|"
    r"de quoi (?:ca |il |elle |le film )*(?:parle|s ?agit)|"
    r"quelle est l ?histoire|c est quoi l ?histoire|de que (?:va|trata)|de cosa parla|di cosa parla",
    "who is in it?": r"wer (?:spielt|ist dabei)|qui (?:joue|est dedans)|avec quels acteurs|"
    r"quien(?:es)? (?:sale|actua|aparece)\w*|chi recita",
    "who directed it?": r"wer (?:hat|fuhrte) .*(?:gedreht|regie|gemacht)|"
    r"regisseur|qui (?:l ?)?a (?:realise|tourne|fait)|"
    r"realisateur|"
    r"quien (?:la |lo )?dirig\w+|director de|chi l ?ha diretto|regista",
    "how long is it?": r"wie lang\w*|wie viele minuten|combien de temps|(?:quelle|la) duree|cuanto dura|quanto dura",
    "is it violent?": r"(?:ist|sind) .*(?:brutal|gewalttatig|blutig)|(?:est|c ?est) .*violent|es .*violent[oa]|"
    r"e violento",
    "is it scary?": r"(?:ist|sind) .*(?:gruselig|unheimlich)|fait (?:il )?peur|da (?:mucho )?miedo|fa paura",
    "is it funny?": r"(?:ist|sind) .*(?:lustig|witzig|komisch)|(?:est|c ?est) .*drole|"
    r"es .*(?:divertid[oa]|gracios[oa])",
    "is it ok for kids?": r"(?:fur|mit) (?:\w+ )?kinder\w*|kindgerecht|ab "
    r"welchem alter|pour (?:les |des |mes )?enfants|"
    r"(?:para|con) (?:los |mis )?ninos|apta para",
    "did it win any Oscars?": r"oscars?\b.*(?:gewonnen|bekommen)|(?:gagne|remporte|recu|eu) .*oscars?|"
    r"(?:gano|tiene|recibio) .*oscars?|"
    r"hat .*oscar",
    "is it in colour?": r"(?:ist|in) .*(?:farbe|farbig|schwarz ?weiss)|en (?:couleurs?|noir et blanc)|"
    r"en (?:color|blanco y negro)",
    "is it based on a true story?": r"wahre\w* (?:geschichte|begebenheit\w*)|histoire "
    r"vraie|faits reels|historia real|hechos reales|"
    r"storia vera",
    "does the dog die?": r"stirbt .*(?:hund|tier|katze|pferd)|(?:chien|animal) .*meurt|meurt .*(?:chien|animal)|"
    r"muere .*(?:perro|animal)",
    "how does it end?": r"(?:wie|gut|schlecht) .*(?:endet|aus(?:gehen|geht)?)\b|geht .*gut aus|happy end|se termine|"
    r"finit bien|finit mal|"
    r"como (?:acaba|termina)|(?:acaba|termina) (?:bien|mal)",
    "is there a twist?": r"uberraschende\w* (?:wendung|ende)|retournement|rebondissement|giro (?:inesperado|final)",
    "what do people think of it?": r"was (?:sagen|denken|meinen|halten) .*(?:leute|andere)\w*|(?:taugt|lohnt) .*|"
    r"ist (?:er|sie|es|das|der|die) \w*\s?gut\b|"
    r"qu ?en pensent|(?:est ce que )?c ?est bien|que (?:opina|piensa)\w*|es buen[oa]|vale la pena",
    "when did it come out?": r"von wann|aus welchem jahr|wann (?:kam|ist|wurde)|quelle annee|quand .*sorti|de que ano|"
    r"cuando salio|en que ano",
    "where can I stream it?": r"wo (?:kann|konnen) (?:ich|wir|man) .*(?:sehen|schauen|gucken|streamen)|lauft .*netflix|"
    r"ou (?:est ce que )?(?:je |on )?(?:peux|peut|puis).*(?:voir|regarder)|"
    r"donde (?:puedo|se puede|la puedo|lo puedo) .*ver|donde verla?o?",
    "what is the music like?": r"(?:wie ist|was ist) .*musik|comment est la musique|como es la musica|banda sonora",
    "tell me more about it": r"erzahl\w* (?:mir )?mehr|mehr (?:daruber|dazu|uber)|dis m ?en plus|plus d ?informations|"
    r"cuentame mas|mas informacion",
    "which is the shortest?": r"welche[rs]?\b.*kurzeste\w*|le(?:quel)? .*plus court|cual .*mas cort[oa]",
    "which is the longest?": r"welche[rs]?\b.*langste\w*|le(?:quel)? .*plus long|cual .*mas larg[oa]",
    "which is the newest?": r"welche[rs]?\b.*(?:neu(?:e|st)\w*|jungste\w*)|le(?:quel)? .*plus recent|"
    r"cual .*mas (?:reciente|nuev[oa])",
    "which is the oldest?": r"welche[rs]?\b.*alteste\w*|le(?:quel)? .*plus (?:vieux|ancien)|"
    r"cual .*mas (?:antigu[oa]|viej[oa])",
    "which is the funniest?": r"welche[rs]?\b.*(?:lustigste|witzigste)\w*|le(?:quel)? .*plus drole|"
    r"cual .*mas (?:divertid|gracios)[oa]",
    "which is the least violent?": r"welche[rs]?\b.*am wenigsten (?:brutal|gewalt\w*)|le(?:quel)? .*moins violent|"
    r"cual .*menos violent[oa]",
    "which is the best rated?": r"welche[rs]?\b.*(?:beste\w*|am besten)|le(?:quel)? "
    r".*(?:meilleur|mieux note)|cual .*(?:mejor)",
}


def _table(words: dict[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(said), english) for english, said in words.items())


_ASKED = _table(_QUESTIONS)
_FOREIGN = re.compile(
    r"\b(?:was|wer|wie|wo|wann|worum|wovon|welche[rs]?|ist|hat|gibt|"
    r"stirbt|endet|geht|erzahl\w*|taugt|lohnt|lauft|von|aus|ab|"
    r"qui|quoi|quel\w*|lequel|est|combien|ou|comment|c|ca|de|le|la|les|il|elle|fait|dis|"
    r"que|quien\w*|cuanto|donde|como|cual|es|tiene|gano|da|muere|acaba|termina|cuentame|en|se|un|"
    r"vale|chi|cosa|quanto|e)\b"
)
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


def question(text: str) -> str:
    """A question about an item in English: "Worum geht es?" -> "what is it about?"; what is none stays as it is."""
    plain = " ".join(folded(text))
    if not _FOREIGN.search(plain) or len(plain) > _SHORT:
        return text
    return next((english for said, english in _ASKED if re.search(rf"\b(?:{said.pattern})", plain)), text)


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
