"""What is looked at more closely, over the page: drawn by every page that shows items, as its last part."""

import streamlit as st

from app.service import Chat, Profile
from app.web.widgets.items.chosen import chosen, compare, look_at
from app.web.widgets.items.comparison import comparison
from app.web.widgets.items.details import details


def item_dialogs(chat: Chat, profile: Profile | None, generator: str) -> None:
    """The details of the item that is opened, or those that are compared; nothing for neither. generator: finds what
    resembles an item."""
    at, ids = chosen(), chat.workbench.catalogue.ids
    if at.comparing:
        numbers = [ids.number(i) for i in at.compared if i in ids]
        st.dialog("Compared", width="large", on_dismiss=_close)(comparison)(chat, numbers)
    elif at.opened is not None and at.opened in ids:
        item = ids.number(at.opened)
        titled = st.dialog(chat.workbench.catalogue.label(item), width="large", on_dismiss=_close)
        titled(details)(chat, item, at.reasons, profile, generator)


def _close() -> None:
    look_at(None)
    compare(now=False)
