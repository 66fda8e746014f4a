"""Many texts written by a language model, each once: kept by what they were made from, so that work goes on where it
stopped and is never done twice.

A shelf is a file with one JSON object a line: `key`, the digest of everything that the text follows from (task, prompt
word for word, backend, decoding); beside it what a reader wants to know: the version of the prompt, the backend, the
items it is about. A new prompt or backend gives other keys; what older ones wrote stays and is not read.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from pydantic import BaseModel, ConfigDict, ValidationError

from app.errors import BackendFailed, LLMError
from app.progress import Progress


class Written(BaseModel):
    """One text on a shelf. `version`: of the prompt; `about`: ids of the items that it was written of."""

    model_config = ConfigDict(frozen=True)

    key: str
    version: str
    backend: str
    about: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Task:
    """What is to be written: of which items (ids), by which prompt."""

    about: tuple[str, ...]
    messages: tuple[BaseMessage, ...]


@runtime_checkable
class AnswersMany(Protocol):
    """A model that decodes several prompts side by side, which on a CPU costs a fraction of one after the other."""

    def answers(self, prompts: Sequence[Sequence[BaseMessage]], *, max_tokens: int) -> list[str]: ...


class Shelf:
    """What was written so far. Lines are appended whole and flushed; one that a kill cut short is skipped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._found: dict[str, Written] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
            try:
                row = Written.model_validate_json(line)
            except ValidationError:
                continue
            self._found[row.key] = row

    def __len__(self) -> int:
        return len(self._found)

    def get(self, key: str) -> Written | None:
        return self._found.get(key)

    def put(self, rows: Sequence[Written]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            if file.tell():
                file.seek(-1, 2)
                if file.read(1) != b"\n":
                    file.write(b"\n")  # after a line that was cut short
            for row in rows:
                file.write(row.model_dump_json().encode() + b"\n")
        self._found.update((row.key, row) for row in rows)


def key(task: Task, version: str, backend: str, max_tokens: int) -> str:
    said = [[m.type, m.text] for m in task.messages]
    whole = json.dumps([version, backend, max_tokens, sorted(task.about), said], ensure_ascii=False)
    return hashlib.sha256(whole.encode()).hexdigest()[:24]


def write(
    model: BaseChatModel,
    backend: str,
    version: str,
    tasks: Sequence[Task],
    shelf: Shelf,
    *,
    max_tokens: int,
    at_once: int = 16,
    progress: Progress = lambda done, total, what: None,
) -> list[Written | None]:
    """The text of each task in order, from the shelf or written now; None where the model failed at it.

    backend, version  names of the model and of the prompt's wording, kept with each text
    at_once           prompts decoded side by side, and texts put on the shelf at a time
    A failure of a single prompt (too long, refused) leaves that one out; when a whole portion fails the error is
    raised, since then the backend is gone.
    """
    keys = [key(task, version, backend, max_tokens) for task in tasks]
    missing = iter([n for n, k in enumerate(keys) if shelf.get(k) is None])
    done = sum(shelf.get(k) is not None for k in keys)
    progress(done, len(tasks), "writing")
    while portion := list(islice(missing, at_once)):
        texts = _answers(model, [tasks[n].messages for n in portion], max_tokens)
        rows = [
            Written(key=keys[n], version=version, backend=backend, about=tasks[n].about, text=text)
            for n, text in zip(portion, texts, strict=True)
            if text is not None
        ]
        shelf.put(rows)
        done += len(portion)
        progress(done, len(tasks), "writing")
    return [shelf.get(k) for k in keys]


def _answers(model: Any, prompts: list[tuple[BaseMessage, ...]], max_tokens: int) -> list[str | None]:
    if isinstance(model, AnswersMany):
        return list(model.answers(prompts, max_tokens=max_tokens))
    found: list[str | None] = []
    failed: Exception | None = None
    for prompt in prompts:
        try:
            found.append(model.invoke(list(prompt), max_tokens=max_tokens).text)
        except Exception as error:  # whatever the backend raises; told below when none of the portion came back
            found.append(None)
            failed = error
    if failed is not None and not any(text is not None for text in found):
        raise failed if isinstance(failed, LLMError) else BackendFailed(str(failed)) from failed
    return found
