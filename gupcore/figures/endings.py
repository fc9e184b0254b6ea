"""How the schedules of a scenario end, as a picture: a bar an outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ..checker.outcomes import ENDS, NEVER, OOPS, SPINS, STUCK, Outcome
from .picture import BLUE, GREY, ORANGE, RED, STYLE, Picture, picture

COLOURS = {ENDS: BLUE, OOPS: RED, STUCK: RED, NEVER: ORANGE, SPINS: GREY}


def endings(outcomes: Sequence[Outcome]) -> Picture:
    """Draw how many schedules end in each way, on a scale on which each line is ten times the last.

    Raises ValueError if there is nothing to draw.
    """
    if not outcomes:
        raise ValueError("There are no outcomes to draw.")
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 0.55 + 0.5 * len(outcomes)))
        bottom = 0.42 / (0.55 + 0.5 * len(outcomes))
        axes = figure.add_axes((0.36, bottom, 0.5, 0.98 - bottom))
        _draw(axes, outcomes)
        return picture(figure, _in_words(outcomes))


def _draw(axes: Any, outcomes: Sequence[Outcome]) -> None:
    for row, outcome in enumerate(outcomes):
        axes.barh(row, outcome.count, height=0.6, color=COLOURS[outcome.end])
        axes.text(outcome.count * 1.3, row, f"{outcome.count:,}", va="center", fontsize=9)
    axes.set_xscale("log")
    axes.set_xlim(0.8, max(outcome.count for outcome in outcomes) * 3)
    axes.set_ylim(len(outcomes) - 0.5, -0.5)
    axes.set_yticks(range(len(outcomes)), [_label(outcome) for outcome in outcomes])
    axes.set_xlabel("schedules", fontsize=9)
    axes.minorticks_off()
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right"]].set_visible(False)


def _label(outcome: Outcome) -> str:
    return "\n".join([outcome.end, *(f"breaks {rule}" for rule in outcome.breaks)])


def _in_words(outcomes: Sequence[Outcome]) -> str:
    counted = "; ".join(f"{outcome.count:,}: {outcome.in_short()}" for outcome in outcomes)
    return f"How the schedules end, and how many do, longest bar first. {counted}."
