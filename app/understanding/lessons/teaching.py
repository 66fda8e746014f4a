"""Teach the small encoder: lower layers fixed and run once, upper layers and heads trained on what they give.

    chatrec steer train

Resumable: after each epoch the state lies in the work folder, and the same call goes on from there. Training begins
with MiniLM's weights: going on from an earlier artefact with more ways of saying was measured to be worse. Several
trainings that begin with the same weights and heads, on other dialogues each, can be averaged into one network: better
than each of them and no slower (Wortsman et al., Model soups, ICML 2022, uniform soup).
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from app.understanding.lessons.dialogues import Message, tags
from app.understanding.reader import (
    CARRIES,
    GLOSSES,
    INTENTS,
    TAGS,
    Known,
    Network,
    Pairs,
    load,
    padded,
    pretrained,
    save,
)

Knows = Callable[[str], Sequence[Known]]  # what a catalogue knows of a message's words
_OF_MEMBERS = ("config", "validation", "composed", "real", "seed")
_NONE = -100  # a label that does not count


@dataclass(frozen=True)
class Config:
    layers: int = 6  # all of MiniLM's
    fixed: int = 3  # of them, the lowest, not trained: their outputs are kept and reused
    epochs: int = 5
    batch_size: int = 32
    learning_rate: float = 3e-4
    head_learning_rate: float = 2e-3
    weight_decay: float = 0.01
    dropout: float = 0.1
    unknown: float = 0.25  # share of messages read as if the catalogue knew none of their words
    seed: int = 0


@dataclass(frozen=True)
class Row:
    """One message ready to learn from. hidden: (T, 384) float16, what the fixed layers give; marks: (T,) as in Pair."""

    hidden: Tensor
    marks: Tensor
    intent: int
    carry: int
    tags: Tensor


def train(
    messages: Sequence[Message],
    valid: Sequence[Message],
    encoder: Path,
    out: Path,
    work: Path,
    config: Config = Config(),
    *,
    knows: tuple[Knows, Knows],
    untagged: Sequence[Message] = (),
    notes: dict[str, object] | None = None,
) -> dict[str, object]:
    """Train and write the artefact to `out`; returns its card.

    encoder   folder of all-MiniLM-L6-v2 (model.safetensors, vocab.txt)
    work      folder of the state between epochs
    knows     what catalogues know of words: the one to learn with, and the one to check with
    untagged  messages whose intent is known and whose slots are not
    """
    torch.manual_seed(config.seed)
    vocabulary = encoder / "vocab.txt"
    pairs = Pairs(vocabulary)
    network = pretrained(encoder, config.layers, config.fixed, config.dropout)
    rows = _rows(messages, pairs, knows[0], network, "fixed layers")
    rows += _rows(untagged, pairs, knows[0], network, "fixed layers, real messages", tagged=False)
    checked = _rows(valid, pairs, knows[1], network, "fixed layers, validation")
    learning = [p for layer in network.layers[config.fixed :] for p in layer.parameters()]
    heads = [p for head in (network.known, network.intent, network.carry, network.tag) for p in head.parameters()]
    optimiser = torch.optim.AdamW(
        [{"params": learning, "lr": config.learning_rate}, {"params": heads, "lr": config.head_learning_rate}],
        weight_decay=config.weight_decay,
    )
    batches = -(-len(rows) // config.batch_size)
    steps = batches * config.epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / (0.1 * steps), max(0.02, (steps - step) / (0.9 * steps)))
    )
    state = work / f"reader-{_fingerprint(messages, untagged, config)}.pt"
    done, history = 0, []
    if state.is_file():
        kept = torch.load(state, weights_only=True)
        network.load_state_dict(kept["network"])
        optimiser.load_state_dict(kept["optimiser"])
        schedule.load_state_dict(kept["schedule"])
        done, history = kept["epoch"], kept["history"]
    for epoch in range(done, config.epochs):
        loss = _epoch(rows, network, optimiser, schedule, config, epoch)
        figures = {"epoch": epoch + 1, "loss": loss, **check(checked, network)}
        history.append(figures)
        tqdm.write(json.dumps(figures))
        work.mkdir(parents=True, exist_ok=True)
        torch.save(
            {
                "network": network.state_dict(),
                "optimiser": optimiser.state_dict(),
                "schedule": schedule.state_dict(),
                "epoch": epoch + 1,
                "history": history,
            },
            state,
        )
        save(network, vocabulary, out, {"config": asdict(config), "validation": history, **(notes or {})})
    return save(network, vocabulary, out, {"config": asdict(config), "validation": history, **(notes or {})})


def averaged(folders: Sequence[Path], out: Path, notes: dict[str, object] | None = None) -> dict[str, object]:
    """Write the mean of artefacts that began alike to `out`; returns its card, which has theirs under "members"."""
    encoders = [load(folder) for folder in folders]
    states = [encoder.network.state_dict() for encoder in encoders]
    network = encoders[0].network
    network.load_state_dict({name: torch.stack([s[name] for s in states]).mean(0) for name in states[0]})
    cards = [json.loads((folder / "card.json").read_text(encoding="utf-8")) for folder in folders]
    members = [{name: card[name] for name in _OF_MEMBERS if name in card} for card in cards]
    return save(network, folders[0] / "vocab.txt", out, {"members": members, **(notes or {})})


def _epoch(
    rows: Sequence[Row],
    network: Network,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LambdaLR,
    config: Config,
    epoch: int,
) -> float:
    """Once through all rows, alike lengths together; returns the mean loss."""
    network.train()
    chance = torch.Generator().manual_seed(config.seed * 1000 + epoch)
    noise = torch.rand(len(rows), generator=chance) * 6
    order = sorted(range(len(rows)), key=lambda n: len(rows[n].hidden) + float(noise[n]))
    batches = [order[i : i + config.batch_size] for i in range(0, len(order), config.batch_size)]
    total = 0.0
    shuffled = torch.randperm(len(batches), generator=chance).tolist()
    for n in tqdm(shuffled, desc=f"epoch {epoch + 1}", mininterval=5):
        hidden, marks, real, intents, carries, labels = _batch([rows[i] for i in batches[n]])
        marks = marks * (torch.rand(len(marks), 1, generator=chance) >= config.unknown)
        said, carried, tagged = network.upper(hidden, marks, real)
        loss = F.cross_entropy(said, intents, label_smoothing=0.05)
        if (labels != _NONE).any():
            loss = loss + 2 * F.cross_entropy(tagged.flatten(0, 1), labels.flatten(), ignore_index=_NONE)
        if (carries != _NONE).any():
            loss = loss + 0.5 * F.cross_entropy(carried, carries, ignore_index=_NONE)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        total += loss.item()
    return total / len(batches)


@torch.inference_mode()
def check(rows: Sequence[Row], network: Network) -> dict[str, float]:
    """Shares of right intents, right carries, and messages of which every tag is right."""
    network.eval()
    right, carried, requests, exact = 0, 0, 0, 0
    for i in range(0, len(rows), 64):
        hidden, marks, real, intents, carries, labels = _batch(rows[i : i + 64])
        said, carry, tagged = network.upper(hidden, marks, real)
        right += int((said.argmax(-1) == intents).sum())
        counts = carries != _NONE
        carried += int(((carry.argmax(-1) == carries) & counts).sum())
        requests += int(counts.sum())
        exact += int(((tagged.argmax(-1) == labels) | (labels == _NONE)).all(-1).sum())
    return {"intent": right / len(rows), "carry": carried / max(1, requests), "slots": exact / len(rows)}


@torch.inference_mode()
def _rows(
    messages: Sequence[Message], pairs: Pairs, knows: Knows, network: Network, what: str, *, tagged: bool = True
) -> list[Row]:
    network.eval()
    encoded = [pairs.encode(m.text, m.previous, len(m.shown), knows(m.text)) for m in messages]
    order = sorted(range(len(encoded)), key=lambda n: len(encoded[n].ids))
    rows: dict[int, Row] = {}
    for i in tqdm(range(0, len(order), 64), desc=what, mininterval=5):
        numbers = order[i : i + 64]
        ids, segments, _, real = padded([encoded[n] for n in numbers])
        hidden = network.lower(ids, segments, real).half()
        for place, n in enumerate(numbers):
            pair = encoded[n]
            labels = torch.full((len(pair.ids),), _NONE)
            if tagged:
                for first, tag in zip(pair.firsts, tags(messages[n]), strict=False):
                    labels[first] = TAGS.index(tag)
            carry = CARRIES.index(messages[n].carry) if messages[n].carry else _NONE
            seen = hidden[place, : len(pair.ids)].clone()
            rows[n] = Row(seen, torch.tensor(pair.marks), INTENTS.index(messages[n].intent), carry, labels)
    return [rows[n] for n in range(len(messages))]


def _batch(rows: Sequence[Row]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """(hidden (B, T, 384), marks (B, T), real (B, T), intents (B,), carries (B,), tags (B, T))."""
    pad = torch.nn.utils.rnn.pad_sequence
    hidden = pad([r.hidden for r in rows], batch_first=True).float()
    marks = pad([r.marks for r in rows], batch_first=True)
    labels = pad([r.tags for r in rows], batch_first=True, padding_value=_NONE)
    real = torch.arange(hidden.shape[1])[None] < torch.tensor([len(r.hidden) for r in rows])[:, None]
    return hidden, marks, real, torch.tensor([r.intent for r in rows]), torch.tensor([r.carry for r in rows]), labels


def _fingerprint(messages: Sequence[Message], untagged: Sequence[Message], config: Config) -> str:
    digest = hashlib.sha256(repr(config).encode() + GLOSSES.read_bytes())
    for message in (*messages, *untagged):
        digest.update(f"\n{message.text}\t{message.intent}\t{message.carry}".encode())
    return digest.hexdigest()[:12]
