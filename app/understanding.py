"""What a message wants, by rules: one action with tool calls, what was understood, and how sure that is.

Read top to bottom: `understand` asks one question after the other (why? which of two? about an item? an opinion? more?
a refinement? a request?) and takes the first that fits. Rules decide where the language model cannot; they are also the
path that remains when a model that leads fails.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from app import references, slots
from app.context import FeedbackKind
from app.linking import Linker
from app.references import Reference
from app.slots import Slots
from app.table import Table
from app.words import ITEM_WORDS, tokens
from recommenders.request import Filters

Action = Literal["recommend", "similar", "explain", "compare", "ask_item", "feedback", "clarify", "chat"]
Topic = Literal["", "greeting", "thanks", "bye", "help", "accept", "small talk", "which", "empty", "no such place"]
Fact = Literal["", "year", "genres", "people", "language"]

_WHY = re.compile(
    r"^\W*(?:but\s+|and\s+|so\s+)?(?:why|how\s+come)\b|\bwhy\s+(?:this|that|these|those|did|do|would|is|are|was|not|the|it)"
    r"\b|\bexplain\b|\bwhat\s+makes\s+(?:you|it|this|that)\b|\b(?:reasons?)\s+(?:for|behind)\b|"
    r"\bhow\s+did\s+you\s+(?:choose|pick|find|get|come)\b|\bwhat['’]?s\s+the\s+reason\b",
    re.IGNORECASE,
)
_WHY_TALK = re.compile(r"\bwhy\s+(?:thank|don['’]?t\s+(?:you|we|i)|do\s+people|am\s+i|can['’]?t)\b", re.IGNORECASE)
_COMPARE = re.compile(
    r"\bwhich\s+(?:one\s+)?(?:of\s+(?:them|the|these|those)|is\s+better|do\s+you|would\s+you|should\s+i|one|would\s+i|"
    r"(?:film|movie)\s+(?:is\s+better|should))|\bcompare\b|\bdifferences?\s+between\b|\bversus\b|\bvs\.?\b|"
    r"\bbetter\s+than\b|\bor\b.*\bbetter\b|\bbetter\b.*\bor\b",
    re.IGNORECASE,
)
_ASK = re.compile(
    r"\b(?:what(?:['’]?s|\s+is|\s+was|\s+are)?|who(?:['’]?s|\s+is|\s+was)?|when|how\s+long|how\s+old|is|was|are|does|did)\b"
    r"[^.!]*\b(?:about|year|genre|genres|made|released|come\s+out|came\s+out|star|stars|starring|direct|directed|plays?|"
    r"played|acted|actor|actors|actress|cast|wrote|language|rated|rating|plot|story|old|new|in\s+(?:it|that|this)|funny|"
    r"scary|sad|violent|any\s+good|good|worth|comedy|horror|drama|kind|type|sort)\b|"
    r"\btell\s+me\s+(?:more\s+)?about\b|\bmore\s+(?:details|information|info)\b|\bwhat\s+is\s+(?:that|this|it)\b|"
    r"\b(?:have\s+you|did\s+you|you)\s+(?:ever\s+)?(?:seen|see|heard|watch|watched|like|liked)\b|\bdo\s+you\s+(?:know|like)\b|"
    r"\b(?:never|haven['’]?t|have\s+not|not)\s+(?:even\s+)?(?:heard\s+of|seen|watched|heard)\b|\bwhich\s+(?:one\s+is\s+that|genres?|year)\b|"
    r"\bdescribe\b|\bsynopsis\b|\bplot\b|\bwhat\s+(?:year|genres?|kind|language)\b|\bremind\s+me\s+(?:what|who)\b",
    re.IGNORECASE,
)
_ASK_THAT = re.compile(
    r"\b(?:is|was|are|were|does|did|has|had)\s+(?:it|that|this|they|those|these)\b[^.!?]*\?|\bin\s+it\s*\?",
    re.IGNORECASE,
)
_FACT: tuple[tuple[Fact, re.Pattern[str]], ...] = (
    (
        "year",
        re.compile(r"\bwhen\b|\bwhat\s+year\b|\bwhich\s+year\b|\bhow\s+old\b|\bcome\s+out\b|\bcame\s+out\b", re.I),
    ),
    ("people", re.compile(r"\bwho\b|\bcast\b|\bactors?\b|\bactress\b|\bstar(?:s|ring)?\b|\bdirect(?:or|s|ed)\b", re.I)),
    ("genres", re.compile(r"\bgenres?\b|\bwhat\s+(?:kind|type|sort)\b|\bcomedy\s+or\b", re.I)),
    ("language", re.compile(r"\blanguage\b|\bsubtitles?\b", re.I)),
)
_REQUEST = re.compile(
    r"\b(?:recommend(?:ing)?|suggest(?:ing)?|"
    r"(?:any|some|more|other|another|your|a|few|have|need|want|give|different)\s+(?:\w+\s+)?"
    r"(?:recommendations?|suggestions?)\b(?!\s+(?:was|were|is|are|i|sounds?))|looking\s+(?:for|to\s+(?:see|watch))|look\s+for|"
    r"search(?:ing)?\s+(?:for|of)|(?:help\s+me\s+)?find(?:\s+me)?|show\s+me|give\s+me|in\s+the\s+mood\s+for|"
    r"in\s+need\s+of|up\s+for|(?:feel|feeling)\s+like|fancy|what\s+(?:should|can|could|do|to)\s+(?:i|we|you)?\s*"
    r"(?:watch|see|recommend|suggest|have|got)|what\s+(?:would|else|other|others|are\s+(?:some|your)|is\s+a\s+good)|"
    r"what['’]?s\s+a\s+good|any\s+(?:good|ideas?|other|others|suggestions?|recommendations?|more|new|movies?|films?)|"
    r"(?:got|have|know)\s+(?:of\s+)?(?:any|some|something|a\s+good(?!\s+(?:day|night|one|evening|weekend|time)))|think\s+of\s+(?:a|any|some|something)|"
    r"what\s+(?:good\s+)?(?:movies?|films?|comed\w+|horror)|how\s+about|what\s+about|surprise\s+me|"
    r"(?:i|we|i['’]d|id|we['’]d)\s+(?:\w+\s+)?(?:want|wanna|need|would\s+like|would\s+love|like|love|prefer|hope)\s+"
    r"(?:to\s+(?:see|watch|find|get)(?!\s+(?:it|that|this|them|those)\b)|something|some|a|an|any|more|movies?|films?)|something|anything|hoping\s+(?:for|to)|"
    r"interested\s+in|more\s+(?:along|like|of))\b",
    re.IGNORECASE,
)
_ELSE = re.compile(
    r"\b(?:something|anything|someone|what|who|anyone)\s+(?:else|different)\b|\b(?:any|some|the|show|give\s+me|what)?\s*"
    r"(?:more|others?|another)\b(?!\s+(?:than|about|details|recent|modern|serious|good\s+one|great\s+one|classic|like\s+that\s+he))|\bdifferent\s+"
    r"(?:ones?|suggestions?|movies?|films?)\b|\bnext\b(?!\s+(?:week|time|day|year))|\btry\s+again\b|\bkeep\s+going\b|"
    r"\b(?:none|neither)\s+of\s+(?:these|those|them|the)\b|\bnot\s+(?:these|those|them)\b|\bmore\s*(?:please)?\W*$",
    re.IGNORECASE,
)
_REFINES = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|hmm+|yes|no|well|nice|good|great|thanks?)\W+)*(?:but|and|or|only|just|make\s+it|also|without|with|"
    r"no|not|nothing|from|in|before|after|older|newer|more|less|what\s+about|how\s+about|maybe|preferably|rather|instead|"
    r"except|any(?:thing)?|something|any\s+of|same)\b",
    re.IGNORECASE,
)
_TRAILS = re.compile(
    r"\b(?:instead|rather|as\s+well|too)\W*$|^\W*(?:a\s+(?:bit|little)\s+)?(?:older|newer|lighter|darker|funnier|scarier|"
    r"earlier|later)\b",
    re.IGNORECASE,
)
_REPLACES = re.compile(
    r"\b(?:what|how)\s+about\b|\binstead\b|\brather\b|\bprefer\b|\bactually\b|\bmaybe\b|\bchange\b", re.IGNORECASE
)
_ADDS = re.compile(
    r"\b(?:but|also|and|too|as\s+well|more|less|a\s+bit|bit|only|just|kind\s+of|with|\w+ier|lighter|darker)\b",
    re.IGNORECASE,
)
_DISLIKE = re.compile(
    r"\b(?:hate[ds]?|dislike[ds]?|despise[ds]?|loathe[ds]?|can['’]?t\s+stand|couldn['’]?t\s+stand|"
    r"(?:do|did|does)(?:n['’]?t|\s+not)\s+(?:\w+\s+){0,2}?(?:like|love|enjoy|care\s+for|appreciate|appeal)|"
    r"did\s*n['’]?t\s+really|"
    r"never\s+(?:liked|enjoyed|cared\s+for)|was\s*n['’]?t\s+(?:\w+\s+)?(?:a\s+fan|good|great|for\s+me|funny|my)|"
    r"(?:is|was)\s+not\s+(?:\w+\s+)?(?:good|great|for\s+me|funny|my)|not\s+(?:\w+\s+){0,2}?(?:a\s+(?:big\s+|huge\s+)?fan|"
    r"my\s+(?:thing|style|taste|favou?rite|cup)|for\s+me|one\s+of\s+my\s+favou?rites?|"
    r"interested|impressed|that\s+one|this\s+one)|boring|terrible|awful|horrible|the\s+worst|overrated|stupid|disappointing|"
    r"disappointed|dumb|no\s+thanks|sucked|crap|garbage|lame|too\s+(?:scary|gory|violent|long|slow|sad|silly|old|risque))\b",
    re.IGNORECASE,
)
_LIKE = re.compile(
    r"\b(?:love[ds]?|adore[ds]?|enjoy(?:ed|s)?|like[ds]?|favou?rites?|great|amazing|awesome|fantastic|excellent|brilliant|"
    r"wonderful|hilarious|good\s+(?:one|movie|film)|(?:was|is|were)\s+(?:\w+\s+)?(?:good|great|funny|cool|nice|fun)|"
    r"classic|masterpiece|fan\s+of)\b",
    re.IGNORECASE,
)
_SEEN = re.compile(
    r"\b(?:(?:i|we|i['’]ve|we['’]ve|ive)\s+(?:\w+\s+){0,2}?(?:seen|saw|watched|know)|already\s+(?:seen|saw|watched|know)|"
    r"seen\s+(?:it|that|this|them|those|these|both|all|the|number)|have\s+seen|saw\s+(?:it|that|this|them|both|the))\b|"
    r"^\W*(?:yes|yeah|yep|yea)?\W*(?:i\s+have|seen)\b",
    re.IGNORECASE,
)
_UNSEEN = re.compile(
    r"\b(?:have\s*n['’]?t|have\s+not|never|had\s*n['’]?t|did\s*n['’]?t|not)\s+(?:\w+\s+){0,2}?(?:seen|see|saw|watched|heard)\b|"
    r"\bnot\s+(?:yet|sure)\b",
    re.IGNORECASE,
)
_YOU = re.compile(r"\b(?:have|did|do|are|were|would)\s+(?:you|u)\b|\byou\s+(?:seen|like|ever|think)\b", re.IGNORECASE)
_GREETING = re.compile(
    r"^\W*(?:hi+|hey+|hello+|hiya|howdy|good\s+(?:morning|evening|afternoon|day)|greetings|yo)\b", re.I
)
_THANKS = re.compile(r"\b(?:thanks?|thank\s+(?:you|u)|thx|ty|appreciate\s+(?:it|that)|cheers)\b", re.I)
_BYE = re.compile(
    r"\b(?:good\s*bye|bye(?:[\s-]*bye)?|see\s+(?:you|ya)|good\s*night|have\s+a\s+(?:good|great|nice|wonderful)|take\s+care|"
    r"that['’]?s\s+all)\b",
    re.I,
)
_HELP = re.compile(
    r"\b(?:what\s+can\s+you\s+do|who\s+are\s+you|what\s+are\s+you|how\s+(?:do|does)\s+(?:you|this)\s+work|are\s+you\s+(?:a|an)\s+"
    r"(?:bot|robot|human|person|ai)|your\s+name)\b|^\W*help\W*$",
    re.I,
)
_ACCEPT = re.compile(
    r"\b(?:(?:i['’]?ll|i\s+will|ill|will|gonna|going\s+to|i\s+think\s+i['’]?ll|have\s+to|need\s+to|want\s+to)\s+(?:\w+\s+){0,2}?"
    r"(?:check|watch|try|see|look|give|add|take|rent|go\s+with)|sounds?\s+(?:\w+\s+)?(?:good|great|interesting|fun|perfect|"
    r"like\s+a|awesome|amazing)|(?:good|great|nice|awesome|perfect)\s+(?:suggestion|idea|choice|pick|recommendation)s?)\b|"
    r"^\W*(?:ok(?:ay)?|great|awesome|perfect|cool|nice|good|yes|yeah|sure|alright|interesting|wow)\W*$",
    re.I,
)
_SMALL = re.compile(r"\bhow\s+are\s+you\b|\bhow['’]?s\s+it\s+going\b|\bwhat['’]?s\s+up\b|\b(?:lol|haha+|sorry)\b", re.I)
_SIMILAR_TO = re.compile(
    r"\b(?:(?:something|anything|more|others?|movies?|films?|ones?|stuff|things?|just)\s+(?:\w+\s+){0,2}?"
    r"(?:like|similar\s+to)|similar(?:\s+to)?|in\s+the\s+(?:vein|style)\s+of|along\s+(?:those|the)\s+lines?|more\s+of\s+(?:the|that))\b",
    re.IGNORECASE,
)
_PREFERENCE = re.compile(
    r"\b(?:i|we|my|mostly|usually|really|huge|big)\b[^.!?]*\b(?:like|love|enjoy|into|prefer|favou?rite|fan|fond)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Call:
    """One tool call: the tool's name and its arguments, items as "item:<item_id>"."""

    tool: str
    arguments: Mapping[str, object]


@dataclass(frozen=True)
class Understanding:
    """What a message wants.

    calls       tools to call, in order
    fact        which fact of an item is asked for
    topic       what kind of chat, or what a clarifying question is about
    understood  constraints for people; unmatched: what the catalogue does not know, for people
    why_not     the question was why an item was *not* picked
    sure        0..1: below UNSURE a model may be asked to break the tie
    """

    action: Action
    calls: tuple[Call, ...] = ()
    fact: Fact = ""
    topic: Topic = ""
    understood: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    why_not: bool = False
    sure: float = 0.9
    items: tuple[int, ...] = field(default=())

    @property
    def arguments(self) -> Mapping[str, object]:
        """Of the last call, which is the one that answers."""
        return self.calls[-1].arguments if self.calls else {}


UNSURE = 0.5


class _Reader:
    """One message being read; holds what every question needs."""

    def __init__(self, text: str, table: Table, linker: Linker, k: int) -> None:
        self.text, self.table, self.linker, self.k = text.strip(), table, linker, k
        request = _REQUEST.search(self.text)
        self.requests = bool(request)
        starts = [m.start() for m in _REQUEST.finditer(self.text)]
        self.reference: Reference | None = references.find(self.text, table)
        self.slots: Slots = slots.read(
            self.text,
            linker,
            table,
            k=k,
            wish_from=starts[0] if starts else 0,
            referred=self.reference.spans if self.reference else (),
        )
        self.titles = tuple(m.items[0] for m in self.slots.titles)
        self.words = len(tokens(self.text))
        self.plain = self.text  # titles as "it", so that "who is in Heat?" reads like "who is in it?"
        for mention in reversed(self.slots.titles):
            self.plain = self.plain[: mention.start] + "it" + self.plain[mention.end :]

    @property
    def refers(self) -> tuple[int, ...]:
        """The items that the message is about: titles first, else what it refers to on the table."""
        if self.titles:
            return self.titles
        return self.reference.items if self.reference else ()

    def ids(self, items: tuple[int, ...]) -> list[str]:
        return [f"item:{self.linker.catalogue.ids.ids[i]}" for i in dict.fromkeys(items)]

    def labels(self, items: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(self.linker.catalogue.label(i) for i in dict.fromkeys(items))

    def done(self, action: Action, *calls: Call, sure: float = 0.9, **more: object) -> Understanding:
        items = more.pop("items", ())
        return Understanding(action, calls, unmatched=self.slots.unmatched, sure=sure, items=items, **more)  # type: ignore[arg-type]


def understand(text: str, table: Table, linker: Linker, *, k: int = 5) -> Understanding:
    """What the message wants, given what is on the table. Total: every message gets an answer."""
    if not text.strip():
        return Understanding("clarify", topic="empty", sure=1.0)
    r = _Reader(text, table, linker, k)
    for question in (_why, _which, _feedback, _about, _chat, _request, _more_or_refined):
        found = question(r)
        if found is not None:
            return found
    return _leftover(r)


def _why(r: _Reader) -> Understanding | None:
    if not _WHY.search(r.text) or _WHY_TALK.search(r.text):
        return None
    why_not = bool(re.search(r"\bwhy\s+(?:\w+\s+){0,3}?(?:not|n['’]?t)\b|\bwhy\s+(?:did|do)n['’]?t\b", r.text, re.I))
    items = r.refers or (r.table.focus if r.table.focus else r.table.shown)
    if r.reference and r.reference.how == "place" and not r.reference.items and not r.titles:
        return r.done("clarify", topic="no such place", sure=0.95)
    if not items:
        unknown = bool(r.slots.unmatched)
        return r.done("clarify", topic="which", sure=0.8 if unknown else 0.6)
    return r.done("explain", Call("explain", {"items": r.ids(items)}), why_not=why_not, items=items, sure=0.95)


def _which(r: _Reader) -> Understanding | None:
    two = len(r.titles) >= 2 and bool(re.search(r"\bor\b|\bvs\.?\b|\bversus\b", r.text, re.I)) and "?" in r.text
    if not (two and not r.slots.like and not r.requests) and not _COMPARE.search(r.text):
        return None
    if r.slots.constrains and not r.titles:
        return None
    items = r.titles if len(r.titles) >= 2 else ()
    if not items and r.reference:
        items = tuple(dict.fromkeys((*r.titles, *r.reference.items)))
    if len(items) < 2 and len(r.titles) == 1 and re.search(r"\bbetter\s+than\b", r.text, re.I):
        items = tuple(dict.fromkeys((*r.table.focus[:1], *r.titles)))
    if len(items) < 2:
        items = r.table.focus if len(r.table.focus) > 1 else r.table.shown
        if re.search(r"\btwo\b", r.text, re.I):
            items = items[:2]
    if len(items) < 2:
        return None
    return r.done("compare", Call("compare", {"items": r.ids(items)}), items=items)


def opinions(r_text: str, r: _Reader) -> tuple[tuple[int, FeedbackKind], ...]:
    """(item, kind) for every item that the message judges or says to have seen."""
    found: dict[int, FeedbackKind] = {}
    pieces = _clauses(r_text, [m.start for m in r.slots.titles])
    for start, piece in pieces:
        titles = [m for m in r.slots.titles if start <= m.start < start + len(piece)]
        items = tuple(m.items[0] for m in titles if m.items[0] not in r.slots.like)
        blank = piece
        for m in titles:  # words inside a title are no opinion ("Love Actually", "The Worst Person ...")
            blank = blank[: m.start - start] + "_" * (m.end - m.start) + blank[m.end - start :]
        if not items and not titles and r.table.focus:
            reference = references.find(piece, r.table)
            bare = re.match(
                r"^\W*(?:yes|yeah|no|nope|yep|ok|oh|i|lol|well|hmm|ah|and|but|\W)*\s*(?:have|['’]ve|really|absolutely|already|"
                r"actually|just|did|do|so)*\s*(?:seen|saw|loved|liked|love|hated|hate|disliked|enjoyed|boring|have\s+seen|"
                r"not\s+interested|no\s+thanks|too\s+\w+|i\s+have)\b\W*(?:it|that|this|them)?\W*$",
                blank,
                re.IGNORECASE,
            )
            if reference is not None and not r.slots.constrains:
                items = reference.items if reference.how != "that" or len(reference.items) == 1 else ()
                for a, b in reference.spans:
                    blank = blank[:a] + "_" * (b - a) + blank[b:]
            elif bare:
                items = r.table.focus if len(r.table.focus) == 1 else ()
        asks = r_text[start + len(piece.rstrip()) - 1 : start + len(piece) + 1].strip().endswith("?")
        if not items or _YOU.search(blank) or (asks and not _SEEN.search(blank)):
            continue
        kind = _kind(blank)
        if kind:
            for item in items:
                found[item] = kind
    return tuple(found.items())


def _kind(piece: str) -> FeedbackKind | None:
    if _DISLIKE.search(piece):
        return "dislike"
    if _UNSEEN.search(piece):
        return None
    if re.search(r"\b(?:not|n['’]t|never)\b[^,.;]*$", piece.split("_")[0], re.I) and not _SEEN.search(piece):
        return None
    if re.search(
        r"\bwould\s+(?:like|love)\s+to\b|['’]d\s+(?:like|love)\s+to\b|\bwant\s+to\s+(?:see|watch)\b", piece, re.I
    ):
        return None
    if _LIKE.search(piece):
        return "like"
    return "seen" if _SEEN.search(piece) else None


def _clauses(text: str, title_starts: list[int]) -> list[tuple[int, str]]:
    """Pieces that carry one opinion each: sentences, split at "but" and at commas that a new verb follows."""
    cuts = [0]
    for match in re.finditer(
        r"[.!?;\n]+\s*|\s+but\s+|\s+(?:and|,)\s+(?=(?:i|we|it|hated?|loved?|liked?|disliked?|enjoyed)\b)|,\s+"
        r"(?=(?:i|we|but|hated?|loved?|liked?|disliked?|not|it|can|could|what|any|do)\b)",
        text,
        re.IGNORECASE,
    ):
        if any(s <= match.start() < s + 2 for s in title_starts):
            continue
        cuts.append(match.end())
    return [(a, text[a:b]) for a, b in zip(cuts, [*cuts[1:], len(text)], strict=True) if text[a:b].strip()]


def _feedback(r: _Reader) -> Understanding | None:
    judged = opinions(r.text, r)
    reference = r.reference
    if not judged:
        vague = reference is None or (reference.how == "that" and len(r.table.focus) > 1)
        says = _kind(r.text) if not r.titles and not r.slots.constrains and not r.requests else None
        short = r.words <= 8 and not _YOU.search(r.text) and not r.slots.wish
        if (
            says
            and vague
            and short
            and len(r.table.shown) > 1
            and re.search(r"\b(?:it|that|this|seen|one)\b", r.text, re.I)
        ):
            return r.done("clarify", topic="which", sure=0.6)
        if reference and reference.how == "place" and not reference.items and not r.titles and _kind(r.text):
            return r.done("clarify", topic="no such place")
        return None
    if _ASK.search(r.text) and "?" in r.text and not r.requests and all(kind == "like" for _, kind in judged):
        asks = [p for _, p in _clauses(r.text, []) if "?" in r.text[r.text.find(p) :][: len(p) + 2]]
        if len(asks) == len(_clauses(r.text, [])):
            return None
    kinds: dict[FeedbackKind, list[int]] = {}
    for item, kind in judged:
        kinds.setdefault(kind, []).append(item)
    calls = [Call("remember", {"items": r.ids(tuple(items)), "kind": kind}) for kind, items in kinds.items()]
    wants_more = r.requests or r.slots.constrains or bool(r.slots.like) or bool(_ELSE.search(r.text))
    if not wants_more:
        return r.done("feedback", *calls, items=tuple(i for i, _ in judged))
    asked = _asked(r, judged=tuple(i for i, _ in judged))
    return r.done(
        asked.action,
        *calls,
        *asked.calls,
        understood=asked.understood,
        items=asked.items,
        sure=min(0.9, asked.sure),
    )


def _about(r: _Reader) -> Understanding | None:
    if not _ASK.search(r.plain) and not _ASK_THAT.search(r.plain):
        return None
    if re.search(r"\b(?:recommend|suggest)\b", r.text, re.I) and (r.slots.like or _SIMILAR_TO.search(r.text)):
        return None
    items = r.refers
    unseen = bool(_UNSEEN.search(r.text))
    if (
        r.requests
        and not (r.titles and re.search(r"\?|\btell\s+me\b", r.text))
        and not (r.reference and r.reference.how == "place")
    ):
        return None
    if r.slots.like and r.requests:
        return None
    fact: Fact = next((name for name, pattern in _FACT if pattern.search(r.plain)), "")
    if not items:
        if (r.slots.constrains and not _ASK_THAT.search(r.plain)) or r.slots.unmatched:
            return None
        asks = "?" in r.text or unseen or fact
        short = r.words <= 10
        if r.table.focus and asks and short and not _HELP.search(r.text) and not _SMALL.search(r.text):
            items = r.table.focus
        else:
            return None
    if unseen and "?" not in r.text and r.requests:
        return None
    sure = 0.9 if r.titles or (r.reference and r.reference.how != "that") else 0.6
    return r.done("ask_item", Call("lookup", {"items": r.ids(items)}), fact=fact, items=items, sure=sure)


def _chat(r: _Reader) -> Understanding | None:
    asks = r.requests or r.slots.constrains or r.titles
    if _HELP.search(r.text):
        return r.done("chat", topic="help")
    settled = _ACCEPT.search(r.plain) and not r.requests and "?" not in r.text and bool(r.table.turns)
    if settled and not (r.slots.constrains and not r.titles and not _THANKS.search(r.text)):
        return r.done("chat", topic="accept", items=r.titles, sure=0.7)
    if asks:
        return None
    if _GREETING.search(r.text) and r.words <= 8 and not r.slots.wish:
        if not r.table.turns:
            # a greeting is no reason to keep somebody waiting: picks come along
            return r.done("recommend", Call("recommend", {}), topic="greeting", sure=0.8)
        return r.done("chat", topic="greeting")
    if _BYE.search(r.text):
        return r.done("chat", topic="bye")
    if _THANKS.search(r.text) and not _ELSE.search(r.text):
        return r.done("chat", topic="thanks")
    if _ACCEPT.search(r.text) and not _ELSE.search(r.text) and not _REFINES.match(r.text):
        return r.done("chat", topic="accept", sure=0.7)
    if _ACCEPT.fullmatch(r.text):
        return r.done("chat", topic="accept", sure=0.7)
    if _SMALL.search(r.text) and r.words <= 10:
        return r.done("chat", topic="small talk", sure=0.7)
    return None


def _request(r: _Reader) -> Understanding | None:
    """A request that stands on its own."""
    nowhere = r.reference and r.reference.how == "place" and not r.reference.items
    if nowhere and not r.titles and not r.slots.constrains and (_SIMILAR_TO.search(r.text) or r.words <= 5):
        return r.done("clarify", topic="no such place")
    follows = _REFINES.match(r.text) or _TRAILS.search(r.text) or _ELSE.search(r.text)
    follow_up = bool(r.table.arguments or r.table.shown) and follows
    if follow_up and not r.slots.like and not r.titles and not _SIMILAR_TO.search(r.text):
        return None
    if r.requests or r.slots.like or _SIMILAR_TO.search(r.text) or r.titles:
        return _asked(r)
    if r.slots.constrains and (not r.table.arguments or _PREFERENCE.search(r.text)):
        return _asked(r)
    return None


def _more_or_refined(r: _Reader) -> Understanding | None:
    """ "Something else", "older", "but not animated": the previous request again, with what is new."""
    more = bool(_ELSE.search(r.text))
    whole = any(w.text in ITEM_WORDS for w in tokens(r.text)) and not _REFINES.match(r.text)
    short = r.words <= 4 and not whole  # "horror?", "from the 80s"; but "films with Al Pacino" stands alone
    if not r.table.arguments and not r.table.shown:
        return _asked(r) if r.requests or r.slots.constrains or more else None
    refines = r.slots.constrains and not whole and (bool(_REFINES.match(r.text) or _TRAILS.search(r.text)) or short)
    if not (more or refines or (r.requests and _REFINES.match(r.text))):
        return _asked(r) if r.requests or r.slots.constrains else None
    arguments, understood = _merged(r)
    if more or _only_else(r):
        arguments["more"] = True
        understood = (*understood, "nothing shown before")
    if r.slots.wish and not (more and r.words <= 4):
        arguments["wish"] = r.slots.wish
    return r.done(
        "similar" if arguments.get("items") else "recommend",
        Call("similar" if arguments.get("items") else "recommend", arguments),
        understood=understood,
        sure=0.85 if more or refines else 0.6,
    )


def _only_else(r: _Reader) -> bool:
    return bool(re.search(r"\b(?:anything|something)\s+\w+(?:er|ier)\b", r.text, re.I))


def _asked(r: _Reader, judged: tuple[int, ...] = ()) -> Understanding:
    """A new request from the slots; with titles or a reference behind "like" it is one for similar items."""
    like = r.slots.like
    if not like and _SIMILAR_TO.search(r.text):
        like = r.titles or (r.reference.items if r.reference else ()) or judged
        if not like and not r.slots.constrains and not r.slots.wish:
            like = r.table.focus if len(r.table.focus) == 1 else ()
            if not like and r.table.shown:
                like = r.table.shown[:1] if len(r.table.shown) == 1 else ()
    elif not like and r.titles and not judged:
        like = r.titles  # a bare title: "The Godfather?", "Fargo and Heat"
    arguments = _arguments(r.slots)
    more = bool(_ELSE.search(r.text)) and bool(r.table.shown)
    if more and not r.slots.constrains and not like and not r.slots.wish and r.table.arguments:
        arguments = dict(r.table.arguments)
        if isinstance(arguments.get("items"), list):
            like = tuple(
                r.linker.catalogue.ids.number(str(i)[5:])
                for i in arguments["items"]  # type: ignore[attr-defined]
                if str(i)[5:] in r.linker.catalogue.ids
            )
    if more:
        arguments["more"] = True
    said = slots.describe(r.slots.filters, r.slots.years.said, str(arguments.get("wish", "")), r.labels(like))
    if r.slots.k:
        said = (*said, f"{r.slots.k} picks" if r.slots.k > 1 else "one pick")
    if r.slots.again:
        said = (*said, "what you know already may appear")
    if like:
        arguments["items"] = r.ids(like)
        return r.done("similar", Call("similar", arguments), understood=said, items=like)
    sure = 0.9 if r.slots.constrains or (r.requests and not r.slots.wish) else 0.6
    return r.done("recommend", Call("recommend", arguments), understood=said, sure=sure)


def _arguments(s: Slots) -> dict[str, object]:
    """Slots as the arguments of the tools, empty ones left out."""
    f = s.filters
    named: dict[str, object] = {
        "wish": s.wish,
        "genres": list(f.genres),
        "any_genres": list(f.any_genres),
        "without_genres": list(f.without_genres),
        "people": list(f.people),
        "without_people": list(f.without_people),
        "languages": list(f.languages),
        "year_from": f.year_from,
        "year_to": f.year_to,
        "count": s.k,
        "include_seen": s.again,
    }
    return {name: value for name, value in named.items() if value}


def _merged(r: _Reader) -> tuple[dict[str, object], tuple[str, ...]]:
    """The previous arguments with what is new: years, people and counts replace; genres join behind "but", "also",
    a comparative, and replace behind "what about", "instead" or when they stand alone; exclusions add up."""
    arguments = dict(r.table.arguments)
    for name in ("more", "count"):  # of that one answer
        arguments.pop(name, None)
    new = _arguments(r.slots)
    replaces = bool(_REPLACES.search(r.text)) or not _ADDS.search(r.text)
    genre_names = ("genres", "any_genres")
    if any(name in new for name in genre_names):
        old = [] if replaces else _names(arguments, "genres")
        kept_any = [] if replaces or "any_genres" in new else _names(arguments, "any_genres")
        fresh = [*old, *(g for g in _names(new, "genres") if g not in old)]
        if len(fresh) > 1 and not r.linker.together(tuple(fresh)):
            fresh = _names(new, "genres")
        arguments["genres"], arguments["any_genres"] = fresh, _names(new, "any_genres") or kept_any
        if replaces:
            arguments.pop("wish", None)
            arguments.pop("items", None)
    for name in ("without_genres", "without_people"):
        arguments[name] = list(dict.fromkeys([*_names(arguments, name), *_names(new, name)]))
    wanted = {*_names(new, "genres"), *_names(new, "any_genres")}
    arguments["without_genres"] = [g for g in _names(arguments, "without_genres") if g not in wanted]
    unwanted = set(_names(new, "without_genres"))
    for name in genre_names:
        arguments[name] = [g for g in _names(arguments, name) if g not in unwanted]
    if "year_from" in new or "year_to" in new:
        arguments["year_from"], arguments["year_to"] = new.get("year_from"), new.get("year_to")
    for name in ("people", "languages", "count", "include_seen"):
        if name in new:
            arguments[name] = new[name]
    arguments = {name: value for name, value in arguments.items() if value}
    filters = filters_of(arguments)
    items = arguments.get("items")
    labels = tuple(
        r.linker.catalogue.label(r.linker.catalogue.ids.number(str(i)[5:]))
        for i in (items if isinstance(items, list) else [])
        if str(i)[5:] in r.linker.catalogue.ids
    )
    wish = r.slots.wish or str(arguments.get("wish", ""))
    return arguments, slots.describe(filters, r.slots.years.said, wish, labels)


def _names(arguments: Mapping[str, object], name: str) -> list[str]:
    value = arguments.get(name)
    return [str(v) for v in value] if isinstance(value, list | tuple) else []


def filters_of(arguments: Mapping[str, object]) -> Filters:
    """The filters among a tool's arguments."""

    def year(name: str) -> int | None:
        value = arguments.get(name)
        return value if isinstance(value, int) else None

    lists = ("genres", "any_genres", "without_genres", "people", "without_people", "languages")
    return Filters(
        **{name: tuple(_names(arguments, name)) for name in lists}, year_from=year("year_from"), year_to=year("year_to")
    )


def _leftover(r: _Reader) -> Understanding:
    """Nothing fitted: free words are a wish when they read like one, else talk."""
    if r.slots.unmatched and not r.slots.wish:
        return r.done("clarify", topic="which", sure=0.7)
    narrates = re.search(r"\b(?:i|my|he|she|they|we|you|it['’]?s|its)\b", r.text, re.I)
    if r.slots.wish and not narrates and r.words <= 12:
        return r.done(
            "recommend",
            Call("recommend", _arguments(r.slots)),
            understood=slots.describe(r.slots.filters, "", r.slots.wish),
            sure=0.4,
        )
    return r.done("chat", topic="small talk", sure=0.3)
