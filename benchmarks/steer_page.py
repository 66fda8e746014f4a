"""The tables of docs/steering.md, from benchmarks/results/steer.json."""

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "steering.md"
HEAD = ("", "messages", "intent", "macro-F1", "all slots right", "IARD", "CPU ms p50", "p95")


def filled(results: dict[str, Any]) -> str:
    """The page with the figures between its marks."""
    text = PAGE.read_text(encoding="utf-8")
    return re.sub(r"(?<=<!-- figures -->\n).*(?=<!-- end -->)", lambda _: tables(results), text, flags=re.DOTALL)


def tables(results: dict[str, Any]) -> str:
    rows: list[tuple[str, Any, Any]] = []
    for n in ("rules", "encoder", "both"):
        rows.append((n, results[n]["held_out"], results[n].get("iard")))
    models = [n for n in results if n.startswith("embedded:")]
    for n in models:
        name = n.removeprefix("embedded:")
        rows += [(f"{name}, {shots}", results[n][shots], None) for shots in ("zero-shot", "few-shot")]
    lines = ["", _row(HEAD), _row("---" for _ in HEAD)]
    for name, held, real in rows:
        took = held["milliseconds"]
        figures = (_of(held["intent"]), f"{held['intent_macro_f1']:.3f}", _of(held["slots_exact"]))
        on_people = _of(real["action"]) if real else ""
        lines.append(_row((name, held["messages"], *figures, on_people, f"{took['p50']:.3g}", f"{took['p95']:.3g}")))
    bare = results["labels"]
    lines += [
        "",
        f"The encoder's own labels: intent {_of(bare['intent'])}, macro-F1 {bare['intent_macro_f1']:.3f}, all "
        f"stretches right {_of(bare['spans_exact'])}, begins or goes on {bare['carry']:.3f}.",
    ]
    for title, key in (("F1 of slot", "slot_f1"), ("Right reference", "references")):
        lines += ["", _row((title, *(n for n, _, _ in rows))), _row("---" for _ in range(len(rows) + 1))]
        for kind in sorted({k for _, held, _ in rows for k in held[key]}):
            values = [held[key].get(kind) for _, held, _ in rows]
            lines.append(_row((kind.replace("_", " "), *(_short(v) for v in values))))
    for n in models:
        lines += ["", _of_model(n.removeprefix("embedded:"), results[n])]
    return "\n".join([*lines, "", ""])


def _row(cells: Any) -> str:
    return "| " + " | ".join(str(c) for c in cells) + " |"


def _of(figure: dict[str, Any]) -> str:
    low, high = figure["interval"]
    return f"{figure['value']:.3f} ({low:.3f} to {high:.3f})"


def _short(value: Any) -> str:
    if value is None:
        return ""
    return f"{value['right']:.2f} of {value['of']}" if isinstance(value, dict) else f"{value:.2f}"


def _of_model(name: str, found: dict[str, Any]) -> str:
    picks, said = found["picks"], found["sentences"]
    own, by_model = picks["ndcg@5 of the recommender's order"], picks["ndcg@5 of the model's order"]
    first, stay = picks["share of picks from the first half of the list"], picks["share of picks that stay"]
    return (
        f"{name} puts EASE's ten best in order ({picks['cases']} cases, two shufflings each): NDCG@5 {by_model:.3f}, "
        f"in EASE's own order {own:.3f}, difference {_of(picks['difference'])}. {first:.0%} of its first five stood in "
        f"the first half of the list (no bias: 50 %), {stay:.0%} stay when the list is shuffled anew (chance: 50 %). "
        f"Of {said['sentences']} opening sentences {_of(said['grounded'])} pass their check."
    )
