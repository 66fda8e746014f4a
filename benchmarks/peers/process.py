"""Running one measurement: a process of its own, in the environment of the library, with so many threads."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).resolve().parents[1]


class Failed(Exception):
    """A measurement ended without an answer."""


def measure(python: Path, module: str, task: dict[str, Any]) -> dict[str, Any]:
    """What peers.<module> answers to the task. Failed shows the end of what it printed."""
    threads = str(task["threads"])
    given = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
    given |= {"PYTHONPATH": str(BENCHMARKS), "PYTHONWARNINGS": "ignore", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        path = Path(folder) / "task.json"
        path.write_text(json.dumps(task | {"folder": folder}), encoding="utf-8")
        done = subprocess.run(
            [str(python), "-m", f"peers.{module}", str(path)],
            env={**os.environ, **given},
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        answer = path.with_suffix(".answer")
        if done.returncode or not answer.is_file():
            raise Failed(f"peers.{module} ended with {done.returncode}:\n{done.stdout.strip()[-2000:]}")
        return json.loads(answer.read_text(encoding="utf-8"))


def hardware() -> str:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    return f"{len(names)} × {names[0]}" if names else "unknown processor"
