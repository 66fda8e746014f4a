"""All that is known of one item: what it is about, its facts, how it was rated, what resembles it, where to read on."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.service import Chat, Profile, items
from app.web.widgets.items.chosen import look_at
from app.web.widgets.items.feedback import Given, feedback
from app.web.widgets.items.pictures import picture, stars
from app.web.widgets.markup import plain

COVER, SMALL = 200, 76  # pixels


def details(chat: Chat, item: int, reasons: Sequence[str], profile: Profile | None, generator: str) -> None:
    catalogue, data = chat.workbench.catalogue, chat.workbench.dataset
    told = items.portrait(data, item)
    with st.container(key="details", gap="small"):
        st.html(_head(told, picture(chat, told, COVER), reasons))
        if profile is not None:
            with st.container(horizontal=True, key="row-details"):
                feedback(profile, told.item_id, Given.by(chat, profile), "details", alone=True)
        st.html(_facts(items.sheet(catalogue, item)) + _histogram(items.ratings(data, item)))
        _resembling(chat, item, generator)
        st.html(_links(items.links(catalogue, item)))


def _head(told: items.Portrait, image: str, reasons: Sequence[str]) -> str:
    people = ", with ".join(filter(None, (", ".join(told.makers), ", ".join(told.cast))))
    facts = " · ".join(filter(None, (stars(told), *told.measures)))
    lines = "".join(
        f'<div class="{name}">{escape(text)}</div>'
        for name, text in (("about", told.about), ("people", people), ("facts", facts))
        if text
    )
    why = "".join(f"<li>{escape(reason)}</li>" for reason in reasons)
    shown = f"<b>Why it was shown</b><ul>{why}</ul>" if why else ""
    return f'<div class="head">{image}<div class="told">{lines}{shown}</div></div>'


def _facts(groups: Sequence[tuple[str, Sequence[items.Line]]]) -> str:
    parts = (
        f"<section><h4>{escape(name)}</h4><dl>"
        + "".join(f"<dt>{escape(line.label)}</dt><dd>{escape(line.values[0])}</dd>" for line in lines)
        + "</dl></section>"
        for name, lines in groups
    )
    return f'<div class="sheet">{"".join(parts)}</div>'


def _histogram(counts: Sequence[tuple[float, int]]) -> str:
    """A bar for each value of the scale, with how many gave it."""
    if not counts:
        return ""
    most = max(n for _, n in counts)
    bars = "".join(
        f'<div title="{n:,} gave {value:g}"><i>{n or ""}</i><b style="height:{max(1, round(56 * n / most))}px"></b>'
        f"<span>{value:g}</span></div>"
        for value, n in counts
    )
    return f'<h4>How {sum(n for _, n in counts):,} people rated it</h4><div class="histogram">{bars}</div>'


def _resembling(chat: Chat, item: int, generator: str) -> None:
    found = items.resembling(chat.workbench, item, generator)
    if not found:
        return
    st.html("<h4>Similar</h4>")
    with st.container(horizontal=True, key="similar", gap="small"):
        for other in found:
            told = items.portrait(chat.workbench.dataset, other)
            with st.container(key=f"similar-{told.item_id}", gap=None, width=SMALL + 12):
                st.html(picture(chat, told, SMALL))
                label, key = plain(chat.workbench.catalogue.label(other)), f"look-{told.item_id}"
                if st.button(label, key=key, type="tertiary", on_click=look_at, args=(told.item_id,)):
                    st.rerun()


def _links(links: Sequence[tuple[str, str]]) -> str:
    shown = "".join(
        f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer">{escape(name)} ↗</a>'
        for name, address in links
    )
    return f'<div class="links">{shown}</div>'
