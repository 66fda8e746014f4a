"""First messages to offer, made from what the catalogue really has."""

from collections import Counter

from recommenders.data import Dataset

_FEWEST = 15  # items that a genre of a decade must have to be offered


def starters(data: Dataset) -> list[str]:
    """Up to four, each of another kind: plain, by genre and decade, by example, with an exclusion."""
    catalogue = data.catalogue
    offers = ["Recommend me something I don't know yet"]
    decades = Counter(
        (genre, int(year) // 10 * 10)
        for genres, year in zip(catalogue.genres, catalogue.years, strict=True)
        for genre in genres
        if year
    )
    genres = Counter(g for row in catalogue.genres for g in row)
    # neither the commonest pair, which says little, nor a rare one, which shows little
    pairs = sorted((p for p, n in decades.items() if n >= _FEWEST), key=lambda p: (-p[1], -decades[p], p[0]))
    older = [p for p in pairs if p[1] < pairs[0][1]] or pairs
    if older:
        offers.append(f"{older[0][0]} from the {older[0][1]}s")
    if data.popularity.any():
        offers.append(f"Something like {catalogue.titles[int(data.popularity.argmax())]}")
    common = [g for g, _ in genres.most_common(6)]
    if len(common) >= 4:
        offers.append(f"{common[2]}, but no {common[3]}")
    return offers
