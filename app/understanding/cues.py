"""The phrases by which a message shows what it wants: one expression a question that app/understanding/rules.py asks.

Written from how people talk in general and checked against real ones (ReDial messages annotated in IARD); order and
exceptions are in app/understanding/rules.py, so that this file can be read as a list.
"""

import re
from dataclasses import dataclass
from typing import Protocol


class Cue(Protocol):
    """What may be looked for in a message: an expression, or several."""

    def search(self, text: str, /) -> object: ...


@dataclass(frozen=True)
class Then:
    """One expression and behind it another, with no character of `end` between: what "a[^.]*b" finds, in time linear in
    the message. As one expression it would look from each "is" of a long paste through all that follows."""

    first: re.Pattern[str]
    second: re.Pattern[str]
    end: re.Pattern[str]

    def search(self, text: str) -> bool:
        at = 0
        while (opening := self.first.search(text, at)) is not None:
            closing = self.end.search(text, opening.end())
            at = len(text) if closing is None else closing.start()
            if self.second.search(text, opening.end(), at):
                return True
        return False


@dataclass(frozen=True)
class Either:
    """Any of several cues."""

    cues: tuple[Cue, ...]

    def search(self, text: str) -> bool:
        return any(cue.search(text) for cue in self.cues)


def _then(first: str, second: str, end: str = ".!") -> Then:
    return Then(re.compile(first, re.IGNORECASE), re.compile(second, re.IGNORECASE), re.compile(f"[{end}]"))


WHY = re.compile(
    r"^\W*(?:but\s+|and\s+|so\s+)?(?:why|how\s+come)\b|\bwhy\s+(?:this|that|these|those|did|do|would|is|are|was|not|the|it)"
    r"\b|\bexplain\b|\bwhat\s+makes\s+(?:you|it|this|that)\b|\b(?:reasons?)\s+(?:for|behind)\b|"
    r"\bhow\s+did\s+you\s+(?:choose|pick|find|get|come)\b|\bwhat['’]?s\s+the\s+reason\b",
    re.IGNORECASE,
)
WHY_TALK = re.compile(r"\bwhy\s+(?:thank|don['’]?t\s+(?:you|we|i)|do\s+people|am\s+i|can['’]?t)\b", re.IGNORECASE)
COMPARE = Either(
    (
        re.compile(
            r"\bwhich\s+(?:one\s+)?(?:of\s+(?:them|the|these|those)|is\s+better|do\s+you|would\s+you|should\s+i|one|would\s+i|"
            r"(?:film|movie)\s+(?:is\s+better|should))|\bcompare\b|\bdifferences?\s+between\b|\bversus\b|\bvs\.?\b|"
            r"\bbetter\s+than\b",
            re.IGNORECASE,
        ),
        _then(r"\bor\b", r"\bbetter\b", r"\n"),
        _then(r"\bbetter\b", r"\bor\b", r"\n"),
    )
)
ASK = Either(
    (
        _then(
            r"\b(?:what(?:['’]?s|\s+is|\s+was|\s+are)?|who(?:['’]?s|\s+is|\s+was)?|when|how\s+long|how\s+old|is|was|are|"
            r"does|did)\b",
            r"\b(?:about|year|genre|genres|made|released|come\s+out|came\s+out|star|stars|starring|direct|directed|plays?|"
            r"played|acted|actor|actors|actress|cast|wrote|language|rated|rating|plot|story|old|new|in\s+(?:it|that|this)|"
            r"funny|scary|sad|violent|any\s+good|good|worth|comedy|horror|drama|kind|type|sort)\b",
        ),
        re.compile(
            r"\btell\s+me\s+(?:more\s+)?about\b|\bmore\s+(?:details|information|info)\b|\bwhat\s+is\s+(?:that|this|it)\b|"
            r"\b(?:have\s+you|did\s+you|you)\s+(?:ever\s+)?(?:seen|see|heard|watch|watched|like|liked)\b|"
            r"\bdo\s+you\s+(?:know|like)\b|"
            r"\b(?:never|haven['’]?t|have\s+not|not)\s+(?:even\s+)?(?:heard\s+of|seen|watched|heard)\b|"
            r"\bwhich\s+(?:one\s+is\s+that|genres?|year)\b|"
            r"\bdescribe\b|\bsynopsis\b|\bplot\b|\bwhat\s+(?:year|genres?|kind|language)\b|\bremind\s+me\s+(?:what|who)\b",
            re.IGNORECASE,
        ),
    )
)
ASK_THAT = Either(
    (
        _then(r"\b(?:is|was|are|were|does|did|has|had)\s+(?:it|that|this|they|those|these)\b", r"\?"),
        re.compile(r"\bin\s+it\s*\?", re.IGNORECASE),
    )
)
JUDGE = _then(
    r"\b(?:is|was|are|were|would)\s+(?:it|that|this|they|those|these|i|we)\s+(?:\w+\s+){0,2}?"
    r"(?:good|worth|great|nice|like|enjoy|love)\b",
    r"\?",
)
REQUEST = re.compile(
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
ELSE = re.compile(
    r"\b(?:something|anything|someone|what|who|anyone)\s+(?:else|different)\b|\b(?:any|some|the|show|give\s+me|what)?\s*"
    r"(?:more|others?|another)\b(?!\s+(?:than|about|details|recent|modern|serious|good\s+one|great\s+one|classic|like\s+that\s+he))|\bdifferent\s+"
    r"(?:ones?|suggestions?|movies?|films?)\b|\bnext\b(?!\s+(?:week|time|day|year))|\btry\s+again\b|\bkeep\s+going\b|"
    r"\b(?:none|neither)\s+of\s+(?:these|those|them|the)\b|\bnot\s+(?:these|those|them)\b|\bmore\s*(?:please)?\W*$",
    re.IGNORECASE,
)
REFINES = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|hmm+|yes|no|well|nice|good|great|thanks?)\W+)*(?:but|and|or|only|just|make\s+it|also|without|with|"
    r"no|not|nothing|from|in|before|after|older|newer|more|less|what\s+about|how\s+about|maybe|preferably|rather|instead|"
    r"except|any(?:thing)?|something|any\s+of|same)\b",
    re.IGNORECASE,
)
TRAILS = re.compile(
    r"\b(?:instead|rather|as\s+well|too)\W*$|^\W*(?:a\s+(?:bit|little)\s+)?(?:older|newer|lighter|darker|funnier|scarier|"
    r"earlier|later)\b",
    re.IGNORECASE,
)
GIVES_IN = re.compile(r"\b(?:then|instead|rather)\b", re.IGNORECASE)  # something else, since that found nothing
REPLACES = re.compile(
    r"\b(?:what|how)\s+about\b|\binstead\b|\brather\b|\bprefer\b|\bactually\b|\bmaybe\b|\bchange\b", re.IGNORECASE
)
ADDS = re.compile(
    r"\b(?:but|also|and|too|as\s+well|more|less|a\s+bit|bit|only|just|kind\s+of|with|\w+ier|lighter|darker)\b",
    re.IGNORECASE,
)
DISLIKE = re.compile(
    r"\b(?:hate[ds]?|dislike[ds]?|despise[ds]?|loathe[ds]?|can['’]?t\s+stand|couldn['’]?t\s+stand|"
    r"(?:do|did|does)(?:n['’]?t|\s+not)\s+(?:\w+\s+){0,2}?(?:like|love|enjoy|care\s+for|appreciate|appeal)|"
    r"did\s*n['’]?t\s+really|"
    r"never\s+(?:liked|enjoyed|cared\s+for)|was\s*n['’]?t\s+(?:\w+\s+)?(?:a\s+fan|good|great|for\s+me|funny|my)|"
    r"(?:is|was)\s+not\s+(?:\w+\s+)?(?:good|great|for\s+me|funny|my)|not\s+(?:\w+\s+){0,2}?(?:a\s+(?:big\s+|huge\s+)?fan|"
    r"my\s+(?:thing|style|taste|favou?rite|cup)|for\s+me|one\s+of\s+my\s+favou?rites?|"
    r"interested|impressed|that\s+one|this\s+one)|boring|terrible|awful|horrible|the\s+worst|overrated|stupid|disappointing|"
    r"disappointed|dumb|no\s+thanks|sucked|crap|garbage|lame|(?<!not )bad|dull|sucks|stinks|meh|"
    r"bored\s+me|put\s+me\s+to\s+sleep|"
    r"left\s+me\s+cold|let\s+me\s+down|letdown|unwatchable|rubbish|trash|waste\s+of\s+time|thumbs\s+down|(?:one|zero|1|0)\s+stars?|not\s+into|no\s+fan|"
    r"could(?:n['’]?t|\s+not)\s+(?:finish|get\s+(?:through|into))|too\s+(?:scary|gory|violent|long|slow|sad|silly|old|risque))\b",
    re.IGNORECASE,
)
LIKE = re.compile(
    r"\b(?:love[ds]?|adore[ds]?|enjoy(?:ed|s)?|like[ds]?|favou?rites?|great|amazing|awesome|fantastic|excellent|brilliant|"
    r"wonderful|hilarious|good\s+(?:one|movie|film)|(?:was|is|were)\s+(?:\w+\s+)?(?:good|great|funny|cool|nice|fun)|"
    r"classic|masterpiece|fan\s+of|superb|thumbs\s+up|full\s+marks|(?:five|5)\s+stars|a\s+ten|10/10|made\s+me\s+(?:laugh|cry)|"
    r"moved\s+me|can(?:['’]?t|not)\s+get\s+enough)\b",
    re.IGNORECASE,
)
SEEN = re.compile(
    r"\b(?:(?:i|we|i['’]ve|we['’]ve|ive)\s+(?:\w+\s+){0,2}?(?:seen|saw|watched|know)|already\s+(?:seen|saw|watched|know)|"
    r"seen\s+(?:it|that|this|them|those|these|both|all|the|number)|have\s+seen|saw\s+(?:it|that|this|them|both|the))\b|"
    r"^\W*(?:(?:yes|yeah|yep|yea)\W*)?(?:i\s+have(?!\s+(?:to|heard|been|an?|no|some|always)\b)|seen)\b",
    re.IGNORECASE,
)
UNSEEN = re.compile(
    r"\b(?:have\s*n['’]?t|have\s+not|never|had\s*n['’]?t|did\s*n['’]?t|not)\s+(?:\w+\s+){0,2}?(?:seen|see|saw|watched|heard)\b|"
    r"\bnot\s+(?:yet|sure)\b",
    re.IGNORECASE,
)
YOU = re.compile(r"\b(?:have|did|do|are|were|would)\s+(?:you|u)\b|\byou\s+(?:seen|like|ever|think)\b", re.IGNORECASE)
GREETING = re.compile(
    r"^\W*(?:hi+|hey+|hello+|hiya|howdy|good\s+(?:morning|evening|afternoon|day)|greetings|yo)\b", re.I
)
THANKS = re.compile(r"\b(?:thanks?|thank\s+(?:you|u)|thx|ty|appreciate\s+(?:it|that)|cheers)\b", re.I)
BYE = re.compile(
    r"\b(?:good\s*bye|bye(?:[\s-]*bye)?|see\s+(?:you|ya)|good\s*night|have\s+a\s+(?:good|great|nice|wonderful)|take\s+care|"
    r"that['’]?s\s+all)\b",
    re.I,
)
HELP = re.compile(
    r"\b(?:what\s+can\s+you\s+do|who\s+are\s+you|what\s+are\s+you|how\s+(?:do|does)\s+(?:you|this)\s+work|are\s+you\s+(?:a|an)\s+"
    r"(?:bot|robot|human|person|ai)|your\s+name)\b|^\W*help\W*$",
    re.I,
)
ACCEPT = re.compile(
    r"\b(?:(?:i['’]?ll|i\s+will|ill|will|gonna|going\s+to|i\s+think\s+i['’]?ll|have\s+to|need\s+to|want\s+to)\s+(?:\w+\s+){0,2}?"
    r"(?:check|watch|try|see|look|give|add|take|rent|go\s+with)|sounds?\s+(?:\w+\s+)?(?:good|great|interesting|fun|perfect|"
    r"like\s+a|awesome|amazing)|(?:good|great|nice|awesome|perfect)\s+(?:suggestion|idea|choice|pick|recommendation)s?)\b|"
    r"^\W*(?:ok(?:ay)?|great|awesome|perfect|cool|nice|good|yes|yeah|sure|alright|interesting|wow)\W*$",
    re.I,
)
SMALL = re.compile(r"\bhow\s+are\s+you\b|\bhow['’]?s\s+it\s+going\b|\bwhat['’]?s\s+up\b|\b(?:lol|haha+|sorry)\b", re.I)
SIMILAR_TO = re.compile(
    r"\b(?:(?:something|anything|more|others?|movies?|films?|ones?|stuff|things?|just)\s+(?:\w+\s+){0,2}?"
    r"(?:like|similar\s+to)|similar(?:\s+to)?|in\s+the\s+(?:vein|style)\s+of|along\s+(?:those|the)\s+lines?|more\s+of\s+(?:the|that))\b",
    re.IGNORECASE,
)
PREFERENCE = _then(
    r"\b(?:i|we|my|mostly|usually|really|huge|big)\b", r"\b(?:like|love|enjoy|into|prefer|favou?rite|fan|fond)\b", ".!?"
)
