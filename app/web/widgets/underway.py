"""The small line that tells what is still being made beside the app, and who serves until then."""

import streamlit as st

from app.service import Chat, Conversation
from app.setup import LABELS, background
from app.web.widgets.markup import plain

_EVERY = 3.0  # seconds between two looks


def underway(chat: Chat, current: Conversation | None) -> None:
    """Nothing where all is there that the next turn works with."""
    generator = chat.settings.generator if current is None else current.generator
    making = background.look(chat.settings)
    if making is not None and making.running:
        _line(chat, generator)
    elif making is not None:
        st.caption(f":material/warning: {plain(_words(chat, making, generator))}")
    elif (stand_in := chat.workbench.standing_in(generator)) != generator:
        waits, finds = (LABELS.get(name, name) for name in (generator, stand_in))
        st.caption(
            f":material/info: {plain(waits)} is not trained yet; until then {plain(finds)} finds the titles. "
            f"It is trained by `chatrec train {generator}`."
        )


@st.fragment(run_every=_EVERY)
def _line(chat: Chat, generator: str) -> None:
    making = background.look(chat.settings)
    if making is None or not making.running:
        st.rerun()  # all of the page: what was made can be chosen now
    st.caption(f":material/hourglass_top: {plain(_words(chat, making, generator))}")


def _words(chat: Chat, making: background.Making, generator: str) -> str:
    return background.in_words(making, generator, chat.workbench.standing_in(generator))
