"""What every measured process shares: its task, its clock, its answer.

A task is a JSON file (argv[1]); the answer is written beside it, whole or not at all. One process makes one
measurement, so nothing that an earlier one loaded, cached or allocated can flatter a later one.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np


def cpu_seconds() -> float:
    """Of this process with all its threads, and of its children that have ended (data loaders)."""
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Meter:
    """CPU and wall seconds of each block that runs inside it."""

    def __init__(self) -> None:
        self.cpu: list[float] = []
        self.wall: list[float] = []
        self._began = (0.0, 0.0)

    def start(self) -> None:
        self._began = (cpu_seconds(), time.perf_counter())

    def stop(self) -> None:
        self.cpu.append(round(cpu_seconds() - self._began[0], 4))
        self.wall.append(round(time.perf_counter() - self._began[1], 4))

    @contextmanager
    def epoch(self) -> Any:
        self.start()
        yield
        self.stop()


def answer(work: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Do the task named on the command line and write what `work` returns."""
    path = Path(sys.argv[1])
    task = json.loads(path.read_text(encoding="utf-8"))
    with suppress(ModuleNotFoundError):  # implicit does without
        import torch

        torch.set_num_threads(int(task["threads"]))
        torch.manual_seed(int(task["seed"]))
    np.random.seed(int(task["seed"]))
    result = {"peak_mb": 0, **work(task)}
    result["peak_mb"] = round(peak_mb())
    new = path.with_suffix(".new")
    new.write_text(json.dumps(result), encoding="utf-8")
    new.replace(path.with_suffix(".answer"))
