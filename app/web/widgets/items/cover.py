"""A cover of our own for an item, as SVG: colours from its moods and sorts, a motif of simple shapes, its title.

Drawn from words alone, so that every catalogue has covers. The same item always gets the same one: whatever varies is
taken from a seed. All text is escaped; nothing is fetched.
"""

import colorsys
import hashlib
import math
import random
from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import lru_cache
from html import escape

WIDTH, HEIGHT = 200, 300
_MARGIN = 15


class _Ink:
    """The colours of one cover and what varies it. Colours are CSS colours."""

    def __init__(self, hue: float, dark: bool, chance: random.Random) -> None:
        self.chance = chance
        second = (hue + chance.choice((-38, 32, 150, 180))) % 360
        if dark:
            self.ground, self.deep = _hsl(hue, 0.42, 0.19), _hsl(hue + 12, 0.5, 0.09)
            self.shape, self.second, self.text = _hsl(hue, 0.55, 0.46), _hsl(second, 0.64, 0.6), "#f6f1e7"
        else:
            self.ground, self.deep = _hsl(hue, 0.62, 0.82), _hsl(hue + 10, 0.5, 0.66)
            self.shape, self.second, self.text = _hsl(hue, 0.6, 0.5), _hsl(second, 0.68, 0.55), _hsl(hue, 0.55, 0.13)
        self.paper = _hsl(hue, 0.5, 0.93) if dark else "#fffdf7"

    def between(self, low: float, high: float) -> float:
        return round(self.chance.uniform(low, high), 1)


def _hsl(hue: float, saturation: float, lightness: float) -> str:
    rgb = colorsys.hls_to_rgb((hue % 360) / 360, lightness, saturation)
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)


# -- motifs: each fills the upper two thirds, 200 x 200 ---------------------------------------------------------------


def _circle(x: float, y: float, r: float, fill: str, more: str = "") -> str:
    return f'<circle cx="{x:g}" cy="{y:g}" r="{r:g}" fill="{fill}" {more}/>'


def _path(d: str, fill: str, more: str = "") -> str:
    return f'<path d="{d}" fill="{fill}" {more}/>'


def _rect(x: float, y: float, w: float, h: float, fill: str, more: str = "") -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" fill="{fill}" {more}/>'


def _teeth(ink: _Ink) -> str:
    """An eye between two rows of teeth."""
    n = ink.chance.choice((5, 6, 7))
    w, tall = 200 / n, ink.between(45, 62)
    upper = "".join(
        f"M{k * w:g} 0l{w / 2:g} {tall + 14 * (k % 2):g}l{w / 2:g} -{tall + 14 * (k % 2):g}z" for k in range(n)
    )
    lower = "".join(
        f"M{k * w:g} 200l{w / 2:g} -{tall - 8 * (k % 2):g}l{w / 2:g} {tall - 8 * (k % 2):g}z" for k in range(n)
    )
    x = ink.between(85, 115)
    return (
        _path(upper, ink.shape) + _path(lower, ink.shape) + _circle(x, 102, 24, ink.second)
        + f'<ellipse cx="{x}" cy="102" rx="5.5" ry="20" fill="{ink.deep}"/>'
    )  # fmt: skip


def _orbits(ink: _Ink) -> str:
    x, y, r, turn = ink.between(75, 125), ink.between(85, 110), ink.between(38, 50), ink.between(-35, 35)
    rings = "".join(
        f'<ellipse cx="{x}" cy="{y}" rx="{r * k:g}" ry="{r * k * 0.28:g}" fill="none" stroke="{ink.paper}" '
        f'stroke-width="{w}" opacity=".75" transform="rotate({turn} {x} {y})"/>'
        for k, w in ((1.55, 4), (1.85, 1.5))
    )
    stars = "".join(
        _circle(ink.between(4, 196), ink.between(4, 196), ink.between(0.8, 1.9), ink.paper) for _ in range(26)
    )
    moon = _circle(x + r * 1.5, y - r * 1.1, r * 0.24, ink.second)
    return (
        stars + _circle(x, y, r, ink.shape) + _path(f"M{x - r} {y}a{r} {r} 0 0 0 {2 * r} 0z", ink.second) + rings + moon
    )


def _dunes(ink: _Ink) -> str:
    """A low sun over a wide land."""
    x, y = ink.between(60, 140), ink.between(85, 110)
    mesa = ink.between(20, 130)
    return (
        _circle(x, y, 44, ink.second)
        + _path(f"M{mesa} 150l8 -46h34l9 46z", ink.shape)
        + _path("M0 150q50 -24 100 -6t100 -8v90H0z", ink.shape)
        + _path("M0 176q60 -22 120 -2t80 -6v60H0z", ink.deep)
    )


def _chevrons(ink: _Ink) -> str:
    n, top = ink.chance.choice((3, 4)), ink.between(18, 34)
    return "".join(
        _path(f"M20 {top + 40 + k * 38}l80 -38l80 38v22l-80 -38l-80 38z", (ink.shape, ink.second)[k == n - 1])
        for k in range(n)
    ) + _circle(100, top + 2, 9, ink.second)


def _bars(ink: _Ink) -> str:
    """Sound, as bars."""
    return "".join(
        _rect(14 + k * 18, 105 - h / 2, 10, h, ink.second if k % 4 == 1 else ink.shape, 'rx="5"')
        for k in range(10)
        for h in [40 + 60 * abs(math.sin(k * 0.9 + ink.chance.random())) + ink.between(0, 40)]
    )


def _blinds(ink: _Ink) -> str:
    x = ink.between(60, 140)
    slats = "".join(_rect(0, 8 + k * 19, 200, 9, ink.deep, 'opacity=".82"') for k in range(11))
    return _circle(x, 96, 58, ink.second) + _path(f"M{x - 30} 200l14 -78q16 -26 32 0l14 78z", ink.deep) + slats


def _stars(ink: _Ink) -> str:
    """A crescent, stars and far hills."""
    x, y = ink.between(70, 130), ink.between(62, 88)
    star = "l2.6 7.4l7.4 2.6l-7.4 2.6l-2.6 7.4l-2.6 -7.4l-7.4 -2.6l7.4 -2.6z"
    sky = "".join(_path(f"M{ink.between(10, 190)} {ink.between(4, 120)}{star}", ink.paper) for _ in range(8))
    return (
        sky + _path(f"M{x + 30} {y + 36}a46 46 0 1 1 0 -72a36 36 0 1 0 0 72z", ink.second)
        + _path("M0 200V150l34 -34l26 24l40 -52l44 56l26 -26l30 30v52z", ink.shape)
    )  # fmt: skip


def _balloons(ink: _Ink) -> str:
    colours = (ink.second, ink.shape, ink.paper)
    found = []
    for k in range(5):
        x, y, r = 30 + k * 35 + ink.between(-6, 6), ink.between(36, 116), ink.between(19, 27)
        string = _path(f"M{x:g} {y + r:g}Q{x + 8:g} {y + 60:g} 100 205", "none", f'stroke="{ink.deep}"')
        found.append(string + f'<ellipse cx="{x:g}" cy="{y:g}" rx="{r:g}" ry="{r * 1.18:g}" fill="{colours[k % 3]}"/>')
    return "".join(found)


def _pair(ink: _Ink) -> str:
    """Two that meet."""
    y, r, apart = ink.between(88, 106), ink.between(44, 52), ink.between(26, 34)
    left, right = 100 - apart, 100 + apart
    h = math.sqrt(r * r - apart * apart)
    shared = f"M100 {y - h:g}A{r} {r} 0 0 1 100 {y + h:g}A{r} {r} 0 0 1 100 {y - h:g}z"
    return _circle(left, y, r, ink.shape) + _circle(right, y, r, ink.second) + _path(shared, ink.paper)


def _frames(ink: _Ink) -> str:
    """Pictures in a row, one of them lit."""
    lit = ink.chance.randrange(9)
    return "".join(
        _rect(22 + (k % 3) * 54, 22 + (k // 3) * 54, 47, 47, ink.second if k == lit else ink.shape,
              f'opacity="{1 if k == lit else 0.35 + 0.06 * k:g}"')
        for k in range(9)
    )  # fmt: skip


def _path_of_light(ink: _Ink) -> str:
    """A figure at the end of a lit way."""
    x = ink.between(80, 120)
    way = _path(f"M{x - 12} 92h24l64 118h-152z", ink.second, 'opacity=".85"')
    door = _rect(x - 24, 24, 48, 78, ink.second, 'rx="3"')
    return door + way + _circle(x, 62, 7, ink.deep) + _path(f"M{x - 8} 102l2 -30q6 -6 12 0l2 30z", ink.deep)


def _peaks(ink: _Ink) -> str:
    x, y = ink.between(40, 160), ink.between(40, 62)
    a, b = ink.between(58, 82), ink.between(122, 146)
    return (
        _circle(x, y, 24, ink.second)
        + _path(f"M-10 210L{a} 62L{a + 84} 210z", ink.shape)
        + _path(f"M{b - 88} 210L{b} 88L{b + 96} 210z", ink.deep)
        + _path(f"M{a} 62l-15 30l11 -6l8 12l9 -13l8 9z", ink.paper)
    )


def _speed(ink: _Ink) -> str:
    found = []
    for k in range(9):
        y, w = 8 + k * 21 + ink.between(-4, 4), ink.between(60, 150)
        found.append(
            _rect(ink.between(-20, 90), y, w, ink.between(5, 13), (ink.shape, ink.second)[k % 3 == 1], 'rx="4"')
        )
    return f'<g transform="rotate({ink.chance.choice((-24, -18, 20))} 100 100)">{"".join(found)}</g>'


def _confetti(ink: _Ink) -> str:
    """A wide smile under bits of colour."""
    colours = (ink.second, ink.shape, ink.paper)
    bits = "".join(
        _rect(x, y, 11, 6, colours[k % 3], f'rx="2" transform="rotate({ink.between(0, 180)} {x} {y})"')
        for k in range(16)
        for x, y in [(ink.between(8, 186), ink.between(6, 84))]
    )
    y = ink.between(104, 116)
    return (
        bits
        + _path(f"M44 {y}h112a56 56 0 0 1 -112 0z", ink.shape)
        + _path(f"M66 {y + 34}a40 34 0 0 1 68 0a56 56 0 0 1 -68 0z", ink.second)
    )


def _windows(ink: _Ink) -> str:
    """A house front at night, with a few windows lit."""
    lit = set(ink.chance.sample(range(20), 5))
    front = _path("M18 210V54l82 -38l82 38v156z", ink.shape)
    return front + "".join(
        _rect(36 + (k % 4) * 35, 66 + (k // 4) * 27, 22, 17, ink.second if k in lit else ink.deep, 'rx="1.5"')
        for k in range(20)
    )


def _tide(ink: _Ink) -> str:
    """Waves below a sun."""
    x = ink.between(60, 140)
    waves = "".join(
        _path(f"M-20 {y}q30 -16 60 0t60 0t60 0t60 0v90h-240z", colour, f'opacity="{o}"')
        for y, colour, o in ((112, ink.shape, 0.75), (138, ink.second, 0.9), (164, ink.shape, 1), (188, ink.deep, 1))
    )
    return _circle(x, 86, 42, ink.second) + waves


def _hexes(ink: _Ink) -> str:
    chosen = set(ink.chance.sample(range(16), 5))
    found = []
    for k in range(16):
        row, column = divmod(k, 4)
        x, y = 22 + column * 50 + (25 if row % 2 else 0), 28 + row * 44
        points = " ".join(f"{x + 26 * math.cos(a):.1f},{y + 26 * math.sin(a):.1f}" for a in _SIXTHS)
        found.append(f'<polygon points="{points}" fill="{ink.second if k in chosen else ink.shape}" '
                     f'opacity="{1 if k in chosen else 0.55 + 0.02 * k:g}"/>')  # fmt: skip
    return "".join(found)


_SIXTHS = [math.pi / 6 + k * math.pi / 3 for k in range(6)]


def _fan(ink: _Ink) -> str:
    """Cards in a hand."""
    colours = (ink.shape, ink.paper, ink.second, ink.shape, ink.paper)
    return "".join(
        _rect(
            72,
            52,
            56,
            84,
            colours[k],
            f'rx="6" stroke="{ink.deep}" stroke-width="1.5" transform="rotate({(k - 2) * 19} 100 190)"',
        )
        for k in range(5)
    )


def _dice(ink: _Ink) -> str:
    pips = {1: ((0, 0),), 3: ((-1, -1), (0, 0), (1, 1)), 5: ((-1, -1), (1, -1), (0, 0), (-1, 1), (1, 1))}
    found = []
    for x, y, colour, n in ((68, 78, ink.second, 5), (132, 122, ink.shape, 3)):
        dots = "".join(_circle(x + 17 * a, y + 17 * b, 5.5, ink.paper) for a, b in pips[n])
        turn = ink.between(-22, 22)
        die = _rect(x - 34, y - 34, 68, 68, colour, 'rx="12"')
        found.append(f'<g transform="rotate({turn} {x} {y})">{die}{dots}</g>')
    return "".join(found)


def _leaves(ink: _Ink) -> str:
    stem = f'<path d="M100 206V40" stroke="{ink.deep}" stroke-width="3"/>'
    return (
        stem
        + "".join(
            _path(f"M100 {y:g}q{side * 22} -44 {side * 74} -44q-8 50 {-side * 74} 44z", (ink.shape, ink.second)[k % 2])
            for k, y in enumerate((178, 150, 122, 94))
            for side in (1, -1)
        )
        + _circle(100, 36, 13, ink.second)
    )


def _rings(ink: _Ink) -> str:
    x, y = ink.between(70, 130), ink.between(80, 115)
    return "".join(
        _circle(x, y, 84 - k * 15, (ink.shape, ink.second, ink.deep)[k % 3], f'opacity="{0.7 + k * 0.05:g}"')
        for k in range(6)
    )


def _tiles(ink: _Ink) -> str:
    found = []
    for k in range(16):
        x, y, turn = (k % 4) * 50, (k // 4) * 50, ink.chance.choice((0, 90, 180, 270))
        shape = _path(f"M{x} {y}h50a50 50 0 0 1 -50 50z", (ink.shape, ink.second, ink.deep)[ink.chance.randrange(3)])
        found.append(f'<g transform="rotate({turn} {x + 25} {y + 25})">{shape}</g>')
    return "".join(found)


Motif = Callable[[_Ink], str]
_PLAIN: tuple[Motif, ...] = (_rings, _tiles, _hexes, _tide)

_SORTS: tuple[tuple[tuple[str, ...], Motif, float, bool], ...] = (
    (("horror", "zombie", "vampire", "ghost"), _teeth, 355, True),
    (("western", "desert", "cowboy"), _dunes, 28, False),
    (("sci-fi", "science fiction", "space", "futur", "cyber"), _orbits, 232, True),
    (("war", "military", "battle", "conflict"), _chevrons, 82, True),
    (("musical", "music", "concert", "jazz", "rock"), _bars, 318, True),
    (("noir", "detective", "deduction", "spy", "espionage"), _blinds, 214, True),
    (("fantasy", "magic", "myth", "fairy"), _stars, 262, True),
    (("dice", "dexterity", "push your luck"), _dice, 12, False),
    (("card", "drafting", "set collection", "trick", "hand management", "bluff"), _fan, 150, False),
    (("children", "kids", "animation", "family", "toddler"), _balloons, 196, False),
    (("romance", "romantic", "love", "wedding"), _pair, 344, False),
    (("documentary", "biography", "history", "histor", "non-fiction", "photograph"), _frames, 40, False),
    (("nature", "garden", "animal", "plant", "farm", "bird", "wild"), _leaves, 120, False),
    (("crime", "mystery", "gangster", "heist"), _blinds, 200, True),
    (("thriller", "suspense", "escape"), _path_of_light, 190, True),
    (("adventure", "travel", "expedition", "outdoor", "explor"), _peaks, 158, False),
    (("action", "sport", "race", "racing", "speed"), _speed, 14, True),
    (("worker placement", "engine", "tile", "area control", "strateg", "econom", "trading"), _hexes, 46, False),
    (("sea", "ocean", "island", "water", "swim", "beach"), _tide, 202, False),
    (("comedy", "party", "humor", "humour", "satire", "fun"), _confetti, 44, False),
    (("drama", "fiction", "novel", "social"), _windows, 224, True),
)  # fmt: skip
"""Words of sorts, the most telling first: the motif they have, a hue and whether the ground is dark."""

_MOODS: tuple[tuple[tuple[str, ...], float, bool | None], ...] = (
    (("dark", "bleak", "disturbing", "grim", "scary", "creepy"), 350, True),
    (("tense", "suspense", "gritty", "paranoi"), 204, True),
    (("melanchol", "sad", "bittersweet", "lonely", "wistful"), 226, True),
    (("dream", "surreal", "mind-bending", "trippy", "magical"), 274, None),
    (("romantic", "sensual", "sweet"), 340, False),
    (("heartwarming", "feel-good", "cosy", "cozy", "warm", "uplifting", "charming"), 30, False),
    (("funny", "witty", "quirky", "silly", "playful", "whimsical", "light"), 50, False),
    (("inspiring", "hopeful", "triumph"), 100, False),
    (("epic", "grand", "majestic"), 34, None),
    (("thrilling", "adrenaline", "exciting", "explosive"), 14, True),
    (("thoughtful", "reflective", "quiet", "calm", "contemplative", "slow"), 176, None),
    (("mysterious", "eerie", "haunting"), 252, True),
)
"""Words of moods: the hue they shift a cover to, and whether its ground is dark where that is not left to the sort."""


@lru_cache(maxsize=4096)
def cover(seed: str, title: str, words: tuple[str, ...] = (), line: str = "", year: int | None = None) -> str:
    """The SVG of an item.

    seed   of its own, such as its id: what varies is taken from it
    words  names of its sorts and moods, in any case
    line   who made it, say: small, under the title; "" for none
    """
    chance = random.Random(hashlib.sha256(f"{seed}\n{title}".encode()).digest())
    lower = [w.casefold() for w in words]
    sorts = [row for row in _SORTS if _about(row[0], lower)][:3]
    sort = chance.choice(sorts) if sorts else None
    mood = next((row for row in _MOODS if _about(row[0], lower)), None)
    if sort is None:
        motif, hue, dark = chance.choice(_PLAIN), chance.uniform(0, 360), chance.random() < 0.5
    else:
        _, motif, hue, dark = sort
    if mood is not None:
        hue, dark = mood[1] if chance.random() < 0.6 else hue, dark if mood[2] is None else mood[2]
    ink = _Ink(hue + chance.uniform(-20, 20), dark, chance)
    return _drawn(ink, motif(ink), title, line, year)


def _about(stems: Sequence[str], words: Sequence[str]) -> bool:
    return any(word.startswith(stem) or f" {stem}" in word or f"-{stem}" in word for stem in stems for word in words)


def _drawn(ink: _Ink, picture: str, title: str, line: str, year: int | None) -> str:
    size, lines = fitted(title)
    step = size * 1.1
    bottom = HEIGHT - (34 if line or year else 18)
    first = bottom - step * (len(lines) - 1)
    texts = "".join(
        f'<text x="{_MARGIN}" y="{first + n * step:.1f}" font-size="{size}" font-weight="700">{escape(text)}</text>'
        for n, text in enumerate(lines)
    )
    small = 'font-size="10.5" opacity=".8" letter-spacing=".4"'
    below = " · ".join(filter(None, (_clipped(line, 22), str(year or ""))))
    texts += f'<text x="{_MARGIN}" y="{HEIGHT - 13}" {small}>{escape(below)}</text>' if below else ""
    panel = first - size - 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{escape(title)}"><defs><linearGradient id="g" x1="0" y1="0" x2="0" y2="1">'
        f'<stop offset="0" stop-color="{ink.ground}"/><stop offset="1" stop-color="{ink.deep}"/></linearGradient>'
        f'<clipPath id="c"><rect width="{WIDTH}" height="{panel:.0f}"/></clipPath></defs>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#g)"/>'
        f'<g clip-path="url(#c)"><g transform="translate(0 {min(0, (panel - 205) / 2):.0f})">{picture}</g></g>'
        f'<rect y="{panel:.0f}" width="{WIDTH}" height="{HEIGHT - panel:.0f}" fill="{ink.deep}"/>'
        f'<rect x="{_MARGIN}" y="{panel - 1.5:.0f}" width="34" height="4" fill="{ink.second}"/>'
        f'<g fill="{ink.text}" font-family="{_FONT}">{texts}</g></svg>'
    )


_FONT = "'Avenir Next', 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"


# -- the title, fitted ------------------------------------------------------------------------------------------------


def fitted(title: str, width: float = WIDTH - 2 * _MARGIN) -> tuple[int, list[str]]:
    """The largest size at which a title stands in at most four lines of this width, and these lines."""
    short = _clipped(title.split(" (")[0].strip() or title, 90)
    for size in range(32, 11, -1):
        lines = _wrapped(short, size, width)
        if len(lines) <= (2 if size > 26 else 3 if size > 18 else 4) and all(_wide(x, size) <= width for x in lines):
            return size, lines
    lines = _wrapped(short, 12, width)[:4]
    return 12, [_clipped(x, 24) for x in lines]


def _wrapped(text: str, size: int, width: float) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and _wide(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines or [""]


def _wide(text: str, size: int) -> float:
    """About how wide a bold line is; on the large side, since fonts differ."""
    return size * sum(
        0.4 if c in _NARROW else 1.06 if c in _WIDE or ord(c) > 0x2E7F else 0.81 if c.isupper() else 0.72 for c in text
    )


_NARROW, _WIDE = frozenset("iIjl.,:;'!|()[]ft -’"), frozenset("MW@%mw")


def _clipped(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def as_address(svg: str) -> str:
    """The picture as an address that a page can show without asking anybody."""
    return "data:image/svg+xml;base64," + b64encode(svg.encode()).decode()
