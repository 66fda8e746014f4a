"""Questions about items answered from attributes, in the sentences that the attributes know for themselves."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from app.turn.answers.voice import Voice, anything, sentence
from app.understanding import About, Order
from recommenders.data import (
    Attribute,
    Catalogue,
    Condition,
    Flag,
    Levels,
    Named,
    Number,
    Text,
    both,
    either,
    yes_or_no,
)

_FEW = 2  # of more items it is told which of them keep what is asked, not one by one
_MOST_ASKED, _MOST_TOLD = 6, 3  # items of one answer: to a question, and to "tell me more"
_RICH = 12  # names of an attribute from which on two items are alike that share one
_NAMES = 3  # of people, moods, ... in a summary

_HAVE = re.compile(r"^\W*(?:\w+\W+){0,3}(?:have|got)\s+it\b(?!.*\babout\b)", re.IGNORECASE)


def facts(voice: Voice, items: Sequence[int], asked: About) -> str:
    """What was asked of items; where that was nothing in particular, what they are."""
    c = voice.catalogue
    if not (asked.attributes or asked.tests):
        told = "\n\n".join(summary(c, i) for i in items[:_MOST_TOLD])
        return f"Yes, I have {'it' if len(items) == 1 else 'them'}. {told}" if _HAVE.search(asked.question) else told
    if len(items) > _FEW and asked.tests and yes_or_no(asked.question):
        return meeting(voice, items, asked.tests)
    return " ".join(said for i in items[:_MOST_ASKED] for said in _answers(c, i, asked))


# -- one item, asked about --------------------------------------------------------------------------------------------


def _answers(c: Catalogue, item: int, asked: About) -> Iterator[str]:
    """The answers about one item: by its title first, then as "it"."""
    it = c.titles[item]
    tests = asked.tests if yes_or_no(asked.question) else ()
    for test in tests:
        yield sentence(_tested(c, item, test, it, asked.question))
        it = "it"
    answered = {t.attribute for t in tests}
    if any(isinstance(a := c.schema[name], Named) and a.proper for name in answered):  # of people, whatever they did
        answered |= {a.name for a in c.schema.asked if isinstance(a, Named) and a.proper}
    rest = [c.schema[name] for name in asked.attributes if name not in answered]
    unknown = [a for a in rest if not c.attributes.tell(a.name, item) and not _nothing_of_that(c, item, a)]
    known = [a for a in rest if a not in unknown]
    notes = [a for a in known if _counts_among(a)] if len(known) > 1 else []
    for a in known:
        if len(notes) < 2 or a not in notes:
            yield sentence(_stated(c, item, a, it, asked.question))
            it = "it"
    if len(notes) > 1:
        yield sentence(f"{it} has {both([_noun(c, item, a) for a in notes])}")
        it = "it"
    if unknown:
        yield sentence(_unknown(c, item, unknown, it))


def _counts_among(a: Attribute) -> bool:
    return isinstance(a, Levels) and a.pattern.startswith("{it} has {value} ")


def _noun(c: Catalogue, item: int, a: Attribute) -> str:
    """ "Mild violence", "no sex"."""
    return c.attributes.states(a.name, item, "it").removeprefix("it has ")


def _stated(c: Catalogue, item: int, a: Attribute, it: str, question: str) -> str:
    """One attribute of an item, behind yes or no where that is asked."""
    said = c.attributes.states(a.name, item, it)
    if not said:
        none = a.otherwise.replace("{it}", it)
        return f"No, {none}" if yes_or_no(question) else none
    return f"{c.attributes.verdict(a.name, item, question)} {said}"


def _nothing_of_that(c: Catalogue, item: int, a: Attribute) -> bool:
    """Whether an unknown cell says that there is none: where the item is described, and names of it may be missing."""
    described = any(c.attributes.tell(t.name, item) for t in c.schema if isinstance(t, Text))
    return bool(a.otherwise) and not isinstance(a, Flag) and described


def _unknown(c: Catalogue, item: int, attributes: Sequence[Attribute], it: str) -> str:
    """That they are not known, in one sentence; of all items where none has them."""
    nobody = all(not c.attributes.column(a.name).known().any() for a in attributes)
    first, *rest = [
        a.unknown_of((anything(c) if nobody else it) if n == 0 else "it").removeprefix("I don't know ")
        for n, a in enumerate(attributes)
    ]
    return f"I don't know {either([first, *rest])}"


def _tested(c: Catalogue, item: int, test: Condition, it: str, question: str) -> str:
    """Whether an item keeps what a question supposes: "is Al Pacino in it?", "is it under two hours?"."""
    a, cell = c.schema[test.attribute], c.attributes.cells(test.attribute)[item]
    if a.unknown(cell):
        if _nothing_of_that(c, item, a):
            return f"No, {a.otherwise.replace('{it}', it)}"
        return a.unknown_of(it)
    yes = "No," if c.attributes.objections(item, (test,)) else "Yes,"
    if isinstance(a, Named) and a.proper and not isinstance(cell, str):
        return f"{yes} {_of_people(c, item, a, test, it, question)}"
    return f"{yes} {c.attributes.states(a.name, item, it)}"


def _of_people(c: Catalogue, item: int, a: Named, test: Condition, it: str, question: str) -> str:
    """In what way names belong to an item ("Michael Mann directed it"), or whose do."""
    asked = {str(v) for v in test.values}
    told = [b for b in c.schema.told if isinstance(b, Named) and b.proper and b.prefix in ("with", "by")]
    for b in told:
        cell = c.attributes.cells(b.name)[item]
        if shared := tuple(v for v in cell if v in asked) if not isinstance(cell, str) else ():
            return b.states(it, shared)
    known = [b for b in told if c.attributes.tell(b.name, item)]
    meant = next((b for b in known if b.asks(question)), None) or next((b for b in known if b.prefix == "with"), a)
    return c.attributes.states(meant.name, item, it)


# -- what an item is --------------------------------------------------------------------------------------------------


def summary(c: Catalogue, item: int) -> str:
    """An item in about three sentences: what it is about; what it is, of whom, how long; what people make of it."""
    told = [a for a in c.schema.told if not a.aside and c.attributes.tell(a.name, item)]
    text = next((c.attributes.tell(a.name, item) for a in told if isinstance(a, Text)), "")
    label = c.label(item)
    said = [f"{label}: {_shortened(text)}"] if text else []
    head = _sort_and_people(c, item, told)
    if head:
        said.append(head if text else f"{label}: {head}")
    plain = [_predicate(c, item, a) for a in told if _measures(a)]
    moods = [_predicate(c, item, a) for a in told if _moods(a)]
    prizes = [_predicate(c, item, a) for a in told if _prize(a) and c.attributes.cells(a.name)[item][1]]
    much = [_noun(c, item, a) for a in told if _much(c, item, a)]
    for phrases in (plain, [*moods, *prizes, *([f"has {both(much)}"] if much else [])]):
        if kept := [p for p in phrases if p]:
            said.append(f"it {both(kept)}")
    said += [c.attributes.states(a.name, item, "it") for a in told if isinstance(a, Number) and a.counted]
    if not text and len(said) < 2:
        said.append(f"More I don't know of {'it' if said else label}")
    return " ".join(map(sentence, said))


def _shortened(text: str) -> str:
    """The first sentences of a text, about 400 characters."""
    text = text.strip()
    return text[:1].upper() + (text[1:] if len(text) <= 400 else text[1:400].rsplit(". ", 1)[0]).rstrip(".")


def _sort_and_people(c: Catalogue, item: int, told: Sequence[Attribute]) -> str:
    """ "Crime and Drama by Frank Darabont, with Tim Robbins and Morgan Freeman"; nobody is named twice."""
    cells = {a.name: c.attributes.cells(a.name)[item] for a in told if isinstance(a, Named)}
    sorts = [v for a in told if isinstance(a, Named) and a.together and not a.prefix for v in cells[a.name]]
    named: set[str] = set()
    by: list[str] = []
    others: list[str] = []
    for a in told:
        if not (isinstance(a, Named) and a.proper and a.prefix):
            continue
        names = (cells[a.name],) if isinstance(cells[a.name], str) else cells[a.name]
        fresh = [n for n in names if n not in named][:_NAMES]
        named.update(fresh)
        if fresh:
            (by if a.prefix == "by" else others).append(f"{a.prefix} {both(fresh)}")
    head = " ".join([*([both(sorts)] if sorts else []), *by])
    return ", ".join(filter(None, [head, *others]))


def _measures(a: Attribute) -> bool:
    """Whether an attribute is one of what an item measures: length, price, certificate, whether it is in stock."""
    if isinstance(a, Number):
        return not a.counted and not (a.words.having and a.words.there)
    return (isinstance(a, Levels) and not a.adjectives) or isinstance(a, Flag)


def _moods(a: Attribute) -> bool:
    return isinstance(a, Named) and not a.proper and not a.prefix and not a.together and a.nothing == ()


def _prize(a: Attribute) -> bool:
    return isinstance(a, Number) and bool(a.words.having and a.words.there)


def _much(c: Catalogue, item: int, a: Attribute) -> bool:
    """Whether there is so much of something that it is worth a word unasked."""
    if not (isinstance(a, Levels) and a.adjectives and _counts_among(a)):
        return False
    return bool(c.attributes.cells(a.name)[item] == len(a.levels) - 1)


def _predicate(c: Catalogue, item: int, a: Attribute) -> str:
    """What an attribute says of an item behind "it": "runs 2 hours"; "" where its sentence has another form."""
    if isinstance(a, Named):
        said = a.states("it", c.attributes.cells(a.name)[item][: _NAMES - 1])
    else:
        said = c.attributes.states(a.name, item, "it")
    return said.removeprefix("it ") if said.startswith("it ") else ""


# -- several items ----------------------------------------------------------------------------------------------------


def ordered(voice: Voice, items: Sequence[int], order: Order) -> str:
    """Items by an attribute: "The cheapest is X (12 €), then Y (18.50 €)."."""
    c = voice.catalogue
    name = c.schema[order.attribute].told_as or order.attribute  # what stands on their cards
    known = [i for i in c.attributes.ordered(name, list(items), rising=order.rising) if c.attributes.tell(name, i)]
    unknown = [i for i in items if i not in known]
    a, asked = c.schema[name], c.schema[order.attribute]
    if not known:
        return sentence(a.unknown_of("any of them"))
    groups = [(told, list(some)) for told, some in groupby(known, key=lambda i: c.attributes.tell(name, i))]
    if len(groups) == 1 and len(known) > 1:
        each = "each that I know it of" if unknown else "each of them"
        said = [f"They are alike: {c.attributes.states(name, known[0], each)}"]
    else:
        first, *rest = [f"{both([c.titles[i] for i in some])} ({told})" for told, some in groups]
        verb = "is" if len(groups[0][1]) == 1 else "are"
        said = [f"The {asked.foremost(order.rising)} {verb} {first}" + (f", then {both(rest)}" if rest else "")]
    if unknown:
        said.append(a.unknown_of(either([c.titles[i] for i in unknown])))
    return " ".join(map(sentence, said))


def meeting(voice: Voice, items: Sequence[int], tests: Sequence[Condition]) -> str:
    """Which of several items keep what was asked: "Of these: X is in black and white."."""
    c = voice.catalogue
    fit = [i for i in items if not c.attributes.objections(i, tests)]
    if not fit:
        unknown = [i for i in items if any(not c.attributes.tell(t.attribute, i) for t in tests)]
        of = c.schema[tests[0].attribute].unknown_of(either([c.titles[i] for i in unknown])) if unknown else ""
        return " ".join(map(sentence, filter(None, ["None of them, as far as I know", of])))
    if len(fit) == len(items):
        return f"All of them. {' '.join(_tests_of(c, fit[0], tests))}"
    told = [said for i in fit[:_MOST_TOLD] for said in _tests_of(c, i, tests)]
    others = both([c.titles[i] for i in fit[_MOST_TOLD:]])
    return " ".join([*told, *([f"So {'is' if len(fit) == _MOST_TOLD + 1 else 'are'} {others}."] if others else [])])


def _tests_of(c: Catalogue, item: int, tests: Sequence[Condition]) -> list[str]:
    """What an item says of the attributes that were asked for."""
    it = [c.titles[item], *["it"] * (len(tests) - 1)]
    said = [c.attributes.states(t.attribute, item, name) for t, name in zip(tests, it, strict=True)]
    return [sentence(s) for s in said if s]


def beside(c: Catalogue, items: Sequence[int]) -> list[str]:
    """Items beside each other, and what they have in common."""
    said = []
    for item in items:
        told = [a for a in c.schema.told if not a.aside and c.attributes.tell(a.name, item)]
        told = told if len(items) <= _MOST_TOLD else [a for a in told if not (isinstance(a, Named) and a.proper)]
        parts = [_sort_and_people(c, item, told)]
        parts += [_predicate(c, item, a) for a in told if isinstance(a, Number) and _measures(a)][:2]
        said.append(f"{c.label(item)}: {', '.join(filter(None, parts)) or 'I know little of it'}")
    sorts = [set(c.genres[i]) for i in items]
    if common := sorted(sorts[0].intersection(*sorts[1:])):
        said.append(f"In common: {both(common)}")
    return [sentence(s) for s in said]


def shared(c: Catalogue, item: int, other: int) -> list[str]:
    """What two items have in common, the most telling first: "also by Michael Mann", "heist", "crime"."""
    found: list[str] = []
    common: list[tuple[int, str]] = []
    for a in c.schema.shown:
        if not isinstance(a, Named) or a.spoiler or not a.told:
            continue
        one, two = (_several(c.attributes.cells(a.name)[i]) for i in (item, other))
        same = [v for v in one if v in two]
        if same and a.proper and a.prefix in ("by", "with"):
            found.append(f"also {a.prefix} {both(same[:2])}")
        elif same and a.proper and not a.prefix.startswith(("in", "from")):
            found.append(f"also {a.prefix} {same[0]}".replace("  ", " "))
        elif same and tells_apart(c, a):
            common += [(int(c.attributes.mask((a.condition("has any", v),)).sum()), v.lower()) for v in same]
    rarest = dict.fromkeys(v for _, v in sorted(common))
    return [*found[:2], *list(rarest)[:3]]


def tells_apart(c: Catalogue, a: Named) -> bool:
    """Whether its names are words for what an item is like, and enough of them that sharing one says something."""
    rich = a.together or len(c.attributes.values.get(a.name, ())) > _RICH
    return rich and not a.proper and a.prefix != "in" and not a.spoiler


def _several(cell: str | tuple[str, ...]) -> tuple[str, ...]:
    return (cell,) if isinstance(cell, str) and cell else tuple(cell)
