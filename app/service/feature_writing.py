"""The language model as a writer of features: requests for sets of liked items (MINT), and descriptions of items.

Joins the three packages: sets and facts of the recommenders, the wording of prompts, the model that llm loads. All that
is written lies on a shelf in the cache folder (writing.py); the usable part becomes a file that recommenders read.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from langchain_core.language_models import BaseChatModel

import prompts
from app import files
from app.progress import Progress
from llm.calls import to_chat
from llm.writing import Likelihood, Quality, Shelf, Task, Written, grounded, kept, quality, tidy, write
from recommenders.data import Catalogue, Dataset
from recommenders.texts import Narrative, narratives, text_index

NARRATIVE_TOKENS, DESCRIPTION_TOKENS = 60, 40
KEYWORDS = 5  # of each film that the prompt shows: more made the small model list them


def shelf(cache_dir: Path, prompt: str) -> Shelf:
    return Shelf(cache_dir / "written" / f"{prompt}.jsonl")


def version(prompt: str) -> str:
    """Of the wording of a prompt: another wording, another version."""
    return hashlib.sha256(prompts.render(prompt, facts="").encode()).hexdigest()[:8]


def facts(catalogue: Catalogue, item: int) -> str:
    """What a prompt says of an item beside its title."""
    words = [w.strip() for w in catalogue.texts[item].split(",")][:KEYWORDS]
    return "; ".join(part for part in (", ".join(catalogue.genres[item]), ", ".join(w for w in words if w)) if part)


def _asked(
    model: BaseChatModel,
    backend: str,
    prompt: str,
    about: Sequence[tuple[tuple[str, ...], str]],
    kept_on: Shelf,
    max_tokens: int,
    progress: Progress,
) -> list[Written | None]:
    tasks = [Task(ids, tuple(to_chat(prompts.messages(prompt, facts=said)))) for ids, said in about]
    return write(model, backend, version(prompt), tasks, kept_on, max_tokens=max_tokens, progress=progress)


# -- requests ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wrote:
    """What came of the sets: usable narratives, and their figures (means over all that was written)."""

    narratives: list[Narrative]
    figures: dict[str, float]


def requests(
    model: BaseChatModel,
    backend: str,
    data: Dataset,
    likelihood: Likelihood | None,
    on: Shelf,
    *,
    number: int,
    size: int = 5,
    keep: int = 3,
    seed: int = 0,
    progress: Progress,
) -> Wrote:
    """Let the model write a request for each of `number` sets of `size` liked items; of each set keep the `keep` items
    under whose text the request is most likely (all where no likelihood is given)."""
    c = data.catalogue
    chosen = narratives.sets(data, size, number, seed)
    about = [
        (tuple(c.ids.ids[i] for i in some.items), "\n".join(f"{c.label(i)}: {facts(c, i)}" for i in some.items))
        for some in chosen
    ]
    written = _asked(model, backend, "narrative", about, on, NARRATIVE_TOKENS, progress)
    examples = [m.content for m in prompts.messages("narrative", facts="") if m.role == "assistant"]
    usable: list[Narrative] = []
    judged: list[Quality] = []
    above, shares = [], []
    for n, (some, (_, told), row) in enumerate(zip(chosen, about, written, strict=True)):
        items = some.items
        said = tidy(row.text) if row else ""
        if said:
            titles = [c.titles[i] for i in items]
            judged.append(quality(said, examples, told, titles))
            places: Sequence[int] = range(len(items))
            if likelihood is not None:
                scores = likelihood.of(said, [text_index.document(c, i) for i in items])
                places = kept(scores, keep)
                above.append(float(np.mean(scores[list(places)]) - np.mean(scores)))
            shares.append(len(places) / len(items))
            usable.append(Narrative(said, tuple(items[p] for p in places), some.known))
        progress(n + 1, len(chosen), "filtering")
    figures = {
        "sets": float(len(chosen)),
        "usable": float(len(usable)),
        "distinct": float(len({n.text for n in usable})),
    }
    for name in ("copied", "named", "grounded", "length"):
        figures[name] = float(np.mean([asdict(q)[name] for q in judged])) if judged else 0.0
    figures["items_kept"] = float(np.mean(shares)) if shares else 0.0
    figures["log_probability_gained"] = float(np.mean(above)) if above else 0.0
    return Wrote(usable, figures)


# -- descriptions -----------------------------------------------------------------------------------------------------


def descriptions(
    model: BaseChatModel, backend: str, catalogue: Catalogue, items: Sequence[int], on: Shelf, *, progress: Progress
) -> tuple[dict[int, str], dict[str, float]]:
    """item -> the sentences that its facts carry, for the items with any facts; and how much of it stood."""
    told = [(i, facts(catalogue, i)) for i in items]
    known = [(i, said) for i, said in told if ";" in said]
    about = [((catalogue.ids.ids[i],), said) for i, said in known]
    written = _asked(model, backend, "describe", about, on, DESCRIPTION_TOKENS, progress)
    found = {}
    for (i, said), row in zip(known, written, strict=True):
        stands = grounded(row.text, said) if row else ""
        if stands:
            found[i] = stands
    figures = {
        "asked": float(len(known)),
        "stood": float(len(found)),
        "words": float(np.mean([len(t.split()) for t in found.values()])) if found else 0.0,
    }
    return found, figures


def save_descriptions(path: Path, catalogue: Catalogue, found: dict[int, str]) -> None:
    whole = {catalogue.ids.ids[i]: said for i, said in sorted(found.items())}
    files.write_text(path, json.dumps(whole, indent=0, ensure_ascii=False) + "\n")
