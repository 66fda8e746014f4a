"""A wish keeps the person's own words.

What a message says beside names, figures and sorts used to be searched as a rest ("Sunday" of "a feel-good film for a
rainy Sunday with my mum"). A reader of wishes (recommenders/wishes) makes more of the whole sentence than of a rest,
and it knows a wish when it hears one: "cheer me up" and "corsets, carriages, longing looks" ask for films although no
word of theirs does.
"""

from dataclasses import replace

from app.turn.desk import Desk
from app.understanding import Ask, Heard, Talk
from app.wants import Wants
from recommenders.texts import content_words

_ENOUGH = 3  # words that say something, beside those of the conditions: they are a wish too


def meant(heard: Heard, message: str, desk: Desk) -> Heard:
    """The same, its wish in the words of the message; a request where the message is a wish and was taken for talk."""
    wishes = desk.parts.pipeline.wishes
    if wishes is None:
        return heard
    act = heard.acts[-1]
    if isinstance(act, Talk) and act.topic in ("", "small talk", "elsewhere") and len(heard.acts) == 1:
        if heard.unmatched or not wishes.speaks_of_items(message):
            return heard
        return replace(heard, acts=(Ask(Wants(wish=_words(message))),), unmatched=())
    if not isinstance(act, Ask) or heard.along or heard.items or heard.unmatched or _other(act.wants):
        return heard
    before = desk.table.wants.wish
    said = " ".join(c.said for c in act.wants.conditions)
    rest = content_words(message).keys() - content_words(said).keys()
    own = bool(act.wants.wish) and act.wants.wish != before
    if own or (not act.wants.wish and len(rest) >= _ENOUGH and wishes.speaks_of_items(message)):
        asked = Ask(act.wants.changed(wish=_words(message)), act.greets)
        return replace(heard, acts=(*heard.acts[:-1], asked))
    return heard


def _other(wants: Wants) -> bool:
    """Whether items are named, or an order is asked for: what is said besides belongs to that."""
    return bool(wants.like or wants.unlike or wants.relatives or wants.order or wants.others)


def _words(message: str) -> str:
    return " ".join(message.split())
