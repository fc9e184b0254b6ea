"""What was tried, year by year, and which rules each attempt keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ..checker.verdict import FAILS, HOLDS
from .picture import GREY, ORANGE, RED, STYLE, Picture, picture

if TYPE_CHECKING:
    from ..table import Row

Event = tuple[float, str, "Row | None"]  # when, as a year; what, in a few words; its verdicts


def history(events: Sequence[Event]) -> Picture:
    """Draw events on a line of years, and beside each the rules that its design keeps or breaks.

    events  in the order of time; an event without a row of verdicts is a dot on the line alone

    Raises ValueError if no event has verdicts.
    """
    judged = [row for _, _, row in events if row is not None]
    if not judged:
        raise ValueError("A history needs an event with verdicts.")
    broken = {rule for row in judged for rule in row.failing()}
    rules = [v.rule.name for v in judged[0].verdicts if v.rule.name in broken]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 0.36 * len(events) + 0.7))
        axes = figure.add_axes((0.05, 0.01, 0.94, 0.98))
        first, last = events[0][0], events[-1][0]
        for number, (year, words, row) in enumerate(events):
            at = (year - first) / (last - first) * (len(events) - 1)
            _draw_event(axes, number, at, f"{int(year)}  {words}")
            for column, rule in enumerate(rules if row else ()):
                assert row is not None
                _draw_verdict(axes, number, column, rule not in row.failing())
        axes.plot((0, 0), (0, len(events) - 1), color=GREY, lw=2, zorder=0)
        for column, rule in enumerate(rules):
            axes.text(
                *(_column(column), -0.7),
                rule.replace(" ", "\n"),
                ha="center",
                va="bottom",
                fontsize=8,
            )
        axes.set_xlim(-0.1, _column(len(rules)) - 0.2)
        axes.set_ylim(len(events) - 0.5, -2.6)
        axes.axis("off")
        return picture(figure, _in_words(events))


def _column(number: int) -> float:
    return 5.7 + number


def _draw_event(axes: Any, number: int, at: float, words: str) -> None:
    """Put a dot at its year on the line, and lead from it to the words of its row."""
    axes.plot(0, at, "o", color=ORANGE, ms=6)
    axes.plot((0, 0.5, 0.6), (at, number, number), color=GREY, lw=0.8, zorder=0)
    axes.text(0.65, number, words, va="center")


def _draw_verdict(axes: Any, number: int, column: int, holds: bool) -> None:
    if holds:
        axes.text(_column(column), number, HOLDS, ha="center", va="center", fontsize=8)
    else:
        axes.barh(number, 0.9, left=_column(column) - 0.45, height=0.8, color=RED, alpha=0.35)
        axes.text(
            *(_column(column), number), FAILS, ha="center", va="center", fontsize=8, weight="bold"
        )


def _in_words(events: Sequence[Event]) -> str:
    """Say what a history shows, event by event."""
    said = []
    for year, words, row in events:
        verdict = ""
        if row is not None:
            failing = ", ".join(row.failing())
            verdict = f": {failing} fail" if failing else f": every rule {HOLDS}"
            verdict = verdict if len(row.failing()) != 1 else f"{verdict}s"
        said.append(f"{int(year)}, {words}{verdict}.")
    return "A line of years. " + " ".join(said)
