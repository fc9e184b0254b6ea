"""What a set of orders has in common: how often each phase comes before each other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from .picture import BLUE, STYLE, Picture, picture


def before(orders: Collection[Sequence[str]]) -> Picture:
    """Draw a square of numbers: in how many of `orders` the row's phase precedes the column's.

    orders  the same phases in different orders; raises ValueError if there is none
    """
    if not orders:
        raise ValueError("Without an order there is nothing to draw.")
    phases = list(next(iter(orders)))
    counts = {
        (row, column): sum(order.index(row) < order.index(column) for order in orders)
        for row in phases
        for column in phases
        if row != column
    }
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.6, 3.3))
        axes = figure.add_axes((0.17, 0.02, 0.81, 0.84))
        for (row, column), count in counts.items():
            _draw_cell(axes, phases.index(row), phases.index(column), count, len(orders))
        axes.set_xlim(-0.5, len(phases) - 0.5)
        axes.set_ylim(len(phases) - 0.5, -0.5)
        axes.set_xticks(range(len(phases)), phases)
        axes.set_yticks(range(len(phases)), [f"{phase} …" for phase in phases])
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        return picture(figure, _in_words(phases, counts, len(orders)))


def _draw_cell(axes: Any, row: int, column: int, count: int, of: int) -> None:
    """Write a count, on a shade of it; what is always so gets a frame."""
    axes.barh(row, 0.92, left=column - 0.46, height=0.92, color=BLUE, alpha=0.45 * count / of)
    if count == of:
        axes.barh(
            *(row, 0.92), left=column - 0.46, height=0.92, color="none", edgecolor="black", lw=1.5
        )
    weight = "bold" if count == of else "normal"
    axes.text(column, row, str(count), ha="center", va="center", weight=weight)


def _in_words(phases: Sequence[str], counts: dict[tuple[str, str], int], of: int) -> str:
    """Say what the square shows: which pairs are always in one order, then the other counts."""
    always = [f"{row} before {column}" for (row, column), count in counts.items() if count == of]
    others = [
        f"{row} before {column} in {counts[row, column]}"
        for number, row in enumerate(phases)
        for column in phases[number + 1 :]
        if 0 < counts[row, column] < of
    ]
    return (
        f"A square of numbers: in how many of {of} orders one phase comes before another. "
        f"In all of them: {', '.join(always) or 'none'}. "
        f"Not in all: {', '.join(others) or 'none'}."
    )
