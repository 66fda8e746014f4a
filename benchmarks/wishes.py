"""How well free-text wishes are answered on MovieLens 100K: 18 wishes with known answers, before personal taste.

    python benchmarks/wishes.py [--forms]

The answers come from general knowledge of the films and are not complete; some were written after first rankings (by
titles and genres alone) had been seen, and the pipeline's weights were chosen on these same wishes. So the figures
compare variants with each other; they do not tell how well a new wish is answered. --forms also compares what the
encoder is given of an item (takes minutes).
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from app.settings import settings
from recommenders import datasets, words
from recommenders.base import Recommender
from recommenders.config import configured
from recommenders.pipeline import Pipeline, PipelineConfig
from recommenders.request import Request
from recommenders.tables import Catalogue
from recommenders.text import TextEncoder, TextIndex, document

ANSWERS = {
    "slow-burning space horror": "Alien|2001: A Space Odyssey|Event Horizon|Alien 3|Aliens",
    "a heist that goes wrong": "Reservoir Dogs|Heat|Dead Presidents|Set It Off|Quick Change|A Fish Called Wanda|"
    "Bottle Rocket|Killing Zoe",
    "submarine thriller": "Das Boot|The Hunt for Red October|Crimson Tide",
    "dinosaurs on an island": "Jurassic Park|The Lost World: Jurassic Park",
    "courtroom drama": "12 Angry Men|A Time to Kill|Primal Fear|To Kill a Mockingbird|Philadelphia|"
    "In the Name of the Father|The Rainmaker|The Sweet Hereafter|Ghosts of Mississippi|The Firm|The Juror|"
    "The People vs. Larry Flynt",
    "romantic comedy in new york": "When Harry Met Sally...|Annie Hall|Manhattan|Sleepless in Seattle|"
    "The Mirror Has Two Faces|One Fine Day|Breakfast at Tiffany's|It Could Happen to You|If Lucy Fell|She's the One|"
    "Picture Perfect|Addicted to Love|As Good As It Gets|Everyone Says I Love You|Two Girls and a Guy|"
    "Walking and Talking|Mighty Aphrodite",
    "serial killer hunted by a detective": "Seven (Se7en)|The Silence of the Lambs|Kiss the Girls|Copycat|Fallen|M|"
    "Fargo|Virtuosity|Nightwatch|In the Line of Fire",
    "boxing": "Raging Bull|The Great White Hype|When We Were Kings|The Boxer",
    "artificial intelligence takes over": "The Terminator|Terminator 2: Judgment Day|2001: A Space Odyssey|"
    "Blade Runner|Ghost in the Shell (Kokaku kidotai)|Tron|Virtuosity|Screamers|The Lawnmower Man|Hackers|"
    "Lawnmower Man 2: Beyond Cyberspace",
    "vietnam war": "Platoon|Apocalypse Now|Full Metal Jacket|The Deer Hunter|Born on the Fourth of July|"
    "Good Morning, Vietnam|Forrest Gump|Dead Presidents|Operation Dumbo Drop|Cyclo|The War at Home|Jacob's Ladder",
    "vampires": "Interview with the Vampire|From Dusk Till Dawn|Bram Stoker's Dracula|"
    "Nosferatu (Nosferatu, eine Symphonie des Grauens)|Nadja|The Hunger|The Addiction|"
    "Blood For Dracula (Andy Warhol's Dracula)|Vampire in Brooklyn|Dracula: Dead and Loving It|Nosferatu a Venezia|"
    "Tales from the Crypt Presents: Bordello of Blood",
    "pirates and treasure": "Cutthroat Island|Muppet Treasure Island|The Princess Bride|Hook|Tom and Huck",
    "time travel": "Back to the Future|Twelve Monkeys|The Terminator|Terminator 2: Judgment Day|Groundhog Day|"
    "Star Trek IV: The Voyage Home|Star Trek: First Contact|Timecop|Star Trek: Generations|"
    "A Kid in King Arthur's Court|Army of Darkness|The Visitors (Les Visiteurs)|Lost in Space|Warlock|"
    "Somewhere in Time",
    "mafia family saga with Al Pacino": "The Godfather|The Godfather: Part II|Donnie Brasco|Scarface|Carlito's Way|"
    "GoodFellas|Casino|Heat|City Hall",
    "something heartwarming for kids with animals": "Babe|Fly Away Home|Free Willy|The Lion King|Old Yeller|Balto|"
    "Andre|Homeward Bound: The Incredible Journey|Homeward Bound II: Lost in San Francisco|Lassie|Black Beauty|"
    "Beethoven|101 Dalmatians|Air Bud|Flipper|Far From Home: The Adventures of Yellow Dog|Zeus and Roxanne|Dumbo|"
    "Free Willy 2: The Adventure Home|Shiloh|Paulie|That Darn Cat!|The Amazing Panda Adventure|Gordy|"
    "Cats Don't Dance|Free Willy 3: The Rescue|The Fox and the Hound|The Aristocats",
    "jazz musicians": "Bird|Kansas City|Mo' Better Blues|Swing Kids|A Great Day in Harlem|Georgia",
    "aliens invade earth": "Independence Day (ID4)|Mars Attacks!|The Arrival|Invasion of the Body Snatchers|"
    "Men in Black|Body Snatchers|The Day the Earth Stood Still|The Blob|Starship Troopers|Species|Species II|Sphere|"
    "Robert A. Heinlein's The Puppet Masters|Mystery Science Theater 3000: The Movie|Star Trek: First Contact",
    "japanese samurai": "Ran|Kagemusha|Yojimbo",
}
FORMS: dict[str, Callable[[Catalogue, int], str]] = {
    "title, genres, text": document,
    "and people, language": lambda c, i: ". ".join([document(c, i), ", ".join(c.people[i]), c.languages[i]]),
    "genres, text": lambda c, i: ". ".join([", ".join(c.genres[i]), c.texts[i]]),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forms", action="store_true")
    args = parser.parse_args()
    s = settings()
    data = datasets.load("ml-100k", s.cache_dir, s.datasets)
    c = data.catalogue
    answers = {wish: set(titles.split("|")) & set(c.titles) for wish, titles in ANSWERS.items()}
    answers = {wish: titles for wish, titles in answers.items() if titles}
    encoder = TextEncoder(s.cache_dir / "encoder")

    def recall(found: Callable[[str], list[int]], k: int) -> float:
        """Mean over the wishes: answers among the first k, of as many as could be there."""
        hits = [len({c.titles[i] for i in found(w)[:k]} & right) / min(k, len(right)) for w, right in answers.items()]
        return float(np.mean(hits))

    print(f"{len(answers)} wishes, {len(c):,} films\n")
    if args.forms:
        index = words.index_of(c)
        print("| what the encoder reads | words weight | recall@10 | recall@5 | seconds |\n|---|---|---|---|---|")
        for name, form in FORMS.items():
            began = time.perf_counter()
            vectors = encoder.encode([form(c, item) for item in range(len(c))])
            seconds = time.perf_counter() - began
            for weight in (0.0, 0.15, 0.3, 0.5):

                def found(wish: str, vectors: np.ndarray = vectors, weight: float = weight) -> list[int]:
                    scores = vectors @ encoder.query(wish) + weight * index.coverage(wish)
                    return np.argsort(-scores, kind="stable")[:10].tolist()

                print(f"| {name} | {weight} | {recall(found, 10):.3f} | {recall(found, 5):.3f} | {seconds:.0f} |")
        print()

    texts = TextIndex.load(s.runs_dir / "ml-100k" / "text-index", encoder, c)
    generator: Recommender = configured("ease").fit(data)
    states = [data.state(user) for user in range(0, 60, 2)]
    print("| taste weight | recall@10 | recall@5 | generator's rank of the first five (geometric mean) |")
    print("|---|---|---|---|")
    for weight in (0.0, 0.05, 0.1, 0.15, 0.2, 0.3):
        pipeline = Pipeline(c, generator, None, texts, PipelineConfig(taste_weight=weight))
        at_10, at_5, ranks = [], [], []
        for state in states:
            lists = {w: pipeline.recommend(state, Request(k=10, wish=w, include_seen=True)).candidates for w in answers}
            at_10.append(recall(lambda w, lists=lists: [x.item for x in lists[w]], 10))  # type: ignore[misc]
            at_5.append(recall(lambda w, lists=lists: [x.item for x in lists[w]], 5))  # type: ignore[misc]
            ranks += [np.log(x.provenance[0].rank) for found_ in lists.values() for x in found_[:5]]
        print(f"| {weight} | {np.mean(at_10):.3f} | {np.mean(at_5):.3f} | {np.exp(np.mean(ranks)):.0f} |")


if __name__ == "__main__":
    main()
