"""Where things lie: the code wherever it was installed, the data below one folder of whoever runs it."""

from pathlib import Path

from platformdirs import user_data_path

_CODE = Path(__file__).resolve().parents[1]


def base() -> Path:
    """The folder that holds `data`: the source checkout, if the code runs from one, else the user's data folder.

    An installed package lies where nothing should be written; a checkout keeps its data beside itself.
    """
    return _CODE if in_checkout() else user_data_path("chatrec", appauthor=False)


def in_checkout() -> bool:
    """Whether the code runs from its source."""
    return (_CODE / "pyproject.toml").is_file()


def named(path: str) -> Path:
    """The file or folder that a recommender's setting names: an absolute path, or one from `base`, such as
    "data/cache/encoder", which means the same in every installation and so can be kept with a trained model."""
    return base() / path
