"""What pages are drawn with."""

from app.web.widgets import session
from app.web.widgets.called import dataset_label, part_label
from app.web.widgets.charts import lines, scatter
from app.web.widgets.conduct import conduct, copy_button
from app.web.widgets.items import Given, compare_bar, item_card, item_dialogs, look_at
from app.web.widgets.mark import LOGO, MARK
from app.web.widgets.markup import plain, prose, said, seconds, size, when
from app.web.widgets.sidebar import apply_choices, sidebar
from app.web.widgets.style import css
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
    "LOGO",
    "MARK",
    "Given",
    "apply_choices",
    "begin",
    "compare_bar",
    "conduct",
    "copy_button",
    "css",
    "dataset_label",
    "edit",
    "give_back",
    "is_running",
    "item_card",
    "item_dialogs",
    "lines",
    "look_at",
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
    "underway",
    "waiting",
    "when",
]
