"""The workbench: trained parts loaded once for all sessions, and people as the recommenders see them."""

import threading
from pathlib import Path

import pytest

from app.errors import ArtefactError, DataError, UnknownItem
from app.service.workbench import Workbench
from recommenders.contract.request import Request
from recommenders.experiments.training import train
from recommenders.pipeline import TunedPair, tuned
from recommenders.texts import TEXT_INDEX
from tests.app.shop import opened, settings_for

NOW = 2_000_000_000


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    settings = opened(tmp_path_factory.mktemp("shop"))
    bench = Workbench(settings)
    for name in ("popularity", "ease"):
        train(name, bench.dataset, bench.runs / name)
    return bench


def test_what_is_trained_is_offered(bench: Workbench) -> None:
    assert bench.generators() == ["ease", "popularity"]
    assert bench.rankers() == ["ease"]
    answer = bench.pipeline("ease", None).recommend(bench.state("u3"), Request(k=3))
    assert len(answer.candidates) == 3
    assert answer.generator == "ease"


def test_no_ranker_has_several_spellings_and_pipelines_are_shared(bench: Workbench) -> None:
    assert bench.pipeline("ease", None) is bench.pipeline("ease", "none")
    assert bench.pipeline("ease", "ease") is bench.pipeline("ease", None)  # its own opinion counts already
    assert bench.pipeline("popularity", "ease").ranker is not None
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(bench.pipeline("popularity", None))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(p) for p in found}) == 1


def test_what_is_not_there_says_what_to_do(bench: Workbench, tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="chatrec train sasrec"):
        bench.pipeline("sasrec", None)
    assert Workbench(bench.settings).text_index() is None
    with pytest.raises(DataError, match="unknown data set 'shop'"):
        _ = Workbench(settings_for(tmp_path)).dataset


def test_an_outdated_text_index_is_an_error_not_a_wrong_answer(bench: Workbench, tmp_path: Path) -> None:
    settings = opened(tmp_path)
    folder = settings.runs_dir / "shop" / TEXT_INDEX
    folder.mkdir(parents=True)
    if not (settings.cache_dir / "encoder").exists():
        pytest.skip("no text encoder; run chatrec setup")
    with pytest.raises(ArtefactError, match="chatrec setup"):
        Workbench(settings).text_index()


def test_tuned_weights_are_used(bench: Workbench) -> None:
    tuned.write(bench.runs / tuned.FILE, {"ease": TunedPair(ranker_weight=0.5, diversity=0.1, ndcg=0.2)})
    bench.forget()
    assert bench.pipeline("ease", None).config.diversity == 0.1
    assert bench.pipeline("popularity", None).config.diversity == 0.0
    assert bench.pipeline("ease", None).config.liked_from == bench.dataset.liked_from
    assert tuned.pair("sasrec", "deepfm") == "sasrec+deepfm"
    (bench.runs / tuned.FILE).write_text('{"ease": {"weight": 1}}')
    with pytest.raises(ArtefactError, match="damaged"):
        tuned.read(bench.runs / tuned.FILE)
    (bench.runs / tuned.FILE).unlink()
    assert tuned.read(bench.runs / tuned.FILE) == {}


def test_a_known_user_has_history_and_profile(bench: Workbench) -> None:
    state = bench.state("u4")
    assert len(state.items) == 7
    assert state.profile == {"age": 24, "gender": "F"}
    with pytest.raises(UnknownItem, match="u99"):
        bench.state("u99")


def test_feedback_of_the_chat_joins_the_history(bench: Workbench) -> None:
    known = bench.state("u4")
    ids = bench.catalogue.ids
    fresh = [i for i in ids.ids if ids.number(i) not in known.items]
    loved_again, dropped = (ids.ids[i] for i in known.items[:2])
    state = bench.state("u4", liked=(fresh[0], loved_again), disliked=(fresh[1], dropped), seen=(fresh[2],), now=NOW)
    numbers = [ids.number(i) for i in (fresh[2], fresh[0], loved_again)]
    assert list(state.items) == [*known.items[2:], *numbers]
    top, mean = 5.0, float(bench.dataset.interactions.value.mean())
    assert state.values[-3:] == (pytest.approx(mean), top, top)
    assert state.timestamps[-3:] == (NOW - 3, NOW - 2, NOW - 1)
    assert list(state.timestamps) == sorted(state.timestamps)
    assert set(state.disliked) == {ids.number(fresh[1]), ids.number(dropped)}
    shown = {c.item for c in bench.pipeline("ease", None).recommend(state, Request(k=20)).candidates}
    assert not shown & {*state.items, *state.disliked}


def test_a_new_person(bench: Workbench) -> None:
    assert bench.state(None).items == ()
    state = bench.state(None, liked=("a1", "a1", "gone"), disliked=("a2",), seen=("a1", "a2", "a3"), now=NOW)
    ids = bench.catalogue.ids
    assert [ids.ids[i] for i in state.items] == ["a3", "a1"]
    assert [ids.ids[i] for i in state.disliked] == ["a2"]
