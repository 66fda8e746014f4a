"""What pages are drawn with."""

from app.web.widgets import session
from app.web.widgets.charts import lines, scatter
from app.web.widgets.item_card import item_card
from app.web.widgets.markup import plain, prose, said, seconds, size, when
from app.web.widgets.sidebar import apply_choices, sidebar
from app.web.widgets.style import CSS
from app.web.widgets.trace import trace
from app.web.widgets.turns import (
    begin,
    edit,
    give_back,
    is_running,
    say,
    send_typed,
    send_waiting,
    take_trouble,
    waiting,
)
from app.web.widgets.underway import underway

__all__ = [
    "CSS",
    "apply_choices",
    "begin",
    "edit",
    "give_back",
    "is_running",
    "item_card",
    "lines",
    "plain",
    "prose",
    "said",
    "say",
    "scatter",
    "seconds",
    "send_typed",
    "send_waiting",
    "session",
    "sidebar",
    "size",
    "take_trouble",
    "trace",
    "underway",
    "waiting",
    "when",
]
