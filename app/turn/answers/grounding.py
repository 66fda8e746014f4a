"""Does a sentence of a model say only what the evidence says? Rather refuse a true sentence than pass a false one.

The vocabulary is closed. Every word must be licensed: by a title, year, person or genre of the evidence, by the words
of the person's own request, by a number that the evidence has, or by a small fixed list of connecting words that claim
nothing. Beyond words, relations are checked: a year beside a title is that title's, any other year stands in a phrase
that was asked for; a genre or person in a sentence holds for every title that it names; "liked" stands only with items
that the person liked. Negations pass only before a genre that was excluded; comparatives and superlatives never do.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.understanding import EVERYDAY, FUNCTION, SYNONYMS, Linker
from app.words import CARDINALS, Token, folded, singular, tokens

_MAX_WORDS = 60
_NEGATIONS = frozenset(
    """no not never none nor neither without nothing nobody isnt arent wasnt werent dont doesnt didnt cant cannot wont
    wouldnt couldnt shouldnt hardly except but unlike rather instead however although despite""".split()
)
_LIKED = frozenset("liked loved enjoyed rated watched saw seen".split())
_FOR_LIKED = "liked loved enjoyed"

# they connect and address; none of them says anything of an item
CONNECTING = frozenset(
    """a an the this that these those some any each both all of for from in on at to by with as and or so also too into
    about between during around you your yours i me my we us our it its they them their here there is are was
    were be been being am do does did have has had can could may might will would shall should must if then than
    when while who which what where how because since therefore please let lets pick picks picked title titles
    item items list selection choose chose chosen select selected find found offer give got get show take look
    see watch try start think know tell ask asked asking request requested requests want wanted wants wish
    wished wishes like likes fit fits suit suits suited match matches matching enjoy hope mood evening tonight
    today couple few several group share shares sharing come comes made make release released dated genre genres
    year years decade era time history taste person hello hi sure okay ok yes just something anything now
    following follow follows below above based one ones belong belongs go goes along star stars starring appear
    appears feature features featuring similar kind sort type recommend recommended recommendation
    recommendations suggest suggested suggestion suggestions""".split()
) - frozenset("one all".split())

_TITLE, _PHRASE = "\x01", "\x02"
# what would make another title of it: "The Heat", "Alien 3", "Heat II"
_BESIDE = re.compile(rf"\b(?:the|a|an)\s+{_TITLE}|{_TITLE}\s*[-:&]?\s*(?:\d+|[IVX]+\b)|{_TITLE}\s*[:&]", re.IGNORECASE)
_BREAK = re.compile(r"(?<=[.!?])[\"”)]*\s+(?=[\"“(]?[A-Z0-9])")
_YEAR_BEHIND = re.compile(r"\s*(?:\(\s*(\d{4})\s*\)|,?\s*(?:from|of|in)\s+(\d{4})\b)")


@dataclass(frozen=True)
class Known:
    """One item that a sentence may name, and all that it may say of it."""

    title: str
    year: int | None = None
    genres: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    liked: bool = False  # by the person, as the history says


@dataclass(frozen=True)
class Evidence:
    """What a sentence may say.

    items           it may name these
    genres, people  asked for: may be named without a title
    without         genres that were excluded: the only ones that may stand behind "no", "not", "without"
    phrases         may stand word for word: "before 1980", "from the 1990s"
    numbers         how many picks, ranks, ...
    words           content words of the person's own request
    """

    items: tuple[Known, ...] = ()
    genres: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    ok: bool
    why: str = ""


_OK = Verdict(True)


def sentences(text: str) -> list[str]:
    """A text in sentences. "Dr. Strangelove" is cut in two, which the check then refuses: the safe side."""
    return [s.strip() for line in text.splitlines() for s in _BREAK.split(line) if s.strip()]


def check(sentence: str, evidence: Evidence) -> Verdict:
    """Whether the sentence says only what the evidence licenses, and if not, what it goes beyond."""
    text = sentence.strip()
    if not text:
        return Verdict(False, "nothing is said")
    if _TITLE in text or _PHRASE in text or re.search(r"[\n\r\t<>{}\[\]|*_#`@\\=^~$%€£+]|https?:|www\.", text):
        return Verdict(False, "markup, an address or a control character")
    if len(text.split()) > _MAX_WORDS:
        return Verdict(False, f"longer than {_MAX_WORDS} words")
    marked, named, problem = _titles(text, evidence.items)
    if problem:
        return Verdict(False, problem)
    if beside := _BESIDE.search(marked):
        return Verdict(False, f"“{beside.group().replace(_TITLE, named[0].title).strip()}” is another title")
    for phrase in _phrases(evidence):
        marked = phrase.sub(f" {_PHRASE} ", marked)
    words = tokens(marked)
    if not words and not named and _PHRASE not in marked:
        return Verdict(False, "nothing is said")
    return _words(marked, words, named, evidence)


def _phrases(e: Evidence) -> list[re.Pattern[str]]:
    """The licensed phrases, "from the 1990s" also as "of the 1990s" and "in the 1990s"."""
    found = []
    for phrase in sorted(e.phrases, key=len, reverse=True):
        escaped = re.escape(phrase)
        if phrase.startswith("from the "):
            escaped = r"(?:from|of|in)\ the\ " + re.escape(phrase.removeprefix("from the "))
        found.append(re.compile(rf"(?<!\w){escaped}(?!\w)", re.IGNORECASE))
    return found


def _titles(text: str, items: Sequence[Known]) -> tuple[str, list[Known], str]:
    """The text with a mark for every title, what the marks stand for, and a year that is not the title's."""
    by_title: dict[str, list[Known]] = {}
    for item in items:
        by_title.setdefault(item.title.casefold(), []).append(item)
    named: list[Known] = []
    if not by_title:
        return text, named, ""
    # the longest title first; in its own capitals, so that "heat" in plain prose is no film
    titles = sorted({i.title for i in items}, key=len, reverse=True)
    pattern = re.compile(r"(?<!\w)(?:" + "|".join(re.escape(t) for t in titles) + r")(?!\w)")
    pieces: list[str] = []
    at = 0
    for match in pattern.finditer(text):
        if match.start() < at:
            continue
        options = by_title[match.group().casefold()]
        end = match.end()
        year = _YEAR_BEHIND.match(text, end)
        item = options[0]
        if year:
            said = int(next(g for g in year.groups() if g))
            same = [o for o in options if o.year == said]
            if same:
                item, end = same[0], year.end()
            elif year.group(1) or not _is_asked_year(said, items):
                return text, named, f"{match.group()} is not from {said}"
        named.append(item)
        pieces += [text[at : match.start()], f" {_TITLE} "]
        at = end
    return "".join([*pieces, text[at:]]), named, ""


def _is_asked_year(year: int, items: Sequence[Known]) -> bool:
    return any(i.year == year for i in items)


def _words(text: str, words: Sequence[Token], named: list[Known], e: Evidence) -> Verdict:
    keys = [w.text for w in words]
    own = {w for phrase in e.words for w in folded(phrase)} - _NEGATIONS
    people = {p: folded(p) for p in {*e.people, *(x for i in e.items for x in i.people)}}
    genres = {g: _forms(g) for g in {*e.genres, *e.without, *(x for i in e.items for x in i.genres)}}
    n = 0
    denied = -1  # where a list that a negation governs ends: "without horror, war or crime"
    while n < len(words):
        word = words[n]
        listing = n == denied or (n - 1 == denied and keys[n - 1] in ("and", "or", "nor"))
        negated = (n > 0 and keys[n - 1] in ("no", "not", "without", "nor")) or (denied >= 0 and listing)
        if (hit := _longest(keys, n, people)) and not (hit[1] == 1 and len(hit[0].split()) > 1):
            if not _holds(hit[0], named, e.people, lambda i: i.people):
                return Verdict(False, f"{hit[0]} is not said of what the sentence is about")
            n += hit[1]
            continue
        if hit := _longest_form(keys, n, genres, e, negated):
            name, used = hit
            if negated:
                if name not in e.without:
                    return Verdict(False, f"{name} was not excluded")
                denied = n + used
            elif name in e.without:
                return Verdict(False, f"{name} was excluded")
            elif not _holds(name, named, e.genres, lambda i: i.genres):
                return Verdict(False, f"{name} does not hold for what the sentence is about")
            n += used
            continue
        if verdict := _word(word, keys, n, own, named, e, text):
            return verdict
        n += 1
    return _OK


def _word(
    word: Token, keys: Sequence[str], n: int, own: set[str], named: list[Known], e: Evidence, text: str
) -> Verdict | None:
    """What is wrong with one plain word; None when it is licensed."""
    key = word.text
    if key.isdigit() or re.fullmatch(r"\d+(?:st|nd|rd|th|s)?", key):
        return _number(key, named, e)
    if (value := CARDINALS.get(key)) is not None:
        if value in e.numbers or (key == "one" and n and keys[n - 1] in ("this", "that", "each")):
            return None
        return Verdict(False, f"the number {key} is not in the evidence")
    if key in _NEGATIONS:
        if key in ("no", "not", "without", "nor") and n + 1 < len(keys):
            following = {keys[n + 1]}
            if any(following & {f[0] for f in _forms(g)} for g in e.without):
                return None
        return Verdict(False, f"“{key}” denies something that the evidence does not")
    if key in _LIKED:
        behind = text[word.end :]
        first = re.match(rf"[\s,]*(?:both\s+)?{_TITLE}", behind)
        if first is None or not named:
            return Verdict(False, f"“{key}” is said of nothing that the history has")
        place = text[: word.end].count(_TITLE)
        chain = re.match(rf"(?:[\s,]*(?:both|and)?[\s,]*{_TITLE})+", behind)
        assert chain is not None
        of = named[place : place + chain.group().count(_TITLE)]
        if key not in _FOR_LIKED.split() or not all(i.liked for i in of):
            return Verdict(False, f"the history does not say “{key}” of {of[0].title}")
        return None
    before_title = re.match(rf"\s*{_TITLE}", text[word.end :])
    if (word.capital and key not in own) or (word.opens and before_title and key not in CONNECTING):
        return Verdict(False, f"the name “{key}” is not in the evidence")
    if key in CONNECTING or key in own or (singular(key) in own and len(key) > 3):
        return None
    return Verdict(False, f"“{key}” is not in the evidence")


def _number(key: str, named: list[Known], e: Evidence) -> Verdict | None:
    value = int(re.sub(r"\D", "", key))
    if not key.endswith("s") and (value in e.numbers or (len(named) == 1 and value == named[0].year)):
        return None
    return Verdict(False, f"the number {key} is not in the evidence")


def _holds(name: str, named: list[Known], asked: Sequence[str], of: Callable[[Known], Sequence[str]]) -> bool:
    """For every title that the sentence names; without one, it must have been asked for."""
    return all(name in of(i) for i in named) if named else name in asked


def _longest(keys: Sequence[str], n: int, known: dict[str, tuple[str, ...]]) -> tuple[str, int] | None:
    hits = [(name, len(k)) for name, k in known.items() if k and tuple(keys[n : n + len(k)]) == k]
    return max(hits, key=lambda h: h[1]) if hits else None


def _longest_form(
    keys: Sequence[str], n: int, known: dict[str, list[tuple[str, ...]]], e: Evidence, negated: bool
) -> tuple[str, int] | None:
    hits = [(name, len(f)) for name, forms in known.items() for f in forms if tuple(keys[n : n + len(f)]) == f]
    if not hits:
        return None
    # a word can stand for two genres ("kids"): prefer the one that was asked for
    return max(hits, key=lambda h: (h[1], h[0] in (e.without if negated else e.genres)))


def _forms(genre: str) -> list[tuple[str, ...]]:
    """How a sentence may write a genre: its name, singular and plural, and words that mean it alone."""
    key = folded(genre)
    last = singular(key[-1])
    plural = last[:-1] + "ies" if last.endswith("y") and last[-2:-1] not in "aeiou" else last + "s"
    forms = [key, (*key[:-1], last), (*key[:-1], plural), ("".join(key),)]
    alone = ("animated", "romantic", "science fiction", "documentary", "documentaries", "comedic", "musicals", "scifi")
    forms += [folded(p) for p, w in SYNONYMS.items() if p in alone and len(w) == 1 and genre in w[0]]
    return list(dict.fromkeys(forms))


_CHAT_CLAIMS = frozenset(
    """movie movies film films actor actors actress director directed starring star stars released plot award awards
    oscar seen watched watching saw scene scenes character characters cast rated rating imdb song album band book author
    year years century favorite favourite best worst greatest recommend recommended""".split()
)


def harmless(sentence: str, linker: Linker) -> Verdict:
    """Whether a sentence of small talk claims nothing of any item, person, number or name."""
    text = sentence.strip()
    words = tokens(text)
    if not words or len(words) > 30:
        return Verdict(False, "nothing is said" if not words else "too long for small talk")
    if re.search(r"[\n<>{}\[\]|*_#`@\\=\"“”:;]|https?:|www\.", text):
        return Verdict(False, "markup, a quotation or an address")
    for word in words:
        if word.text in _CHAT_CLAIMS:
            return Verdict(False, f"“{word.text}” speaks of items")
        if any(c.isdigit() for c in word.text) or CARDINALS.get(word.text, 0) > 1:
            return Verdict(False, f"the number {word.text}")
        if word.capital:
            return Verdict(False, f"the name “{text[word.start : word.end]}”")
    names = [m for m in linker.mentions(text) if m.kind in ("title", "person") and not _plain(m.surface)]
    if names:
        return Verdict(False, f"it names {names[0].surface}")
    return _OK


def _plain(surface: str) -> bool:
    return all(w in EVERYDAY | FUNCTION for w in folded(surface))
