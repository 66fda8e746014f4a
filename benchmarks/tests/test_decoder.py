"""The embedded decoder as a reader: answers mean what they say, training resumes exactly, merged weights are exact."""

import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app.errors import ArtefactDamaged, MalformedOutput
from app.understanding.lessons.dialogues import Message
from app.understanding.reader.labels import INTENTS, KINDS, Span
from benchmarks.decoder_tuning import adapt
from benchmarks.decoder_tuning.adapt import Config, Row, row, tune
from benchmarks.decoder_tuning.decoder import ANSWER, PATTERN, Decoder, answer, asked, heard
from benchmarks.decoder_tuning.merge import merged, paired
from llm.backends.huggingface import HuggingFaceChat
from tests.llm import tiny
from tests.llm.test_steering import composed

TINY = Config(rank=4, epochs=1, batch_size=4, learning_rate=5e-3, checks=2)


def stretches(spans: tuple[Span, ...]) -> list[tuple[str, int, int]]:
    return [(s.kind, s.start, s.end) for s in sorted(spans, key=lambda s: s.start)]


# -- asking and answering ---------------------------------------------------------------------------------------------


def test_what_a_message_means_survives_the_way_through_an_answer() -> None:
    messages = [*composed("train", 300), *composed("held-out", 100)]
    assert {s.kind for m in messages for s in m.spans} == set(KINDS), "a kind of slot never occurs"
    assert {m.intent for m in messages} == set(INTENTS)
    for message in messages:
        said = answer(message)
        assert re.fullmatch(PATTERN, said), said
        found = heard(said, message.text)
        assert (found.intent, stretches(found.spans)) == (message.intent, stretches(message.spans)), message
        if message.carry:
            assert found.carry == message.carry


def test_an_answer_in_words() -> None:
    text = "no horror please, only horror with Al Pacino; no gore"
    spans = (Span("no_genre", 3, 9), Span("genre", 23, 29), Span("person", 35, 44), Span("no_content", 49, 53))
    said = answer(Message(text, "recommend", "new", spans))
    assert said == "recommend new; no genre: horror; genre: horror; person: Al Pacino; no content: gore"
    assert stretches(heard(said, text).spans) == stretches(spans)


def test_words_that_are_not_in_the_message_are_dropped() -> None:
    text = "something with Tom Hanks, not it; and in it"
    found = heard("recommend refine; person: TOM  hanks; genre: comedy; ref: it; ref: it; wish: thing", text)
    assert (found.intent, found.carry) == ("recommend", "refine")
    assert stretches(found.spans) == [("person", 15, 24), ("ref", 30, 32), ("ref", 41, 43)]


@pytest.mark.parametrize("said", ["recommend more; genre", "recommend more; ; colour: red", "recommend more; genre: "])
def test_a_slot_broken_off_is_left_out(said: str) -> None:
    assert heard(said, "genre colour red") == heard("recommend more", "genre colour red")


@pytest.mark.parametrize("said", ["", "no idea", "feedback_and; genre: comedy"])
def test_an_answer_without_an_intent_is_refused(said: str) -> None:
    with pytest.raises(MalformedOutput, match="no intent"):
        heard(said, "a comedy")


def test_what_the_model_is_asked_is_short() -> None:
    (message,) = asked("and " * 400 + "END", "BEGIN " + "or " * 30, 3)
    assert str(message.text).startswith("3 shown\nor ") and "BEGIN" not in message.text and "END" not in message.text
    assert asked("", "", 0)[0].text == "nothing shown\n\n> "


def test_an_untaught_model_still_answers_in_the_form(tmp_path: Path) -> None:
    reader = Decoder(HuggingFaceChat(model_name=str(tiny.save(tmp_path / "tiny"))))
    for text in ("a comedy with Al Pacino", "😀 ß;;"):
        found = reader.read(text, "hi", 3)
        assert found.intent in INTENTS and all(text[s.start : s.end].strip() for s in found.spans)


# -- training ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save(tmp_path_factory.mktemp("tiny") / "model")


def lessons() -> tuple[list[Message], list[Message], list[Message]]:
    messages = composed("train", 10)
    return messages[:24], composed("valid", 2), messages[24:28]


def test_only_the_answer_is_learnt(model: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    message = composed("train", 3)[0]
    learnt = row(tokenizer, message)
    assert tokenizer.decode(learnt.ids[learnt.start :]) == answer(message) + "<|im_end|>"
    assert tokenizer.decode(learnt.ids[: learnt.start]).endswith("<|im_start|>assistant\n")
    bare = row(tokenizer, message, tagged=False)
    assert answer(message).startswith(tokenizer.decode(bare.ids[bare.start :])) and bare.start == learnt.start


def test_rows_of_unlike_length_do_not_touch_each_other(model: Path) -> None:
    from transformers import AutoModelForCausalLM

    class Bare:
        causal = AutoModelForCausalLM.from_pretrained(model)

        def get_base_model(self) -> Any:
            return self.causal

    short, long = Row((5, 6, 7, 8), 2), Row(tuple(range(3, 40)), 30)
    apart = [adapt._read(Bare(), [r])[0].item() for r in (short, long)]
    together = adapt._read(Bare(), [short, long])[0].item()
    assert together == pytest.approx((2 * apart[0] + 7 * apart[1]) / 9, rel=1e-5)


def test_training_goes_on_after_a_kill_to_the_same_weights(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages, valid, untagged = lessons()

    def taught(name: str, **more: Any) -> dict[str, Any]:
        return tune(model, messages, valid, tmp_path / name, tmp_path / f"{name}-work", TINY, untagged=untagged, **more)

    class Killed(Exception):
        pass

    def killer(done: int, total: int, what: str) -> None:
        if done == 5:
            raise Killed

    whole = taught("whole")
    with pytest.raises(Killed):
        taught("broken", progress=killer, keep_seconds=0.0)
    assert json.loads((tmp_path / "broken" / "card.json").read_text())["steps"] == 4
    again: list[int] = []
    resumed = taught("broken", progress=lambda done, total, what: again.append(done))
    assert again == [5, 6, 7]
    assert resumed["sha256"] == whole["sha256"] and resumed["history"] == whole["history"]
    assert taught("broken")["sha256"] == whole["sha256"], "a call after the end trains no more"


def test_training_learns(model: Path, tmp_path: Path) -> None:
    messages, valid, _ = lessons()
    card = tune(
        model, messages, valid, tmp_path / "out", tmp_path / "work", Config(rank=8, epochs=6, learning_rate=1e-2)
    )
    losses = [h["loss"] for h in card["history"]]
    assert losses[-1] < 0.8 * losses[0] and card["history"][-1]["valid_loss"] < card["history"][0]["valid_loss"]


# -- merging ----------------------------------------------------------------------------------------------------------


def as_gguf(folder: Path, file: Path) -> Path:
    """The tiny Llama as GGUF, in float32."""
    from gguf import GGUFWriter
    from transformers import AutoModelForCausalLM

    whole = AutoModelForCausalLM.from_pretrained(folder)
    c, state = whole.config, {n: t.numpy() for n, t in whole.state_dict().items()}
    writer = GGUFWriter(file, "llama")
    writer.add_block_count(c.num_hidden_layers)
    writer.add_context_length(c.max_position_embeddings)
    writer.add_embedding_length(c.hidden_size)
    writer.add_feed_forward_length(c.intermediate_size)
    writer.add_head_count(c.num_attention_heads)
    writer.add_head_count_kv(c.num_key_value_heads)
    writer.add_layer_norm_rms_eps(c.rms_norm_eps)
    writer.add_rope_freq_base(c.rope_parameters["rope_theta"])
    writer.add_vocab_size(c.vocab_size)
    writer.add_tensor("token_embd.weight", state["model.embed_tokens.weight"])
    writer.add_tensor("output_norm.weight", state["model.norm.weight"])
    writer.add_tensor("output.weight", state["lm_head.weight"])
    names = {
        "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    }  # fmt: skip
    for n in range(c.num_hidden_layers):
        for theirs, ours in names.items():
            value = state[f"model.layers.{n}.{theirs}.weight"]
            if ours in ("attn_q", "attn_k"):
                heads = c.num_attention_heads if ours == "attn_q" else c.num_key_value_heads
                size = value.shape[0] // heads
                order = [
                    h * size + half * size // 2 + i for h in range(heads) for i in range(size // 2) for half in (0, 1)
                ]
                value = value[order]
            writer.add_tensor(f"blk.{n}.{ours}.weight", np.ascontiguousarray(value))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


@pytest.fixture(scope="module")
def adapted(model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(GGUF, adapter) of a tiny Llama after a few large steps."""
    from llm.weights.fetch import digest

    folder = tmp_path_factory.mktemp("adapted")
    gguf = as_gguf(model, folder / "tiny.gguf")
    messages, valid, _ = lessons()
    config = Config(rank=4, share=1.0, learning_rate=3e-2)
    tune(model, messages, valid, folder / "out", folder / "work", config, base={"weights_sha256": digest(gguf)})
    return gguf, folder / "out"


def test_merged_weights_are_those_of_the_adapter(model: Path, adapted: tuple[Path, Path], tmp_path: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, GgufConfig

    gguf, adapter = adapted
    file = merged(gguf, adapter, tmp_path)
    # transformers has its own way back from GGUF's order of rows
    ours = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, quantization_config=GgufConfig(dequantize=True), dtype=torch.float32
    ).state_dict()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers under an older name
        with_it = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(model), adapter)
    theirs = with_it.merge_and_unload().state_dict()
    before = AutoModelForCausalLM.from_pretrained(model).state_dict()
    for name, value in theirs.items():
        rounding = 1.2 * value.abs().max() / 254 if "_proj" in name else 0  # half a step of eight bits
        assert (ours[name] - value).abs().max() <= rounding, name
        if "_proj" in name:
            assert (value - before[name]).abs().max() > 5 * rounding, f"{name}: the adapter hardly moves it"


def test_untouched_tensors_and_settings_are_copied(model: Path, adapted: tuple[Path, Path], tmp_path: Path) -> None:
    from gguf import GGUFReader

    gguf, adapter = adapted
    before, after = GGUFReader(gguf), GGUFReader(merged(gguf, adapter, tmp_path))
    settings = [{n: f.contents() for n, f in r.fields.items() if not n.startswith("GGUF.")} for r in (before, after)]
    assert settings[0] == settings[1]
    kinds = {t.name: t for t in after.tensors}
    for tensor in before.tensors:
        same = kinds[tensor.name].tensor_type == tensor.tensor_type
        assert same == (not re.search(r"attn_[qkvo]\w*\.|ffn_(gate|up|down)", tensor.name))
        if same:
            assert np.array_equal(kinds[tensor.name].data, tensor.data)


def test_a_merge_is_made_once_and_whole(
    adapted: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gguf, adapter = adapted
    base = json.loads((adapter / "card.json").read_text(encoding="utf-8"))["weights_sha256"][:12]
    earlier, other = tmp_path / "llm" / f"merged-{base}-0123", tmp_path / "llm" / "merged-4567-0123"
    earlier.mkdir(parents=True)
    other.mkdir()
    with monkeypatch.context() as broken:
        broken.setattr("gguf.GGUFWriter.write_tensor_data", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            merged(gguf, adapter, tmp_path)
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]
    first = merged(gguf, adapter, tmp_path)
    written = first.stat().st_mtime_ns
    assert other.exists() and not earlier.exists(), "of earlier merges, only those with the same weights go"
    assert merged(gguf, adapter, tmp_path) == first and first.stat().st_mtime_ns == written


def test_an_adapter_of_other_weights_is_refused(adapted: tuple[Path, Path], tmp_path: Path) -> None:
    gguf, adapter = adapted
    other = tmp_path / "other.gguf"
    other.write_bytes(gguf.read_bytes() + b"\0")
    with pytest.raises(ArtefactDamaged, match="not the file"):
        merged(other, adapter, tmp_path)
    with pytest.raises(ArtefactDamaged, match=r"python -m benchmarks\.decoder_tuning"):
        merged(gguf, tmp_path, tmp_path)


def test_halves_become_pairs() -> None:
    rows = np.arange(8.0)[:, None]  # two heads of four
    assert paired(rows, 2).ravel().tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_an_answer_fits_the_tokens_that_it_gets(model: Path) -> None:
    longest = max(len(answer(m)) for m in composed("held-out", 200))
    assert longest < 3 * ANSWER, "letters an answer; a token of the shipped model has four"
