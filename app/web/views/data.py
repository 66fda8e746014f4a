"""The data sets that are here, the catalogue to look through, and bringing one's own."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.errors import RecommenderError
from app.service import Chat
from app.web.widgets import plain, session
from recommenders.data import Dataset, imported, sources

TABLES = ("csv", "tsv", "txt", "parquet")
SHOWN = 500  # rows of a search


def page() -> None:
    chat = session.catalogue_or_stop()
    st.title("Data")
    counts(chat.workbench.dataset)
    browse, sets, bring = st.tabs(["Catalogue", "Data sets", "Bring your own"])
    with browse:
        catalogue(chat.workbench.dataset)
    with sets:
        present(chat)
    with bring:
        own(chat)


def counts(data: Dataset) -> None:
    x = data.interactions
    st.caption(f"Served now: **{plain(data.source or data.name)}**")
    if told := written(data):
        st.caption(plain(f"Written by a language model out of the items' own texts: {told}"))
    with st.container(horizontal=True):
        st.metric("Items", f"{len(data.catalogue):,}", width="content")
        st.metric("Users", f"{len(data.users):,}", width="content")
        st.metric("Ratings" if data.explicit else "Interactions", f"{len(x):,}", width="content")
        st.metric(
            "Filled",
            f"{len(x) / max(1, len(data.catalogue) * len(data.users)):.1%}",
            width="content",
            help="Share of all pairs of user and item that have met",
        )


def written(data: Dataset) -> str:
    """What a language model filled of which attribute: "mood (gpt-4o-mini, 812 of 1,000)"."""
    filled = [(a.said, backend, n) for a in data.catalogue.schema for backend, n in a.writers]
    return ", ".join(f"{said} ({backend}, {n:,} of {len(data.catalogue):,})" for said, backend, n in filled)


# -- catalogue --------------------------------------------------------------------------------------------------------


@st.cache_data(show_spinner=False)
def _rows(dataset: str) -> pd.DataFrame:
    """One row an item, as it is shown. `dataset` is the cache's key."""
    data = session.chat().workbench.dataset
    c, popularity = data.catalogue, data.popularity
    totals = np.bincount(data.interactions.item, weights=data.interactions.value, minlength=len(c))
    rows = pd.DataFrame(
        {
            "Title": c.titles,
            "Year": pd.array([int(y) or None for y in c.years], dtype="Int64"),
            "Genres": [", ".join(g) for g in c.genres],
            "People": [", ".join(p) for p in c.people],
            "Popularity": popularity,
            "Mean": np.where(popularity > 0, totals / np.maximum(popularity, 1), np.nan),
            "Id": c.ids.ids,
        }
    )
    if not data.explicit:
        rows = rows.drop(columns="Mean")
    return rows if rows["People"].any() else rows.drop(columns="People")


def catalogue(data: Dataset) -> None:
    rows, c = _rows(data.name), data.catalogue
    words = st.text_input("Search titles and people", key="catalogue-search", placeholder="Part of a title or a name")
    genres = st.multiselect("Genres", c.genre_names, key="catalogue-genres", placeholder="Any") if c.genre_names else []
    known = c.years[c.years > 0]
    span = None
    if len(known) and known.min() < known.max():
        span = st.slider(
            "Years", int(known.min()), int(known.max()), (int(known.min()), int(known.max())), key="catalogue-years"
        )
    keep = np.ones(len(rows), bool)
    if words.strip():
        text = rows["Title"] + (" " + rows["People"] if "People" in rows else "")
        keep &= text.str.contains(words.strip(), case=False, regex=False).to_numpy()
    for genre in genres:
        keep &= np.array([genre in g for g in c.genres])
    if span is not None and span != (int(known.min()), int(known.max())):
        keep &= (c.years >= span[0]) & (c.years <= span[1])
    found = rows[keep].sort_values("Popularity", ascending=False, kind="stable")
    if found.empty:
        st.info("Nothing matches. Widen the years, or take a genre or a word away.", icon=":material/search_off:")
        return
    first = f", the {SHOWN} most popular shown" if len(found) > SHOWN else ""
    st.caption(f"{len(found):,} of {len(rows):,} items{first}")
    st.dataframe(
        found.head(SHOWN),
        hide_index=True,
        height=460,
        column_config={
            "Year": st.column_config.NumberColumn(format="%d", width="small"),
            "Mean": st.column_config.NumberColumn(format="%.2f", width="small"),
            "Popularity": st.column_config.NumberColumn(width="small", help="How many people chose it"),
            "Id": st.column_config.TextColumn(width="small"),
        },
    )


# -- data sets --------------------------------------------------------------------------------------------------------


def present(chat: Chat) -> None:
    s = chat.settings
    for info in sources.available(s.cache_dir, s.datasets):
        with st.container(border=True, key=f"dataset-{info.name}"):
            state = ":orange-badge[missing]" if info.missing else ":green-badge[here]"
            served = " :blue-badge[served]" if info.name == s.dataset else ""
            st.markdown(f"**{plain(info.label)}** `{info.name}` {state}{served}")
            if info.missing:
                st.caption(plain(info.missing))
            st.caption(plain(info.licence))
    st.markdown("To serve another one, set it up and start the app with it:")
    st.code("CHATREC_DATASET=NAME chatrec setup\nCHATREC_DATASET=NAME chatrec serve", language="bash", wrap_lines=True)


# -- import -----------------------------------------------------------------------------------------------------------


def own(chat: Chat) -> None:
    st.markdown(
        "Two tables are enough: **items** (an id and a title; year, genres, people, language and text if you have "
        "them) and **interactions** (user id and item id; a rating or a count, and a time if you have them). Columns "
        "are found by their common names, or named below. Everything that is not taken over is counted, with the "
        "reason, and written to a file."
    )
    st.code(
        "chatrec data import --name shop --items items.csv --interactions ratings.csv", language="bash", wrap_lines=True
    )
    with st.form("import", border=True):
        name = st.text_input("Name of the data set", placeholder="shop", key="import-name")
        items = st.file_uploader("Items", TABLES, key="import-items")
        interactions = st.file_uploader("Interactions", TABLES, key="import-interactions")
        users = st.file_uploader("Users (optional)", TABLES, key="import-users")
        with st.expander("Columns with uncommon names"):
            named = {
                "item_id": st.text_input("Items: id", key="import-item_id"),
                "title": st.text_input("Items: title", key="import-title"),
                "year": st.text_input("Items: year", key="import-year"),
                "genres": st.text_input("Items: genres", key="import-genres"),
                "user": st.text_input("Interactions: user", key="import-user"),
                "item": st.text_input("Interactions: item", key="import-item"),
                "value": st.text_input("Interactions: rating or count", key="import-value"),
                "timestamp": st.text_input("Interactions: time", key="import-timestamp"),
            }
            implicit = st.checkbox("The values are counts or purchases, not ratings", key="import-implicit")
        replace = st.checkbox("Replace a data set of this name", key="import-replace")
        sent = st.form_submit_button("Import", type="primary", key="import-go")
    if not sent:
        return
    if not name or items is None or interactions is None:
        st.error("An import needs a name, a table of items and a table of interactions.", icon=":material/error:")
        return
    _import(chat, name, {"items": items, "interactions": interactions, "users": users}, named, implicit, replace)


def _import(
    chat: Chat,
    name: str,
    files: dict[str, UploadedFile | None],
    named: dict[str, str],
    implicit: bool,
    replace: bool,
) -> None:
    bar = st.progress(0.0, "Reading …")

    def progress(done: int, total: int, what: str) -> None:
        bar.progress(min(1.0, done / total) if total else 0.0, what)

    with tempfile.TemporaryDirectory() as folder:
        values: dict[str, object] = {"name": name, **{k: v.strip() for k, v in named.items() if v.strip()}}
        if implicit:
            values["implicit"] = True
        for role, file in files.items():
            if file is not None:
                path = Path(folder) / f"{role}{Path(file.name).suffix}"
                path.write_bytes(file.getbuffer())
                values[role] = path
        try:
            report = imported.run(imported.planned(values), chat.settings.cache_dir, replace=replace, progress=progress)
        except RecommenderError as error:
            bar.empty()
            st.error(f"Nothing was imported: {plain(str(error))}", icon=":material/error:")
            return
    bar.empty()
    st.success(f"The data set “{plain(name)}” is here.", icon=":material/check_circle:")
    st.code("\n".join(report.lines()), language=None, wrap_lines=True)
    if report.rejected_file is not None:
        st.download_button(
            "What was not taken over (CSV)",
            report.rejected_file.read_bytes(),
            f"{name}-rejected.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
    st.markdown("Train on it and serve it:")
    st.code(
        f"CHATREC_DATASET={name} chatrec setup\nCHATREC_DATASET={name} chatrec serve", language="bash", wrap_lines=True
    )


page()
