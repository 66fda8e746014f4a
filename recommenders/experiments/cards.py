"""What the head of a model's file tells, in its parts: the textbook entry as it can be shown."""

import inspect
import re
import sys
from dataclasses import dataclass

from recommenders.contract import registry
from recommenders.evaluation import baselines

HEADINGS = ("Idea", "Formula", "Input", "Relations", "When it fails", "Reference")


@dataclass(frozen=True)
class Card:
    """title: the first line, "EASE: embarrassingly shallow autoencoder."
    sections: heading -> text without its indent."""

    title: str
    sections: dict[str, str]


def card(name: str) -> Card:
    """Of a recommender, or of a baseline. UnknownRecommender where there is none of the name."""
    text = baselines.__doc__ if name in baselines.NAMES else sys.modules[registry.get(name).__module__].__doc__
    title, _, rest = inspect.cleandoc(text or "").partition("\n\n")
    parts = re.split(rf"^({'|'.join(HEADINGS)})$\n", rest, flags=re.MULTILINE)
    texts = (inspect.cleandoc("\n" + part) for part in parts[2::2])
    return Card(title.replace("\n", " "), dict(zip(parts[1::2], texts, strict=True)))
