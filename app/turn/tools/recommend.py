"""Recommend items for the person."""

from app.turn.desk import Desk, Outcome
from recommenders.contract import Request


def recommend(
    desk: Desk,
    *,
    wish: str = "",
    genres: list[str] = [],  # noqa: B006  (never changed; a schema shows lists better than None)
    any_genres: list[str] = [],  # noqa: B006
    without_genres: list[str] = [],  # noqa: B006
    people: list[str] = [],  # noqa: B006
    without_people: list[str] = [],  # noqa: B006
    languages: list[str] = [],  # noqa: B006
    without_content: list[str] = [],  # noqa: B006
    year_from: int | None = None,
    year_to: int | None = None,
    count: int | None = None,
    more: bool = False,
    include_seen: bool = False,
) -> Outcome:
    """Recommend items that suit the person. Use it whenever they want something to watch, read or hear.

    wish: what it should be like, in a few words, beyond genre and year
    genres: genres that every item must have
    any_genres: genres of which an item must have at least one
    without_genres: genres that no item may have
    people: actors, directors or artists of whom one must take part
    without_people: people who must not take part
    languages: languages of which the item must have one
    without_content: what no item may show: violence, sex, frightening
    year_from: earliest year
    year_to: latest year
    count: how many items, when the person says so
    more: true when they want other items than those shown so far
    include_seen: true when they ask for items that they know already
    """
    filters, unmatched = desk.filters(
        genres=genres,
        any_genres=any_genres,
        without_genres=without_genres,
        people=people,
        without_people=without_people,
        languages=languages,
        without_content=without_content,
        year_from=year_from,
        year_to=year_to,
    )
    request = Request(
        k=max(1, min(20, count or desk.picks)),
        wish=wish.strip(),
        said=desk.said(),
        liked=desk.liked,
        filters=filters,
        exclude=frozenset(desk.table.ever) if more else frozenset(),
        include_seen=include_seen,
    )
    found = desk.recommend(request)
    items = tuple(c.item for c in found.candidates)
    summary = f"{len(items)} candidates of {found.qualified} that qualify"
    return Outcome(summary, items, request, found, unmatched=unmatched)
