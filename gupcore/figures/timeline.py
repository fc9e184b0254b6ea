"""A schedule as a picture: time runs to the right, a dot is a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ..checker.machine import stopped
from ..checker.replay import Moment, replay
from ..checker.scenario import Scenario
from ..kernel.machine import Machine
from .picture import RED, STYLE, THREADS, Picture, picture
from .rows import draw_spans, name_rows, name_step


def timeline(scenario: Scenario, schedule: str) -> Picture:
    """Draw a schedule: who steps when, and how long the PTE, the struct page and the pgmap last.

    schedule  as in `replay`; raises ScheduleError where it cannot be taken
    """
    moments = replay(scenario, schedule)
    machines = [scenario.machine, *(moment.machine for moment in moments)]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.4))
        axes = figure.add_axes((0.14, 0.02, 0.68, 0.62))
        _draw_threads(axes, scenario, moments)
        _draw_lifetimes(axes, machines)
        labels = [*(thread.label for thread in scenario.threads), *(name for name, _ in LIFETIMES)]
        name_rows(axes, labels, 0, len(moments) + 1)
        return picture(figure, _in_words(moments))


def _life(machine: Machine) -> str:
    pgmap = machine.the_pgmap()
    if not pgmap.listed:
        return ""
    return "dying" if pgmap.dead else "live"


LIFETIMES: tuple[tuple[str, Callable[[Machine], str]], ...] = (
    ("PTE", lambda machine: "maps the device" if machine.page_table[0] else ""),
    ("struct page", lambda machine: "exists" if machine.memmap[0].exists else ""),
    ("dev_pagemap", _life),
)


def _draw_threads(axes: Any, scenario: Scenario, moments: Sequence[Moment]) -> None:
    for number, moment in enumerate(moments, start=1):
        row = moment.thread - 1
        oops = stopped(moment.machine)
        colour = RED if oops else THREADS[row]
        axes.plot(number, row, "X" if oops else "o", color=colour, ms=11 if oops else 9)
        name_step(axes, number, moment.source.function)
        axes.plot((number, number), (-0.45, row), color="black", lw=0.4, zorder=0)


def _draw_lifetimes(axes: Any, machines: Sequence[Machine]) -> None:
    first = 1 + max(line.get_ydata()[-1] for line in axes.lines)
    for row, (_, state) in enumerate(LIFETIMES):
        draw_spans(axes, first + row, [state(m) for m in machines], 0.5, {})


def _in_words(moments: Sequence[Moment]) -> str:
    """Say what a timeline shows: who steps how often, and what the last step does."""
    parts, number = [], 1
    for label, run in groupby(moments, key=lambda moment: moment.label):
        steps = list(run)
        last = number + len(steps) - 1
        span = f"Step {number}" if len(steps) == 1 else f"Steps {number} to {last}"
        done = ", ".join(step.source.function for step in steps)
        parts.append(f"{span}, {label}: {done}.")
        number = last + 1
    return "Timeline. " + " ".join(parts) + f" The last step: {moments[-1].said}"
