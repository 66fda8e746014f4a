"""What is looked at more closely, over the page: drawn by every page that shows items, as its last part."""

import streamlit as st

from app.service import Chat, Profile
from app.web.widgets.items.chosen import taken
from app.web.widgets.items.comparison import comparison
from app.web.widgets.items.details import details


def item_dialogs(chat: Chat, profile: Profile | None, generator: str) -> None:
    """Open the details of the item that was pressed, or those to be compared, once: the browser closes it again, and
    does not always tell. generator: finds what resembles an item."""
    ids = chat.workbench.catalogue.ids
    asked = taken()
    if asked.comparing:
        numbers = [ids.number(i) for i in asked.compared if i in ids]
        st.dialog("Compared", width="large")(comparison)(chat, numbers)
    elif asked.opened is not None and asked.opened in ids:
        item = ids.number(asked.opened)
        titled = st.dialog(chat.workbench.catalogue.label(item), width="large", on_dismiss="rerun")
        titled(details)(chat, item, asked.reasons, profile, generator)
