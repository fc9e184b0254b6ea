"""When a call must begin to be in danger: the steps of unbind, and the moments between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ..checker.paths import reach
from ..checker.replay import replay
from ..checker.verdict import Report
from .picture import GREY, RED, STYLE, THREADS, Picture, picture

CALLER, UNBIND = "1", "2"


def can_oops(report: Report, schedule: str) -> bool:
    """Can anybody touch what is gone, in any schedule that begins with `schedule`?"""
    graph = report.graph
    return any(graph.stopped(graph.machine(state)) for state in reach(graph, report.walk(schedule)))


def dangers(report: Report) -> list[bool]:
    """Say for a call that begins after 0, 1, 2 … steps of unbind whether it can oops.

    report  of a race with one caller, explored to the end

    Before the call begins there is only one schedule: unbind's steps.  So each answer speaks of
    every schedule in which the call begins at that moment.
    """
    if not report.graph.complete or len(report.scenario.threads) != 2:
        raise ValueError("Only a race with one caller that was explored to the end can tell.")
    after = range(len(_unbind_alone(report)) + 1)
    return [can_oops(report, UNBIND * steps + CALLER) for steps in after]


def call_window(*reports: Report) -> Picture:
    """Draw when a call must begin to be in danger, a column for each of `reports`."""
    found = {report.scenario.design.name: dangers(report) for report in reports}
    moments = _unbind_alone(reports[0])
    steps = [moment.source.function for moment in moments]
    gone = next(n for n, moment in enumerate(moments, 1) if not moment.machine.memmap[0].exists)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.8, 3.5))
        axes = figure.add_axes((0.54, 0.02, 0.45, 0.96))
        _draw_steps(axes, steps, gone, len(found))
        for column, (design, oops) in enumerate(found.items(), start=1):
            _draw_column(axes, column, design, oops)
        return picture(figure, _in_words(steps, gone, found))


def _unbind_alone(report: Report) -> list[Any]:
    """Return the moments of an unbind that nobody disturbs."""
    graph, schedule = report.graph, ""
    while graph.move(report.walk(schedule), 1) is not None:
        schedule += UNBIND
    return replay(report.scenario, schedule)


def _draw_steps(axes: Any, steps: Sequence[str], gone: int, columns: int) -> None:
    axes.axhspan(-0.5, gone - 0.5, color=GREY, alpha=0.15, lw=0)
    axes.text(
        columns + 0.45, gone / 2 - 0.5, "struct page exists", rotation=90, va="center", fontsize=8
    )
    axes.plot([0] * len(steps), [n + 0.5 for n in range(len(steps))], "o-", color=THREADS[1], ms=6)
    axes.set_yticks([n + 0.5 for n in range(len(steps))], steps, fontsize=8)
    axes.set_ylim(len(steps) + 0.5, -1.5)
    axes.set_xlim(-0.2, columns + 0.7)
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _draw_column(axes: Any, column: int, design: str, oops: Sequence[bool]) -> None:
    axes.text(column, -1, design, ha="center", va="center", weight="bold", fontsize=8)
    for steps, danger in enumerate(oops):
        axes.plot(column, steps, "X" if danger else "_", color=RED if danger else GREY, ms=9)


def _in_words(steps: Sequence[str], gone: int, found: dict[str, list[bool]]) -> str:
    """Say what the drawing shows: unbind's steps, and for each design when a call can oops."""
    says = [f"When the call begins. Steps of unbind: {', '.join(steps)}."]
    says.append(f"The struct page exists until step {gone}, {steps[gone - 1]}.")
    for design, oops in found.items():
        after = [str(n) for n, danger in enumerate(oops) if danger]
        if after:
            says.append(
                f"Design {design}: an oops is possible if the call begins after "
                f"{', '.join(after)} steps of unbind, and not if it begins at another moment."
            )
        else:
            says.append(f"Design {design}: no oops is possible, whenever the call begins.")
    return " ".join(says)
