"""The embedded backend: a GGUF model in this process, on OpenVINO GenAI. No key, no server, no network.

Why this runtime: docs/decisions/0002-embedded-runtime.md. One pipeline serves all sessions of the process; calls wait
for each other, because on a few cores two answers at once take as long as one after the other and both start later.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage
from pydantic import PrivateAttr

from app.errors import BackendFailed, PromptTooLong
from llm.backends import compiled
from llm.backends.local import Counts, LocalChat, Sampling, plain_messages
from llm.backends.stop_words import StopWords

CACHE_GB = 1  # of keys and values that the prefix cache may hold
BLOCK = 32  # tokens of one block of that cache: a prefix is reused in whole blocks
REMEMBERED = 30_000  # tokens of prompts that count as cached: fewer than that cache holds of either model
_END = object()


class EmbeddedChat(LocalChat):
    """`path` names the GGUF file; `context` is how many tokens prompt and answer may have together."""

    path: Path
    context: int
    device: str = "CPU"
    threads: int | None = None

    _pipeline: Any = PrivateAttr(default=None)
    _tokenizer: Any = PrivateAttr(default=None)
    _turn: threading.Lock = PrivateAttr(default_factory=threading.Lock)
    _loading: threading.Lock = PrivateAttr(default_factory=threading.Lock)
    _prompts: deque[list[int]] = PrivateAttr(default_factory=deque)

    @property
    def _llm_type(self) -> str:
        return "chatrec-embedded"

    def warm(self) -> None:
        """Load the model now instead of at the first call (about four seconds for the 135M model)."""
        with self._loading:
            if self._pipeline is None:
                if not self.path.is_file():
                    raise BackendFailed(f"no weights in {self.path}: chatrec models get {self.model_name}")
                import openvino_genai

                scheduler = openvino_genai.SchedulerConfig()
                scheduler.enable_prefix_caching = True
                scheduler.cache_size = CACHE_GB
                options = {} if self.threads is None else {"INFERENCE_NUM_THREADS": self.threads}

                def open_(path: Path, **more: Any) -> Any:
                    return openvino_genai.LLMPipeline(
                        str(path), self.device, scheduler_config=scheduler, **options, **more
                    )

                pipeline = compiled.load(self.path, open_)
                self._tokenizer = pipeline.get_tokenizer()
                # The first array that the runtime hands to Python makes a C++ static that waits for the interpreter's
                # lock; two threads that are first at once wait for each other for ever. So it is made here, alone.
                self._ids("once")
                self._pipeline = pipeline

    def get_num_tokens(self, text: str) -> int:
        self.warm()
        return len(self._ids(text))

    def _ids(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).input_ids.data[0].tolist()

    def _pieces(
        self, messages: list[dict[str, str]], sampling: Sampling, cancel: threading.Event
    ) -> Iterator[str | Counts]:
        self.warm()
        prompt = self._tokenizer.apply_chat_template(messages, add_generation_prompt=True)
        ids = self._ids(prompt)
        if len(ids) + sampling.max_tokens > self.context:
            raise PromptTooLong(
                f"the prompt has {len(ids)} tokens and {sampling.max_tokens} may be answered; {self.model_name} holds "
                f"{self.context} together. Shorten the prompt or lower max_tokens."
            )
        closed = threading.Event()
        while not self._turn.acquire(timeout=0.02):
            if cancel.is_set():
                yield Counts(len(ids), 0, 0, False)
                return
        try:
            cached = self._cached(ids)
            decoded: queue.SimpleQueue[Any] = queue.SimpleQueue()
            worker = threading.Thread(
                target=self._decode, args=(prompt, sampling, cancel, closed, decoded), name="decode", daemon=True
            )
            worker.start()
            try:
                while (piece := decoded.get()) is not _END:
                    if isinstance(piece, BaseException):
                        raise piece
                    if isinstance(piece, int):
                        self._remember(ids)
                        yield Counts(len(ids), piece, cached, piece >= sampling.max_tokens)
                    else:
                        yield piece
            finally:
                closed.set()
                worker.join()
        finally:
            self._turn.release()

    def answers(self, prompts: Sequence[Sequence[BaseMessage]], *, max_tokens: int) -> list[str]:
        """Greedy answers to many prompts decoded side by side: 16 at once give five times the tokens a CPU second."""
        self.warm()
        import openvino_genai as genai

        whole = [
            self._tokenizer.apply_chat_template(plain_messages(prompt), add_generation_prompt=True)
            for prompt in prompts
        ]
        longest = max((len(self._ids(prompt)) for prompt in whole), default=0)
        if longest + max_tokens > self.context:
            raise PromptTooLong(
                f"a prompt has {longest} tokens and {max_tokens} may be answered; {self.model_name} holds "
                f"{self.context} together. Shorten the prompt or lower max_tokens."
            )
        config = genai.GenerationConfig()
        config.apply_chat_template = False
        config.max_new_tokens = max_tokens
        with self._turn:
            return list(self._pipeline.generate(whole, config).texts) if whole else []

    def _decode(
        self,
        prompt: str,
        sampling: Sampling,
        cancel: threading.Event,
        closed: threading.Event,
        decoded: "queue.SimpleQueue[Any]",
    ) -> None:
        """Runs in a thread of its own: the runtime calls back for each token and the caller reads the queue."""
        import openvino_genai as genai

        words = StopWords(sampling.stop)

        class Streamer(genai.StreamerBase):
            """Called for each token; decodes it in the context of those before it, whole characters only."""

            def __init__(self, decode: Callable[[list[int]], str]) -> None:
                super().__init__()
                self.decode, self.ids, self.shown, self.context = decode, list[int](), 0, 0

            def write(self, token: int | Sequence[int]) -> Any:
                self.ids.extend([token] if isinstance(token, int) else token)
                before = self.decode(self.ids[self.context : self.shown])
                after = self.decode(self.ids[self.context :])
                if len(after) > len(before) and not after.endswith("\ufffd"):
                    self.show(words.push(after[len(before) :]))
                    self.context, self.shown = self.shown, len(self.ids)
                if cancel.is_set() or closed.is_set():
                    return genai.StreamingStatus.CANCEL
                return genai.StreamingStatus.STOP if words.met else genai.StreamingStatus.RUNNING

            def end(self) -> None:
                """Shows what is left: a character that the answer broke off in the middle of."""
                before = self.decode(self.ids[self.context : self.shown])
                after = self.decode(self.ids[self.context :])
                self.show(words.push(after[len(before) :]) + words.rest())

            def show(self, text: str) -> None:
                if text:
                    decoded.put(text)

        try:
            config = genai.GenerationConfig()
            config.apply_chat_template = False
            config.max_new_tokens = sampling.max_tokens
            config.rng_seed = sampling.seed
            if sampling.temperature > 0:
                config.do_sample = True
                config.temperature = sampling.temperature
            if sampling.pattern is not None:
                config.structured_output_config = genai.StructuredOutputConfig(regex=sampling.pattern)
            streamer = Streamer(self._tokenizer.decode)
            self._pipeline.generate([prompt], config, streamer=streamer)
            decoded.put(len(streamer.ids))
        except BaseException as error:
            decoded.put(error)
        finally:
            decoded.put(_END)

    def _remember(self, ids: list[int]) -> None:
        self._prompts.append(ids)
        while sum(map(len, self._prompts)) > REMEMBERED and len(self._prompts) > 1:
            self._prompts.popleft()

    def _cached(self, ids: list[int]) -> int:
        """Prompt tokens that the prefix cache serves, in whole blocks.

        The runtime does not report them: this counts the longest prefix shared with a prompt that it had not long ago.
        What it keeps of its own answers is left out, so the figure is rather too low than too high.
        """
        longest = max((_common(ids, earlier) for earlier in self._prompts), default=0)
        return min(longest, len(ids) - 1) // BLOCK * BLOCK


def _common(a: list[int], b: list[int]) -> int:
    """How many tokens two prompts have in common at their start."""
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
