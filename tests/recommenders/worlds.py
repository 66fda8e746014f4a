"""Small worlds whose right answers are known: shared by the tests of recommenders, pipeline and app."""

import numpy as np
import pandas as pd

from recommenders.data.tables import Catalogue, Dataset, Interactions, UserState

DAY = 86_400
START = 800_000_000  # seconds since 1970: May 1995


def checkerboard(
    users: int = 40, items: int = 30, seed: int = 0, hold_out: bool = True
) -> tuple[Dataset, list[tuple[UserState, int]]]:
    """Even users like even items, odd users like odd items, each in a random order.

    With `hold_out` every user lacks exactly one item of their colour, another one from user to user: it is the only
    unmet item of that colour, so a recommender that has understood puts it first. Returns the data set without the
    withheld rows and the pairs (state of the user in it, withheld item); without `hold_out` all rows and no pairs.
    """
    rng = np.random.default_rng(seed)
    user_column: list[int] = []
    item_column: list[int] = []
    timestamps: list[int] = []
    withheld: list[int] = []
    for user in range(users):
        own = np.arange(user % 2, items, 2)
        if hold_out:
            place = (user // 2) % len(own)
            withheld.append(int(own[place]))
            own = np.delete(own, place)
        rng.shuffle(own)
        user_column += [user] * len(own)
        item_column += own.tolist()
        timestamps += [START + DAY * user + 60 * n for n in range(len(own))]
    catalogue = Catalogue.of(
        pd.DataFrame(
            {
                "item_id": [f"i{n}" for n in range(items)],
                "title": [f"{'Even' if n % 2 == 0 else 'Odd'} {n}" for n in range(items)],
                "year": [1960 + n for n in range(items)],
                "genres": ["Even" if n % 2 == 0 else "Odd" for n in range(items)],
            }
        )
    )
    data = Dataset(
        "checkerboard",
        catalogue,
        Interactions.of(
            np.array(user_column),
            np.array(item_column),
            np.full(len(user_column), 5.0, np.float32),
            np.array(timestamps),
        ),
        pd.DataFrame(
            {
                "user_id": [f"u{n}" for n in range(users)],
                "age": [20 + (n // 2) % 30 for n in range(users)],  # says nothing of the colour
                "gender": [("F", "M")[(n // 2) % 2] for n in range(users)],
            }
        ),
    )
    return data, [(data.state(user), item) for user, item in enumerate(withheld)]


def circles(
    users: int = 150, groups: int = 4, each: int = 12, seed: int = 0
) -> tuple[Dataset, list[tuple[UserState, frozenset[int]]]]:
    """Circles of taste: every user belongs to one of `groups`, meets 7 of its `each` items and 2 of other groups'.

    Two further items of the group are withheld, so that among the 5 left of it nothing tells which comes: the best
    possible NDCG@10 is about .7, an order by chance gives .1. Genre, and the title that repeats it, tell the group of
    nine items in ten; profiles say nothing. Returns the data set and for each user the state in it with the withheld
    items.
    """
    rng = np.random.default_rng(seed)
    items = groups * each
    group_of = rng.permutation(np.repeat(np.arange(groups), each))  # (I,)
    met: list[np.ndarray] = []
    withheld: list[frozenset[int]] = []
    for user in range(users):
        own = rng.permutation(np.flatnonzero(group_of == user % groups))
        other = rng.choice(np.flatnonzero(group_of != user % groups), 2, replace=False)
        met.append(rng.permutation(np.concatenate([own[:7], other])))
        withheld.append(frozenset(own[7:9].tolist()))
    told = np.where(rng.random(items) < 0.9, group_of, rng.integers(0, groups, items))
    genres = [("Comedy", "Drama", "Horror", "War", "Western")[group % 5] for group in told]
    catalogue = Catalogue.of(
        pd.DataFrame(
            {
                "item_id": [f"i{n}" for n in range(items)],
                "title": [f"{genre} {n}" for n, genre in enumerate(genres)],
                "year": rng.integers(1950, 2000, items),
                "genres": genres,
            }
        )
    )
    data = Dataset(
        "circles",
        catalogue,
        Interactions.of(
            np.repeat(np.arange(users), 9),
            np.concatenate(met),
            np.full(9 * users, 5.0, np.float32),
            START + 60 * np.arange(9 * users),
        ),
        pd.DataFrame({"user_id": [f"u{n}" for n in range(users)], "age": rng.integers(20, 60, users)}),
    )
    return data, [(data.state(user), items) for user, items in enumerate(withheld)]


_FILMS = """
a1  | Alien                  | 1979 | Horror|Sci-Fi         | Ridley Scott|Sigourney Weaver   | English  | A crew far out in space is hunted by a creature inside their ship.
a2  | Aliens                 | 1986 | Action|Sci-Fi         | James Cameron|Sigourney Weaver  | English  | Marines land on a colony overrun by the creatures.
a3  | Solaris                | 1972 | Drama|Sci-Fi          | Andrei Tarkovsky                | Russian  | A slow journey to a space station above an ocean that thinks.
a4  | Event Horizon          | 1997 | Horror|Sci-Fi         | Sam Neill|Laurence Fishburne    | English  | A lost space ship comes back from hell.
a5  | The Shining            | 1980 | Horror                | Stanley Kubrick|Jack Nicholson  | English  | A writer goes mad in a snowbound hotel.
a6  | The Exorcist           | 1973 | Horror                | William Friedkin                | English  | A girl is possessed, and two priests come.
a7  | Heat                   | 1995 | Action|Crime          | Al Pacino|Robert De Niro        | English  | A thief and a detective circle each other in Los Angeles.
a8  | The Godfather          | 1972 | Crime|Drama           | Al Pacino|Marlon Brando         | English  | The son of a mafia family takes over from his father.
a9  | Goodfellas             | 1990 | Crime|Drama           | Robert De Niro|Ray Liotta       | English  | The rise and fall of a young gangster.
a10 | Annie Hall             | 1977 | Comedy|Romance        | Woody Allen|Diane Keaton        | English  | A comedian looks back on a love that ended.
a11 | Amélie                 | 2001 | Comedy|Romance        | Audrey Tautou                   | French   | A shy waitress in Paris puts the lives of others in order.
a12 | When Harry Met Sally   | 1989 | Comedy|Romance        | Meg Ryan|Billy Crystal          | English  | Two friends ask for years whether they can be only friends.
a13 | Toy Story              | 1995 | Animation|Children|Comedy | Tom Hanks|Tim Allen         | English  | Toys come to life when nobody looks.
a14 | The Lion King          | 1994 | Animation|Children    | Jeremy Irons                    | English  | A young lion must take his father's place.
a15 | Spirited Away          | 2001 | Animation|Fantasy     | Hayao Miyazaki                  | Japanese | A girl works in a bath house of spirits.
a16 | Seven Samurai          | 1954 | Action|Drama          | Akira Kurosawa|Toshiro Mifune   | Japanese | Villagers hire seven swordsmen against bandits.
a17 | Das Boot               | 1981 | Drama|War             | Jürgen Prochnow                 | German   | The crew of a submarine waits, hunts and is hunted.
a18 | Casablanca             | 1942 | Drama|Romance|War     | Humphrey Bogart|Ingrid Bergman  | English  | A café owner in wartime meets the woman who left him.
a19 | Casablanca             | 1942 | Drama|Romance|War     | Humphrey Bogart|Ingrid Bergman  | English  | The same film under a second number.
a20 | Untitled Reel          |      |                       |                                 |          |
"""  # noqa: E501  a table reads best one row a line


def tiny_films() -> Catalogue:
    """Twenty films with every kind of cell: several genres, accents, a missing year, no genres, a twin (a18, a19)."""
    rows = [
        [cell.strip() for cell in line.split(" |")] for line in _FILMS.strip().splitlines()
    ]  # "|" alone joins names
    frame = pd.DataFrame(rows, columns=["item_id", "title", "year", "genres", "people", "language", "text"])
    return Catalogue.of(frame)


def tiny_films_data(users: int = 12, seed: int = 0) -> Dataset:
    """tiny_films with random ratings of 6 films by each user."""
    rng = np.random.default_rng(seed)
    catalogue = tiny_films()
    chosen = [rng.choice(len(catalogue), 6, replace=False) for _ in range(users)]
    n = 6 * users
    return Dataset(
        "tiny-films",
        catalogue,
        Interactions.of(
            np.repeat(np.arange(users), 6),
            np.concatenate(chosen),
            rng.integers(1, 6, n).astype(np.float32),
            START + DAY * np.arange(n),
        ),
        pd.DataFrame({"user_id": [f"u{n}" for n in range(users)]}),
    )


def one_start_each(films: Dataset) -> Dataset:
    """The twelve users of `tiny_films_data` with six ratings each, every history beginning with another item: where no
    history is read yet, nothing else tells their first ratings apart."""
    x = films.interactions
    item = x.item.reshape(12, 6).copy()
    for user, row in enumerate(item):
        row[:] = [user, *row[row != user][:5]]
    return films.with_interactions(Interactions(x.user, item.ravel(), x.value, x.timestamp))
