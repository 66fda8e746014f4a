"""Text from data, people and models as Markdown shows it: as it stands, with no markup of its own."""

import re
import time
from datetime import datetime

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#+|~$^:])")


def plain(text: str) -> str:
    """Nothing in it is markup: no emphasis, links, formulas, HTML, or Streamlit's :colours[] and :icons:."""
    return _MARKUP.sub(r"\\\1", text).replace("\n", " ")


def prose(text: str) -> str:
    """Our own running text from a docstring: names in backquotes are code, nothing else is markup."""
    return "".join(part if n % 2 else plain(part) for n, part in enumerate(re.split(r"(`[^`]+`)", text)))


def said(text: str) -> str:
    """What a person or the recommender said: its paragraphs and lines stay, its markup shows as typed."""
    return "\n\n".join(
        "  \n".join(_MARKUP.sub(r"\\\1", line) for line in paragraph.splitlines())
        for paragraph in re.split(r"\n\s*\n", text.strip())
    )


def seconds(value: float) -> str:
    """12 ms, 1.3 s."""
    return f"{value * 1000:.0f} ms" if value < 0.9995 else f"{value:.1f} s"


def size(count: int) -> str:
    """98 MB, 1.12 GB."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def when(at: float) -> str:
    """Time of day today, else the date."""
    then, now = datetime.fromtimestamp(at), datetime.fromtimestamp(time.time())
    if then.date() == now.date():
        return then.strftime("%H:%M")
    return then.strftime("%d %b" if then.year == now.year else "%d %b %Y").lstrip("0")


def period(at: float, now: float) -> str:
    """Under which heading of a list something of this time stands: Today, Yesterday, Previous 7 days, then months."""
    then, today = datetime.fromtimestamp(at), datetime.fromtimestamp(now)
    days = (today.date() - then.date()).days
    if days <= 0:
        return "Today"
    if days == 1:
        return "Yesterday"
    if days <= 7:
        return "Previous 7 days"
    return then.strftime("%B" if then.year == today.year else "%B %Y")
