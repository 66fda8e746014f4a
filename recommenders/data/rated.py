"""What all people together made of an item, as attributes: mean rating, number of ratings, and a mean that is drawn
towards the usual one where few rated.

    weighted_i = (m · C + Σ_u r_ui) / (m + n_i)     C: mean of all ratings, m: ratings of an item on average, >= 5

That is the mean of a normal likelihood with a normal prior worth m ratings (the form that IMDb published for its top
list); "the best of them" goes by it, because five stars from one person say little. Of feedback that is no rating only
the number is known.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from recommenders.data.attributes import Schema, read_attribute
from recommenders.data.tables import Dataset

RATING, RATINGS, WEIGHTED, GEM = "mean_rating", "number_of_ratings", "weighted_rating", "hidden_gem"
_FEWEST = 5.0  # ratings that the usual one counts as, at least
_GOOD, _KNOWN = 0.8, 0.75  # a gem is among the best fifth of items and not among the best-known quarter
_VOICES = 5  # ratings that a gem needs

_ATTRIBUTES = {
    RATING: {"kind": "number", "label": "mean rating", "unit": "stars", "heard": False, "better": "high",
             "aka": ("rating", "ratings", "rated"), "asked": (
                 r"what\s+(?:did|do)\s+(?:the\s+)?(?:others|other\s+people|everyone|everybody|people)\s+(?:think|say)",
                 r"how\s+(?:good|bad)\s+is", r"how\s+do\s+(?:people|others)\s+(?:like|rate)",
                 r"(?:is|was|are)\s+(?:it|that|this|they|these|those)\s+(?:\w+\s+)?(?:any\s+|actually\s+|really\s+)?"
                 r"(?:good|great|bad|popular|worth)(?!\s+for\b)", r"worth\s+(?:seeing|watching|it|my)",
                 r"well\s+(?:liked|received)",
                 r"(?:do|did)\s+(?:people|others|everyone|everybody)\s+like", r"reviews?", r"opinions?",
             ), "sentence": "people here give {it} {value}[ ({number_of_ratings} ratings)]",
             "wanted": "what people think of {it}"},
    RATINGS: {"kind": "number", "label": "number of ratings", "heard": False, "better": "high", "whole": True,
              "aka": ("popularity",), "asked": (r"how\s+(?:many\s+(?:people|others)|popular|well[\s-]known)",),
              "sentence": "{value} people here rated {it}", "wanted": "how many people know {it}", "aside": True},
    WEIGHTED: {"kind": "number", "label": "rating", "unit": "stars", "dimension": "rating", "told": False,
               "told_as": RATING,
               "better": "high"},
    GEM: {"kind": "flag", "label": "a hidden gem", "told": False, "blank_is_no": True,
          "sentence": "{it} is among the hidden gems",
          "aka": ("hidden gem", "hidden gems", "underrated", "under the radar", "lesser known", "lesser-known",
                  "little known", "little-known", "overlooked", "not so well known", "nobody knows", "obscure")},
}  # fmt: skip


def rated(data: Dataset) -> Dataset:
    """The data set whose items also have what people made of them. A column of the same name that the owner brought
    stays as it is."""
    x, catalogue = data.interactions, data.catalogue
    n = np.bincount(x.item, minlength=len(catalogue))
    columns: dict[str, object] = {RATINGS: n}
    if data.explicit and len(x):
        mean = float(x.value.mean())
        total = np.bincount(x.item, weights=x.value, minlength=len(catalogue))
        voices = max(_FEWEST, float(n[n > 0].mean()))
        weighted = (voices * mean + total) / (voices + n)
        known = n > 0
        columns[RATING] = pd.Series(np.where(known, np.round(total / np.maximum(n, 1), 1), np.nan)).astype("Float64")
        columns[WEIGHTED] = pd.Series(np.where(known, np.round(weighted, 2), np.nan)).astype("Float64")
        best, crowd = np.quantile(weighted[known], _GOOD), np.quantile(n[known], _KNOWN)
        columns[GEM] = np.where((weighted >= best) & (n >= _VOICES) & (n <= max(crowd, _VOICES)), "yes", "")
    columns = {name: values for name, values in columns.items() if name not in catalogue.table.columns}
    table = catalogue.table.assign(**columns)
    made = [read_attribute({"name": name, "counted": True, **_ATTRIBUTES[name]}) for name in columns]
    return data.with_catalogue(replace(catalogue, table=table, schema=Schema((*catalogue.schema, *made))))
