"""The one gate that every item passes right before it is shown.

It repeats the checks of the pipeline item by item and by other code, so that neither a fault there nor a model that
names what it should not can put a wrong item before the user.
"""

from recommenders.contract import Filters, Request
from recommenders.data import Catalogue, UserState


def broken(catalogue: Catalogue, item: int, filters: Filters) -> tuple[str, ...]:
    """The constraints that an item breaks, in words; () when it keeps all."""
    genres, people = set(catalogue.genres[item]), set(catalogue.people[item])
    year = int(catalogue.years[item])
    said = [f"it is not {g}" for g in filters.genres if g not in genres]
    if filters.any_genres and not genres & set(filters.any_genres):
        said.append(f"it is not {' or '.join(filters.any_genres)}")
    said += [f"it is {g}" for g in filters.without_genres if g in genres]
    if filters.people and not people & set(filters.people):
        said.append(f"it is not with {' or '.join(filters.people)}")
    said += [f"it is with {p}" for p in filters.without_people if p in people]
    if filters.languages and catalogue.languages[item] not in filters.languages:
        said.append(f"its language is not {' or '.join(filters.languages)}")
    said += [
        f"its {note} is {catalogue.content[note][item] or 'not known'}"
        for note in filters.without_content
        if catalogue.content[note][item] not in ("none", "mild")
    ]
    if (filters.year_from is not None or filters.year_to is not None) and not year:
        said.append("its year is not known")
    elif filters.year_from is not None and year < filters.year_from:
        said.append(f"it is from {year}, before {filters.year_from}")
    elif filters.year_to is not None and year > filters.year_to:
        said.append(f"it is from {year}, after {filters.year_to}")
    return tuple(said)


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
        return "; ".join(broken(self._catalogue, item, self._request.filters))

    def admit(self, item: int) -> str:
        """Like `objection`, and counts an item without one as shown."""
        why = self.objection(item)
        if not why:
            self._passed.add(item)
            self._labels.add((self._catalogue.titles[item].casefold(), int(self._catalogue.years[item])))
        return why
