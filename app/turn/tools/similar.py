"""Find items like given ones."""

from app.turn.desk import Desk, Outcome
from recommenders.contract import Request


def similar(
    desk: Desk,
    *,
    items: list[str],
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
    """Find items like the ones that the person names ("something like Heat", "more like the second one").

    items: titles, or places in the latest answer such as #2
    wish: what it should be like besides, in a few words
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
    liked = desk.items(items)
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
        like=liked,
        filters=filters,
        exclude=frozenset(liked) | (frozenset(desk.table.ever) if more else frozenset()),
        include_seen=include_seen,
    )
    found = desk.recommend(request)
    candidates = tuple(c.item for c in found.candidates)
    summary = f"{len(candidates)} candidates like {', '.join(desk.label(i) for i in liked)}, of {found.qualified}"
    return Outcome(summary, candidates, request, found, unmatched=unmatched, ids=desk.ids(liked))
