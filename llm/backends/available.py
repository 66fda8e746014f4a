"""Backends by name, "kind:model": which there are, which are usable here and now, and why the others are not.

Listing loads nothing: heavy libraries are imported when a backend is loaded.
"""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import UnknownBackend, UnusableBackend
from llm.backend_settings import LLMSettings
from llm.backends import hosted
from llm.weights import published

if TYPE_CHECKING:  # LangChain takes half a second to import, which a list of names need not wait for
    from langchain_core.language_models import BaseChatModel


@dataclass(frozen=True)
class BackendInfo:
    """reason: "" when usable, else why not and what to do. steers: may lead a turn (choose tools, rerank)."""

    name: str
    kind: str
    label: str
    usable: bool
    reason: str
    steers: bool
    native_tools: bool


@dataclass(frozen=True)
class _Entry:
    info: BackendInfo
    make: Callable[[LLMSettings], "BaseChatModel"]
    shared: bool = False  # one instance a process: it holds weights


def backends(settings: LLMSettings) -> list[BackendInfo]:
    """Every backend that the settings know of, usable or not, the embedded ones first."""
    return [entry.info for entry in _entries(settings).values()]


def describe(name: str, settings: LLMSettings) -> BackendInfo:
    """UnknownBackend when no kind has that name. Any Hugging Face or scripted name is known."""
    return _entry(name, settings).info


def load(name: str, settings: LLMSettings) -> "BaseChatModel":
    """The chat model. UnusableBackend with the reason when it cannot be used here."""
    entry = _entry(name, settings)
    if not entry.info.usable:
        raise UnusableBackend(f"{name} cannot be used: {entry.info.reason}")
    if not entry.shared:
        return entry.make(settings)
    key = (name, settings.device, settings.threads)
    with _sharing:
        if key not in _shared:
            _shared[key] = entry.make(settings)
        return _shared[key]


def absent(reason: str) -> "BaseChatModel":
    """Stands in for a model that could not be loaded: every call fails with the reason."""
    from llm.backends.absent import AbsentModel  # on demand, as all that brings LangChain

    return AbsentModel(reason=reason)


_shared: dict[tuple[str, str, int | None], "BaseChatModel"] = {}
_sharing = threading.Lock()


def _entry(name: str, settings: LLMSettings) -> _Entry:
    entries = _entries(settings)
    if name in entries:
        return entries[name]
    kind, _, model = name.partition(":")
    if kind == "huggingface" and model:
        return _huggingface(model)
    if kind in hosted.SERVICES and model:
        return _hosted(kind, model, settings)
    if kind == "compatible" and model:
        return _compatible(model, settings)
    near = get_close_matches(name, entries, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise UnknownBackend(
        f"unknown backend {name!r}{hint} Known: {', '.join(entries)}; or huggingface:<folder or name>."
    )


def _entries(settings: LLMSettings) -> dict[str, _Entry]:
    found = [_embedded(w, settings) for w in published.KNOWN.values()]
    found += [_huggingface(m) for m in settings.huggingface_models]
    found += [_hosted(kind, m, settings) for kind in hosted.SERVICES for m in getattr(settings, f"{kind}_models")]
    found += [_compatible(m, settings) for m in settings.compatible_models]
    if not settings.compatible_models:
        found.append(_compatible("", settings))
    return {e.info.name: e for e in found}


def _embedded(weights: published.Weights, settings: LLMSettings) -> _Entry:
    there = published.present(weights.name, settings.cache_dir)
    reason = "" if there else f"not fetched yet ({weights.bytes / 1e6:,.0f} MB): chatrec models get {weights.name}"

    def make(settings: LLMSettings) -> "BaseChatModel":
        from llm.backends.embedded import EmbeddedChat  # on demand: LangChain; the runtime at the first answer

        return EmbeddedChat(
            model_name=weights.name,
            path=published.path(weights.name, settings.cache_dir),
            context=weights.context,
            device=settings.device,
            threads=settings.threads,
        )

    label = f"{weights.label} (embedded)"
    info = BackendInfo(f"embedded:{weights.name}", "embedded", label, there, reason, weights.steers, False)
    return _Entry(info, make, shared=True)


def _huggingface(model: str) -> _Entry:
    reason = ""
    looks_local = model.startswith((".", "/", "~")) or Path(model).expanduser().exists()
    if looks_local and not (Path(model).expanduser() / "config.json").is_file():
        reason = f"no model in the folder {model}: expected config.json and weights as transformers saves them"
    elif not looks_local and not _in_hub_cache(model) and os.environ.get("HF_HUB_OFFLINE") == "1":
        reason = f"{model} is not in the local hub cache and HF_HUB_OFFLINE=1 forbids fetching it"

    def make(settings: LLMSettings) -> "BaseChatModel":
        from llm.backends.huggingface import HuggingFaceChat  # on demand: LangChain; transformers at the first answer

        return HuggingFaceChat(model_name=model, device=settings.device, threads=settings.threads)

    label = f"{Path(model).name} (Hugging Face)"
    return _Entry(
        BackendInfo(f"huggingface:{model}", "huggingface", label, not reason, reason, True, False), make, True
    )


def _in_hub_cache(model: str) -> bool:
    home = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
    return (home / "hub" / f"models--{model.replace('/', '--')}").is_dir()


def _hosted(kind: str, model: str, settings: LLMSettings) -> _Entry:
    service, key = hosted.SERVICES[kind], f"{kind}_api_key"
    reason = "" if getattr(settings, key) else f"needs {key.upper()}"
    info = BackendInfo(f"{kind}:{model}", kind, f"{model} ({service.label})", not reason, reason, True, True)
    return _Entry(info, partial(service.make, model))


def _compatible(model: str, settings: LLMSettings) -> _Entry:
    reason = ""
    if not settings.compatible_url:
        reason = "needs CHATREC_COMPATIBLE_URL, the address of an OpenAI-compatible server (ends in /v1)"
    elif not model:
        reason = "needs CHATREC_COMPATIBLE_MODELS, the names of the models that the server offers"
    label = f"{model or 'OpenAI-compatible server'} ({settings.compatible_url or 'no address'})"
    info = BackendInfo(f"compatible:{model}", "compatible", label, not reason, reason, True, True)
    return _Entry(info, partial(hosted.compatible, model))
