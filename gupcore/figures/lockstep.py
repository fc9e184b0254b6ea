"""One unmap on several machines, one above the other: what is gone, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ..checker.replay import Moment, replay
from ..checker.scenario import Scenario
from ..kernel.machine import FREED, IRQS_OFF, Machine
from ..kernel.pte import pte_none
from .picture import BLUE, GREY, STYLE, THREADS, Picture, picture
from .rows import draw_spans, name_rows

INSIDE = "inside"
LIVES: dict[str, Callable[[Machine], str]] = {
    INSIDE: lambda m: IRQS_OFF if 0 in m.cpus(IRQS_OFF) else "",
    "PTE": lambda m: "" if pte_none(m.page_table[0]) else "set",
    "TLB": lambda m: "kept" if any(cpu == 0 for cpu, _, _ in m.tlb) else "",
    "page": lambda m: "counted" if m.memmap[0].refcount else "",
    "page table": lambda m: "" if m.tables[0] == FREED else m.tables[0],
}
ENDS = {
    INSIDE: "CPU 0 turns interrupts on",
    "PTE": "the PTE is cleared",
    "TLB": "CPU 0's TLB entry goes",
    "page": "the page is free",
    "page table": "the page table is free",
}


def lockstep(*runs: tuple[Scenario, str]) -> Picture:
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
    for row, (name, state) in enumerate(LIVES.items(), start=1):
        colour = BLUE if name == INSIDE else GREY
        draw_spans(axes, row, [state(m) for m in machines], 0.6, {}, colour)
    axes.set_title(scenario.design.name, loc="left", fontsize=9, fontweight="bold")
    name_rows(axes, ["steps", *LIVES], 0, longest + 1)


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
