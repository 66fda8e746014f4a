"""The steps that train and tune. Apart from the others because they bring torch, which takes seconds to import: where
all is ready none of this is loaded (steps.py)."""

from pathlib import Path

from app.progress import Progress
from recommenders.contract import artefact, registry
from recommenders.data import Catalogue, Dataset, sources
from recommenders.experiments import train
from recommenders.networks import on_threads
from recommenders.pipeline import Pipeline, TunedPair, tune, tuned, withhold_last
from recommenders.texts import TEXT_INDEX, text_index
from recommenders.wishes import WISH_INDEX, WishIndex, WishReader, multilingual


def train_model(name: str, whole: Dataset, runs: Path, progress: Progress) -> None:
    """Without everybody's last interaction, so that the pipeline can be tuned on cases that no model has seen; a
    person's own history is whole when they are served."""
    data, _ = withhold_last(whole)
    train(name, data, runs / name, progress=progress)


def make_wish_index(name: str, catalogue: Catalogue, runs: Path, encoder: Path, progress: Progress) -> None:
    """Vectors of all texts that did not come with the reader of wishes, into the runs of the data set."""
    reader = WishReader(multilingual.Encoder(encoder / multilingual.FILE))
    WishIndex.build(reader, catalogue, sources.requests(name), folder=runs / WISH_INDEX, progress=progress)


def tune_pairs(models: tuple[str, ...], data: Dataset, runs: Path, encoder: Path, progress: Progress) -> None:
    """Every trained generator of `models`, alone and with each ranker among them; what was tuned of other pairs
    stays."""
    _, cases = withhold_last(data)
    catalogue = data.catalogue
    models = tuple(name for name in models if (runs / name / artefact.WEIGHTS).is_file())
    loaded = {name: registry.get(name).load(runs / name, catalogue) for name in models}
    texts = text_index.TextIndex.load(runs / TEXT_INDEX, text_index.TextEncoder(encoder), catalogue)
    generators = [name for name in models if "generator" in loaded[name].roles]
    rankers = [None, *(name for name in models if "ranker" in loaded[name].roles)]
    pairs = [(generator, ranker) for generator in generators for ranker in rankers if ranker != generator]
    kept = tuned.read(runs / tuned.FILE)
    for n, (generator, ranker) in enumerate(pairs):
        pipeline = Pipeline(catalogue, loaded[generator], loaded[ranker] if ranker else None, texts)
        with on_threads(1):
            found = tune(pipeline, cases)
        kept[tuned.pair(generator, ranker)] = TunedPair(
            ranker_weight=found.config.ranker_weight,
            diversity=found.config.diversity,
            ndcg=found.by_diversity[found.config.diversity],
        )
        progress(n + 1, len(pairs), "tuning")
    tuned.write(runs / tuned.FILE, kept)
