"""The one training loop: seeded, with progress, early stopping, and resumption after a kill.

The data lies in memory; a batch is a tensor of row numbers, and the model's loss picks its rows itself. That leaves no
data loader between the rows and the matrix products.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from app import files
from app.progress import Progress, quiet

Loss = Callable[[Tensor], Tensor]  # row numbers of a batch (B,) int64 -> mean loss ()
STATE = "state.pt"


@dataclass(frozen=True)
class Plan:
    """How to train.

    warmup    share of all steps in which the learning rate rises to its peak; from there it falls to 0 along a cosine
    clip      the largest norm of a step's gradient; None leaves gradients as they are
    patience  epochs without a better validation value before stopping
    bf16      matrix products in bfloat16, where the processor has them
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 0.0
    warmup: float = 0.1
    clip: float | None = 1.0
    patience: int = 5
    bf16: bool = True
    seed: int = 0
    threads: int = 1  # of the processor: in models of this size a second one costs more than it takes off


@dataclass(frozen=True)
class Epoch:
    """One point of a learning curve: the mean loss of an epoch, the validation value after it (higher is better; None
    where nothing was given to validate on), and the seconds of processor time since training began."""

    number: int
    loss: float
    validation: float | None
    cpu_seconds: float


def adamw(module: nn.Module, plan: Plan) -> list[torch.optim.Optimizer]:
    """What trains all weights of a module unless it says otherwise."""
    rate, decay = plan.learning_rate, plan.weight_decay
    return [torch.optim.AdamW(module.parameters(), lr=rate, weight_decay=decay, betas=(0.9, 0.98), fused=True)]


@contextmanager
def on_threads(number: int) -> Iterator[None]:
    """Torch and NumPy compute with so many threads inside the block. Sums also come out the same on every machine then.

    NumPy's own threads wait by spinning: beside other work a product of two small matrices took 50 times as long.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        with threadpool_limits(number, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """All of torch's randomness inside the block follows from the seed; outside it is left as it was."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


def run(
    module: nn.Module,
    rows: int,
    loss: Loss,
    plan: Plan,
    *,
    validate: Callable[[], float] | None = None,
    progress: Progress = quiet,
    what: str = "training",
    checkpoint: Path | None = None,
    key: str = "",
    optimisers: Callable[[nn.Module, Plan], Sequence[torch.optim.Optimizer]] = adamw,
) -> list[Epoch]:
    """Train `module` in place on `rows` rows; it ends in evaluation mode. Returns the learning curve.

    validate    called after each epoch, higher is better: the weights of the best epoch are kept, and training stops
                after `plan.patience` epochs without a better one; None trains all epochs and keeps the last weights
    checkpoint  folder of the resumable state, written after each epoch; a state of the same `key` is gone on from, one
                of another key (other settings, other data) is ignored
    optimisers  makes what steps; the first one's learning rate follows the plan's schedule, others keep their own
    """
    device = next(module.parameters()).device
    steps_an_epoch = math.ceil(rows / plan.batch_size)
    steps = steps_an_epoch * plan.epochs
    stepping = list(optimisers(module, plan))
    schedule = torch.optim.lr_scheduler.LambdaLR(stepping[0], lambda step: _rate(step, steps, plan.warmup))
    half = plan.bf16 and has_bf16(device)
    weights = list(module.parameters())
    state = _Resumable(module, stepping, schedule)

    with seeded(plan.seed), on_threads(plan.threads):
        if checkpoint is not None:
            state.read(checkpoint, key)
        while state.epoch < plan.epochs and (validate is None or state.worse < plan.patience):
            module.train()
            order = torch.randperm(rows)
            total, began = torch.zeros((), device=device), time.process_time()
            for step, batch in enumerate(order.split(plan.batch_size)):
                with torch.autocast(device.type, torch.bfloat16) if half else nullcontext():
                    value = loss(batch.to(device))
                for weight in weights:
                    weight.grad = None
                value.backward()
                if plan.clip is not None:
                    norm = _norm([weight.grad for weight in weights if weight.grad is not None])
                    if norm > plan.clip:  # few steps are: half of what always multiplying costs
                        nn.utils.clip_grads_with_norm_(weights, plan.clip, norm)
                for optimiser in stepping:
                    optimiser.step()
                schedule.step()
                total += value.detach() * len(batch)
                progress(state.epoch * steps_an_epoch + step + 1, steps, what)
            state.epoch += 1
            spent = time.process_time() - began + (state.curve[-1].cpu_seconds if state.curve else 0.0)
            measured = None
            if validate is not None:
                module.eval()
                measured = validate()
                state.compare(measured)
            state.curve.append(Epoch(state.epoch, total.item() / rows, measured, spent))
            if checkpoint is not None:
                state.write(checkpoint, key)
    if state.best is not None:
        module.load_state_dict(state.best)
    module.eval()
    progress(steps, steps, what)
    return state.curve


def has_bf16(device: torch.device) -> bool:
    """Whether matrix products in bfloat16 are quicker here: without instructions for them they are emulated, slowly."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(torch.cpu.get_capabilities().get("avx512_bf16", False))


def _norm(gradients: Sequence[Tensor]) -> Tensor:
    """The norm of all numbers together, as nn.utils.get_total_norm's, which sorts them by device and kind first: that
    takes as long again."""
    return torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients]))


def _rate(step: int, steps: int, warmup: float) -> float:
    """The share of the peak learning rate at this step."""
    rise = warmup * steps
    if step < rise:
        return (step + 1) / (rise + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1.0, steps - rise)))


class _Resumable:
    """All that a training needs to go on as if it had never stopped, and the best weights so far."""

    def __init__(
        self,
        module: nn.Module,
        optimisers: Sequence[torch.optim.Optimizer],
        schedule: torch.optim.lr_scheduler.LambdaLR,
    ) -> None:
        self.module, self.optimisers, self.schedule = module, optimisers, schedule
        self.epoch = 0
        self.curve: list[Epoch] = []
        self.worse = 0  # epochs since the best
        self.best_value = -math.inf
        self.best: dict[str, Tensor] | None = None

    def compare(self, value: float) -> None:
        if value > self.best_value:
            self.best_value, self.worse = value, 0
            self.best = {k: v.detach().clone() for k, v in self.module.state_dict().items()}
        else:
            self.worse += 1

    def write(self, folder: Path, key: str) -> None:
        """Whole or not at all: written beside and renamed."""
        folder.mkdir(parents=True, exist_ok=True)
        kept: dict[str, Any] = {
            "key": key,
            "epoch": self.epoch,
            "worse": self.worse,
            "best_value": self.best_value,
            "best": self.best,
            "module": self.module.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "curve": [astuple(epoch) for epoch in self.curve],
            "schedule": self.schedule.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }
        with files.writing(folder / STATE) as new:
            torch.save(kept, new)

    def read(self, folder: Path, key: str) -> None:
        path = folder / STATE
        if not path.is_file():
            return
        try:
            kept = torch.load(path, map_location="cpu", weights_only=True)
        except Exception:  # torch raises many kinds for a damaged file: training starts anew
            return
        if kept.get("key") != key or "optimisers" not in kept:
            return
        self.epoch, self.worse, self.best_value = kept["epoch"], kept["worse"], kept["best_value"]
        self.best = kept["best"]
        self.module.load_state_dict(kept["module"])
        for optimiser, saved in zip(self.optimisers, kept["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.curve = [Epoch(*epoch) for epoch in kept["curve"]]
        self.schedule.load_state_dict(kept["schedule"])
        torch.set_rng_state(kept["random"])
        if kept["random_cuda"]:
            torch.cuda.set_rng_state_all(kept["random_cuda"])
