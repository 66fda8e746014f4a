"""The main way through, in a real headless Chromium: embedded model, recommenders trained on MovieLens 100K.

Ask, get five real items, ask why, like one, swap the ranker, ask again, reload: all still there.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from app.service.store.store import Message, Store
from app.service.workbench import Workbench
from app.settings import Settings
from llm.weights import published

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60_000  # ms that one step may take on a busy machine of two cores; each step ends as soon as it can
ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "test-results"  # what the page looked like when a step failed


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The data, weights and trained models that `make test` prepares; a store of the test's own."""
    store = tmp_path_factory.mktemp("browser") / "chatrec.db"
    made = Settings(_env_file=None, database_url=f"sqlite:///{store}")  # type: ignore[call-arg]
    bench = Workbench(made)
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    if made.generator not in bench.generators() or made.ranker not in bench.rankers():
        pytest.skip(f"{made.generator} and {made.ranker} are not trained in {bench.runs}; run: chatrec setup")
    if not published.present(made.backend.partition(":")[2], made.cache_dir):
        pytest.skip(f"the weights of {made.backend} are not in {made.cache_dir}; run: chatrec setup")
    return made


@pytest.fixture(scope="module")
def address(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app, started as `chatrec serve` starts it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log.txt"
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port), "--no-browser"]
    environment = {**os.environ, "CHATREC_DATABASE_URL": settings.database_url}
    with log.open("w") as output:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)
        with pytest.raises(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5):
            pass  # nothing listens on behind the command's back


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if server.poll() is not None:
            pytest.fail(f"the server ended with {server.returncode}:\n{log.read_text()}")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the server did not answer within a minute:\n{log.read_text()}")


@pytest.fixture
def page(address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        failed_before = request.session.testsfailed
        yield page
        if request.session.testsfailed > failed_before:
            PICTURES.mkdir(exist_ok=True)
            page.screenshot(path=PICTURES / f"{request.node.name}.png", full_page=True)
        browser.close()


def ask(page: Page, text: str, answers: int) -> None:
    """Type a message and wait until the page shows that many finished answers."""
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(text)
    box.press("Enter")
    settled(page, answers)


def settled(page: Page, answers: int) -> None:
    """A finished answer has its trace; nothing is being written any more."""
    expect(page.get_by_text("How this came about")).to_have_count(answers, timeout=PATIENCE)
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0, timeout=PATIENCE)


def until(true: Callable[[], bool]) -> None:
    """Wait for what the page's server does after a press."""
    deadline = time.monotonic() + PATIENCE / 1000
    while not true():
        assert time.monotonic() < deadline, "the press had no effect"
        time.sleep(0.05)


def titles(page: Page) -> list[str]:
    """Title and year on each card, in order: "Alien (1979)"."""
    cards = page.locator('[class*="st-key-card-"]')
    return [
        re.sub(r"^\d+\.\s*", "", cards.nth(n).locator("p").first.inner_text().splitlines()[0]).strip()
        for n in range(cards.count())
    ]


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=re.compile(label)).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_a_whole_conversation(page: Page, settings: Settings) -> None:
    catalogue = Workbench(settings).catalogue
    real = {catalogue.label(i): catalogue.genres[i] for i in range(len(catalogue))}

    ask(page, "something scary from the 80s", 1)
    shown = titles(page)
    assert len(shown) == 5
    assert len(set(shown)) == 5
    for title in shown:
        assert title in real, f"{title!r} is no row of the catalogue"
        assert "Horror" in real[title]
        assert 1980 <= int(title[-5:-1]) <= 1989

    page.get_by_role("button", name="Why this?").nth(1).click()
    settled(page, 2)
    name = re.escape(shown[1].rpartition(" (")[0])
    expect(page.get_by_test_id("stChatMessage").last).to_contain_text(re.compile(name))

    page.get_by_role("radio", name="Like").first.or_(page.get_by_role("button", name="Like").first).first.click()
    store = Store(settings.database_url)
    (conversation,) = store.conversations()
    until(lambda: bool(store.feedback(conversation.profile_id, settings.dataset)))
    (liked,) = store.feedback(conversation.profile_id, settings.dataset)
    assert liked.kind == "like"
    assert catalogue.label(catalogue.ids.number(liked.item_id)) == shown[0]

    page.locator(".st-key-parts-in-use summary").click()
    page.wait_for_timeout(1000)  # it unfolds slowly, and a list that moves closes again
    choose(page, "Ranks them", "None")
    ask(page, "others", 3)
    everything = titles(page)
    more = everything[5:]
    assert more
    assert not set(more) & set(shown), "what was liked or shown before must not come again"
    assert all("Horror" in real[t] for t in more)

    page.reload()
    settled(page, 3)
    assert titles(page) == everything
    for text in ("something scary from the 80s", f"Why {shown[1]}?", "others"):
        expect(page.get_by_test_id("stChatMessage").get_by_text(text, exact=True)).to_be_visible()

    messages = store.messages(conversation.id)
    store.close()
    assert [m.status for m in messages] == ["done"] * 6
    assert [ranker(m) for m in messages if m.role == "assistant"] == [settings.ranker, settings.ranker, None]
    assert all(e.violations == 0 for m in messages for e in m.events if e.kind == "done")


def ranker(message: Message) -> str | None:
    return next(e.ranker for e in message.events if e.kind == "started")


def test_the_chat_fits_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    ask(page, "a comedy from the 90s", 1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for card in page.locator('[class*="st-key-card-"]').all():
        box = card.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390


def test_two_browser_sessions_do_not_mix(page: Page, address: str) -> None:
    assert page.context.browser is not None
    other = page.context.browser.new_context().new_page()
    other.set_default_timeout(PATIENCE)
    other.goto(address)
    ask(page, "a western", 1)
    ask(other, "a musical", 1)
    expect(page.get_by_test_id("stChatMessage").get_by_text("a musical", exact=True)).to_have_count(0)
    expect(other.get_by_test_id("stChatMessage").get_by_text("a western", exact=True)).to_have_count(0)
    other.close()
