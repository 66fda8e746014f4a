"""An item on a page: its card and cover, all that is known of it, several beside each other, what one says of it."""

from app.web.widgets.items.chosen import look_at
from app.web.widgets.items.comparison import compare_bar
from app.web.widgets.items.dialogs import item_dialogs
from app.web.widgets.items.feedback import Given
from app.web.widgets.items.item_card import item_card

__all__ = [
    "Given",
    "compare_bar",
    "item_card",
    "item_dialogs",
    "look_at",
]
