"""The expected value over rating tokens, on real small networks."""

from pathlib import Path

import numpy as np
import pytest
import torch

from app.errors import BackendFailed, PromptTooLong
from benchmarks.expected_ratings import ExpectedRatings
from llm.backend_settings import LLMSettings
from llm.rating import starts
from llm.weights import published

SYSTEM = {"role": "system", "content": "Rate from 1 to 5."}


def asked(*texts: str) -> list[list[dict[str, str]]]:
    return [[SYSTEM, {"role": "user", "content": t}] for t in texts]


def test_chances_are_those_of_the_whole_prompt_alone(tiny_folder: Path) -> None:
    """Batches, padding and the shared start change nothing."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    ours = ExpectedRatings(tiny_folder, 1, 5)
    prompts = asked("Heat?", "Something much longer about Alien?", "Fargo, perhaps?")
    found = ours.chances(prompts, batch_size=2)
    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    model = AutoModelForCausalLM.from_pretrained(tiny_folder).eval()
    for n, prompt in enumerate(prompts):
        text = tokenizer.apply_chat_template(prompt, add_generation_prompt=True, tokenize=False)
        ids = tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids
        with torch.inference_mode():
            chances = torch.softmax(model(ids).logits[0, -1], -1)
        wanted = [float(chances[tokenizer.convert_tokens_to_ids(str(r))]) for r in range(1, 6)]
        np.testing.assert_allclose(found[n], wanted, rtol=1e-4)
    expected = ours.expected(prompts)
    np.testing.assert_allclose(expected, (found * [1, 2, 3, 4, 5]).sum(1) / found.sum(1), rtol=1e-4)
    np.testing.assert_allclose(ours.expected(prompts[:1]), expected[:1], rtol=1e-4)  # nothing shared with another


def test_no_prompts_and_prompts_too_long(tiny_folder: Path) -> None:
    ours = ExpectedRatings(tiny_folder, 1, 5)
    assert ours.chances([]).shape == (0, 5)
    with pytest.raises(PromptTooLong, match="shorten the history"):
        ours.chances(asked("x" * 2000))


def test_a_scale_whose_ratings_are_not_tokens_is_refused(tiny_folder: Path) -> None:
    with pytest.raises(BackendFailed, match="no token of its own for each rating from 1 to 100"):
        ExpectedRatings(tiny_folder, 1, 100)


@pytest.mark.slow
def test_the_embedded_decoder_gives_each_rating_a_chance(llm_settings: LLMSettings, tmp_path: Path) -> None:
    """The real weights, read from the GGUF file, cut and asked."""
    weights = published.path("smollm2-135m", llm_settings.cache_dir)
    if not weights.exists():
        pytest.skip("no weights; `make test` fetches them")
    here = published.path("smollm2-135m", tmp_path)
    here.parent.mkdir(parents=True)
    here.symlink_to(weights)
    folder = starts.embedded("smollm2-135m", tmp_path)
    assert starts.embedded("smollm2-135m", tmp_path) == folder
    ours = ExpectedRatings(folder, 1, 5, lead="Rating: ")
    chances = ours.chances(asked("Heat (1995): 5\nAlien (1979): 5\nWhat do they give Fargo (1996)?", "Fargo?"))
    assert chances.sum(axis=1).min() > 0.5
    assert ((ours.expected(asked("Fargo?")) > 1) & (ours.expected(asked("Fargo?")) < 5)).all()
