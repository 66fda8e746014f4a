"""What benchmarks of cost share: memory of this process, the machine in words, where results go."""

import json
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def peak(*, reset: bool = False) -> float:
    """The largest memory (MB, resident) of this process so far, or since it was last reset. Linux only."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1e3
    raise OSError("/proc/self/status says nothing of memory; this benchmark needs Linux")


def about() -> dict[str, str]:
    """When and on what."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    hardware = f"{len(names)} × {names[0]}" if names else platform.machine()
    return {"made": datetime.now(UTC).date().isoformat(), "hardware": hardware, "python": platform.python_version()}


def write(name: str, content: Mapping[str, object]) -> None:
    """benchmarks/results/<name>.json, numbers to four digits."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(_short(content), indent=1, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _short(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {k: _short(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_short(v) for v in value]
    return value
