"""The exceptions of the store and the conversation service.

AppError
├── StoreError             the store cannot do what it was asked
│   ├── StoreUnavailable   locked by another process, not reachable, or not a store
│   ├── StoreTooNew        written by a newer version of this program
│   └── NotFound           no such profile, conversation or message (any more)
├── ConversationBusy       a turn of this conversation is still running, here or in another process
└── NothingToRepeat        no message to answer again or to edit
"""


class AppError(Exception):
    """Base of everything that the app's own layers raise on purpose; the message is meant for people."""


class StoreError(AppError):
    pass


class StoreUnavailable(StoreError):
    pass


class StoreTooNew(StoreError):
    pass


class NotFound(StoreError):
    pass


class ConversationBusy(AppError):
    pass


class NothingToRepeat(AppError):
    pass
