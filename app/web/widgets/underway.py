"""The small line that tells what is still being made beside the app, and who serves until then."""

import streamlit as st

from app.service import Chat
from app.setup import background
from app.web.widgets.markup import plain

_EVERY = 3.0  # seconds between two looks


def underway(chat: Chat) -> None:
    """Nothing where nothing is being made."""
    making = background.look(chat.settings)
    if making is None:
        return
    if making.running:
        _line(chat)
    else:
        st.caption(f":material/warning: {plain(_words(chat, making))}")


@st.fragment(run_every=_EVERY)
def _line(chat: Chat) -> None:
    making = background.look(chat.settings)
    if making is None or not making.running:
        st.rerun()  # all of the page: what was made can be chosen now
    st.caption(f":material/hourglass_top: {plain(_words(chat, making))}")


def _words(chat: Chat, making: background.Making) -> str:
    generator = chat.settings.generator
    return background.in_words(making, generator, chat.workbench.standing_in(generator))
