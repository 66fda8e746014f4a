"""What the backends are told. The app composes it from its own settings; this package reads no environment."""

from pathlib import Path

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr


class Backends(BaseModel):
    """One field a setting, for the environment and for the backends. A hosted service has `<kind>_api_key`, which may
    also be called as its own programs call it, and `<kind>_models`. Secrets never show in a repr."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    openai_api_key: SecretStr | None = Field(
        None, validation_alias=AliasChoices("CHATREC_OPENAI_API_KEY", "OPENAI_API_KEY"), description="OpenAI."
    )
    openai_models: tuple[str, ...] = Field(("gpt-4o-mini",), description="OpenAI models offered.")
    anthropic_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("CHATREC_ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY"),
        description="Anthropic.",
    )
    anthropic_models: tuple[str, ...] = Field(("claude-sonnet-5",), description="Anthropic models offered.")
    compatible_url: str = Field("", description="OpenAI-compatible server (vLLM, llama.cpp, Ollama), ends in /v1.")
    compatible_api_key: SecretStr | None = Field(None, description="Key of that server, if it wants one.")
    compatible_models: tuple[str, ...] = Field((), description="Models of that server.")
    huggingface_models: tuple[str, ...] = Field(
        (), description="Hugging Face causal models offered: local folders or hub names."
    )


class LLMSettings(Backends):
    """With what else they need."""

    cache_dir: Path
    device: str = "CPU"
    threads: int | None = None
    timeout_seconds: float = 60.0
