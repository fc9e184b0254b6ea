"""One unmap on several machines, one above the other: what is gone, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ..checker.replay import Moment, replay
from ..checker.scenario import Scenario
from ..kernel.machine import FREED, IRQS_OFF, LINKED, Machine
from ..kernel.pte import pte_none
from .picture import BLUE, GREY, STYLE, THREADS, Picture, picture

Run = tuple[Scenario, str]

LIVES: dict[str, Callable[[Machine], str]] = {
    "inside": lambda m: "interrupts off" if 0 in m.cpus(IRQS_OFF) else "",
    "PTE": lambda m: "" if pte_none(m.page_table[0]) else "set",
    "TLB": lambda m: "kept" if any(cpu == 0 for cpu, _, _ in m.tlb) else "",
    "page": lambda m: "counted" if m.memmap[0].refcount else "",
    "page table": lambda m: {FREED: "", LINKED: "linked"}.get(m.tables[0], "unlinked"),
}
ENDS = {
    "inside": "CPU 0 turns interrupts on",
    "PTE": "the PTE is cleared",
    "TLB": "CPU 0's TLB entry goes",
    "page": "the page is free",
    "page table": "the page table is free",
}


def lockstep(*runs: Run) -> Picture:
    """Draw schedules below one another: what is still there after each step, and who is inside.

    runs  (scenario, schedule) of each; CPU 0 is the one that walks.  Raises ScheduleError for a
          schedule that cannot be taken
    """
    longest = max(len(schedule) for _, schedule in runs)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 2.3 * len(runs)))
        said = []
        for row, (scenario, schedule) in enumerate(runs):
            moments = replay(scenario, schedule)
            height = 1 / len(runs)
            bottom = 1 - (row + 1) * height
            axes = figure.add_axes((0.13, bottom + 0.03, 0.86, height - 0.09))
            _draw(axes, scenario, moments, longest)
            said.append(_in_words(scenario, moments))
        return picture(figure, " ".join(said))


def _draw(axes: Any, scenario: Scenario, moments: Sequence[Moment], longest: int) -> None:
    machines = [scenario.machine, *(moment.machine for moment in moments)]
    for number, moment in enumerate(moments, start=1):
        axes.plot(number, 0, "o", color=THREADS[moment.thread - 1], ms=8)
    for row, state in enumerate(LIVES.values(), start=1):
        at = 0
        for value, run in groupby(machines, key=state):
            length = len(list(run))
            if value:
                shade = 0.15 if value == "unlinked" else 0.4
                colour = BLUE if value == "interrupts off" else GREY
                axes.barh(row, length, left=at, height=0.6, color=colour, alpha=shade)
                axes.text(at + 0.1, row, value, va="center", fontsize=8)
            at += length
    axes.set_title(scenario.design.name, loc="left", fontsize=9, fontweight="bold")
    axes.set_yticks(range(len(LIVES) + 1), ["steps", *LIVES])
    axes.set_ylim(len(LIVES) + 0.5, -0.6)
    axes.set_xlim(0, longest + 1)
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _in_words(scenario: Scenario, moments: Sequence[Moment]) -> str:
    """Say after which step each thing is gone."""
    machines = [scenario.machine, *(moment.machine for moment in moments)]
    ends = []
    for name, state in LIVES.items():
        held = [number for number, machine in enumerate(machines) if state(machine)]
        if held and held[-1] + 1 < len(machines):
            ends.append((held[-1] + 1, ENDS[name]))
    order = "; ".join(f"step {number}: {what}" for number, what in sorted(ends))
    return f"{scenario.design.name}, {len(moments)} steps: {order}."
