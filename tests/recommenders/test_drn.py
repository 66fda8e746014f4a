"""DRN against its papers' formulas, written out with loops; interleaving, activeness, updates and their journal."""

import copy
import dataclasses
import math
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from app.errors import ArtefactError
from recommenders.contract.config import configured
from recommenders.data.tables import Dataset, UserState
from recommenders.learning.journal import KEPT, Journal
from recommenders.learning.online import (
    Impression,
    OnlineLearner,
    activeness,
    activeness_at_each,
    credit,
    explored_wins,
    interleave,
)
from recommenders.models.drn import DRN
from recommenders.networks.fields.features import Side, Slots
from tests.recommenders.worlds import checkerboard, tiny_films_data

DAY = 86_400


@pytest.fixture(scope="module")
def films() -> Dataset:
    return tiny_films_data()


@pytest.fixture(scope="module")
def drn(films: Dataset) -> DRN:
    model = configured("drn", {"epochs": 3, "batch_size": 16, "negatives": 8, "hidden": (6, 4), "embedding_size": 5})
    model.fit(films)
    assert isinstance(model, DRN)
    return model


# -- the network ------------------------------------------------------------------------------------------------------


def test_the_dueling_head_is_value_plus_advantage(drn: DRN) -> None:
    """Q of three items against V(s) + A(s, a), with loops over the fields in NumPy."""
    state = UserState((3, 9, 1), (4.0, 2.0, 5.0), (0, 10 * DAY, 10 * DAY + 60))
    features, network = drn.features, drn.module.fast
    w = drn.weights()
    table = w["vectors.table.weight"]
    histories, candidates = features.histories([state]), torch.tensor([[0, 7, 19]])

    def fields(side: Side, slots: Slots, place: tuple[int, ...]) -> list[np.ndarray]:
        rows, weights = slots.rows[place].numpy(), slots.weights[place].numpy()
        vectors, start = [], 0
        for field in features.of_side(side):
            own = range(start, start + field.width)
            vectors.append(sum(weights[n] * table[rows[n]] for n in own))
            start += field.width
        return vectors

    def relu(x: np.ndarray) -> np.ndarray:
        return np.maximum(x, 0)

    of_state = fields("user", features.users(histories), (0,))
    flat = np.concatenate(of_state)
    active = activeness(state.timestamps)
    hidden = relu(w["value.0.weight"] @ np.append(flat, active) + w["value.0.bias"])
    value = float(w["value.2.weight"][0] @ hidden + w["value.2.bias"][0])
    pairs = features.pairs(histories, candidates)
    scores = drn.score([state], candidates.numpy())[0]
    for n, item in enumerate((0, 7, 19)):
        of_item = fields("item", features.items, (item,))
        product = np.sum(of_state, axis=0) * np.sum(of_item, axis=0)
        both = np.concatenate([product, pairs.weights[0, n].numpy()])
        x = np.concatenate([flat, *of_item, both])
        first = np.concatenate([w["from_user.weight"], w["from_item.weight"], w["from_both.weight"]], axis=1)
        h = relu(first @ x + w["from_user.bias"])
        h = relu(w["deeper.0.weight"] @ h + w["deeper.0.bias"])
        deep = float(w["deeper.1.weight"][0] @ h + w["deeper.1.bias"][0])
        skip = float(w["skip_item.weight"][0] @ np.concatenate(of_item) + w["skip_both.weight"][0] @ both)
        assert scores[n] == pytest.approx(value + deep + skip, abs=1e-5)
    assert network.training is False


def test_value_reads_the_state_alone(drn: DRN) -> None:
    """A change of V moves all items of a state alike and so no ranking."""
    states = [UserState((1, 2)), UserState()]
    before = drn.score(states)
    change = {name: np.zeros_like(weight) for name, weight in drn.weights().items()}
    change["value.2.bias"] += 3
    np.testing.assert_allclose(drn.moved(change).score(states), before + 3, rtol=1e-5)
    change["value.2.bias"] -= 3
    change["value.2.weight"] += 1
    moved = drn.moved(change).score(states) - before
    np.testing.assert_allclose(moved, np.broadcast_to(moved[:, :1], moved.shape), atol=1e-4)


def test_the_activeness_of_a_state_moves_its_value(drn: DRN) -> None:
    once, returning = UserState((1, 2), (), (0, 60)), UserState((1, 2), (), (0, 2 * DAY))
    difference = drn.score([once])[0] - drn.score([returning])[0]
    assert np.ptp(difference) < 1e-4 and abs(difference[0]) > 1e-6


def test_padding_and_the_order_of_a_batch_change_nothing(drn: DRN) -> None:
    """A long history in the batch pads the short one; the fields read `latest` items at most."""
    short, long = UserState((4, 2)), UserState(tuple(range(15)))
    alone = drn.score([short])
    np.testing.assert_allclose(drn.score([long, short, UserState()])[1], alone[0], atol=1e-5)


def test_the_slow_network_follows(drn: DRN) -> None:
    networks = drn._build()
    with torch.no_grad():
        for w in networks.fast.parameters():
            w.add_(1.0)
    slow = next(networks.slow.parameters())
    before = slow.detach().clone()
    networks.follow(0.9)
    np.testing.assert_allclose(slow.detach(), 0.9 * before + 0.1 * (before + 1), atol=1e-6)
    networks.train()
    assert networks.fast.training and not networks.slow.training


@pytest.mark.slow
def test_overfits_a_tiny_set() -> None:
    """Four histories without anything in common: the next item of each is foreseen, and the loss nearly gone."""
    data, _ = checkerboard(users=4, items=12, hold_out=False)
    model = configured(
        "drn",
        {
            "epochs": 100,
            "batch_size": 8,
            "negatives": 12,
            "dropout": 0.0,
            "weight_decay": 0.0,
            "learning_rate": 1e-2,
            "discount": 0.0,
            "activeness": 0.0,
            "conservative": 0.0,
            "half_life": 0.5,
            "latest": 6,
        },
    )
    model.fit(data)
    errors = []
    for user in range(4):
        whole = data.state(user)
        for n in range(len(whole.items)):
            before = UserState(whole.items[:n], whole.values[:n], whole.timestamps[:n], (), whole.profile)
            q = model.score([before])[0]
            errors.append((q[whole.items[n]] - 1) ** 2)
            others = [i for i in range(12) if i not in whole.items[: n + 1]]
            errors += list(q[others] ** 2)
    assert np.mean(errors) < 0.01


@pytest.mark.slow
def test_a_discount_of_what_follows_is_in_the_value(films: Dataset) -> None:
    """With γ the Q of a state holds more than one reward; without, at most about one."""
    settings = {"epochs": 20, "batch_size": 16, "negatives": 8, "activeness": 0.0, "conservative": 0.0}
    states = films.states()
    near = configured("drn", {**settings, "discount": 0.0}).fit(films).score(states)
    far = configured("drn", {**settings, "discount": 0.8}).fit(films).score(states)
    assert far.mean() > 1.5 * near.mean() > 0


def test_a_killed_training_goes_on_to_the_same_weights(films: Dataset, tmp_path: Path) -> None:
    """The slow network is kept with the fast one."""
    settings = {"epochs": 4, "batch_size": 16, "negatives": 8}
    whole = configured("drn", settings).fit(films)

    def kill(done: int, total: int, what: str) -> None:
        if done == total - 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        configured("drn", settings).fit(films, progress=kill, checkpoint=tmp_path)
    resumed = configured("drn", settings).fit(films, checkpoint=tmp_path)
    np.testing.assert_array_equal(resumed.score([UserState((1, 2))]), whole.score([UserState((1, 2))]))


# -- activeness -------------------------------------------------------------------------------------------------------


def test_activeness_is_a_survival_curve_raised_by_returns() -> None:
    assert activeness(()) == activeness((5,)) == 0.5
    assert activeness((0, 600)) == pytest.approx(0.5 * math.exp(-1.2e-5 * 600))
    assert activeness((0, DAY)) == pytest.approx(0.5 * math.exp(-1.2e-5 * DAY) + 0.32)
    assert activeness((0, DAY)) == pytest.approx(0.5, abs=0.01)  # who returns daily keeps it
    assert activeness(tuple(range(0, 200_000, 2000))) == 1.0
    users, times = np.array([0, 0, 0, 1, 1]), np.array([0, DAY, DAY + 60, 7, 5 * DAY])
    after, following = activeness_at_each(users, times)
    expected = [activeness((0,)), activeness((0, DAY)), activeness((0, DAY, DAY + 60)), 0.5, activeness((7, 5 * DAY))]
    np.testing.assert_allclose(after, expected, rtol=1e-6)
    fades = math.exp(-1.2e-5 * DAY)
    np.testing.assert_allclose(
        following, [expected[1], expected[2], expected[2] * fades, expected[4], expected[4] * fades], rtol=1e-6
    )


# -- interleaving -----------------------------------------------------------------------------------------------------


def test_interleaving_draws_as_the_formula_says() -> None:
    """Frequencies of the first two places against the probabilities, summed over coins by hand in NumPy."""
    a, b, draws = [0, 1, 2], [2, 3, 0], 6000
    chance = {name: {item: (rank + 1.0) ** -3 for rank, item in enumerate(row)} for name, row in (("a", a), ("b", b))}

    def picks(taken: tuple[int, ...]) -> dict[tuple[int, str], float]:
        found = {}
        for name, weights in chance.items():
            left = {i: w for i, w in weights.items() if i not in taken}
            for item, weight in left.items():
                found[item, name] = 0.5 * weight / sum(left.values())
        return found

    first: Counter[tuple[int, str]] = Counter()
    second: Counter[int] = Counter()
    rng = np.random.default_rng(0)
    for _ in range(draws):
        items, origins = interleave(a, b, 2, rng)
        first[items[0], "a" if origins[0] == "current" else "b"] += 1
        second[items[1]] += 1
    for key, probability in picks(()).items():
        assert first[key] / draws == pytest.approx(probability, abs=4 * math.sqrt(0.25 / draws))
    for item in range(4):
        probability = sum(
            p * sum(q for (i, _), q in picks((taken,)).items() if i == item)
            for (taken, _), p in picks(()).items()
            if taken != item
        )
        assert second[item] / draws == pytest.approx(probability, abs=4 * math.sqrt(0.25 / draws))


def test_interleaving_shows_each_item_once_and_only_items_of_the_lists() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        a, b = rng.permutation(12)[:7].tolist(), rng.permutation(12)[:5].tolist()
        items, origins = interleave(a, b, 20, rng)
        assert sorted(items) == sorted({*a, *b}) and len(origins) == len(items)
        assert all(i in (a if origin == "current" else b) for i, origin in zip(items, origins, strict=True))
    assert interleave([], [], 5, rng) == ([], [])
    assert interleave([4, 2], [], 1, rng)[1] == ["current"]
    assert len(interleave([1, 2, 3], [3, 2, 1], 2, rng)[0]) == 2


def test_credit_goes_to_the_list_that_an_item_was_drawn_from() -> None:
    rng = np.random.default_rng(2)
    for _ in range(30):
        origins = {i: ("explored" if rng.random() < 0.5 else "current") for i in range(8)}
        judged = {int(i): float(rng.choice([-1, 0, 1])) for i in rng.permutation(10)[:6]}
        expected = {"current": 0.0, "explored": 0.0}
        for item in range(8):
            for other, worth in judged.items():
                if other == item:
                    expected[origins[item]] += worth
        assert credit(origins, judged) == expected  # type: ignore[arg-type]
        assert explored_wins(origins, judged) == (expected["explored"] > expected["current"])  # type: ignore[arg-type]
    assert not explored_wins({1: "explored", 2: "current"}, {1: 1.0, 2: 1.0})  # a draw
    assert explored_wins({1: "explored", 2: "current"}, {2: -1.0})
    assert not explored_wins({1: "explored"}, {})


# -- updates ----------------------------------------------------------------------------------------------------------


def test_the_disturbance_is_a_share_of_each_weight(drn: DRN) -> None:
    weights, change = drn.weights(), drn.disturbance(7)
    alpha = drn.config.explore
    shares = np.concatenate([(change[n] / w)[w != 0].ravel() for n, w in weights.items()])
    assert np.abs(shares).max() <= alpha + 1e-6
    assert abs(shares.mean()) < 0.1 * alpha and shares.std() == pytest.approx(alpha / math.sqrt(3), rel=0.1)
    for name, again in drn.disturbance(7).items():
        np.testing.assert_array_equal(again, change[name])
    assert any((other != change[name]).any() for name, other in drn.disturbance(8).items())
    for name, step in drn.minor_update(7).items():
        np.testing.assert_allclose(step, drn.config.minor_rate * change[name], rtol=1e-6)


def test_a_moved_model_scores_with_moved_weights_and_leaves_the_first_alone(drn: DRN, films: Dataset) -> None:
    assert isinstance(drn, OnlineLearner)
    states = films.states()
    before, change = drn.score(states), drn.disturbance(1)
    other = drn.moved(change)
    np.testing.assert_array_equal(drn.score(states), before)
    assert not np.allclose(other.score(states), before)
    for name, weight in other.weights().items():
        np.testing.assert_array_equal(weight, drn.weights()[name] + change[name])
    back = other.moved({name: -array for name, array in change.items()})
    np.testing.assert_allclose(back.score(states), before, atol=1e-5)


def test_replay_moves_what_was_shown_towards_its_rewards(drn: DRN, films: Dataset) -> None:
    shown = []
    for state in films.states():
        unmet = [i for i in range(len(films.catalogue)) if i not in state.items]
        liked, disliked = unmet[0], unmet[1]
        after = UserState((*state.items, liked), (*state.values, 5.0), (*state.timestamps, state.timestamps[-1] + 9))
        shown.append(Impression(state, (liked, disliked), (1.0, -1.0), after))
    change = drn.major_update(shown, seed=3)
    moved = drn.moved(change)

    def gap(model: DRN) -> float:
        scores = model.score([s.state for s in shown], np.array([s.items for s in shown]))
        return float((scores[:, 0] - scores[:, 1]).mean())

    assert gap(moved) > gap(drn) + 0.3
    for name, again in drn.major_update(shown, seed=3).items():
        np.testing.assert_array_equal(again, change[name])
    assert all((c == 0).all() for c in drn.major_update([]).values())


def test_minor_updates_climb_where_the_better_network_wins(drn: DRN, films: Dataset) -> None:
    """People who like the four films that the network puts last, and verdicts without noise (what clicks give on
    average): after 40 duels these films stand far higher."""
    states = films.states()
    likes = np.argsort(drn.score(states).mean(axis=0))[:4]
    model = copy.copy(drn)
    model.config = dataclasses.replace(drn.config, explore=0.3, minor_rate=1.0)

    def gap(model: DRN) -> float:
        scores = model.score(states)
        return float((scores[:, likes].mean(axis=1) - scores.mean(axis=1)).mean() / scores.std(axis=1).mean())

    before = gap(model)
    for seed in range(40):
        if gap(model.moved(model.disturbance(seed))) > gap(model):
            model = model.moved(model.minor_update(seed))
    assert gap(model) > before + 0.5


# -- the journal ------------------------------------------------------------------------------------------------------


@pytest.fixture
def journal(drn: DRN, tmp_path: Path) -> Journal:
    drn.save(tmp_path / "drn")
    return Journal(tmp_path / "drn")


def ones(value: float = 1.0) -> dict[str, np.ndarray]:
    return {"w": np.full((2, 3), value, np.float32)}


def test_changes_add_up_and_are_taken_back(journal: Journal) -> None:
    assert journal.changes() == [] and journal.total() == {} and journal.undo() is None
    heads = {journal.head()}
    for n in (1, 2, 4):
        journal.append("minor", f"list {n}", ones(n))
        heads.add(journal.head())
    assert [c.first for c in journal.changes()] == [1, 2, 3]
    np.testing.assert_array_equal(journal.total()["w"], ones(7)["w"])
    assert journal.remove("list 2") and not journal.remove("list 2")
    np.testing.assert_array_equal(journal.total()["w"], ones(5)["w"])
    undone = journal.undo()
    assert undone is not None and undone.because == "list 4"
    journal.append("major", "replay", ones(10))
    heads.add(journal.head())
    journal.append("minor", "list 1", ones(3))  # judged again: in place of the first verdict
    np.testing.assert_array_equal(journal.total()["w"], ones(13)["w"])
    assert len(heads) == 5
    assert Journal(journal.run_folder).head() == journal.head()
    assert journal.reset() == 2 and journal.total() == {}


def test_the_oldest_changes_are_merged(journal: Journal) -> None:
    for n in range(KEPT + 3):
        journal.append("minor", f"list {n}", ones(1))
    changes = journal.changes()
    assert len(changes) == KEPT and changes[0].kind == "merged" and (changes[0].first, changes[0].last) == (1, 4)
    np.testing.assert_array_equal(journal.total()["w"], ones(KEPT + 3)["w"])
    while journal.undo() is not None:
        pass
    np.testing.assert_array_equal(journal.total()["w"], ones(4)["w"])


def test_a_kill_between_merging_and_sweeping_counts_nothing_twice(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append("minor", "a", ones(1))
    journal.append("minor", "b", ones(2))
    journal.append("minor", "c", ones(4))
    current = journal._current()
    remove = Path.unlink

    def unlink(self: Path, missing_ok: bool = False) -> None:
        if self.suffix == ".safetensors":
            raise KeyboardInterrupt
        remove(self, missing_ok)

    with monkeypatch.context() as killed:
        killed.setattr(Path, "unlink", unlink)
        with pytest.raises(KeyboardInterrupt):
            journal._merge(current[0], current[1])
    np.testing.assert_array_equal(journal.total()["w"], ones(7)["w"])
    assert len(journal.changes()) == 2


def test_changes_of_another_training_are_ignored_and_swept(journal: Journal, drn: DRN) -> None:
    journal.append("minor", "list", ones())
    head = journal.head()
    drn.moved(drn.disturbance(1)).save(journal.run_folder)
    assert journal.total() == {} and journal.head() != head
    journal.append("minor", "other", ones(2))
    assert len(journal._files()) == 1
    np.testing.assert_array_equal(journal.total()["w"], ones(2)["w"])


def test_a_damaged_change_says_what_to_do(journal: Journal) -> None:
    journal.append("minor", "list", ones())
    path = journal._files()[0]
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ArtefactError, match="chatrec online drn --reset"):
        journal.total()
    assert journal.reset() == 1 and journal.total() == {}
    with pytest.raises(ArtefactError, match="chatrec train gone"):
        Journal(journal.run_folder.with_name("gone")).head()


def test_many_threads_lose_no_change(journal: Journal) -> None:
    def work(number: int) -> None:
        own = Journal(journal.run_folder)  # as another process has one of its own
        for n in range(5):
            own.append("minor", f"{number}.{n}", ones())

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [c.first for c in journal.changes()] == list(range(1, 21))
    np.testing.assert_array_equal(journal.total()["w"], ones(20)["w"])


@pytest.mark.slow
def test_a_kill_leaves_every_change_whole_or_absent(journal: Journal) -> None:
    script = textwrap.dedent(
        f"""
        import os, sys
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from pathlib import Path
        import numpy as np
        from recommenders.learning.journal import Journal
        journal = Journal(Path({str(journal.run_folder)!r}))
        print("writing", flush=True)
        n = 0
        while True:
            journal.append("minor", f"{{os.getpid()}} {{n}}", {{"w": np.ones((300, 300), np.float32)}})
            n += 1
            if n % 7 == 0:
                journal.undo()
        """
    )
    rng = np.random.default_rng(0)
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None and process.stdout.readline() == "writing\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=float(rng.uniform(0.05, 0.4)))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        changes = journal.changes()
        covered = [n for c in changes for n in range(c.first, c.last + 1)]
        assert covered == list(range(1, len(covered) + 1))
        total = journal.total()
        assert not covered or (total["w"] == len(covered)).all()
        journal.append("minor", f"after {len(covered)}", {"w": np.ones((300, 300), np.float32)})
