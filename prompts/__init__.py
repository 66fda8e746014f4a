"""What language models are asked, as files: `messages` and `render` fill a template, `build` fits it to a budget."""

from prompts.constructor import Contexts, Prompt, build, estimate
from prompts.rendering import Message, PromptError, messages, names, render, variables

__all__ = [
    "Contexts",
    "Message",
    "Prompt",
    "PromptError",
    "build",
    "estimate",
    "messages",
    "names",
    "render",
    "variables",
]
