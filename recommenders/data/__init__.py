"""The tables that everything reads, their splits, and where they come from."""

from recommenders.data import histories, ratings, rows, sources
from recommenders.data.attributes import (
    Attribute,
    Bound,
    Condition,
    Hit,
    Named,
    Operator,
    Ordered,
    Schema,
    both,
    each_part,
    either,
    found_in,
    kinds,
    read_attribute,
)
from recommenders.data.histories import popularity, users_by_items, weighted
from recommenders.data.rows import How, Known, Places, Rows, RowSplit
from recommenders.data.sources import imported, ml_latest_small
from recommenders.data.splits import Case, Rated, Split, first, items_of, leave_last_one_out, states_of
from recommenders.data.tables import LANGUAGE, USER_ID, Catalogue, Dataset, FeedbackKind, UserState

__all__ = [
    "LANGUAGE",
    "USER_ID",
    "Attribute",
    "Bound",
    "Case",
    "Catalogue",
    "Condition",
    "Dataset",
    "FeedbackKind",
    "Hit",
    "How",
    "Known",
    "Named",
    "Operator",
    "Ordered",
    "Places",
    "Rated",
    "RowSplit",
    "Rows",
    "Schema",
    "Split",
    "UserState",
    "both",
    "each_part",
    "either",
    "first",
    "found_in",
    "histories",
    "imported",
    "items_of",
    "kinds",
    "leave_last_one_out",
    "ml_latest_small",
    "popularity",
    "ratings",
    "read_attribute",
    "rows",
    "sources",
    "states_of",
    "users_by_items",
    "weighted",
]
