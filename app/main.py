"""The web app: the list of pages and the frame around them. Run as: python -m streamlit run app/main.py"""

import streamlit as st

from app.widgets import session
from app.widgets.sidebar import sidebar
from app.widgets.style import CSS

st.set_page_config(page_title="chatrec", page_icon=":material/forum:", layout="centered")
st.html(CSS)

talk = st.Page("pages/chat.py", title="Chat", icon=":material/forum:", default=True)
page = st.navigation(
    [
        talk,
        st.Page("pages/profile.py", title="Profile", icon=":material/person:"),
        st.Page("pages/data.py", title="Data", icon=":material/table:"),
        st.Page("pages/models.py", title="Models", icon=":material/memory:"),
    ]
)

if st.session_state.pop("go_to_chat", False) and page != talk:
    st.switch_page(talk)
sidebar(session.catalogue_or_stop(), session.conversation())
page.run()
