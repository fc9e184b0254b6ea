"""A schedule as a picture: time runs to the right, a dot is a step."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ..machine import Machine
from ..scenario import Scenario
from ..verdict import Moment, replay
from .picture import BLUE, GREY, ORANGE, RED, STYLE, Picture, picture


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
        _tidy(axes, scenario, moments)
        return picture(figure, _in_words(moments))


def _life(machine: Machine) -> str:
    pgmap = machine.the_pgmap()
    if not pgmap.listed:
        return ""
    return "dying" if pgmap.dead else "live"


LIFETIMES = (
    ("PTE", lambda machine: "maps the device" if machine.page_table[0] else ""),
    ("struct page", lambda machine: "exists" if machine.memmap[0].exists else ""),
    ("dev_pagemap", _life),
)


def _draw_threads(axes: Any, scenario: Scenario, moments: Sequence[Moment]) -> None:
    for number, moment in enumerate(moments, start=1):
        row = moment.thread - 1
        oops = moment.machine.oops is not None
        colour = RED if oops else (BLUE, ORANGE)[row % 2]
        axes.plot(number, row, "X" if oops else "o", color=colour, ms=11 if oops else 9)
        axes.annotate(
            moment.source.function,
            (number, -0.45),
            rotation=40,
            ha="left",
            va="bottom",
            annotation_clip=False,
            fontsize=8,
        )
        axes.plot((number, number), (-0.45, row), color="black", lw=0.4, zorder=0)


def _draw_lifetimes(axes: Any, machines: Sequence[Machine]) -> None:
    first = 1 + max(line.get_ydata()[-1] for line in axes.lines)
    for row, (_, state) in enumerate(LIFETIMES):
        at = 0
        for value, run in groupby(machines, key=state):
            length = len(list(run))
            if value:
                shade = 0.15 if value == "dying" else 0.4
                axes.barh(first + row, length, left=at, height=0.5, color=GREY, alpha=shade)
                axes.text(at + 0.1, first + row, value, va="center", fontsize=8)
            at += length


def _tidy(axes: Any, scenario: Scenario, moments: Sequence[Moment]) -> None:
    labels = [*(thread.label for thread in scenario.threads), *(name for name, _ in LIFETIMES)]
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_xlim(0, len(moments) + 1)
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


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
