"""What recommenders with weights trained by gradients share: device, training, saving, resuming."""

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from app.progress import Progress
from recommenders.contract import Recommender, artefact
from recommenders.data import Dataset, UserState
from recommenders.evaluation import evaluate
from recommenders.networks import loop


class NeuralRecommender(Recommender):
    """Subclasses write `_prepare` (what is taken from the data), `_build` (the module) and `_loss`, besides `score`.

    Their Config has epochs, batch_size, learning_rate, weight_decay, warmup, patience and seed.
    """

    module: Any  # the nn.Module that _build returns
    state: ClassVar[tuple[str, ...]] = ()  # names of the array attributes that are kept beside the module's weights

    bf16: ClassVar[bool] = True  # train in bfloat16 where the processor has it
    clip: ClassVar[float | None] = 1.0  # the largest norm of a step's gradient
    curve: Sequence[loop.Epoch] = ()  # how the last training went; empty for a loaded model

    @abstractmethod
    def _prepare(self, data: Dataset) -> tuple[int, loop.Loss]:
        """Take from the data what the model needs, build `self.module` on `self.device`; the number of training rows
        and the loss of a batch of them."""

    @abstractmethod
    def _build(self) -> nn.Module:
        """The module with fresh weights; may read config, catalogue and the attributes named in `state`."""

    @property
    def device(self) -> torch.device:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def _fit(
        self,
        data: Dataset,
        *,
        valid: Sequence[tuple[UserState, int]],
        progress: Progress,
        checkpoint: Path | None,
    ) -> None:
        c = self.config
        with loop.seeded(c.seed):
            rows, loss = self._prepare(data)
        plan = loop.Plan(
            c.epochs,
            c.batch_size,
            c.learning_rate,
            c.weight_decay,
            warmup=c.warmup,
            patience=c.patience,
            clip=self.clip,
            bf16=self.bf16,
            seed=c.seed,
        )
        self.curve = loop.run(
            self.module,
            rows,
            loss,
            plan,
            validate=self._validator(valid),
            progress=progress,
            what=f"training {self.name}",
            checkpoint=checkpoint,
            key=self._key(data, valid),
            optimisers=self._optimisers,
        )
        self._ready()

    def _validator(self, valid: Sequence[tuple[UserState, int]]) -> Callable[[], float] | None:
        """What measures the model after each epoch; None where there is nothing to measure it on."""

        def ndcg() -> float:
            self._ready()
            return evaluate(self, valid).measured["ndcg"].mean

        return ndcg if valid else None

    def _optimisers(self, module: nn.Module, plan: loop.Plan) -> Sequence[torch.optim.Optimizer]:
        return loop.adamw(module, plan)

    def _ready(self) -> None:
        """Called when the weights have changed, before scoring: the place to compute what only depends on them."""

    def _key(self, data: Dataset, valid: Sequence[tuple[UserState, int]]) -> str:
        """Of everything that a training follows from."""
        x = data.interactions
        digest = hashlib.sha256(repr((self.name, self.config, artefact.fingerprint(data.catalogue))).encode())
        for column in (x.user, x.item, x.value, x.timestamp, np.array([item for _, item in valid], np.int64)):
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()

    def _arrays(self) -> dict[str, np.ndarray]:
        weights = {f"module.{k}": v.detach().cpu().numpy() for k, v in self.module.state_dict().items()}
        return weights | {name: getattr(self, name) for name in self.state}

    def _restore(self, arrays: dict[str, np.ndarray]) -> None:
        for name in self.state:
            setattr(self, name, arrays[name])
        self.module = self._build().to(self.device)
        weights = {k.removeprefix("module."): torch.from_numpy(v) for k, v in arrays.items() if k.startswith("module.")}
        self.module.load_state_dict(weights)
        self.module.eval()
        self._ready()
