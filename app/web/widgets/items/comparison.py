"""Two to four items beside each other, and the bar that says which were chosen for it."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.service import Chat, items
from app.web.widgets.items.chosen import chosen, clear, compare
from app.web.widgets.items.pictures import picture
from app.web.widgets.markup import plain

COVER = 60  # pixels


def compare_bar(chat: Chat) -> None:
    """What was chosen so far, and the way to compare it; nothing while nothing was."""
    catalogue = chat.workbench.catalogue
    numbers = [catalogue.ids.number(i) for i in chosen().compared if i in catalogue.ids]
    if not numbers:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="compare-bar"):
        names = ", ".join(plain(catalogue.titles[i]) for i in numbers)
        hint = names if len(numbers) > 1 else f"{names} and … choose another one"
        st.markdown(hint, width="stretch")
        st.button(
            f"Compare {len(numbers)}" if len(numbers) > 1 else "Compare",
            key="compare-now",
            type="primary",
            icon=":material/compare_arrows:",
            disabled=len(numbers) < 2,
            on_click=compare,
        )
        st.button("Clear", key="compare-clear", type="tertiary", on_click=clear)


def comparison(chat: Chat, numbers: Sequence[int]) -> None:
    catalogue, data = chat.workbench.catalogue, chat.workbench.dataset
    told = [items.portrait(data, i) for i in numbers]
    heads = "".join(
        f"<th scope='col'>{picture(chat, one, COVER)}<span>{escape(catalogue.label(i))}</span></th>"
        for i, one in zip(numbers, told, strict=True)
    )
    abouts = [one.about for one in told]
    about = [items.Line("About", tuple(abouts))] if any(abouts) else []
    different, same = items.compared(catalogue, numbers)
    table = f"<table><thead><tr><td></td>{heads}</tr></thead><tbody>{_rows([*about, *different])}</tbody></table>"
    if same:
        alike = "".join(f"<dt>{escape(line.label)}</dt><dd>{escape(line.values[0])}</dd>" for line in same)
        table_of_same = f"<details><summary>The same for all ({len(same)})</summary><dl>{alike}</dl></details>"
    else:
        table_of_same = ""
    with st.container(key="comparison"):
        st.html(f'<div class="beside">{table}</div>{table_of_same}')


def _rows(lines: Sequence[items.Line]) -> str:
    return "".join(
        f"<tr><th scope='row'>{escape(line.label)}</th>"
        + "".join(f"<td>{escape(value) or '–'}</td>" for value in line.values)
        + "</tr>"
        for line in lines
    )
