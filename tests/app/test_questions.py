"""What people ask about films, and what a right answer has: each question asked of the service on movielens-2016."""

import re
import threading
from collections.abc import Iterator

import pytest

from app.errors import DataError
from app.events import Done
from app.service.chat import Chat
from app.service.store import Store
from app.service.workbench import Workbench
from app.settings import Settings
from recommenders.data import sources
from recommenders.experiments.training import train

NAME = "movielens-2016"
TALKS: tuple[tuple[tuple[str, str], ...], ...] = (
    # what is it, who made it, how long
    (("what is Heat about?", "master thief"), ("who's in it?", "Al Pacino.*Robert De Niro"),
     ("who directed that?", "Michael Mann directed Heat"), ("how long is it?", "^Heat runs 2 hours 50 minutes"),
     ("when did it come out?", "1995"), ("what kind of film is it?", "Action, Crime and Thriller"),
     ("what's it rated?", "rated R"), ("what language is it in?", "in English"), ("which country is it from?", "USA"),
     ("tell me more about it", "^Heat .1995.: .*by Michael Mann, with Al Pacino.*2 hours 50 minutes.*R.*stars"),
     ("what's the mood?", "tense"), ("where does it take place?", "los angeles")),
    (("how long is The Godfather?", "2 hours 55 minutes"), ("who plays in Pulp Fiction?", "John Travolta"),
     ("who directed Jaws?", "Steven Spielberg directed Jaws"), ("what's the plot of Memento?", "wife's killer"),
     ("what happens in Memento?", "wife's killer"), ("what language is Amélie in?", "French"),
     ("what genre is Alien?", "Horror and Sci-Fi"), ("what year is Jaws from?", "1975"),
     ("what's the running time of Alien?", "1 hour 57 minutes"), ("who stars in Alien?", "Sigourney Weaver"),
     ("tell me about The Shawshank Redemption", "prison.*by Frank Darabont, with Tim Robbins"),
     ("and who made Fargo?", "Coen directed Fargo")),
    # yes or no
    (("is Heat violent?", "^Yes, Heat has strong violence"), ("how violent is it?", "strong violence"),
     ("is it in colour?", "^Yes, Heat is in colour"), ("is it in black and white?", "^No, Heat is in colour"),
     ("is it long?", "^Yes, .*2 hours 50"), ("is it old?", "^No, .*1995"), ("is it a comedy?", "^No, .*Crime"),
     ("is it rated R?", "^Yes"), ("is Al Pacino in it?", "^Yes, Heat stars Al Pacino"),
     ("is Brad Pitt in it?", "^No, .*Al Pacino"), ("is it by Michael Mann?", "^Yes, Michael Mann directed"),
     ("is it by Ridley Scott?", "^No, Michael Mann directed"), ("is it in French?", "^No, .*English"),
     ("is there a lot of swearing?", "^Yes, .*strong swearing"), ("is it funny?", "^No"), ("is it slow?", "^No|^Yes")),
    (("is Casablanca in black and white?", "^Yes"), ("did Steven Spielberg direct Jaws?", "^Yes, Steven Spielberg"),
     ("is Toy Story funny?", "^Yes, Toy Story is funny"), ("how scary is The Shining?", "strong frightening"),
     ("is there nudity in Basic Instinct?", "^Yes, .*strong sex"), ("does Trainspotting have drugs?", "^Yes, .*drug"),
     ("is Casablanca old?", "^Yes, .*1942"), ("is Gone with the Wind long?", "^Yes, .*3 hours 58"),
     ("is Airplane! a comedy?", "^Yes"), ("is Jaws violent or scary?", "violence.*frightening|frightening.*violence")),
    # for children
    (("is Shrek good for kids?", "^Yes, Shrek is for ages 6 and up.*violence"), ("ok for a 10 year old?", "^Yes"),
     ("is Saw ok for kids?", "^No, Saw is for ages 18"), ("can my kids watch Jurassic Park?", "ages 12"),
     ("is Finding Nemo ok for a 5 year old?", "^No, .*ages 6"), ("would my 8 year old like Toy Story?", "^Yes"),
     ("what's the age rating of Shrek?", "PG"), ("can I watch Shrek with my family?", "^Yes, .*family"),
     ("is Heat good for a date?", "^No, .*friends")),
    # prizes, opinions
    (("did Heat win any Oscars?", "^No, Heat won no Oscars"), ("how many Oscars did Titanic win?", "won 11 Oscars"),
     ("did Titanic win an Oscar?", "^Yes, .*11 Oscars .14 nominations"),
     ("was Alien nominated for anything?", "2 nominations|2 Oscar"),
     ("what did other people think of Fargo?", "4.3 stars .224 ratings"),
     ("is it any good?", "^Yes, people here give Fargo"),
     ("is it worth watching?", "^Yes, "), ("how popular is it?", "224 people"), ("do people like it?", "4.3 stars"),
     ("is Titanic any good?", "3.3 stars")),
    # where it comes from
    (("is Alien part of a series?", "^Yes, Alien belongs to the Alien series .number 1"),
     ("is Inception part of a trilogy?", "^No, Inception isn't part of a series"),
     ("is The Godfather: Part II a sequel?", "^Yes, .*sequel"), ("is Fargo a sequel?", "^No"),
     ("is Jaws based on a book?", "^Yes, Jaws is based on a book"), ("is Inception based on a true story?", "^No"),
     ("is Braveheart a true story?", "^Yes, .*true story"), ("what is The Shining based on?", "a book")),
    # told to those who ask alone
    (("does the dog die in Old Yeller?", "^Yes, an animal dies"),
     ("does an animal die in Heat?", "^No, no animal dies"),
     ("does The Sixth Sense have a twist?", "^Yes, there is a twist"),
     ("is there a twist in Heat?", "^No, Heat has no twist"),
     ("does Shrek end well?", "^Yes, .*happy ending"), ("does Titanic have a happy ending?", "^No, .*bittersweet"),
     ("how does Casablanca end?", "bittersweet ending"), ("does the dog die?", "animal dies"),
     ("tell me about The Sixth Sense", "^(?!.*(?:twist|ending|animal)).*Shyamalan")),
    # beyond the catalogue
    (("where can I stream Heat?", "^I don't know where Heat is streaming"),
     ("is it on Netflix?", "^I don't know where Heat"),
     ("what's the soundtrack like?", "^I don't know the music of Heat"),
     ("how much did it cost to make?", "^I don't know the budget of Heat"),
     ("what was its budget?", "^I don't know the budget"),
     ("how much money did it make?", "^I don't know what Heat took at the box office"),
     ("where was it filmed?", "^I don't know where Heat was filmed"), ("who wrote it?", "^I don't know who wrote Heat"),
     ("is there a trailer?", "^I don't know whether there is a trailer"),
     ("has it got subtitles?", "^I don't know.*subtitles"),
     ("what's the IMDb score?", "^I don't know what critics"),
     ("is it still in cinemas?", "^I don't know in which cinema"),
     ("who composed the music?", "^I don't know the music of Heat"),
     ("how much is it?", "^I don't know what Heat costs"),
     ("who produced it?", "^I don't know who produced Heat"),
     ("is there a post-credits scene?", "^I don't know.*credits")),
    # titles that are there, and some that are not
    (("have you got Casablanca?", "^Yes, I have it. Casablanca .1942."), ("do you have Heat?", "^Yes, I have it"),
     ("have you got Zorblax 9000?", "Zorblax 9000” in"), ("have you got Frozen 7?", "no title “Frozen 7”"),
     ("tell me about The Moon Zebra", "no title “The Moon Zebra”"),
     ("who is in The Purple Umbrella Returns?", "no title “The Purple Umbrella Returns”"),
     ("how long is Barbie?", "I don't have Barbie .2023.")),
    # two of them
    (("which is newer, Heat or Alien?", "^The newest is Heat .1995., then Alien"),
     ("which is older, Jaws or Alien?", "^The oldest is Jaws"),
     ("which is longer, Heat or Alien?", "^The longest is Heat"),
     ("which is shorter, Fargo or Titanic?", "^The shortest is Fargo"),
     ("which one is funnier, Fargo or Airplane!?", "^The funniest is Airplane!"),
     ("Heat or Alien, which has more Oscars?", "Alien .1 Oscar"),
     ("which came out first, Alien or Jaws?", "^The oldest is Jaws"),
     ("is Heat longer than Alien?", "longest is Heat"), ("which is better, Heat or Alien?", "Alien.*begin with"),
     ("which is more violent: Fargo or Heat?", "each of them has strong violence")),
    # several on the table
    (("three thrillers from the 90s with Brad Pitt", ""), ("which of these is the shortest?", "^The shortest is "),
     ("which is the newest?", "^The newest is "), ("which of them is the least violent?", "least violent|each"),
     ("which is the best rated?", "^The best rated is "), ("which is the funniest?", "funniest|funny"),
     ("which of them won an Oscar?", "won|None of them"),
     ("which one would you take for a date?", "something for|None"),
     ("which ones are based on a book?", "book|None of them"),
     ("are any of them in black and white?", "None|colour|white"),
     ("what's the second one about?", ": "), ("who is in the last one?", "stars|I don't know"),
     ("how violent is the first one?", "has .* violence|I don't know"), ("is the second any good?", "people here give"),
     ("which do you recommend?", "begin with")),
    # in other languages
    (("Worum geht es in Fargo?", "car salesman"), ("Wer spielt mit?", "Frances McDormand"),
     ("Wie lang ist er?", "1 hour 38"),
     ("Ist er brutal?", "^Yes, .*strong violence"), ("Hat er einen Oscar gewonnen?", "^Yes, .*2 Oscars"),
     ("Wo kann ich ihn streamen?", "^I don't know where Fargo"), ("Ist er für Kinder geeignet?", "^No")),
    (("De quoi parle Heat ?", "master thief"), ("qui joue dedans ?", "Al Pacino"),
     ("combien de temps dure-t-il ?", "2 hours 50"),
     ("est-ce que c'est violent ?", "^Yes"), ("où est-ce que je peux le voir ?", "^I don't know where Heat")),
    (("¿De qué trata Alien?", "space freighter"), ("¿quién sale?", "Sigourney Weaver"), ("¿cuánto dura?", "1 hour 57"),
     ("¿es violenta?", "violence"), ("¿ganó algún Oscar?", "^Yes, .*1 Oscar")),
)  # fmt: skip
"""Conversations; of each question what the answer must have, a regular expression."""


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    given, folder = Settings(), tmp_path_factory.mktemp("questions")
    try:
        data = sources.load(NAME, given.cache_dir, given.datasets)
    except DataError as error:
        pytest.skip(str(error))
    train("popularity", data, folder / NAME / "popularity")
    values = {"cache_dir": given.cache_dir, "runs_dir": folder, "database_url": f"sqlite:///{folder / 'chatrec.db'}"}
    served = Settings(
        _env_file=None,
        dataset=NAME,
        generator="popularity",
        ranker="none",
        backend="scripted:test",
        **values,  # type: ignore[call-arg, arg-type]
    )
    yield Chat(Workbench(served), Store(served.store_url), served)


def reply(chat: Chat, conversation: str, message: str) -> str:
    [done] = [e for e in chat.send(conversation, message, threading.Event()) if isinstance(e, Done)]
    return done.reply


@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk[0][0])
def test_each_question_has_its_answer(chat: Chat, talk: tuple[tuple[str, str], ...]) -> None:
    conversation = chat.start(chat.person()).id
    wrong = []
    for message, expected in talk:
        said = reply(chat, conversation, message)
        if not re.search(expected, said, re.DOTALL):
            wrong.append(f"{message} -> {said!r}; expected {expected!r}")
    assert not wrong, "\n".join(wrong)


def test_there_are_many() -> None:
    assert sum(map(len, TALKS)) >= 120
