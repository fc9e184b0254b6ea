"""What one call costs by the number of pages: counted instructions, as a real kernel ran them."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
from matplotlib.figure import Figure

from .picture import BLUE, GREY, ORANGE, STYLE, Picture, picture

COLOURS = (GREY, BLUE, ORANGE)
MARKS = ("o", "s", "^")


def call_costs(counted: Mapping[str, Mapping[int, int]], kernel: str) -> Picture:
    """Draw instructions by pages, a line for each kind of call.

    counted  {kind of call: {pages: instructions}}, at most three kinds
    kernel   which kernel was counted
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.6))
        axes = figure.add_axes((0.13, 0.16, 0.62, 0.78))
        for (name, costs), colour, mark in zip(counted.items(), COLOURS, MARKS, strict=False):
            pages = sorted(costs)
            values = [costs[number] for number in pages]
            axes.plot(pages, values, mark + "-", color=colour, ms=4, lw=1.2)
            axes.text(pages[-1] * 1.15, values[-1], name, color=colour, va="center")
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xlabel("pages in one call")
        axes.set_ylabel("guest instructions")
        axes.spines[["top", "right"]].set_visible(False)
        return picture(figure, _in_words(counted, kernel))


def _in_words(counted: Mapping[str, Mapping[int, int]], kernel: str) -> str:
    parts = [
        f"{name}: {costs[min(costs)]:,} for {min(costs)} page, "
        f"{costs[max(costs)]:,} for {max(costs)} pages."
        for name, costs in counted.items()
    ]
    return f"Instructions of one call on {kernel}, by the number of pages. {' '.join(parts)}"
