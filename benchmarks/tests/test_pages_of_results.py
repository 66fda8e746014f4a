"""What the documentation says of results is what the results have."""

import pytest

from benchmarks import pages


@pytest.mark.parametrize("name", pages.FILES)
def test_generated_files_are_current(name: str) -> None:
    assert (pages.FOLDER / name).read_text(encoding="utf-8") == pages.FILES[name](), "run: make docs"
