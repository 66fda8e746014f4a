"""What a person typed, before anything is stored of it or reads it: the same rules for every way in."""

from app.errors import MessageTooLong, NothingToRepeat

LONGEST = 2000  # characters: a page of text. Reading more takes seconds, and one long paste would hold up everybody


def checked(text: str) -> str:
    """The text without blank ends. NothingToRepeat: there is none. MessageTooLong: more than LONGEST characters."""
    typed = text.strip()
    if not typed:
        raise NothingToRepeat("the message is empty; type what you are looking for")
    if len(typed) > LONGEST:
        raise MessageTooLong(f"The message has {len(typed):,} characters; {LONGEST:,} are the most: shorten it.")
    return typed
