"""The composed dialogues say what they claim, and the small encoder that ships reads sentences with known answers."""

import shutil
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from app.errors import ArtefactDamaged
from app.understanding.lessons.dialogues import Composer, Film, Message, dealt, part_of, phrases, tags
from app.understanding.lessons.teaching import averaged
from app.understanding.reader import stored
from app.understanding.reader.encoder import (
    ARTEFACT,
    KNOWN,
    TAGS,
    Encoder,
    Known,
    likeliest,
    load,
    marks,
    save,
    shipped,
    spans_of,
)
from app.understanding.reader.labels import CARRIES, INTENTS, TITLES, words

FILMS = tuple(
    Film(f"{a} {b}", 1950 + n, (g,), (f"{b}son {a}ley",), "French")
    for n, (a, b, g) in enumerate(
        (a, b, g)
        for a in ("Red", "Silent", "Golden", "Broken", "Last")
        for b, g in (("River", "Drama"), ("Moon", "Horror"), ("Road", "Comedy"), ("Garden", "Romance"), ("Sky", "War"))
    )
)


def composed(part: str, n: int = 60, seed: int = 0) -> list[Message]:
    return [m for d in Composer(FILMS, part, seed).dialogues(n) for m in d]  # type: ignore[arg-type]


def test_dialogues_are_the_same_for_a_seed_and_others_for_another() -> None:
    assert composed("train", 10) == composed("train", 10)
    assert composed("train", 10) != composed("train", 10, seed=1)


def test_parts_share_no_way_of_saying_and_no_title() -> None:
    made = {part: Composer(FILMS, part) for part in ("train", "valid", "held-out")}  # type: ignore[arg-type]
    used = {part: {t for ts in c.templates.values() for t in ts} for part, c in made.items()}
    titles = {part: {t for _, t in c.titles} for part, c in made.items()}
    for a, b in (("train", "valid"), ("train", "held-out"), ("valid", "held-out")):
        assert not used[a] & used[b] and not titles[a] & titles[b]
    assert all(part_of(t) == part for part, ts in titles.items() for t in ts)


def test_every_way_of_saying_is_dealt_once_and_means_one_thing() -> None:
    tables = [group for groups in phrases().values() for group in groups.values() if isinstance(group, dict)]
    groups = [table["templates"] for table in tables if "templates" in table]
    everything = [t for templates in groups for t in templates]
    assert len(set(everything)) == len(everything)
    for templates in groups:
        parts = dealt(templates)
        assert sorted(t for part in parts.values() for t in part) == sorted(templates)
        assert min(len(part) for part in parts.values()) >= 5


def test_messages_speak_of_what_there_is() -> None:
    for m in composed("train", 200):
        titles = [s for s in m.spans if s.kind in TITLES]
        for s in m.spans:
            if s.kind == "ref" and isinstance(s.value, int):
                assert 1 <= s.value <= len(m.shown), m
            elif s.kind == "ref" and s.value == "that" and m.intent != "chat":
                assert titles or len(m.focus) == 1, m
        if m.intent == "compare":
            assert len(titles) + len(m.shown or m.focus) >= 2, m


def test_the_older_one_is_older() -> None:
    found = 0
    for m in composed("train", 600):
        for s in m.spans:
            said = m.text[s.start : s.end].casefold()
            if s.kind == "ref" and isinstance(s.value, int) and said in ("the oldest one", "the older one"):
                years = [FILMS[n].year for n in m.shown]
                assert years[s.value - 1] == min(years)
                found += 1
    assert found


def test_labels_agree_with_the_text() -> None:
    for message in composed("train"):
        assert message.intent in INTENTS and message.carry in ("", *CARRIES)
        assert len(tags(message)) == len(words(message.text))
        for span in message.spans:
            assert message.text[span.start : span.end].strip(), message
        if message.intent == "recommend" and not message.previous:
            assert message.carry != "refine"


def test_tags_that_may_not_follow_one_another_are_not_given() -> None:
    few = [TAGS.index(t) for t in ("O", "B-like", "I-like", "B-good", "I-good")]
    rng = np.random.default_rng(0)
    for _ in range(20):
        scores = np.full((4, len(TAGS)), -1e9)
        scores[:, few] = np.log(rng.dirichlet(np.ones(len(few)), 4))

        def allowed(path: tuple[int, ...]) -> bool:
            names = ["O", *(TAGS[t] for t in path)]
            return all(b[0] != "I" or a[2:] == b[2:] for a, b in pairwise(names))

        paths = [p for p in product(few, repeat=4) if allowed(p)]
        best = max(paths, key=lambda p: sum(scores[i, t] for i, t in enumerate(p)))
        assert likeliest(scores) == [TAGS[t] for t in best]
    assert likeliest(np.zeros((0, len(TAGS)))) == []


def test_tags_become_stretches() -> None:
    text = "films like red moon but no horror"
    found = spans_of(["O", "O", "B-like", "I-like", "O", "O", "B-no_genre"], words(text))
    assert [(s.kind, text[s.start : s.end]) for s in found] == [("like", "red moon"), ("no_genre", "horror")]


@pytest.mark.parametrize(
    ("text", "intent", "slots"),
    [
        ("something like Heat", "similar", {"like": "Heat"}),
        ("can you recommend some horror movies from the 80s", "recommend", {"genre": "horror"}),
        ("i hated Titanic", "feedback", {"bad": "Titanic"}),
        ("what's the weather tomorrow", "elsewhere", {}),
        ("goodbye", "stop", {}),
        ("thank you so much", "chat", {}),
        ("why did you pick the second one?", "explain", {"ref": "the second one"}),
    ],
)
def test_known_sentences(text: str, intent: str, slots: dict[str, str]) -> None:
    named = [v for kind, v in slots.items() if kind in TITLES]
    known = [Known("title", text.index(v), text.index(v) + len(v)) for v in named]
    found = shipped().read(text, "i want a comedy", 5, known)
    read = {s.kind: text[s.start : s.end] for s in found.spans}
    assert found.intent == intent
    assert slots.items() <= read.items()


def test_known_stretches_mark_their_words() -> None:
    text = "films like red moon in french"
    known = [Known("title", 11, 19), Known("language", 23, 29)]
    first, later = 1 + 2 * KNOWN.index("title"), 2 + 2 * KNOWN.index("title")
    assert marks(words(text), known) == [0, 0, first, later, 0, 1 + 2 * KNOWN.index("language")]


def test_what_the_catalogue_knows_tells_where_a_title_ends() -> None:
    text = "i loved Love and Other Catastrophes and The Cook the Thief His Wife & Her Lover"
    both = ("Love and Other Catastrophes", "The Cook the Thief His Wife & Her Lover")
    known = [Known("title", text.index(t), text.index(t) + len(t)) for t in both]
    found = shipped().read(text, "", 0, known)
    assert [text[s.start : s.end] for s in found.spans if s.kind == "good"] == list(both)


def test_neighbours_in_a_batch_change_nothing() -> None:
    short = ("a comedy", "", 0, ())
    long = (
        "i loved Heat and Casino but hated The Rock, so something like Fargo " * 3,
        "scary movies from the 90s",
        5,
        (),
    )
    alone, beside = shipped().read_all([short])[0], shipped().read_all([short, long])[0]
    assert (alone.intent, alone.carry, alone.spans) == (beside.intent, beside.carry, beside.spans)
    assert alone.intents == pytest.approx(beside.intents, abs=1e-4)


def test_any_text_is_read() -> None:
    reader: Encoder = shipped()
    for text in ("", " ", "?", "😀", "ß" * 300, "word " * 500):
        assert reader.read(text, text, 3).intent in INTENTS


def test_a_changed_artefact_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "artefact"
    shutil.copytree(ARTEFACT, folder)
    with (folder / "vocab.txt").open("a") as file:
        file.write("more\n")
    with pytest.raises(ArtefactDamaged, match="not the file that its card names"):
        load(folder)
    with pytest.raises(ArtefactDamaged, match="chatrec steer train"):
        load(tmp_path / "nowhere")


def test_what_is_kept_is_what_was_read() -> None:
    """The names of an artefact stay, and its rows of 8 bits are kept as they were."""
    kept = load_file(ARTEFACT / "model.safetensors")
    again = stored.pack(stored.unpack(kept))
    assert again.keys() == kept.keys()
    for name, array in kept.items():
        assert again[name].dtype == array.dtype, name
        torch.testing.assert_close(again[name], array, rtol=1e-5, atol=0 if array.dtype == torch.int8 else 1e-8)
    assert stored.unpack(kept).keys() == load().network.state_dict().keys()


def test_the_mean_of_trainings_is_one_network(tmp_path: Path) -> None:
    """Of two artefacts that differ in a bias, the average stands in the middle; it is checked like any other."""
    first = load()
    vocabulary = ARTEFACT / "vocab.txt"
    with torch.no_grad():
        before = first.network.intent.bias.clone()
        for n, moved in enumerate((-1.0, 3.0)):
            first.network.intent.bias.copy_(before + moved)
            save(first.network, vocabulary, tmp_path / str(n), {"composed": n})
    card = averaged([tmp_path / "0", tmp_path / "1"], tmp_path / "mean", {"base": "MiniLM"})
    assert card["members"] == [{"composed": 0}, {"composed": 1}] and card["base"] == "MiniLM"
    found = load(tmp_path / "mean").network
    np.testing.assert_allclose(found.intent.bias.detach(), before + 1.0, atol=2e-3)
    np.testing.assert_allclose(found.tag.weight.detach(), first.network.tag.weight.detach(), atol=2e-3)
