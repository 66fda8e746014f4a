"""MINT: narratives by rules and from a file, the loss against a formula, resuming, the exported encoder."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app.errors import ConfigError, DataError
from recommenders.contract.config import configured
from recommenders.data.tables import Dataset, UserState
from recommenders.models.mint import MINT
from recommenders.networks import bert, biencoder
from recommenders.networks.bert import Sizes
from recommenders.networks.biencoder import Texts, Tower, contrastive
from recommenders.networks.matching import Lower
from recommenders.places import base
from recommenders.texts import narratives
from recommenders.texts.narratives import LikedSet, Narrative
from recommenders.texts.text_index import TextEncoder
from tests.recommenders.worlds import checkerboard, tiny_films, tiny_films_data

FILMS = tiny_films()
SMALL: dict[str, Any] = {"composed": 40, "tokens": 16, "hard_negatives": 4, "batch_size": 8, "epochs": 2}
OWN = {**SMALL, "pretrained": None, "layers": 1, "embedding_size": 8, "heads": 2}


# -- narratives -------------------------------------------------------------------------------------------------------


def test_a_set_is_what_one_person_liked() -> None:
    data = tiny_films_data()
    liked = narratives.liked(data)
    assert all(
        data.interactions.value[data.rows_of(0)][n] >= 4 for n, i in enumerate(data.state(0).items) if i in liked[0]
    )
    found = narratives.sets(data, size=3, number=30, seed=1)
    assert len(found) == 30 and found == narratives.sets(data, size=3, number=30, seed=1)
    assert found != narratives.sets(data, size=3, number=30, seed=2)
    for some in found:
        assert 2 <= len(set(some.items)) == len(some.items) <= 3
        assert some.known in liked and set(some.items) <= set(some.known)


def test_nobody_with_two_liked_items_gives_no_sets() -> None:
    data = tiny_films_data()
    first = data.with_interactions(data.interactions.where(np.arange(len(data.interactions)) % 6 == 0))
    assert narratives.sets(first, size=3, number=5, seed=0) == []


def test_what_is_named_is_not_the_answer_and_what_is_asked_fits() -> None:
    rng = np.random.default_rng(0)
    chosen = LikedSet((0, 1, 4, 5), (0, 1, 4, 5, 9))  # Alien, Aliens, The Shining, The Exorcist
    seen = set()
    for _ in range(200):
        told = narratives.composed(FILMS, chosen, rng)
        named = {i for i in chosen.items if FILMS.label(i) in told.text}
        assert told.items and set(told.items) | named <= set(chosen.items) and not named & set(told.items)
        assert told.known == chosen.known
        if "horror" in told.text and not named:
            assert set(told.items) == {0, 4, 5}  # Aliens is no horror film
        seen.add((bool(named), "movie" in told.text))
    assert seen == {(True, True), (True, False), (False, True)}


def test_a_catalogue_of_titles_alone_can_be_talked_about() -> None:
    bare = type(FILMS).of(FILMS.table[["item_id", "title"]])
    told = narratives.composed(bare, LikedSet((0, 1), (0, 1)), np.random.default_rng(0))
    assert told.items == (1,) and "Alien" in told.text


def test_keywords_and_running_text_are_told_apart() -> None:
    assert narratives._keywords("space, killer robot, ") == ["space", "killer robot"]
    assert narratives._keywords("A crew far out in space is hunted by a creature.") == []


def test_narratives_are_kept_by_the_ids_of_items(tmp_path: Path) -> None:
    told = [Narrative("a space film", (0, 2), (0, 2, 3)), Narrative("Amélie & co.", (10,), ())]
    narratives.save(tmp_path / "n.jsonl", FILMS, told)
    assert narratives.read(tmp_path / "n.jsonl", FILMS) == told
    later = type(FILMS).of(FILMS.table.iloc[1:])  # without Alien, numbers moved by one
    assert narratives.read(tmp_path / "n.jsonl", later) == [
        Narrative("a space film", (1,), (1, 2)),
        Narrative("Amélie & co.", (9,), ()),
    ]
    with pytest.raises(DataError, match="chatrec mint write"):
        narratives.read(tmp_path / "nowhere", FILMS)
    (tmp_path / "n.jsonl").write_text('{"text": "cut')
    with pytest.raises(DataError, match="damaged"):
        narratives.read(tmp_path / "n.jsonl", FILMS)


# -- the encoder ------------------------------------------------------------------------------------------------------


def test_the_loss_is_the_softmax_over_what_may_count() -> None:
    rng = np.random.default_rng(0)
    q, d = rng.normal(size=(3, 4)), rng.normal(size=(5, 4))
    wanted, void = np.array([0, 2, 2]), rng.random((3, 5)) < 0.4
    void[0, 0] = True  # an answer counts although its person liked it, of course
    expected = []
    for b in range(3):
        logits = 7.0 * d @ q[b]
        keep = [c for c in range(5) if not void[b, c] or c == wanted[b]]
        expected.append(np.log(np.exp(logits[keep]).sum()) - logits[wanted[b]])
    found = contrastive(*(torch.tensor(x) for x in (q, d, wanted, void)), 7.0)
    assert float(found) == pytest.approx(float(np.mean(expected)))


def test_vectors_are_means_of_length_one_and_padding_changes_nothing() -> None:
    torch.manual_seed(0)
    sizes = Sizes(vocabulary=20, positions=12, size=8, heads=2, widening=2)
    lower, tower = Lower(sizes, 1, 0.0).eval(), Tower(sizes, None, 1, 0.0).eval()
    pieces = np.full((2, 12), -1, np.int32)
    pieces[0, :5], pieces[1, :12] = [0, 1, 7, 8, 9], [0, 1, *range(5, 15)]
    texts = Texts(pieces, torch.device("cpu"), lower)
    alone = Texts(pieces[:1, :6], torch.device("cpu"), lower).all(tower, 1)
    both = texts.all(tower, 2)
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(both[:1], alone, atol=2e-3)  # kept in 16 bits


def test_it_reads_as_sentence_transformers_does_and_gives_the_layers_back(encoder: TextEncoder, tmp_path: Path) -> None:
    """Untrained, its vectors are the encoder's; exported after a change, the library gives the tower's own vectors."""
    from recommenders.networks import wordpieces

    folder = base() / "data" / "cache" / "encoder"
    said = ["I really liked Alien (1979).", "A comedy about two friends in Paris, please!"]
    _, lower, tower = biencoder.pretrained(folder, layers=6, upper=2, dropout=0.0)
    texts = Texts(wordpieces.of_vocabulary(folder, said, 32), torch.device("cpu"), lower)
    np.testing.assert_allclose(texts.all(tower, 2), encoder.encode(said), atol=5e-3)
    with torch.no_grad():
        for weight in tower.parameters():
            weight += 0.02 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
    biencoder.export(tower, folder, tmp_path / "out", layers=6)
    exported = TextEncoder(tmp_path / "out").encode(said)
    np.testing.assert_allclose(exported, texts.all(tower, 2), atol=5e-3)
    assert np.abs(exported - encoder.encode(said)).max() > 0.02


def test_a_block_goes_out_as_it_came_in() -> None:
    block = bert.Block(8, 2, 4, 0.0)
    again = bert.Block(8, 2, 4, 0.0)
    bert.start_block(again, bert.of_block(block, 3), 3)
    for a, b in zip(block.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(a, b)


# -- the recommender --------------------------------------------------------------------------------------------------


def test_what_comes_out_of_the_index_is_what_scores_best() -> None:
    data, cases = checkerboard()
    model = configured("mint", OWN).fit(data)
    state = cases[0][0]
    allowed = np.arange(len(data.catalogue)) % 3 == 0
    scores = model.score([state])[0]
    scores[~allowed] = -np.inf
    scores[list(state.items)] = -np.inf
    best = [i for i, _ in model.recommend(state, 4, allowed=allowed)]
    assert best == np.argsort(-scores, kind="stable")[: len(best)].tolist()


def test_narratives_of_a_language_model_teach(tmp_path: Path) -> None:
    """A request that rules never make ("zorp" for even items, "blib" for odd ones) is learnt from the file alone."""
    data, _ = checkerboard()
    told = [
        Narrative(f"{word} {ask}", (i,), tuple(range(colour, 30, 2)))
        for colour, word in enumerate(("zorp", "blib"))
        for i in range(colour, 30, 2)
        for ask in ("please", "now", "tonight", "again")
    ]
    narratives.save(tmp_path / "told.jsonl", data.catalogue, told)
    settings = {**OWN, "composed": 0, "narratives": str(tmp_path / "told.jsonl"), "epochs": 12, "learning_rate": 1e-2}
    model: Any = configured("mint", settings).fit(data)
    vectors = model._texts.all(model.module, len(model._pieces))
    zorp, blib = vectors[60:].reshape(2, -1, vectors.shape[1]).mean(axis=1)
    even = np.arange(30) % 2 == 0
    items = vectors[:30]
    assert (items[even] @ zorp).min() > (items[~even] @ zorp).max()
    assert (items[~even] @ blib).min() > (items[even] @ blib).max()


def test_a_person_without_any_pair_of_likes_leaves_titles_to_learn_from() -> None:
    data = tiny_films_data()
    first = data.with_interactions(data.interactions.where(np.arange(len(data.interactions)) % 6 == 0))
    model = configured("mint", OWN).fit(first)
    assert np.isfinite(model.score([UserState(), UserState((3,))])).all()


def test_a_killed_training_goes_on(tmp_path: Path) -> None:
    data, cases = checkerboard()

    class Killed(Exception):
        pass

    def kill(done: int, total: int, what: str) -> None:
        if done > total // 2 + 1:
            raise Killed

    whole = configured("mint", OWN).fit(data)
    with pytest.raises(Killed):
        configured("mint", OWN).fit(data, progress=kill, checkpoint=tmp_path)
    again = configured("mint", OWN).fit(data, checkpoint=tmp_path)
    states = [state for state, _ in cases]
    np.testing.assert_allclose(again.score(states), whole.score(states), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_from_pre_trained_weights(encoder: TextEncoder, tmp_path: Path) -> None:
    """Frozen layers stay, the upper ones learn, the run is served without the encoder, and the export encodes."""
    films: Dataset = tiny_films_data()
    model = configured("mint", SMALL).fit(films)
    assert isinstance(model, MINT) and model.curve[-1].loss < model.curve[0].loss
    model.save(tmp_path / "run")
    kept = json.loads((tmp_path / "run" / "config.json").read_text())["arrays"]
    assert {name.split(".")[2] for name in kept if name.startswith("module.blocks")} == {"0", "1"}
    again = MINT.load(tmp_path / "run", films.catalogue)
    np.testing.assert_array_equal(again.score([UserState((0, 1))]), model.score([UserState((0, 1))]))
    again.export(tmp_path / "encoder")
    vectors = TextEncoder(tmp_path / "encoder").encode([narratives.praise(films.catalogue, 0)])
    np.testing.assert_allclose(vectors[0], model.praised[0], atol=5e-3)


def test_settings_that_cannot_be_are_told() -> None:
    data = checkerboard()[0]
    for settings, message in (
        ({"tokens": 2}, "tokens must be 3"),
        ({**OWN, "embedding_size": 9}, "not a multiple of heads"),
        ({"upper": 7}, "at most layers"),
    ):
        with pytest.raises(ConfigError, match=message):
            configured("mint", settings).fit(data)
    with pytest.raises(ConfigError, match="cannot be exported"):
        configured("mint", OWN).fit(data).export(Path("nowhere"))  # type: ignore[attr-defined]
