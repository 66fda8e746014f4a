"""Long work tells how far it is: one callback everywhere, drawn as bars by tqdm where somebody looks."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

Progress = Callable[[int, int, str], None]
"""done, total, what; bytes where something is fetched."""


def quiet(done: int, total: int, what: str) -> None:
    """Nobody looks."""


@contextmanager
def bars(*, show: bool = True, leave: bool = False) -> Iterator[Progress]:
    """A Progress that draws one bar a `what`, one after the other, on standard error."""
    open_bars: dict[str, tqdm] = {}

    def progress(done: int, total: int, what: str) -> None:
        bar = open_bars.get(what)
        if bar is None:
            for other in open_bars.values():
                other.close()
            open_bars.clear()
            fetching = what.startswith("fetching")
            bar = open_bars[what] = tqdm(
                total=total or None,
                desc=f"  {what}",
                unit="B" if fetching else "",
                unit_scale=fetching,
                leave=leave,
                file=sys.stderr,
                disable=not show,
                dynamic_ncols=True,
                mininterval=0.1 if sys.stderr.isatty() else 10.0,  # a log keeps every drawing
            )
        bar.total = total or None
        bar.update(done - bar.n)

    try:
        yield progress
    finally:
        for bar in open_bars.values():
            bar.close()
