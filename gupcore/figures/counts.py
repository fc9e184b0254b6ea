"""A schedule as a table of counts: a column a step, a row a counter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ..checker.replay import Moment, replay
from ..checker.scenario import Scenario
from ..kernel.machine import Machine
from ..kernel.percpu_ref import BIAS, Ref
from .picture import ORANGE, RED, STYLE, THREADS, Picture, picture
from .rows import name_rows, name_step

Rows = Mapping[str, str]


def counts(scenario: Scenario, schedule: str, only_changes: bool = False) -> Picture:
    """Draw a schedule as a table of counts, with what has just changed in a frame.

    Of a percpu_ref it shows each counter and the references that are held in truth; of a machine
    with a device, who maps its first page and who counts it.

    schedule      as in `replay`; raises ScheduleError where it cannot be taken
    only_changes  leave out the steps that change no row and break no rule
    """
    rows, says = (
        (_of_a_ref, "A table of counters; b is the bias.")
        if isinstance(scenario.machine, Ref)
        else (_of_a_page, "A table of a device page and who counts it.")
    )
    columns = [rows(scenario.machine)]
    moments = []
    for moment in replay(scenario, schedule):
        values = rows(moment.machine)
        if values != columns[-1] or moment.breaks or not only_changes:
            moments.append(moment)
            columns.append(values)
    names = list(columns[0])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 1.9 + 0.3 * (len(scenario.threads) + len(names))))
        axes = figure.add_axes((0.14, 0.02, 0.74, 0.6))
        _draw_steps(axes, moments)
        for row, name in enumerate(names, start=len(scenario.threads)):
            _draw_row(axes, row, [values[name] for values in columns])
        labels = [*(thread.label for thread in scenario.threads), *names]
        name_rows(axes, labels, -0.5, len(moments) + 0.5)
        return picture(figure, f"{says} {_in_words(columns, moments)}")


def _of_a_ref(ref: Any) -> Rows:
    shared = f"{ref.atomic}" if ref.summed else f"{ref.atomic - BIAS}+b"
    local = {f"CPU {n}": str(count) for n, count in enumerate(ref.local)}
    state = "gone" if ref.released else "dying" if ref.dead else "live"
    return {**local, "shared": shared, "state": state, "held": str(ref.held)}


def _of_a_page(machine: Machine) -> Rows:
    page, pgmap = machine.memmap[0], machine.the_pgmap()
    return {
        "PTEs": str(machine.mappings(page.pfn)),
        "page count": str(page.refcount) if page.exists else "gone",
        "pgmap count": str(pgmap.refs) if pgmap.listed else "gone",
        "bound": "yes" if machine.bound else "no",
    }


def _draw_steps(axes: Any, moments: Sequence[Moment]) -> None:
    for number, moment in enumerate(moments, start=1):
        broken = bool(moment.breaks)
        colour = RED if broken else THREADS[moment.thread - 1]
        axes.plot(number, moment.thread - 1, "X" if broken else "o", color=colour, ms=9)
        name = moment.source.function.replace("percpu_ref_", "").replace("_rcu", "")
        name_step(axes, number, name)


def _draw_row(axes: Any, row: int, values: Sequence[str]) -> None:
    for number, value in enumerate(values):
        if number and value != values[number - 1]:
            look = {"fc": (ORANGE, 0.12), "ec": ORANGE, "lw": 1.5}  # as in the player's scene
            axes.barh(row, 0.86, left=number - 0.43, height=0.76, **look)
        axes.text(number, row, value, ha="center", va="center", fontsize=9)


def _in_words(columns: Sequence[Rows], moments: Sequence[Moment]) -> str:
    """Say what the drawing shows: the values at the start, and what each step changes."""
    start = ", ".join(f"{name} {value}" for name, value in columns[0].items())
    parts = [f"At the start: {start}."]
    for number, moment in enumerate(moments, start=1):
        before, after = columns[number - 1], columns[number]
        new = [f"{name} {after[name]}" for name in after if after[name] != before[name]]
        what = ", ".join(new) or "nothing changes"
        broken = f" This breaks the rule {', '.join(moment.breaks)}." if moment.breaks else ""
        parts.append(f"Column {number}, {moment.label}, {moment.source.function}: {what}.{broken}")
    return " ".join(parts)
