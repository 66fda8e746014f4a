"""Words as the encoder reads them: known slips, known glosses, and what must stay."""

import pytest

from app.understanding.reader.encoder import ARTEFACT, Known, shipped
from app.understanding.reader.labels import words
from app.understanding.reader.mending import Mender, glosses, mender, slips
from app.words import fold


@pytest.fixture(scope="module")
def mend() -> Mender:
    return mender(ARTEFACT / "vocab.txt")


def mended(mend: Mender, text: str, known: str = "") -> str:
    said = [text[a:b] for a, b in words(text)]
    return " ".join(mend(said, [w in known.split() for w in said]))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("recomend smth fnuny plz", "recommend something funny please"),
        ("thrillrs from teh 80s", "thrillers from the 80s"),
        ("wjat is like heat", "what is like heat"),
        ("a rewatchable whodunit", "a rewatchable whodunit"),
        ("genug für heute", "enough for today"),
        ("ein spannender Film bitte", "a exciting film please"),
        ("giustifica la scelta", "explain the choice"),
        ("dime más sobre Heat", "tell more about Heat"),
        ("un film pareil s'il te plaît", "a film same s ' he you please"),
        ("cant stand horror and wont watch it", "can't stand horror and won't watch it"),
        ("it wasnt scary", "it wasn't scary"),
        ("lustiger", "funny"),
        ("alles ausser Horror", "everything without Horror"),
        ("mai visto", "never seen"),
        ("kenne ich noch nicht", "know i yet not"),
        ("I was in a war film", "I was in a war film"),
        ("a fatal car crash", "a fatal car crash"),
        ("the same genre as Heat", "the same genre as Heat"),
        ("a horror film with a nun", "a horror film with a nun"),
        ("an epic western, rated R", "an epic western , rated R"),
        ("films die man sehen will", "films the man see want"),
    ],
)
def test_slips_and_other_languages(mend: Mender, text: str, read: str) -> None:
    assert mended(mend, text) == read


def test_names_stay_and_words_stay_one_by_one(mend: Mender) -> None:
    assert mended(mend, "dime mas sobre Cyclo", "Cyclo") == "tell more about Cyclo"
    assert mended(mend, "tihnk", "tihnk") == "tihnk"
    assert mended(mend, "tihnk") == "think"
    for text in ("", "?!", "12 3d", "heyyy!!! ok", "ça va?", "dont"):
        said = [text[a:b] for a, b in words(text)]
        assert len(mend(said, [False] * len(said))) == len(said)


def test_what_is_longer_than_a_word_is_left_alone(mend: Mender) -> None:
    assert mended(mend, "qz" * 2000) == "qz" * 2000
    assert not list(slips("q" * 25))
    assert ("heat", 1.0) in list(slips("haet"))


def test_part_of_a_name_stays_and_marks_nothing() -> None:
    pairs = shipped().pairs
    text = "movies with kilmer"
    plainly = pairs.encode(text, "", 0)
    named = pairs.encode(text, "", 0, [Known("name", 12, 18)])
    assert pairs.tokenizer.decode(plainly.ids).split()[-1] == "killer"
    assert "kilmer" in pairs.tokenizer.decode(named.ids) and set(named.marks) == {0}


def test_glosses_are_written_as_they_are_looked_up() -> None:
    english, tongues = glosses()
    assert {"slang", "de", "fr", "es", "it"} == set(tongues)
    for table in (*english.values(), *tongues.values()):
        assert all(word == fold(word) and word for word in table)


def test_the_encoder_marks_the_words_of_the_message_itself() -> None:
    text = "thrilelrs wiht Al Pacino plz"
    found = shipped().read(text)
    assert found.intent == "recommend"
    assert {text[s.start : s.end] for s in found.spans} == {"thrilelrs", "Al Pacino"}
