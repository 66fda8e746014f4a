"""Made-up interactions and vectors, of any size and shaped like real ones: what the benchmarks of cost run on.

Nothing here says how well a model recommends; it says what a data set of that size costs.
"""

import numpy as np
import pandas as pd

from recommenders.data.tables import ITEM_ID, TITLE, USER_ID, Catalogue, Dataset, Interactions

TASTES = 64  # groups of items that the same people like
STEEPNESS = 0.8  # an item of popularity rank r is met in proportion to (r + 10)^-STEEPNESS
FAITHFUL = 0.8  # share of the interactions that stay within a user's three tastes


def dataset(users: int, items: int, length: int, *, seed: int = 0) -> Dataset:
    """`users` people who met about `length` items each (log-normal, at least 3), out of a catalogue of `items`.

    An interaction follows one of the user's three tastes, or none, and takes an item of it by popularity. Pairs drawn
    twice count once, so a little less than users × length interactions come out. Ten million take some seconds.
    """
    rng = np.random.default_rng(seed)
    taste = np.sort(rng.integers(0, TASTES, items))  # (I,) items stand in the order of their tastes
    weight = (rng.permutation(items) + 10.0) ** -STEEPNESS
    reach = np.concatenate([[0.0], np.cumsum(weight)])  # (I + 1,) an item is hit where a number falls in its interval
    edges = reach[np.searchsorted(taste, np.arange(TASTES + 1))]  # (TASTES + 1,) where the tastes' intervals begin

    sizes = _lengths(users, length, rng)
    user = np.repeat(np.arange(users), sizes)  # (N,)
    own = rng.integers(0, TASTES, (users, 3), dtype=np.int16)
    followed = own[user, rng.integers(0, 3, len(user), dtype=np.int8)]
    faithful = rng.random(len(user)) < FAITHFUL
    low = np.where(faithful, edges[followed], 0.0)
    high = np.where(faithful, edges[followed + 1], reach[-1])
    hit = low + rng.random(len(user)) * (high - low)
    item = (np.searchsorted(reach, hit, side="right") - 1).clip(0, items - 1)

    shown = rng.permutation(items)  # so that an item's number says nothing of its taste
    _, kept = np.unique(user * items + item, return_index=True)
    kept.sort()
    when = 1_500_000_000 + 3600 * np.arange(len(user))[kept]
    catalogue = Catalogue.of(pd.DataFrame({ITEM_ID: np.arange(items), TITLE: [f"Item {n}" for n in range(items)]}))
    people = pd.DataFrame({USER_ID: np.arange(users).astype(str)})
    interactions = Interactions.of(user[kept], shown[item[kept]], None, when)
    return Dataset(f"synthetic-{users}-{items}-{length}", catalogue, interactions, people, explicit=False)


def _lengths(users: int, mean: int, rng: np.random.Generator) -> np.ndarray:
    """(U,) of about the given mean; most short, some long."""
    drawn = rng.lognormal(0.0, 0.8, users)
    return np.maximum(3, np.rint(drawn * mean / drawn.mean())).astype(np.int64)
