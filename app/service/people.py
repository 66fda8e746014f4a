"""A user of the data set in a few words: "user 196 (49, M, writer)"."""

from dataclasses import dataclass

import pandas as pd

from recommenders.data import USER_ID, Dataset


@dataclass(frozen=True)
class Person:
    """One user as a picker lists them. `met`: how many interactions they have in the data set."""

    user_id: str
    about: str
    met: int

    def __str__(self) -> str:
        about = f" · {self.about}" if self.about else ""
        return f"User {self.user_id}{about} · {self.met:,} in history"


def people(data: Dataset) -> list[Person]:
    """Every user, in the order of the data set."""
    counts = pd.Series(data.interactions.user).value_counts()
    return [
        Person(str(user_id), _about(data, number), int(counts.get(number, 0)))
        for number, user_id in enumerate(data.users[USER_ID])
    ]


def label(data: Dataset, user_id: str) -> str:
    """UnknownItem where the data set has no such user."""
    about = _about(data, data.user_ids.number(user_id))
    return f"user {user_id} ({about})" if about else f"user {user_id}"


def _about(data: Dataset, number: int) -> str:
    values = (data.users[column].iloc[number] for column in data.profile_columns)
    return ", ".join(str(v) for v in values if not pd.isna(v) and str(v))
