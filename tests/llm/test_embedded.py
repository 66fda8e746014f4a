"""What is the embedded backend's own: the prefix cache, the context, exact stopping, letters, the copy on disk."""

import os
import threading
import time
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from app.errors import BackendFailed, PromptTooLong
from llm.backend_settings import LLMSettings
from llm.backends.embedded import BLOCK, EmbeddedChat
from llm.calls.streaming import stream
from llm.calls.structured import collect
from llm.weights import published

ASK = [HumanMessage("Write a story about a film.")]


def test_a_prompt_that_begins_like_an_earlier_one_is_served_from_the_cache(embedded: EmbeddedChat) -> None:
    salt = time.monotonic_ns()  # nobody had this prompt before
    told = SystemMessage(f"Session {salt}. " + "You are a film critic who has seen everything. " * 80)

    def ask(question: str) -> tuple[int, int, float]:
        began = time.perf_counter()
        first = 0.0
        usage = None
        for chunk in embedded.stream([told, HumanMessage(question)], max_tokens=4):
            first = first or time.perf_counter() - began
            usage = chunk.usage_metadata or usage
        assert usage is not None
        return usage["input_tokens"], usage.get("input_token_details", {}).get("cache_read", 0), first

    prompt, cached, cold = ask("Which film is the saddest?")
    assert prompt > 700 and cached < 2 * BLOCK
    prompt, cached, warm = ask("And which one is the funniest of them all?")
    assert 600 < cached < prompt and cached % BLOCK == 0
    assert warm < cold / 2, f"{cold:.2f} s cold, {warm:.2f} s warm: is the cache used at all?"


def test_what_does_not_fit_into_the_context_is_said(embedded: EmbeddedChat) -> None:
    with pytest.raises(PromptTooLong, match=r"smollm2-135m holds 8192 together\. Shorten"):
        list(stream(embedded, [HumanMessage("film " * 9000)], first_token_seconds=30))
    with pytest.raises(PromptTooLong):
        embedded.invoke(ASK, max_tokens=8190)


def test_a_stop_request_is_honoured_within_one_token(embedded: EmbeddedChat) -> None:
    stop = threading.Event()
    spoken = 0
    usage = None
    for chunk in embedded.stream(ASK, max_tokens=300, stop_event=stop):
        spoken += bool(chunk.text)
        usage = chunk.usage_metadata or usage
        if spoken == 5:
            stop.set()
    assert usage is not None
    # the runtime may have been at the next token, and reads the request after it
    assert spoken <= 7
    assert usage["output_tokens"] <= 8


def test_a_waiting_call_can_be_stopped_too(embedded: EmbeddedChat) -> None:
    first = embedded.stream(ASK, max_tokens=300)
    next(first)
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    began = time.monotonic()
    assert collect(embedded.stream(ASK, max_tokens=300, stop_event=stop)).text == ""
    assert time.monotonic() - began < 1
    first.close()  # type: ignore[attr-defined]


def test_letters_of_several_tokens_come_whole(embedded: EmbeddedChat) -> None:
    chunks = list(embedded.stream(ASK, regex="Amélie 千と千尋 🎬 é{2}", max_tokens=60))
    assert "".join(c.text for c in chunks) == "Amélie 千と千尋 🎬 éé"
    assert not any("\ufffd" in c.text for c in chunks)


def test_a_seed_makes_chance_repeatable(embedded: EmbeddedChat) -> None:
    def said(seed: int) -> str:
        return embedded.invoke(ASK, temperature=1.0, seed=seed, max_tokens=16).text

    assert said(1) == said(1)
    assert len({said(seed) for seed in (1, 2, 3)}) > 1


def test_tokens_are_counted_as_the_model_does(embedded: EmbeddedChat) -> None:
    assert embedded.get_num_tokens("A film.") == 3
    assert embedded.get_num_tokens("") == 0


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    model = EmbeddedChat(model_name="smollm2-135m", path=tmp_path / "x.gguf", context=8192)
    with pytest.raises(BackendFailed, match="chatrec models get smollm2-135m"):
        list(stream(model, ASK, first_token_seconds=30))


def test_weights_that_are_no_weights(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"GGUF" + bytes(100))
    model = EmbeddedChat(model_name="smollm2-135m", path=tmp_path / "x.gguf", context=8192)
    with pytest.raises(BackendFailed):
        list(stream(model, ASK, first_token_seconds=30))
    assert [p.name for p in tmp_path.iterdir()] == ["x.gguf"]


@pytest.mark.slow
def test_the_copy_on_disk_says_the_same_and_is_only_an_extra(
    embedded: EmbeddedChat, llm_settings: LLMSettings, tmp_path: Path
) -> None:
    weights = published.path("smollm2-135m", llm_settings.cache_dir)
    try:
        os.link(weights, tmp_path / "w.gguf")
    except OSError:
        pytest.skip("temporary folder and cache are on different file systems")
    expected = embedded.invoke(ASK, max_tokens=8).text

    def fresh() -> str:
        model = EmbeddedChat(model_name="smollm2-135m", path=tmp_path / "w.gguf", context=8192)
        return model.invoke(ASK, max_tokens=8).text

    assert fresh() == expected
    (copy,) = tmp_path.glob("openvino-*")
    assert sorted(p.suffix for p in copy.iterdir()) == [".bin"] * 3 + [".xml"] * 3
    assert fresh() == expected
    (copy / "openvino_model.xml").write_text("<net/>")
    assert fresh() == expected
    assert (copy / "openvino_model.xml").stat().st_size > 100  # made anew
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]
