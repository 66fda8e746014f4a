"""Conditions from plain keywords and back, so that tests say `conditions(genres=["Horror"], year_to=1979)`.

Written without the attributes' own reading of arguments, which these tests are to check.
"""

from collections.abc import Iterable, Mapping

from hypothesis import strategies as st

from recommenders.data import Catalogue, Condition, Operator
from tests.recommenders.worlds import tiny_films

_NAMES: Mapping[str, tuple[str, Operator]] = {
    "genres": ("genres", "has all"),
    "any_genres": ("genres", "has any"),
    "without_genres": ("genres", "has none"),
    "people": ("people", "has any"),
    "without_people": ("people", "has none"),
    "language": ("language", "one of"),
    "without_language": ("language", "has none"),
}
_BOUNDS = {"_from": "at least", "_at_least": "at least", "_to": "at most", "_at_most": "at most"}


def conditions(**said: object) -> tuple[Condition, ...]:
    """The conditions that these keywords say, in their order. `not_years=(1970, 1979)`: not from the seventies."""
    found = []
    for key, value in said.items():
        if key in _NAMES:
            names = (value,) if isinstance(value, str) else tuple(value)  # type: ignore[arg-type]
            if names:
                found.append(_condition(*_NAMES[key], *names))
        elif key == "not_years":
            found.append(_condition("year", "between", *value, refused=True))  # type: ignore[misc]
        elif value is not None and (key != "year_to" or said.get("year_from") is None):
            low_and_high = key == "year_from" and said.get("year_to") is not None
            if low_and_high:
                found.append(_condition("year", "between", value, said["year_to"]))
            else:
                end = next(e for e in _BOUNDS if key.endswith(e))
                found.append(_condition(key.removesuffix(end), _BOUNDS[end], value))
    return tuple(found)


def _condition(attribute: str, operator: str, *values: object, refused: bool = False) -> Condition:
    return Condition.model_validate(
        {"attribute": attribute, "operator": operator, "values": values, "refused": refused}
    )


def keywords(stated: Iterable[Condition]) -> dict[str, object]:
    """The keywords that `conditions` makes these of; names as lists. AssertionError for what has no keyword, or where
    two conditions have the same one: neither may go unnoticed in a test."""
    found: dict[str, object] = {}
    for condition in stated:
        for key, value in _keywords(condition).items():
            assert key not in found, f"{key} is said twice"
            found[key] = value
    return found


def _keywords(c: Condition) -> dict[str, object]:
    named = next((k for k, (a, o) in _NAMES.items() if (a, o) == (c.attribute, c.operator)), None)
    if named is not None and not c.refused:
        return {named: list(c.values)}
    if c.attribute == "year" and c.operator == "between":
        low, high = c.values
        return {"not_years": (low, high)} if c.refused else {"year_from": low, "year_to": high}
    assert not c.refused and c.operator in ("at most", "at least"), f"no keyword says {c}"
    if c.attribute == "year":
        return {"year_to" if c.operator == "at most" else "year_from": c.values[0]}
    return {f"{c.attribute}_{c.operator.replace(' ', '_')}": c.values[0]}


# -- any conditions on the twenty films, and what they mean -----------------------------------------------------------

_FILMS = tiny_films()
_YEARS = st.none() | st.integers(1930, 2010)


def _some(names: tuple[str, ...], most: int = 3) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), max_size=most)


def _asked(low: int | None, high: int | None, **names: object) -> dict[str, object]:
    low, high = (low, high) if low is None or high is None else sorted((low, high))
    return {**names, "year_from": low, "year_to": high}


ASKED: st.SearchStrategy[dict[str, object]] = st.builds(
    _asked,
    low=_YEARS,
    high=_YEARS,
    genres=_some(_FILMS.genre_names, 2),
    any_genres=_some(_FILMS.genre_names),
    without_genres=_some(_FILMS.genre_names),
    people=_some(_FILMS.people_names),
    without_people=_some(_FILMS.people_names),
    language=_some(_FILMS.language_names),
)
"""Keywords for conditions that the twenty films of tests/recommenders/worlds.py know."""


def qualifies(c: Catalogue, item: int, said: Mapping[str, object]) -> bool:
    """What the keywords mean, one item at a time."""
    genres, people, language, year = c.genres[item], c.people[item], c.languages[item], int(c.years[item])
    wanted: dict[str, list[str]] = {k: list(said.get(k) or ()) for k in _NAMES}  # type: ignore[call-overload]
    low, high = said.get("year_from"), said.get("year_to")
    return (
        all(g in genres for g in wanted["genres"])
        and (not wanted["any_genres"] or any(g in genres for g in wanted["any_genres"]))
        and not any(g in genres for g in wanted["without_genres"])
        and (not wanted["people"] or any(p in people for p in wanted["people"]))
        and not any(p in people for p in wanted["without_people"])
        and (not wanted["language"] or language in wanted["language"])
        and (low is None or (year > 0 and year >= low))  # type: ignore[operator]
        and (high is None or (year > 0 and year <= high))  # type: ignore[operator]
    )
