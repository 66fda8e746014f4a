"""LangChain's own suites for chat models, on the embedded backend. Each case skipped or expected to fail says why.

Skipped by the suite itself, because of the properties below: images, PDF and audio (SmolLM2 reads text only),
Anthropic's content blocks (another vendor's protocol), JSON mode (decoding is always held to a schema, which is
stronger), a model override (there is one model in the file), initialisation from environment variables (settings are
read in one place), serialisation (a loaded model is a file and a device) and recorded HTTP (there is no HTTP).
"""

from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from app.settings import settings
from llm.backends.embedded import EmbeddedChat
from llm.weights import published

NAME = "smollm2-135m"
PARAMS: dict[str, Any] = {
    "model_name": NAME,
    "path": published.path(NAME, settings().cache_dir),
    "context": 8192,
}
SHORT = 96  # tokens an answer: the suite looks at its form
WEAK = "what a model of 135 million parameters says, not how it is called"


class TestUnit(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return EmbeddedChat

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return PARAMS

    @property
    def supports_json_mode(self) -> bool:
        return False

    @property
    def supports_image_inputs(self) -> bool:
        return False


@pytest.mark.slow
class TestIntegration(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return EmbeddedChat

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return PARAMS

    @property
    def supports_json_mode(self) -> bool:
        return False

    @property
    def supports_image_inputs(self) -> bool:
        return False

    @property
    def supports_anthropic_inputs(self) -> bool:
        return False

    @pytest.fixture
    def model(self, embedded: EmbeddedChat) -> BaseChatModel:
        return embedded.model_copy(update={"max_tokens": SHORT})

    @pytest.mark.xfail(reason=f"{WEAK}: it calls the tool, with 100000000000 where 3 was meant", strict=False)
    def test_tool_calling(self, model: BaseChatModel) -> None:
        super().test_tool_calling(model)

    @pytest.mark.xfail(reason=f"{WEAK}: as in test_tool_calling", strict=False)
    async def test_tool_calling_async(self, model: BaseChatModel) -> None:
        await super().test_tool_calling_async(model)

    @pytest.mark.xfail(reason=f"{WEAK}: left free, it answers where it should call the tool", strict=False)
    def test_agent_loop(self, model: BaseChatModel) -> None:
        super().test_agent_loop(model)

    @pytest.mark.xfail(reason=f"{WEAK}: it spells the Japanese name in Latin letters", strict=False)
    def test_unicode_tool_call_integration(self, model: BaseChatModel, **kwargs: Any) -> None:
        super().test_unicode_tool_call_integration(model, tool_choice="any", force_tool_call=True)
