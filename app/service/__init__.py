"""What people can do: talk, give feedback, train, set up; doors call these and nothing below."""

from app.service import feature_writing, items, knowledge_writing
from app.service.chat import Chat
from app.service.export import answer_text, file_name
from app.service.jobs import Job, Jobs, Run
from app.service.learning import Online
from app.service.people import Person, people
from app.service.runs import Found, find, folder, kept, named, ship
from app.service.starters import holding, starters
from app.service.store import Conversation, Feedback, Message, Profile, Saved, Store
from app.service.summary import Asked, Memory, Pick, Stored, Summary, facts
from app.service.typed import LONGEST, checked
from app.service.workbench import Workbench

__all__ = [
    "LONGEST",
    "Asked",
    "Chat",
    "Conversation",
    "Feedback",
    "Found",
    "Job",
    "Jobs",
    "Memory",
    "Message",
    "Online",
    "Person",
    "Pick",
    "Profile",
    "Run",
    "Saved",
    "Store",
    "Stored",
    "Summary",
    "Workbench",
    "answer_text",
    "checked",
    "facts",
    "feature_writing",
    "file_name",
    "find",
    "folder",
    "holding",
    "items",
    "kept",
    "knowledge_writing",
    "named",
    "people",
    "ship",
    "starters",
]
