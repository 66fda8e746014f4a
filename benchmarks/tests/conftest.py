"""What the tests of the product share, for those of the benchmarks."""

from tests.conftest import datasets_folder, no_network
from tests.llm.conftest import llm_settings, tiny_folder
from tests.recommenders.conftest import ml_100k
from tests.recommenders.test_wishes import served

__all__ = ["datasets_folder", "llm_settings", "ml_100k", "no_network", "served", "tiny_folder"]
