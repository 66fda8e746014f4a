"""Words of a message -> rows of the catalogue: titles, people, genres and languages, and what stays unlinked.

A `Linker` is built once a catalogue (dictionaries of folded word sequences); a message is then read left to right, the
longest known sequence first. A title in lower case that could be plain English ("heat", "big", "the game") counts
only behind words that announce a title ("I loved ...", "like ..."); misspelt ones are matched by edit distance
there. Precision before recall: a wrong title spoils a whole turn, a missed one is asked for again.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Literal

import numpy as np
from rapidfuzz import fuzz, process

from app.understanding.names import genres as said
from app.understanding.names.everyday import EVERYDAY, FUNCTION, ITEM_WORDS
from app.understanding.names.naming import ARTICLES, PARENTHESES, bare, proper_index, sort_index, title_index
from app.understanding.names.stretches import Stretches, before
from app.understanding.reader import Known, common_words, slips
from app.words import Token, folded, singular, tokens
from recommenders.data import RATINGS, Catalogue, Levels, Named

_YEAR_AFTER = re.compile(r"\s*(?:\(\s*(\d{4})\s*\)|,?\s+(?:from|of)\s+(\d{4})\b|\s+((?:19|20)\d\d)\b(?!s))")
_YEAR_AT_END = re.compile(r"\s*\(?\b((?:18|19|20)\d\d)\b\)?\s*$")
_QUOTED = re.compile(r"[\"“]([^\"”“]{1,80})[\"”]|(?<![A-Za-z])['‘]([^'’‘]{2,80})['’](?![A-Za-z])")
_LONGEST = 9  # words of a title that are tried at once
_FUZZY = 86.0  # of 100; "pulp ficton" scores 95, "true love" against "True Lies" 78

# words right before a title in lower case
_CUES = frozenset(
    """like liked likes love loved loves enjoy enjoyed adore adored hate hated hates dislike disliked seen saw watch
    watched watching about than film movie called titled is was remember recommend considered prefer rewatched
    finished why tried""".split()
)
# of these, the ones strong enough for a misspelt title
_STRONG_CUES = _CUES - frozenset("about than film movie is was recommend considered prefer why".split())
_HAVE = frozenset("have got know".split())  # "have you got Parasite?"
_CUE_AFTER_TO = frozenset("similar compared close closer".split())
_CLOSERS = frozenset("and or but because so too also though although either which when since was is or please".split())
_OWNED = frozenset("family kids kid children war crime detective mob doc".split())
_OWNERS = frozenset("my our his her their your".split())
_PERSON_CUES = frozenset("with starring stars featuring by director actor actress mr mrs ms from of has have".split())
_PERSON_SURE = frozenset("starring stars featuring directed director actor actress acted".split())


@dataclass(frozen=True)
class Mention:
    """A stretch of the message (characters start:end) and what it names.

    items      for titles: the rows that it may be, likeliest first; for unknown ones namesakes that are not meant
    attribute  for values and levels: whose they are
    names      for values: the catalogue's own names, all of them meant
    year       for titles: the year that was said with it
    relatives  for titles that the catalogue lacks: the rows of its table of those, likeliest first; () known nowhere
    sure       0..1
    """

    kind: Literal["title", "value", "level", "avoided", "unknown_title", "unknown_person"]
    start: int
    end: int
    surface: str
    items: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    attribute: str = ""
    year: int | None = None
    relatives: tuple[int, ...] = ()
    sure: float = 1.0


class Linker:
    """Immutable after it is made; shared by all sessions."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        named = [a for a in catalogue.schema.heard if isinstance(a, Named)]
        self._titles, self._fuzzy = title_index(catalogue)
        others = catalogue.relatives
        self._lacking, self._lacking_fuzzy = ({}, []) if others is None else title_index(others)
        self._chosen = _chosen(catalogue)
        self._usual = float(self._chosen.mean())
        self._sorts = sort_index(catalogue, [a for a in named if not a.proper])
        self._people, self._surnames = proper_index(catalogue, [a for a in named if a.proper])
        self._well_known = _well_known(catalogue)
        self._measures = {
            w for a in catalogue.schema.heard if isinstance(a, Levels) for s in a.levels for w in folded(s)
        }
        self._levels = {w: a.name for a in catalogue.schema.heard if isinstance(a, Levels) for w in a.adjectives}
        self._together = frozenset(
            frozenset(g) for a in named if a.together for g in catalogue.attributes.cells(a.name)
        )
        self._people_words = [" ".join(k) for k in self._people]
        self._name_words = frozenset(w for t in (self._titles, self._people, self._sorts) for key in t for w in key)
        self._widest: dict[str, int] = {}  # first word -> words of the longest name that begins with it
        for key in (*self._titles, *self._people, *self._sorts, *self._lacking):
            self._widest[key[0]] = max(self._widest.get(key[0], 1), min(len(key), _LONGEST))
        self.reads = frozenset((*(a.name for a in named), *self._levels.values()))
        """The attributes whose values are found among the words here; the others hear for themselves."""

    # -- single names, as tools and the model give them --------------------------------------------------------------

    def items(self, title: str) -> tuple[int, ...]:
        """The rows that a title may be, likeliest first: exact, then without article or subtitle, then misspelt."""
        title = title.strip()
        year = None
        match = re.search(r"\(?\b(\d{4})\)?\s*$", title)
        key = folded(title)
        found = self._titles.get(key)
        if found is None and match and match.start():
            year = int(match.group(1))
            key = folded(title[: match.start()])
            found = self._titles.get(key)
        if found is None:
            found = self._titles.get(bare(key))
        exact = found
        if found is None:
            near = None if key in self._lacking else self._nearest(" ".join(key))
            found = near[0] if near else ()
        found = self._by_year(found, year)
        others = self._stranger(key, year) or (exact is None and self._near_stranger(" ".join(key), year))
        return () if found and others and self._rather_others(found, year) else found

    def relatives(self, title: str) -> tuple[int, ...]:
        """The rows of the table of what the catalogue lacks that a title may be, likeliest first."""
        match = _YEAR_AT_END.search(title)
        key, year = folded(title[: match.start()] if match else title), int(match[1]) if match else None
        return self._stranger(key, year) or self._near_stranger(" ".join(key), year)

    def _stranger(self, key: tuple[str, ...], year: int | None) -> tuple[int, ...]:
        """Rows of what is lacking, of exactly this title or without its article; of another year none."""
        rows = self._lacking.get(key) or self._lacking.get(bare(key)) or ()
        others = self.catalogue.relatives
        if year is None or others is None:
            return rows
        return tuple(r for r in rows if abs(int(others.years[r]) - year) <= 1)

    def _rather_others(self, rows: tuple[int, ...], year: int | None) -> bool:
        """Whether a title that is lacking too is meant rather than these rows: by its year, or since hardly anybody
        knows these."""
        if year is not None:
            return abs(int(self.catalogue.years[rows[0]]) - year) > 1
        return all(self._chosen[r] < self._usual for r in rows)

    def _near_stranger(self, key: str, year: int | None) -> tuple[int, ...]:
        """The same for a misspelt one."""
        if len(key) < 5:
            return ()
        near = process.extractOne(key, self._lacking_fuzzy, scorer=fuzz.ratio, score_cutoff=_FUZZY)
        return self._stranger(tuple(near[0].split()), year) if near else ()

    def value(self, attribute: str, said: str) -> tuple[str, ...]:
        """The catalogue's names of an attribute that a word or name means, all of them meant; () unknown.

        Of sorts: itself, a plural, a synonym, or a misspelling. Of proper names: exact, by surname alone, or misspelt.
        """
        a = self.catalogue.schema[attribute]
        key = folded(said)
        if not key or not isinstance(a, Named):
            return ()
        return self._proper(attribute, key) if a.proper else self._sort(a, key)

    def _sort(self, a: Named, key: tuple[str, ...]) -> tuple[str, ...]:
        found = self._sorts.get(key) or self._sorts.get(tuple(singular(w) for w in key))
        if found is None and a.together:
            mine = [" ".join(k) for k, (attribute, _) in self._sorts.items() if attribute == a.name]
            near = process.extractOne(" ".join(key), mine, scorer=fuzz.ratio, score_cutoff=84)
            found = self._sorts[tuple(near[0].split())] if near else None
        return found[1] if found is not None and found[0] == a.name else ()

    def _proper(self, attribute: str, key: tuple[str, ...]) -> tuple[str, ...]:
        found = self._people.get(key) or (self._surnames.get(key[0]) if len(key) == 1 else None)
        if found is None:
            near = process.extractOne(" ".join(key), self._people_words, scorer=fuzz.ratio, score_cutoff=_FUZZY)
            found = self._people[tuple(near[0].split())] if near else None
        return (found[1],) if found is not None and found[0] == attribute else ()

    def together(self, names: tuple[str, ...]) -> bool:
        """Whether some item has all these names."""
        wanted = frozenset(names)
        return any(wanted <= g for g in self._together)

    # -- a whole message ---------------------------------------------------------------------------------------------

    def known(self, text: str) -> tuple[Known, ...]:
        """Every stretch that the catalogue has a name for, the longest first met, whether it is meant here or not and
        be it with a slip of the finger: what the encoder is told, which weighs it by the words around."""
        words = tokens(text)
        said = [self._without_slip(w.text) for w in words]
        found: list[Known] = []
        i = 0
        while i < len(words):
            keys = tuple(said[i : i + self._widest.get(said[i], 1)])
            n, kind = next(((n, k) for n in range(len(keys), 0, -1) if (k := self._kind(keys[:n]))), (1, ""))
            if kind:
                end = words[i + n - 1].end
                tail = _year_after(text, end)[1] if kind in ("title", "word") else end
                found.append(Known(kind, words[i].start, tail))
                n = next((k for k in range(i, len(words)) if words[k].start >= tail), len(words)) - i
            elif words[i].text in self._surnames:
                found.append(Known("name", words[i].start, words[i].end))
            i += n
        return tuple(found)

    def _without_slip(self, word: str) -> str:
        """The word of some name that was meant, where this is neither one nor a common word."""
        if len(word) < 5 or not word.isalpha() or word in self._name_words or common_words().knows(word):
            return word
        return next((near for near, cost in slips(word) if cost <= 1 and near in self._name_words), word)

    def _kind(self, key: tuple[str, ...]) -> str:
        """What a sequence of words is a name of; "" where of nothing, or where all of it is grammar."""
        if all(w in FUNCTION for w in key):
            return ""
        if key in self._sorts:
            return "genre" if self.is_sort(self._sorts[key][0]) else "language"
        if key in self._people:
            return "person"
        if key in self._titles:
            return "word" if len(key) == 1 and key[0] in EVERYDAY else "title"
        if key in self._lacking:
            return "title" if len(key) > 1 else ""
        return ""

    def is_sort(self, attribute: str) -> bool:
        """Whether several of its names go together, as genres do; the encoder knows no more kinds than these."""
        a = self.catalogue.schema[attribute]
        return isinstance(a, Named) and a.together

    def mentions(self, text: str, expected: tuple[int, ...] = ()) -> tuple[Mention, ...]:
        """What the message names, in order, without overlaps.

        expected  rows on the table: their titles count in any case and may be cut to the words before a colon
        """
        words = tokens(text)
        found = self._quoted(text)
        found += self._expected(text, words, expected, found)
        taken = Stretches((m.start, m.end) for m in found)
        reached = i = 0
        while i < len(words):
            start = words[i].start
            if start < reached or taken.cover(start):
                i += 1
                continue
            limit = taken.begin_after(start)
            mention, used = self._longest(text, words, i, len(text) if limit is None else limit)
            if mention is not None:
                found.append(mention)
                reached = mention.end
            i += max(1, used)
        found += self._misspelt(text, words, Stretches((m.start, m.end) for m in found))
        return tuple(sorted(found, key=lambda m: m.start))

    def _longest(self, text: str, words: tuple[Token, ...], i: int, limit: int) -> tuple[Mention | None, int]:
        keys = tuple(w.text for w in words[i : i + self._widest.get(words[i].text, 1)])
        for n in range(len(keys), 0, -1):
            last = words[i + n - 1]
            if last.end > limit or "\n" in text[words[i].start : last.end]:
                continue
            key, span = keys[:n], words[i : i + n]
            if n > 1 and re.search(r"[.!?;]\s", text[span[0].start : last.end]) and key not in self._titles:
                continue
            mention = self._known(text, words, i, n, key)
            if mention is not None:
                return mention, n
        return None, 0

    def _known(self, text: str, words: tuple[Token, ...], i: int, n: int, key: tuple[str, ...]) -> Mention | None:
        span = words[i : i + n]
        start, end = span[0].start, span[-1].end
        surface = text[start:end]
        sort = self._sort_here(text, words, i, n, key)
        together = sort is not None and self.is_sort(sort.attribute)
        year, tail = _year_after(text, end)
        may_be_title = sort is None or year is not None or all(w.capital for w in span) or not together
        meant = may_be_title and (_sole(words, i, n) or self._is_title(text, words, i, n, year))
        if key in self._titles and meant and not self._hardly_meant(text, words, i, n, year):
            rows = self._by_year(self._titles[key], year)
            if (lacking := self._stranger(key, year)) and self._rather_others(rows, year):
                namesakes = self._by_year(rows, None)
                return Mention("unknown_title", start, tail, text[start:tail], namesakes, year=year, relatives=lacking)
            return Mention("title", start, tail, text[start:tail], rows, year=year)
        if person := self._person_here(words, i, n, key):
            return Mention("value", start, end, surface, names=(person[1],), attribute=person[0], sure=person[2])
        level = self._levels.get(key[0]) if n == 1 else None
        if level is not None and (not together or _refused(text, start)):
            return Mention("level", start, end, surface, attribute=level)
        if sort is None and (lacking := self._lacking_here(text, words, i, n, year)):
            return Mention("unknown_title", start, tail, text[start:tail], year=year, relatives=lacking)
        return sort or (self._avoided(key[0], start, end, surface) if n == 1 else None)

    def _hardly_meant(self, text: str, words: tuple[Token, ...], i: int, n: int, year: int | None) -> bool:
        """Whether plain words in lower case are also the title of something that few people know: "our wedding
        anniversary" names no film, though one is called A Wedding. Behind a word that announces a title they may."""
        known = self._titles[tuple(w.text for w in words[i : i + n])]
        return year is None and self._plainly_words(text, words, i, n, known)

    def _plainly_words(self, text: str, words: tuple[Token, ...], i: int, n: int, rows: Sequence[int]) -> bool:
        if _sole(words, i, n) or not _plain_words(words[i : i + n]) or any(row in self._well_known for row in rows):
            return False
        return not (_cued(words, i, _CUES) and _ends_here(text, words, i + n))

    def titled(self, text: str, start: int, end: int) -> tuple[int, ...]:
        """The rows of the title that these characters of a text are taken for; () where they are plain words."""
        rows, words = self.items(text[start:end]), tokens(text)
        inside = [n for n, w in enumerate(words) if start <= w.start and w.end <= end]
        if not rows or not inside:
            return rows
        return () if self._plainly_words(text, words, inside[0], len(inside), rows) else rows

    def _lacking_here(self, text: str, words: tuple[Token, ...], i: int, n: int, year: int | None) -> tuple[int, ...]:
        """Rows of what is lacking, where these words are meant as a title: who asks for "a film about a lion" means no
        film of that name."""
        span = words[i : i + n]
        key = tuple(w.text for w in span)
        if key not in self._lacking:
            return ()
        if year is not None:
            return self._stranger(key, year)
        spelt = [w for w in span if w.text not in FUNCTION and w.text not in EVERYDAY] or span[-1:]
        written = all(text[w.start].isupper() for w in (*spelt, span[-1]))
        telling = any(w.text not in FUNCTION for w in span)
        if not written:  # in lower case a phrase like any other, but behind a word that announces a title
            cues = _STRONG_CUES | _HAVE
            meant = telling and not all(w.text in EVERYDAY for w in span) and _cued(words, i, cues)
            return self._stranger(key, year) if meant and _ends_here(text, words, i + n) else ()
        cued = telling and _cued(words, i, _HAVE) and _ends_here(text, words, i + n)
        meant = _sole(words, i, n) or cued or self._is_title(text, words, i, n, year)
        return self._stranger(key, year) if meant else ()

    def _person_here(
        self, words: tuple[Token, ...], i: int, n: int, key: tuple[str, ...]
    ) -> tuple[str, str, float] | None:
        """(attribute, name, how sure) of a proper name; of one word only behind a word that announces a person."""
        cued = n > 1 or _cued(words, i, _PERSON_CUES)
        if key in self._people and cued:
            return (*self._people[key], 1.0)
        measure = key[0] in self._measures and not words[i].capital  # "with strong violence" names no Mark Strong
        if n == 1 and cued and key[0] in self._surnames and key[0] not in EVERYDAY and not measure:
            return (*self._surnames[key[0]], 0.8)
        return None

    def _avoided(self, word: str, start: int, end: int, surface: str) -> Mention | None:
        """A quality that the catalogue does not mark, as the sorts in which it is usual."""
        found = [self._sorts.get(folded(name)) for name in said.AVOIDED.get(word, ())]
        names = tuple(n for f in found if f is not None for n in f[1])
        if not names:
            return None
        attribute = next(f[0] for f in found if f is not None)
        return Mention("avoided", start, end, surface, names=names, attribute=attribute)

    def _sort_here(self, text: str, words: tuple[Token, ...], i: int, n: int, key: tuple[str, ...]) -> Mention | None:
        found = self._sorts.get(key) or (self._sorts.get((singular(key[0]),)) if n == 1 else None)
        if found is None or (n == 1 and _owned(text, words, i)):
            return None
        if key == ("comic",) and i + 1 < len(words) and words[i + 1].text.startswith("book"):
            return None
        start, end = words[i].start, words[i + n - 1].end
        return Mention("value", start, end, text[start:end], names=found[1], attribute=found[0])

    def _is_title(self, text: str, words: tuple[Token, ...], i: int, n: int, year: int | None) -> bool:
        """Whether this known sequence of words is meant as a title here."""
        span = words[i : i + n]
        if year is not None:
            return True
        content = [w for w in span if w.text not in FUNCTION]
        if not content and n < 3:
            return False  # "It", "More", "Us": only quoted or with a year
        telling = [w for w in content if w.text not in EVERYDAY]
        if any(w.capital and not w.text.isdigit() for w in content):
            # capitals vouch for it, unless the capitals go on: "Dark City Blues" is not "Dark City"
            return n > 1 or not _goes_on(text, words, i, n)
        cued = _cued(words, i, _CUES) or (i > 1 and words[i - 1].text == "to" and words[i - 2].text in _CUE_AFTER_TO)
        if n > 1 and len(content) > 1 and telling:
            return True
        if len(content) == 1 and telling:
            listed = i == 0 or words[i - 1].text in ("or", "and", "vs", "versus")
            if (n > 1 and len(telling[0].text) >= 7) or (listed and _ends_here(text, words, i + n)):
                return True
        return cued and _ends_here(text, words, i + n)

    def _expected(
        self, text: str, words: tuple[Token, ...], expected: tuple[int, ...], quoted: list[Mention]
    ) -> list[Mention]:
        """Titles on the table, as the message writes them."""
        found: list[Mention] = []
        keys = tuple(w.text for w in words)
        for row in expected:
            plain = PARENTHESES.sub(" ", self.catalogue.titles[row])
            whole = folded(plain)
            forms = [whole, bare(whole), folded(plain.split(":", 1)[0])]
            for form in sorted({f for f in forms if f}, key=len, reverse=True):
                at = next((i for i in range(len(keys)) if keys[i : i + len(form)] == form), None)
                if at is None or all(w in FUNCTION for w in form):
                    continue
                end = at + len(form)
                plain_word = len(form) == 1 and (form[0] in EVERYDAY or form in self._sorts)
                if plain_word and not words[at].capital and not _cued(words, at, _CUES):
                    continue
                year, tail = _year_after(text, words[end - 1].end)
                if year is not None and abs(year - int(self.catalogue.years[row])) > 1:
                    continue
                start = words[at].start
                if not any(m.start < tail and start < m.end for m in (*quoted, *found)):
                    found.append(Mention("title", start, tail, text[start:tail], (row,), year=year))
                break
        return found

    def _quoted(self, text: str) -> list[Mention]:
        found = []
        for match in _QUOTED.finditer(text):
            inside = match.group(1) or match.group(2)
            year, tail = _year_after(text, match.end())
            rows = self.items(inside)
            kind: Literal["title", "unknown_title"] = "title" if rows else "unknown_title"
            if rows or len(folded(inside)) <= 8:
                lacking = () if rows else self.relatives(inside)
                rows = self._by_year(rows, year) if year else rows
                found.append(Mention(kind, match.start(), tail, inside, rows, year=year, relatives=lacking))
        return found

    def _misspelt(self, text: str, words: tuple[Token, ...], taken: Stretches) -> list[Mention]:
        """Stretches behind a cue that no exact entry covers: near titles and people, or names that are not here."""
        found: list[Mention] = []
        free = [not taken.cover(w.start) for w in words]
        i = 0
        while i < len(words):
            person_cue = i > 0 and words[i - 1].text in _PERSON_CUES
            by = i > 1 and words[i - 1].text in ("by", "with") and words[i - 2].text in _PERSON_SURE
            sure_person = by or (i > 0 and words[i - 1].text in _PERSON_SURE)
            cued = _cued(words, i, _CUES) or (
                i > 1 and words[i - 1].text == "to" and words[i - 2].text in _CUE_AFTER_TO
            )
            if not free[i] or not (cued or person_cue):
                i += 1
                continue
            j = i
            while (
                j < len(words)
                and j - i < 7
                and free[j]
                and (j == i or not re.search(r"[,.;!?()\n]|\s-\s", text[words[j - 1].end : words[j].start]))
                and (j == i or words[j].text not in _CLOSERS or words[j].capital)
            ):
                j += 1
            mention = self._near_or_unknown(text, words, (i, j), cued, person_cue, sure_person)
            if mention is not None:
                found.append(mention)
                i = next((k for k in range(i, len(words)) if words[k].start >= mention.end), len(words))
            else:
                i += 1
        return found

    def _near_or_unknown(
        self,
        text: str,
        all_words: tuple[Token, ...],
        stretch: tuple[int, int],
        cued: bool,
        person_cue: bool,
        sure_person: bool,
    ) -> Mention | None:
        at, span = stretch[0], all_words[slice(*stretch)]
        content = [w for w in span if w.text not in FUNCTION]
        if not content or (content[0] is not span[0] and span[0].text not in ARTICLES):
            return None
        capitals = _capitals(span)
        strong = (cued and bool(capitals)) or _cued(all_words, at, _STRONG_CUES)
        tries = [capitals] if capitals else [list(span[:n]) for n in range(len(span), 0, -1)]
        near = (self._near(text, words, person=person_cue, title=strong) for words in tries)
        if (mention := next((m for m in near if m is not None), None)) is not None:
            return mention
        if strong and (lacking := self._lacking_nearly(text, tries)) is not None:
            return lacking
        if capitals:
            return _unknown(text, capitals, cued, person_cue, sure_person)
        if sure_person and len(span) >= 2:
            return Mention("unknown_person", span[0].start, span[1].end, text[span[0].start : span[1].end])
        return None

    def _near(self, text: str, words: Sequence[Token], *, person: bool, title: bool) -> Mention | None:
        """The person or the title of the catalogue that these words nearly are, whichever may be meant."""
        key = " ".join(w.text for w in words)
        start, end = words[0].start, words[-1].end
        if len(key) < 5 or all(w.text in EVERYDAY for w in words):
            return None
        if person and self._people:
            near = process.extractOne(key, self._people_words, scorer=fuzz.ratio, score_cutoff=_FUZZY)
            if near:
                attribute, name = self._people[tuple(near[0].split())]
                return Mention("value", start, end, text[start:end], names=(name,), attribute=attribute, sure=0.7)
        if title and not _plain_words(words) and (near_title := self._nearest(key)):
            year, tail = _year_after(text, end)
            rows = self._by_year(near_title[0], year)
            if self._near_stranger(key, year) and self._rather_others(rows, year):
                return None
            return Mention("title", start, tail, text[start:tail], rows, year=year, sure=near_title[1] / 100)
        return None

    def _lacking_nearly(self, text: str, tries: Sequence[Sequence[Token]]) -> Mention | None:
        """The title that the catalogue lacks and that some of these words nearly are."""
        for words in tries:
            if all(w.text in EVERYDAY for w in words):
                continue
            year, tail = _year_after(text, words[-1].end)
            start = words[0].start
            if rows := self._near_stranger(" ".join(w.text for w in words), year):
                return Mention("unknown_title", start, tail, text[start:tail], year=year, relatives=rows, sure=0.9)
        return None

    def _nearest(self, key: str) -> tuple[tuple[int, ...], float] | None:
        """Rows whose title is nearly `key`, and how near (0..100)."""
        if len(key) < 5:
            return None
        near = process.extractOne(key, self._fuzzy, scorer=fuzz.ratio, score_cutoff=_FUZZY)
        return (self._titles[tuple(near[0].split())], float(near[1])) if near else None

    def _by_year(self, rows: tuple[int, ...], year: int | None) -> tuple[int, ...]:
        """Rows of that year first (one off counts: sources differ on release dates); where none is said, those first
        that most people chose."""
        if year is None:
            return tuple(sorted(rows, key=lambda r: -self._chosen[r]))
        return tuple(sorted(rows, key=lambda r: abs(int(self.catalogue.years[r]) - year)))


def _chosen(catalogue: Catalogue) -> np.ndarray:
    """(I,) how many people chose each item; all as many where nobody counted."""
    if RATINGS not in catalogue.table:
        return np.zeros(len(catalogue))
    return catalogue.table[RATINGS].to_numpy(dtype=np.float64, na_value=0.0)


def _owned(text: str, words: tuple[Token, ...], i: int) -> bool:
    """Whether a word that may be a sort is somebody's own here: "my family said"; "for my kids" is a wish after all."""
    if not i or words[i].text not in _OWNED or words[i - 1].text not in _OWNERS:
        return False
    if text[words[i].end :].lstrip().startswith(tuple(ITEM_WORDS)):
        return False
    for_us = words[i - 1].text in ("my", "our") and i > 1 and words[i - 2].text in ("for", "with")
    return not for_us


def _year_after(text: str, end: int) -> tuple[int | None, int]:
    """A year said right after position `end`, and where it ends."""
    match = _YEAR_AFTER.match(text, end)
    if not match:
        return None, end
    return int(next(g for g in match.groups() if g)), match.end()


_WEAK_BEFORE = frozenset("the a an really actually both also either just".split())
_SKIPPED = 8  # of them, at most


def _cued(words: tuple[Token, ...], i: int, cues: frozenset[str]) -> bool:
    """Whether the word before (articles and weak words skipped) announces a name."""
    k = i - 1
    while k >= 0 and i - k < _SKIPPED and words[k].text in _WEAK_BEFORE:
        k -= 1
    if k >= 0 and words[k].text in ("and", "or") and k >= 1:
        return any(w.text in cues for w in words[max(0, k - 6) : k])
    return k >= 0 and words[k].text in cues


def _goes_on(text: str, words: tuple[Token, ...], i: int, n: int) -> bool:
    """Whether the next or the previous word continues a capitalised name."""
    after = i + n < len(words) and words[i + n].capital and not words[i + n].text.isdigit()
    glued = after and not text[words[i + n - 1].end : words[i + n].start].strip(" ")
    before = i > 0 and words[i - 1].capital and not text[words[i - 1].end : words[i].start].strip(" ")
    return glued or before


def _ends_here(text: str, words: tuple[Token, ...], i: int) -> bool:
    """Whether a phrase ends before word i: end of text, punctuation, or a word that cannot continue a noun phrase."""
    if i >= len(words):
        return True
    return bool(re.search(r"[^\w\s'-]", text[words[i - 1].end : words[i].start])) or words[i].text in (
        _CLOSERS
        | {"movie", "film", "a", "very", "the", "i", "in", "what", "any", "recommend", "yesterday", "do", "can"}
    )


_REFUSAL = re.compile(r"\b(?:nothing|not|no|without|isn['’]?t|too|less|avoid)\s+(?:\w+\s+)?$", re.IGNORECASE)


def _refused(text: str, start: int) -> bool:
    """Whether the word that starts here is said not to be wanted: "nothing scary" against "something scary"."""
    return bool(_REFUSAL.search(before(text, start)))


def _sole(words: tuple[Token, ...], i: int, n: int) -> bool:
    """Whether the message is nothing but this title ("heat?", "the godfather")."""
    return n == len(words) and not all(w.text in FUNCTION | ITEM_WORDS for w in words)


_LINKERS: dict[int, Linker] = {}
_LINKERS_LOCK = Lock()


def linker(catalogue: Catalogue) -> Linker:
    """The linker of a catalogue, built once (catalogues are compared by identity; the linker keeps its own alive)."""
    with _LINKERS_LOCK:
        found = _LINKERS.get(id(catalogue))
        if found is None:
            while len(_LINKERS) >= 4:
                del _LINKERS[next(iter(_LINKERS))]
            found = _LINKERS[id(catalogue)] = Linker(catalogue)
        return found


def _capitals(span: Sequence[Token]) -> list[Token]:
    """The words with capitals at the start of a stretch, behind articles, with the small words between them."""
    capitals: list[Token] = []
    for w in span:
        if w.capital or (capitals and w.text in FUNCTION):
            capitals.append(w)
        elif w.text not in ARTICLES or capitals:
            break
    while capitals and capitals[-1].text in FUNCTION:
        capitals.pop()
    return capitals


def _unknown(text: str, capitals: Sequence[Token], cued: bool, person_cue: bool, sure_person: bool) -> Mention | None:
    """What words with capitals name that the catalogue does not have: a person, a title, or nothing."""
    start, end = capitals[0].start, capitals[-1].end
    if all(w.text.isdigit() or w.text in EVERYDAY for w in capitals) or capitals[0].text.isdigit():
        return None
    if capitals[0].text[0].isdigit():  # "from the 90s under 2 hours" names nobody
        sure_person = person_cue = False
    if sure_person or (person_cue and not cued and len(capitals) >= 2):
        return Mention("unknown_person", start, end, text[start:end])
    if cued:
        _, tail = _year_after(text, end)
        return Mention("unknown_title", start, tail, text[start:tail])
    return None


def _plain_words(span: Sequence[Token]) -> bool:
    """Whether these are common words in lower case."""
    return all(not w.capital and (w.text in FUNCTION or common_words().knows(w.text)) for w in span)


def _well_known(catalogue: Catalogue) -> frozenset[int]:
    """The items that a tenth of the catalogue's are known as well as; all of them where nobody counted."""
    if RATINGS not in catalogue.schema:
        return frozenset(range(len(catalogue)))
    counts = np.array([0.0 if cell is None else cell[0] for cell in catalogue.attributes.cells(RATINGS)])
    return frozenset(np.flatnonzero(counts >= np.quantile(counts, _CROWD)).tolist())


_CROWD = 0.9
