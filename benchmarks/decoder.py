"""How well the tuned decoder reads messages, beside the small encoder on the very same ones.

    python -m benchmarks.decoder [--adapter data/runs/steer/decoder] [--messages 300] [--real 300] [--same 50]

The measures are those of benchmarks/steer.py, on a sample: composed messages of the held-out part, and whole dialogues
of IARD. Milliseconds are of one CPU thread. `same`: how many answers of the embedded runtime, which has the adapter
merged into its weights, are token for token those of transformers with the adapter beside the weights in float32.
"""

import argparse
import json
import random
import tempfile
import warnings
from functools import cache
from pathlib import Path

import torch

from app.settings import settings
from app.understanding.lessons.dialogues import Composer, Message
from app.understanding.lessons.lessons import films
from app.understanding.names.linking import Linker
from app.understanding.reader.encoder import Encoder, shipped
from benchmarks.decoder_tuning.adapt import END, check, tokens
from benchmarks.decoder_tuning.decoder import Decoder
from benchmarks.decoder_tuning.merge import merged
from benchmarks.heard import scored
from benchmarks.measure import about, write
from benchmarks.reading_alone import read_alone
from benchmarks.steer import heard, iard, labels
from llm.backends.embedded import EmbeddedChat
from llm.rating import starts
from llm.weights import published
from recommenders.data import sources
from recommenders.data.sources import ml_latest_small

WEIGHTS = "smollm2-135m"


class Once:
    """A reader that reads each message once."""

    def __init__(self, reader: Decoder | Encoder) -> None:
        self.read = cache(reader.read)


def some_dialogues(folder: Path, messages: int) -> Path:
    """A folder like `folder` with a drawn part of IARD's dialogues, about so many messages of seekers."""
    whole = json.loads((folder / "iard" / "dev.json").read_text(encoding="utf-8"))
    names, taken, n = sorted(whole), {}, 0
    random.Random(0).shuffle(names)
    for name in names:
        if n < messages:
            taken[name] = whole[name]
            n += sum(turn["role"] == "seeker" for turn in whole[name]["dialogue_info"].values())
    new = Path(tempfile.mkdtemp())
    (new / "iard").mkdir()
    (new / "iard" / "dev.json").write_text(json.dumps(taken), encoding="utf-8")
    return new


def same(adapter: Path, base: Path, decoder: Decoder, messages: list[Message]) -> dict[str, int]:
    """How many answers of the runtime are what transformers answers greedily with the adapter beside its weights.

    Each token has to be the likeliest one behind those before it, of all tokens, so one pass reads a whole answer.
    """
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers under an older name
        model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter)
    tokenizer = AutoTokenizer.from_pretrained(base)
    answers = [decoder.answer(m.text, m.previous, len(m.shown)) + END for m in messages]
    exact = check(model, [tokens(tokenizer, m, a) for m, a in zip(messages, answers, strict=True)])["exact"]
    return {"answers": len(messages), "same": round(exact * len(messages))}


def main() -> None:
    s = settings()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter", type=Path, default=s.runs_dir / "steer" / "decoder")
    parser.add_argument("--messages", type=int, default=300, help="of the composed ones")
    parser.add_argument("--real", type=int, default=300, help="of IARD, up to the end of a dialogue")
    parser.add_argument("--same", type=int, default=50, help="messages that runtime and transformers both read")
    args = parser.parse_args()
    torch.set_num_threads(1)
    gguf = merged(published.path(WEIGHTS, s.cache_dir), args.adapter, s.cache_dir)
    card = json.loads((args.adapter / "card.json").read_text(encoding="utf-8"))
    catalogue = sources.load("ml-100k", s.cache_dir, s.datasets).catalogue
    names = Linker(catalogue)
    composed = [m for d in Composer(films(catalogue), "held-out").dialogues(150) for m in d]
    messages = random.Random(0).sample(composed, args.messages)
    adapter = {k: card[k] for k in ("sha256", "steps", "of", "messages", "untagged")}
    results: dict[str, object] = {"about": about(), "adapter": adapter}
    decoder = Decoder(EmbeddedChat(model_name=WEIGHTS, path=gguf, context=8192, threads=1))
    decoder.read("a comedy")  # loads the model and reads the regular expression
    people = real = None
    if (s.datasets / "iard" / "dev.json").is_file():
        people = Linker(ml_latest_small.read(s.datasets / "ml-latest-small").catalogue)
        real = some_dialogues(s.datasets, args.real)
    for name, reader in (("decoder", Once(decoder)), ("encoder", Once(shipped()))):

        def reads(text, table, before, names, reader=reader):
            return read_alone(text, table, names, reader, previous=before)

        found = {"held_out": scored(messages, heard(messages, names, reads)), "labels": labels(messages, names, reader)}
        results[name] = found
        print(name, json.dumps(found), flush=True)
        if people is not None:
            found["iard"] = iard(real, people, reads)
            print(name, json.dumps(found["iard"]), flush=True)
        write("decoder", results)
    results["runtime"] = same(args.adapter, starts.embedded(WEIGHTS, s.cache_dir), decoder, messages[: args.same])
    print(json.dumps(results["runtime"]))
    write("decoder", results)


if __name__ == "__main__":
    main()
