"""A percpu_ref along a schedule: what each counter says, and how many references there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import matplotlib as mpl
from matplotlib.figure import Figure

from ..percpu_ref import BIAS, Ref
from ..scenario import Scenario
from ..verdict import Moment, replay
from .picture import BLUE, GREY, ORANGE, RED, STYLE, Picture, picture


def ref_counts(scenario: Scenario, schedule: str) -> Picture:
    """Draw a schedule of the scenario percpu-ref: a column a step, a row a counter.

    schedule  as in `replay`; raises ScheduleError where it cannot be taken
    """
    moments = replay(scenario, schedule)
    refs = [scenario.machine, *(cast(Ref, moment.machine) for moment in moments)]
    names = _names(refs[0])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 1.9 + 0.3 * (len(scenario.threads) + len(names))))
        axes = figure.add_axes((0.14, 0.02, 0.74, 0.6))
        _draw_steps(axes, moments)
        first = len(scenario.threads)
        for row, name in enumerate(names):
            _draw_row(axes, first + row, [_values(ref)[name] for ref in refs])
        _tidy(axes, [*(thread.label for thread in scenario.threads), *names], len(moments))
        return picture(figure, _in_words(refs, moments))


def _names(ref: Ref) -> list[str]:
    return list(_values(ref))


def _values(ref: Ref) -> dict[str, str]:
    """Return what stands in each row: the counters, and what is true."""
    shared = f"{ref.atomic}" if ref.summed else f"{ref.atomic - BIAS}+b"
    local = {f"CPU {n}": str(count) for n, count in enumerate(ref.local)}
    return {**local, "shared": shared, "state": _state(ref), "held": str(ref.held)}


def _state(ref: Ref) -> str:
    if ref.released:
        return "gone"
    return "dying" if ref.dead else "live"


def _draw_steps(axes: Any, moments: Sequence[Moment]) -> None:
    for number, moment in enumerate(moments, start=1):
        broken = bool(moment.breaks)
        colour = RED if broken else (BLUE, ORANGE)[(moment.thread - 1) % 2]
        axes.plot(number, moment.thread - 1, "X" if broken else "o", color=colour, ms=9)
        axes.annotate(
            moment.source.function.replace("percpu_ref_", "").replace("_rcu", ""),
            (number, -0.45),
            rotation=40,
            ha="left",
            va="bottom",
            annotation_clip=False,
            fontsize=8,
        )


def _draw_row(axes: Any, row: int, values: Sequence[str]) -> None:
    """Write a counter's value under each step, on a grey ground where it has just changed."""
    for number, value in enumerate(values):
        if number and value != values[number - 1]:
            axes.barh(row, 0.9, left=number - 0.45, height=0.8, color=GREY, alpha=0.35)
        axes.text(number, row, value, ha="center", va="center", fontsize=9)


def _tidy(axes: Any, labels: Sequence[str], steps: int) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_xlim(-0.5, steps + 0.5)
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _in_words(refs: Sequence[Ref], moments: Sequence[Moment]) -> str:
    """Say what the drawing shows: the counters at the start, and what each step changes."""
    names = _names(refs[0])
    start = ", ".join(f"{name} {_values(refs[0])[name]}" for name in names)
    parts = [f"A table of counters, a column a step; b is the bias. At the start: {start}."]
    for number, moment in enumerate(moments, start=1):
        before, after = _values(refs[number - 1]), _values(refs[number])
        new = [f"{name} {after[name]}" for name in names if after[name] != before[name]]
        what = ", ".join(new) or "no counter changes"
        broken = f" This breaks the rule {', '.join(moment.breaks)}." if moment.breaks else ""
        parts.append(f"Step {number}, {moment.label}, {moment.source.function}: {what}.{broken}")
    return " ".join(parts)
