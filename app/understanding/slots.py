"""What a message asks for, slot by slot: genres, people, years, how many, titles, and the free wish left over."""

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from app import words
from app.understanding import cues
from app.understanding.names import FUNCTION, ITEM_WORDS, Linker, Marks, Mention, Stretches, before, genres
from app.understanding.table import Table
from app.wants import Order, Wants, tidied, unknown_name
from app.words import Token, tokens
from recommenders.data import PEOPLE, Catalogue, Condition, FeedbackKind, Hit, Levels, Named, Ordered

_MANY = "|".join(sorted((*words.CARDINALS, *words.AMOUNTS), key=len, reverse=True))
_COUNT = re.compile(
    r"\b(?:(?:just|only|top|give me|show me|list|recommend|suggest)\s+(?:me\s+)?)?"
    r"(?P<n>\d{1,2}|" + _MANY + r")\s+"
    r"(?P<between>(?:[\w'-]+\s+){0,3}?)"
    r"(?:movies?|films?|flicks?|titles?|picks?|items?|suggestions?|recommendations?|options?|ideas|artists?|bands?|"
    r"albums?|songs?|books?|games?|comed(?:y|ies)|thrillers?|dramas?|westerns?|musicals?|documentar(?:y|ies)|others?|more)\b",
    re.IGNORECASE,
)
_FIRST = re.compile(r"\s+(?:ones?\s+)?first\b", re.IGNORECASE)  # of "oldest first" no wish
_JUST_N = re.compile(
    r"\b(?:just|only|top|give me|show me)\s+(?P<n>\d{1,2}|one|two|three|four|five|six|ten)\b(?!\s+(?:of|years))",
    re.IGNORECASE,
)

# a negator that reaches what follows, until something resets it
_VERBS = (
    r"(?:want|like|love|enjoy|need|prefer|care\s+for|handle|stand|into|fan|fond|interested|watch|see|do|be|"
    r"in\s+the\s+mood|looking\s+for|feel\s+like|big\s+on)"
)
_SCOPE = re.compile(
    rf"(?P<neg>\b(?:do(?:n['’]?t|\s+not)|did(?:n['’]?t|\s+not)|wo(?:n['’]?t)|would(?:n['’]?t|\s+not)|not|never|can['’]?t|"
    rf"cannot|are(?:n['’]?t)|am\s+not|is(?:n['’]?t))\s+(?:\w+\s+){{0,3}}?{_VERBS}\b"
    r"(?:\s+(?:something|anything|any|a|the|to\s+(?:see|watch)|of|in|too|that\s+(?:is|are)|thats|that['’]s))*"
    r"|\b(?:no|not|nothing|none|never)(?:\s+(?:more|movies?|films?|anything|one|ones|else|something))*\s+"
    r"(?:with|by|from|starring|featuring|too|that['’]?s|that\s+is)\b"
    r"|\b(?:anything|everything|all)\s+but\b|\bother\s+than\b|\binstead\s+of\b|\brather\s+than\b"
    r"|\b(?:(?:sick|tired)\s+of|fed\s+up\s+with|enough\s+of|away\s+from|can['’]?t\s+stand)\b"
    r"|\btoo(?:\s+much)?\b(?=\s+\w)|\b(?:no|not|non|without|nothing|none|never|except|excluding|avoid|hate|dislike|less|minus|skip|isn['’]?t)\b)"
    r"|(?P<reset>[.;:!?\n]|,|\bnothing\s+but\b|\b(?:not|n['’]?t)\s+(?:mind|sure|only|just)\b|"
    r"\bbut\b(?!\s+(?:no|not|nothing|never|without)\b)|\bwhat\s+about\b|\bhow\s+about\b|\bsomething\b|\bsome\b|"
    r"\b(?:i|we)(?:['’]?d)?\s+(?:do\s+|really\s+|just\s+|also\s+|only\s+|would\s+)*(?:like|love|want|prefer|enjoy|need)\b|"
    r"\bprefer\b|\brather\b|\bmaybe\b|\bjust\b|\bonly\b|\binstead\b|\bwith\b|\blooking\s+for\b|\bmood\s+for\b)",
    re.IGNORECASE,
)
_HYPHENED = re.compile(r"[^\W\d_]{3,}(?:-[^\W\d_]{3,})+")
_LISTING = re.compile(r"^(?:\s|,|/|&|-|\b(?:or|and|nor|any|too|movies?|films?|flicks?|stuff)\b)+$", re.IGNORECASE)
_LISTING_OR = re.compile(r"\bor\b|/", re.IGNORECASE)
_GLUED = re.compile(r"^[\s-]*$")
_JOINED = re.compile(r"^(?:\s|,|&|-|\band\b|\balso\b|\bwith\b|\ba\b|\bsome\b)+$", re.IGNORECASE)
_AGAIN = re.compile(
    r"\b(?:rewatch(?:ing)?|watch(?:\s+\w+){0,3}\s+again|see(?:\s+\w+){0,3}\s+again|(?:i|i['’]ve|i have)\s+already\s+"
    r"(?:seen|know)\s+and|include\s+(?:what|those|films|movies|ones)?\s*(?:i['’]ve|i have|i)\s+(?:already\s+)?seen|"
    r"that\s+i(?:['’]ve|\s+have)\s+(?:already\s+)?(?:seen|watched|rated))\b",
    re.IGNORECASE,
)
_LIKE_BEFORE = re.compile(
    r"(?P<like>\b(?:similar\s+to|along\s+the\s+lines?\s+of|in\s+the\s+(?:vein|style|spirit)\s+of|reminds?\s+me\s+of|"
    r"more\s+of|compared?\s+to|close\s+to|as\s+good\s+as|such\s+as|akin\s+to|like)\s*(?:the\s+)?)$",
    re.IGNORECASE,
)
_VERB_LIKE = re.compile(
    r"\b(?:i|we|you|they|he|she|really|also|always|do|don['’]?t|didn['’]?t|not|actually|did|who|husband|wife|kids|"
    r"i['’]?d|would|still|totally|kinda|to)\s+like\s*(?:the\s+)?$",
    re.IGNORECASE,
)

# words that count in a wish only beside one that says something: "time travel", not "I have time"
_WEAK = frozenset("time life old big small little young real true day night man woman people home world end".split())
_GLUE = frozenset("a an the of in on at by for from to with without and or about please".split())
_PREDICATE = re.compile(
    r"\b(?:was|were|is|are|it['’]?s|that['’]?s|looks?|looked|sounds?|seems?|seemed|be)\s+(?:\w+\s+){0,2}$",
    re.IGNORECASE,
)
_WANTED_THAT = re.compile(
    r"\b(?:something|anything|ones?|films?|movies?|that|which|should|must|has\s+to|not|n['’]?t)\s+(?:to\s+)?"
    r"(?:is|are|be|['’]s|thats?|that['’]?s)\s+(?:\w+\s+){0,2}$|\b(?:should|must|to)\s+be\s+(?:\w+\s+){0,2}$",
    re.IGNORECASE,
)
# words of a request that wish for nothing
_FILLER = frozenset(
    """hey hi hello hiya howdy there please thanks thank thx recommend recommendation recommendations recommended
    suggest suggestion suggestions suggesting looking look search searching find found show give get watch
    watching see seeing want wanted wanna need like likes liked love loved loving enjoy enjoyed prefer good
    great nice best better really actually just maybe perhaps something anything some any thing things stuff
    kind kinds sort sorts type types genre genres mood feel feeling fancy tonight today evening weekend night
    now new idea ideas option options choice choices help know think tell list top pick choose let lets lot lots
    bit little also too well okay ok yes yeah no not never nothing none without except instead rather again
    another else other others different more less most much many few couple single one two three four five six
    seven eight nine ten dozen favorite favorites favourite favourites decent cool awesome amazing fantastic
    excellent perfect fun fine interesting entertaining hope hoping gonna going able wondering curious trying
    try usually generally mostly mainly especially similar lines vein style spirit reminds based made make makes
    making released year years older newer recent recently classic classics early late mid decade im ill id ive
    youre dont cant wont isnt friend friends buddy guys everyone anybody anyone someone whatever sure kinda lol
    haha hmm oh ah wow man dude sir rated seen heard could would should can may might must will shall do does
    did done am are is was were be been being have has had having go come times way ones alright cheers ready
    right bored surprise fresh both stars starring star featuring directed director actor actress big fan fans
    into open ask asking question long lately often still yet already ever always sometimes gets getting got
    feels saw sounds sound honestly possibly definitely preferably preferred recommends care mind matter matters
    watched happy glad keep extra further ahead away fire tbh pls plz deal deals dealing related plots
    girlfriend boyfriend wife husband partner mom mum dad parents date sister brother grandma grandpa roommate
    colleagues kid son daughter thing's that's what's""".split()
)

_FRAME = FUNCTION | _FILLER | ITEM_WORDS


@dataclass(frozen=True)
class Slots:
    """What was read. Names are the catalogue's own, titles are mentions with rows. relative: "older", "cheaper" was
    said, against what is on the table."""

    conditions: tuple[Condition, ...] = ()
    order: Order | None = None
    k: int | None = None
    titles: tuple[Mention, ...] = ()
    like: tuple[int, ...] = ()  # rows of the titles that stand behind "like", "similar to"
    judged: Mapping[int, FeedbackKind] = field(default_factory=dict)  # row of a title -> what is said of it, if known
    wish: str = ""
    again: bool = False
    relative: bool = False
    measured: tuple[tuple[int, int], ...] = ()  # characters of quantities, years, levels
    unmatched: tuple[str, ...] = ()
    unknown: tuple[tuple[int, int], ...] = ()  # characters of the titles that the catalogue does not have
    lacking: tuple[Mention, ...] = ()  # of these the ones of which something is known
    like_lacking: tuple[str, ...] = ()  # ids of those that stand behind "like"
    spans: tuple[tuple[int, int], ...] = field(default=(), repr=False)

    @property
    def constrains(self) -> bool:
        return bool(self.conditions)

    @property
    def wants(self) -> Wants:
        """As a request of its own."""
        return Wants(conditions=self.conditions, order=self.order, wish=self.wish, count=self.k, again=self.again)

    def kept(self, attributes: Collection[str]) -> tuple[Condition, ...]:
        """The conditions on these attributes."""
        return tuple(c for c in self.conditions if c.attribute in attributes)


def read(
    text: str,
    linker: Linker,
    table: Table,
    *,
    wish_from: int = 0,
    referred: tuple[tuple[int, int], ...] = (),
) -> Slots:
    """Read the slots of a message.

    wish_from  character from where on left-over words count as a wish (what stands before is preamble)
    referred   characters of references such as "the last one", which are no wish either
    """
    mentions = tuple(m for m in linker.mentions(text, table.shown) if not _judges(text, m, linker))
    titles = tuple(m for m in mentions if m.kind == "title")
    lacking = tuple(m for m in mentions if m.relatives)
    taken = tuple((m.start, m.end) for m in mentions if m.kind in ("title", "unknown_title"))
    negated = _negations(text, mentions)
    measured, ordered = quantities(text, linker, table, taken)
    if ordered is not None and _told(text, ordered):
        ordered = None
    if ordered is not None:  # "the least scary" asks for no horror
        mentions = tuple(m for m in mentions if m.kind == "title" or m.end <= ordered.start or ordered.end <= m.start)
        negated = _negations(text, mentions)
    count, count_span = _count(text, taken)
    # "something violent" is a wish, "nothing violent" a constraint
    mentioned = [(m.start, m.end) for m, no in zip(mentions, negated, strict=True) if m.kind != "level" or no]
    spans = [*mentioned, *referred, *((h.start, h.end) for h in measured), *([count_span] if count_span else [])]
    spans += [(ordered.start, ordered.end)] if ordered is not None else []
    return Slots(
        conditions=tidied((*_named(text, mentions, negated, linker), *(h.condition for h in measured))),
        order=None if ordered is None else Order(attribute=ordered.attribute, rising=ordered.rising),
        k=count,
        titles=titles,
        like=tuple(dict.fromkeys(m.items[0] for m in _likened(text, titles))),
        like_lacking=stranger_ids(_likened(text, lacking), linker),
        lacking=lacking,
        wish=_wish(text, mentions, negated, spans, wish_from, linker),
        again=bool(_AGAIN.search(text)),
        relative=any(h.relative for h in measured),
        measured=tuple((h.start, h.end) for h in measured),
        unmatched=tuple(_unmatched(mentions, linker)),
        unknown=tuple((m.start, m.end) for m in mentions if m.kind == "unknown_title"),
        spans=tuple(spans),
    )


def _told(text: str, order: Ordered) -> bool:
    """Whether an order is told of what the person met, not asked for: "it is the newest one I have seen"."""
    if cues.REQUEST.search(text):
        return False
    unseen = cues.UNSEEN.search(text)
    return unseen.start() < order.start if unseen else bool(cues.SEEN.search(text))


def quantities(
    text: str, linker: Linker, table: Table, taken: Sequence[tuple[int, int]]
) -> tuple[list[Hit], Ordered | None]:
    """What a text says of attributes that hear for themselves (numbers, years, levels, flags), and the order that it
    asks for."""
    attributes, stretches = linker.catalogue.attributes, Stretches(taken)
    found: list[Hit] = []
    order: Ordered | None = None
    for a in attributes.schema.shown:
        order = order or a.hear_order(text)
        if a.name in linker.reads or not a.heard:
            continue
        shown = [attributes.cells(a.name)[i] for i in table.shown]
        for hit in a.hear(text, attributes.column(a.name), shown, taken):
            if not stretches.touch(hit.start, hit.end):
                found.append(hit)
    return _apart(text, found, order)


def _apart(text: str, hits: list[Hit], order: Ordered | None) -> tuple[list[Hit], Ordered | None]:
    """The conditions that other words say than the order: "the newest film" asks for no film of the last years."""
    if order is None:
        return hits, None
    if first := _FIRST.match(text, order.end):
        order = replace(order, end=first.end())
    return [h for h in hits if h.condition.attribute != order.attribute or not _meet(h, order)], order


def _meet(hit: Hit, order: Ordered) -> bool:
    return hit.start < order.end and order.start < hit.end


def _named(text: str, mentions: tuple[Mention, ...], negated: list[bool], linker: Linker) -> Iterator[Condition]:
    """The conditions that names of values and levels make: sorts that go together, then the others."""
    schema = linker.catalogue.schema
    for attribute in dict.fromkeys(m.attribute for m in mentions if m.attribute):
        a = schema[attribute]
        mine = [(m, no) for m, no in zip(mentions, negated, strict=True) if m.attribute == attribute]
        if isinstance(a, Levels):
            refused = [m.surface for m, no in mine if no]
            if refused:
                yield a.condition("at most", a.calm, said=" ".join(refused))
        elif isinstance(a, Named) and a.together:
            yield from _sorts(a, text, mine, linker)
        elif isinstance(a, Named):
            wanted = [n for m, no in mine if not no and m.kind == "value" for n in m.names]
            unwanted = [n for m, no in mine if no for n in m.names]
            said = " ".join(m.surface for m, _ in mine)
            yield a.condition(a.any_of, *dict.fromkeys(wanted), said=said)
            yield a.condition("has none", *dict.fromkeys(unwanted), said=said)


def _judges(text: str, mention: Mention, linker: Linker) -> bool:
    """Whether a word for a sort says how something was ("it was pretty funny") instead of asking for it."""
    if (
        mention.kind != "value"
        or not linker.is_sort(mention.attribute)
        or mention.surface.lower() in (n.lower() for n in mention.names)
    ):
        return False
    words_before = before(text, mention.start)
    return bool(_PREDICATE.search(words_before)) and not _WANTED_THAT.search(words_before)


def _sort_of(mention: Mention) -> tuple[str, str]:
    return (mention.kind, mention.attribute)


def _negations(text: str, mentions: tuple[Mention, ...]) -> list[bool]:
    """For each mention whether a negation reaches it; a list ("no horror, thrillers or war") shares one."""
    scopes = _scopes(text)
    negated: list[bool] = []
    for n, mention in enumerate(mentions):
        if (
            n
            and _sort_of(mentions[n - 1]) == _sort_of(mention)
            and _LISTING.match(text[mentions[n - 1].end : mention.start])
        ):
            negated.append(negated[-1])
            continue
        negated.append(scopes.last(mention.start, here=False))
    return negated


def _scopes(text: str) -> Marks:
    """Where a negation begins to reach, and where something resets it."""
    return Marks((m.start(), m.lastgroup == "neg") for m in _SCOPE.finditer(text))


def _sorts(a: Named, text: str, mine: list[tuple[Mention, bool]], linker: Linker) -> Iterator[Condition]:
    """All of these, or any of these where they are listed as choices or never go together; none of those."""
    wanted = [m for m, no in mine if m.kind == "value" and not no]
    unwanted = tuple(dict.fromkeys(n for m, no in mine if no for n in m.names))
    said = " ".join(m.surface for m in wanted)
    names = tuple(dict.fromkeys(n for m in wanted for n in m.names if n not in unwanted))
    gaps = [text[one.end : other.start] for one, other in itertools.pairwise(wanted)]
    plural = all(m.surface.lower().endswith("s") for m in wanted)
    either = any(_LISTING_OR.search(g) for g in gaps) or (plural and any(not _GLUED.match(g) for g in gaps))
    one_name = all(len(m.names) == 1 for m in wanted)
    choice = len(names) > 1 and len(wanted) > 1 and one_name and (either or not linker.together(names))
    yield a.condition("has any" if choice else "has all", *names, said=said)
    yield a.condition("has none", *unwanted)


def stranger_ids(mentions: Sequence[Mention], linker: Linker) -> tuple[str, ...]:
    """What the catalogue lacks, by the ids that its table of relatives gives them."""
    others = linker.catalogue.relatives
    return () if others is None else tuple(dict.fromkeys(others.ids.ids[m.relatives[0]] for m in mentions))


def _likened(text: str, titles: tuple[Mention, ...]) -> list[Mention]:
    """The titles that stand behind "like", "similar to"."""
    found: list[Mention] = []
    chained = False
    for n, title in enumerate(titles):
        words_before = before(text, title.start).rstrip(" \"'“‘") + " "
        if (
            n
            and chained
            and _JOINED.match(text[titles[n - 1].end : title.start].replace(" or ", " and ").strip() or ",")
        ):
            found.append(title)
            continue
        chained = bool(_LIKE_BEFORE.search(words_before)) and not _VERB_LIKE.search(words_before)
        if chained:
            found.append(title)
    return found


def _count(text: str, taken: tuple[tuple[int, int], ...]) -> tuple[int | None, tuple[int, int] | None]:
    stretches = Stretches(taken)
    for match in itertools.chain(_COUNT.finditer(text), _JUST_N.finditer(text)):
        if stretches.touch(*match.span()):
            continue
        said = match["n"].lower()
        n = words.number(said) or 0
        words_before = before(text, match.start()).lower()
        if said == "one" and not re.search(r"\b(?:just|only)\s+one\b", match.group().lower()):
            continue  # "another one", "one movie that I loved"
        of_them = re.search(r"\b(?:first|last|these|those|the|of|past)\s*$", words_before)
        if of_them and not words_before.endswith("top the"):
            continue
        if 1 <= n <= 50:
            return min(n, 20), match.span("n")
    return None, None


def _wish(
    text: str,
    mentions: tuple[Mention, ...],
    negated: list[bool],
    spans: list[tuple[int, int]],
    wish_from: int,
    linker: Linker,
) -> str:
    """The words that no slot took, from the first to the last that says something, genres between them included."""
    sorts = Stretches(
        (m.start, m.end)
        for m, no in zip(mentions, negated, strict=True)
        if m.kind == "value" and not no and linker.is_sort(m.attribute)
    )
    taken, scopes = Stretches(spans), _scopes(text)
    kept: list[tuple[int, str, bool]] = []  # start, word, says something
    glued_to = 0  # up to here, a word with a hyphen was kept whole
    about = -1  # end of an "about": what it names is meant, be it "music"
    for token in tokens(text):
        if token.start < max(wish_from, glued_to):
            continue
        raw = text[token.start : token.end]
        named = about >= 0 and not text[about : token.start].strip()
        about = token.end if token.text == "about" or (named and token.text in ("a", "an", "the")) else -1
        glued = _HYPHENED.match(text, token.start)
        if glued and not taken.touch(*glued.span()) and not sorts.touch(*glued.span()):
            kept.append((token.start, glued.group(), True))  # "slow-burning", "mind-bending"
            glued_to = glued.end()
        elif sorts.cover(token.start):
            kept.append((token.start, raw, raw.lower() in genres.TELLING))
        elif taken.cover(token.start) or (token.text in ITEM_WORDS and not named):
            continue
        elif token.text in _WEAK:
            kept.append((token.start, raw, False))
        elif token.text in FUNCTION or token.text in _FILLER or len(token.text) < 3:
            kept.append((token.start, "" if token.text in _FILLER else raw.lower(), False))
        elif not scopes.last(token.start, here=True):
            kept.append((token.start, raw, True))  # of "nothing pretentious": texts cannot be searched for a lack
    telling = [n for n, (_, _, says) in enumerate(kept) if says]
    if not telling:
        return ""
    first, last = telling[0], telling[-1]
    while first > 0 and kept[first - 1][1] and kept[first - 1][1].lower() not in FUNCTION:
        first -= 1  # "space horror" keeps the genre beside the words
    while last + 1 < len(kept) and kept[last + 1][1] and kept[last + 1][1].lower() not in FUNCTION:
        last += 1
    return " ".join(word for _, word, _ in kept[first : last + 1] if word)[:200].strip()


def _unmatched(mentions: tuple[Mention, ...], linker: Linker) -> list[str]:
    said = []
    for m in mentions:
        if m.relatives:
            said.append(lacks(linker.catalogue, m.relatives[0], m.items[:1]))
        elif m.kind == "unknown_title":
            said.append(f"I found no title “{m.surface}” in this catalogue")
        elif m.kind == "unknown_person":
            known = linker.catalogue.attributes.values.get(PEOPLE, ())
            said.append(unknown_name(linker.catalogue.schema, PEOPLE, m.surface, known))
        elif m.kind == "title" and m.year is not None and linker.catalogue.years[m.items[0]]:
            if abs(m.year - int(linker.catalogue.years[m.items[0]])) > 1:
                said.append(f"“{m.surface}” is not in this catalogue; I took {linker.catalogue.label(m.items[0])}")
        elif m.kind == "title" and m.sure < 1:
            said.append(f"I read “{m.surface}” as {linker.catalogue.label(m.items[0])}")
    return said


def lacks(catalogue: Catalogue, row: int, namesakes: Sequence[int] = ()) -> str:
    """That the catalogue does not have something that it knows of, in words."""
    others, newest = catalogue.relatives, int(catalogue.years.max(initial=0))
    assert others is not None
    noun = next(iter(catalogue.nouns), "items")
    ends = f"; my {noun} end in {newest}" if 0 < newest < int(others.years[row]) else ""
    instead = f", only {catalogue.label(namesakes[0])}" if namesakes else ""
    return f"I don't have {others.label(row)}{instead}{ends}"


def telling(text: str) -> bool:
    """Whether a text has a word beyond grammar, greetings and the frame of a request."""
    return any(len(w.text) > 2 and w.text not in _FRAME for w in tokens(text))


def telling_words(text: str, taken: Sequence[tuple[int, int]] = ()) -> list[Token]:
    """The words beyond grammar and the frame of a request, without those in these stretches of characters."""
    stretches = Stretches(taken)
    free = (t for t in tokens(text) if not stretches.cover(t.start))
    return [t for t in free if len(t.text) > 2 and t.text not in _FRAME and t.text not in _WEAK]


def says_something(words: str) -> bool:
    """Whether one of these words is more than grammar and the frame of a request."""
    return any(len(w.text) > 2 and w.text not in FUNCTION and w.text not in _FILLER for w in tokens(words))


def bare_noun(text: str, wish: str) -> bool:
    """Whether a message is the words of a wish with at most articles, prepositions and the like between them."""
    wished = {t.text for t in tokens(wish)}
    said = wished | _GLUE | ITEM_WORDS
    return bool(wished) and all(t.text in said for t in tokens(text))


def number(said: str) -> int | None:
    """How many a word or a figure says, at most 20; None where it says none."""
    n = words.number(said) or 0
    return min(n, 20) if 1 <= n <= 50 else None
