"""Play one schedule, step by step, on the generators themselves.

This does not use the graph.  So what it shows can be held against what the explorer found.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .asked import Refusal
from .generators import Place
from .machine import Thing, stopped, things
from .patience import patience
from .rule import RETURN, STEP, Returned
from .scenario import Scenario
from .step import Blocked, Effect, Source, Step, StepError
from .thread import Automaton


class ScheduleError(Refusal, ValueError):
    """A schedule that is malformed or cannot be taken; the message says where and why.

    blocked  what its next step waits for, where that is why
    """

    def __init__(self, says: str, blocked: Blocked | None = None) -> None:
        super().__init__(says)
        self.blocked = blocked


@dataclass(frozen=True)
class Moment:
    """One step of a replay.

    thread   the number of the thread that took it, from 1, and its `label`
    places   the lines it stood on, outermost function first
    step     the step it took
    before   the machine before it
    effect   what it did
    breaks   the names of the rules it broke
    """

    thread: int
    label: str
    places: tuple[Place, ...]
    step: Step
    before: Any
    effect: Effect
    breaks: tuple[str, ...]

    @property
    def machine(self) -> Any:
        """The machine afterwards."""
        return self.effect.machine

    @property
    def said(self) -> str:
        """One sentence of what happened."""
        return self.effect.said

    @property
    def source(self) -> Source:
        """The kernel function the step stands for."""
        return self.step.action.source

    @property
    def changes(self) -> tuple[str, ...]:
        """What changed, a line an object."""
        return changes(things(self.before), things(self.machine))


class Run:
    """Threads on a machine, stepped one at a time by whoever holds this.

    machine  the machine now

    Raises ThreadError for a thread that the checker would refuse.
    """

    def __init__(self, machine: Hashable, threads: Sequence[Automaton]) -> None:
        self.machine: Any = machine
        self._walkers = [thread.begin() for thread in threads]

    @property
    def results(self) -> list[Any]:
        """What each thread has returned; None while it runs, or if that is what it returned."""
        return [walker.result for walker in self._walkers]

    def next_step(self, thread: int) -> Step | None:
        """Return the step that thread number `thread`, from 0, takes next; None if it has ended."""
        return self._walkers[thread].step

    def variables(self, thread: int) -> dict[str, Any]:
        """Return the local variables of a thread, an inner function's last; {} if it has ended."""
        return self._walkers[thread].variables()

    def blocked(self, thread: int) -> Blocked | None:
        """Return why a thread cannot step now; None if it can, or has ended."""
        step = self.next_step(thread)
        answer = None if step is None else self._take(thread, step)
        return answer if isinstance(answer, Blocked) else None

    def step(self, thread: int) -> tuple[tuple[Place, ...], Step, Effect]:
        """Let a thread take its next step: the lines it stood on, the step, and what it did.

        Raises ScheduleError if it has ended or is blocked.
        """
        walker = self._walkers[thread]
        label, step = walker.label, walker.step
        if step is None:
            raise ScheduleError(f"thread {thread + 1} ({label}) has ended and cannot step.")
        places = walker.places()
        effect = self._take(thread, step)
        if isinstance(effect, Blocked):
            says = f"thread {thread + 1} ({label}) cannot step. {effect.why}"
            raise ScheduleError(says, effect)
        self.machine = effect.machine
        if not stopped(self.machine):
            walker.go_on(effect.result)
        return places, step, effect

    def _take(self, thread: int, step: Step) -> Effect | Blocked:
        try:
            return step.take(self.machine)
        except StepError as error:
            place = self._walkers[thread].places()[-1]
            raise StepError(f"{place.function}, line {place.line}: {error}") from error


def replay(scenario: Scenario, schedule: str) -> list[Moment]:
    """Play a schedule, such as "2211", step by step.  Spaces in it are ignored.

    Raises ScheduleError, naming the first step that could not be taken and why.
    """
    with patience():
        return list(moments_of(scenario, schedule))


def moments_of(scenario: Scenario, schedule: str) -> Iterator[Moment]:
    """Yield the moments of a schedule as they are played; raise as `replay` does, where it does."""
    run = Run(scenario.machine, scenario.threads)
    if not isinstance(schedule, str):
        raise ScheduleError(f'A schedule is text, such as "2211", not {schedule!r}.')
    for number, digit in enumerate(schedule.replace(" ", ""), start=1):
        thread, before = _thread(scenario, number, digit), run.machine
        try:
            places, step, effect = run.step(thread)
        except ScheduleError as stop:
            raise ScheduleError(f"Step {number}: {stop}", stop.blocked) from None
        label = scenario.threads[thread].label
        goes_on = run.next_step(thread) is not None or stopped(effect.machine)
        ends: Returned = () if goes_on else (label, run.results[thread])
        broken = broken_by(scenario, before, step, effect.machine, ends)
        yield Moment(thread + 1, label, places, step, before, effect, broken)


def _thread(scenario: Scenario, number: int, digit: str) -> int:
    """Return the number of the thread, from 0, that a digit of a schedule names."""
    known = {str(n): thread.label for n, thread in enumerate(scenario.threads, start=1)}
    if digit not in known:
        names = ", ".join(f"{name} ({label})" for name, label in known.items())
        raise ScheduleError(f"Step {number}: {digit!r} is no thread; the threads are {names}.")
    return int(digit) - 1


def changes(before: tuple[Thing, ...], after: tuple[Thing, ...]) -> tuple[str, ...]:
    """List what is different between two descriptions of a machine, a line an object."""
    old = {thing.name: thing for thing in before}
    return tuple(
        f"{new.name}: {was.value} -> {new.value}"
        for new in after
        if (was := old.get(new.name, NOTHING))[2:4] != new[2:4]
    )


NOTHING = Thing("", "object", False, "none")


def broken_by(
    scenario: Scenario, before: Hashable, step: Step, after: Hashable, ends: Returned = ()
) -> tuple[str, ...]:
    """Name the rules that a step broke; `ends`: of the thread, if this was its last."""
    seen = {STEP: (before, step, after), **({RETURN: (after, *ends)} if ends else {})}
    return tuple(
        rule.name for rule in scenario.rules if rule.on in seen and not rule.is_kept(*seen[rule.on])
    )
