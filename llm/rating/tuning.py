"""Fine-tuning a rating network: one loop for causal models and encoder-decoders, classification and regression.

Resumable: every `check` the whole state lies in the work folder, and the same call goes on from there to the very
weights that an uninterrupted run ends with. The best weights on validation are kept, those before the first step too.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from app import files
from app.errors import BackendFailed
from app.progress import Progress
from llm.rating.network import Objective, RatingNetwork, RatingScorer, Shape, opened, padded


@dataclass(frozen=True)
class Config:
    objective: Objective = "regression"
    layers: int | None = None
    """Lowest layers kept of a causal model; None for all."""
    trained: int | None = None
    """Upper layers of a causal model that learn, beside the head; None for everything."""
    epochs: int = 2
    batch_size: int = 16
    learning_rate: float = 3e-4
    """Of the model; rises over the first tenth of the steps and falls in a line to a twentieth."""
    head_learning_rate: float = 2e-3
    weight_decay: float = 0.01
    checks: int = 4
    """Times an epoch that the validation rows are foretold and the state is kept."""
    patience: int = 4
    """Checks without a better RMSE before training stops."""
    longest: int = 256
    """Tokens of a text."""
    seed: int = 0


@dataclass(frozen=True)
class Example:
    """base: what a conventional model foretells, or the mean; rating: what was given."""

    text: str
    base: float
    rating: float


def tune(
    model: Path,
    train: Sequence[Example],
    valid: Sequence[Example],
    low: float,
    high: float,
    work: Path,
    config: Config = Config(),
    *,
    notes: dict[str, Any] | None = None,
    progress: Progress | None = None,
    device: str = "cpu",
) -> RatingScorer:
    """Teach a Hugging Face folder to foretell ratings; the best weights on `valid` come back.

    work  folder of the state between checks; who calls removes it once the scorer is saved
    """
    from transformers import AutoTokenizer

    if not train or not valid:
        raise BackendFailed(f"{len(train)} rows to learn from and {len(valid)} to check on; both are needed")
    torch.manual_seed(config.seed)
    try:
        tokenizer = AutoTokenizer.from_pretrained(model)
    except (OSError, ValueError) as error:
        raise BackendFailed(f"no tokenizer in {str(model)!r}: {str(error).splitlines()[0]}") from error
    spread = math.sqrt(sum((e.rating - e.base) ** 2 for e in train) / len(train))
    shape = Shape(config.objective, low, high, max(spread, 0.1), config.layers, config.longest)
    network = RatingNetwork(opened(model, config.layers), shape).to(device)
    scorer = RatingScorer(network, tokenizer)
    learning = _choose(network, config.trained)
    head = list(network.head.parameters())
    optimiser = torch.optim.AdamW(
        [{"params": learning, "lr": config.learning_rate}, {"params": head, "lr": config.head_learning_rate}],
        weight_decay=config.weight_decay,
    )
    rows = scorer.encode([e.text for e in train])
    batches = _batches([len(r) for r in rows], config)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda s: min((s + 1) / (0.1 * len(batches)), max(0.05, (len(batches) - s) / (0.9 * len(batches))))
    )
    every = max(1, len(batches) // (config.epochs * config.checks))

    state = work / f"tuning-{_fingerprint(model, train, valid, config)}.pt"
    done, history = 0, [{"step": 0.0, "rmse": _rmse(scorer, valid)}]
    names = {n for n, p in network.named_parameters() if p.requires_grad}
    best = _copied(network, names)
    if state.is_file():
        kept = torch.load(state, weights_only=True)
        network.load_state_dict(kept["network"], strict=False)
        optimiser.load_state_dict(kept["optimiser"])
        schedule.load_state_dict(kept["schedule"])
        torch.set_rng_state(kept["chance"])
        done, history, best = kept["step"], kept["history"], kept["best"]
    losses: list[float] = []
    while done < len(batches) and not _tired(history, config.patience):
        some = batches[done]
        network.train()
        ids, real = padded([rows[n] for n in some])
        base = torch.tensor([train[n].base for n in some], device=device)
        ratings = torch.tensor([train[n].rating for n in some], device=device)
        loss = network.loss(network(ids.to(device), real.to(device), base), ratings)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*learning, *head], 1.0)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        done += 1
        if progress is not None:
            progress(done, len(batches), "tuning")
        if done % every == 0 or done == len(batches):
            rmse = _rmse(scorer, valid)
            if rmse < min(h["rmse"] for h in history):
                best = _copied(network, names)
            history.append({"step": float(done), "loss": sum(losses) / len(losses), "rmse": rmse})
            losses = []
            _keep(state, network, names, optimiser, schedule, done, history, best)
    network.load_state_dict(best, strict=False)
    scorer.notes = {"tuning": asdict(config), "rows": len(train), "history": history, **(notes or {})}
    network.eval()
    return scorer


def _choose(network: RatingNetwork, trained: int | None) -> list[torch.nn.Parameter]:
    """The parameters of the model that learn; the others are fixed."""
    if trained is not None:
        blocks = network.blocks()
        network.backbone.requires_grad_(False)
        for block in list(blocks)[len(blocks) - trained :]:
            block.requires_grad_(True)
    return [p for p in network.backbone.parameters() if p.requires_grad]


def _batches(lengths: Sequence[int], config: Config) -> list[list[int]]:
    """The rows of every step of all epochs: alike lengths together, drawn by the seed."""
    found = []
    for epoch in range(config.epochs):
        chance = torch.Generator().manual_seed(config.seed * 1000 + epoch)
        near = torch.rand(len(lengths), generator=chance) * 12
        order = sorted(range(len(lengths)), key=lambda n: lengths[n] + float(near[n]))
        batches = [order[i : i + config.batch_size] for i in range(0, len(order), config.batch_size)]
        found += [batches[i] for i in torch.randperm(len(batches), generator=chance).tolist()]
    return found


def _rmse(scorer: RatingScorer, rows: Sequence[Example]) -> float:
    told = scorer.predict([e.text for e in rows], [e.base for e in rows])
    return math.sqrt(sum((t - e.rating) ** 2 for t, e in zip(told, rows, strict=True)) / len(rows))


def _tired(history: Sequence[dict[str, float]], patience: int) -> bool:
    values = [h["rmse"] for h in history]
    return len(values) - 1 - values.index(min(values)) >= patience


def _copied(network: RatingNetwork, names: set[str]) -> dict[str, torch.Tensor]:
    return {n: p.detach().clone() for n, p in network.named_parameters() if n in names}


def _keep(
    state: Path,
    network: RatingNetwork,
    names: set[str],
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LambdaLR,
    step: int,
    history: list[dict[str, float]],
    best: dict[str, torch.Tensor],
) -> None:
    """The whole state in one file, written beside and renamed."""
    with files.writing(state) as new:
        torch.save(
            {
                "network": _copied(network, names),
                "optimiser": optimiser.state_dict(),
                "schedule": schedule.state_dict(),
                "chance": torch.get_rng_state(),
                "step": step,
                "history": history,
                "best": best,
            },
            new,
        )


def _fingerprint(model: Path, train: Sequence[Example], valid: Sequence[Example], config: Config) -> str:
    digest = hashlib.sha256(repr((config, len(train))).encode())
    digest.update((model / "config.json").read_bytes())
    for example in (*train, *valid):
        digest.update(f"\n{example.text}\t{example.base:.4f}\t{example.rating}".encode())
    return digest.hexdigest()[:12]
