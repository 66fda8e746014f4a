"""The wishes with known answers: their films are in the catalogue, and recall counts them."""

from app.service.workbench import Workbench
from benchmarks.wishes import recalls, wishes
from recommenders.texts.text_index import TextIndex


def test_the_known_answers_are_films_of_the_catalogue(served: tuple[Workbench, TextIndex]) -> None:
    c = served[0].catalogue
    known = wishes()
    assert not known["seen"].keys() & known["held"].keys()
    for wish, titles in (known["seen"] | known["held"]).items():
        assert titles and titles <= set(c.titles), wish
    right = [c.titles.index(title) for title in known["seen"]["submarine thriller"]]
    wrong = [i for i in range(len(c)) if i not in right][:8]
    three = {"submarine thriller": known["seen"]["submarine thriller"]}
    assert recalls(c, three, lambda _: [*wrong, *right[:2]], 10).tolist() == [2 / 3]
    assert recalls(c, three, lambda _: [*wrong, *right[:2]], 5).tolist() == [0]
