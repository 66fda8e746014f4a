"""Evidence in words, by rules: every sentence here says what the evidence says, no more.

Always the last resort and, with a model that does not steer, nearly the whole answer. Nothing here is random: the same
evidence gives the same words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.events import Reason
from app.understanding import Order, Topic, in_order
from app.words import cardinal, ordinal, ordinal_word
from recommenders.contract import Explanation, Influence, Request
from recommenders.data import Catalogue, FeedbackKind, Flag, Levels, Named, Number, Text, UserState, Year, either


@dataclass(frozen=True)
class Voice:
    """What is needed to speak of items: the catalogue, the person, from which value on an item counts as liked."""

    catalogue: Catalogue
    state: UserState
    liked_from: float
    generator: str

    def label(self, item: int) -> str:
        return self.catalogue.label(item)

    def labels(self, items: Sequence[int], limit: int = 6) -> str:
        return listed([self.label(i) for i in items[:limit]]) + (" and others" if len(items) > limit else "")

    def lacking(self, rows: Sequence[int]) -> list[str]:
        """Titles of what the catalogue lacks."""
        others = self.catalogue.relatives
        return [] if others is None else [others.label(row) for row in rows]

    def liked(self, item: int) -> bool:
        """Whether the history says that the person liked an item (and not only met it)."""
        if self.liked_from <= 0 or item not in self.state.items:
            return False
        return self.state.values[self.state.items.index(item)] >= self.liked_from


def listed(names: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1] if names else ""


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


# -- reasons on a card ------------------------------------------------------------------------------------------------


MOST_REASONS = 3  # on a card; "why?" tells more


def reasons(voice: Voice, explanation: Explanation, request: Request, said: Sequence[str] = ()) -> list[Reason]:
    """Short statements for one pick, each with the evidence that it rests on; never none, at most MOST_REASONS.

    said  checked sentences of a model, which come first
    """
    found = [*_matched(voice, explanation), *_alike(voice, explanation, request), *_influenced(voice, explanation)]
    found += _shared(explanation, already=bool(found))
    found = found or _told(explanation) or [_position(voice, explanation)]
    checked = [Reason(text=sentence, evidence={"checked": "grounding", **found[0].evidence}) for sentence in said]
    return [*checked, *found][:MOST_REASONS]


def _matched(voice: Voice, e: Explanation) -> list[Reason]:
    found = []
    named = [told for name, values in e.matched.items() if name != "words" for told in _met(voice, name, values)]
    if named:
        found.append(Reason(text=f"As you asked: {', '.join(named)}", evidence={"matched": _plain(e.matched)}))
    if words := e.matched.get("words", ()):
        found.append(
            Reason(
                text="Your words in its entry: " + ", ".join(f"“{w}”" for w in words),
                evidence={"matched": _plain(e.matched)},
            )
        )
    return found


def _met(voice: Voice, name: str, values: Sequence[str]) -> list[str]:
    """What of a condition an item has: "Horror", "with Al Pacino", "1 hour 30 minutes"."""
    name = "language" if name == "languages" else name  # as it was stored before
    a = next((a for a in voice.catalogue.schema if a.name == name), None)
    prefix = f"{a.prefix} " if isinstance(a, Named) and a.prefix else ""
    prefix = f"{a.said}: " if isinstance(a, Levels) else prefix
    return [f"{prefix}{value}" for value in values] if not isinstance(a, Year) else []


_CLOSE = 25  # the rank up to which being close is a reason; "46th closest" persuades nobody


def _alike(voice: Voice, e: Explanation, request: Request) -> list[Reason]:
    place = next((p for p in e.provenance if p.source == "similar"), None)
    near = request.like or (() if request.relatives else request.liked[::-1])  # the latest liked first
    named = listed([*voice.lacking(request.relatives), *map(voice.label, near)][:3])
    if place is None or not named or place.rank > _CLOSE:
        return []
    text = f"{ordinal(place.rank)} closest to {named}"
    return [Reason(text=text, evidence={"source": "similar", "rank": place.rank, "like": _ids(voice, near)})]


def _told(e: Explanation) -> list[Reason]:
    place = next((p for p in e.provenance if p.source == "said"), None)
    if place is None or place.rank > _CLOSE:
        return []
    text = f"{ordinal(place.rank)} closest to what you said so far"
    return [Reason(text=text, evidence={"source": "said", "rank": place.rank})]


def supporting(e: Explanation) -> tuple[Influence, ...]:
    """The history items that clearly spoke for an item: without one it would stand lower; the strongest first."""
    ups = [x for x in e.influences if x.change > 0 and x.rank_without > e.rank]
    return tuple(x for x in ups if x.change >= 0.25 * ups[0].change)


def opposing(e: Explanation) -> tuple[Influence, ...]:
    """The history items without which the item would stand higher."""
    return tuple(x for x in e.influences if x.change < 0 and x.rank_without < e.rank)


def _influenced(voice: Voice, e: Explanation) -> list[Reason]:
    best = supporting(e)[:2]
    if not best:
        return []
    names = [voice.label(x.item) for x in best]
    if all(voice.liked(x.item) for x in best):
        text = f"Mostly because you liked {listed(names)}"
    else:
        text = f"Mostly because of {listed(names)} in your history"
    return [Reason(text=text, evidence={"model": e.model, "rank": e.rank, "influences": _influences(voice, best)})]


def _shared(e: Explanation, *, already: bool) -> list[Reason]:
    if people := e.shared.get("people", ()):
        return [
            Reason(text=f"With {listed(list(people[:2]))}, as in items you liked", evidence={"people": list(people)})
        ]
    if already:
        return []
    if genres := e.shared.get("genres", ()):
        return [Reason(text=f"{listed(list(genres[:2]))}, like items you liked", evidence={"genres": list(genres)})]
    return []


def _position(voice: Voice, e: Explanation) -> Reason:
    evidence: dict[str, object] = {
        "model": e.model,
        "rank": e.rank,
        "score": e.score,
        "history": len(voice.state.items),
    }
    if voice.state.items:
        return Reason(text=f"{ordinal(e.rank)} for you by {e.model}, of all that you have not met", evidence=evidence)
    if e.model == "popularity":
        return Reason(text=f"{ordinal(e.rank)} most chosen of this catalogue", evidence=evidence)
    return Reason(text=f"{ordinal(e.rank)} by {e.model}, which does not know your taste yet", evidence=evidence)


def _influences(voice: Voice, influences: Sequence[Influence]) -> list[dict[str, object]]:
    ids = voice.catalogue.ids.ids
    return [{"item_id": ids[x.item], "change": x.change, "rank_without": x.rank_without} for x in influences]


def _ids(voice: Voice, items: Sequence[int]) -> list[str]:
    return [voice.catalogue.ids.ids[i] for i in items]


def _plain(matched: object) -> dict[str, list[str]]:
    return {k: list(v) for k, v in dict(matched).items()}  # type: ignore[call-overload]


# -- the sentence above the picks -------------------------------------------------------------------------------------


def asked(voice: Voice, request: Request, understood: Sequence[str] = ()) -> tuple[str, tuple[str, ...]]:
    """What a request asks for, as words before the noun ("horror", "comedy or drama") and phrases behind it."""
    schema = voice.catalogue.schema
    before: list[str] = []
    behind: list[str] = []
    unwanted: list[str] = []
    for condition in in_order(request.conditions, schema):
        a = schema[condition.attribute]
        front, rear = a.phrase(condition)
        if front:
            before.append(f"({front})" if before and condition.operator == "has any" else front)
        elif condition.excludes and isinstance(a, Named):
            unwanted.append(rear.removeprefix("without "))
        elif rear:
            behind.append(next((u for u in understood if u.startswith(a.bare(condition))), rear))
    if request.like:
        behind.append(f"like {voice.labels(request.like)}")
    if request.relatives:
        behind.append(f"closest in spirit to {listed(voice.lacking(request.relatives))}")
    if request.wish:
        behind.append(f"for “{request.wish}”")
    if unwanted:
        behind.append(f"without {either(unwanted)}")
    return " ".join(before), tuple(behind)


def opening(
    voice: Voice, n: int, request: Request, *, topic: Topic = "", understood: Sequence[str] = (), more: bool = False
) -> str:
    """One sentence that introduces n picks: "Five horror picks from the 1990s, without comedy:"."""
    hello = "Hello! " if topic == "greeting" else ""
    before, behind = asked(voice, request, understood)
    if not n:
        said = " ".join(filter(None, ["more" if more else "", before, "picks", ", ".join(behind)]))
        return f"{hello}I found no {said}." if before or behind else f"{hello}I found nothing that you do not know yet."
    many = f"{_number(n)} more" if more else _number(n)
    head = " ".join(filter(None, [many, before, "pick" if n == 1 else "picks"]))
    if behind:
        return f"{hello}{head} {', '.join(behind)}:"
    if before:
        return f"{hello}{head}:"
    return f"{hello}{head} {'that should suit you' if voice.state.items else 'to start with'}:"


def remarks(note: str, unmatched: Sequence[str]) -> str:
    """What the person should know beside the picks: what was not found, why the list is short."""
    return " ".join([*(sentence(u) for u in dict.fromkeys(unmatched)), *([note] if note else [])])


def _number(n: int) -> str:
    return cardinal(n).capitalize() if n else "No"


# -- answers about what is on the table -------------------------------------------------------------------------------


def why(voice: Voice, e: Explanation, request: Request | None, *, brief: bool = False) -> str:
    """Why an item was recommended, from the evidence alone."""
    said = [f"{m.text}." for m in _matched(voice, e)]  # what was asked for leads, taste comes second
    said.append(_ranked(voice, e))
    ups = supporting(e)
    if ups:
        said.append(_without(voice, e, ups[0], liked=voice.liked(ups[0].item)))
        if not brief and len(ups) > 1:
            rest = [f"{voice.label(x.item)} ({ordinal(x.rank_without)} without it)" for x in ups[1:4]]
            said.append(f"Next in weight: {listed(rest)}.")
    elif voice.state.items:
        said.append("No single item of your history decides it: without any one of them its place stays or improves.")
    else:
        said.append("I know nothing of your taste yet, so no item of a history speaks for it.")
    downs = opposing(e)
    if downs and not brief:
        said.append(
            f"Against it speaks {voice.label(downs[0].item)}: "
            f"without that it would stand {ordinal(downs[0].rank_without)}."
        )
    if not brief:
        if shared := _sharing(e):
            said.append(shared)
        if places := _places(e):
            said.append(places)
        if e.tried:
            many = "the one item" if e.tried == 1 else f"each of {e.tried} items"
            said.append(f"(Tested by leaving out {many} of your history in turn.)")
    return " ".join(said)


def why_not(voice: Voice, e: Explanation, request: Request | None, shown: Sequence[int]) -> str:
    """Why an item is not among the picks."""
    item, label = e.item, voice.label(e.item)
    if item in shown:
        place = list(shown).index(item) + 1
        return f"It is among them: {label} is the {ordinal_word(place)} pick."
    if item in voice.state.disliked:
        return f"You rejected {label}, so it is left out."
    if item in voice.state.items:
        return f"{label} is in your history already, so it is left out; ask for things you know to see it."
    if request is not None and (breaks := voice.catalogue.attributes.objections(item, request.conditions)):
        return f"{label} does not fit what you asked: {listed(list(breaks))}."
    said = [f"Nothing rules {label} out; {_ranked(voice, e)[0].lower()}{_ranked(voice, e)[1:]}"]
    ups, downs = supporting(e), opposing(e)
    if downs:
        said.append(
            f"It stands lower because of {voice.label(downs[0].item)}: "
            f"without that it would be {ordinal(downs[0].rank_without)}."
        )
    elif ups:
        said.append(f"What speaks for it most is {voice.label(ups[0].item)}.")
    return " ".join(said)


def _ranked(voice: Voice, e: Explanation) -> str:
    if voice.state.items:
        return f"For you, {e.model} puts {voice.label(e.item)} {ordinal(e.rank)} of all that you have not met."
    if e.model == "popularity":
        return f"{voice.label(e.item)} is the {ordinal(e.rank)} most chosen of this catalogue."
    return f"Without knowing your taste, {e.model} puts {voice.label(e.item)} {ordinal(e.rank)}."


def _without(voice: Voice, e: Explanation, x: Influence, *, liked: bool) -> str:
    reason = f"you liked {voice.label(x.item)}" if liked else f"{voice.label(x.item)} is in your history"
    places = f"it would be {ordinal(x.rank_without)} instead of {ordinal(e.rank)}"
    return f"What counts most is that {reason}: without that, {places}."


def _sharing(e: Explanation) -> str:
    genres, people = e.shared.get("genres", ()), e.shared.get("people", ())
    if not genres and not people:
        return ""
    said = [*([listed(list(genres[:3]))] if genres else []), *([listed(list(people[:2]))] if people else [])]
    return f"With what you liked it shares {listed(said)}."


def _places(e: Explanation) -> str:
    names = {
        "text": "the text search",
        "similar": "likeness to what you named or liked",
        "said": "likeness to what you said so far",
        "popularity": "how many people chose it",
    }
    own = [f"{ordinal(p.rank)} by {names.get(p.source, p.source)}" for p in e.provenance if p.source != e.model]
    return f"The other stages put it {listed(own)}." if own else ""


def facts(voice: Voice, items: Sequence[int], attributes: Sequence[str] = ()) -> str:
    """What the catalogue says of items, or of the attributes that were asked for."""
    if not attributes:
        return " ".join(_summary(voice.catalogue, i) for i in items[:6])
    levels = [n for n in attributes if isinstance(voice.catalogue.schema[n], Levels)]
    others = [n for n in attributes if n not in levels]
    said = [_fact(voice.catalogue, i, name) for i in items[:6] for name in others]
    said += [_levels(voice.catalogue, i, levels) for i in items[:6]] if levels else []
    return " ".join(said)


def _fact(c: Catalogue, item: int, name: str) -> str:
    """One attribute of an item, or that it is not known."""
    a, told, title = c.schema[name], c.attributes.tell(name, item), c.titles[item]
    if not told:
        if not c.attributes.column(name).known().any():
            several = "people" if a.said == "person" else f"{a.said}s"
            return f"This catalogue lists no {several}, so I cannot say that of {title}."
        what = f"from when {title} is" if isinstance(a, Year) else f"the {a.said} of {title}"
        return f"The catalogue does not say {what}."
    if isinstance(a, Year):
        return f"{title} is from {told}."
    if isinstance(a, Flag):
        return f"{c.label(item)} is {told}."
    if isinstance(a, Named):
        return f"{c.label(item)}: {f'{a.prefix} ' if a.prefix == 'with' else ''}{told}."
    return f"{c.label(item)}: {a.said} {told}."


def _levels(c: Catalogue, item: int, names: Sequence[str]) -> str:
    """ "No violence, mild sex and strong frightening scenes", or that it is not known."""
    scenes = {"frightening": "frightening scenes"}
    levels = {scenes.get(n, c.schema[n].said): told for n in names if (told := c.attributes.tell(n, item))}
    if not levels:
        return f"The catalogue does not say {listed([c.schema[n].said for n in names])} of {c.titles[item]}."
    said = [f"{'no' if level == 'none' else level} {what}" for what, level in levels.items()]
    return f"By the catalogue's notes, {c.label(item)} has {listed(said)}."


def _summary(c: Catalogue, item: int) -> str:
    """Everything in a line, and the description."""
    said = [c.label(item)]
    for a in c.schema.told:
        told = c.attributes.tell(a.name, item)
        if not told or isinstance(a, Year | Levels | Text):
            continue
        if isinstance(a, Named):
            cell = c.attributes.cells(a.name)[item]
            said.append(f"with {listed(list(cell[:4]))}" if a.prefix == "with" else _names(cell))
        else:
            said.append(told if isinstance(a, Flag) or (isinstance(a, Number) and a.unit) else f"{a.said} {told}")
    text = c.texts[item].strip()
    if text:
        return f"{' · '.join(said)}. {text[0].upper()}{text[1:400].rsplit('. ', 1)[0].rstrip('.')}."
    return f"{' · '.join(said)}. The catalogue holds no description of it, so more I cannot say."


def _names(cell: str | tuple[str, ...]) -> str:
    return cell if isinstance(cell, str) else ", ".join(cell)


def ordered(voice: Voice, items: Sequence[int], order: Order) -> str:
    """Items by an attribute: "The cheapest first: X (12 €), then Y (18.50 €)."."""
    c, name = voice.catalogue, order.attribute
    known = [i for i in c.attributes.ordered(name, list(items), rising=order.rising) if c.attributes.tell(name, i)]
    unknown = [i for i in items if i not in known]
    a = c.schema[name]
    if not known:
        return f"The catalogue does not say the {a.said} of any of them."
    told = {c.attributes.tell(name, i) for i in known}
    if len(told) == 1 and len(known) > 1 and not unknown:
        return f"They are alike in that ({a.said}: {told.pop()})."
    first, *rest = [f"{c.titles[i]} ({c.attributes.tell(name, i)})" for i in known]
    said = [f"The {a.foremost(order.rising)} first: {first}"]
    said[0] += f", then {listed(rest)}." if rest else "."
    if unknown:
        said.append(f"Of {voice.labels(unknown)} the catalogue does not say it.")
    return " ".join(said)


def comparison(voice: Voice, explanations: Sequence[Explanation]) -> str:
    """Items beside each other, and which the recommender puts first."""
    c = voice.catalogue
    said = []
    for e in explanations[:5]:
        genres = listed(list(c.genres[e.item])) or "no genre given"
        said.append(f"{c.label(e.item)}: {genres}.")
    both = set(c.genres[explanations[0].item]).intersection(*(c.genres[e.item] for e in explanations[1:]))
    if both:
        said.append(f"In common: {listed(sorted(both))}.")
    fresh = [e for e in explanations if e.item not in voice.state.items]
    for e in explanations:
        if e.item in voice.state.items:
            said.append(f"{c.label(e.item)} is in your history already.")
    if len(fresh) >= 2:
        order = sorted(fresh, key=lambda e: e.rank)
        places = listed([f"{c.label(e.item)} {ordinal(e.rank)}" for e in order])
        for_whom = "For you" if voice.state.items else "For somebody whose taste it does not know"
        said.append(f"{for_whom}, {order[0].model} puts {places}; so {c.label(order[0].item)} first.")
        if ups := supporting(order[0]):
            said.append(f"What counts most for it is {voice.label(ups[0].item)} in your history.")
    return " ".join(said)


def noted(voice: Voice, items: Sequence[int], kind: FeedbackKind) -> str:
    """That feedback was kept."""
    names = voice.labels(items)
    return {
        "like": f"Noted: you like {names}.",
        "dislike": f"Noted: {names} {'is' if len(items) == 1 else 'are'} not for you.",
        "seen": f"Noted: you know {names} already.",
    }[kind]


_TALK: dict[Topic, str] = {
    "greeting": "Hello! Tell me what you are in the mood for, or name something that you liked.",
    "thanks": "You are welcome. Tell me how you liked it, and I will know better next time.",
    "bye": "Goodbye, and enjoy it.",
    "help": "I find items of this catalogue for you. Ask for a genre, a time, something like a title that you know, or "
    "describe what you want; say what you liked or disliked, and ask why I picked something.",
    "accept": "Good. Tell me afterwards whether you liked it.",
    "elsewhere": "That is beyond me: I only know this catalogue. I can find something in it for you.",
    "small talk": "I can help with finding something: name a genre, a time, or something that you liked.",
    "": "I can help with finding something: name a genre, a time, or something that you liked.",
}


def talk(topic: Topic) -> str:
    """An answer that claims nothing about any item."""
    return _TALK.get(topic, _TALK[""])


def question(voice: Voice, topic: Topic, shown: Sequence[int]) -> str:
    """One clarifying question."""
    if topic == "empty":
        return "What would you like? A genre, a time, or something like a title that you know will do."
    if topic == "lacking":
        return "Ask me for something like it, and I look for what is closest."
    if topic == "no such place":
        if not shown:
            return "There is nothing on the table yet. What would you like?"
        last = f"{len(shown)} items" if len(shown) > 1 else "one item"
        return f"The latest answer has {last}. Which one do you mean?"
    if shown:
        return f"Which one do you mean: {_or([voice.label(i) for i in shown[:6]])}?"
    return "Which one do you mean? Please give its title."


def _or(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]


def bypassed(why: str) -> str:
    """The visible word that a step went without the model."""
    return f"The language model was bypassed: {why}."
