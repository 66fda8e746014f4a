"""How the reader of wishes was taught, and how it is taught again.

    python -m benchmarks.teach_wishes [--minutes 25] [--out FOLDER]

Two kinds of lessons, both written by hand for the films of movielens-2016, in six languages:
- requests (recommenders/data/sources/film_requests.csv): what somebody would say who means one film, or for whom that
  film would be right. The answer is the film; a share of it goes to the films most like it. Each counts by the root of
  how often its film was rated: what people ask for is what people watch.
- wishes (lessons/wishes.jsonl): moods, occasions and themes with the attributes that would answer them. The answers are
  the films that have them, the better known before the others: log p(i) = fit(i) / T + log(1 + n_i) / 2 + z_i / 3.

Loss: − Σ_i p(i) log softmax_i s(i), over all films, with s of wish_index.py; a request is never held against its own
text. The upper layers, C, the scale and the share of the middle are learnt by AdamW; the lower layers run once, ahead.
A tenth of the films and of the wishes is held out, and every film that benchmarks/wishes.csv describes.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import Tensor, nn
from torch.nn import functional

from app import files
from app.progress import Progress, quiet
from app.words import split, stem
from recommenders.data import Attribute, Catalogue, Dataset, Flag, Levels, Named, Number, Year
from recommenders.texts.text_index import documents
from recommenders.wishes import columns as features
from recommenders.wishes.multilingual import PASSAGE, QUERY, SIZE, Encoder, pooled
from recommenders.wishes.wish_index import Vectors
from recommenders.wishes.wish_reader import ABOUT, CALL, UPPER, WEIGHTS

LESSONS = Path(__file__).with_name("lessons") / "wishes.jsonl"
_TEMPERATURE = 0.08  # of a fit, which lies between 0 and 1
_KEPT = 80  # films that answer a wish
_NEIGHBOURS, _NEIGHBOURLY = 15, 0.3  # films most like a request's, and the share of the answer that goes to them
_WEIGHTS = {"genres": 1.5, "keywords": 1.3, "twist": 1.5, "black_and_white": 1.2, "moods": 1.0, "year": 1.0}
_WEIGHT = 0.6  # of every other attribute
_AVOIDED = 0.5


@dataclass(frozen=True)
class Teaching:
    layers: int = 4
    epochs: float = 2.2
    minutes: float = 25.0
    batch: int = 96
    layer_rate: float = 5e-5
    head_rate: float = 2e-3
    decay: float = 0.1
    dropout: float = 0.1
    seed: int = 0


@dataclass(frozen=True)
class Lesson:
    """A wish in several languages; attribute -> values that answer it, and that do not."""

    said: Mapping[str, str]
    want: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    avoid: Mapping[str, Sequence[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """One text to learn from: what it is read as, its answers (items, shares of one), the text of its own item that it
    must not be held against (-1 none), how much it counts."""

    text: int
    items: np.ndarray
    shares: np.ndarray
    own: int = -1
    weight: float = 1.0


def lessons(path: Path = LESSONS) -> list[Lesson]:
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [Lesson(row["said"], row["want"], row["avoid"]) for row in rows]


# -- what answers a wish ----------------------------------------------------------------------------------------------


class Fit:
    """How well each item of a catalogue fits the attributes of a lesson."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._matched: dict[tuple[str, Any], np.ndarray] = {}
        self._stems: dict[str, list[set[str]]] = {}

    def of(self, lesson: Lesson) -> np.ndarray | None:
        """(I,) about 0 to 1, less with what is to be avoided; None where the lesson wants nothing that is known."""
        total, fit = 0.0, np.zeros(len(self._catalogue))
        for name, value in _each(lesson.want):
            if name in self._catalogue.schema:
                weight = _WEIGHTS.get(name, _WEIGHT)
                fit += weight * self._match(name, value)
                total += weight
        if not total:
            return None
        fit /= total
        for name, value in _each(lesson.avoid):
            if name in self._catalogue.schema:
                fit -= _AVOIDED * (self._match(name, value, avoided=True) >= 0.8)
        return fit

    def _match(self, name: str, value: Any, *, avoided: bool = False) -> np.ndarray:
        key = (f"{name} {avoided}", value)
        if key not in self._matched:
            attribute = self._catalogue.schema[name]
            cells = self._catalogue.attributes.cells(name)
            own = [_closeness(attribute, cell, value, avoided=avoided) for cell in cells]
            found = np.array(own, np.float64)
            if isinstance(attribute, Named) and len(self._catalogue.attributes.values.get(name, ())) > features.MANY:
                found = np.maximum(found, self._by_words(name, str(value)))
            self._matched[key] = found
        return self._matched[key]

    def _by_words(self, name: str, value: str) -> np.ndarray:
        """Of attributes with many names: the share of the value's words that an item's names have, somewhat less."""
        if name not in self._stems:
            cells = self._catalogue.attributes.cells(name)
            self._stems[name] = [{stem(w) for entry in cell for w in split(entry)} for cell in cells]
        words = [stem(w) for w in split(value)]
        return np.array([0.8 * sum(w in row for w in words) / max(1, len(words)) for row in self._stems[name]])


def _each(wanted: Mapping[str, Sequence[Any]]) -> list[tuple[str, Any]]:
    return [(name, value) for name, values in wanted.items() for value in values]


def _closeness(a: Attribute, cell: Any, value: Any, *, avoided: bool) -> float:
    """0 to 1. Of levels that are to be avoided, more is as bad."""
    if cell is None or a.unknown(cell):
        return 0.0
    if isinstance(a, Levels):
        away = int(cell) - a.levels.index(str(value))
        return float(away >= 0) if avoided else max(0.0, 1 - abs(away) / 2)
    if isinstance(a, Flag):
        return float(bool(cell) is bool(value))
    if isinstance(a, Year):
        return max(0.0, 1 - abs(int(a.key(cell) or 0) // 10 * 10 - int(value)) / 20)
    if isinstance(a, Number):
        return float(cell[0] <= float(value))  # "from that age"
    return float(value in features.values(a, cell))


# -- tasks ------------------------------------------------------------------------------------------------------------


@dataclass
class Course:
    """All that is learnt from: texts (queries), their tasks for learning and for a look in between."""

    texts: list[str]
    learnt: list[Task]
    held: list[Task]


def course(
    data: Dataset, requests: Sequence[tuple[str, str]], taught: Sequence[Lesson], alike: np.ndarray, out: set[int]
) -> Course:
    """requests: (item id, text), in the order of their vectors; alike (I, N) the items most like each; out: items of
    which nothing is learnt."""
    rng = np.random.default_rng(3)
    numbers = [data.catalogue.ids.number(i) for i, _ in requests]
    among = sorted({*numbers} - out)
    held_items = set(rng.choice(among, len(among) // 10, replace=False).tolist())
    roots = np.sqrt(data.popularity[numbers])
    found = Course([text for _, text in requests], [], [])
    near = np.full(_NEIGHBOURS, _NEIGHBOURLY / _NEIGHBOURS, np.float32)
    for n, item in enumerate(numbers):
        if item in out:
            continue
        items, shares = np.r_[item, alike[item]], np.r_[np.float32(1 - _NEIGHBOURLY), near]
        task = Task(n, items, shares, n, float(roots[n] / roots.mean()))
        (found.held if item in held_items else found.learnt).append(task)
    fit, prior = Fit(data.catalogue), _prior(data)
    for lesson in taught:
        answers = _answers(fit.of(lesson), prior)
        held = rng.random() < 0.1
        for text in lesson.said.values() if answers else ():
            found.texts.append(text)
            (found.held if held else found.learnt).append(Task(len(found.texts) - 1, *answers))
    return found


def _prior(data: Dataset) -> np.ndarray:
    """(I,) what being known and well rated adds; items of which nothing is known answer no wish."""
    judged = features.matrix(data.catalogue, [features.KNOWN, features.RATED])
    return np.where(judged[:, 0] > 0, 0.5 * np.log1p(data.popularity) + judged[:, 1] / 3, -np.inf)


def _answers(fit: np.ndarray | None, prior: np.ndarray) -> tuple[np.ndarray, np.ndarray] | tuple[()]:
    if fit is None:
        return ()
    likely = fit / _TEMPERATURE + prior
    items = np.argsort(-likely)[:_KEPT]
    shares = np.exp(likely[items] - likely[items[0]])
    return items, (shares / shares.sum()).astype(np.float32)


# -- learning ---------------------------------------------------------------------------------------------------------


class Pupil(nn.Module):
    """What is learnt: the upper layers, the call, the scale, the share of the middle."""

    middle: Tensor

    def __init__(self, upper: nn.ModuleList, columns: int, query_middle: np.ndarray, dropout: float) -> None:
        super().__init__()
        self.upper = upper.train()
        self.call = nn.Linear(SIZE, columns)
        nn.init.zeros_(self.call.weight)
        nn.init.zeros_(self.call.bias)
        self.log_scale = nn.Parameter(torch.tensor(float(np.log(18.0))))
        self.share = nn.Parameter(torch.zeros(()))
        self.dropout = dropout
        self.register_buffer("middle", torch.from_numpy(query_middle))

    def forward(self, states: Sequence[np.ndarray]) -> Tensor:
        """States of the lower layers, (T, D) each -> (n, D) of length one."""
        width = max(map(len, states))
        read, there = torch.zeros(len(states), width, SIZE), torch.zeros(len(states), width)
        for n, row in enumerate(states):
            read[n, : len(row)], there[n, : len(row)] = torch.from_numpy(row).float(), 1.0
        barred = (1.0 - there[:, None, None, :]) * -1e9
        for layer in self.upper:
            read = layer(read, barred)
        return functional.normalize(pooled(read, there) - self.middle, dim=-1)


class Items(nn.Module):
    """The films as a query is held against them; nothing here is learnt."""

    def __init__(self, texts: np.ndarray, voices: np.ndarray, owners: np.ndarray, has: np.ndarray) -> None:
        super().__init__()
        self.texts, self.voices = torch.from_numpy(texts), torch.from_numpy(voices)
        self.owners, self.has = torch.from_numpy(owners), torch.from_numpy(has)
        self.summed = self.texts.clone().index_add_(0, self.owners, self.voices)
        self.middles = functional.normalize(self.summed, dim=1)

    def scores(self, pupil: Pupil, queries: Tensor, own: Sequence[int]) -> Tensor:
        """(n, I). own: the voice that a query is itself, or -1."""
        near, middle = queries @ self.voices.T, queries @ self.middles.T
        rows = torch.tensor([n for n, o in enumerate(own) if o >= 0], dtype=torch.int64)
        if len(rows):
            voice = torch.tensor([o for o in own if o >= 0])
            near = near.index_put((rows, voice), torch.tensor(-1.0))
            item = self.owners[voice]
            rest = functional.normalize(self.summed[item] - self.voices[voice], dim=1)
            middle = middle.index_put((rows, item), (queries[rows] * rest).sum(dim=1))
        nearest = (queries @ self.texts.T).scatter_reduce(1, self.owners.expand(len(queries), -1), near, "amax")
        share = torch.sigmoid(pupil.share)
        called = pupil.call(functional.dropout(queries, pupil.dropout, pupil.training) * CALL)
        found: Tensor = pupil.log_scale.exp() * (share * middle + (1 - share) * nearest) + called @ self.has.T
        return found


def loss(scores: Tensor, tasks: Sequence[Task]) -> Tensor:
    likely = functional.log_softmax(scores, dim=1)
    parts = [
        -t.weight * (torch.from_numpy(t.shares) * likely[n, torch.from_numpy(t.items)]).sum()
        for n, t in enumerate(tasks)
    ]
    return torch.stack(parts).mean()


def hits(scores: Tensor, tasks: Sequence[Task]) -> list[float]:
    """Of each task: whether its item is among the first ten, or the share of these that are among its answers."""
    top = scores.topk(10, dim=1).indices.tolist()
    return [
        float(t.items[0] in row) if t.own >= 0 else len({*row} & {*t.items[:30].tolist()}) / 10
        for row, t in zip(top, tasks, strict=True)
    ]


def teach(
    pupil: Pupil, items: Items, states: Sequence[np.ndarray], on: Course, how: Teaching, progress: Progress = quiet
) -> None:
    torch.manual_seed(how.seed)
    rng = np.random.default_rng(how.seed)
    head = [pupil.call.weight, pupil.call.bias, pupil.log_scale, pupil.share]
    groups = [
        {"params": head, "lr": how.head_rate, "weight_decay": how.decay},
        {"params": list(pupil.upper.parameters()), "lr": how.layer_rate, "weight_decay": 0.01},
    ]
    optimiser = torch.optim.AdamW(groups)
    steps = max(1, int(how.epochs * len(on.learnt) / how.batch))
    rates = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda s: min(1, (s + 1) / 20) * max(0.05, 1 - s / steps))
    began, order = time.monotonic(), np.zeros(0, np.int64)
    for step in range(steps):
        if len(order) < how.batch:
            order = rng.permutation(len(on.learnt))
        tasks = [on.learnt[i] for i in order[: how.batch]]
        order = order[how.batch :]
        queries = pupil([states[t.text] for t in tasks])
        value = loss(items.scores(pupil, queries, [t.own for t in tasks]), tasks)
        optimiser.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(pupil.parameters(), 1.0)
        optimiser.step()
        rates.step()
        progress(step + 1, steps, f"loss {value.item():.2f}")
        if time.monotonic() - began > 60 * how.minutes:
            break


@torch.inference_mode()
def look(pupil: Pupil, items: Items, states: Sequence[np.ndarray], tasks: Sequence[Task]) -> dict[str, float]:
    """recall@10 of held-out requests, and the share of the first ten that answer held-out wishes."""
    pupil.eval()
    found: dict[str, list[float]] = {"requests": [], "wishes": []}
    for start in range(0, len(tasks), 128):
        some = tasks[start : start + 128]
        queries = pupil([states[t.text] for t in some])
        for t, hit in zip(some, hits(items.scores(pupil, queries, [t.own for t in some]), some), strict=True):
            found["requests" if t.own >= 0 else "wishes"].append(hit)
    pupil.train()
    return {name: round(float(np.mean(values)), 4) for name, values in found.items() if values}


def told_apart(wishes: np.ndarray, others: np.ndarray, decay: float = 0.1) -> tuple[np.ndarray, float]:
    """(D,) a and b of σ(a·q + b): whether words ask for items. A logistic regression, both sides weighing the same."""
    x = torch.from_numpy(np.concatenate([wishes, others])).double()
    y = torch.cat([torch.ones(len(wishes)), torch.zeros(len(others))]).double()
    share = torch.where(y > 0, 0.5 / len(wishes), 0.5 / len(others)).double()
    weight = torch.zeros(x.shape[1], dtype=torch.double, requires_grad=True)
    bias = torch.zeros((), dtype=torch.double, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        errors = functional.binary_cross_entropy_with_logits(x @ weight + bias, y, weight=share, reduction="sum")
        value = errors + decay / len(y) * weight.square().sum()
        value.backward()
        return value

    optimiser.step(closure)
    return weight.detach().numpy().astype(np.float32), float(bias.detach())


# -- from texts to an artefact ----------------------------------------------------------------------------------------


def prepared(
    data: Dataset, requests: Sequence[tuple[str, str]], encoder: Encoder, progress: Progress = quiet
) -> tuple[Vectors, Items, np.ndarray, np.ndarray, list[features.Column], np.ndarray]:
    """Vectors of the described items' texts and of the requests; the items; both middles; the columns; neighbours."""
    described = features.matrix(data.catalogue, [features.KNOWN])[:, 0] > 0
    own = [PASSAGE + t for t in documents(data.catalogue)]
    texts = [t for t, there in zip(own, described, strict=True) if there] + [QUERY + t for _, t in requests]
    vectors = Vectors.of(texts, encoder.encode(texts, progress=progress))
    owners = np.array([data.catalogue.ids.number(i) for i, _ in requests], np.int64)
    passages, queries = vectors.rows(own), vectors.rows([QUERY + t for _, t in requests])
    item_middle, query_middle = passages[described].mean(axis=0), queries.mean(axis=0)
    columns = features.columns(data.catalogue)
    has = features.matrix(data.catalogue, columns)
    around = _around(passages, item_middle, described), _around(queries, query_middle, np.ones(len(queries), bool))
    items = Items(around[0], around[1], owners, has)
    return vectors, items, query_middle, item_middle, columns, _alike(items, described)


def _around(vectors: np.ndarray, middle: np.ndarray, there: np.ndarray) -> np.ndarray:
    moved = (vectors - middle) * there[:, None]
    return (moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def _alike(items: Items, described: np.ndarray) -> np.ndarray:
    """(I, N) the described items most like each, by texts and by columns, rare columns weighing more."""
    has = items.has[:, :-3]
    rare = torch.log(len(has) / (1 + has.sum(dim=0))).clamp(min=0)
    attributes = functional.normalize(has * rare, dim=1)
    found = []
    for rows in torch.arange(len(has)).split(1024):
        like = attributes[rows] @ attributes.T + items.middles[rows] @ items.middles.T
        like[:, ~torch.from_numpy(described)] = -9.0
        like[torch.arange(len(rows)), rows] = -9.0
        found.append(like.topk(_NEIGHBOURS, dim=1).indices)
    return torch.cat(found).numpy()


def lower_states(encoder: Encoder, texts: Sequence[str], layers: int, progress: Progress = quiet) -> list[np.ndarray]:
    """What the layers below the upper ones make of each text, (T, D) float16."""
    found: list[np.ndarray] = [np.zeros((0, SIZE), np.float16)] * len(texts)
    pieces = [encoder.pieces(QUERY + t)[:64] for t in texts]
    order = sorted(range(len(texts)), key=lambda n: len(pieces[n]))
    for start in range(0, len(order), 64):
        some = order[start : start + 64]
        read, _ = encoder.states([pieces[n] for n in some], without=layers)
        for n, row in zip(some, read.half().numpy(), strict=True):
            found[n] = row[: len(pieces[n])].copy()
        progress(start + len(some), len(order), "lower layers")
    return found


def write(
    folder: Path,
    pupil: Pupil,
    columns: Sequence[features.Column],
    middles: Mapping[str, np.ndarray],
    vectors: Vectors,
    card: Mapping[str, object],
    asks: tuple[np.ndarray, float],
) -> None:
    """The artefact: reader.safetensors, reader.json, and the vectors that it was taught against."""
    arrays = {
        **{f"{UPPER}{name}": a.numpy().astype(np.float16) for name, a in pupil.upper.state_dict().items()},
        "call.weight": pupil.call.weight.detach().numpy().astype(np.float16),
        "call.bias": pupil.call.bias.detach().numpy().astype(np.float32),
        **{name: a.astype(np.float32) for name, a in middles.items()},
        "asks.weight": asks[0],
        "asks.bias": np.array([asks[1]], np.float32),
    }
    about = {
        "scale": round(float(pupil.log_scale.detach().exp()), 4),
        "mean_share": round(float(torch.sigmoid(pupil.share.detach())), 4),
        "columns": [list(c) for c in columns],
        **card,
    }
    vectors.write(folder)
    save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, folder / WEIGHTS)
    files.write_text(folder / ABOUT, json.dumps(about, ensure_ascii=False, indent=1))
