"""The web app: the list of pages and the frame around them. Run as: python -m streamlit run app/main.py

The pages lie in app/views, not app/pages: beside a folder of that name Streamlit serves its files by itself, without
this frame, until a first session has run this file (and in its test harness always).
"""

import streamlit as st

from app.widgets import session
from app.widgets.sidebar import apply_choices, sidebar
from app.widgets.style import CSS
from app.widgets.turns import send_typed

st.set_page_config(page_title="chatrec", page_icon=":material/forum:", layout="centered")
st.html(CSS)

talk = st.Page("views/chat.py", title="Chat", icon=":material/forum:", default=True)
page = st.navigation(
    [
        talk,
        st.Page("views/profile.py", title="Profile", icon=":material/person:"),
        st.Page("views/data.py", title="Data", icon=":material/table:"),
        st.Page("views/models.py", title="Models", icon=":material/memory:"),
        st.Page("views/leaderboard.py", title="Leaderboard", icon=":material/leaderboard:"),
    ]
)

if st.session_state.pop("go_to_chat", False) and page != talk:
    st.switch_page(talk)
chat = session.catalogue_or_stop()
apply_choices(chat)
send_typed()
sidebar(chat, session.conversation())
page.run()
