"""The conversation: everything is drawn from the store; a turn that runs is drawn from its job."""

from collections.abc import Sequence

import streamlit as st

from app.events import Done, Fallback, ItemShown, TurnEvent
from app.service import (
    Chat,
    Conversation,
    Job,
    Message,
    Profile,
    Run,
    answer_text,
    file_name,
    holding,
    starters,
)
from app.web.widgets import (
    MARK,
    Given,
    begin,
    compare_bar,
    conduct,
    copy_button,
    dataset_label,
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
DRAWN = 20  # messages drawn; a press shows as many more
AVATARS = {"user": ":material/person:", "assistant": MARK}


def page() -> None:
    chat = session.catalogue_or_stop()
    current = session.conversation()
    if current is None:
        welcome(chat)
        composer(chat, None, ())
        conduct(moment="welcome")
    else:
        conversation(chat, current)


def composer(chat: Chat, current: Conversation | None, messages: Sequence[Message]) -> None:
    """The message box, above it what is in force. In a container, so that Streamlit does not pin it and scroll every
    answer to its end (widgets/conduct.py); CSS keeps it in sight.

    The box is without `max_chars`: Streamlit would cut what is longer without a word. The service says that it is too
    long, and what could not be sent stands in the box again."""
    with st.container(key="composer", gap="small"):
        if current is not None:
            in_force(chat, current, messages)
        if text := give_back():
            st.session_state["message"] = text
        st.chat_input("What are you in the mood for?", key="message", on_submit=typed)
        session.here().given_back.clear()


def in_force(chat: Chat, current: Conversation, messages: Sequence[Message]) -> None:
    """What the next answer keeps to; each piece can be taken away."""
    pieces = chat.in_force(messages)
    if not pieces:
        return
    busy = is_running(current.id)
    with st.container(key="in-force", horizontal=True, gap="small", vertical_alignment="center"):
        for piece in pieces:
            st.button(
                plain(piece.said),
                key=f"take-away-{piece.said}",
                icon=":material/close:",
                icon_position="right",
                help="Take this away and answer anew",
                disabled=busy,
                on_click=begin,
                args=(current.id, _taking_away(chat, current.id, piece.said)),
            )


def _taking_away(chat: Chat, conversation_id: str, said: str) -> Run:
    return lambda stop: chat.take_away(conversation_id, said, stop)


def typed() -> None:
    say(st.session_state["message"] or "")


# -- what is seen ---------------------------------------------------------------------------------------------------


def welcome(chat: Chat) -> None:
    data = chat.workbench.dataset
    source = dataset_label(data.name, chat.settings)
    st.title("What are you in the mood for?")
    st.markdown(
        f"Say it in your own words. Here are **{plain(holding(data))}**. "
        f":gray[Source: {plain(source)}. Every pick is real, and every reason can be checked.]"
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
    last_asked = max((n for n, m in enumerate(messages) if m.role == "user"), default=0)
    first = _first_drawn(current, messages)
    for message in messages[first:last_asked]:
        drawn(chat, current, message, profile, given, latest=False)
    with st.container(key="latest" if last_asked else "only"):
        for message in messages[last_asked:]:
            drawn(chat, current, message, profile, given, latest=running is None)
        if running is not None:
            answering(running, profile, given)
        elif messages and messages[-1].role == "user":
            with st.chat_message("assistant", avatar=AVATARS["assistant"]):
                st.caption("There is no answer to this message.")
                again(chat, current)
        after(chat, current, messages, running)
        trouble(current.id)
    compare_bar(chat)
    item_dialogs(chat, profile, current.generator)
    composer(chat, current, messages)
    asked_ = [m for m in messages if m.role == "user"]
    typed_ = next((m.text for m in reversed(asked_) if not m.events), "")
    moment = f"{current.id}-{len(messages)}-{running is None}"
    conduct(asked_[-1].id if asked_ else "", typed_, moment)


def _first_drawn(current: Conversation, messages: Sequence[Message]) -> int:
    """The first message that is drawn; before it a button for earlier ones. A long conversation is drawn as fast as a
    short one."""
    number = int(st.session_state.get(f"drawn-{current.id}", DRAWN))
    first = max(0, len(messages) - number)
    if first:
        st.button(
            f"Show earlier ({first:,} more)",
            key="show-earlier",
            icon=":material/expand_less:",
            type="tertiary",
            on_click=st.session_state.__setitem__,
            args=(f"drawn-{current.id}", number + DRAWN),
        )
    return first


def drawn(
    chat: Chat,
    current: Conversation,
    message: Message,
    profile: Profile,
    given: Given,
    *,
    latest: bool,
) -> None:
    with st.chat_message(message.role, avatar=AVATARS[message.role]):
        if message.role == "user":
            asked(chat, current, message, editable=latest and not message.events)
            return
        answer(chat, message, profile, given)
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"beneath-{message.id}"):
            if latest:
                again(chat, current)
            if message.text or message.item_ids:
                copy_button(answer_text(message), message.id)


def after(chat: Chat, current: Conversation, messages: list[Message], running: Job | None) -> None:
    """What may come next: messages that wait, else some to press."""
    if running is not None:
        for text in waiting(current.id):
            with st.chat_message("user", avatar=AVATARS["user"]):
                st.markdown(said(text))
                st.caption("Sent when the answer above is done")
    elif send_waiting(current.id):
        st.rerun()
    elif offers := chat.follow_ups(messages):
        with st.container(horizontal=True, gap="small", key="follow-ups"):
            for text in offers:
                st.button(text, key=f"follow-up-{text}", on_click=say, args=(text,))


def head(chat: Chat, current: Conversation, profile: Profile) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="head"):
        named = f"  \n:gray[:small[{plain(profile.name)}]]" if profile.user_id is not None else ""
        st.markdown(f"#### {plain(current.title or 'New conversation')}{named}", width="stretch")
        with st.popover("Share", icon=":material/ios_share:", type="tertiary", key="share"):
            st.download_button(
                "Markdown, to read",
                lambda: chat.export_markdown(current.id),
                file_name(current, "md"),
                "text/markdown",
                icon=":material/description:",
                on_click="ignore",
                width="stretch",
            )
            st.download_button(
                "JSON, with everything",
                lambda: chat.export_json(current.id),
                file_name(current, "json"),
                "application/json",
                icon=":material/data_object:",
                on_click="ignore",
                width="stretch",
            )
        menu = st.popover(
            "", icon=":material/more_horiz:", type="tertiary", help="Rename, delete", key="more", on_change="rerun"
        )
        with menu:
            st.text_input("Title", current.title, key=f"title-{current.id}", on_change=_rename, args=(chat, current))
            st.button("Delete …", icon=":material/delete:", width="stretch", key="delete", on_click=_ask_to_delete)
    if st.session_state.pop("deleting", False):
        confirm_delete(chat, current)


def _ask_to_delete() -> None:
    st.session_state["more"] = False  # the menu would lie over the question
    st.session_state["deleting"] = True


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
