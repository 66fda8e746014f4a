"""The typed events of a turn: the only thing that the controller says. The UI draws from them, the store keeps them.

Every event is a frozen pydantic model with a `kind`, so that a stored trace is read back by `TurnEvent` alone.
`seconds` is the duration of the step that the event ends.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from app.wants import NOTHING, Wants

Purpose = Literal["decide", "rerank", "reply", "repair"]
"""What the language model is asked for."""


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True)
    seconds: float = 0.0


class Started(_Event):
    """The turn began; the user's message is already stored. Parts in use, by name."""

    kind: Literal["started"] = "started"
    backend: str
    generator: str
    ranker: str | None
    leads: Literal["model", "rules"]  # who steers this turn


class TakenAway(_Event):
    """Stored with a message that nobody typed: the person pressed away one thing that was in force.

    said   what it was, for people; words: the person's own for it, "" where nobody said them
    wants  what is left of the request; the answer is made from this and not from the text
    """

    kind: Literal["taken away"] = "taken away"
    said: str
    words: str = ""
    wants: Wants = NOTHING


class PromptBuilt(_Event):
    """A prompt as it goes to the model, whole, and what the token budget cut from it."""

    kind: Literal["prompt"] = "prompt"
    purpose: Purpose
    messages: list[dict[str, str]]  # {"role", "content"}
    estimated_tokens: int = 0
    shortened: list[str] = []  # e.g. "dialogue: oldest 4 messages left out"


class ModelAnswered(_Event):
    """One call of the LLM ended. Tokens as the backend counts them; cached = prompt tokens from the prefix cache."""

    kind: Literal["model"] = "model"
    purpose: str
    text: str
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    first_token_seconds: float | None = None


class Decision(_Event):
    """What this turn will do, who decided, and what was understood of the message."""

    kind: Literal["decision"] = "decision"
    action: Literal["recommend", "similar", "explain", "compare", "ask_item", "feedback", "clarify", "chat", "stop"]
    by: Literal["model", "rules", "encoder", "person"]
    second: str = ""  # who else read the message, and whether it agreed
    wants: Wants = NOTHING  # what is to be shown
    items: list[str] = []  # ids of the items that the message is about
    understood: list[str] = []  # for people: "genre: Horror", "before 1980"
    unmatched: list[str] = []  # what the catalogue does not know: "person 'Al Pacino': this catalogue has no people"
    along: bool = False  # picks come along though the message asked for none; `wants` are theirs


class ToolCalled(_Event):
    kind: Literal["tool"] = "tool"
    name: str
    arguments: dict[str, object] = {}
    summary: str = ""  # one line for people
    error: str = ""


_RENAMED = {"crowd": "popularity"}  # sources of a pipeline as stored traces may still call them


class Place(BaseModel):
    """Where one stage put an item (1-based rank, raw score)."""

    model_config = ConfigDict(frozen=True)
    source: Annotated[str, AfterValidator(lambda source: _RENAMED.get(source, source))]
    rank: int
    score: float


class CandidatesFound(_Event):
    """Candidates in recommender order; travel as ids."""

    kind: Literal["candidates"] = "candidates"
    item_ids: list[str]
    qualified: int
    generator: str
    ranker: str | None
    note: str = ""
    stages: dict[str, float] = {}


class Interleaved(_Event):
    """The candidates are two lists in one: of a network and of the one it explores, so that feedback tells which is
    better. What is needed to learn from it later, whatever became of this process: the model and which training of it,
    the seed of the exploration, and the network that each candidate came from."""

    kind: Literal["interleaved"] = "interleaved"
    model: str
    run: str
    seed: int
    origins: dict[str, Literal["current", "explored"]]  # by item id


class Reranked(_Event):
    """The order after the LLM's choice; `by` rules when the model had no say or its answer was refused."""

    kind: Literal["reranked"] = "reranked"
    item_ids: list[str]
    by: Literal["model", "rules"]
    refused: list[str] = []  # what the model named that was no candidate, repeated, ...
    places: list[int] = []  # where each pick stood in the prompt: tells whether the model only takes the first


class Reason(BaseModel):
    """One checkable statement shown with an item, and the evidence that it rests on."""

    model_config = ConfigDict(frozen=True)
    text: str
    evidence: dict[str, object] = {}


class ItemShown(_Event):
    """One pick, in order: a row of the catalogue with its reasons."""

    kind: Literal["item"] = "item"
    item_id: str
    position: int  # 1-based, "the second one"
    title: str
    year: int | None = None
    genres: list[str] = []
    reasons: list[Reason] = []
    standing_out: Reason | None = None  # what tells it from the other picks of the same answer
    places: list[Place] = []


class Token(_Event):
    """A piece of visible reply text."""

    kind: Literal["token"] = "token"
    text: str


class Fallback(_Event):
    """The model was bypassed for a step; `why` is shown to the user, `detail` in the trace."""

    kind: Literal["fallback"] = "fallback"
    step: str
    why: str
    detail: str = ""


class Refused(_Event):
    """A sentence or an item that did not pass its check and was not shown; `violation` for an item at the gate."""

    kind: Literal["refused"] = "refused"
    text: str
    why: str
    violation: bool = False


class Done(_Event):
    """The turn is over. `reply` is the whole visible text as stored; `seconds` the whole turn."""

    kind: Literal["done"] = "done"
    status: Literal["done", "stopped", "failed"] = "done"
    reply: str = ""
    item_ids: list[str] = []
    seconds_in_model: float = 0.0
    first_visible_seconds: float | None = None
    violations: int = 0  # items withheld because an invariant would have been broken; must stay 0


TurnEvent = Annotated[
    Started
    | TakenAway
    | PromptBuilt
    | ModelAnswered
    | Decision
    | ToolCalled
    | CandidatesFound
    | Interleaved
    | Reranked
    | ItemShown
    | Token
    | Fallback
    | Refused
    | Done,
    Field(discriminator="kind"),
]

_GONE = frozenset({"replaced"})  # kinds that earlier versions stored; the text of the message says all that they did


def _of_today(stored: object) -> object:
    """A trace as this version reads it: events of kinds that are gone are left out."""
    if not isinstance(stored, list):
        return stored
    return [e for e in stored if not (isinstance(e, dict) and e.get("kind") in _GONE)]


TRACE: TypeAdapter[list[TurnEvent]] = TypeAdapter(Annotated[list[TurnEvent], BeforeValidator(_of_today)])
"""The events of a turn as they are stored; reads what earlier versions stored."""
