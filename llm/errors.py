"""The exceptions of the llm package.

LLMError
├── UnknownBackend     a name that no kind of backend has
├── UnusableBackend    known, but not usable here and now; says why and what to do
├── FetchError         weights could not be had, or are not what they should be
├── BackendFailed      the model or its server raised; the cause is kept
│   └── PromptTooLong  more tokens than the model's context holds
├── BackendTimeout     no first token, or no end, within the deadline
├── MalformedOutput    not what the schema asks for, also after the repair
└── Stopped            the person pressed Stop
"""


class LLMError(Exception):
    """Base of everything that this package raises on purpose."""


class UnknownBackend(LLMError):
    pass


class UnusableBackend(LLMError):
    pass


class FetchError(LLMError):
    pass


class BackendFailed(LLMError):
    pass


class PromptTooLong(BackendFailed):
    pass


class BackendTimeout(LLMError):
    pass


class MalformedOutput(LLMError):
    """`raw` is the model's last text, `error` what was wrong with it."""

    def __init__(self, raw: str, error: str) -> None:
        super().__init__(f"the model's answer does not fit the schema: {error}")
        self.raw = raw
        self.error = error


class Stopped(LLMError):
    pass
