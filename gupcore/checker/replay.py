"""Play one schedule, step by step, on the generators themselves."""

from __future__ import annotations

from typing import Any, NamedTuple

from .machine import Thing
from .scenario import Scenario
from .step import Blocked, Source
from .thread import Place, advance, standing


class ScheduleError(ValueError):
    """A schedule that is malformed or cannot be taken; the message says where and why."""


class Moment(NamedTuple):
    """One step of a replay.

    thread   the number of the thread that took it, from 1, and its `label`
    places   the lines it stood on, outermost function first
    source   the kernel function the step stands for
    said     one sentence of what happened
    changes  what changed, a line an object
    breaks   the names of the rules this step broke
    machine  the machine afterwards
    """

    thread: int
    label: str
    places: tuple[Place, ...]
    source: Source
    said: str
    changes: tuple[str, ...]
    breaks: tuple[str, ...]
    machine: Any


def replay(scenario: Scenario, schedule: str) -> list[Moment]:
    """Play a schedule, such as "2211", step by step.  Spaces in it are ignored.

    Raises ScheduleError, naming the first step that could not be taken and why.
    """
    if not isinstance(schedule, str):
        raise ScheduleError(f'A schedule is text, such as "2211", not {schedule!r}.')
    machine = scenario.machine
    running: list[Any] = [t.function(*t.args) for t in scenario.threads]
    standing_at = [
        advance(generator, None, thread.label)
        for generator, thread in zip(running, scenario.threads, strict=True)
    ]
    moments: list[Moment] = []
    things = machine.things()
    for number, digit in enumerate(schedule.replace(" ", ""), start=1):
        thread = _thread_number(scenario, number, digit)
        label, (ended, step) = scenario.threads[thread].label, standing_at[thread]
        who = f"Step {number}: thread {digit} ({label})"
        if ended:
            raise ScheduleError(f"{who} has ended and cannot step.")
        effect = step.take(machine)
        if isinstance(effect, Blocked):
            raise ScheduleError(f"{who} cannot step. {effect.why}")
        before, things = things, effect.machine.things()
        moments.append(
            Moment(
                thread + 1,
                label,
                standing(running[thread], label),
                step.action.source,
                effect.said,
                changes(before, things),
                broken_by(scenario, machine, step, effect.machine),
                effect.machine,
            )
        )
        machine = effect.machine
        if machine.oops is None:
            standing_at[thread] = advance(running[thread], effect.result, label)
    return moments


def changes(before: tuple[Thing, ...], after: tuple[Thing, ...]) -> tuple[str, ...]:
    """List what is different between two descriptions of a machine, a line an object."""
    return tuple(
        f"{old.name}: {old.value} -> {new.value}"
        for old, new in zip(before, after, strict=True)
        if (old.exists, old.value) != (new.exists, new.value)
    )


def broken_by(scenario: Scenario, before: Any, step: Any, after: Any) -> tuple[str, ...]:
    """Name the rules that a step broke."""
    return tuple(
        rule.name
        for rule in scenario.rules
        if rule.on == "step" and not rule.holds(before, step, after)
    )


def _thread_number(scenario: Scenario, number: int, digit: str) -> int:
    threads = scenario.threads
    if digit not in [str(n) for n in range(1, len(threads) + 1)]:
        names = ", ".join(f"{n} ({t.label})" for n, t in enumerate(threads, start=1))
        raise ScheduleError(f"Step {number}: {digit!r} is no thread; the threads are {names}.")
    return int(digit) - 1
