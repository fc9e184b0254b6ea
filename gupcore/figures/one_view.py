"""A state of several callers, and beside it what is seen if one looks at one of them at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..checker.callers import alike
from ..checker.picture import GONE
from ..checker.scenario import Scenario
from .picture import Picture
from .stills import Holder, Still, side_by_side, still_at

MANY = ("no caller holds it", "one caller holds it", "more than one holds it")


def one_view(scenario: Scenario, schedule: str, things: Sequence[str]) -> Picture:
    """Draw a state, and each view of it: what is nobody's own, and one caller.

    scenario, schedule  the state: where the schedule leads; raises ScheduleError where it cannot
                        be taken
    things              the names of the things to show, from top to bottom

    Raises ValueError for a scenario in which no two threads are the same but for their CPU, and as
    `states` does.
    """
    callers = [number + 1 for number in alike(scenario.threads)[0]]
    if not callers:
        raise ValueError("No two threads are the same but for their CPU: there is no view.")
    whole = still_at("a state", scenario, schedule, things)
    others = [label for number, label in whole.labels.items() if number not in callers]
    done = sum(int(digit) not in callers for digit in schedule.replace(" ", ""))
    where = f"{' and '.join(others)}: {done} done"
    return side_by_side([whole, *(_view(whole, callers, of, where) for of in callers)])


def _view(whole: Still, callers: Sequence[int], of: int, where: str) -> Still:
    """Return what is left of a state if one looks at one caller and at nobody else."""
    shown, held = dict(whole.things), {}
    for name, one in whole.things.items():
        held[name] = [by for by in whole.held[name] if by == of or by not in callers]
        if one.refs is not None and one.state != GONE:
            shown[name] = one._replace(words=MANY[min(_by(whole.held[name], callers), 2)])
    return replace(
        whole,
        title="a view",
        after=(where, f"of thread {of}"),
        things=shown,
        held=held,
        labels={n: label for n, label in whole.labels.items() if n == of or n not in callers},
        says={n: said for n, said in whole.says.items() if n == of or n not in callers},
    )


def _by(holders: Sequence[Holder], callers: Sequence[int]) -> int:
    """Return how many of these holders are callers."""
    return sum(by in callers for by in holders)
