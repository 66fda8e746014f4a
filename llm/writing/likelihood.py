"""log P(request | item text) under a language model: the query likelihood of retrieval, by a neural model.

The model reads "Film: <text>\\nRequest: <request>" and the mean log probability of the request's tokens counts, so that
long and short requests compare. Reference: Ponte & Croft, A language modeling approach to information retrieval (SIGIR
1998); with generative transformers, Sachan et al., Improving passage retrieval with zero-shot question generation
(EMNLP 2022), arXiv:2204.07496.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from app.errors import BackendFailed
from llm.writing.writing import Shelf, Written

FRAME = "Film: {text}\nRequest:"
AT_ONCE = 5  # sequences of a batch: its logits are (5, T, vocabulary)


class Likelihood(Protocol):
    def of(self, request: str, texts: Sequence[str]) -> np.ndarray:
        """(n,) the mean log probability of the request's tokens after each of the texts."""
        ...


class Remembered:
    """A likelihood whose values are kept on a shelf, so that work goes on where it stopped. `name`: of the model."""

    def __init__(self, likelihood: Likelihood, name: str, shelf: Shelf) -> None:
        self._likelihood, self._name, self._shelf = likelihood, name, shelf

    def of(self, request: str, texts: Sequence[str]) -> np.ndarray:
        asked = json.dumps([self._name, FRAME, request, list(texts)], ensure_ascii=False)
        key = hashlib.sha256(asked.encode()).hexdigest()[:24]
        row = self._shelf.get(key)
        if row is None:
            scores = json.dumps([round(float(x), 5) for x in self._likelihood.of(request, texts)])
            row = Written(key=key, version="likelihood", backend=self._name, about=(), text=scores)
            self._shelf.put([row])
        return np.array(json.loads(row.text))


class _Causal:
    """Batches of token numbers, padded at the right: by causality nothing that counts sees the padding."""

    def encode(self, text: str) -> list[int]:
        raise NotImplementedError

    def logits(self, ids: np.ndarray, there: np.ndarray) -> np.ndarray:
        """(n, T) int64 tokens and their mask -> (n, T, V) float32."""
        raise NotImplementedError

    def of(self, request: str, texts: Sequence[str]) -> np.ndarray:
        asked = self.encode(f" {request}")
        scores = np.zeros(len(texts))
        for start in range(0, len(texts), AT_ONCE):
            heads = [self.encode(FRAME.format(text=text)) for text in texts[start : start + AT_ONCE]]
            longest = max(len(head) for head in heads) + len(asked)
            ids = np.zeros((len(heads), longest), np.int64)
            there = np.zeros_like(ids)
            for row, head in enumerate(heads):
                ids[row, : len(head) + len(asked)] = head + asked
                there[row, : len(head) + len(asked)] = 1
            logits = self.logits(ids, there)
            for row, head in enumerate(heads):
                before = logits[row, len(head) - 1 : len(head) + len(asked) - 1].astype(np.float64)  # (L, V)
                highest = before.max(axis=1)
                total = highest + np.log(np.exp(before - highest[:, None]).sum(axis=1))
                scores[start + row] = float((before[np.arange(len(asked)), asked] - total).mean())
        return scores


class OpenVinoLikelihood(_Causal):
    """By a model in OpenVINO's own format: the copy that the embedded backend keeps beside its weights."""

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        import openvino
        import openvino_genai

        if not (folder / "openvino_model.xml").is_file():
            raise BackendFailed(f"no OpenVINO model in {folder}; the embedded backend writes it at its first answer")
        self._tokenizer = openvino_genai.Tokenizer(str(folder))
        compiled = openvino.Core().compile_model(
            str(folder / "openvino_model.xml"), "CPU", {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
        )
        self._request = compiled.create_infer_request()

    def encode(self, text: str) -> list[int]:
        return [int(i) for i in self._tokenizer.encode(text, add_special_tokens=False).input_ids.data[0]]

    def logits(self, ids: np.ndarray, there: np.ndarray) -> np.ndarray:
        self._request.reset_state()
        places = np.broadcast_to(np.arange(ids.shape[1]), ids.shape)
        found = self._request.infer(
            {
                "input_ids": ids,
                "attention_mask": there,
                "position_ids": np.ascontiguousarray(places),
                "beam_idx": np.arange(len(ids), dtype=np.int32),
            }
        )
        return np.asarray(found[0], np.float32)


class TransformersLikelihood(_Causal):
    """By any causal model of transformers in a local folder."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
            self._model: Any = AutoModelForCausalLM.from_pretrained(str(folder), local_files_only=True).eval()
        except (OSError, ValueError) as error:
            raise BackendFailed(f"transformers cannot load {folder}: {str(error).splitlines()[0]}") from error

    def encode(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False).input_ids)

    def logits(self, ids: np.ndarray, there: np.ndarray) -> np.ndarray:
        import torch

        with torch.inference_mode():
            found = self._model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(there))
        return found.logits.float().numpy()
