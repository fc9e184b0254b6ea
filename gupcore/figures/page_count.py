"""A page's reference count along a schedule, and whose the frame is meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ..checker.replay import Moment, replay
from ..checker.scenario import Scenario
from ..kernel.machine import OTHERS, OURS, Machine
from ..kernel.pte import pte_none
from .picture import GREY, ORANGE, RED, STYLE, THREADS, Picture, picture
from .rows import draw_spans, name_rows

STEPS = 0  # where the steps are marked, below the dots
SHADES = {OURS: 0.4, OTHERS: 0.22}


def page_count(scenario: Scenario, schedule: str) -> Picture:
    """Draw the count of the first page, step by step, above the life of its PTE and its frame.

    A reference is a dot, as in the player's scene; one that has just been taken is framed.

    schedule  as in `replay`; raises ScheduleError where it cannot be taken
    """
    moments = replay(scenario, schedule)
    machines = [scenario.machine, *(moment.machine for moment in moments)]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.3))
        above = figure.add_axes((0.12, 0.4, 0.86, 0.56))
        below = figure.add_axes((0.12, 0.02, 0.86, 0.28))
        _draw_count(above, machines, moments)
        _draw_lives(below, machines)
        return picture(figure, _in_words(machines, moments, scenario))


def _draw_count(axes: Any, machines: Sequence[Machine], moments: Sequence[Moment]) -> None:
    counts = [machine.memmap[0].refcount for machine in machines]
    for number, count in enumerate(counts):
        for dot in range(1, count + 1):
            is_new = number and dot > counts[number - 1]
            axes.plot(number, dot, "o", color=GREY, mec=ORANGE if is_new else GREY, mew=2, ms=9)
    for number, moment in enumerate(moments, start=1):
        colour = THREADS[moment.thread - 1]
        axes.plot(number, STEPS, "X" if moment.breaks else "o", color=colour, ms=8)
        if moment.breaks:
            axes.plot(number, STEPS, "o", mfc="none", mec=RED, ms=15)
    axes.set_xlim(-0.3, len(moments) + 0.6)
    axes.set_ylim(STEPS - 0.6, max(counts) + 0.5)
    axes.set_yticks(range(max(counts) + 1), ["step", *range(1, max(counts) + 1)])
    axes.set_ylabel("count", loc="top")
    axes.set_xticks(range(1, len(moments) + 1))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    labelled: set[int] = set()
    for number, moment in enumerate(moments, start=1):
        if moment.thread not in labelled:
            side = "left" if number < len(moments) / 2 else "right"
            at = (number, STEPS + 0.35)
            axes.annotate(moment.label, at, ha=side, annotation_clip=False, fontsize=8)
        labelled.add(moment.thread)


def _draw_lives(axes: Any, machines: Sequence[Machine]) -> None:
    lives = {
        "PTE": ["" if pte_none(machine.page_table[0]) else "maps it" for machine in machines],
        "frame": [machine.memmap[0].owner for machine in machines],
    }
    for row, values in enumerate(lives.values()):
        draw_spans(axes, row, values, 0.6, SHADES)
    name_rows(axes, list(lives), -0.3, len(machines) - 0.4)


def _in_words(machines: Sequence[Machine], moments: Sequence[Moment], scenario: Scenario) -> str:
    """Say where the count, the PTE or the owner changes, and which steps break a rule."""
    first = scenario.machine.memmap[0]
    said = [f"The page's count in {len(moments)} steps. It begins at {first.refcount}."]
    for number, moment in enumerate(moments, start=1):
        before, after = machines[number - 1], machines[number]
        parts = []
        if after.memmap[0].refcount != before.memmap[0].refcount:
            parts.append(f"the count becomes {after.memmap[0].refcount}")
        if after.page_table[0] != before.page_table[0]:
            parts.append("the PTE is cleared" if pte_none(after.page_table[0]) else "a PTE is set")
        if after.memmap[0].owner != before.memmap[0].owner:
            parts.append(f"the frame is now {after.memmap[0].owner}")
        parts += [f"this breaks the rule “{rule}”" for rule in moment.breaks]
        if parts:
            does = moment.source.function
            said.append(f"Step {number}, {moment.label}, {does}: {', '.join(parts)}.")
    return " ".join(said)
