"""A second, simpler way to find what threads can do, to hold the explorer against.

It shares nothing with it: no automaton, no numbering, no layers.  Every schedule is run from the
beginning on fresh generators, and a state is the machine with the lines and local variables of
every generator.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gupcore.checker.step import Effect, Step, Thread

Functions = Sequence[Callable[[], Thread]]
Schedule = tuple[int, ...]
Stopped = Callable[[Any], bool]
Place = tuple[Any, ...]  # the frames of a generator, or "ended" and what it returned
State = tuple[Any, tuple[Place, ...]]
Taken = tuple[int, Any, Step, Any]  # a thread, the machine before, its step, the machine after


def never(machine: Any) -> bool:
    """No machine stops its threads."""
    return False


def run(
    machine: Any, functions: Functions, schedule: Sequence[int], stopped: Stopped
) -> tuple[State, list[Taken]] | None:
    """Run fresh generators along `schedule`: (state, steps taken), or None if it cannot be."""
    running = [function() for function in functions]
    waiting = [_next(generator, None) for generator in running]
    done: list[Taken] = []
    for thread in schedule:
        if waiting[thread][0] != "at" or stopped(machine):
            return None
        step = waiting[thread][1]
        effect = step.take(machine)
        if not isinstance(effect, Effect):
            return None
        done.append((thread, machine, step, effect.machine))
        machine = effect.machine
        if not stopped(machine):
            waiting[thread] = _next(running[thread], effect.result)
    where = tuple(
        _frames(generator) if state == "at" else (state, value)
        for generator, (state, value) in zip(running, waiting, strict=True)
    )
    return (machine, where), done


def states(
    machine: Any, functions: Functions, stopped: Stopped = never
) -> tuple[dict[State, Schedule], dict[State, list[State]]]:
    """Return {state: a shortest schedule to it} and {state: the states one step later}."""
    start = run(machine, functions, (), stopped)
    assert start is not None
    shortest: dict[State, Schedule] = {start[0]: ()}
    after: dict[State, list[State]] = {}
    queue = [start[0]]
    for state in queue:
        after[state] = []
        for thread in range(len(functions)):
            schedule = (*shortest[state], thread)
            if outcome := run(machine, functions, schedule, stopped):
                after[state].append(outcome[0])
                if outcome[0] not in shortest:
                    shortest[outcome[0]] = schedule
                    queue.append(outcome[0])
    return shortest, after


def schedules(
    machine: Any, functions: Functions, stopped: Stopped = never
) -> Iterator[tuple[Schedule, State, list[Taken]]]:
    """Yield every schedule that can be taken, short and long; only for loop-free threads."""
    queue: list[Schedule] = [()]
    for schedule in queue:
        if outcome := run(machine, functions, schedule, stopped):
            yield schedule, *outcome
            queue += [(*schedule, thread) for thread in range(len(functions))]


def _next(generator: Thread, result: Any) -> tuple[str, Any]:
    """Return "at" and the step that comes next, or "ended" and what was returned."""
    try:
        return "at", generator.send(result)
    except StopIteration as end:
        return "ended", end.value


def _frames(generator: Any) -> Place:
    frames = []
    while generator is not None:
        frame = generator.gi_frame
        frames.append((frame.f_code.co_name, frame.f_lineno, tuple(frame.f_locals.items())))
        generator = generator.gi_yieldfrom
    return tuple(frames)
