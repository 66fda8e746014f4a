"""Text up to the first stop word, while it is still coming in."""

from collections.abc import Sequence


class StopWords:
    """Feed pieces of text to `push`; it gives back what may be shown. `met` is true once a stop word was found.

    A piece may hold a stop word in its middle, and a stop word may lie across pieces: an ending that could become one
    is held back until it is clear, and `rest` gives it out at the end.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = [w for w in words if w]
        self.met = False
        self._held = ""

    def push(self, text: str) -> str:
        if self.met:
            return ""
        text = self._held + text
        found = [at for at in (text.find(w) for w in self.words) if at >= 0]
        if found:
            self.met, self._held = True, ""
            return text[: min(found)]
        held = max((_overlap(text, w) for w in self.words), default=0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def rest(self) -> str:
        """What was held back and did not become a stop word."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, word: str) -> int:
    """How many characters at the end of `text` could be the beginning of `word`."""
    return next((n for n in range(min(len(text), len(word) - 1), 0, -1) if text.endswith(word[:n])), 0)
