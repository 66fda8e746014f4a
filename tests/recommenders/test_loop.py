"""The training loop: repeatable, resumable after a kill at any epoch, and it stops early on the best weights."""

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import torch
from threadpoolctl import threadpool_info
from torch import Tensor, nn
from torch.nn import functional

from recommenders.contract.config import configured
from recommenders.networks import loop
from tests.recommenders.worlds import checkerboard

ROWS = torch.linspace(-1, 1, 50)[:, None]


def problem() -> tuple[nn.Module, loop.Loss]:
    """Fit a parabola with dropout in between: randomness in weights, order and training."""
    with loop.seeded(3):
        module = nn.Sequential(nn.Linear(1, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 1))
    return module, lambda rows: functional.mse_loss(module(ROWS[rows]), ROWS[rows] ** 2)


def plan(epochs: int = 6) -> loop.Plan:
    return loop.Plan(epochs, batch_size=8, learning_rate=0.01, bf16=False, patience=2, seed=1)


def weights(module: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in module.parameters()]


class Killed(Exception):
    pass


def test_the_seed_decides_and_nothing_else_is_disturbed() -> None:
    runs = []
    for _ in range(2):
        module, loss = problem()
        torch.manual_seed(len(runs))  # the state of the outside must not matter ...
        before = torch.get_rng_state()
        loop.run(module, 50, loss, plan())
        assert torch.equal(torch.get_rng_state(), before)  # ... nor be touched
        runs.append(weights(module))
    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))


@pytest.mark.parametrize("clip", [None, 0.1, 100.0])
def test_the_gradient_of_a_step_is_as_long_as_allowed(clip: float | None) -> None:
    """One step of plain descent moves all weights together by the gradient, shortened to `clip` where it is longer."""
    module, loss = problem()
    module.eval()  # no dropout: the gradient can be computed twice
    module.train = lambda mode=True: module  # type: ignore[method-assign]
    (20 * loss(torch.arange(50))).backward()
    gradients = [p.grad.clone() for p in module.parameters() if p.grad is not None]
    length = torch.cat([g.flatten() for g in gradients]).norm().item()
    assert 0.1 < length < 100
    before = weights(module)
    loop.run(
        module,
        50,
        lambda rows: 20 * loss(rows),
        loop.Plan(1, 50, learning_rate=1.0, warmup=0.0, clip=clip, bf16=False),
        optimisers=lambda module, plan: [torch.optim.SGD(module.parameters(), lr=plan.learning_rate)],
    )
    share = 1.0 if clip is None else min(1.0, clip / length)
    for old, new, gradient in zip(before, weights(module), gradients, strict=True):
        torch.testing.assert_close(old - new, share * gradient, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("after", [1, 20, 41])
def test_a_killed_training_goes_on_to_the_same_weights(after: int, tmp_path: Path) -> None:
    """Broken off after a number of steps (in the middle of an epoch), then called again."""
    module, loss = problem()
    loop.run(module, 50, loss, plan())
    whole = weights(module)

    def kill(done: int, total: int, what: str) -> None:
        if done == after:
            raise Killed

    module, loss = problem()
    with pytest.raises(Killed):
        loop.run(module, 50, loss, plan(), progress=kill, checkpoint=tmp_path, key="a")
    module, loss = problem()
    steps: list[int] = []
    loop.run(module, 50, loss, plan(), progress=lambda done, *_: steps.append(done), checkpoint=tmp_path, key="a")
    assert steps[0] == 7 * ((after - 1) // 7) + 1  # the broken epoch anew, finished ones not
    assert all(torch.equal(a, b) for a, b in zip(weights(module), whole, strict=True))


@pytest.mark.parametrize("spoil", ["other key", "damaged"])
def test_a_state_of_another_training_is_ignored(spoil: str, tmp_path: Path) -> None:
    module, loss = problem()
    loop.run(module, 50, loss, plan(3), checkpoint=tmp_path, key="other" if spoil == "other key" else "a")
    if spoil == "damaged":
        (tmp_path / loop.STATE).write_bytes((tmp_path / loop.STATE).read_bytes()[:100])
    module, loss = problem()
    steps: list[int] = []
    loop.run(module, 50, loss, plan(), progress=lambda done, *_: steps.append(done), checkpoint=tmp_path, key="a")
    assert steps[0] == 1


def test_the_best_epoch_is_kept_and_training_stops_when_nothing_gets_better() -> None:
    module, loss = problem()
    seen: list[list[Tensor]] = []
    values = iter([0.1, 0.5, 0.4, 0.3, 0.9])

    def validate() -> float:
        assert not module.training
        seen.append(weights(module))
        return next(values)

    loop.run(module, 50, loss, plan(10), validate=validate)
    assert len(seen) == 4  # two epochs (the patience) without anything better than the second
    assert all(torch.equal(a, b) for a, b in zip(weights(module), seen[1], strict=True))
    assert not module.training


def test_the_rate_rises_then_falls_to_nothing() -> None:
    rates = [loop._rate(step, 100, 0.1) for step in range(101)]
    assert 0 < rates[0] < 0.2 and max(rates) == pytest.approx(1) and rates[100] == pytest.approx(0, abs=1e-6)
    assert rates[:10] == sorted(rates[:10]) and rates[10:] == sorted(rates[10:], reverse=True)


@pytest.mark.slow
def test_a_killed_process_resumes(tmp_path: Path) -> None:
    """kill -9 in the middle of training a real model; the next run starts behind the last finished epoch and ends as
    an undisturbed one does."""
    settings = {"epochs": 40, "batch_size": 8, "embedding_size": 16}
    script = textwrap.dedent(
        f"""
        import sys, time
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from pathlib import Path
        from recommenders.experiments.training import train
        from tests.recommenders.worlds import checkerboard
        def slowly(done, total, what):
            time.sleep(0.01)
        train("sasrec", checkerboard()[0], Path({str(tmp_path / "run")!r}), config={settings!r}, progress=slowly)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", script])
    state = tmp_path / "run.checkpoint" / loop.STATE
    until = time.monotonic() + 60
    while not state.exists() and time.monotonic() < until:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert state.exists() and not (tmp_path / "run").exists()

    from recommenders.experiments.training import train

    data, cases = checkerboard()
    done: list[int] = []
    resumed = train("sasrec", data, tmp_path / "run", config=settings, progress=lambda n, *_: done.append(n))
    assert done[0] > 1
    assert not state.parent.exists() and (tmp_path / "run" / "weights.safetensors").exists()
    whole = configured("sasrec", settings).fit(data)
    states = [s for s, _ in cases]
    torch.testing.assert_close(
        torch.from_numpy(resumed.score(states)), torch.from_numpy(whole.score(states)), rtol=1e-3, atol=1e-3
    )


def test_threads_are_those_asked_for_and_then_as_before() -> None:
    def threads() -> set[int]:
        return {
            torch.get_num_threads(),
            *(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"),
        }

    before = threads()
    with loop.on_threads(1):
        assert threads() == {1}
    assert threads() == before
