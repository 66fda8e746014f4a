"""What the backends are told. The app composes it from its own settings; this package reads no environment."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr


class LLMSettings(BaseModel):
    """One field a setting; secrets never show in a repr."""

    model_config = ConfigDict(frozen=True)

    cache_dir: Path
    device: str = "CPU"
    threads: int | None = None
    timeout_seconds: float = 60.0

    openai_api_key: SecretStr | None = None
    openai_models: tuple[str, ...] = ()
    anthropic_api_key: SecretStr | None = None
    anthropic_models: tuple[str, ...] = ()
    compatible_url: str = ""
    compatible_api_key: SecretStr | None = None
    compatible_models: tuple[str, ...] = ()
    huggingface_models: tuple[str, ...] = ()
