"""chatrec leaderboard."""

from typing import Annotated

import typer

from app.progress import bars
from app.service import folder, ship
from app.service import kept as find_run
from app.settings import settings
from recommenders.data import sources
from recommenders.experiments import BOARDS, Result, boards, compute, results, run, standings, table


def leaderboard(
    task: Annotated[
        list[str] | None,
        typer.Option(
            "--task", help="top-n, ctr, rating, or one board of them, such as ctr-time (repeatable); all unless given."
        ),
    ] = None,
    models: Annotated[
        str, typer.Option("--models", metavar="A,B", help="Recommenders, separated by commas; all unless given.")
    ] = "",
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Trainings of each, with seeds from 0 on.")] = 1,
    data: Annotated[
        str | None, typer.Option("--data", help="Data set; the served one unless given.", show_default=False)
    ] = None,
    users: Annotated[
        int | None,
        typer.Option("--users", min=1, help="Make lists for so many users only; for models that need seconds for one."),
    ] = None,
    curves: Annotated[
        bool,
        typer.Option("--curves", help="Also foresee the validation items after each epoch: one training more of each."),
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Compute what is there already too.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Compute nothing; show what is there.")] = False,
    export: Annotated[
        bool,
        typer.Option(
            "--export", help="Put what is there among the figures that the project ships; other runs in them stay."
        ),
    ] = False,
    repeat: Annotated[
        str,
        typer.Option(
            "--repeat", metavar="TASK/NAME-SEED", help="Only train this run once more, from its own settings."
        ),
    ] = "",
) -> None:
    """Compare recommenders: what comes next, liked or not, ratings. Computes what is missing; can be interrupted.

    Everything is fitted anew on the training part; every run is kept with its settings below the runs folder.
    """
    s = settings()
    served = data or s.dataset
    asked = boards.of_tasks(task or [])
    names = [name.strip() for name in models.split(",") if name.strip()]
    kept = folder(s, served)

    if repeat:
        first = find_run(s, repeat)
        loaded = sources.load(first.dataset, s.cache_dir, s.datasets)
        with bars() as progress:
            board = boards.BOARDS[first.board]
            second = run(board, first.recommender, first.config, loaded, sample=first.sample, progress=progress)
        if second.fingerprint != first.fingerprint:
            typer.echo(f"The data have changed since: {first.fingerprint} then, {second.fingerprint} now.")
        typer.echo(f"  {repeat:24} {'then':>10} {'now':>10}")
        for key, value in first.measures.items():
            typer.echo(f"  {key:24} {_told(value.value)} {_told(second.measures[key].value)}")
        return

    failures: list[str] = []
    if not show:
        loaded = sources.load(served, s.cache_dir, s.datasets)
        with bars() as progress:
            compute(
                asked,
                names,
                loaded,
                kept,
                seeds=seeds,
                sample=users,
                curves=curves,
                again=again,
                progress=progress,
                told=lambda r: typer.echo(_line(r), err=True),
                failed=lambda board, name, error: failures.append(f"{board.name}: {name} failed: {error}"),
            )
    found, troubles = results.read_all(kept, [b.name for b in asked])
    for trouble in troubles:
        typer.echo(trouble, err=True)
    for board in asked:
        lines = [line for line in standings(board, found) if not names or line.recommender in names]
        typer.echo(f"\n{board.title} ({board.name}). {board.about}\n")
        typer.echo(table(board, lines) if lines else f"No runs yet: chatrec leaderboard --task {board.name}")
    typer.echo("\n[]: bootstrap over users, 95 %; ±: standard deviation between seeds.")
    for failure in failures:
        typer.echo(failure, err=True)
    if export:
        count, path = ship(s, served)
        typer.echo(f"{count} runs written to {path}; `make docs` writes docs/leaderboard.md from it.")
    if failures:
        raise typer.Exit(1)


def _line(result: Result) -> str:
    first = BOARDS[result.board].first
    return (
        f"{result.board:14} {result.recommender:16} seed {result.seed}: {first.label} "
        f"{_told(result.measures[first.key].value).strip()}, {result.cpu_seconds:.1f} CPU s"
    )


def _told(value: float | None) -> str:
    return f"{'–':>10}" if value is None else f"{value:10.4f}"
