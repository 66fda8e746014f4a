"""UNBERT: its encoder against transformers, its layers against loops, its short cuts against the long way."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from app.errors import ArtefactError, ConfigError
from recommenders.contract.config import configured
from recommenders.data.tables import Catalogue, Interactions, UserState
from recommenders.models.unbert import UNBERT
from recommenders.networks import bert, wordpieces
from recommenders.networks.bert import Block, Memory, Sizes
from recommenders.networks.loop import Plan, run
from recommenders.networks.matching import Aggregator, Lower, Network
from tests.recommenders.worlds import checkerboard, tiny_films, tiny_films_data

SMALL = {
    "pretrained": None,
    "layers": 2,
    "apart": 1,
    "embedding_size": 16,
    "heads": 2,
    "tokens_per_item": 8,
    "history": 4,
    "every": 1,
    "batch_size": 16,
    "epochs": 1,
}
SIZES = Sizes(vocabulary=50, positions=10, size=16, heads=4, widening=2)
PRETRAINED = Path(__file__).resolve().parents[2] / "data" / "cache" / "encoder"


def small(**given: object) -> UNBERT:
    model = configured("unbert", {**SMALL, **given})
    assert isinstance(model, UNBERT)
    return model


def network(aggregator: Aggregator = "nsep", *, across: int = 1, mutual: bool = False, history: int = 3) -> Network:
    torch.manual_seed(3)
    made = Network(
        SIZES,
        Lower(SIZES, 1, 0.0),
        across=across,
        news_layers=2,
        history=history,
        aggregator=aggregator,
        mutual=mutual,
        dropout=0.0,
    )
    for name, weight in made.named_parameters():  # larger than at the start of a training: what is wrong must show
        torch.nn.init.normal_(weight, mean=float("norm" in name and "weight" in name), std=0.3)
    return made.eval()


def texts(items: int, slots: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    """States (n, T, D) and which slots are there: every item has its special tokens and one word or more."""
    generator = torch.Generator().manual_seed(seed)
    there = torch.arange(slots) < torch.randint(3, slots + 1, (items, 1), generator=generator)
    return torch.randn(items, slots, SIZES.size, generator=generator), there


# -- word pieces ---------------------------------------------------------------------------------------------------


def test_an_item_is_read_from_its_title_to_its_people() -> None:
    assert wordpieces.line(tiny_films(), 0) == (
        "Alien (1979). Horror, Sci-Fi. A crew far out in space is hunted by a creature inside their ship.. "
        "Ridley Scott, Sigourney Weaver"
    )
    assert wordpieces.line(tiny_films(), 19) == "Untitled Reel"


def test_own_words_are_cut_and_padded() -> None:
    pieces, words = wordpieces.of_own_words(["red green red", "red blue green white", "!?"], 5)
    assert words == 3 + 3  # "white" is cut off before it is counted
    red, green, blue, nothing = 4, 3, 5, wordpieces.NOTHING
    assert pieces.tolist() == [[0, 1, red, green, red], [0, 1, red, blue, green], [0, 1, 2, nothing, nothing]]
    assert wordpieces.positions(pieces).tolist() == [[0, 4, 1, 2, 3], [0, 4, 1, 2, 3], [0, 2, 1, 0, 0]]


def test_pretrained_pieces_are_those_of_the_tokenizer(encoder: object) -> None:
    from transformers import PreTrainedTokenizerFast

    said = "Unforgettable Amélie (2001)"
    row = wordpieces.of_vocabulary(PRETRAINED, [said, "\u200b"], 30)
    ids = PreTrainedTokenizerFast(tokenizer_file=str(PRETRAINED / "tokenizer.json"))(said)["input_ids"]
    n = len(ids)
    assert row[0, np.argsort(wordpieces.positions(row)[0, :n])].tolist() == ids
    assert (row[0, n:] == wordpieces.NOTHING).all()
    assert (row[1] != wordpieces.NOTHING).sum() == 3  # a text without words has an unknown one


# -- the encoder ---------------------------------------------------------------------------------------------------


def test_layers_are_those_of_transformers_on_the_pretrained_weights(encoder: object) -> None:
    """Every item by itself through three layers: what transformers' BertModel gives at the same tokens."""
    from transformers import BertModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    theirs = BertModel.from_pretrained(PRETRAINED, local_files_only=True, attn_implementation="eager").eval()
    logging.enable_progress_bar()
    arrays, sizes = bert.weights(PRETRAINED), bert.sizes(PRETRAINED)
    ours = Lower(sizes, 3, 0.1).eval()
    bert.start_embedding(ours.embedding, arrays)
    for layer, block in enumerate(ours.blocks):
        bert.start_block(block, arrays, layer)
    pieces = wordpieces.of_vocabulary(PRETRAINED, wordpieces.lines(tiny_films()), 14)
    places, there = wordpieces.positions(pieces), pieces != wordpieces.NOTHING
    with torch.inference_mode():
        own = ours(*(torch.from_numpy(x) for x in (pieces.clip(min=0).astype(np.int64), places, there)))
        for row in (0, 3, 19):
            order = np.argsort(places[row, there[row]])
            hidden = theirs(torch.from_numpy(pieces[row, order].astype(np.int64))[None], output_hidden_states=True)
            torch.testing.assert_close(own[row, order], hidden.hidden_states[3][0], rtol=1e-4, atol=1e-5)


def test_a_pair_of_sentences_is_read_as_transformers_reads_it() -> None:
    """Random weights, words of both segments, and rows of unlike lengths."""
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=32,
        max_position_embeddings=10, initializer_range=0.5,
    )  # fmt: skip
    theirs = BertModel(config, add_pooling_layer=False).eval()
    ours = bert.Embedding(SIZES, 0.1, pairs=True).eval()
    blocks = [Block(16, 4, 2, 0.1, 0.0).eval() for _ in range(2)]
    bert.start_embedding(ours, theirs.state_dict())
    for layer, block in enumerate(blocks):
        bert.start_block(block, theirs.state_dict(), layer)
    words, second = torch.randint(50, (3, 9)), torch.arange(9).expand(3, 9) >= torch.tensor([[4], [2], [7]])
    there = torch.arange(9) < torch.tensor([[9], [5], [8]])
    with torch.inference_mode():
        x = ours(words, torch.arange(9), second)
        for block in blocks:
            x = block(x, there)
        expected = theirs(words, attention_mask=there.long(), token_type_ids=second.long()).last_hidden_state
    torch.testing.assert_close(x[there], expected[there], rtol=1e-4, atol=1e-5)


def test_attention_over_shared_and_own_is_one_softmax() -> None:
    """Against loops: head by head, query by query, over the keys that are there."""
    rng = np.random.default_rng(0)
    b, c, q, n, t, d, heads = 2, 3, 2, 5, 4, 8, 2
    queries, shared, own = (
        rng.normal(size=(b, c, q, d)),
        rng.normal(size=(b, n, 2 * d)),
        rng.normal(size=(b, c, t, 2 * d)),
    )
    shared_there, own_there = rng.random((b, n)) < 0.7, rng.random((b, c, t)) < 0.7
    shared_there[1] = False  # an empty history
    own_there[..., 0] = True
    block = Block(d, heads, 2, 0.0).eval()

    def tensor(x: np.ndarray) -> Tensor:
        return torch.from_numpy(x.astype(np.float32) if x.dtype == np.float64 else x)

    found = block.attend(
        tensor(queries), Memory(tensor(shared), tensor(shared_there)), Memory(tensor(own), tensor(own_there))
    )
    for i, j, k in np.ndindex(b, c, q):
        seen = np.concatenate([shared[i][shared_there[i]], own[i, j][own_there[i, j]]])
        for h in range(heads):
            part = slice(h * d // heads, (h + 1) * d // heads)
            logits = seen[:, :d][:, part] @ queries[i, j, k, part] / np.sqrt(d / heads)
            chances = np.exp(logits - logits.max())
            wanted = chances / chances.sum() @ seen[:, d:][:, part]
            np.testing.assert_allclose(found[i, j, k, part].detach().numpy(), wanted, rtol=1e-4, atol=1e-5)


# -- aggregators, news level, click predictor ----------------------------------------------------------------------


def test_aggregators_follow_the_paper() -> None:
    words, there = texts(4)
    words, there = words[:, 1:], there[:, 1:]  # [SEP] and words
    x, real = words.numpy(), there.numpy()
    np.testing.assert_array_equal(network("nsep").aggregate(words, there).detach(), x[:, 0])
    attending = network("attention")
    assert attending.weigh is not None
    (w, b), (v, v0) = ([p.detach().numpy() for p in attending.weigh[n].parameters()] for n in (0, 2))
    averages, attended = network("mean").aggregate(words, there).detach(), attending.aggregate(words, there).detach()
    for n in range(len(x)):
        own = x[n, 1:][real[n, 1:]]  # words alone
        np.testing.assert_allclose(averages[n], own.mean(axis=0), rtol=1e-5, atol=1e-6)
        logits = np.array([float(v[0] @ np.tanh(w @ h + b) + v0[0]) for h in own])
        shares = np.exp(logits) / np.exp(logits).sum()
        np.testing.assert_allclose(attended[n], shares @ own, rtol=1e-4, atol=1e-5)


def _layer(block: Block, x: np.ndarray) -> np.ndarray:
    """A whole layer in NumPy: all rows of x (n, D) see all."""
    w = {name: p.detach().numpy().astype(np.float64) for name, p in block.named_parameters()}
    d, heads = block.size, block.heads

    def norm(y: np.ndarray, name: str) -> np.ndarray:
        y = (y - y.mean(-1, keepdims=True)) / np.sqrt(y.var(-1, keepdims=True) + 1e-12)
        return y * w[f"{name}.weight"] + w[f"{name}.bias"]

    q, k, v = np.split(x @ w["qkv.weight"].T + w["qkv.bias"], 3, axis=1)
    mixed = np.zeros_like(x)
    for h in range(heads):
        part = slice(h * d // heads, (h + 1) * d // heads)
        logits = q[:, part] @ k[:, part].T / np.sqrt(d / heads)
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        mixed[:, part] = chances / chances.sum(axis=1, keepdims=True) @ v[:, part]
    x = norm(x + mixed @ w["out.weight"].T + w["out.bias"], "norm_attention")
    up = x @ w["up.weight"].T + w["up.bias"]
    gelu = up * 0.5 * (1 + torch.erf(torch.from_numpy(up / np.sqrt(2))).numpy())
    return norm(x + gelu @ w["down.weight"].T + w["down.bias"], "norm_forward")


@pytest.mark.parametrize("aggregator", ["nsep", "mean", "attention"])
@pytest.mark.parametrize("across", [1, 2])
def test_the_papers_network_is_one_sequence_through_plain_layers(aggregator: Aggregator, across: int) -> None:
    """mutual: [CLS] candidate [SEP] item [NSEP] item [NSEP], all words seeing all, then all items seeing all."""
    net = network(aggregator, across=across, mutual=True)
    states, there = texts(5)
    history, met, candidates = torch.tensor([[4, 2, 0]]), torch.tensor([[True, True, False]]), torch.tensor([[1, 3]])
    found = net(net.read(states, there), history, met, candidates).detach()
    for column, candidate in enumerate(candidates[0].tolist()):
        parts = [states[candidate][there[candidate]]]
        for place, item in enumerate((4, 2)):
            parts.append((states[item] + net.segment + net.places[place])[1:][there[item][1:]])
        x = torch.cat(parts).detach().numpy().astype(np.float64)
        for block in net.across:
            assert isinstance(block, Block)
            x = _layer(block, x)
        starts = np.cumsum([1, len(parts[0]) - 1, len(parts[1])])
        news = []
        for start, end in zip(starts, [*starts[1:], len(x)], strict=True):
            own = torch.from_numpy(x[start:end]).float()
            news.append(net.aggregate(own, torch.ones(len(own), dtype=torch.bool)).detach().numpy())
        matched = np.array(news, np.float64)
        for block in net.news:
            assert isinstance(block, Block)
            matched = _layer(block, matched)
        both = np.concatenate([x[0], matched[0]])
        wanted = both @ net.click.weight[0].detach().numpy() + net.click.bias[0].item()
        np.testing.assert_allclose(found[0, column], wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("aggregator", ["nsep", "mean", "attention"])
def test_a_history_that_does_not_look_at_candidates_is_read_once(aggregator: Aggregator) -> None:
    """Many candidates at once score as each alone; and the paper's way is another function, not a slower one."""
    states, there = texts(9)
    history, met, candidates = torch.tensor([[4, 2, 0], [1, 1, 8]]), torch.ones(2, 3).bool(), torch.arange(8).view(2, 4)
    net, paper = network(aggregator, across=2), network(aggregator, across=2, mutual=True)
    read = net.read(states, there)
    together = net(read, history, met, candidates)
    for column in range(4):
        alone = net(read, history, met, candidates[:, column : column + 1])
        torch.testing.assert_close(together[:, column], alone[:, 0], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(together, paper(read, history, met, candidates), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("aggregator", ["nsep", "mean", "attention"])
@pytest.mark.parametrize("mutual", [False, True])
def test_padding_changes_nothing(aggregator: Aggregator, mutual: bool) -> None:
    """More empty slots behind every text, more empty places behind the history."""
    net, longer = network(aggregator, across=2, mutual=mutual), network(aggregator, across=2, mutual=mutual, history=6)
    weights = net.state_dict()
    weights["places"] = torch.cat([weights["places"], torch.randn(3, SIZES.size)])
    longer.load_state_dict(weights)
    states, there = texts(6)
    history, met, candidates = (
        torch.tensor([[4, 2, 0], [3, 0, 0]]),
        torch.tensor([[True] * 3, [True, False, False]]),
        None,
    )
    candidates = torch.tensor([[1, 5], [5, 0]])
    score = net(net.read(states, there), history, met, candidates)
    wide = torch.cat([states, torch.randn(6, 4, SIZES.size)], dim=1)
    none = torch.zeros(6, 4, dtype=torch.bool)
    again = longer(
        longer.read(wide, torch.cat([there, none], dim=1)),
        torch.cat([history, torch.full((2, 3), 5)], dim=1),
        torch.cat([met, none[:2, :3]], dim=1),
        candidates,
    )
    torch.testing.assert_close(again, score, rtol=1e-4, atol=1e-4)


# -- the recommender -----------------------------------------------------------------------------------------------


def test_overfits_a_tiny_set() -> None:
    """One user who met twelve films: every next one follows from those before, and can be learnt by heart."""
    order = np.random.default_rng(0).permutation(12)
    data = tiny_films_data(users=1).with_interactions(Interactions.of(np.zeros(12, int), order, None, np.arange(12)))
    model = small(embedding_size=32, dropout=0.0)
    model._catalogue = data.catalogue
    torch.manual_seed(0)
    rows, loss = model._prepare(data)
    curve = run(model.module, rows, loss, Plan(120, 12, 5e-3, warmup=0.05, bf16=False))
    assert curve[0].loss > 1 and curve[-1].loss < 0.02


@pytest.mark.parametrize(
    "settings", [{"aggregator": "mean", "mutual": True, "apart": 0}, {"news_layers": 2, "layers": 3}]
)
def test_every_arrangement_learns_and_is_kept(settings: dict[str, object], tmp_path: Path) -> None:
    data, cases = checkerboard(users=8, items=10)
    model = small(**settings).fit(data, valid=cases)
    model.save(tmp_path / "run")
    again = UNBERT.load(tmp_path / "run", data.catalogue)
    states = [state for state, _ in cases]
    np.testing.assert_array_equal(again.score(states), model.score(states))


def test_a_catalogue_too_large_to_be_projected_ahead_scores_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    data, cases = checkerboard(users=8, items=10)
    model = small().fit(data)
    states = [state for state, _ in cases]
    ahead = model.score(states)
    monkeypatch.setattr("recommenders.models.unbert._CACHED", 0)
    monkeypatch.setattr("recommenders.models.unbert._PAIRS_AT_ONCE", 7)  # and little memory
    model._ready()
    assert model._read is None
    np.testing.assert_allclose(model.score(states), ahead, rtol=1e-4, atol=1e-5)


def test_only_the_latest_items_count_and_their_order_does() -> None:
    data, _ = checkerboard(users=8, items=10)
    model = small().fit(data)
    torch.nn.init.normal_(model.module.places)  # one epoch teaches them little
    model._ready()
    long, cut, turned = model.score([UserState((9, 8, 0, 1, 2, 3)), UserState((0, 1, 2, 3)), UserState((3, 2, 1, 0))])
    np.testing.assert_allclose(long, cut, rtol=1e-5, atol=1e-6)
    assert not np.allclose(cut, turned, rtol=1e-3)


def test_places_hold_what_came_before_and_no_other_user() -> None:
    """The latest liked items before each row, from the rows of the same user alone."""
    from recommenders.models.unbert import _Places

    data, _ = checkerboard(users=5, items=8)
    rng = np.random.default_rng(0)
    x = data.interactions
    data = data.with_interactions(replace(x, value=rng.integers(1, 6, len(x)).astype(np.float32)))
    x = data.interactions
    places = _Places(data, 3, 4.0, torch.device("cpu")).histories(torch.arange(len(x)))
    for row in range(len(x)):
        before = [x.item[r] for r in range(row) if x.user[r] == x.user[row] and x.value[r] >= 4][::-1][:3]
        assert places[row].tolist() == [*before, *[-1] * (3 - len(before))]


def test_nobody_who_liked_anything_leaves_every_history_empty() -> None:
    data, cases = checkerboard(users=4, items=6)
    data = data.with_interactions(replace(data.interactions, value=np.ones(len(data.interactions), np.float32)))
    model = small(objective="click", history=9).fit(data)
    assert (model.predict_click([state for state, _ in cases], np.array([0, 1, 2, 3])) < 0.5).all()


def test_clicks_are_learnt_from_ratings_and_read_against_what_was_liked() -> None:
    """Users rate what shares a word with what they liked 5, and the rest 1."""
    data, _ = checkerboard(users=16, items=12, hold_out=False)
    own, other = data.interactions, np.arange(16)
    users = np.concatenate([own.user, np.repeat(other, 6)])
    items = np.concatenate([own.item, *[np.arange((u + 1) % 2, 12, 2) for u in other]])
    values = np.concatenate([own.value, np.full(96, 1.0)])
    rng = np.random.default_rng(1)
    data = data.with_interactions(Interactions.of(users, items, values, rng.permutation(len(users))))
    model = small(objective="click", epochs=12, batch_size=32, learning_rate=3e-3, embedding_size=32).fit(data)
    even, odd = UserState((0, 1, 2, 3), (5.0, 1.0, 5.0, 1.0)), UserState((0, 1, 2, 3), (1.0, 5.0, 1.0, 5.0))
    assert model.predict_click([even, even, odd, odd], np.array([4, 5, 4, 5])).round().tolist() == [1, 0, 0, 1]
    # what was not liked is not read
    np.testing.assert_allclose(model.score([even]), model.score([UserState((0, 2), (5.0, 5.0))]), rtol=1e-5, atol=1e-6)
    with pytest.raises(ConfigError, match="objective='click'"):
        small().predict_click([even], np.array([1]))


def test_wrong_settings_say_what_to_do(tmp_path: Path) -> None:
    data, _ = checkerboard(users=4, items=6)
    with pytest.raises(ArtefactError, match=r"lacks config\.json.*chatrec setup.*pretrained=none"):
        small(pretrained=str(tmp_path)).fit(data)
    with pytest.raises(ConfigError, match="less than layers"):
        small(apart=2).fit(data)
    with pytest.raises(ConfigError, match="3 or more"):
        small(tokens_per_item=2).fit(data)
    with pytest.raises(ConfigError, match="multiple of heads"):
        small(embedding_size=15).fit(data)


def test_more_layers_than_the_pretrained_network_has_are_refused(encoder: object) -> None:
    data, _ = checkerboard(users=4, items=6)
    with pytest.raises(ArtefactError, match="no layer 7"):
        small(pretrained=str(PRETRAINED), layers=7, apart=6).fit(data)


@pytest.mark.parametrize("frozen", [True, False])
def test_pretrained_weights_are_where_training_starts(encoder: object, frozen: bool, tmp_path: Path) -> None:
    """Frozen layers are kept as their output, others as weights; a run needs the pre-trained files no more."""
    data, cases = checkerboard(users=8, items=10)
    settings = {"pretrained": str(PRETRAINED), "layers": 2, "apart": 1, "learning_rate": 1e-9, "frozen": frozen}
    model = small(**settings).fit(data)
    start = bert.weights(PRETRAINED)["encoder.layer.1.intermediate.dense.weight"]
    torch.testing.assert_close(model.module.across[0].up.weight.detach(), start, rtol=0, atol=1e-6)
    assert (model.module.lower is None) == frozen
    model.save(tmp_path / "run")
    (tmp_path / "run" / "config.json").write_text(
        (tmp_path / "run" / "config.json").read_text().replace(str(PRETRAINED), "nowhere")
    )
    again = UNBERT.load(tmp_path / "run", data.catalogue)
    states = [state for state, _ in cases]
    np.testing.assert_array_equal(again.score(states), model.score(states))


def test_texts_that_nobody_met_are_told_apart(encoder: object) -> None:
    """Before any training for it, a film is scored by its words: two items alike in words score alike."""
    frame = pd.DataFrame(
        {"item_id": list("abcd"), "title": ["Alien", "Casablanca", "Heat", "Heat"], "genres": ["Horror", "War", "", ""]}
    )
    data = tiny_films_data(users=4)
    interactions = Interactions.of(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 0]))
    data = replace(data, catalogue=Catalogue.of(frame), interactions=interactions, _by_user={})
    model = small(pretrained=str(PRETRAINED)).fit(data)
    scores = model.score([UserState((0, 1))])[0]
    assert scores[2] == pytest.approx(scores[3], abs=1e-5) and abs(scores[0] - scores[2]) > 1e-3
