"""What only a browser shows: where the page stands, the side bar of a phone, the cursor, and who is asked for anything.

Over the twenty films of the other tests, so that it runs wherever there is a Chromium.
"""

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from urllib.parse import urlparse

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from app.service.chat import Chat
from app.service.store.store import Store
from app.service.workbench import Workbench
from app.settings import Settings
from tests.app.bench import environment_of, make_tiny
from tests.browser.test_chat_in_chromium import CHROMIUM, FLAGS, PATIENCE, PICTURES, ROOT, _wait, ask, settled

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    return make_tiny(tmp_path_factory.mktemp("face"))


@pytest.fixture(scope="module")
def chat(settings: Settings) -> Iterator[Chat]:
    store = Store(settings.store_url)
    yield Chat(Workbench(settings), store, settings)
    store.close()


@pytest.fixture(scope="module")
def address(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log.txt"
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port), "--no-browser"]
    with log.open("w") as output:
        server = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | environment_of(settings), stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture
def page(address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 700})
        page.set_default_timeout(PATIENCE)
        failed_before = request.session.testsfailed
        yield page
        if request.session.testsfailed > failed_before:
            PICTURES.mkdir(exist_ok=True)
            page.screenshot(path=PICTURES / f"{request.node.name}.png")
        browser.close()


@pytest.fixture(scope="module")
def long(chat: Chat) -> str:
    """A conversation of 300 messages, each answer with cards."""
    c = chat.start(chat.person())
    list(chat.send(c.id, "a comedy", threading.Event()))
    first = chat.messages(c.id)[-1]
    for n in range(1, 150):
        chat.store.add_message(c.id, f"a comedy, number {n}")
        answer = chat.store.begin_answer(c.id)
        chat.store.write_answer(answer.id, first.text, first.item_ids, first.events, "done")
    return c.id


def question(page: Page, text: str) -> Locator:
    return page.get_by_test_id("stChatMessage").filter(has=page.get_by_text(text, exact=True)).first


def top(page: Page, text: str) -> float:
    box = question(page, text).bounding_box()
    assert box is not None
    return box["y"]


def test_an_answer_is_read_from_its_beginning(page: Page, address: str) -> None:
    page.goto(address)
    ask(page, "a comedy", 1)
    assert 0 <= top(page, "a comedy") < 350
    ask(page, "others", 2)
    page.wait_for_timeout(3000)  # longer than the page is held in its place
    assert 0 <= top(page, "others") < 200
    page.reload()
    settled(page, 2)
    page.wait_for_timeout(1500)
    assert 0 <= top(page, "others") < 200, "a conversation opens at its latest question"


def test_the_page_is_the_persons_once_they_scroll(page: Page, address: str, long: str) -> None:
    page.goto(f"{address}/?c={long}")
    expect(page.get_by_test_id("stChatMessage")).to_have_count(20, timeout=PATIENCE)
    page.wait_for_timeout(3000)
    page.mouse.move(700, 300)
    page.mouse.wheel(0, -600)
    page.wait_for_timeout(500)
    before = page.evaluate("document.querySelector('[data-testid=\"stMain\"]').scrollTop")
    page.locator('[class*="st-key-trace-"] summary').last.evaluate("e => e.click()")
    page.wait_for_timeout(2000)
    after = page.evaluate("document.querySelector('[data-testid=\"stMain\"]').scrollTop")
    assert abs(after - before) < 5


def test_three_hundred_messages_are_drawn_from_the_last_ones(page: Page, address: str, long: str) -> None:
    page.goto(f"{address}/?c={long}")
    messages = page.get_by_test_id("stChatMessage")
    expect(messages).to_have_count(20, timeout=PATIENCE)
    expect(page.get_by_text("a comedy, number 149", exact=True)).to_be_visible()
    page.get_by_role("button", name="Show earlier (280 more)").evaluate("e => e.click()")
    expect(messages).to_have_count(40, timeout=PATIENCE)
    expect(page.get_by_role("button", name="Show earlier (260 more)")).to_have_count(1)


def test_the_side_bar_of_a_phone_closes_after_a_choice(page: Page, address: str, long: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(address)
    page.get_by_test_id("stChatInputTextArea").wait_for()
    bar = page.get_by_test_id("stSidebar")
    for choice in (f'[class*="st-key-open-{long}"] button', ".st-key-new-conversation button"):
        page.get_by_test_id("stExpandSidebarButton").click()
        expect(bar).to_have_attribute("data-collapsed", "false")
        page.wait_for_timeout(500)
        bar.locator(choice).last.click()
        expect(bar).to_have_attribute("data-collapsed", "true")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_cursor_is_in_the_message_box_and_arrow_up_recalls_the_last_message(page: Page, address: str) -> None:
    page.goto(address)
    box = page.get_by_test_id("stChatInputTextArea")
    expect(box).to_be_focused(timeout=PATIENCE)
    page.keyboard.type("a drama")
    page.keyboard.press("Enter")
    settled(page, 1)
    expect(box).to_be_focused()
    expect(box).to_have_value("")
    page.wait_for_function("window.chatrec.last === 'a drama'")
    page.keyboard.press("ArrowUp")
    expect(box).to_have_value("a drama")
    page.keyboard.press("Enter")
    settled(page, 2)


def test_what_is_in_force_is_taken_away_by_a_press(page: Page, address: str) -> None:
    page.goto(address)
    ask(page, "a comedy from the 90s", 1)
    chips = page.locator('[class*="st-key-take-away-"]')
    expect(chips).to_have_text([re.compile("comedy"), re.compile("from the 1990s")])
    chips.first.get_by_role("button").first.click()
    settled(page, 2)
    expect(chips).to_have_text([re.compile("from the 1990s")])
    expect(question(page, "Never mind “comedy”")).to_be_visible()
    page.reload()
    settled(page, 2)
    expect(chips).to_have_text([re.compile("from the 1990s")])


def test_an_answer_is_copied_as_text(page: Page, address: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(address)
    ask(page, "a comedy", 1)
    page.get_by_role("button", name="Copy this answer").click()
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.search(r"^1\. .+ \(\d{4}\)", copied, re.MULTILINE), copied


def test_the_question_whether_to_delete_is_covered_by_nothing(page: Page, address: str) -> None:
    page.goto(address)
    ask(page, "a comedy", 1)
    page.locator(".st-key-more button").first.click()
    page.locator(".st-key-delete button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    for name in ("Delete", "Keep"):
        button = dialog.get_by_role("button", name=name, exact=True)
        assert button.evaluate(
            "e => { const b = e.getBoundingClientRect();"
            " return e.contains(document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2)); }"
        )
    dialog.get_by_role("button", name="Keep", exact=True).click()
    expect(dialog).to_have_count(0)


def test_nobody_else_is_asked_for_anything(page: Page, address: str) -> None:
    asked: set[str] = set()
    page.on("request", lambda r: asked.add(urlparse(r.url.removeprefix("blob:")).hostname or ""))
    page.goto(address)
    ask(page, "a comedy", 1)
    for name in ("profile", "data", "models", "leaderboard"):
        page.goto(f"{address}/{name}")
        page.locator("h1").first.wait_for()
        page.wait_for_timeout(1000)
    assert asked - {""} == {"127.0.0.1"}
