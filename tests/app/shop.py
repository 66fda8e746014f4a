"""A small imported data set and settings around it, for tests of set-up, workbench and commands."""

from pathlib import Path

import numpy as np

from app.settings import Settings
from recommenders.data.sources import imported
from tests.recommenders.worlds import tiny_films

ENCODER = Path(__file__).resolve().parents[2] / "data" / "cache" / "encoder"


def write_files(folder: Path, users: int = 30, seed: int = 0) -> tuple[Path, Path, Path]:
    """items.csv, ratings.csv and users.csv: tiny_films, and users who like either its first or its second half."""
    folder.mkdir(parents=True, exist_ok=True)
    films = tiny_films().table.copy()
    for column in ("genres", "people"):
        films[column] = ["|".join(names) for names in films[column]]
    films.to_csv(folder / "items.csv", index=False)
    rng = np.random.default_rng(seed)
    lines = ["user_id,item_id,rating,timestamp"]
    for user in range(users):
        for n, item in enumerate(rng.permutation(10)[:7] + 10 * (user % 2)):
            lines.append(f"u{user},{films['item_id'].iloc[item]},{rng.integers(3, 6)},{1000 + n}")
    (folder / "ratings.csv").write_text("\n".join(lines) + "\n")
    ages = "\n".join(f"u{user},{20 + user},{'FM'[user % 2]}" for user in range(users))
    (folder / "users.csv").write_text(f"user_id,age,gender\n{ages}\n")
    return folder / "items.csv", folder / "ratings.csv", folder / "users.csv"


def settings_for(folder: Path, **given: object) -> Settings:
    """Settings that keep everything below `folder`, serve the data set "shop" and need no LLM weights."""
    cache = folder / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    if ENCODER.is_dir() and not (cache / "encoder").exists():
        (cache / "encoder").symlink_to(ENCODER)
    values: dict[str, object] = {
        "cache_dir": cache,
        "runs_dir": folder / "runs",
        "datasets": folder,
        "dataset": "shop",
        "backend": "scripted:test",
        "generator": "ease",
        "ranker": "none",
    }
    return Settings.model_validate(values | given)


def opened(folder: Path, **given: object) -> Settings:
    """The same with the data set imported."""
    items, interactions, users = write_files(folder / "files")
    settings = settings_for(folder, **given)
    plan = imported.planned({"name": "shop", "items": items, "interactions": interactions, "users": users})
    imported.run(plan, settings.cache_dir, replace=True)
    return settings
