"""The picture of an item on a page: its cover, or the catalogue's own where the owner lets browsers ask for it."""

from html import escape

from app.service import Chat, items
from app.web.widgets.items.cover import as_address, cover


def picture(chat: Chat, told: items.Portrait, width: int) -> str:
    """As HTML, `width` pixels wide and half as high again."""
    address = ""
    if chat.settings.remote_pictures:
        catalogue = chat.workbench.catalogue
        address = items.picture(catalogue, catalogue.ids.number(told.item_id))
    if not address:
        line = ", ".join(told.makers[:1] or told.cast[:1])
        address = as_address(cover(told.item_id, told.title, told.moods, line, told.year))
    return (
        f'<img class="cover" src="{escape(address)}" width="{width}" height="{width * 3 // 2}" alt="" loading="lazy" '
        'referrerpolicy="no-referrer">'
    )


def stars(told: items.Portrait) -> str:
    """ "★ 4.1 from 224", or of how many chose it; "" where nothing is known."""
    if told.rating is None:
        return f"chosen {told.raters:,} times" if told.raters > 1 else ""
    return f"★ {told.rating:.1f}" + (f" from {told.raters:,}" if told.raters else "")
