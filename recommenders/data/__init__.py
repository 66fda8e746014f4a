"""The tables that everything reads, their splits, and where they come from."""

from recommenders.data import histories, ratings, rows, sources
from recommenders.data.histories import popularity, users_by_items, weighted
from recommenders.data.rows import How, Known, Places, Rows, RowSplit
from recommenders.data.sources import imported, ml_latest_small
from recommenders.data.splits import Case, Rated, Split, first, items_of, leave_last_one_out, states_of
from recommenders.data.tables import ITEM_ID, LANGUAGE, TITLE, USER_ID, Catalogue, Dataset, FeedbackKind, UserState

__all__ = [
    "ITEM_ID",
    "LANGUAGE",
    "TITLE",
    "USER_ID",
    "Case",
    "Catalogue",
    "Dataset",
    "FeedbackKind",
    "How",
    "Known",
    "Places",
    "Rated",
    "RowSplit",
    "Rows",
    "Split",
    "UserState",
    "first",
    "histories",
    "imported",
    "items_of",
    "leave_last_one_out",
    "ml_latest_small",
    "popularity",
    "ratings",
    "rows",
    "sources",
    "states_of",
    "users_by_items",
    "weighted",
]
