"""Cards, details, the saved list and comparing, in a real headless Chromium, over a shop's imported board games."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from app.service.store import Store
from app.settings import Settings
from tests.app.bench import environment_of
from tests.app.test_board_games import shop  # noqa: F401 (a fixture)
from tests.browser.test_chat_in_chromium import CHROMIUM, FLAGS, PATIENCE, ROOT, _wait, ask, titles, until

pytestmark = pytest.mark.slow
TALLEST = 150  # px of a closed card


@pytest.fixture(scope="module")
def address(shop: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:  # noqa: F811
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log.txt"
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port), "--no-browser"]
    with log.open("w") as output:
        server = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment_of(shop)}, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health", server, Path(log))
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture(params=[(1280, 900), (390, 844)], ids=["desktop", "phone"])
def page(address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, height = request.param
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        yield page
        browser.close()


def test_a_card_its_details_the_saved_list_and_comparing(page: Page, shop: Settings) -> None:  # noqa: F811
    requests: list[str] = []
    page.on("request", lambda r: requests.append(r.url) if r.resource_type == "image" else None)
    ask(page, "under 40 euros for two players", 1)
    cards = page.locator('[class*="st-key-card-"]')
    shown = titles(page)
    assert len(shown) == 5
    until(lambda: all((card.bounding_box() or {"height": TALLEST + 1})["height"] <= TALLEST for card in cards.all()))
    for card in cards.all():
        assert (card.locator("img.cover").get_attribute("src") or "").startswith("data:image/svg+xml")
        buttons = card.get_by_role("button")
        assert buttons.count() == 8  # the title, five icons, why and more
        rows = {round(b.bounding_box()["y"]) for b in buttons.all()[1:6]}  # type: ignore[index]
        assert len(rows) == 1, "the icons stand in one row"

    # Details, and from there the details of what resembles it.
    cards.nth(0).get_by_role("button").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(shown[0])
    expect(dialog).to_contain_text("Credits")
    expect(dialog.locator(".histogram b").first).to_be_visible()
    link = dialog.locator(".links a").first
    assert link.get_attribute("rel") == "noopener noreferrer"
    similar = dialog.locator(".st-key-similar button")
    assert similar.count() == 5
    name = similar.first.inner_text().strip()
    similar.first.click()
    expect(dialog.get_by_role("heading", name=name)).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    # Saved at once, and shown on the card as long as it is.
    store = Store(shop.database_url)
    conversation = store.conversations()[0]
    cards.nth(1).get_by_role("button", name="Save for later").click()
    until(lambda: len(store.saved(conversation.profile_id, "games")) == 1)
    saved = cards.nth(1).get_by_role("button", name="Save for later")
    expect(saved).to_have_attribute("aria-pressed", "true")
    assert store.feedback(conversation.profile_id, "games") == []
    store.close()

    # Two beside each other; the table scrolls inside, the page does not.
    for n in (0, 1):
        cards.nth(n).get_by_role("button", name="Compare").click()
        expect(page.locator(".st-key-compare-bar")).to_contain_text(shown[n].rpartition(" (")[0])
    page.get_by_role("button", name="Compare 2").click()
    table = page.get_by_role("dialog").locator(".beside table")
    expect(table.locator("thead th")).to_have_count(2)
    expect(table.locator("thead th").first).to_contain_text(shown[0])
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]
    page.keyboard.press("Escape")

    assert all(url.startswith(("http://127.0.0.1", "data:")) for url in requests), "no picture is asked for elsewhere"
