"""The real embedded model, loaded once for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.settings import settings
from llm.backend_settings import LLMSettings
from llm.backends import available
from llm.backends.embedded import EmbeddedChat
from llm.weights import published
from tests.llm import server, tiny

NAME = "embedded:smollm2-135m"


@pytest.fixture(scope="session")
def llm_settings() -> LLMSettings:
    return LLMSettings(cache_dir=settings().cache_dir)


@pytest.fixture(scope="session")
def embedded(llm_settings: LLMSettings) -> EmbeddedChat:
    info = available.describe(NAME, llm_settings)
    if not info.usable:
        pytest.skip(f"{NAME}: {info.reason}; `make test` fetches it")
    model = available.load(NAME, llm_settings)
    assert isinstance(model, EmbeddedChat)
    model.warm()
    return model


@pytest.fixture(scope="session")
def server_url(llm_settings: LLMSettings) -> Iterator[str]:
    """A real OpenAI-compatible server on this machine that runs the embedded model."""
    weights = published.path("smollm2-135m", llm_settings.cache_dir)
    if not weights.exists():
        pytest.skip(f"no weights in {weights}; `make test` fetches them")
    with server.serving(weights) as url:
        yield url


@pytest.fixture(scope="session")
def compatible_settings(llm_settings: LLMSettings, server_url: str) -> LLMSettings:
    return llm_settings.model_copy(
        update={
            "compatible_url": server_url,
            "compatible_api_key": SecretStr(server.KEY),
            "compatible_models": ("smollm2-135m",),
        }
    )


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A causal model with random weights, as transformers saves one: what it says is noise, how it says it is not."""
    return tiny.save(tmp_path_factory.mktemp("tiny"))
