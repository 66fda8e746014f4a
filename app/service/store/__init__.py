"""What must not be lost: conversations, messages, feedback, profiles."""

from app.service.store.store import Conversation, Feedback, Message, Profile, Status, Store

__all__ = [
    "Conversation",
    "Feedback",
    "Message",
    "Profile",
    "Status",
    "Store",
]
