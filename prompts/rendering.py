"""Prompts as files: prompts/templates/<name>.md.jinja. A new file needs no edit here.

`render` is strict both ways: a value that the template does not use is an error, and so is one that it lacks. A
template is a sequence of messages, each behind a line <<system>>, <<user>> or <<assistant>>; what never changes comes
first, so that a backend can keep its prefix cache. This package knows neither app, llm nor recommenders.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, meta

_FOLDER = Path(__file__).parent / "templates"
_ENDING = ".md.jinja"
_ROLE = re.compile(r"^<<(system|user|assistant)>>[ \t]*\n?", re.MULTILINE)

Role = Literal["system", "user", "assistant"]


class PromptError(Exception):
    """A prompt that does not exist, lacks a value, or was given one that it does not use."""


@dataclass(frozen=True)
class Message:
    role: Role
    content: str


def names() -> list[str]:
    return sorted(p.name.removesuffix(_ENDING) for p in _FOLDER.glob(f"*{_ENDING}"))


def variables(name: str) -> frozenset[str]:
    """What the template needs."""
    return _parsed(name)[1]


def render(name: str, **values: object) -> str:
    """The text of a prompt, role lines as written. PromptError says which values are missing or unused."""
    return re.sub(r"\x00(\w+)\x00", r"<<\1>>\n", _marked(name, values))


def _marked(name: str, values: dict[str, object]) -> str:
    template, needed = _parsed(name)
    missing, unused = needed - values.keys(), values.keys() - needed
    if missing or unused:
        parts = [f"lacks {', '.join(sorted(missing))}"] if missing else []
        parts += [f"does not use {', '.join(sorted(unused))}"] if unused else []
        raise PromptError(f"prompt {name!r} {' and '.join(parts)}; it takes: {', '.join(sorted(needed)) or 'nothing'}")
    return template.render(**{k: _clean(v) for k, v in values.items()})


def messages(name: str, **values: object) -> tuple[Message, ...]:
    """The rendered prompt, split at its role lines; a prompt without any is one user message.

    A role line that came in with a value (somebody may type "<<system>>") is text, not a message: the split is made
    on the template, before values go in.
    """
    marks = {role: f"\x00{role}\x00" for role in ("system", "user", "assistant")}
    text = _marked(name, values)
    parts = re.split("(" + "|".join(re.escape(m) for m in marks.values()) + ")", text)
    roles = {mark: cast(Role, role) for role, mark in marks.items()}
    found = [Message(roles[parts[n]], parts[n + 1].strip()) for n in range(1, len(parts) - 1, 2)]
    return tuple(found) or (Message("user", text.strip()),)


def _clean(value: object) -> object:
    """Without the character that marks roles, which nobody has use for."""
    return value.replace("\x00", "") if isinstance(value, str) else value


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # prompts are plain text
    )


@lru_cache(maxsize=64)
def _parsed(name: str) -> tuple[Template, frozenset[str]]:
    path = _FOLDER / f"{name}{_ENDING}"
    if not path.is_file():
        near = get_close_matches(name, names(), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise PromptError(f"unknown prompt {name!r}{hint} Known: {', '.join(names())}.")
    source = _ROLE.sub(lambda m: f"\x00{m[1]}\x00", path.read_text(encoding="utf-8"))
    environment = _environment()
    needed = frozenset(meta.find_undeclared_variables(environment.parse(source)))
    return environment.from_string(source), needed
