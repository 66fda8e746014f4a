"""What a message says of items: liked, disliked, seen. Each clause carries one opinion, about what it names.

"Like" is the trap: "I like Heat" is an opinion, "films like Heat" and "I would like to see Heat" are none.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence

from app.understanding import cues, references
from app.understanding.names import replaced
from app.understanding.slots import Slots
from app.understanding.table import Table
from recommenders.data import FeedbackKind


def opinions(text: str, found_slots: Slots, table: Table) -> tuple[tuple[int, FeedbackKind], ...]:
    """(item, kind) for every item that the message judges or says to have seen."""
    found: dict[int, FeedbackKind] = {}
    starts = [m.start for m in found_slots.titles]
    examples = frozenset(found_slots.like)
    first_unknown = min((begin for begin, _ in found_slots.unknown), default=len(text))
    pieces = clauses(text, starts)
    last: tuple[int, ...] = ()  # "I have seen Heat and loved it": what "it" is
    for start, piece in pieces:
        titles = found_slots.titles[bisect_left(starts, start) : bisect_left(starts, start + len(piece))]
        items = tuple(m.items[0] for m in titles if m.items[0] not in examples)
        # words inside a title are no opinion ("Love Actually", "The Worst Person ...")
        blank = _blank(piece, [(m.start - start, m.end - start) for m in titles])
        of_unknown = first_unknown < start + len(piece)  # "it" is what nobody has here
        if not items and not titles and (last or (table.focus and not of_unknown)):
            reference = references.find(piece, table)
            how = "" if reference is None else reference.how
            if last and (how == "that" or (how == "all" and len(last) > 1)):
                items = last  # "I have seen the first and the third, loved both"
            elif reference is not None and (how == "place" or not found_slots.constrains):
                items = reference.items if reference.how != "that" or len(reference.items) == 1 else ()
                blank = _blank(blank, reference.spans)
            elif len(blank) <= _SHORT and _BARE.match(blank):
                items = table.focus if len(table.focus) == 1 else ()
        last = items or last
        asks = text[start + len(piece.rstrip()) - 1 : start + len(piece) + 1].strip().endswith("?")
        if not items or cues.YOU.search(blank) or (asks and not cues.SEEN.search(blank)):
            continue
        kind = kind_of(blank)
        if kind:
            for item in items:
                found[item] = kind
    return tuple((dict(found_slots.judged) | found).items())


def _blank(text: str, stretches: Sequence[tuple[int, int]]) -> str:
    return replaced(text, stretches, lambda length: "_" * length)


_SHORT = 80  # characters of an opinion that names nothing: "yes, loved it"
_BARE = re.compile(
    r"^\W*(?:yes|yeah|no|nope|yep|ok|oh|i|lol|well|hmm|ah|and|but|\W)*\s*(?:have|['’]ve|really|absolutely|already|"
    r"actually|just|did|do|so)*\s*(?:seen|saw|loved|liked|love|hated|hate|disliked|enjoyed|boring|have\s+seen|"
    r"not\s+interested|no\s+thanks|i\s+have)\b\W*(?:it|that|this|them)?\W*$",
    re.IGNORECASE,
)
_DENIES = re.compile(r"\b(?:not|n['’]t|never)\b", re.IGNORECASE)
_MORE_LIKE = re.compile(r"\bmore\s+(?:\w+\s+)?like\b", re.IGNORECASE)  # of "more like the second" no opinion


def kind_of(piece: str) -> FeedbackKind | None:
    if cues.DISLIKE.search(piece):
        return "dislike"
    if cues.UNSEEN.search(piece):
        return None
    before_title = piece.split("_", 1)[0]
    if _DENIES.search(re.split(r"[,.;]", before_title)[-1]) and not cues.SEEN.search(piece):
        return None
    if re.search(
        r"\bwould\s+(?:like|love)\s+to\b|['’]d\s+(?:like|love)\s+to\b|\bwant\s+to\s+(?:see|watch)\b", piece, re.I
    ):
        return None
    if cues.LIKE.search(_MORE_LIKE.sub(" ", piece)):
        return "like"
    return "seen" if cues.SEEN.search(piece) else None


def clauses(text: str, title_starts: list[int]) -> list[tuple[int, str]]:
    """Pieces that carry one opinion each: sentences, split at "but" and at commas that a new verb follows."""
    cuts, at_title = [0], {s + n for s in title_starts for n in (0, 1)}
    for match in re.finditer(
        r"[.!?;\n]+\s*|\s+but\s+|\s+(?:and|,)\s+(?=(?:i|we|it|hated?|loved?|liked?|disliked?|enjoyed)\b)|,\s+"
        r"(?=(?:i|we|but|hated?|loved?|liked?|disliked?|not|it|can|could|what|any(?:thing)?|something|do)\b)",
        text,
        re.IGNORECASE,
    ):
        if match.start() in at_title:
            continue
        cuts.append(match.end())
    return [(a, text[a:b]) for a, b in zip(cuts, [*cuts[1:], len(text)], strict=True) if text[a:b].strip()]
