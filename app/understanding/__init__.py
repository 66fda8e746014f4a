"""What a message means: read once, linked to the catalogue, as typed acts and wants."""

from app.understanding import cues
from app.understanding.heard import (
    About,
    Act,
    Action,
    Ask,
    Clarify,
    Compare,
    Heard,
    Judge,
    Talk,
    Topic,
    Why,
)
from app.understanding.joint import read
from app.understanding.lessons import Config, averaged, lessons, train
from app.understanding.names import (
    EVERYDAY,
    FUNCTION,
    SYNONYMS,
    Linker,
    linker,
)
from app.understanding.reader import ARTEFACT, shipped
from app.understanding.rules import understand
from app.understanding.slots import lacks, telling
from app.understanding.table import Table
from app.wants import NOTHING, Order, Wants, in_order, told, unknown_name

__all__ = [
    "ARTEFACT", "EVERYDAY", "FUNCTION", "NOTHING", "SYNONYMS", "About", "Act", "Action", "Ask", "Clarify", "Compare",
    "Config", "Heard", "Judge", "Linker", "Order", "Table", "Talk", "Topic", "Wants", "Why", "averaged",
    "cues", "in_order", "lacks", "lessons", "linker", "read", "shipped",
    "telling", "told", "train", "understand", "unknown_name",
]  # fmt: skip
