"""One recommended item: what it is, what sets it apart, why it is here, and what the person can do with it.

As high while its answer still comes as later, whatever is known of it, so that nothing on the page jumps.
"""

from collections.abc import Callable
from html import escape

import streamlit as st

from app.events import ItemShown
from app.service import Chat, Profile, items
from app.web.widgets.items.chosen import look_at
from app.web.widgets.items.feedback import Given, feedback
from app.web.widgets.items.pictures import picture, stars
from app.web.widgets.markup import plain

COVER = 60  # pixels
Say = Callable[[str], None]  # sends a message as if it was typed


def item_card(
    chat: Chat, item: ItemShown, key: str, profile: Profile, given: Given, say: Say, *, coming: bool = False
) -> None:
    """`key` is unique on the page. coming: the answer is still being written, and the part of the page that shows it
    draws itself: what is pressed there must draw the whole page."""
    ids = chat.workbench.catalogue.ids
    name = f"{item.title} ({item.year})" if item.year else item.title
    reasons = tuple(r.text for r in (item.standing_out, *item.reasons) if r is not None)
    with st.container(border=True, key=f"card-{key}", gap="small"):
        year = f" :gray[({item.year})]" if item.year else ""
        pressed = st.button(
            f"{item.position}.&ensp;**{plain(item.title)}**{year}",
            key=f"details-{key}",
            type="tertiary",
            on_click=look_at,
            args=(item.item_id, reasons),
        )
        if item.item_id in ids:
            told = items.portrait(chat.workbench.dataset, ids.number(item.item_id))
            st.html(closed(told, picture(chat, told, COVER), item))
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"row-{key}"):
            feedback(profile, item.item_id, given, key)
            for label, icon, text in (
                ("Why this?", ":material/help:", f"Why {name}?"),
                ("More like this", ":material/add_circle:", f"More like {name}"),
            ):
                short = label.split()[0].lower()
                pressed |= st.button(
                    label, key=f"{short}-{key}", type="tertiary", icon=icon, on_click=say, args=(text,)
                )
        if pressed and coming:
            st.rerun()


def closed(told: items.Portrait, image: str, item: ItemShown) -> str:
    """The lines of a card below its title, as HTML. A line that is too long for its place is cut off there."""
    people = ", with ".join(filter(None, (", ".join(told.makers), ", ".join(told.cast))))
    facts = " · ".join(filter(None, (stars(told), *told.measures, ", ".join(told.sorts), *told.others)))
    apart = item.standing_out.text if item.standing_out else ""
    reason = item.reasons[0].text if item.reasons else ""
    lines = (("about", told.about), ("people", people), ("facts", facts), ("apart", apart), ("reason", reason))
    shown = "".join(f'<div class="{name}" title="{escape(text)}">{escape(text)}</div>' for name, text in lines if text)
    return f'<div class="item">{image}<div class="told">{shown}</div></div>'
