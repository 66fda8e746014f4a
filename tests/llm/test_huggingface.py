"""What is the Hugging Face backend's own: its decoding loop against transformers', the kept keys and values, limits."""

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel

from app.errors import BackendFailed, PromptTooLong
from llm.backend_settings import LLMSettings
from llm.backends import available
from llm.backends.huggingface import HuggingFaceChat
from llm.calls import structured
from llm.calls.streaming import stream
from llm.weights import published
from tests.llm import tiny

ASK: list[BaseMessage] = [SystemMessage("You are a critic."), HumanMessage("Films?")]


@pytest.fixture
def model(tiny_folder: Path) -> HuggingFaceChat:
    return HuggingFaceChat(model_name=str(tiny_folder), max_tokens=24)


def cached(message: Any) -> int:
    return int(message.usage_metadata["input_token_details"]["cache_read"])


def test_greedy_decoding_is_that_of_transformers(model: HuggingFaceChat, tiny_folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    reference = AutoModelForCausalLM.from_pretrained(tiny_folder).eval()
    messages = [{"role": "system", "content": "You are a critic."}, {"role": "user", "content": "Films?"}]
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    ids = tokenizer(prompt, return_tensors="pt").input_ids
    with torch.inference_mode():
        out = reference.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False)
    expected = tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
    answer = model.invoke(ASK)
    assert answer.text == expected
    assert answer.usage_metadata is not None and answer.usage_metadata["input_tokens"] == ids.shape[1]


def test_keys_and_values_are_kept_and_change_nothing(model: HuggingFaceChat, tiny_folder: Path) -> None:
    questions = ["Films?", "Films about dogs?", "Other films?", "Films about dogs?"]
    for number, question in enumerate(questions):
        asked = [ASK[0], HumanMessage(question)]
        warm = model.invoke(asked)
        cold = HuggingFaceChat(model_name=str(tiny_folder), max_tokens=24).invoke(asked)
        assert warm.text == cold.text
        assert cached(cold) == 0
        assert cached(warm) >= (len("You are a critic.") if number else 0)
    # the very same prompt once more: all but the last token
    again = model.invoke([ASK[0], HumanMessage("Films about dogs?")])
    assert cached(again) == again.usage_metadata["input_tokens"] - 1  # type: ignore[index]


def test_a_stop_in_the_middle_leaves_the_cache_right(model: HuggingFaceChat) -> None:
    before = model.invoke(ASK).text
    stop = threading.Event()
    spoken = 0
    for chunk in model.stream([ASK[0], HumanMessage("Tell")], max_tokens=200, stop_event=stop):
        spoken += bool(chunk.text)
        stop.set()
    assert spoken <= 2  # one more than was asked for: what was held back in the middle of a character
    closed = model.stream([ASK[0], HumanMessage("Tell me")], max_tokens=200)
    next(closed)
    closed.close()  # type: ignore[attr-defined]
    assert model.invoke(ASK).text == before


def test_a_pattern_is_kept_to_at_any_temperature(model: HuggingFaceChat) -> None:
    import re

    pattern = "(Alien|千と千尋) \\([1-9][0-9]{3}\\)"
    said = {model.invoke(ASK, regex=pattern, temperature=t, seed=s).text for t in (0.0, 1.5) for s in (1, 2, 3)}
    assert all(re.fullmatch(pattern, text) for text in said)
    assert len(said) > 1


def test_a_seed_makes_chance_repeatable(model: HuggingFaceChat) -> None:
    texts = [model.invoke(ASK, temperature=1.0, seed=seed).text for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_what_does_not_fit_into_the_context_is_said(model: HuggingFaceChat) -> None:
    with pytest.raises(PromptTooLong, match=f"holds {tiny.CONTEXT} together"):
        model.invoke([HumanMessage("x" * tiny.CONTEXT)])
    assert model.invoke(ASK).text  # and goes on


def test_a_folder_without_weights(tmp_path: Path, tiny_folder: Path, llm_settings: LLMSettings) -> None:
    shutil.copy(tiny_folder / "config.json", tmp_path)
    broken = available.load(f"huggingface:{tmp_path}", llm_settings)
    with pytest.raises(BackendFailed, match="transformers cannot load"):
        list(stream(broken, ASK, first_token_seconds=30))


def test_a_name_that_no_hub_has(llm_settings: LLMSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    info = available.describe("huggingface:nobody/nothing", llm_settings)
    assert not info.usable and "HF_HUB_OFFLINE=1" in info.reason


@pytest.mark.slow
def test_a_real_model_from_a_folder(llm_settings: LLMSettings, tmp_path: Path) -> None:
    """SmolLM2 as transformers saves it, made from the embedded model's own weights."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    weights = published.path("smollm2-135m", llm_settings.cache_dir)
    if not weights.exists():
        pytest.skip("no weights; `make test` fetches them")
    source = {"pretrained_model_name_or_path": str(weights.parent), "gguf_file": weights.name}
    AutoTokenizer.from_pretrained(**source).save_pretrained(tmp_path)
    config = GgufConfig(dequantize=True)
    AutoModelForCausalLM.from_pretrained(**source, quantization_config=config).save_pretrained(tmp_path)
    model = available.load(f"huggingface:{tmp_path}", llm_settings)
    question = [HumanMessage("What is the capital of France? Answer in one word.")]
    assert "Paris" in structured.collect(stream(model, question, max_tokens=12, first_token_seconds=60)).text

    class Film(BaseModel):
        title: str
        year: int

    got = structured.generate(model, [HumanMessage("Name a film.")], Film, total_seconds=60, max_tokens=60)
    assert got.value.title and not got.repaired
