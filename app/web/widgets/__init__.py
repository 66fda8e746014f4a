"""What pages are drawn with."""

from app.web.widgets import session
from app.web.widgets.called import dataset_label, part_label
from app.web.widgets.charts import lines, scatter
from app.web.widgets.conduct import conduct, copy_button
from app.web.widgets.item_card import item_card
from app.web.widgets.mark import LOGO, MARK
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

__all__ = [
    "CSS",
    "LOGO",
    "MARK",
    "apply_choices",
    "begin",
    "conduct",
    "copy_button",
    "dataset_label",
    "edit",
    "give_back",
    "is_running",
    "item_card",
    "lines",
    "part_label",
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
    "waiting",
    "when",
]
