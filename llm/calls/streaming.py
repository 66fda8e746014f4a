"""One model call with deadlines and a stop request, whatever the backend does meanwhile."""

import queue
import re
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage

from app.errors import BackendFailed, BackendTimeout, LLMError

POLL_SECONDS = 0.02
_END = object()


def stream(
    model: BaseChatModel,
    messages: Sequence[BaseMessage],
    *,
    stop: threading.Event | None = None,
    first_token_seconds: float | None = None,
    total_seconds: float | None = None,
    **kwargs: Any,
) -> Iterator[AIMessageChunk]:
    """The chunks of the model's answer, as they come.

    The model runs in a thread of its own, so a dead one cannot hold the turn. BackendTimeout when no chunk came within
    `first_token_seconds` or the answer is not over after `total_seconds`; BackendFailed when the model raises; quietly
    over when `stop` is set. At either end a model of ours (`stoppable`) is told so and ends within one token; the
    stream of any other is closed after the chunk it is at.
    """
    chunks: queue.SimpleQueue[object] = queue.SimpleQueue()
    over = threading.Event()

    if getattr(model, "stoppable", False):
        kwargs["stop_event"] = over

    def run() -> None:
        try:
            source = model.stream(list(messages), **kwargs)
            for chunk in source:
                if over.is_set():
                    close = getattr(source, "close", None)
                    if close is not None:
                        close()
                    break
                chunks.put(chunk)
            chunks.put(_END)
        except BaseException as error:
            chunks.put(error)

    began = time.monotonic()
    first = False
    threading.Thread(target=run, name="model call", daemon=True).start()
    try:
        while True:
            if stop is not None and stop.is_set():
                return
            _hold_deadlines(time.monotonic() - began, None if first else first_token_seconds, total_seconds)
            try:
                got = chunks.get(timeout=POLL_SECONDS)
            except queue.Empty:
                continue
            if got is _END:
                return
            first = True
            yield _chunk(got)
    finally:
        over.set()


def _hold_deadlines(waited: float, first_token_seconds: float | None, total_seconds: float | None) -> None:
    if first_token_seconds is not None and waited > first_token_seconds:
        raise BackendTimeout(f"no first token within {first_token_seconds:.3g} s")
    if total_seconds is not None and waited > total_seconds:
        raise BackendTimeout(f"no complete answer within {total_seconds:.3g} s")


def _chunk(got: object) -> AIMessageChunk:
    """What the thread put into the queue, if it is a chunk; else what went wrong is raised."""
    if isinstance(got, LLMError):
        raise got
    if isinstance(got, BaseException):
        raise BackendFailed(f"{type(got).__name__}: {_short(got)}") from got
    assert isinstance(got, AIMessageChunk)
    return got


_SECRETS = re.compile(
    r"""\bsk-[\w-]+ | \b(?:Bearer|Basic)\s+[^\s'"]+ | (?<=://)[^\s/@]+:[^\s/@]+(?=@)
    | \b(?:[\w-]*api[_-]?key|[\w-]*token|authorization|password|secret)\b['"]?\s*[:=]\s*['"]?
      (?:(?:Bearer|Basic)\s+)?[^\s'"&,}]+""",
    re.IGNORECASE | re.VERBOSE,
)


def _short(error: BaseException) -> str:
    """The first line of what an exception says, without anything that looks like a key."""
    said = (str(error).strip().splitlines() or [""])[0]
    return _SECRETS.sub("***", said)[:300]
