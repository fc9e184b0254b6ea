"""How far an unbind gets when it comes in the middle of an I/O, as a picture: a cell a moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ..checker.machine import stopped
from ..checker.replay import Run
from ..checker.scenario import Scenario
from ..kernel.machine import A_REFERENCE, FLUSH, GRACE_PERIOD
from .picture import BLUE, GREY, ORANGE, RED, STYLE, Picture, picture
from .rows import name_rows

INTERRUPTS, REFERENCES = "waits for interrupts", "waits for a reference"
WAITS = {GRACE_PERIOD: INTERRUPTS, FLUSH: INTERRUPTS, A_REFERENCE: REFERENCES}
DIES, SPINS, SAFE = "goes through, then oops", "goes through, then spins", "goes through, no harm"
LOOKS = {
    INTERRUPTS: (GREY, "I"),
    REFERENCES: (BLUE, "R"),
    DIES: (RED, "✕"),
    SPINS: (ORANGE, "∞"),
    SAFE: (GREY, "–"),
}
FAINT = {INTERRUPTS: 0.35, SAFE: 0.0}
PATIENCE = 60  # after so many further steps a thread that has not ended spins


def how_far(*scenarios: Scenario) -> Picture:
    """Let thread 1 take some steps, then thread 2 all it can, then thread 1 the rest.

    scenarios  each has two threads, and thread 1 takes the same steps by itself in all of them

    Raises ValueError for scenarios of another kind.
    """
    if any(len(scenario.threads) != 2 for scenario in scenarios):
        raise ValueError("A scenario for this picture has two threads.")
    steps = [_as_far_as_it_goes(_run(scenario), 0) for scenario in scenarios]
    if not scenarios or any(other != steps[0] for other in steps):
        raise ValueError("Thread 1 must take the same steps by itself in every scenario.")
    cells = [[_at(scenario, done) for done in range(len(steps[0]) + 1)] for scenario in scenarios]
    names = [scenario.design.name for scenario in scenarios]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 2.0 + 0.45 * len(cells)))
        height = 2.0 + 0.45 * len(cells)
        axes = figure.add_axes((0.09, 0.72 / height, 0.8, 0.45 * len(cells) / height))
        _draw(axes, names, steps[0], cells)
        return picture(figure, _in_words(names, steps[0], cells))


def _run(scenario: Scenario) -> Run:
    return Run(scenario.machine, scenario.threads)


def _as_far_as_it_goes(run: Run, thread: int) -> list[str]:
    """Let a thread step until it ends, waits or is out of time; return the functions it stood for.

    An oops ends it too: nothing can step any more.
    """
    functions: list[str] = []
    while len(functions) < PATIENCE and run.next_step(thread) and not run.blocked(thread):
        _, step, _ = run.step(thread)
        functions.append(step.action.source.function)
    return functions


def _at(scenario: Scenario, done: int) -> str:
    """Return what happens if the unbind comes when thread 1 has taken `done` steps."""
    run = _run(scenario)
    for _ in range(done):
        run.step(0)
    _as_far_as_it_goes(run, 1)
    blocked = run.blocked(1)
    if blocked is not None and not stopped(run.machine):
        if blocked.on not in WAITS:
            raise ValueError(f"Thread 2 may wait for interrupts or references only. {blocked.why}")
        return WAITS[blocked.on]
    rest = _as_far_as_it_goes(run, 0)
    if stopped(run.machine):
        return DIES
    return SPINS if len(rest) == PATIENCE else SAFE


def _draw(axes: Any, names: Sequence[str], steps: Sequence[str], cells: list[list[str]]) -> None:
    for row, found in enumerate(cells):
        for column, what in enumerate(found):
            colour, mark = LOOKS[what]
            shade = FAINT.get(what, 0.6)
            axes.barh(row, 0.92, left=column - 0.46, height=0.8, color=colour, alpha=shade)
            axes.text(column, row, mark, ha="center", va="center", fontsize=11)
    top = -0.6
    for column, step in enumerate(("(not begun)", *steps)):
        place = {"rotation": 40, "ha": "left", "va": "bottom", "annotation_clip": False}
        axes.annotate(step, (column - 0.2, top), fontsize=8, **place)
    shown = [what for what in LOOKS if any(what in found for found in cells)]
    for number, what in enumerate(shown):
        colour, mark = LOOKS[what]
        at = (number % 2 * 0.5, -0.14 - 0.2 * (number // 2))
        axes.annotate(
            f"{mark}  {what}",
            at,
            xycoords="axes fraction",
            fontsize=9,
            va="top",
            bbox={"fc": colour, "alpha": FAINT.get(what, 0.6), "lw": 0, "pad": 1.5},
            annotation_clip=False,
        )
    name_rows(axes, names, -0.5, len(steps) + 0.5)


def _in_words(names: Sequence[str], steps: Sequence[str], cells: list[list[str]]) -> str:
    """Say for each design what an unbind does, from which step of thread 1 to which."""
    parts = []
    for name, found in zip(names, cells, strict=True):
        spans, first = [], 0
        for column in range(1, len(found) + 1):
            if column == len(found) or found[column] != found[first]:
                spans.append(f"{_when(steps, first, column - 1)} it {found[first]}")
                first = column
        parts.append(f"{name}: {'; '.join(spans)}.")
    return (
        "What an unbind does if it comes after a step of direct I/O and then runs as far as it "
        "can. " + " ".join(parts)
    )


def _when(steps: Sequence[str], first: int, last: int) -> str:
    if last == 0:
        return "before the first step"
    begin = "the start" if first == 0 else f"after {steps[first - 1]}"
    return begin if first == last else f"from {begin} to after {steps[last - 1]}"
