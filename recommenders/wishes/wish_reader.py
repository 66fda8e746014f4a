"""Reads a wish: where it lies among the texts of items, and which of their attributes it calls for.

    q = n(n(mean over pieces of Tower(e5(wish))) − μ)         (D,) the wish, tuned
    c = 5 C q                                                 (K,) the call: what each column of an item is worth to it
    p = σ(a·q + b)                                            whether it is a wish at all

The lower eight layers of the multilingual encoder are as they came; the upper four (Tower) and C were tuned on requests
that were written for films and on lessons: wishes with the attributes that answer them (wish_teaching.py). What was
tuned lies in `artefact`, beside vectors of the texts that it was tuned against.
"""

import json
import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from app.errors import ArtefactError
from recommenders.wishes.columns import Column
from recommenders.wishes.multilingual import QUERY, Encoder, pooled

ARTEFACT = Path(__file__).with_name("artefact")
WEIGHTS, ABOUT = "reader.safetensors", "reader.json"
UPPER = "upper."
_REMEMBERED = 512  # wishes
CALL = 5.0  # what q is multiplied by before C: a step of the optimiser counts as much there as in the tower


@dataclass(frozen=True)
class Wish:
    """A wish as it was read: vector (D,) of length one, call (K,) in the order of the reader's columns; sure, how
    likely it is that these words ask for items at all."""

    vector: np.ndarray
    call: np.ndarray
    sure: float


class WishReader:
    """Loaded at the first wish; one reader serves all threads."""

    def __init__(self, encoder: Encoder, folder: Path = ARTEFACT) -> None:
        self.encoder, self.folder = encoder, folder
        try:
            about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
            self._arrays = load_file(folder / WEIGHTS)
            self.columns: tuple[Column, ...] = tuple((a, v) for a, v in about["columns"])
            self.scale, self.mean_share = float(about["scale"]), float(about["mean_share"])
            self.query_middle, self.item_middle = self._arrays["query_middle"], self._arrays["item_middle"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ArtefactError(f"the reader of wishes in {folder} is damaged: {error}") from error
        self._lock = threading.Lock()
        self._upper: Any = None
        self._recent: OrderedDict[str, Wish] = OrderedDict()

    def read(self, text: str) -> Wish:
        """The wish; the most recent ones are remembered, since a turn asks more than once."""
        with self._lock:
            if text in self._recent:
                self._recent.move_to_end(text)
                return self._recent[text]
        wish = self._read(text)
        with self._lock:
            self._recent[text] = wish
            while len(self._recent) > _REMEMBERED:
                self._recent.popitem(last=False)
        return wish

    def _read(self, text: str) -> Wish:
        states, there = self.encoder.states([self.encoder.pieces(QUERY + text)], self._tuned_layers())
        vector = pooled(states, there).numpy()[0] - self.query_middle
        vector /= max(float(np.linalg.norm(vector)), 1e-9)
        call = self._arrays["call.weight"].astype(np.float32) @ vector
        odds = float(self._arrays["asks.weight"] @ vector + self._arrays["asks.bias"][0])
        return Wish(vector, CALL * call + self._arrays["call.bias"].astype(np.float32), 1 / (1 + math.exp(-odds)))

    def _tuned_layers(self) -> Any:
        import torch

        with self._lock:
            if self._upper is None:
                state = {n.removeprefix(UPPER): a for n, a in self._arrays.items() if n.startswith(UPPER)}
                upper = self.encoder.last_layers(1 + max(int(name.partition(".")[0]) for name in state))
                upper.load_state_dict({n: torch.from_numpy(a.astype(np.float32)) for n, a in state.items()})
                self._upper = upper.eval().requires_grad_(False)
            return self._upper
