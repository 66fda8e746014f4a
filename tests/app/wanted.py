"""Wants, and what was understood, from plain keywords and back, so that tests stay readable."""

from app.understanding import About, Ask, Compare, Heard, Judge, Order, Wants, Why
from recommenders.data import Catalogue
from tests.recommenders.conditions import conditions, keywords


def wants(
    *,
    wish: str = "",
    like: tuple[str, ...] = (),
    count: int | None = None,
    more: bool = False,
    include_seen: bool = False,
    order: str = "",
    **said: object,
) -> Wants:
    """wants(genres=["Horror"], year_to=1979, wish="hotels"). like: ids; order: "year falling"; the rest as in
    tests/recommenders/conditions.py."""
    attribute, _, way = order.partition(" ")
    return Wants(
        conditions=conditions(**said),
        wish=wish,
        like=like,
        count=count,
        others=more,
        again=include_seen,
        order=Order(attribute=attribute, rising=way == "rising") if order else None,
    )


def plain(wanted: Wants) -> dict[str, object]:
    """The keywords that `wants` makes these of: only what is said."""
    assert not wanted.unlike
    order = wanted.order
    rest = {
        "wish": wanted.wish,
        "like": list(wanted.like),
        "count": wanted.count,
        "more": wanted.others,
        "include_seen": wanted.again,
        "order": f"{order.attribute} {'rising' if order.rising else 'falling'}" if order else "",
    }
    return {**keywords(wanted.conditions), **{k: v for k, v in rest.items() if v}}


def meant(heard: Heard, catalogue: Catalogue) -> dict[str, object]:
    """What the leading act of a message is about: wants by keyword, else ids of items, and what is said of them."""
    act = heard.leading
    if isinstance(act, Ask):
        return plain(act.wants)
    if not isinstance(act, Judge | About | Why | Compare):
        return {}
    found: dict[str, object] = {"items": [catalogue.ids.ids[i] for i in act.items]}
    return {**found, "kind": act.kind} if isinstance(act, Judge) else found
