"""What may be asked of an item: typed attributes, conditions on them, and the schema of a catalogue."""

from recommenders.data.attributes.attribute import Attribute, Column, Hit, Ordered, both, either, yes_or_no
from recommenders.data.attributes.conditions import Condition, Holding, Operator, Value, each_part
from recommenders.data.attributes.dimensions import FIT, adjective
from recommenders.data.attributes.inference import found_in, inferred
from recommenders.data.attributes.kinds.flag import Flag
from recommenders.data.attributes.kinds.levels import Levels
from recommenders.data.attributes.kinds.number import CHILD, Number
from recommenders.data.attributes.kinds.text import Text
from recommenders.data.attributes.kinds.year import Year
from recommenders.data.attributes.named import Named, names_said
from recommenders.data.attributes.overview import Overview, overview_of
from recommenders.data.attributes.quoting import stands_in
from recommenders.data.attributes.reading import MOST, Sample
from recommenders.data.attributes.schema import Bound, Schema, kinds, read_attribute

__all__ = [
    "CHILD",
    "FIT",
    "MOST",
    "Attribute",
    "Bound",
    "Column",
    "Condition",
    "Flag",
    "Hit",
    "Holding",
    "Levels",
    "Named",
    "Number",
    "Operator",
    "Ordered",
    "Overview",
    "Sample",
    "Schema",
    "Text",
    "Value",
    "Year",
    "adjective",
    "both",
    "each_part",
    "either",
    "found_in",
    "inferred",
    "kinds",
    "names_said",
    "overview_of",
    "read_attribute",
    "stands_in",
    "yes_or_no",
]
