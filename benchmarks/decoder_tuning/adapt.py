"""Teach the embedded decoder to read messages: LoRA on its upper layers, loss on the tokens of the answer alone.

    python -m benchmarks.decoder_tuning

W' = W + (alpha / rank) B A for every linear layer of the upper half (Hu et al., LoRA, arXiv 2106.09685, equation 3). No
gradient goes through the lower half, which saves a third of the time on a CPU. Resumable: every few minutes the whole
state lies in the work folder, and the same call goes on from there to the very weights that one without a break gives.
"""

import hashlib
import json
import random
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from app.progress import Progress
from app.understanding.lessons.dialogues import Message
from benchmarks.decoder_tuning.decoder import answer, asked, intent_word
from llm.backends.local import plain_messages
from llm.weights import fetch

LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
END = "<|im_end|>"


@dataclass(frozen=True)
class Config:
    rank: int = 16
    alpha: int = 32
    share: float = 0.5
    """Of the layers that learn, from the top."""
    epochs: int = 1
    batch_size: int = 8
    learning_rate: float = 1e-3
    """Rises over the first twentieth of the steps and falls in a line to a fiftieth."""
    checks: int = 4
    """Times in all that the validation messages are read."""
    seed: int = 0


@dataclass(frozen=True)
class Row:
    """Tokens of a prompt and its answer; from `start` on they are to be learnt."""

    ids: tuple[int, ...]
    start: int


def tune(
    model: Path,
    messages: Sequence[Message],
    valid: Sequence[Message],
    out: Path,
    work: Path,
    config: Config = Config(),
    *,
    untagged: Sequence[Message] = (),
    base: dict[str, str] | None = None,
    keep_seconds: float = 120.0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Teach a causal model in a Hugging Face folder and write the adapter to `out`; returns its card.

    out       gets adapter_model.safetensors (16 bits) and adapter_config.json as peft reads them, and card.json; also
              whenever the state is kept, so that what has been learnt so far can be looked at
    work      folder of the state
    untagged  messages whose intent is known and whose slots are not: their answers are learnt up to the intent
    base      what the card says of the weights that the adapter belongs to
    """
    import peft
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(config.seed)
    tokenizer = AutoTokenizer.from_pretrained(model)
    rows = [row(tokenizer, m) for m in messages] + [row(tokenizer, m, tagged=False) for m in untagged]
    checked = [row(tokenizer, m) for m in valid]
    whole = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    layers = whole.config.num_hidden_layers
    lora = peft.LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        target_modules=list(LINEAR),
        layers_to_transform=list(range(layers - max(1, round(config.share * layers)), layers)),
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers under an older name
        adapted: Any = peft.get_peft_model(whole, lora)
    learning = [p for p in adapted.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=config.learning_rate, weight_decay=0.0)
    batches = _batches([len(r.ids) for r in rows], config)
    steps = len(batches)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda s: min((s + 1) / (0.05 * steps), max(0.02, (steps - s) / (0.95 * steps)))
    )

    state = work / f"decoder-{_fingerprint(rows, checked, config)}.pt"
    done, history, losses = 0, list[dict[str, float]](), list[float]()
    if state.is_file():
        kept = torch.load(state, weights_only=True)
        peft.set_peft_model_state_dict(adapted, kept["adapter"])
        optimiser.load_state_dict(kept["optimiser"])
        schedule.load_state_dict(kept["schedule"])
        done, history, losses = kept["step"], kept["history"], kept["losses"]

    card: dict[str, Any] = {}
    since = time.monotonic()
    while done < steps:
        loss, _ = _read(adapted, [rows[n] for n in batches[done]])
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        done += 1
        if progress is not None:
            progress(done, steps, "tuning")
        due = done == steps or done % max(1, steps // config.checks) == 0
        if due:
            history.append({"step": done, "loss": sum(losses) / len(losses), **check(adapted, checked)})
            tqdm.write(json.dumps(history[-1]))
            losses = []
        if due or time.monotonic() - since > keep_seconds:
            adapter = peft.get_peft_model_state_dict(adapted)
            work.mkdir(parents=True, exist_ok=True)
            new = state.with_suffix(".new")
            torch.save(
                {
                    "adapter": adapter,
                    "optimiser": optimiser.state_dict(),
                    "schedule": schedule.state_dict(),
                    "step": done,
                    "history": history,
                    "losses": losses,
                },
                new,
            )
            new.replace(state)
            notes = {"steps": done, "of": steps, "messages": len(messages), "untagged": len(untagged)}
            card = _write(adapter, lora, out, {**(base or {}), **notes, "tuning": asdict(config), "history": history})
            since = time.monotonic()
    return card or json.loads((out / "card.json").read_text(encoding="utf-8"))


def row(tokenizer: Any, message: Message, *, tagged: bool = True) -> Row:
    """A message as tokens to learn from; one whose slots are not known ends behind the intent."""
    return tokens(tokenizer, message, answer(message) + END if tagged else intent_word(message.intent))


def tokens(tokenizer: Any, message: Message, said: str) -> Row:
    """The prompt as the chat template writes it, and this answer."""
    prompt = tokenizer.apply_chat_template(
        plain_messages(asked(message.text, message.previous, len(message.shown))),
        add_generation_prompt=True,
        tokenize=False,
    )
    before, behind = (tokenizer(t, add_special_tokens=False).input_ids for t in (prompt, said))
    return Row((*before, *behind), len(before))


@torch.inference_mode()
def check(model: Any, rows: Sequence[Row], batch_size: int = 32) -> dict[str, float]:
    """Of validation messages: mean loss a token, share of right intents (first token), of answers right throughout.

    Each token is foretold behind the right ones before it, so `exact` is what greedy decoding would get right.
    """
    losses, first, exact = 0.0, 0, 0
    order = sorted(rows, key=lambda r: len(r.ids))
    tokens = sum(len(r.ids) - r.start for r in rows)
    for i in range(0, len(order), batch_size):
        some = order[i : i + batch_size]
        loss, right = _read(model, some)
        losses += float(loss) * sum(len(r.ids) - r.start for r in some)
        at = 0
        for r in some:
            mine = right[at : (at := at + len(r.ids) - r.start)]
            first += bool(mine[0])
            exact += bool(mine.all())
    return {"valid_loss": losses / tokens, "intent": first / len(rows), "exact": exact / len(rows)}


def _read(model: Any, rows: Sequence[Row]) -> tuple[Tensor, Tensor]:
    """(mean loss of the answers' tokens, (tokens,) whether each is the likeliest), row by row.

    Padding stands behind, where causal attention never looks, and only the answers' places are turned into words.
    """
    longest = max(len(r.ids) for r in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)  # (B, T)
    foretells = torch.zeros(len(rows), longest, dtype=torch.bool)
    for n, r in enumerate(rows):
        ids[n, : len(r.ids)] = torch.tensor(r.ids)
        foretells[n, r.start - 1 : len(r.ids) - 1] = True
    causal = model.get_base_model()
    hidden = causal.model(ids, use_cache=False).last_hidden_state  # (B, T, D)
    logits = causal.lm_head(hidden[foretells])  # (tokens, V)
    wanted = ids[:, 1:][foretells[:, :-1]]
    return F.cross_entropy(logits, wanted), logits.argmax(-1) == wanted


def _batches(lengths: Sequence[int], config: Config) -> list[list[int]]:
    """The rows of every step of all epochs: nearly alike lengths together, drawn by the seed."""
    found: list[list[int]] = []
    for epoch in range(config.epochs):
        chance = random.Random(f"{config.seed} {epoch}")
        order = sorted(range(len(lengths)), key=lambda n: lengths[n] + 6 * chance.random())
        batches = [order[i : i + config.batch_size] for i in range(0, len(order), config.batch_size)]
        chance.shuffle(batches)
        found += batches
    return found


def _write(adapter: dict[str, Tensor], lora: Any, out: Path, notes: dict[str, Any]) -> dict[str, Any]:
    """The adapter with its card; the card last, so a card always names the file beside it."""
    out.mkdir(parents=True, exist_ok=True)
    save_file({n: t.detach().half().contiguous() for n, t in adapter.items()}, out / "adapter_model.safetensors")
    lora.base_model_name_or_path = None
    lora.save_pretrained(out)
    card = {"sha256": fetch.digest(out / "adapter_model.safetensors"), **notes}
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return card


def _fingerprint(rows: Sequence[Row], valid: Sequence[Row], config: Config) -> str:
    digest = hashlib.sha256(repr(config).encode())
    for r in (*rows, *valid):
        digest.update(repr(r).encode())
    return digest.hexdigest()[:12]
