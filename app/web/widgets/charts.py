"""Charts, as Vega-Lite specifications."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

Rows = Sequence[Mapping[str, object]]


def scatter(rows: Rows, *, x: str, y: str, digits: int, better: str, height: int = 440) -> None:
    """Named points with intervals. Each row has recommender, seconds (above 0), value, low and high.

    better  "up" or "down". Where names lie upon each other nothing helps but to point at them: the chart shows name and
            figures then
    """
    frame = pd.DataFrame(rows)
    lowest, highest = float(frame["seconds"].min()), float(frame["seconds"].max())
    room = [lowest / 2, highest * (highest / lowest) ** 0.25 * 2]  # on the right for the last name
    up = {"type": "quantitative", "scale": {"zero": False}}
    spec = {
        "height": height,
        "encoding": {
            "x": {
                "field": "seconds",
                "type": "quantitative",
                "scale": {"type": "log", "domain": room, "nice": False},
                "title": x,
                "axis": {"format": "~g", "tickCount": 6, "grid": False},
            },
            "tooltip": [
                {"field": "recommender", "title": "Recommender"},
                {"field": "value", "title": y, "format": f".{digits}f"},
                {"field": "low", "title": "from", "format": f".{digits}f"},
                {"field": "high", "title": "to", "format": f".{digits}f"},
                {"field": "seconds", "title": x, "format": ",.1f"},
            ],
        },
        "layer": [
            {
                "mark": {"type": "rule", "opacity": 0.3, "color": _ink()},
                "encoding": {
                    "y": {**up, "field": "low", "title": f"{y} (better is {better})"},
                    "y2": {"field": "high"},
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1, "color": _accent()},
                "encoding": {"y": {**up, "field": "value"}},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 8, "dy": -6, "fontSize": 12, "color": _ink()},
                "encoding": {"y": {**up, "field": "value"}, "text": {"field": "recommender"}},
            },
        ],
    }
    st.vega_lite_chart(frame, spec)


def lines(
    rows: Rows,
    *,
    x: str,
    y: str,
    by: str,
    across: str = "seconds",
    logarithmic: bool = True,
    height: int = 400,
) -> None:
    """One line for each value of the column `by`, over the column `across`; the height is the column `value`."""
    frame = pd.DataFrame(rows)
    scale: dict[str, object] = {"type": "log", "nice": False} if logarithmic else {"zero": False, "nice": False}
    axis: dict[str, object] = {"grid": False, "tickCount": 6}
    axis |= {"format": "~g"} if logarithmic else {"format": "d", "tickMinStep": 1}
    several = frame[by].nunique() > 1
    colour: dict[str, object] = {"field": by, "type": "nominal", "title": None, "legend": {"orient": "right"}}
    if frame[by].nunique() > 10:  # more than the theme has colours
        colour |= {"scale": {"scheme": "tableau20"}, "legend": {"orient": "right", "columns": 2, "symbolLimit": 0}}
    spec = {
        "height": height,
        "mark": {"type": "line", "point": {"size": 25}, "interpolate": "monotone"},
        "encoding": {
            "x": {"field": across, "type": "quantitative", "scale": scale, "title": x, "axis": axis},
            "y": {"field": "value", "type": "quantitative", "scale": {"zero": False}, "title": y},
            "color": colour if several else {"value": _accent()},
            "tooltip": [
                {"field": by},
                {"field": across, "title": x, "format": ",.1f" if logarithmic else "d"},
                {"field": "value", "title": y, "format": ".4f"},
            ],
        },
    }
    st.vega_lite_chart(frame, spec)


def _dark() -> bool:
    return st.context.theme.type == "dark"


def _ink() -> str:
    """The theme's colour of text, which marks do not take by themselves."""
    return str(st.get_option(f"theme.{'dark' if _dark() else 'light'}.textColor") or "#808080")


def _accent() -> str:
    return str(st.get_option(f"theme.{'dark' if _dark() else 'light'}.primaryColor") or "#0f6b66")
