"""What messages mean, by rules: actions and slots, alone and in a conversation."""

import json
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from app.understanding import Ask, Compare, Heard, Judge, Order, Table, understand
from app.understanding.names.linking import Linker, linker
from recommenders.data import Catalogue
from recommenders.data.attributes.kinds.year import phrase, read_years
from tests.app.wanted import meant, plain, wants
from tests.recommenders.worlds import tiny_films


@pytest.fixture(scope="module")
def films() -> Catalogue:
    return tiny_films()


@pytest.fixture(scope="module")
def names(films: Catalogue) -> Linker:
    return linker(films)


def said(text: str, names: Linker, **table: object) -> Heard:
    return understand(text, Table(**table), names)  # type: ignore[arg-type]


ON_TABLE = {"shown": (0, 3, 4), "focus": (0, 3, 4), "ever": (0, 3, 4), "turns": 2, "wants": wants(genres=["Horror"])}


def test_more_like_one_of_them_is_no_opinion_and_keeps_what_was_refused() -> None:
    table = tiny_films().table.assign(violence="mild")
    noted = Linker(Catalogue.of(table))
    before = wants(genres=["Horror"], violence_at_most="mild", without_genres=["Comedy"])
    found = said("more like the second", noted, **{**ON_TABLE, "wants": before})
    assert found.action == "similar" and found.acts == (Ask(found.wants),)
    kept = {"violence_at_most": "mild", "without_genres": ["Comedy"]}
    assert kept.items() <= plain(found.wants).items() and "genres" not in plain(found.wants)
    wanted = said("a comedy like the second", noted, **{**ON_TABLE, "wants": before})
    assert "without_genres" not in plain(wanted.wants)  # wanted now


def test_something_else_then_lets_go_of_what_found_nothing(names: Linker) -> None:
    asked = wants(year_from=2031, year_to=2031)
    nothing = {"shown": (), "focus": (), "ever": (0,), "turns": 2, "wants": asked, "empty": True}
    kept = said("but a horror film", names, **nothing)
    assert plain(kept.wants) == {"year_from": 2031, "year_to": 2031, "genres": ["Horror"]}
    assert plain(said("a horror film then", names, **nothing).wants) == {"genres": ["Horror"]}


@pytest.mark.parametrize("shown", [(0,), (0, 3, 4)])
def test_it_behind_an_unknown_title_means_nothing_on_the_table(names: Linker, shown: tuple[int, ...]) -> None:
    """ "Something like it" after a film that nobody has here is not about the film that was shown before."""
    table = {"shown": shown, "focus": shown[:1], "ever": shown, "turns": 1, "wants": wants(genres=["Horror"])}
    found = said("I loved Zorgblatt the Destroyer 7, something like it?", names, **table)
    assert found.action == "recommend" and not found.items
    assert not found.wants.like and not found.judged
    assert any("Zorgblatt" in words for words in found.unmatched)
    # without a strange title "it" is what was shown
    assert said("I loved it, something like it?", names, **table).wants.like == ("a1",)


@pytest.mark.parametrize(
    ("message", "action", "arguments"),
    [
        ("scary movies", "recommend", {"genres": ["Horror"]}),
        ("sci-fi from the 70s", "recommend", {"genres": ["Sci-Fi"], "year_from": 1970, "year_to": 1979}),
        ("a rom-com please", "recommend", {"genres": ["Romance", "Comedy"]}),
        ("horror or crime before 1980", "recommend", {"any_genres": ["Horror", "Crime"], "year_to": 1979}),
        ("dramas and comedies", "recommend", {"any_genres": ["Drama", "Comedy"]}),
        ("I want a war drama", "recommend", {"genres": ["War", "Drama"]}),
        ("anything but horror", "recommend", {"without_genres": ["Horror"]}),
        ("no horror, crime or war please", "recommend", {"without_genres": ["Horror", "Crime", "War"]}),
        ("nothing with Al Pacino", "recommend", {"without_people": ["Al Pacino"]}),
        ("three films with tom hanks", "recommend", {"people": ["Tom Hanks"], "count": 3}),
        ("something in Japanese", "recommend", {"language": ["Japanese"]}),
        ("newer than 1990", "recommend", {"year_from": 1991}),
        ("nothing older than 1990", "recommend", {"year_from": 1990}),
        ("a submarine crew", "recommend", {"wish": "submarine crew"}),
        ("slow space horror", "recommend", {"genres": ["Horror"], "wish": "slow space horror"}),
        ("I don't like horror movies, what about romance", "recommend",
         {"genres": ["Romance"], "without_genres": ["Horror"]}),
        ("something like Heat", "similar", {"like": ["a7"]}),
        ("films like alien and the shining", "similar", {"like": ["a1", "a5"]}),
        ("similar to Amelie but no romance", "similar", {"like": ["a11"], "without_genres": ["Romance"]}),
        ("Heat?", "similar", {"like": ["a7"]}),
        ("why Heat?", "explain", {"items": ["a7"]}),
        ("Heat or Goodfellas, which is better?", "compare", {"items": ["a7", "a9"]}),
        ("what genre is Solaris?", "ask_item", {"items": ["a3"]}),
        ("who plays in Das Boot?", "ask_item", {"items": ["a17"]}),
        ("have you seen Casablanca?", "ask_item", {"items": ["a18"]}),
        ("I loved Heat", "feedback", {"items": ["a7"], "kind": "like"}),
        ("I didn't like The Exorcist at all", "feedback", {"items": ["a6"], "kind": "dislike"}),
        ("I've seen Toy Story", "feedback", {"items": ["a13"], "kind": "seen"}),
        ("thanks a lot!", "chat", {}),
        ("what can you do?", "chat", {}),
        ("hello", "recommend", {}),
        ("recommend me something", "recommend", {}),
        ("", "clarify", {}),
    ],
)  # fmt: skip
def test_messages_alone(message: str, action: str, arguments: dict, names: Linker) -> None:
    found = said(message, names)
    assert (found.action, meant(found, names.catalogue)) == (action, arguments)


@pytest.mark.parametrize(
    ("message", "action", "arguments"),
    [
        ("why the second one?", "explain", {"items": ["a4"]}),
        ("why not Heat?", "explain", {"items": ["a7"]}),
        ("why?", "explain", {"items": ["a1", "a4", "a5"]}),
        ("why these?", "explain", {"items": ["a1", "a4", "a5"]}),
        ("which of the first two is better?", "compare", {"items": ["a1", "a4"]}),
        ("more like the last one", "similar", {"like": ["a5"], "more": True}),
        ("something else", "recommend", {"genres": ["Horror"], "more": True}),
        ("others?", "recommend", {"genres": ["Horror"], "more": True}),
        ("from the 90s", "recommend", {"genres": ["Horror"], "year_from": 1990, "year_to": 1999}),
        ("what about crime?", "recommend", {"genres": ["Crime"]}),
        ("but also sci-fi", "recommend", {"genres": ["Horror", "Sci-Fi"]}),
        ("but not sci-fi", "recommend", {"genres": ["Horror"], "without_genres": ["Sci-Fi"]}),
        ("comedies with Meg Ryan", "recommend", {"genres": ["Comedy"], "people": ["Meg Ryan"]}),
        ("seen the first one", "feedback", {"items": ["a1"], "kind": "seen"}),
        ("I hated the third one", "feedback", {"items": ["a5"], "kind": "dislike"}),
        ("when was the second one made?", "ask_item", {"items": ["a4"]}),
        ("is the second one any good?", "explain", {"items": ["a4"]}),
        ("who is in the second one?", "ask_item", {"items": ["a4"]}),
        ("too scary", "recommend", {"without_genres": ["Horror"]}),
        ("I saw Heat and loved it", "feedback", {"items": ["a7"], "kind": "like"}),
        ("not a fan of Meg Ryan", "recommend", {"genres": ["Horror"], "without_people": ["Meg Ryan"]}),
        ("seen it", "clarify", {}),
        ("the ninth one, why?", "clarify", {}),
    ],
)
def test_messages_with_items_on_the_table(message: str, action: str, arguments: dict, names: Linker) -> None:
    found = said(message, names, **ON_TABLE)
    assert (found.action, meant(found, names.catalogue)) == (action, arguments)


def test_an_exclusion_outlives_later_turns(names: Linker) -> None:
    table = {**ON_TABLE, "wants": wants(genres=["Drama"], without_genres=["War"], count=3)}
    found = plain(said("older", names, **table).wants)
    assert found["without_genres"] == ["War"] and found["genres"] == ["Drama"]
    assert "count" not in found


def test_several_opinions_in_one_message(names: Linker) -> None:
    found = said("I loved Heat but hated The Exorcist", names)
    assert set(found.acts) == {Judge((6,), "like"), Judge((5,), "dislike")}


def test_an_opinion_with_a_request_does_both(names: Linker) -> None:
    found = said("I really liked Heat, can you recommend something similar?", names)
    assert found.acts == (Judge((6,), "like"), Ask(wants(like=("a7",))))


def test_an_opinion_a_place_and_a_condition_are_acts_of_one_message(names: Linker) -> None:
    found = said("seen the first one, hated the second, another one from the 70s please", names, **ON_TABLE)
    assert found.acts[:2] == (Judge((0,), "seen"), Judge((3,), "dislike"))
    assert found.shows and found.wants.others
    assert plain(found.wants)["year_from"] == 1970 and [j.kind for j in found.judged] == ["seen", "dislike"]


@pytest.mark.parametrize(
    ("message", "rising"),
    [
        ("which is the newest of these?", False),
        ("which of them is the oldest?", True),
        ("the most recent of these", False),
    ],
)
def test_the_newest_of_these_is_decided_by_its_year(message: str, rising: bool, names: Linker) -> None:
    found = said(message, names, **ON_TABLE)
    assert found.acts == (Compare((0, 3, 4), Order(attribute="year", rising=rising)),)


@pytest.mark.parametrize(
    ("message", "asked"),
    [
        ("the oldest comedies", {"genres": ["Comedy"], "order": "year rising"}),
        ("the newest film with Al Pacino", {"people": ["Al Pacino"], "order": "year falling"}),
        ("your three latest movies", {"count": 3, "order": "year falling"}),
        ("war films, oldest first", {"genres": ["War"], "order": "year rising"}),
        ("the newest films before 1990", {"year_to": 1989, "order": "year falling"}),
        ("newer films", {"year_from": 1995}),  # no order, a bound
    ],
)
def test_an_order_is_heard_and_is_no_bound(message: str, asked: dict, names: Linker) -> None:
    found = said(message, names)
    assert (found.action, plain(found.wants)) == ("recommend", asked)
    assert ("ordered by year" in found.understood) == ("order" in asked)


def test_an_order_outlives_a_refinement(names: Linker) -> None:
    table = {**ON_TABLE, "wants": wants(genres=["Horror"], order="year rising")}
    assert plain(said("only in English", names, **table).wants) == {
        "genres": ["Horror"], "language": ["English"], "order": "year rising",
    }  # fmt: skip


def test_unknown_names_are_reported(names: Linker) -> None:
    assert any("Zork Blarg" in u for u in said("films starring Zork Blarg", names).unmatched)
    assert any("Xyzzy Two" in u for u in said("I loved Xyzzy Two", names).unmatched)
    assert any("I took Heat (1995)" in u for u in said("films like Heat (1952)", names).unmatched)


def test_a_catalogue_without_people_says_so() -> None:
    bands = Catalogue.of(pd.DataFrame({"item_id": ["1", "2"], "title": ["Autechre", "Boards of Canada"],
                                       "genres": ["electronic|idm", "electronic"]}))  # fmt: skip
    found = understand("electronica like Boards of Canada", Table(), Linker(bands))
    assert found.action == "similar" and plain(found.wants)["genres"] == ["electronic"]
    assert any("lists no people" in u for u in understand("music by Al Pacino", Table(), Linker(bands)).unmatched)
    scary = understand("something scary", Table(), Linker(bands))  # no Horror here: a word of the wish
    assert plain(scary.wants) == {"wish": "scary"}


@pytest.mark.parametrize(
    ("message", "bounds"),
    [
        ("from the 90s", (1990, 1999)), ("the 1950's", (1950, 1959)), ("eighties", (1980, 1989)),
        ("late 80s or early nineties", (1986, 1993)), ("before 1980", (None, 1979)), ("since 1990", (1990, None)),
        ("between 1970 and 1980", (1970, 1980)), ("1970-1980", (1970, 1980)), ("in 1985", (1985, 1985)),
        ("1990 or later", (1990, None)), ("not before 1990", (1990, None)), ("after the 80s", (1990, None)),
        ("until 1960", (None, 1960)), ("for my 10 year old", (None, None)), ("older", (None, 1978)),
        ("and not too long ago", (1995, None)),
        ("I saw it not long ago", (None, None)), ("the 00s", (2000, 2009)),
    ],
)  # fmt: skip
def test_years(message: str, bounds: tuple, films: Catalogue) -> None:
    found = read_years(message, (), films.years[[0, 3, 4]], films.years, k=1)
    assert (found.year_from, found.year_to) == bounds and not found.refused


def test_years_that_are_not_wanted(names: Linker) -> None:
    found = said("a drama, but not from the 80s", names)
    assert plain(found.wants) == {"genres": ["Drama"], "not_years": (1980, 1989)}
    assert "not from the 1980s" in found.understood and not found.unmatched


def test_years_in_words() -> None:
    assert [phrase(1990, 1999), phrase(None, 1979), phrase(1990, None), phrase(1985, 1985), phrase(1985, 1988)] == [
        "from the 1990s", "before 1980", "from 1990 on", "from 1985", "from 1985 to 1988",
    ]  # fmt: skip


# What the annotators of IARD meant, and which of our actions serve it.
SERVES = {
    "IQU": {"recommend", "similar"}, "CON": {"recommend", "similar"}, "REF": {"recommend", "similar"},
    "STO": {"recommend", "similar"}, "CRI-A": {"recommend", "similar"}, "CRI-C": {"recommend", "similar"},
    "PRO": {"recommend", "similar", "feedback"}, "ANS": {"recommend", "similar", "feedback"},
    "SEE": {"feedback"}, "REJ": {"feedback", "recommend", "similar"}, "ACC": {"chat", "feedback"},
    "CRI-F": {"feedback", "recommend", "similar"}, "INQ": {"ask_item", "compare", "explain"},
    "ASK": {"ask_item", "chat", "compare"}, "NRE": {"chat", "ask_item"}, "OTH": {"chat"},
}  # fmt: skip


def iard(folder: Path, names: Linker) -> tuple[Counter, Counter, list[tuple[str, list[str], str]]]:
    """(right, all) by intent, and the misses; real people's messages with the films that the partner had named."""
    import re

    right: Counter = Counter()
    total: Counter = Counter()
    misses = []
    dialogues = json.loads((folder / "iard" / "dev.json").read_text(encoding="utf-8"))
    for dialogue in dialogues.values():
        shown: tuple[int, ...] = ()
        for turns, turn in enumerate(dialogue["dialogue_info"].values()):
            text = re.sub(r"@\d+\s*<([^<>]*?)\s*>", lambda m: re.sub(r"\s+\(", " (", m[1]), turn["utterance_text"])
            if turn["role"] != "seeker":
                named = tuple(m.items[0] for m in names.mentions(text) if m.kind == "title")
                shown = named or shown
            else:
                table = Table(shown, shown, shown, turns=turns)
                found = understand(text.replace("...", ". "), table, names)
                action = "chat" if found.topic == "greeting" else found.action  # its picks come along
                done = {action, *({"feedback"} if found.judged else ())}
                wanted = set().union(*(SERVES[i] for i in turn["sub-intent/action"]))
                for intent in turn["sub-intent/action"]:
                    total[intent] += 1
                    right[intent] += bool(done & SERVES[intent])
                total["any"] += 1
                right["any"] += bool(done & wanted)
                if not done & wanted:
                    misses.append((text, turn["sub-intent/action"], found.action))
    return right, total, misses


@pytest.mark.slow
def test_real_messages_are_mostly_understood(datasets_folder: Path) -> None:
    if not (datasets_folder / "iard" / "dev.json").is_file():
        pytest.skip(f"no iard/dev.json in {datasets_folder}")
    from recommenders.data.sources import ml_latest_small

    names = Linker(ml_latest_small.read(datasets_folder / "ml-latest-small").catalogue)
    right, total, _ = iard(datasets_folder, names)
    assert right["any"] / total["any"] >= 0.80
    assert right["IQU"] / total["IQU"] >= 0.95


def test_an_order_that_is_told_is_not_asked_for(names: Linker) -> None:
    for told in ("Moana is the newest one I have seen", "I have not seen the newest one", "I've seen the oldest"):
        assert understand(told, Table(), names).wants.order is None, told
    for asked in ("the newest one I have not seen", "recommend the oldest, I have seen the others", "the newest"):
        assert understand(asked, Table(), names).wants.order is not None, asked
