"""How long until one can talk: set-up from a bare clone in its phases, first page and answer, cards when all is warm.

    python -m benchmarks.setup_time                    fetches everything anew (a network is needed)
    python -m benchmarks.setup_time --fetched FOLDER   takes data and weights from a cache folder: what is left is made
    python -m benchmarks.setup_time --whole            waits for what is made beside the app, too

The installation itself is not in it. Pages are opened in Chromium. Nothing of this checkout's data is touched.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import psutil
from playwright.sync_api import Page, sync_playwright

from app.events import ItemShown
from app.service import Chat, Store, Workbench
from app.settings import Settings
from app.setup import background
from benchmarks.measure import about, write

MESSAGES = (
    "something scary from the 80s", "a slow-burning film in space", "like Heat, but not so long ago",
    "three French comedies", "a heartwarming film for the family", "no horror please, something with a twist",
    "the best of Hitchcock",
    "I loved Alien", "a short western", "something funny with Bill Murray",
)  # fmt: skip
_CHROMIUM = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--fetched", type=Path, help="a cache folder with what would be fetched")
    given.add_argument("--whole", action="store_true", help="wait until all is made")
    given.add_argument("--kept", type=Path, help="work in this folder and leave it; a second run there is a warm start")
    arguments = given.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = arguments.kept or Path(made)
        found = measured(folder, arguments.fetched, whole=arguments.whole)
    for name, seconds in found.items():
        print(f"{name:44} {seconds:8.2f} s")
    write("setup_time", {**about(), "load": os.getloadavg()[1], "fetched": bool(arguments.fetched), "seconds": found})


def measured(folder: Path, fetched: Path | None, *, whole: bool) -> dict[str, float]:
    """What was done -> seconds."""
    cache = folder / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for part in fetched.iterdir() if fetched else ():
        if part.name not in ("parsed", "written") and not (cache / part.name).exists():
            shutil.copytree(part, cache / part.name)
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        cache_dir=cache,
        runs_dir=folder / "runs",
        database_url=f"sqlite:///{folder / 'chatrec.db'}",
        datasets=folder,
    )
    environment = os.environ | {
        "CHATREC_CACHE_DIR": str(cache),
        "CHATREC_RUNS_DIR": str(settings.runs_dir),
        "CHATREC_DATABASE_URL": settings.database_url,
        "CHATREC_DATASETS": str(folder),
        "PYTHONUNBUFFERED": "1",  # the lines come when they are printed
    }
    environment.pop("CHATREC_DATASET", None)
    began = time.perf_counter()
    found = set_up(environment)
    with serving(environment) as (url, app), sync_playwright() as p:
        found["the app listens"] = time.perf_counter() - began - sum(found.values())
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=[*_CHROMIUM])
        for state in ("first", "second"):
            page = browser.new_page()
            found |= {f"{state} page": page_seconds(page, url), f"{state} page, CPU": cpu_seconds(app)}
            if state == "first":
                found["from nothing to the first page"] = time.perf_counter() - began
            found |= {f"{state} answer, cards seen": answer_seconds(page, MESSAGES[0])}
            found |= {f"{state} answer, CPU": cpu_seconds(app) - found[f"{state} page, CPU"]}
            if state == "first":
                found["from nothing to the first cards"] = time.perf_counter() - began
            page.close()
        browser.close()
        while whole and (making := background.look(settings)) is not None and making.running:
            time.sleep(1.0)
        if whole:
            found["from nothing to all that is made"] = time.perf_counter() - began
    found["cards, warm, median of a message"] = card_seconds(settings)
    return found


def set_up(environment: dict[str, str]) -> dict[str, float]:
    """The phases of `chatrec setup --first`, by the lines that it prints."""
    command = [sys.executable, "-m", "app.cli", "setup", "--first", "--quiet"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found: dict[str, float] = {}
    step, since = "set-up starts", time.perf_counter()
    for line in chain(process.stdout, ["[end] "]):
        now = time.perf_counter()
        found[step] = now - since
        step, since = line.partition("] ")[2].strip() or line.strip(), now
    if process.wait():
        raise SystemExit("the set-up failed")
    return found


@contextmanager
def serving(environment: dict[str, str]) -> Iterator[tuple[str, psutil.Process]]:
    """The address, and the process that answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve", "--port", str(port), "--no-browser"],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        while True:
            with socket.socket() as knocking:
                if knocking.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        children = psutil.Process(server.pid).children()
        yield f"http://127.0.0.1:{port}", next(c for c in children if "streamlit" in c.cmdline())
    finally:
        server.terminate()
        server.wait()


def cpu_seconds(process: psutil.Process) -> float:
    """Of CPU so far: what does not grow with what else the machine is at."""
    used = process.cpu_times()
    return float(used.user + used.system)


def page_seconds(page: Page, url: str) -> float:
    began = time.perf_counter()
    page.goto(url)
    page.get_by_test_id("stChatInputTextArea").wait_for(timeout=120_000)
    return time.perf_counter() - began


def answer_seconds(page: Page, text: str) -> float:
    began = time.perf_counter()
    page.get_by_test_id("stChatInputTextArea").fill(text)
    page.keyboard.press("Enter")
    page.locator("[class*='st-key-card-']").first.wait_for(timeout=120_000)
    return time.perf_counter() - began


def card_seconds(settings: Settings) -> float:
    """From a message to its first card, without a page: the median over the messages, after one to warm up."""
    chat = Chat(Workbench(settings.served), Store(settings.store_url), settings.served)
    took = []
    for text in (MESSAGES[0], *MESSAGES):
        conversation = chat.start(chat.person())
        began = time.perf_counter()
        for event in chat.send(conversation.id, text, stop := threading.Event()):
            if isinstance(event, ItemShown) and not stop.is_set():
                took.append(time.perf_counter() - began)
                stop.set()
    return statistics.median(took[1:])


if __name__ == "__main__":
    main()
