"""How the recommenders compare: a table a task, quality against training time, learning curves, what each one is."""

import math
from typing import Any

import pandas as pd
import streamlit as st

from app.errors import AppError, RecommenderError
from app.scorer import figures
from app.service import Found, find, named
from app.settings import Settings
from app.web.widgets import dataset_label, lines, plain, prose, scatter, seconds, session
from recommenders.contract import registry
from recommenders.experiments import BOARDS, Board, Measure, Result, Standing, Task, card, standings

TASKS: dict[Task, str] = {"top-n": "What comes next", "ctr": "Liked or not", "rating": "Ratings"}
BASELINES = {"mean": "Mean", "item_mean": "Mean of each item", "biases": "Biases of items and people"}
ROW = 35  # pixels of a table row, so that the table shows whole
CUTS = {"time": "By time", "random": "At random"}
PROSE = ("Idea", "Input", "Relations", "When it fails", "Reference")  # sections of a card that are running text


def page() -> None:
    chat = session.catalogue_or_stop()
    with st.container(key="leaderboard"):
        st.title("Leaderboard")
        board = chosen()
        st.markdown(board.about)
        try:
            found = find(chat.settings, board.name)
        except RecommenderError as error:
            st.error(plain(str(error)), icon=":material/error:")
            return
        told(found, board, chat.settings)
        with st.spinner("Comparing …"):
            table = _compared(board.name, tuple((named(r), r.at) for r in found.results), found.results)
        if table:
            ranked(board, table)
            against_time(board, table)
            learning(board, table)
            one(board, table)
        if board.task != "ctr":
            language_model(board.task, chat.settings.dataset)


@st.cache_resource(show_spinner=False, max_entries=8)
def _compared(board: str, runs: tuple[object, ...], _results: tuple[Result, ...]) -> list[Standing]:
    """Intervals of differences take a second; `runs` is the cache's key."""
    return standings(BOARDS[board], _results)


def language_model(task: Task, dataset: str) -> None:
    """Shipped figures of the language model as scorer and ranker: tuned or not, with a recommender or without."""
    try:
        found = figures.read()
    except AppError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    if found is None or found.dataset != dataset:
        return
    rows = figures.rating_table(found) if task == "rating" else figures.list_table(found)
    if not rows:
        return
    st.subheader("The language model as scorer" if task == "rating" else "The language model as ranker")
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=ROW * (len(rows) + 1) + 3)
    about = (
        f"{found.rows} ratings of {found.users} people, by time, the same for all; intervals are over people."
        if task == "rating"
        else "NDCG@10 of people whose next item the generator had among its first ten, times their share of all: as "
        "found, in the model's order, and in the pipeline's blend of both."
    )
    st.caption(f"{about} Shipped figures: `python -m benchmarks.llm_scoring`, {found.made}, {plain(found.hardware)}.")


def chosen() -> Board:
    """The task, and where there are several the cut of the data."""
    with st.container(horizontal=True):
        task = st.segmented_control(
            "Task",
            list(TASKS),
            format_func=lambda t: TASKS[t],
            default="top-n",
            required=True,
            key="leaderboard-task",
            label_visibility="collapsed",
        )
        boards = {b.how: b for b in BOARDS.values() if b.task == task}
        if len(boards) == 1:
            return next(iter(boards.values()))
        how = st.segmented_control(
            "Cut of the data",
            list(boards),
            format_func=lambda h: CUTS[str(h)],
            default=next(iter(boards)),
            required=True,
            key=f"leaderboard-cut-{task}",
            label_visibility="collapsed",
        )
    return boards[how]


def told(found: Found, board: Board, settings: Settings) -> None:
    """Whose figures these are, and what to do where there are none."""
    for trouble in found.troubles:
        st.warning(plain(trouble), icon=":material/warning:")
    command = f"chatrec leaderboard --task {board.name}"
    if not found.results:
        st.info(
            f"Nothing has been measured on “{plain(named_data(settings.dataset))}” yet. This trains every recommender "
            "that can take part, shows its progress, and goes on where it was interrupted:",
            icon=":material/leaderboard:",
        )
        st.code(command, language="bash", wrap_lines=True)
        st.caption("Begin small: `--models popularity,ease`. All figures of one task: without `--models`.")
    elif found.shipped:
        last = max(r.at for r in found.results)
        where = " and ".join(sorted({r.hardware for r in found.results}))
        st.info(
            f"**Shipped figures**, measured on {last:%d %b %Y} ({plain(where)}). To measure here: `{command}`",
            icon=":material/inventory_2:",
        )


# -- all of them ------------------------------------------------------------------------------------------------------


def ranked(board: Board, table: list[Standing]) -> None:
    frame, columns = _frame(board, table)
    st.dataframe(frame, hide_index=True, column_config=columns, height=ROW * (len(frame) + 1) + 3)
    first = max((line.runs[0] for line in table), key=lambda r: r.rows)
    runs = max(line.seeds for line in table)
    st.caption(
        f"{first.rows:,} {'users' if board.task == 'top-n' else 'ratings'} of {plain(named_data(first.dataset))} to "
        "foresee. 95 %: bootstrap over users."
        + (" ±: standard deviation between trainings with different seeds." if runs > 1 else "")
        + " Click a heading to sort."
    )


def label(name: str) -> str:
    """A recommender or a baseline for people."""
    return BASELINES.get(name) or registry.label(name)


def called(line: Standing) -> str:
    """With how many users were asked where not all were."""
    return line.label.replace(line.recommender, label(line.recommender), 1)


def named_data(name: str) -> str:
    return dataset_label(name, session.chat().settings)


def _frame(board: Board, table: list[Standing]) -> tuple[pd.DataFrame, dict[str, Any]]:
    first = board.first
    rows = []
    for line in table:
        best = line.measures.get(first.key)
        row: dict[str, object] = {"Recommender": called(line), first.label: best.value if best else None}
        row["95 %"] = _interval(line, first)
        row["±"] = f"{best.spread:.{first.digits}f}" if best and best.spread is not None else ""
        row["Behind"] = _lead(line, first)
        row["Train CPU s"] = line.cpu_seconds
        for m in board.measures[1:]:
            row[m.label] = line.measures[m.key].value if m.key in line.measures else None
        row |= {
            "Train s": line.wall_seconds,
            f"ms/{board.a_row}": line.milliseconds,
            "Parameters": line.parameters,
            "Seeds": line.seeds,
        }
        rows.append(row)
    frame = pd.DataFrame(rows)
    number = st.column_config.NumberColumn
    columns: dict[str, Any] = {
        "Recommender": st.column_config.TextColumn(pinned=True),
        "95 %": st.column_config.TextColumn(help=f"{first.label}: bootstrap interval over users"),
        "±": st.column_config.TextColumn(help=f"{first.label}: standard deviation between seeds"),
        "Behind": st.column_config.TextColumn(
            help="What the first line is ahead by, user by user, with the 95 % interval of that difference. Where it "
            "holds 0 the two are not told apart."
        ),
        "Train CPU s": number(format="%.1f", help="Processor seconds of one training"),
        "Train s": number(format="%.1f", help="Seconds of one training by the clock; other work slows it"),
        f"ms/{board.a_row}": number(format="%.2f", help=f"Milliseconds a {board.a_row}, answered in batches"),
        "Parameters": number(format="localized", help="Numbers that the model has learned"),
        "Seeds": number(help="Trainings that the figures are means of"),
    }
    for m in board.measures:
        columns[m.label] = number(format=f"%.{m.digits}f", help=_better(m))
    for column in ("±", "Behind"):
        if not frame[column].any():
            frame = frame.drop(columns=column)
    return frame, columns


def _lead(line: Standing, measure: Measure) -> str:
    lead = line.behind
    if lead is None or lead.low is None or lead.high is None:
        return ""
    return f"{lead.value:.{measure.digits}f} ({lead.low:.{measure.digits}f} – {lead.high:.{measure.digits}f})"


def _interval(line: Standing, measure: Measure) -> str:
    found = line.measures.get(measure.key)
    if found is None or found.low is None or found.high is None:
        return ""
    return f"{found.low:.{measure.digits}f} – {found.high:.{measure.digits}f}"


def _better(measure: Measure) -> str:
    way = {True: " Higher is better.", False: " Lower is better.", None: ""}[measure.higher]
    return f"{measure.about[0].upper()}{measure.about[1:]}.{way}"


def against_time(board: Board, table: list[Standing]) -> None:
    st.subheader("Quality against training time")
    key, rows = board.first.key, []
    for line in table:
        found = line.measures.get(key)
        if found is not None:
            low, high = found.low, found.high
            rows.append(
                {
                    "recommender": label(line.recommender),
                    "seconds": max(0.01, line.cpu_seconds),  # the axis is logarithmic
                    "value": found.value,
                    "low": found.value if low is None else low,
                    "high": found.value if high is None else high,
                }
            )
    way = "up" if board.first.higher else "down"
    scatter(rows, x="CPU seconds of training", y=board.first.label, digits=board.first.digits, better=way)
    st.caption(f"Better is {way} and to the left. Bars: 95 % interval over users. Point at a dot for its figures.")


def learning(board: Board, table: list[Standing]) -> None:
    rows = [
        {
            "recommender": label(line.recommender),
            "seconds": max(0.01, point.cpu_seconds),
            "value": abs(point.validation),  # losses are kept with a minus, so that higher is better
        }
        for line in table
        for run in line.runs[:1]
        for point in run.curve
        if point.validation is not None and math.isfinite(point.validation)
    ]
    st.subheader("Learning curves")
    if not rows:
        st.caption(
            "No training has been watched on the validation part yet. One training more of each shows how they learn: "
            f"`chatrec leaderboard --task {board.name} --curves`"
        )
        return
    measured = {"top-n": "NDCG@10", "ctr": "Log loss", "rating": "Squared error"}[board.task]
    lines(rows, x="CPU seconds of training", y=f"{measured} on validation", by="recommender")
    st.caption(f"After each epoch of the first seed. {'Higher' if board.task == 'top-n' else 'Lower'} is better.")


# -- one of them ------------------------------------------------------------------------------------------------------


def one(board: Board, table: list[Standing]) -> None:
    st.subheader("What each one is")
    by_name = {line.recommender: line for line in table}
    name = st.selectbox(
        "Recommender",
        list(by_name),
        format_func=label,
        key=f"leaderboard-one-{board.name}",
        label_visibility="collapsed",
    )
    line = by_name[str(name)]
    with st.container(border=True, key="leaderboard-card"):
        head(board, line)
        entry(line.recommender)
        losses(line)
        run = line.runs[0]
        with st.expander("Settings of the first run, and how to repeat it"):
            st.json(dict(run.config), expanded=True)
            st.code(f"chatrec leaderboard --repeat {named(run)}", language="bash", wrap_lines=True)
            versions = ", ".join(f"{k} {v}" for k, v in run.versions.items())
            st.caption(plain(f"{run.at:%d %b %Y, %H:%M} UTC · {run.hardware} · {versions} · data {run.fingerprint}"))


def head(board: Board, line: Standing) -> None:
    found = line.measures.get(board.first.key)
    value = "–" if found is None else f"{found.value:.{board.first.digits}f}"
    interval = _interval(line, board.first)
    st.markdown(
        f"**{plain(label(line.recommender))}** · {board.first.label} {value}"
        + (f" ({interval})" if interval else "")
        + f" · trained in {seconds(line.cpu_seconds)} of CPU · {line.parameters:,} parameters"
    )


def entry(name: str) -> None:
    """The head of the model's file."""
    try:
        about = card(name)
    except RecommenderError:  # a run of a recommender that this version does not have
        st.caption("This version has no recommender of that name.")
        return
    st.markdown(f"#### {plain(about.title.rstrip('.'))}")
    for heading, text in about.sections.items():
        st.markdown(f"**{heading}**")
        if heading in PROSE:
            for paragraph in text.split("\n\n"):
                st.markdown(prose(paragraph))
        else:
            st.code(text, language=None)


def losses(line: Standing) -> None:
    rows = [
        {"run": f"seed {run.seed}", "epoch": point.number, "value": point.loss}
        for run in line.runs
        for point in run.curve
        if math.isfinite(point.loss)
    ]
    if rows:
        st.markdown("**Loss in training**")
        lines(rows, x="Epoch", y="Loss", by="run", across="epoch", logarithmic=False, height=240)


page()
