"""The page on understanding messages shows the figures that were measured last."""

import json

from benchmarks.measure import RESULTS
from benchmarks.steer_page import PAGE, filled


def test_the_page_shows_the_latest_figures() -> None:
    results = json.loads((RESULTS / "steer.json").read_text(encoding="utf-8"))
    assert PAGE.read_text(encoding="utf-8") == filled(results)
