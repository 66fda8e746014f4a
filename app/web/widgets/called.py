"""What parts and data sets are called for people; identifiers are for commands and files."""

from app.scorer import LABELS
from app.settings import Settings
from llm.backends import available
from recommenders.contract import registry
from recommenders.data import sources

NO_RANKER = "none"


def part_label(name: str | None, settings: Settings) -> str:
    """Of a language model, a recommender or a ranker of the language model; a name that is none of them stays."""
    if name in (None, "", NO_RANKER):
        return "None"
    if name in LABELS:
        return LABELS[name]
    backends = {b.name: b.label for b in available.backends(settings.llm)} if ":" in str(name) else {}
    return backends.get(str(name)) or registry.label(str(name))


def dataset_label(name: str, settings: Settings) -> str:
    """Of a data set; one that was imported is called what its owner called it."""
    known = {i.name: i.label for i in sources.available(settings.cache_dir, settings.datasets)}
    return known.get(name, name)
