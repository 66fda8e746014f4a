"""Ratings out of text, and tuned heads, on real small networks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import BackendFailed, UnusableBackend
from llm.rating import answers, network, starts
from llm.rating.network import RatingNetwork, RatingScorer, ScorerDamaged, Shape
from llm.rating.tuning import Config, Example, tune

# -- numbers in words -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rating"),
    [
        ("4", 4),
        (" 3.5\n", 3.5),
        ("3,5", 3.5),
        ("Rating: **4**", 4),
        ("I would give Alien (1979) a 5.", 5),
        ("4.5/5", 4.5),
        ("8 out of 10", 4),
        ("Between 3 and 4? 3-4.", 3.5),
        ("On a scale of 1 to 5 I say four.", 4),
        ("On a scale from 1-5: 2", 2),
        ("five stars", 5),
        ("4 stars, since they gave Heat (1995): 5", 4),
        ("They rated 12 Angry Men (1957) highly, so 5", 5),
        ("1995", None),
        ("12", None),
        ("0", None),
        ("I cannot know that.", None),
        ("", None),
    ],
)
def test_a_rating_is_read_whatever_stands_around_it(text: str, rating: float | None) -> None:
    assert answers.rating(text, 1, 5) == rating


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=60))
def test_what_is_read_lies_on_the_scale(text: str) -> None:
    found = answers.rating(text, 1, 5)
    assert found is None or 1 <= found <= 5
    assert all(1 <= n <= 7 for n in answers.order(text, 7))


def test_an_order_names_each_number_once() -> None:
    assert answers.order("3, 1, 3, 9, 2 and 1995", 4) == [3, 1, 2]
    assert answers.order("[2] > [1]", 2) == [2, 1]
    assert answers.order("none of them", 4) == []


def test_the_pattern_of_an_order_holds_what_it_should() -> None:
    import re

    pattern = answers.order_pattern(12, 3)
    assert re.fullmatch(pattern, "12, 1, 7")
    assert not re.fullmatch(pattern, "13, 1, 7")
    assert not re.fullmatch(pattern, "1, 7")


# -- tuned heads ------------------------------------------------------------------------------------------------------


def world(n: int, seed: int) -> list[Example]:
    """Films of two words: one tells the rating, the other nothing."""
    rng = np.random.default_rng(seed)
    worth = {"dull": 1, "plain": 3, "grand": 5}
    names = ["heat", "fargo", "alien", "brazil"]
    rows = [(rng.choice(list(worth)), rng.choice(names)) for _ in range(n)]
    return [Example(f"{name} was {word} =", 3.0, float(worth[word])) for word, name in rows]


@pytest.fixture(scope="module")
def t5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start") / "t5"
    return starts.small_t5(folder, [e.text for e in world(100, 0)], size=32, layers=1, words=100)


def rmse(scorer: RatingScorer, rows: list[Example]) -> float:
    told = scorer.predict([e.text for e in rows], [e.base for e in rows])
    return float(np.sqrt(np.mean([(t - e.rating) ** 2 for t, e in zip(told, rows, strict=True)])))


@pytest.mark.parametrize("objective", ["regression", "classification"])
@pytest.mark.parametrize("kind", ["t5", "decoder"])
def test_it_learns_what_the_words_say(kind: str, objective: Any, t5: Path, tiny_folder: Path, tmp_path: Path) -> None:
    config = Config(objective=objective, epochs=4, learning_rate=5e-3, head_learning_rate=1e-2, checks=1, patience=9)
    start = t5 if kind == "t5" else tiny_folder
    scorer = tune(start, world(300, 1), world(60, 2), 1, 5, tmp_path, config)
    fresh = world(60, 3)
    spread = float(np.std([e.rating for e in fresh]))
    assert rmse(scorer, fresh) < 0.5 * spread
    assert scorer.notes["history"][0]["rmse"] == pytest.approx(rmse_of_base(world(60, 2)))  # training began with b


def rmse_of_base(rows: list[Example]) -> float:
    return float(np.sqrt(np.mean([(e.base - e.rating) ** 2 for e in rows])))


def test_an_untrained_head_says_what_stands_beside(t5: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(t5)
    regression = RatingNetwork(network.opened(t5, None), Shape("regression", 1, 5, 1.0))
    told = RatingScorer(regression, tokenizer).predict(["heat was grand =", "x"], [2.25, 9.0])
    assert told == [2.25, 5.0]  # within the scale
    classes = RatingNetwork(network.opened(t5, None), Shape("classification", 1, 5, 0.5))
    [told_of_classes] = RatingScorer(classes, tokenizer).predict(["heat was grand ="], [3.0])
    assert told_of_classes == pytest.approx(3.0)  # the five classes lie evenly around it


def test_a_killed_tuning_goes_on_to_the_same_weights(t5: Path, tmp_path: Path) -> None:
    rows, valid = world(120, 4), world(30, 5)
    config = Config(epochs=2, checks=2, patience=9)
    whole = tune(t5, rows, valid, 1, 5, tmp_path / "whole", config)

    class Killed(Exception):
        pass

    def kill(done: int, total: int, _: str) -> None:
        if done == 11:  # in the third of four parts
            raise Killed

    with pytest.raises(Killed):
        tune(t5, rows, valid, 1, 5, tmp_path / "killed", config, progress=kill)
    steps: list[int] = []
    again = tune(
        t5, rows, valid, 1, 5, tmp_path / "killed", config, progress=lambda done, total, what: steps.append(done)
    )
    assert steps[0] > 1  # it did not begin anew
    assert again.notes["history"] == whole.notes["history"]
    for a, b in zip(again.network.parameters(), whole.network.parameters(), strict=True):
        assert torch.equal(a, b)


def test_early_stopping_keeps_the_best(t5: Path, tmp_path: Path) -> None:
    rows = world(64, 6)
    wrong = [Example(e.text, e.rating, e.rating) for e in world(30, 7)]  # what stands beside is right already
    config = Config(epochs=20, checks=1, patience=2, learning_rate=1e-2)
    scorer = tune(t5, rows, wrong, 1, 5, tmp_path, config)
    history = scorer.notes["history"]
    assert len(history) == 3  # the start and two checks that were worse
    assert rmse(scorer, wrong) == pytest.approx(0, abs=1e-6)


def test_only_the_upper_layers_of_a_cut_decoder_learn(tiny_folder: Path, tmp_path: Path) -> None:
    config = Config(epochs=1, layers=2, trained=1, checks=1)
    before = network.opened(tiny_folder, 2)
    scorer = tune(tiny_folder, world(60, 8), world(20, 9), 1, 5, tmp_path, config)
    after = scorer.network.backbone
    assert torch.equal(before.layers[0].mlp.up_proj.weight, after.layers[0].mlp.up_proj.weight)
    assert not torch.equal(before.layers[1].mlp.up_proj.weight, after.layers[1].mlp.up_proj.weight)
    assert len(network.opened(tiny_folder, 1).layers) == 1
    with pytest.raises(BackendFailed, match="has 2 layers"):
        network.opened(tiny_folder, 3)


def test_what_cannot_be_tuned_says_why(t5: Path, tmp_path: Path) -> None:
    with pytest.raises(BackendFailed, match="leave out `layers`"):
        tune(t5, world(5, 0), world(5, 0), 1, 5, tmp_path, Config(layers=1))
    with pytest.raises(BackendFailed, match="leave out `trained`"):
        tune(t5, world(5, 0), world(5, 0), 1, 5, tmp_path, Config(trained=1))
    with pytest.raises(BackendFailed, match="both are needed"):
        tune(t5, [], world(5, 0), 1, 5, tmp_path)
    with pytest.raises(BackendFailed, match="no tokenizer in"):
        tune(tmp_path / "nothing", world(5, 0), world(5, 0), 1, 5, tmp_path)


def test_saved_and_loaded_it_says_the_same(t5: Path, tmp_path: Path) -> None:
    scorer = tune(t5, world(60, 1), world(20, 2), 1, 5, tmp_path / "work", Config(epochs=1), notes={"known": 7})
    texts, base = ["heat was grand =", "alien was dull ="], [3.0, 3.0]
    for _ in range(2):  # the second time over the first
        scorer.save(tmp_path / "scorer")
    again = network.load(tmp_path / "scorer")
    assert again.predict(texts, base) == pytest.approx(scorer.predict(texts, base), abs=1e-6)
    assert again.notes["known"] == 7 and again.network.shape == scorer.network.shape
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
    (tmp_path / "scorer" / network.HEAD).write_bytes(b"torn")
    with pytest.raises(ScorerDamaged, match="tune-rating"):
        network.load(tmp_path / "scorer")
    with pytest.raises(ScorerDamaged, match="tune-rating"):
        network.load(tmp_path / "none")


def test_of_a_long_text_the_latest_is_kept(t5: Path) -> None:
    from transformers import AutoTokenizer

    scorer = RatingScorer(
        RatingNetwork(network.opened(t5, None), Shape("regression", 1, 5, 1.0, longest=4)),
        AutoTokenizer.from_pretrained(t5),
    )
    [cut, empty] = scorer.encode(["heat was dull = fargo was grand =", ""])
    assert len(cut) == 4 and scorer.tokenizer.decode(cut).endswith("grand =")
    assert len(empty) == 1


# -- starts -----------------------------------------------------------------------------------------------------------


def test_weights_that_are_not_fetched_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableBackend, match="chatrec models get smollm2-135m"):
        starts.embedded("smollm2-135m", tmp_path)
