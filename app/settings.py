"""All settings, read once from the environment (CHATREC_*) or a .env file. Nothing else reads the environment."""

from functools import lru_cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from llm.backend_settings import Backends, LLMSettings
from recommenders.data import sources
from recommenders.places import base, in_checkout

DATASET = "movielens-2016"
STAND_IN = "ml-100k"  # where nobody chose a data set and the default can't be had


class Settings(Backends, BaseSettings):
    """One line a setting, those of the backends beside them; docs/settings.md is generated from this class."""

    model_config = SettingsConfigDict(
        env_prefix="CHATREC_", env_file=".env", extra="ignore", frozen=True, populate_by_name=True
    )

    cache_dir: Path = Field(default_factory=lambda: base() / "data" / "cache", description="Fetched data and weights.")
    runs_dir: Path = Field(
        default_factory=lambda: base() / "data" / "runs", description="Trained recommenders and indexes."
    )
    database_url: str = Field("", description="SQLAlchemy URL; empty means SQLite in data/store/chatrec.db.")
    datasets: Path = Field(
        default_factory=lambda: (base().parent / "shared" if in_checkout() else base() / "data") / "datasets",
        description="Folder of further data sets for development and tests.",
    )
    dataset: str = Field(DATASET, description="The data set that the app serves.")

    backend: str = Field("embedded:smollm2-135m", description="LLM that a new conversation starts with.")
    generator: str = Field("sasrec", description="Candidate generator that a new conversation starts with.")
    ranker: str = Field("ease", description="Ranker that a new conversation starts with; 'none' for none.")

    learn_online: bool = Field(
        True, description="Recommenders that can (drn) explore and learn from likes and dislikes in the chat."
    )

    remote_pictures: bool = Field(
        False,
        description="Show the pictures that a catalogue's own column links to; every browser then asks their servers.",
    )

    small_encoder: bool = Field(
        True, description="Where rules lead, a small encoder reads along and decides what they are unsure of."
    )

    picks: int = Field(5, ge=1, le=20, description="Items shown a turn.")
    pool: int = Field(20, ge=5, le=200, description="Candidates that the LLM may choose from.")
    prompt_tokens: int = Field(1500, ge=300, description="Token budget of a prompt.")
    first_token_seconds: float = Field(20.0, gt=0, description="Longest wait for a model's first token.")
    total_seconds: float = Field(60.0, gt=0, description="Longest time for one model call.")
    repairs: int = Field(1, ge=0, le=3, description="Times a malformed answer is shown back to the model.")
    threads: int | None = Field(None, description="CPU threads of the embedded LLM; empty lets it choose.")

    @property
    def llm(self) -> LLMSettings:
        """What the llm package is told; it reads no environment itself."""
        same = {name: getattr(self, name) for name in LLMSettings.model_fields if name in type(self).model_fields}
        return LLMSettings(**same, timeout_seconds=self.total_seconds)

    @property
    def chosen(self) -> bool:
        """Whether somebody named the data set: then no other one stands in."""
        return "dataset" in self.model_fields_set

    @property
    def served(self) -> "Settings":
        """The same with the data set that is here: the stand-in where the default is not."""
        if self.chosen or sources.is_here(self.dataset, self.cache_dir, self.datasets):
            return self
        if not sources.is_here(STAND_IN, self.cache_dir, self.datasets):
            return self
        return self.model_copy(update={"dataset": STAND_IN})

    @property
    def store_url(self) -> str:
        return self.database_url or f"sqlite:///{base() / 'data' / 'store' / 'chatrec.db'}"


@lru_cache(maxsize=1)
def settings() -> Settings:
    return Settings().served
