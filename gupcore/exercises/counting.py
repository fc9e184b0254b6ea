"""How many schedules, how many states: a reader's formula is held against what the checker counts.

The scenes are two threads that never wait and share nothing: each turns the interrupts of its own
CPU off and on.
"""

from __future__ import annotations

from typing import Any

from ..catalogue import race
from ..checker.asked import ScenarioError, so_many
from ..checker.scenario import Scenario
from ..checker.step import Thread
from ..checker.thread import Automaton
from ..checker.verdict import check
from ..kernel.steps.cpu import local_irq_restore, local_irq_save
from .answer import Answer, answers

LENGTHS = ((2, 2), (1, 3), (3, 2), (6, 6), (12, 8))  # of the two threads, as they are tried
COUNTED = ("schedules", "states")


@answers("a function of two numbers of steps that returns {'schedules': …, 'states': …}")
def judge_count(function: Any, /) -> Answer:
    """Judge a count of the schedules and the states of two threads, for several lengths.

    function  the reader's: (steps of one, steps of the other) -> {"schedules": …, "states": …}

    Of the first scene, which is small enough to write down, it is told what is right; of the others
    whether a number is too small or too large.
    """
    if not callable(function):
        raise ScenarioError("A count is a function of two numbers, not a number.")
    for number, (m, n) in enumerate(LENGTHS):
        report = check(side_by_side(m, n))
        right = {
            "schedules": sum(outcome.count for outcome in report.outcomes()),
            "states": len(report.graph.states),
        }
        yours = function(m, n)
        for what in COUNTED:
            given = yours.get(what) if isinstance(yours, dict) else None
            if isinstance(given, bool) or not isinstance(given, (int, float)):
                raise ScenarioError(f"There is no number of {what} for {m} and {n} in {yours!r}.")
            if given != right[what]:
                how = "too few" if given < right[what] else "too many"
                if not number:
                    how = f"and there are {right[what]:,}"
                said = f"for {so_many(m, 'step')} and {n} you count {given:,} {what}, {how}"
                return Answer(False, f"Not yet: {said}.")
    m, n = LENGTHS[-1]
    said = f"{so_many(right['schedules'], 'schedule')} and {so_many(right['states'], 'state')}"
    return Answer(True, f"Right: {m} steps and {n} give {said}.")


def side_by_side(m: int, n: int) -> Scenario:
    """Return two threads of m and n steps that never wait and share nothing."""
    given = race()
    threads = (Automaton("one", idle, (0, m)), Automaton("another", idle, (1, n)))
    return Scenario(
        "side by side", "Two threads.", given.design, given.machine, threads, given.rules
    )


def idle(cpu: int, steps: int) -> Thread:
    """Turn the CPU's interrupts off and on until so many steps are taken."""
    while steps > 0:
        yield local_irq_save(cpu)
        steps -= 1
        if steps > 0:
            yield local_irq_restore(cpu)
            steps -= 1
