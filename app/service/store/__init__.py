"""What must not be lost: conversations, messages, feedback, profiles, what was saved for later."""

from app.service.store.store import Conversation, Feedback, Message, Profile, Saved, Status, Store

__all__ = [
    "Conversation",
    "Feedback",
    "Message",
    "Profile",
    "Saved",
    "Status",
    "Store",
]
