"""The embedded language model asked for what rules and the small encoder do: to read, to pick, to speak.

Reading is held to a schema while it decodes (llm/calls/structured.py). The examples of the few-shot prompt are composed
messages of the training part, one an intent.
"""

import json
import random
import time
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import numpy as np
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, Field

import prompts
from app.errors import MalformedOutput
from app.turn.answers import evidence, wording
from app.turn.answers.grounding import check, sentences
from app.turn.answers.wording import Voice
from app.understanding import references, slots
from app.understanding.lessons.dialogues import Message
from app.understanding.names.linking import Linker
from app.understanding.reader.labels import INTENTS
from app.understanding.rules import understand
from benchmarks.heard import Heard, share, table, wish
from llm.backends.embedded import EmbeddedChat
from llm.calls import structured
from llm.calls.messages import to_chat
from llm.rating.answers import order, order_pattern
from prompts.constructor import Contexts, build
from recommenders.contract.base import Recommender
from recommenders.contract.request import Request
from recommenders.data.attributes.kinds.year import read_years
from recommenders.data.splits import Case
from recommenders.data.tables import UserState
from recommenders.evaluation import metrics

Text = Annotated[str, Field(max_length=40)]
Texts = Annotated[list[Text], Field(max_length=2)]
TOKENS = 120
OPINIONS = {"like": "liked", "dislike": "disliked", "seen": "seen"}
TOLD = """You read what a person says to a film recommender and answer with one JSON object.
intent: recommend (wants films), similar (wants films like one), explain (why a film was picked), compare (two films), \
ask_item (a question about a film), feedback (liked, disliked or saw a film), feedback_and_request (both), chat \
(small talk), stop (goodbye), elsewhere (not about films).
titles: films named. opinion: what is said of them. genres, people, language, years, count, wish: what is asked for. \
without: what is not wanted. reference: words that point at films shown before. Leave empty what is not said."""


class Said(BaseModel):
    """Flat and short: a small model loses its way in more."""

    intent: Annotated[str, Field(json_schema_extra={"enum": list(INTENTS)})]
    titles: Texts
    opinion: Literal["", "like", "dislike", "seen"]
    genres: Texts
    without: Texts
    people: Texts
    language: Text
    years: Text
    count: Annotated[int, Field(ge=0, le=10)]
    wish: Text
    reference: Text


def _answer(m: Message) -> str:
    """What the model should have said, from a composed message."""

    def said(*kinds: str) -> list[str]:
        return [m.text[s.start : s.end] for s in m.spans if s.kind in kinds][:2]

    opinion = next((o for k, o in (("good", "like"), ("bad", "dislike"), ("seen", "seen")) if said(k)), "")
    counts = [s.value for s in m.spans if s.kind == "count"]
    one = {kind: (said(kind) or [""])[0] for kind in ("language", "years", "wish", "ref")}
    value = {
        "intent": m.intent, "titles": said("like", "good", "bad", "seen", "title"), "opinion": opinion,
        "genres": said("genre"), "without": said("no_genre", "no_person", "no_content"), "people": said("person"),
        "language": one["language"], "years": one["years"], "count": counts[0] if counts else 0, "wish": one["wish"],
        "reference": one["ref"],
    }  # fmt: skip
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def examples(messages: Sequence[Message]) -> list[BaseMessage]:
    """One exchange an intent: the first message of each that has slots, where there is one."""
    found: list[BaseMessage] = []
    for intent in INTENTS:
        some = [m for m in messages if m.intent == intent]
        one = next((m for m in some if m.spans), some[0])
        found += [HumanMessage(one.text), AIMessage(_answer(one))]
    return found


def read(model: EmbeddedChat, shots: Sequence[BaseMessage], message: Message, names: Linker) -> Heard:
    """The model's reading, its words linked to the catalogue as the encoder's are; "unusable" where its answer does not
    end within its tokens."""
    prompt = [SystemMessage(TOLD), *shots, HumanMessage(message.text)]
    began = time.process_time()
    try:
        said = structured.generate(model, prompt, Said, repairs=0, max_tokens=TOKENS).value
    except MalformedOutput:
        return Heard("unusable", {}, time.process_time() - began)
    seconds = time.process_time() - began
    laid = table(message)
    rows: set[object] = {known[0] for words in said.titles if (known := names.items(words))}
    pointed = references.find(said.reference, laid) if said.reference else None
    rows |= set(pointed.items) if pointed else set()
    place = "like" if said.intent == "similar" else OPINIONS.get(said.opinion, "items")
    ages = names.catalogue.years
    when = read_years(said.years, (), ages[list(laid.shown)], ages)
    found: dict[str, set[object]] = {
        place: rows,
        "genres": {n for words in said.genres for n in names.genre(words)},
        "without_genres": {n for words in said.without for n in names.genre(words)},
        "people": {n for words in said.people for n in names.person(words)},
        "without_people": {n for words in said.without for n in names.person(words)},
        "without_content": {n for words in said.without if (n := slots.note(words))},
        "languages": set(names.language(said.language)),
        "years": {(when.year_from, when.year_to)} if when.year_from or when.year_to else set(),
        "count": {said.count} if said.count else set(),
        "wish": set(wish(said.wish)),
    }
    return Heard(said.intent, {n: frozenset(v) for n, v in found.items() if v}, seconds)


def picks(model: EmbeddedChat, recommender: Recommender, cases: Sequence[Case], *, n: int = 10) -> dict[str, object]:
    """Where the withheld film comes to stand among the recommender's first n, in its own order and in the model's.

    Only cases that have it among the n. The list is shown in two shuffled orders: a model that reads it picks the same
    films twice; one that takes what stands first does not.
    """
    catalogue = recommender.catalogue
    own, by_model, first_half, alike = [], [], [], []
    for number, (state, item) in enumerate(cases):
        best = [i for i, _ in recommender.recommend(state, n)]
        lists = [random.Random(f"{number} {again}").sample(best, n) for again in range(2)]
        asked = [
            prompts.messages(
                "rank",
                noun="films",
                liked=[catalogue.label(i) for i in state.items[-8:]],
                labels=[f"{catalogue.label(i)}: {', '.join(catalogue.genres[i])}" for i in listed],
            )
            for listed in lists
        ]
        orders = []
        for listed, prompt in zip(lists, asked, strict=True):
            answer = model.invoke(to_chat(prompt), regex=order_pattern(n, n), max_tokens=6 * n)
            said = [listed[x - 1] for x in order(answer.text, n)]
            orders.append([*said, *(i for i in listed if i not in said)])
            first_half.append(np.mean([listed.index(i) < n // 2 for i in orders[-1][:5]]))
        alike.append(len(set(orders[0][:5]) & set(orders[1][:5])) / 5)
        own.append(metrics.ndcg(np.array([best]), [{item}], 5)[0])
        by_model.append(np.mean([metrics.ndcg(np.array([o]), [{item}], 5)[0] for o in orders]))
    lost = np.array(by_model) - np.array(own)
    return {
        "cases": len(own),
        "ndcg@5 of the recommender's order": float(np.mean(own)),
        "ndcg@5 of the model's order": float(np.mean(by_model)),
        "difference": {"value": float(lost.mean()), "interval": list(metrics.interval(lost))},
        "share of picks from the first half of the list": float(np.mean(first_half)),
        "share of picks that stay": float(np.mean(alike)),
    }


def spoken(model: EmbeddedChat, messages: Sequence[Message], names: Linker) -> dict[str, object]:
    """How many of the model's opening sentences pass the check against what the recommender knows."""
    voice = Voice(names.catalogue, UserState(()), 4.0, "ease")
    passed = []
    for message in messages:
        wants = understand(message.text, table(message), names).wants
        rows = tuple(names.catalogue.ids.number(i) for i in wants.like)
        request = Request(wish=wants.wish, like=rows, conditions=wants.conditions)
        before, behind = wording.asked(voice, request)
        facts = " ".join(filter(None, ["5", before, "films", ", ".join(behind)]))
        prompt = build("opening", Contexts(query=facts), 2000, facts=facts, noun="films")
        answer = model.invoke(to_chat(prompt.messages), stop=["\n"], max_tokens=40)
        first = sentences(answer.text)[:1]
        passed.append(bool(first) and check(first[0], evidence.for_opening(voice, request, 5)).ok)
    return {"sentences": len(passed), "grounded": share(passed, range(len(passed)))}


def requests(messages: Sequence[Message], names: Linker) -> Iterator[Message]:
    """Requests that rules take for such, with something in them."""
    for message in messages:
        u = understand(message.text, table(message), names)
        if u.action == message.intent == "recommend" and u.wants and "Nobody" not in u.wants.names("people"):
            yield message
