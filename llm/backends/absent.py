"""Stands in for a language model that could not be loaded: every call fails with the reason, so the rules answer."""

from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult

from app.errors import UnusableBackend


class AbsentModel(BaseChatModel):
    reason: str

    @property
    def _llm_type(self) -> str:
        return "absent"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise UnusableBackend(self.reason)
