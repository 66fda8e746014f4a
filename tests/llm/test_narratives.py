"""What a model wrote, tidied and judged; how likely a request is under item texts; descriptions that facts carry."""

from pathlib import Path

import numpy as np
import pytest

from app.errors import BackendFailed
from llm.backend_settings import LLMSettings
from llm.backends.embedded import EmbeddedChat
from llm.weights import published
from llm.writing.enrichment import grounded
from llm.writing.likelihood import FRAME, OpenVinoLikelihood, Remembered, TransformersLikelihood
from llm.writing.tidying import kept, quality, tidy
from llm.writing.writing import Shelf


@pytest.mark.parametrize(
    ("written", "usable"),
    [
        ('"I want a dark film about a heist."', "I want a dark film about a heist."),
        ("Request: I want a dark film. And then it br", "I want a dark film."),
        ("I like slow films here. I like slow films here. And rain.", "I like slow films here. And rain."),
        ("I want a dark film!\n\nUser: and another one please.", "I want a dark film!"),
        ("a film with a heist, a heist, a heist, a heist", ""),
        ("Sure.", ""),
        ("", ""),
    ],
)
def test_tidy(written: str, usable: str) -> None:
    assert tidy(written) == usable


def test_quality_tells_copies_names_and_grounding() -> None:
    example = "We want something warm and funny for the whole family tonight."
    facts = "Heat (1995): crime; heist, detective, los angeles"
    copy = quality("We want something warm and funny about a heist.", [example], facts, ["Heat"])
    own = quality("Any detective films where a heist goes wrong, like Heat?", [example], facts, ["Heat"])
    assert copy.copied == pytest.approx(2 / 5) and own.copied == 0
    assert own.named and not copy.named
    assert own.grounded == pytest.approx(2 / 5)  # detective, heist of detective, films, where, heist, wrong
    assert copy.length == 9


def test_kept_takes_the_likeliest_first() -> None:
    assert kept(np.array([-3.0, -1.0, -2.0]), 2) == (1, 2)
    assert kept(np.array([-3.0, -1.0]), 5) == (1, 0)


def test_the_likelihood_is_the_mean_log_probability_of_the_request(tiny_folder: Path) -> None:
    """Against the network asked word by word, one sequence at a time."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(tiny_folder))
    network = AutoModelForCausalLM.from_pretrained(str(tiny_folder)).eval()
    request, texts = "a heist", ["Heat", "A much longer text of a film", "", "x", "y", "z"]
    found = TransformersLikelihood(tiny_folder).of(request, texts)
    asked = tokenizer(f" {request}", add_special_tokens=False).input_ids
    for text, value in zip(texts, found, strict=True):
        head = tokenizer(FRAME.format(text=text), add_special_tokens=False).input_ids
        total = 0.0
        for n, token in enumerate(asked):
            with torch.inference_mode():
                logits = network(torch.tensor([head + asked[:n]])).logits[0, -1]
            total += float(logits.log_softmax(-1)[token])
        assert value == pytest.approx(total / len(asked), abs=1e-4)


def test_the_embedded_model_knows_which_film_a_request_is_for(
    embedded: EmbeddedChat, llm_settings: LLMSettings, tmp_path: Path
) -> None:
    (folder,) = published.path("smollm2-135m", llm_settings.cache_dir).parent.glob("openvino-*")
    likelihood = OpenVinoLikelihood(folder)
    texts = ["Alien (1979). Horror, Sci-Fi. spaceship, monster", "Babe (1995). Children's, Comedy. talking pig, farm"]
    space = likelihood.of("I want a horror film on a spaceship with a monster.", texts)
    farm = likelihood.of("Something for children with a talking pig on a farm.", texts)
    assert space[0] > space[1] and farm[1] > farm[0]
    remembered = Remembered(likelihood, "smollm2", Shelf(tmp_path / "s"))
    first = remembered.of("a farm", texts)
    likelihood.logits = None  # type: ignore[assignment, method-assign]  # asked again it would fail
    np.testing.assert_array_equal(Remembered(likelihood, "smollm2", Shelf(tmp_path / "s")).of("a farm", texts), first)


def test_no_model_in_the_folder(tmp_path: Path) -> None:
    with pytest.raises(BackendFailed, match="no OpenVINO model"):
        OpenVinoLikelihood(tmp_path)
    with pytest.raises(BackendFailed, match="transformers cannot load"):
        TransformersLikelihood(tmp_path)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("A grim thriller in which detectives hunt a serial killer.", True),
        ("A grim thriller with Morgan Freeman and a serial killer.", False),
        ("A grim thriller set in 1995 about a serial killer.", False),
        ("A grim musical about dancing vegetables and their orchestra.", False),
    ],
)
def test_only_what_the_facts_carry_stands(text: str, left: bool) -> None:
    facts = "Crime, Thriller; two detectives, serial killer, rainy city, grim, hunt"
    assert grounded(text, facts) == (text if left else "")
    assert grounded(f"{text} It won eleven awards and broke records.", facts) == (text if left else "")
