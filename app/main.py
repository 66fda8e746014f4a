"""The web app: the list of pages and the frame around them. Run as: python -m streamlit run app/main.py

The pages lie in app/web/views, not in a folder "pages": Streamlit would serve the files of such a folder by itself,
without this frame, until a first session has run this file (and in its test harness always).
"""

import streamlit as st

from app.web.widgets import LOGO, MARK, apply_choices, css, send_typed, session, sidebar, underway

st.set_page_config(page_title="chatrec", page_icon=MARK, layout="centered")
st.logo(LOGO, size="large", icon_image=MARK)
st.html(css())

talk = st.Page("web/views/chat.py", title="Chat", default=True)
page = st.navigation(
    [
        talk,
        st.Page("web/views/profile.py", title="Profile"),
        st.Page("web/views/data.py", title="Data"),
        st.Page("web/views/models.py", title="Models"),
        st.Page("web/views/leaderboard.py", title="Leaderboard"),
    ],
    position="hidden",  # the side bar begins with the conversations and ends with the pages
)

if st.session_state.pop("go_to_chat", False) and page != talk:
    st.switch_page(talk)
chat = session.catalogue_or_stop()
with session.told():
    apply_choices(chat)
    send_typed()
    sidebar(chat, session.conversation())
    underway(chat, session.conversation())
    page.run()
