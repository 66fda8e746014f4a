"""The one gate that every item passes right before it is shown.

It repeats the checks of the pipeline item by item and by other code, so that neither a fault there nor a model that
names what it should not can put a wrong item before the user.
"""

from recommenders.contract import Request
from recommenders.data import Catalogue, UserState


class Gate:
    """Lets an item pass once, when it is one of the catalogue, allowed by the request and new to the user."""

    def __init__(self, catalogue: Catalogue, state: UserState, request: Request) -> None:
        self._catalogue, self._request = catalogue, request
        self._disliked = frozenset(state.disliked)
        self._seen = frozenset(state.items)
        self._passed: set[int] = set()
        self._labels: set[tuple[str, int]] = set()

    def objection(self, item: int) -> str:
        """Why the item may not be shown, "" when it may."""
        if not 0 <= item < len(self._catalogue):
            return "no row of the catalogue"
        label = (self._catalogue.titles[item].casefold(), int(self._catalogue.years[item]))
        if item in self._passed or label in self._labels:
            return "shown already in this reply"
        if item in self._disliked:
            return "rejected by the user"
        if item in self._seen and not self._request.include_seen:
            return "seen by the user"
        if item in self._request.exclude:
            return "excluded by the request"
        return "; ".join(self._catalogue.attributes.objections(item, self._request.conditions))

    def admit(self, item: int) -> str:
        """Like `objection`, and counts an item without one as shown."""
        why = self.objection(item)
        if not why:
            self._passed.add(item)
            self._labels.add((self._catalogue.titles[item].casefold(), int(self._catalogue.years[item])))
        return why
