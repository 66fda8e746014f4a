"""Retrieve, filter, rank, diversify: the only door through which the app asks for items.

- Retrieve. The generator scores the whole catalogue for the user (taste). A wish is searched in the item texts
  (FAISS; cosine, plus the share of the wish's words that an item really has); "like this one" is answered by likeness
  (likeness.py), which popularity has no part in. What was liked in passing asks the generator for a user who met only
  that, and the texts for its neighbours, fused by reciprocal rank (Cormack, Clarke & Büttcher, SIGIR 2009), because
  scores of two models are not comparable.
- Of somebody whose history is short, what they said so far (any words, asked or told) and liked in this conversation
  counts beside the wish, and so does an item's popularity (how many people chose it): measured on real dialogues, the
  words find twice as much with popularity as without. All three fade as the history grows: known taste needs no crutch.
  None of them counts where something like an item is asked for.
  The better a wish is answered (the share of its words that the best item has), the less popularity has a say:
  "submarine thriller" has its films, and what most people chose is none of them.
- Filter. Constraints and exclusions are one exact mask, applied before any list is cut, so that a narrow one still
  fills the list.
- Rank. Taste is the generator's score plus `ranker_weight` times the ranker's, both standardised over the pool. Where a
  wish or liked items lead, taste only orders what suits them: from worst to best it weighs `taste_weight`, in units of
  cosine. What resembles disliked items sinks.
- Diversify. One of several rows with equal title and year; of the other parts of a series that the wished-for likeness
  brings one in five, unless they are asked for (wholes.py); Maximal Marginal Relevance with a weight that costs nothing
  on validation.
"""

import copy
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from app.errors import RecommenderError
from recommenders.contract import (
    Candidate,
    Explanation,
    Provenance,
    Recommendation,
    Recommender,
    Request,
    best,
)
from recommenders.data import Catalogue, Condition, UserState, each_part
from recommenders.pipeline.diversify import Resemblance, reorder
from recommenders.pipeline.likeness import Likeness
from recommenders.pipeline.wholes import Wholes, few
from recommenders.texts import TextIndex, content_words, word_index
from recommenders.wishes import WishIndex

# Sources beside the names of generator and ranker.
TEXT, SIMILAR, SAID, POPULARITY = "text", "similar", "said", "popularity"
CALLED = "called"
_RECIPROCAL = 60  # the constant of reciprocal rank fusion


@dataclass(frozen=True)
class PipelineConfig:
    depth: int = 200
    """Items that each source retrieves and the ranker sees."""
    ranker_weight: float = 0.3
    """The ranker's standardised score against the generator's; chosen on validation by recommenders.tune."""
    taste_weight: float = 0.15
    """What taste, from worst to best of the pool, weighs where a wish or liked items lead; in units of cosine. On 18
    wishes with known answers recall@10 is .75 without taste, .74 with this, .70 with twice this."""
    words_weight: float = 0.3
    """What having all words of a wish weighs; in units of cosine."""
    popularity_weight: float = 0.4
    """What being the item that most people chose (in logarithms) weighs beside what a newcomer said; units of cosine.
    From .3 to .6 real dialogues (their first half) tell no difference. A wish that some item has all words of takes it
    away: there it cost .07 of recall@10 on wishes with known answers."""
    newcomer: float = 20.0
    """History items, met before this conversation, at which its words, likes and popularity count half. Set by hand."""
    dislike_weight: float = 2.0
    """How far the twin of a disliked item sinks; in standard deviations of the pool."""
    diversity: float = 0.0
    """λ of Maximal Marginal Relevance; chosen on validation by recommenders.tune."""
    liked_from: float = 0.0
    """History values from here on count as liked when shared attributes are told."""


@dataclass
class Pool:
    """The items under consideration, in order of retrieval, and what each source said of them; arrays are (C,)."""

    items: np.ndarray
    said: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)  # source -> ranks, raw scores
    final: np.ndarray = field(default_factory=lambda: np.empty(0))
    seconds: dict[str, float] = field(default_factory=dict)
    unmatched_wish: bool = False
    likeness: np.ndarray | None = None  # (I,) to what the request names


class Pipeline:
    """One generator, perhaps a ranker, perhaps item texts, over one catalogue. Holds no state of any user."""

    def __init__(
        self,
        catalogue: Catalogue,
        generator: Recommender,
        ranker: Recommender | None = None,
        texts: TextIndex | None = None,
        config: PipelineConfig = PipelineConfig(),
        popularity: np.ndarray | None = None,
        likeness: Likeness | None = None,
        wishes: WishIndex | None = None,
    ) -> None:
        """popularity: (I,) how many people chose each item; None where it is not known. likeness: None is the one by
        texts and attributes alone. wishes: reads wishes; without it the index of the texts and bare words do."""
        for role, model in (("generator", generator), ("ranker", ranker)):
            if model is not None and role not in model.roles:
                raise RecommenderError(f"{model.name} cannot be a {role}; its roles: {', '.join(sorted(model.roles))}")
            if model is not None and model.catalogue.ids != catalogue.ids:
                raise RecommenderError(f"{model.name} was fitted on another catalogue than the pipeline's")
        if texts is not None and len(texts.vectors) != len(catalogue):
            raise RecommenderError(f"the text index holds {len(texts.vectors)} items, the catalogue {len(catalogue)}")
        self.catalogue = catalogue
        self.generator = generator
        self.ranker = ranker
        self.texts = texts
        self.wishes = wishes
        self.config = config
        self._popularity = None if popularity is None else _in_logarithms(popularity)
        self.resemblance = Resemblance(catalogue, None if texts is None else texts.vectors)
        self._twins = _twins(catalogue)
        self.likeness = likeness or Likeness(catalogue, None if texts is None else texts.vectors)
        self._wholes = Wholes(catalogue)
        self._words = word_index.index_of(catalogue)

    def with_model(self, model: Recommender) -> "Pipeline":
        """The same with another version of one of its models, known by its name; all else is shared."""
        other = copy.copy(self)
        if self.generator.name == model.name:
            other.generator = model
        if self.ranker is not None and self.ranker.name == model.name:
            other.ranker = model
        return other

    # -- asking -----------------------------------------------------------------------------------------------------

    def recommend(self, state: UserState, request: Request, *, pool: int | None = None) -> Recommendation:
        """The best items that qualify, best first: request.k of them, or `pool` where that is more.

        Fewer come back when fewer qualify; `note` then says why. UnknownName when a filter names what the catalogue
        does not have.
        """
        began = time.perf_counter()
        request = _meant(request)
        allowed = self.allowed(state, request)
        qualified = self._count(allowed)
        wanted = max(request.k, pool or 0)
        parts = (self.generator.name, None if self.ranker is None else self.ranker.name)
        seconds = {"filter": time.perf_counter() - began}
        if wanted <= 0 or not qualified:
            return Recommendation((), qualified, *parts, self._note(state, request, qualified, None), seconds)
        found = self.consider(state, request, allowed, wanted)
        began = time.perf_counter()
        order = self._apart(found, request, wanted)
        matched = self._matched(found.items[order], request)
        candidates = tuple(
            Candidate(int(found.items[c]), rank, float(found.final[c]), _provenance(found, c), has)
            for rank, (c, has) in enumerate(zip(order.tolist(), matched, strict=True), start=1)
        )
        seconds |= found.seconds | {"diversify": time.perf_counter() - began}
        return Recommendation(candidates, qualified, *parts, self._note(state, request, qualified, found), seconds)

    def explain(
        self, state: UserState, items: Sequence[int], request: Request | None = None, *, latest: int = 50
    ) -> list[Explanation]:
        """Evidence for each item: leave-one-out influences by the generator, what each stage said of the item, what it
        shares with the liked history, what of the request it has.

        An item that the user has met since (liked in the chat, say) is explained as if they had not.
        """
        request = _meant(request or Request())
        explanations: dict[int, Explanation] = {}
        fresh = [i for i in dict.fromkeys(items) if i not in state.items]
        if fresh:
            explanations |= self._explained(state, fresh, request, latest)
        for item in set(items) - set(fresh):
            earlier = state
            while item in earlier.items:
                earlier = earlier.without(earlier.items.index(item))
            explanations |= self._explained(earlier, [item], request, latest)
        return [explanations[i] for i in items]

    def _explained(self, state: UserState, items: list[int], request: Request, latest: int) -> dict[int, Explanation]:
        allowed = self.allowed(state, request)
        allowed[items] = True
        found = self.consider(state, request, allowed, request.k, also=items)
        place = {int(item): c for c, item in enumerate(found.items)}
        liked = [i for i, v in zip(state.items, state.values, strict=True) if v >= self.config.liked_from]
        return {
            item: replace(
                base,
                provenance=_provenance(found, place[item]),
                shared=self._shared(item, liked),
                matched=has,
            )
            for item, base, has in zip(
                items,
                self.generator.explain(state, items, latest=latest),
                self._matched(np.array(items), request),
                strict=True,
            )
        }

    # -- the stages -------------------------------------------------------------------------------------------------

    def allowed(self, state: UserState, request: Request) -> np.ndarray:
        """(I,) bool: items that keep the conditions and that the user has not seen or rejected, twins included."""
        allowed = self.catalogue.attributes.mask(request.conditions).copy()
        out = [*request.exclude, *state.disliked, *request.like]
        if not request.include_seen:
            out += state.items
        allowed[self._with_twins(out)] = False
        return allowed

    def twins(self, item: int) -> tuple[int, ...]:
        """The other rows of the item's title and year."""
        return self._twins.get(item, ())

    def _count(self, allowed: np.ndarray) -> int:
        """How many different items are allowed: twins are one."""
        spare = sum(any(allowed[t] for t in twins if t < item) for item, twins in self._twins.items() if allowed[item])
        return int(allowed.sum()) - spare

    def _with_twins(self, items: Sequence[int]) -> list[int]:
        return [*items, *(twin for item in items for twin in self._twins.get(item, ()))]

    def consider(
        self, state: UserState, request: Request, allowed: np.ndarray, wanted: int, also: Sequence[int] = ()
    ) -> Pool:
        """Retrieved items (and those of `also`), in order of retrieval, scored by every stage."""
        began = time.perf_counter()
        depth = max(self.config.depth, 2 * wanted)
        numbers = np.flatnonzero(allowed)  # (A,)
        taste = self.generator.score([state])[0].astype(np.float64)  # (I,)
        retrieved: list[np.ndarray] = []
        if request.wish:
            retrieved += self._wish(request.wish, allowed, depth)
        likeness = self._likeness_to(request) if request.alike else None
        if likeness is not None:
            retrieved.append(_best(likeness, numbers, depth))
        elif request.liked:
            retrieved += self._like(request.liked, numbers, depth)
        if request.said and not request.alike:
            retrieved += self._wish(request.said, allowed, depth)
            if self._popularity is not None:
                retrieved.append(_best(self._popularity, numbers, depth))
        # neither given, or (without texts) too few have a word of the wish
        if not (request.wish or request.alike) or sum(map(len, retrieved)) < depth:
            retrieved.append(self.by_taste(taste, allowed, depth))
        items = np.concatenate([*retrieved, np.array(also, np.int64)])
        items = items[np.sort(np.unique(items, return_index=True)[1])]  # each once, in order of retrieval
        items = self._without_twins(items, also)
        found = Pool(items, likeness=likeness)
        found.said[self.generator.name] = (_ranks(taste[numbers], taste[items]), taste[items])
        lead = self._lead(state, request, items, found)
        found.seconds["retrieve"] = time.perf_counter() - began

        began = time.perf_counter()
        score = standard(taste[items])
        if self.ranker is not None:
            ranked = self.ranker.score([state], items[None])[0].astype(np.float64)  # (C,)
            found.said[self.ranker.name] = (_ranks(ranked, ranked), ranked)
            score = score + self.config.ranker_weight * standard(ranked)
        scale = 1.0
        if lead is not None:
            # the taste of somebody unknown is what most people chose: no likeness, and a wish that is read weighs it
            apart = request.alike or (bool(request.wish) and self.wishes is not None)
            known = 1 - self._newness(state, request) if apart else 1.0
            score = lead + known * self.config.taste_weight * unit(score)
            scale = self.config.taste_weight
        if state.disliked:
            score = score - scale * self.config.dislike_weight * self.resemblance.to_any(items, state.disliked)
        found.final = score
        found.seconds["rank"] = time.perf_counter() - began
        return found

    def by_taste(self, taste: np.ndarray, allowed: np.ndarray, depth: int) -> np.ndarray:
        """The allowed items that the generator scores highest, best first, one of each set of twins."""
        return self._without_twins(_best(taste, np.flatnonzero(allowed), depth), ())

    def _wish(self, wish: str, allowed: np.ndarray, depth: int) -> list[np.ndarray]:
        """Items whose text is nearest to the wish, and those that have most of its words."""
        if self.wishes is not None:
            return [_best(self.wishes.scores(wish), np.flatnonzero(allowed), depth)]
        covered = self._words.coverage(wish)
        having = [_best(covered, np.flatnonzero(allowed & (covered > 0)), depth)]
        if self.texts is None:
            return having
        return [np.array([i for i, _ in self.texts.search(wish, depth, allowed=allowed)], np.int64), *having]

    def _like(self, like: Sequence[int], numbers: np.ndarray, depth: int) -> list[np.ndarray]:
        """Items that the generator gives to a user who met only these, and those of nearest text."""
        return [_best(scores, numbers, depth) for scores in self._similar(like) if scores is not None]

    def _likeness_to(self, request: Request) -> np.ndarray:
        """(I,) how alike each item is to what the request names, whether the catalogue has it or lacks it."""
        found = [self.likeness.to([item]) for item in request.like]
        strangers = self.catalogue.relatives
        if strangers is not None:
            for row in request.relatives:
                vector = None if self.texts is None else self.texts.of_stranger(strangers, row)
                found.append(self.likeness.to_stranger(strangers, row, vector))
        return np.sum(found, axis=0) / len(found) if found else np.zeros(len(self.catalogue))

    def _similar(self, like: Sequence[int]) -> tuple[np.ndarray, np.ndarray | None]:
        """Both (I,): the generator's scores for a user who met only these, the cosines to the middle of their texts."""
        fold_in = self.generator.score([UserState(items=tuple(like))])[0].astype(np.float64)
        if self.texts is None:
            return fold_in, None
        middle = self.texts.vectors[list(like)].mean(axis=0)
        return fold_in, (self.texts.vectors @ (middle / max(float(np.linalg.norm(middle)), 1e-9))).astype(np.float64)

    def _lead(self, state: UserState, request: Request, items: np.ndarray, found: Pool) -> np.ndarray | None:
        """(C,) how well each item suits the wish, the liked items and what was said, in units of cosine; None without
        any of them."""
        lead = None
        new, answered = self._newness(state, request), 0.0
        if request.wish:
            lead, answered, found.unmatched_wish = self._wished(request.wish, items)
            found.said[TEXT] = (_ranks(lead, lead), lead)
        if request.said and not request.alike:
            told = self._told(request.said, items)
            found.said[SAID] = (_ranks(told, told), told)
            share = new / (2 if self.wishes is None else 4)  # beside a wish; what reads it has more to say
            lead = new * told if lead is None else (1 - share) * lead + share * told
            if self._popularity is not None and self.wishes is None and answered < _WHOLLY:
                popularity = self._popularity[items]
                # the generator of this name says the same, and of the whole catalogue
                found.said.setdefault(POPULARITY, (_ranks(popularity, popularity), popularity))
                lead = lead + new * (1 - answered) * self.config.popularity_weight * popularity
        if found.likeness is not None:
            likeness = np.tanh(found.likeness[items])  # a twin leads, but not by miles
            found.said[SIMILAR] = (_ranks(likeness, likeness), likeness)
            lead = likeness if lead is None else lead + self.config.words_weight * likeness
        elif request.liked:
            fold_in, by_text = self._similar(request.liked)
            fused = _reciprocal(fold_in[items])
            if by_text is not None:
                fused = (fused + _reciprocal(by_text[items])) / 2
            found.said[SIMILAR] = (_ranks(fused, fused), fused)
            lead = (0.0 if lead is None else lead) + new * self.config.words_weight * fused
        return lead

    def _told(self, said: str, items: np.ndarray) -> np.ndarray:
        """(C,) how near each item is to what was said so far, in units of cosine."""
        if self.wishes is not None:
            return self.wishes.scores(said)[items] / self.wishes.reader.scale
        return self._worded(said, items)[0]

    def _wished(self, wish: str, items: np.ndarray) -> tuple[np.ndarray, float, bool]:
        """(C,) how well each item answers the wish, in units of cosine; how far popularity has no say beside it (what
        reads wishes has weighed it), 0 to 1; whether nothing speaks of the wish."""
        if self.wishes is not None:
            strange = not self._words.coverage(wish).any() and not self.wishes.speaks_of_items(wish)
            return self.wishes.scores(wish)[items] / self.wishes.reader.scale, 1.0, strange
        lead, covered, nearest = self._worded(wish, items)
        answered = float(covered.max(initial=0.0))
        return lead, answered, answered == 0 and nearest < _STRANGE

    def _worded(self, text: str, items: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """(C,) how near each item's text is to the words, (C,) the share of them that it has, the best cosine."""
        covered = self._words.coverage(text)[items].astype(np.float64)
        if self.texts is None:
            return covered + (covered > 0), covered, 0.0  # any word stands before none
        cosines = (self.texts.vectors[items] @ self.texts.encoder.query(text)).astype(np.float64)
        return cosines + self.config.words_weight * covered, covered, float(cosines.max(initial=0.0))

    def _newness(self, state: UserState, request: Request) -> float:
        """1 for somebody known by this conversation alone, towards 0 as the history before it grows."""
        before = len({*state.items} - {*request.liked})
        return self.config.newcomer / (self.config.newcomer + before)

    def _without_twins(self, items: np.ndarray, keep: Sequence[int]) -> np.ndarray:
        """The first retrieved of rows with equal title and year; those of `keep` stay."""
        if not self._twins:
            return items
        dropped: set[int] = set()
        for item in [*keep, *items.tolist()]:
            if item not in dropped:
                dropped.update(t for t in self._twins.get(item, ()) if t not in keep)
        return items[~np.isin(items, list(dropped))] if dropped else items

    def _apart(self, found: Pool, request: Request, wanted: int) -> np.ndarray:
        """The final list, in which other parts of a series that was named keep apart."""
        if not request.alike or self._wholes.asked(request.conditions):
            return self._order(found, wanted)
        parts = self._wholes.parts(self.catalogue, request.like)
        if self.catalogue.relatives is not None:
            parts |= self._wholes.parts(self.catalogue.relatives, request.relatives)
        order = self._order(found, wanted + int(parts[found.items].sum()))
        return few(order, parts[found.items[order]], wanted)

    def _order(self, found: Pool, wanted: int) -> np.ndarray:
        """Positions into the pool of the final list, best first."""
        order = np.argsort(-found.final, kind="stable")
        if self.config.diversity <= 0 or len(order) < 3:
            return order[:wanted]
        head = order[: max(self.config.depth // 2, 2 * wanted)]
        alike = self.resemblance.between(found.items[head])
        return head[reorder(unit(found.final[head]), alike, wanted, self.config.diversity)]

    # -- in words ---------------------------------------------------------------------------------------------------

    def _matched(self, items: np.ndarray, request: Request) -> list[Mapping[str, tuple[str, ...]]]:
        """For each item what of the request it has: attribute -> the names that were wanted or what its cell says; and
        "words" of the wish, "called" for what else of the item the wish meant."""
        attributes = self.catalogue.attributes
        found = self._words.matched(request.wish, items.tolist()) if request.wish else [()] * len(items)
        called = (
            self.wishes.called(request.wish, items.tolist())
            if self.wishes is not None and request.wish
            else [()] * len(items)
        )
        matched: list[Mapping[str, tuple[str, ...]]] = []
        for item, hits, meant in zip(items.tolist(), found, called, strict=True):
            has: dict[str, tuple[str, ...]] = {}
            for condition in request.conditions:
                if not condition.excludes:
                    has[condition.attribute] = (*has.get(condition.attribute, ()), *attributes.met(item, condition))
            matched.append({name: values for name, values in {**has, "words": hits, CALLED: meant}.items() if values})
        return matched

    def _shared(self, item: int, liked: Sequence[int]) -> Mapping[str, tuple[str, ...]]:
        """Genres and people of the item that the liked history has too, the most frequent there first."""
        shared = {}
        for name, rows in (("genres", self.catalogue.genres), ("people", self.catalogue.people)):
            counts = {value: sum(value in rows[i] for i in liked) for value in rows[item]}
            values = tuple(sorted((v for v in counts if counts[v]), key=lambda v: -counts[v]))
            if values:
                shared[name] = values
        return shared

    def _note(self, state: UserState, request: Request, qualified: int, found: Pool | None) -> str:
        said = [*self._short(state, request, qualified)] if qualified < request.k else []
        if found is not None and found.unmatched_wish:
            instead = "these follow your taste" if self.texts is None else "these are the nearest"
            said.append(f"Nothing in the catalogue speaks of '{request.wish}'; {instead}.")
        if found is not None and not state.items and not request.wish and not request.alike:
            said.append("Nothing is known of your taste yet, so this starts from what many people chose.")
        return " ".join(said)

    def _short(self, state: UserState, request: Request, qualified: int) -> Iterator[str]:
        """Why the list is short, and what giving up one condition would bring, or else which conditions go together."""
        split = each_part(request.conditions)
        many = f"Only {qualified} item{'s' if qualified != 1 else ''} of {len(self.catalogue)}"
        what = " and ".join(self._in_words(part) for part, _ in split)
        yield (
            f"{many if qualified else 'Nothing'} {'qualify' if qualified > 1 else 'qualifies'}"
            + (f" ({what})." if what else " that you do not know yet.")
        )
        freed = 0
        for part, others in split:
            more = self._count(self.allowed(state, replace(request, conditions=others)))
            if more > qualified:
                freed += 1
                yield f"Without '{self._in_words(part)}' there would be {more}."
        if not freed and not qualified and (kept := self._widest(state, request)):
            yield f"With '{' and '.join(kept[0])}' alone there would be {kept[1]}."

    def _in_words(self, condition: Condition) -> str:
        return self.catalogue.schema[condition.attribute].describe(condition)

    def _widest(self, state: UserState, request: Request) -> tuple[tuple[str, ...], int] | None:
        """The most conditions that something keeps together, and how many items do; None where nothing keeps any, or
        where they are too many to try."""
        tried = each_part(request.conditions)
        if len(tried) > _TRIED:
            return None
        level = {request.conditions}
        for _ in tried:  # one condition less each time
            level = {fewer for some in level for _, fewer in each_part(some)} - {()}
            counts = {some: self._count(self.allowed(state, replace(request, conditions=some))) for some in level}
            kept = max(counts, key=lambda some: (counts[some], repr(some)), default=None)
            if kept is not None and counts[kept]:
                return tuple(self._in_words(part) for part, _ in each_part(kept)), counts[kept]
        return None


_WHOLLY = 1 - 1e-6  # share of a wish's words, summed in float32, from which on it has them all
_TRIED = 6  # conditions of which every set is tried: 64 masks
_STRANGE = 0.3  # cosine that random letters reach with some text; below it, and without a common word, nothing matches


def _meant(request: Request) -> Request:
    """Without words that say nothing ("something good", "a film to watch"): taste answers that."""
    wish, said = (text if content_words(text) else "" for text in (request.wish, request.said))
    return replace(request, wish=wish, said=said)


def _twins(catalogue: Catalogue) -> dict[int, tuple[int, ...]]:
    """item -> the other items of equal title and year; only items that have any."""
    groups: dict[tuple[str, int], list[int]] = {}
    for item, (title, year) in enumerate(zip(catalogue.titles, catalogue.years.tolist(), strict=True)):
        groups.setdefault((title.casefold(), year), []).append(item)
    return {i: tuple(j for j in group if j != i) for group in groups.values() if len(group) > 1 for i in group}


def _in_logarithms(popularity: np.ndarray) -> np.ndarray:
    """(I,) how many people chose each item -> (I,) in [0, 1], in logarithms, the most popular at 1."""
    logarithms = np.log1p(popularity.astype(np.float64))
    return logarithms / max(float(logarithms.max(initial=0.0)), 1e-9)


def _best(scores: np.ndarray, numbers: np.ndarray, n: int) -> np.ndarray:
    """The n of `numbers` with the highest scores, best first, ties to the smaller number."""
    return numbers[best(scores[numbers], n)]


def _ranks(among: np.ndarray, own: np.ndarray) -> np.ndarray:
    """1-based rank of each of `own` in `among`: one more than the number of higher scores."""
    return 1 + len(among) - np.searchsorted(np.sort(among), own, side="right")


def standard(scores: np.ndarray) -> np.ndarray:
    """Mean 0, standard deviation 1 (all 0 where all are equal)."""
    spread = scores.std()
    return (scores - scores.mean()) / spread if spread > 1e-12 else np.zeros(len(scores))


def unit(scores: np.ndarray) -> np.ndarray:
    """Stretched to [0, 1] (all 0 where all are equal)."""
    low, high = scores.min(initial=np.inf), scores.max(initial=-np.inf)
    return (scores - low) / (high - low) if high - low > 1e-12 else np.zeros(len(scores))


def _reciprocal(scores: np.ndarray) -> np.ndarray:
    """Reciprocal rank with the best at 1."""
    return (_RECIPROCAL + 1) / (_RECIPROCAL + _ranks(scores, scores))


def _provenance(found: Pool, c: int) -> tuple[Provenance, ...]:
    return tuple(Provenance(source, int(r[c]), float(s[c])) for source, (r, s) in found.said.items())
