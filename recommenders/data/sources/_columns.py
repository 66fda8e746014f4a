"""Which column of a foreign table holds what: as told, or by the names that people commonly use."""

import re
from collections.abc import Sequence

from app.errors import DataError, did_you_mean

# What a role's column is commonly called, lower case, letters and digits only; the first that is there is taken.
_ITEM_IDS = "itemid movieid filmid artistid bookid productid asin isbn songid trackid gameid businessid sku item id"
_USER_IDS = "userid user customerid reviewerid memberid visitorid uid customer"
COMMON: dict[str, tuple[str, ...]] = {
    "item_id": tuple(_ITEM_IDS.split()),
    "title": tuple("title movietitle booktitle itemtitle producttitle name artistname productname item artist".split()),
    "year": tuple("year releaseyear yearofpublication publicationyear publishedyear releasedate published".split()),
    "genres": tuple("genres genre class categories category tags styles".split()),
    "people": tuple("people cast actors authors author artists directors director creators creator".split()),
    "language": tuple("language lang originallanguage languagecode languages".split()),
    "text": tuple("text description overview plot summary synopsis extract about abstract".split()),
    "user": tuple(_USER_IDS.split()),
    "user_id": (*_USER_IDS.split(), "id"),
    "item": tuple(_ITEM_IDS.split()[:-1]),
    "value": tuple("rating score stars value weight count plays playcount listens quantity frequency".split()),
    "timestamp": tuple("timestamp time date datetime createdat ratedat unixreviewtime eventtime ts".split()),
}
USUAL = frozenset("genres genre class people cast actors".split())  # names that say no more than the role does
COUNTS = frozenset("weight count plays playcount listens quantity frequency".split())  # values that are no ratings


def plain(name: str) -> str:
    """A column's name as compared: "//userID" and "user_id:token" are both "userid"."""
    return re.sub(r"[^a-z0-9]", "", name.lower().partition(":")[0])


def find(role: str, told: str | None, columns: Sequence[str], where: str) -> str | None:
    """The column of `columns` for a role: the one told, else one with a common name, else None.

    DataError when the one told is not there.
    """
    if told is not None:
        if told in columns:
            return told
        raise DataError(f"{where} has no column {told!r} for {role}{did_you_mean(told, columns)}")
    by_plain = {plain(c): c for c in reversed(columns)}
    return next((by_plain[name] for name in COMMON[role] if name in by_plain), None)


def need(role: str, option: str, found: str | None, columns: Sequence[str], where: str) -> str:
    """The column, or a DataError that says how to name it."""
    if found is None:
        raise DataError(
            f"which column of {where} is the {role}? None has a name known for it; "
            f"its columns: {', '.join(columns)}. Name it with {option}."
        )
    return found
