"""The conversation: everything is drawn from the store; a turn that runs is drawn from its job."""

import streamlit as st

from app.events import Done, Fallback, ItemShown, TurnEvent
from app.service import Chat, Conversation, Job, Message, Profile, file_name, starters
from app.web.widgets import (
    Given,
    begin,
    compare_bar,
    edit,
    give_back,
    is_running,
    item_card,
    item_dialogs,
    plain,
    said,
    say,
    send_waiting,
    session,
    take_trouble,
    trace,
    waiting,
)

POLL_SECONDS = 0.4  # how often a running answer is drawn anew
AVATARS = {"user": ":material/person:", "assistant": ":material/movie:"}


def page() -> None:
    chat = session.catalogue_or_stop()
    current = session.conversation()
    if current is None:
        welcome(chat)
    else:
        conversation(chat, current)
    message_input()


def message_input() -> None:
    """Without `max_chars`: Streamlit would cut what is longer without a word. The service says that it is too long, and
    what could not be sent stands in the input again."""
    if text := give_back():
        st.session_state["message"] = text
    st.chat_input("What are you in the mood for?", key="message", on_submit=typed)
    session.here().given_back.clear()


def typed() -> None:
    say(st.session_state["message"] or "")


# -- what is seen ---------------------------------------------------------------------------------------------------


def welcome(chat: Chat) -> None:
    data = chat.workbench.dataset
    st.title("What are you in the mood for?")
    st.markdown(
        f"Say it in your own words. Every answer comes from **{len(data.catalogue):,} titles** of "
        f"{plain(data.source or data.name)}, and every reason can be checked."
    )
    with st.container(key="starters"):
        offers = starters(data)
        for row in range(0, len(offers), 2):
            for column, offer in zip(st.columns(2), offers[row : row + 2], strict=False):
                column.button(offer, key=f"starter-{offer}", width="stretch", on_click=say, args=(offer,))
    trouble()


def conversation(chat: Chat, current: Conversation) -> None:
    profile = chat.profile_of(current)
    messages = chat.messages(current.id)
    given = Given.by(chat, profile)
    running = session.jobs().get(current.id) if is_running(current.id) else None
    head(chat, current, profile)
    if running is not None and messages and messages[-1].status == "streaming":
        messages = messages[:-1]  # its job draws it
    last_asked = max((n for n, m in enumerate(messages) if m.role == "user"), default=-1)
    for number, message in enumerate(messages):
        latest = running is None and number >= last_asked
        with st.chat_message(message.role, avatar=AVATARS[message.role]):
            if message.role == "user":
                asked(chat, current, message, editable=latest)
            else:
                answer(chat, message, profile, given)
                if latest:
                    again(chat, current)
    if running is not None:
        answering(running, profile, given)
        for text in waiting(current.id):
            with st.chat_message("user", avatar=AVATARS["user"]):
                st.markdown(said(text))
                st.caption("Sent when the answer above is done")
    elif send_waiting(current.id):
        st.rerun()
    elif messages and messages[-1].role == "user":
        with st.chat_message("assistant", avatar=AVATARS["assistant"]):
            st.caption("There is no answer to this message.")
            again(chat, current)
    trouble(current.id)
    compare_bar(chat)
    item_dialogs(chat, profile, current.generator)


def head(chat: Chat, current: Conversation, profile: Profile) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="head"):
        st.markdown(f"#### {plain(current.title or 'New conversation')}", width="stretch")
        with st.popover("", icon=":material/more_horiz:", type="tertiary", help="Rename, export, delete"):
            st.text_input("Title", current.title, key=f"title-{current.id}", on_change=_rename, args=(chat, current))
            st.download_button(
                "Export as Markdown",
                lambda: chat.export_markdown(current.id),
                file_name(current, "md"),
                "text/markdown",
                icon=":material/description:",
                on_click="ignore",
                width="stretch",
            )
            st.download_button(
                "Export as JSON",
                lambda: chat.export_json(current.id),
                file_name(current, "json"),
                "application/json",
                icon=":material/data_object:",
                on_click="ignore",
                width="stretch",
            )
            if st.button("Delete …", icon=":material/delete:", width="stretch", key="delete"):
                confirm_delete(chat, current)
    st.caption(f"With {plain(profile.name)}")


def _rename(chat: Chat, current: Conversation) -> None:
    title = st.session_state[f"title-{current.id}"]
    if title.strip():
        chat.rename(current.id, title)


@st.dialog("Delete this conversation?")
def confirm_delete(chat: Chat, current: Conversation) -> None:
    st.markdown(f"“{plain(current.title)}” and all its answers will be gone. Likes and dislikes stay in the profile.")
    with st.container(horizontal=True):
        if st.button("Delete", type="primary", key="delete-confirmed", on_click=_delete, args=(chat, current)):
            st.rerun()
        if st.button("Keep", key="delete-cancelled"):
            st.rerun()


def _delete(chat: Chat, current: Conversation) -> None:
    job = session.jobs().get(current.id)
    if job is not None:
        job.stop.set()
    chat.delete(current.id)
    session.leave()


def asked(chat: Chat, current: Conversation, message: Message, *, editable: bool) -> None:
    editing = st.session_state.get("editing") == message.id
    if editing and editable:
        with st.form(f"edit-{message.id}", border=False):
            text = st.text_area("Your message", message.text, label_visibility="collapsed")
            with st.container(horizontal=True):
                sent = st.form_submit_button("Send again", type="primary")
                cancelled = st.form_submit_button("Cancel")
        if sent or cancelled:
            if cancelled or edit(current.id, text):
                st.session_state.pop("editing", None)
            st.rerun()
        return
    with st.container(horizontal=True, vertical_alignment="center", key=f"asked-{message.id}"):
        st.markdown(said(message.text), width="stretch")
        if editable:
            st.button(
                "",
                icon=":material/edit:",
                type="tertiary",
                help="Edit and send again",
                key=f"edit-button-{message.id}",
                on_click=st.session_state.__setitem__,
                args=("editing", message.id),
            )


def answer(chat: Chat, message: Message, profile: Profile, given: Given) -> None:
    bypassed(message.events)
    if message.status == "failed":
        st.error(said(message.text), icon=":material/error:")
    elif message.text:
        st.markdown(said(message.text))
    for item in (e for e in message.events if isinstance(e, ItemShown)):
        item_card(chat, item, f"{message.id}-{item.position}", profile, given, say)
    if message.status == "stopped":
        st.caption(":material/stop_circle: Stopped")
    elif message.status == "streaming":
        st.caption(":material/hourglass: Being written in another window; reload to see more")
    if message.events:
        trace(message.events, chat.workbench.catalogue, message.id)


def bypassed(events: tuple[TurnEvent, ...]) -> None:
    """Visible, not only in the trace: the model did not do its part."""
    for why in dict.fromkeys(e.why for e in events if isinstance(e, Fallback)):
        st.caption(f":orange[:material/bolt:] The language model was bypassed: {plain(why)}")


def again(chat: Chat, current: Conversation) -> None:
    st.button(
        "Answer again",
        icon=":material/refresh:",
        type="tertiary",
        key="again",
        help="With the parts and your likes as they are now; the old answer stays in the export",
        on_click=begin,
        args=(current.id, lambda stop: chat.regenerate(current.id, stop)),
    )


@st.fragment(run_every=POLL_SECONDS)
def answering(job: Job, profile: Profile, given: Given) -> None:
    """The running turn. It runs in its own thread: this only looks, so a rerun or a reload harms nothing."""
    job.wait_visible(POLL_SECONDS)
    if job.over.is_set():
        st.rerun()
    view = job.view()
    complete = any(isinstance(e, Done) for e in view.events)
    with st.chat_message("assistant", avatar=AVATARS["assistant"]):
        bypassed(view.events)
        if view.text:
            st.markdown(said(view.text) + ("" if complete else " ▌"))
        else:  # also above cards: the sentence that comes takes the place of this line, and nothing moves
            st.caption(":material/more_horiz: Looking …")
        for item in view.items:
            item_card(session.chat(), item, f"running-{item.position}", profile, given, say, coming=True)
        if complete:
            st.caption(":material/hourglass: Being stored …")
        st.button("Stop", icon=":material/stop_circle:", key="stop", on_click=job.stop.set, disabled=complete)


def trouble(conversation_id: str | None = None) -> None:
    if words := take_trouble(conversation_id):
        st.error(plain(words), icon=":material/error:")


page()
