"""What the drawings of a schedule share: steps from left to right, and named rows below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from ..kernel.machine import FREE, UNLINKED
from .picture import GREY

HATCHED, EMPTY = ("dying", UNLINKED), (FREE,)


def name_step(axes: Any, number: int, name: str) -> None:
    """Write a step's name above the first row, aslant.

    axes    matplotlib's
    number  which step, counted from 1
    """
    axes.annotate(
        name,
        (number, -0.45),
        rotation=40,
        ha="left",
        va="bottom",
        annotation_clip=False,
        fontsize=8,
    )


def draw_spans(
    axes: Any,
    row: int,
    values: Sequence[str],
    height: float,
    shades: Mapping[str, float],
    colour: str = GREY,
) -> None:
    """Draw a row of bars, one for each run of steps with the same value; an empty value has none.

    As in the player's scene, what is there and no longer given out is hatched, and what is EMPTY is
    a frame.

    axes    matplotlib's
    row     which row, counted from 0 at the top
    values  before the first step and after each
    height  of a bar, in rows
    shades  {value: how dark its bar is, from 0 to 1}
    colour  of all bars
    """
    at = 0
    for value, run in groupby(values):
        length = len(list(run))
        if value:
            look: dict[str, Any] = {"color": colour, "alpha": shades.get(value, 0.4)}
            if value in HATCHED or value in EMPTY:
                look = {"fc": "none", "ec": colour, "lw": 1.0, "alpha": 0.6}
                look["hatch"] = "////" if value in HATCHED else None
            axes.barh(row, length, left=at, height=height, **look)
            axes.text(at + 0.1, row, value, va="center", fontsize=8)
        at += length


def name_rows(axes: Any, labels: Sequence[str], begin: float, end: float) -> None:
    """Name the rows, downwards, and take away all else that matplotlib draws around a drawing.

    axes        matplotlib's
    begin, end  where the drawing begins and ends, in steps
    """
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_xlim(begin, end)
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
