"""The expected rating: instead of the answer that a causal model would write, the mean over all that it could.

    r̂ = Σ_r r p(r | prompt) / Σ_r p(r | prompt),    r the whole numbers of the scale

One forward pass a prompt and no decoding. What the prompts have in common at their start (instruction, examples) is
computed once and its keys and values are shared by all batches.

Reference: Kang et al., Do LLMs understand user preferences? (arXiv 2305.06474) take the model's text; the mean over
token chances is how Liu et al., G-Eval (arXiv 2303.16634) score with a language model.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.errors import BackendFailed, PromptTooLong
from app.progress import Progress
from app.scorer.predicted_ratings import grid, hint
from app.scorer.rating_texts import Shot, Words
from llm.rating import answers
from recommenders.data import UserState
from recommenders.evaluation import PredictsRatings

Chat = Sequence[dict[str, str]]  # messages with "role" and "content"


class ExpectedRatings:
    """A causal model of transformers, from a folder or by its hub name, on a scale from `low` to `high`."""

    def __init__(self, model: str | Path, low: float, high: float, *, lead: str = "", device: str = "cpu") -> None:
        """lead: what the answer begins with, up to the rating; a small model left to itself begins with words."""
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        try:
            self.tokenizer = AutoTokenizer.from_pretrained(model)
            self.model: Any = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval().to(device)
        except (OSError, ValueError) as error:
            raise BackendFailed(f"transformers cannot load {str(model)!r}: {str(error).splitlines()[0]}") from error
        self.lead = lead
        self.ratings = np.array(answers.labels(low, high), np.float64)
        tokens = [self.tokenizer(f"{r:g}", add_special_tokens=False).input_ids for r in self.ratings]
        if any(len(t) != 1 for t in tokens) or len({t[0] for t in tokens}) != len(tokens):
            raise BackendFailed(
                f"{model} has no token of its own for each rating from {low:g} to {high:g}; read its text instead"
            )
        self.tokens = [t[0] for t in tokens]

    def chances(
        self, prompts: Sequence[Chat], *, batch_size: int = 8, progress: Callable[[int, int, str], None] | None = None
    ) -> np.ndarray:
        """(B, R) float64: how likely each rating is as the next token, of all tokens; rows sum to at
        most 1, and what is missing went to other tokens."""
        import torch

        rows = [self._ids(p) for p in prompts]
        context = getattr(self.model.config, "max_position_embeddings", None)
        longest = max(map(len, rows), default=0)
        if context is not None and longest > context:
            raise PromptTooLong(f"a prompt has {longest} tokens and the model holds {context}; shorten the history")
        shared = _shared(rows)
        found = np.zeros((len(rows), len(self.tokens)))
        order = sorted(range(len(rows)), key=lambda n: len(rows[n]))
        with torch.inference_mode():
            kept = self._prefix(rows[0][:shared]) if shared else None
            for start in range(0, len(order), batch_size):
                some = order[start : start + batch_size]
                logits = self._last([rows[n][shared:] for n in some], kept, shared)  # (b, V)
                found[some] = torch.softmax(logits.float(), -1)[:, self.tokens].cpu().numpy()
                if progress is not None:
                    progress(start + len(some), len(order), "expected ratings")
        return found

    def expected(self, prompts: Sequence[Chat], **options: Any) -> np.ndarray:
        """(B,) float64: the expected rating of each prompt."""
        chances = self.chances(prompts, **options)
        return chances @ self.ratings / np.maximum(chances.sum(axis=1), 1e-12)

    def _ids(self, prompt: Chat) -> list[int]:
        text: Any = "".join(f"{m['content']}\n" for m in prompt)
        if self.tokenizer.chat_template:
            text = self.tokenizer.apply_chat_template(list(prompt), add_generation_prompt=True, tokenize=False)
        ids: list[int] = self.tokenizer(text + self.lead, add_special_tokens=False).input_ids
        return ids

    def _prefix(self, ids: list[int]) -> Any:
        """Keys and values of the common start."""
        import torch
        from transformers import DynamicCache

        cache = DynamicCache(config=self.model.config)
        self.model(input_ids=torch.tensor([ids], device=self.model.device), past_key_values=cache, use_cache=True)
        return cache

    def _last(self, rows: list[list[int]], kept: Any, shared: int) -> Any:
        """(b, V) logits behind the last token of each row; rows are padded in front, where nothing looks."""
        import torch

        width = max(map(len, rows))
        ids = torch.zeros(len(rows), width, dtype=torch.long)
        real = torch.zeros(len(rows), width, dtype=torch.long)
        for n, row in enumerate(rows):
            ids[n, width - len(row) :] = torch.tensor(row)
            real[n, width - len(row) :] = 1
        places = (real.cumsum(-1) - 1).clamp_min(0) + shared
        mask = torch.cat([torch.ones(len(rows), shared, dtype=torch.long), real], 1)
        cache = None
        if kept is not None:
            cache = copy.deepcopy(kept)
            cache.batch_repeat_interleave(len(rows))
        device = self.model.device
        out = self.model(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            position_ids=places.to(device),
            past_key_values=cache,
            use_cache=cache is not None,
            logits_to_keep=1,
        )
        return out.logits[:, -1]


def _shared(rows: Sequence[Sequence[int]]) -> int:
    """How many tokens all rows begin with; at least one of each is left."""
    if len(rows) < 2:
        return 0
    n = 0
    for column in zip(*rows, strict=False):
        if len(set(column)) > 1:
            break
        n += 1
    return min(n, min(map(len, rows)) - 1)


@dataclass
class TokenRatings:
    """The expected value over the rating tokens of a local model. mass: mean share of the chances that ratings had."""

    expected: ExpectedRatings
    words: Words
    shots: Sequence[Shot] = ()
    other: PredictsRatings | None = None
    batch_size: int = 8
    progress: Progress | None = None
    mass: float = float("nan")

    def predict_rating(self, states: Sequence[UserState], items: np.ndarray) -> np.ndarray:
        """(B, C) float32 for items (B, C)."""
        hints = grid(self.other, states, items)
        asked = [
            [
                {"role": m.role, "content": m.content}
                for m in self.words.question(state, int(item), hint(hints, b, c), self.shots)
            ]
            for b, state in enumerate(states)
            for c, item in enumerate(items[b].tolist())
        ]
        chances = self.expected.chances(asked, batch_size=self.batch_size, progress=self.progress)
        mass = chances.sum(axis=1)
        self.mass = float(mass.mean()) if len(mass) else float("nan")
        return (chances @ self.expected.ratings / np.maximum(mass, 1e-12)).reshape(items.shape).astype(np.float32)
