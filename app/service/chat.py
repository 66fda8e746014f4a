"""Conversations as the UI, the terminal and the benchmarks hold them: the store and the controller joined.

One `Chat` serves all sessions and threads: it keeps nothing of any conversation, everything is in the store. A turn is
a generator of typed events; what it says is written to the store while it comes, so a turn that is stopped, abandoned
or killed keeps what it had said.
"""

import logging
import threading
from collections.abc import Iterator, Sequence

from langchain_core.language_models import BaseChatModel

from app.errors import AppError, LLMError, NotFound, NothingToRepeat, RecommenderError, UnusableBackend
from app.events import Done, Fallback, TakenAway, Token, TurnEvent
from app.scorer import NAMES, Rankers
from app.service import export
from app.service.followups import follow_ups
from app.service.learning import Online, asked_more_like
from app.service.people import label
from app.service.recorder import Recorder
from app.service.store import Conversation, Feedback, Message, Profile, Saved, Store
from app.service.typed import checked
from app.service.workbench import Workbench
from app.settings import Settings
from app.turn import Parts, Turn, TurnContext, asks, run_turn
from app.wants import NOTHING, Piece, Wants, pieces
from llm.backends import BackendInfo, available
from recommenders.data import FeedbackKind, UserState

_log = logging.getLogger(__name__)


class Chat:
    """Everything that a person can do with conversations. AppError and its kinds say what went wrong, for people."""

    def __init__(self, workbench: Workbench, store: Store, settings: Settings) -> None:
        self.workbench, self.store, self.settings = workbench, store, settings
        self.online = Online(workbench, store, settings)
        self.llm_rankers = Rankers(workbench, settings)

    # -- people -----------------------------------------------------------------------------------------------------

    def person(self, user_id: str | None = None, name: str = "") -> Profile:
        """One of the data set's users (the same profile every time), or somebody new. UnknownItem: no such user."""
        if user_id is None:
            name = name or f"Person {1 + sum(p.user_id is None for p in self.store.profiles(self.settings.dataset))}"
        else:
            name = label(self.workbench.dataset, user_id)
        return self.store.add_profile(name, self.settings.dataset, user_id)

    def remembered(self, name: str) -> Profile:
        """The person of this name, no user of the data set; made where there is none. The latest to come of several."""
        known = [p for p in self.store.profiles(self.settings.dataset) if p.user_id is None and p.name == name]
        return known[0] if known else self.person(name=name)

    def state(self, profile: Profile) -> UserState:
        """The person as the recommenders see them now."""
        given = self.store.feedback(profile.id, profile.dataset)
        by_kind = {kind: [f.item_id for f in given if f.kind == kind] for kind in ("like", "dislike", "seen")}
        return self.workbench.state(profile.user_id, by_kind["like"], by_kind["dislike"], by_kind["seen"])

    def _liked_since(self, profile: Profile, begin: float) -> tuple[int, ...]:
        """What the person liked, by word or by button, since a conversation began; the latest last."""
        ids = self.workbench.catalogue.ids
        given = sorted((f for f in self.feedback(profile) if f.kind == "like" and f.at >= begin), key=lambda f: f.at)
        return tuple(ids.number(f.item_id) for f in given if f.item_id in ids)

    def feedback(self, profile: Profile) -> list[Feedback]:
        return self.store.feedback(profile.id, profile.dataset)

    def remember(self, profile: Profile, item_id: str, kind: FeedbackKind) -> None:
        """UnknownItem when the catalogue does not have it; the last word on an item wins."""
        self.workbench.catalogue.ids.number(item_id)
        self.store.set_feedback(profile.id, profile.dataset, item_id, kind)
        self.online.judged(profile, [item_id])

    def forget(self, profile: Profile, item_id: str | None = None) -> int:
        """Take back what was said of one item, or of all of them."""
        given = [f.item_id for f in self.feedback(profile) if item_id in (None, f.item_id)]
        forgotten = self.store.undo_feedback(profile.id, profile.dataset, item_id)
        self.online.judged(profile, given)
        return forgotten

    def save(self, profile: Profile, item_id: str) -> None:
        """Keep an item for later; no opinion, and recommended as before. UnknownItem: the catalogue lacks it."""
        self.workbench.catalogue.ids.number(item_id)
        self.store.save(profile.id, profile.dataset, item_id)

    def unsave(self, profile: Profile, item_id: str) -> None:
        self.store.unsave(profile.id, profile.dataset, item_id)

    def saved(self, profile: Profile) -> list[Saved]:
        """What the person keeps for later, the first saved first."""
        return self.store.saved(profile.id, profile.dataset)

    # -- conversations ----------------------------------------------------------------------------------------------

    def start(
        self,
        profile: Profile,
        *,
        backend: str | None = None,
        generator: str | None = None,
        ranker: str | None = "default",
    ) -> Conversation:
        """A new conversation; parts that are not named are those of the settings. `ranker` None for none."""
        s = self.settings
        chosen = s.ranker if ranker == "default" else ranker
        return self.store.add_conversation(
            profile.id,
            profile.dataset,
            backend or s.backend,
            generator or s.generator,
            None if chosen in (None, "", "none") else chosen,
        )

    def conversations(self, titled: str = "") -> list[Conversation]:
        """Those about the data set that is served, the latest used first; `titled`: with these words in the title."""
        return self.store.conversations(self.settings.dataset, titled=titled)

    def conversation(self, conversation_id: str) -> Conversation:
        return self.store.conversation(conversation_id)

    def resumed(self, conversation_id: str) -> Conversation:
        """The conversation of this id, or the one that was used last ("last"). NotFound where there is none."""
        if conversation_id != "last":
            return self.conversation(conversation_id)
        known = self.conversations()
        if not known:
            raise NotFound("there is no conversation to go on with yet")
        return known[0]

    def profile_of(self, conversation: Conversation) -> Profile:
        return self.store.profile(conversation.profile_id)

    def messages(self, conversation_id: str) -> list[Message]:
        return self.store.messages(conversation_id)

    def rename(self, conversation_id: str, title: str) -> None:
        self.store.rename(conversation_id, title)

    def delete(self, conversation_id: str) -> None:
        self.store.delete_conversation(conversation_id)

    def rankers(self) -> list[str]:
        """Everything that can rank here: what is trained, and the language model."""
        return [*self.workbench.rankers(), *self.llm_rankers.names()]

    def use(self, conversation_id: str, *, backend: str, generator: str, ranker: str | None) -> None:
        """Swap parts; the next turn works with them. UnknownBackend, UnknownRecommender for names that do not exist."""
        available.describe(backend, self.settings.llm)
        self._check_trained(generator, ranker)
        self.store.set_parts(conversation_id, backend=backend, generator=generator, ranker=ranker)

    def check_parts(
        self, *, backend: str | None = None, generator: str | None = None, ranker: str | None = None
    ) -> None:
        """Whether the named parts can be used here; None for those that are not named. AppError or LLMError if not."""
        if backend is not None:
            info = available.describe(backend, self.settings.llm)
            if not info.usable:
                raise UnusableBackend(f"{backend} cannot be used: {info.reason}")
        self._check_trained(generator, None if ranker == "none" else ranker)

    def swap(
        self,
        conversation: Conversation,
        *,
        backend: str | None = None,
        generator: str | None = None,
        ranker: str | None = None,
    ) -> None:
        """Likewise of the parts that are named; the others stay. `ranker` "none" for none."""
        self.check_parts(backend=backend, generator=generator, ranker=ranker)
        if (backend, generator, ranker) == (None, None, None):
            return
        self.store.set_parts(
            conversation.id,
            backend=backend or conversation.backend,
            generator=generator or conversation.generator,
            ranker=conversation.ranker if ranker is None else None if ranker == "none" else ranker,
        )

    def _check_trained(self, generator: str | None, ranker: str | None) -> None:
        for name, known in ((generator, self.workbench.generators()), (ranker, self.rankers())):
            if name is not None and name not in known:
                raise AppError(f"{name!r} is not trained for {self.settings.dataset}; trained: {', '.join(known)}")

    def export_markdown(self, conversation_id: str) -> str:
        whole = self._whole(conversation_id)
        return export.markdown(*whole, [title for _, title in self._kept(whole[1])])

    def export_json(self, conversation_id: str) -> str:
        whole = self._whole(conversation_id)
        return export.as_json(*whole, self._kept(whole[1]))

    def _kept(self, profile: Profile) -> list[tuple[str, str]]:
        """Id and title of what a person saved; of what is no longer in the catalogue the id alone."""
        c = self.workbench.catalogue
        ids = [s.item_id for s in self.saved(profile)]
        return [(i, c.label(c.ids.number(i)) if i in c.ids else i) for i in ids]

    def _whole(self, conversation_id: str) -> tuple[Conversation, Profile, list[Message]]:
        conversation = self.store.conversation(conversation_id)
        return conversation, self.profile_of(conversation), self.store.messages(conversation_id, replaced=True)

    # -- turns ------------------------------------------------------------------------------------------------------

    def send(self, conversation_id: str, text: str, stop: threading.Event) -> Iterator[TurnEvent]:
        """Store what the person typed, at once; the events of the answer come from the iterator.

        MessageTooLong and NothingToRepeat before anything is stored or read.
        """
        message = self.store.add_message(conversation_id, checked(text))
        return self._answer(message, stop)

    def regenerate(self, conversation_id: str, stop: threading.Event) -> Iterator[TurnEvent]:
        """Answer the last message again, with the parts and the feedback of now; the old answer stays stored."""
        asked = self._last_asked(conversation_id)
        self.store.replace_from(conversation_id, asked.position + 1)
        return self._answer(asked, stop)

    def edit_last(self, conversation_id: str, text: str, stop: threading.Event) -> Iterator[TurnEvent]:
        """Put `text` in the place of the last message and answer it; what it replaces stays stored."""
        typed, replaced = checked(text), self._last_asked(conversation_id)
        message = self.store.add_message(conversation_id, typed, instead_of=replaced.position)
        return self._answer(message, stop)

    def in_force(self, messages: Sequence[Message]) -> tuple[Piece, ...]:
        """What the latest request of a dialogue asks for, piece by piece: what a follow-up keeps to, and what may be
        taken away."""
        return pieces(_latest_wants(messages), self.workbench.catalogue.schema, self.label)

    def follow_ups(self, messages: Sequence[Message]) -> list[str]:
        """Messages that may sensibly come after the latest answer."""
        shown = messages[-1].item_ids if messages and messages[-1].role == "assistant" else ()
        return follow_ups(self.workbench.catalogue, shown, _latest_wants(messages))

    def take_away(self, conversation_id: str, said: str, stop: threading.Event) -> Iterator[TurnEvent]:
        """Answer anew without one piece of what is in force. NotFound where nothing of these words is."""
        piece = next((p for p in self.in_force(self.messages(conversation_id)) if p.said == said), None)
        if piece is None:
            raise NotFound(f"“{said}” is not in force any more")
        event = TakenAway(said=piece.said, words=piece.words, wants=piece.rest)
        message = self.store.add_message(conversation_id, f"Never mind “{piece.said}”", events=[event])
        return self._answer(message, stop)

    def label(self, item_id: str) -> str:
        """Title and year of an item; its id where the catalogue has it no more."""
        c = self.workbench.catalogue
        return c.label(c.ids.number(item_id)) if item_id in c.ids else item_id

    def load_model(self, backend: str) -> tuple[BackendInfo, BaseChatModel, str]:
        """The language model, and "" or why a stand-in takes its place, with which the rules answer."""
        try:
            return available.describe(backend, self.settings.llm), available.load(backend, self.settings.llm), ""
        except LLMError as error:
            why = str(error)
            return BackendInfo(backend, "absent", backend, False, why, False, False), available.absent(why), why

    def parts(self, conversation: Conversation, stop: threading.Event | None = None) -> tuple[Parts, str]:
        """What the next turn works with, and "" or why the language model is not among it. A set `stop` ends what a
        language model that ranks is at. Where the generator is not trained yet another one stands in."""
        generator, ranker = self.workbench.standing_in(conversation.generator), conversation.ranker
        pipeline = self.workbench.pipeline(generator, None if ranker in NAMES else ranker)
        info, model, why = self.load_model(conversation.backend)
        if ranker in NAMES:
            pipeline = self.llm_rankers.pipeline(pipeline, ranker, model, stop)
        pipeline, explorer = self.online.serving(pipeline)
        return Parts(info, model, pipeline, generator, ranker, explorer), why

    def _answer(self, asked: Message, stop: threading.Event) -> Iterator[TurnEvent]:
        answer = self.store.begin_answer(asked.conversation_id)
        liked: list[str] = []
        with Recorder(self.store, answer.id) as recorder:
            for event in self._events(asked, stop):
                recorder.take(event)
                liked += asked_more_like([event])
                yield event
        if liked:  # after the recorder has written: verdicts are read from the store
            self.online.judged(self.profile_of(self.conversation(asked.conversation_id)), liked)

    def _events(self, asked: Message, stop: threading.Event) -> Iterator[TurnEvent]:
        try:
            conversation = self.store.conversation(asked.conversation_id)
            profile = self.store.profile(conversation.profile_id)
            parts, missing = self.parts(conversation, stop)
            context = TurnContext(
                dialogue=tuple(
                    Turn(m.role, m.text, m.item_ids, m.events)
                    for m in self.store.messages(conversation.id)
                    if m.position < asked.position or (m.position == asked.position and m.events)
                ),
                state=self.state(profile),
                profile_label=profile.name if profile.user_id is not None else "new user",
                remember=lambda item_id, kind: self.remember(profile, item_id, kind),
                renew=lambda: self.state(profile),
                liked=self._liked_since(profile, conversation.created),
            )
            if missing:
                yield Fallback(step="load", why=missing)
            pressed = next((e.wants for e in asked.events if isinstance(e, TakenAway)), None)
            yield from run_turn(asked.text, context, parts, self.settings, stop=stop, wants=pressed)
        except (AppError, RecommenderError, LLMError) as error:
            yield from _failed(str(error))
        except Exception as error:  # a fault of this program: the person sees that it happened, the log says where
            _log.exception("the turn failed")
            yield from _failed(f"Something went wrong inside ({type(error).__name__}: {error}). The log says more.")

    def _last_asked(self, conversation_id: str) -> Message:
        for message in reversed(self.store.messages(conversation_id)):
            if message.role == "user":
                return message
        raise NothingToRepeat("there is no message in this conversation yet")


def _failed(text: str) -> Iterator[TurnEvent]:
    yield Token(text=text)
    yield Done(status="failed", reply=text)


def _latest_wants(messages: Sequence[Message]) -> Wants:
    return next((e.wants for m in reversed(messages) for e in reversed(m.events) if asks(e)), NOTHING)
