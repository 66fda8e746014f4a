"""How well the tuned decoder reads messages, beside the small encoder on the very same ones.

    python -m benchmarks.decoder [--adapter data/runs/steer/decoder] [--messages 300] [--same 50]

The measures are those of benchmarks/steer.py, on a sample: composed messages of the held-out part, and whole dialogues
of IARD. `same`: how many answers of the embedded runtime, which has the adapter merged into its weights, are letter for
letter those of transformers with the adapter beside the weights in float32.
"""

import argparse
import json
import random
import tempfile
import time
import warnings
from functools import cache
from pathlib import Path

import torch

from app.linking import Linker
from app.reading import read_alone
from app.settings import settings
from app.steering import films
from benchmarks.steer import held_out, iard, tagged
from llm import models
from llm.backends.embedded import EmbeddedChat
from llm.backends.huggingface import HuggingFaceChat
from llm.scoring import starts
from llm.steering.decoder import ANSWER, PATTERN, Decoder, asked, heard
from llm.steering.dialogues import Composer, Message
from llm.steering.encoder import Reading, shipped
from llm.steering.merge import merged
from recommenders import datasets
from recommenders.datasets import ml_latest_small

RESULTS = Path(__file__).parent / "results" / "decoder.json"
WEIGHTS = "smollm2-135m"


class Timed:
    """A reader that reads each message once and keeps the time that it took."""

    def __init__(self, reader: object) -> None:
        self.read = cache(self._read)
        self.reader, self.seconds = reader, list[float]()

    def _read(self, text: str, previous: str = "", shown: int = 0) -> Reading:
        began = time.perf_counter()
        found = self.reader.read(text, previous, shown)
        self.seconds.append(time.perf_counter() - began)
        return found


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


def same(adapter: Path, gguf: Path, base: Path, messages: list[Message]) -> dict[str, object]:
    """Answers of the runtime and of transformers compared, and readings."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore", FutureWarning)
        model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter).merge_and_unload()
        model.save_pretrained(folder)
        AutoTokenizer.from_pretrained(base).save_pretrained(folder)
        ours = EmbeddedChat(model_name=WEIGHTS, path=gguf, context=8192, threads=1)
        theirs = HuggingFaceChat(model_name=folder, threads=1)
        answers = readings = 0
        for m in messages:
            ask = {"input": asked(m.text, m.previous, len(m.shown)), "regex": PATTERN, "max_tokens": ANSWER}
            a, b = (chat.invoke(**ask).text for chat in (ours, theirs))
            answers += a == b
            readings += heard(a, m.text) == heard(b, m.text)
            if a != b:
                print(f"{m.text!r}\n  runtime      {a}\n  transformers {b}")
    return {"messages": len(messages), "answers": answers, "readings": readings}


def main() -> None:
    s = settings()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter", type=Path, default=s.runs_dir / "steer" / "decoder")
    parser.add_argument("--messages", type=int, default=300, help="of the composed ones, and of IARD")
    parser.add_argument("--same", type=int, default=50, help="messages that runtime and transformers both read")
    args = parser.parse_args()
    torch.set_num_threads(1)
    gguf = merged(models.path(WEIGHTS, s.cache_dir), args.adapter, s.cache_dir)
    card = json.loads((args.adapter / "card.json").read_text(encoding="utf-8"))
    catalogue = datasets.load("ml-100k", s.cache_dir, s.datasets).catalogue
    names = Linker(catalogue)
    composed = [m for d in Composer(films(catalogue), "held-out").dialogues(150) for m in d]
    messages = random.Random(0).sample(composed, args.messages)
    results: dict[str, object] = {"adapter": {k: card[k] for k in ("sha256", "steps", "of", "messages", "untagged")}}
    if args.same:
        results["same"] = same(args.adapter, gguf, starts.embedded(WEIGHTS, s.cache_dir), messages[: args.same])
        print(json.dumps(results["same"]), flush=True)
    chat = EmbeddedChat(model_name=WEIGHTS, path=gguf, context=8192, threads=1)
    chat.warm()
    people = real = None
    if (s.datasets / "iard" / "dev.json").is_file():
        people = Linker(ml_latest_small.read(s.datasets / "ml-latest-small").catalogue)
        real = some_dialogues(s.datasets, args.messages)
    for name, reader in (("decoder", Timed(Decoder(chat))), ("encoder", Timed(shipped()))):

        def reads(text, table, before, names, reader=reader):
            return read_alone(text, table, names, reader, previous=before)

        tags = tagged(messages, reader)
        spent = sorted(reader.seconds)
        found = {"tags": tags, "held_out": held_out(messages, names, reads)}
        found["held_out"]["milliseconds"] = 1000 * sum(spent) / len(spent)
        found["held_out"]["milliseconds_median"] = 1000 * spent[len(spent) // 2]
        results[name] = found
        print(name, json.dumps(found), flush=True)
        if people is not None:
            found["iard"] = iard(real, people, reads)
            print(name, json.dumps(found["iard"]), flush=True)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
