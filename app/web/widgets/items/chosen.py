"""Which items of a page are looked at more closely: one in full, some beside each other. Of this session alone."""

from dataclasses import dataclass, field, replace

import streamlit as st

MOST_COMPARED = 4


@dataclass
class Chosen:
    """opened     id of the item whose details are to be opened, and why it was shown; None for none
    compared  ids of those to be compared, the latest last; comparing: whether that is to be opened
    """

    opened: str | None = None
    reasons: tuple[str, ...] = ()
    compared: list[str] = field(default_factory=list)
    comparing: bool = False


def chosen() -> Chosen:
    if "chosen-items" not in st.session_state:
        st.session_state["chosen-items"] = Chosen()
    found: Chosen = st.session_state["chosen-items"]
    return found


def taken() -> Chosen:
    """What is to be opened now; it is asked for once."""
    at = chosen()
    asked = replace(at)
    at.opened, at.reasons, at.comparing = None, (), False
    return asked


def look_at(item_id: str, reasons: tuple[str, ...] = ()) -> None:
    """For callbacks: open the details of an item."""
    at = chosen()
    at.opened, at.reasons, at.comparing = item_id, reasons, False


def choose(item_id: str, *, wanted: bool) -> None:
    """Put an item among those to be compared, or take it out; the first chosen makes room for a fifth."""
    at = chosen()
    others = [i for i in at.compared if i != item_id]
    at.compared = [*others, item_id][-MOST_COMPARED:] if wanted else others


def compare() -> None:
    """For callbacks: open those that were chosen beside each other."""
    at = chosen()
    at.comparing, at.opened = True, None


def clear() -> None:
    """For callbacks: nothing is to be compared any more."""
    at = chosen()
    at.compared, at.comparing = [], False
