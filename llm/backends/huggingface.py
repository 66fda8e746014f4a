"""Any causal language model of transformers, from a local folder or by its hub name.

The decoding loop is written out, because three things must hold that `generate` does not give together: stopping
within one token, decoding under a regular expression (outlines-core), and keys and values kept from call to call, so
that the common start of two prompts is computed once.
"""

import threading
from collections.abc import Iterator
from typing import Any

from pydantic import PrivateAttr

from app.errors import BackendFailed, PromptTooLong
from llm.backends.local import Counts, LocalChat, Sampling
from llm.backends.stop_words import StopWords


class HuggingFaceChat(LocalChat):
    """`model_name` is the folder or hub name; `device` as torch names it ("CPU" and "cuda" both work)."""

    device: str = "cpu"
    threads: int | None = None

    _model: Any = PrivateAttr(default=None)
    _tokenizer: Any = PrivateAttr(default=None)
    _vocabulary: Any = PrivateAttr(default=None)
    _cache: Any = PrivateAttr(default=None)
    _cached_ids: list[int] = PrivateAttr(default_factory=list)
    _turn: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @property
    def _llm_type(self) -> str:
        return "chatrec-huggingface"

    def warm(self) -> None:
        """Load the model now instead of at the first call."""
        with self._turn:
            self._load()

    def _load(self) -> None:
        if self._model is not None:
            return
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        device = self.device.lower()
        try:
            tokenizer = AutoTokenizer.from_pretrained(self.model_name)
            model = AutoModelForCausalLM.from_pretrained(self.model_name, dtype="auto")
        except (OSError, ValueError) as error:
            raise BackendFailed(
                f"transformers cannot load {self.model_name!r}: {str(error).splitlines()[0]}"
            ) from error
        if self.threads is not None and device == "cpu":
            torch.set_num_threads(self.threads)
        self._tokenizer = tokenizer
        self._model = model.eval().to(device)

    def get_num_tokens(self, text: str) -> int:
        self.warm()
        return len(self._tokenizer(text, add_special_tokens=False).input_ids)

    def _prompt_ids(self, messages: list[dict[str, str]]) -> list[int]:
        if self._tokenizer.chat_template:
            text = self._tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        else:
            text = "".join(f"{m['role']}: {m['content']}\n" for m in messages) + "assistant:"
        ids: list[int] = self._tokenizer(text, add_special_tokens=False).input_ids
        return ids

    def _pieces(
        self, messages: list[dict[str, str]], sampling: Sampling, cancel: threading.Event
    ) -> Iterator[str | Counts]:
        while not self._turn.acquire(timeout=0.02):
            if cancel.is_set():
                return
        try:
            self._load()
            yield from self._decode(self._prompt_ids(messages), sampling, cancel)
        finally:
            self._turn.release()

    def _decode(self, ids: list[int], sampling: Sampling, cancel: threading.Event) -> Iterator[str | Counts]:
        import torch

        context = getattr(self._model.config, "max_position_embeddings", None)
        if context is not None and len(ids) + sampling.max_tokens > context:
            raise PromptTooLong(
                f"the prompt has {len(ids)} tokens and {sampling.max_tokens} may be answered; {self.model_name} holds "
                f"{context} together. Shorten the prompt or lower max_tokens."
            )
        reused = self._keep(ids)
        guide = None if sampling.pattern is None else self._guide(sampling.pattern)
        random = torch.Generator(device=self._model.device).manual_seed(sampling.seed)
        ends = {i for i in _as_list(self._model.generation_config.eos_token_id) if i is not None}
        ends |= {self._tokenizer.eos_token_id} - {None}
        answer: list[int] = []
        feed, said, words = ids[reused:], "", StopWords(sampling.stop)
        truncated = True
        while len(answer) < sampling.max_tokens:
            if cancel.is_set():
                truncated = False
                break
            with torch.inference_mode():
                out = self._model(
                    input_ids=torch.tensor([feed], device=self._model.device),
                    past_key_values=self._cache,
                    use_cache=True,
                )
            self._cached_ids = self._cached_ids + feed
            token = _choose(out.logits[0, -1].float(), guide, ends, sampling.temperature, random)
            if token in ends:
                truncated = False
                break
            if guide is not None:
                guide.advance(token)
            answer.append(token)
            feed = [token]
            text = self._tokenizer.decode(answer, skip_special_tokens=True)
            if not text.endswith("\ufffd"):  # else in the middle of a character
                if piece := words.push(text[len(said) :]):
                    yield piece
                said = text
            if words.met:
                truncated = False
                break
            if guide is not None and guide.is_finished():
                truncated = False
                break
        text = self._tokenizer.decode(answer, skip_special_tokens=True)
        if piece := words.push(text[len(said) :]) + words.rest():
            yield piece
        yield Counts(len(ids), len(answer), reused, truncated)

    def _keep(self, ids: list[int]) -> int:
        """How many of these tokens are in the cache; it is cut to just those. At least one is left to compute."""
        from transformers import DynamicCache

        kept = min(_common(ids, self._cached_ids), len(ids) - 1)
        surplus = len(self._cached_ids) - kept
        whole = self._cache is not None and self._cache.get_seq_length() == len(self._cached_ids)
        if whole and surplus:
            try:
                self._cache.crop(-surplus)
            except (ValueError, NotImplementedError, RuntimeError):
                whole = False  # layers that look at a window only, or keep a running state, cannot go back
        if not whole:
            self._cache, kept = DynamicCache(config=self._model.config), 0
        self._cached_ids = ids[:kept]
        return kept

    def _guide(self, pattern: str) -> Any:
        """The automaton of the pattern over this tokenizer's vocabulary."""
        from outlines_core import Guide, Index, Vocabulary

        if self._vocabulary is None:
            words: dict[str, list[int]] = {}
            special = set(self._tokenizer.all_special_ids)
            for token, number in self._tokenizer.get_vocab().items():
                text = token.replace("▁", " ") if "▁" in token else self._tokenizer.convert_tokens_to_string([token])
                if number not in special and text and "\ufffd" not in text:
                    words.setdefault(text, []).append(number)
            self._vocabulary = Vocabulary(self._tokenizer.eos_token_id, words)
        return Guide(Index(pattern, self._vocabulary))


def _choose(logits: Any, guide: Any, ends: set[int], temperature: float, random: Any) -> int:
    """The next token: the most likely one, or drawn at a temperature, among those that the guide allows."""
    import torch

    if guide is not None:
        allowed = torch.full_like(logits, float("-inf"))
        tokens = [t for t in guide.get_tokens() if t < len(logits)]
        if not tokens:
            return next(iter(ends))
        allowed[tokens] = 0
        logits = logits + allowed
    if temperature <= 0:
        return int(logits.argmax())
    return int(torch.multinomial(torch.softmax(logits / temperature, -1), 1, generator=random))


def _common(a: list[int], b: list[int]) -> int:
    """How many tokens two prompts have in common at their start."""
    n = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        n += 1
    return n


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
