"""Covers that we draw: valid, the same for the same item, nothing fetched, and no title that breaks out."""

import xml.etree.ElementTree as ET
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.widgets.items.cover import HEIGHT, WIDTH, as_address, cover, fitted

SVG = "{http://www.w3.org/2000/svg}"
SORTS = (
    ("Horror",), ("Western",), ("Sci-Fi",), ("War",), ("Musical",), ("Film-Noir",), ("Fantasy",), ("Dice",),
    ("Set Collection",), ("Children",), ("Romance",), ("Documentary",), ("Nature",), ("Crime",), ("Thriller",),
    ("Adventure",), ("Action",), ("Worker Placement",), ("Ocean",), ("Comedy",), ("Drama",), ("Zzyzx",), (),
)  # fmt: skip


@pytest.mark.parametrize("words", SORTS, ids=lambda words: words[0] if words else "none")
def test_every_motif_is_a_valid_light_picture(words: tuple[str, ...]) -> None:
    for n in range(8):
        svg = cover(f"id{n}", "The Lamp in Room Six", words, "Quiet Orbit", 2018)
        root = ET.fromstring(svg)
        assert root.tag == f"{SVG}svg" and root.get("viewBox") == f"0 0 {WIDTH} {HEIGHT}"
        assert len(svg) < 6000
        assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
        said = " ".join("".join(t.itertext()) for t in root.iter(f"{SVG}text"))
        assert said.startswith("The Lamp in Room Six") and "Quiet Orbit · 2018" in said


def test_the_same_item_has_the_same_cover_and_others_have_others() -> None:
    one = cover("1", "Heat", ("Crime",))
    cover.cache_clear()
    assert cover("1", "Heat", ("Crime",)) == one
    assert len({cover(str(n), "Heat", ("Crime",)) for n in range(20)}) == 20


@given(st.text(max_size=200), st.text(max_size=60))
def test_any_title_is_escaped_and_fits(title: str, line: str) -> None:
    allowed = "".join(c for c in title if c.isprintable())
    root = ET.fromstring(cover("x", allowed, ("Drama",), "".join(c for c in line if c.isprintable())))
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {
        "svg", "defs", "linearGradient", "stop", "clipPath", "rect", "g", "circle", "path", "ellipse", "polygon", "text"
    }  # fmt: skip
    size, lines = fitted(allowed)
    assert 12 <= size <= 32 and 1 <= len(lines) <= 4


def test_markup_in_a_title_stays_text() -> None:
    svg = cover("x", '<script>alert("1")</script> & Sons')
    assert "<script" not in svg
    assert b64decode(as_address(svg).partition(",")[2]).decode() == svg
