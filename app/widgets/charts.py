"""Charts, as Vega-Lite specifications: colours and fonts are the theme's."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

Rows = Sequence[Mapping[str, object]]


def scatter(rows: Rows, *, x: str, y: str, digits: int, height: int = 380) -> None:
    """Named points with intervals. Each row has recommender, seconds (above 0), value, low and high."""
    across = {"field": "seconds", "type": "quantitative", "scale": {"type": "log", "nice": False, "padding": 30}}
    up = {"type": "quantitative", "scale": {"zero": False}}
    spec = {
        "height": height,
        "encoding": {"x": {**across, "title": x, "axis": {"format": "~g", "tickCount": 6}}},
        "layer": [
            {
                "mark": {"type": "rule", "opacity": 0.35},
                "encoding": {"y": {**up, "field": "low", "title": y}, "y2": {"field": "high"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
                "encoding": {
                    "y": {**up, "field": "value"},
                    "tooltip": [
                        {"field": "recommender", "title": "Recommender"},
                        {"field": "value", "title": y, "format": f".{digits}f"},
                        {"field": "seconds", "title": x, "format": ",.1f"},
                    ],
                },
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 8, "dy": -6, "fontSize": 12},
                "encoding": {"y": {**up, "field": "value"}, "text": {"field": "recommender"}},
            },
        ],
    }
    st.vega_lite_chart(pd.DataFrame(rows), spec)


def lines(
    rows: Rows,
    *,
    x: str,
    y: str,
    by: str,
    across: str = "seconds",
    logarithmic: bool = True,
    height: int = 300,
) -> None:
    """One line for each value of the column `by`, over the column `across`; the height is the column `value`."""
    scale: dict[str, object] = {"type": "log", "nice": False} if logarithmic else {"zero": False, "nice": False}
    axis = {"format": "~g", "tickCount": 6} if logarithmic else {"tickMinStep": 1, "format": "d"}
    spec = {
        "height": height,
        "mark": {"type": "line", "point": True, "interpolate": "monotone"},
        "encoding": {
            "x": {"field": across, "type": "quantitative", "scale": scale, "title": x, "axis": axis},
            "y": {"field": "value", "type": "quantitative", "scale": {"zero": False}, "title": y},
            "color": {"field": by, "type": "nominal", "title": None, "legend": {"orient": "bottom"}},
            "tooltip": [
                {"field": by},
                {"field": across, "title": x, "format": ",.1f"},
                {"field": "value", "title": y, "format": ".4f"},
            ],
        },
    }
    st.vega_lite_chart(pd.DataFrame(rows), spec)
