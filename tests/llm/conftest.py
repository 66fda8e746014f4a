"""The real embedded model, loaded once for all tests of this folder."""

import pytest

from app.settings import settings
from llm import registry
from llm.backends.embedded import EmbeddedChat
from llm.settings import LLMSettings

NAME = "embedded:smollm2-135m"


@pytest.fixture(scope="session")
def llm_settings() -> LLMSettings:
    return LLMSettings(cache_dir=settings().cache_dir)


@pytest.fixture(scope="session")
def embedded(llm_settings: LLMSettings) -> EmbeddedChat:
    info = registry.describe(NAME, llm_settings)
    if not info.usable:
        pytest.skip(f"{NAME}: {info.reason}; `make test` fetches it")
    model = registry.load(NAME, llm_settings)
    assert isinstance(model, EmbeddedChat)
    model.warm()
    return model
