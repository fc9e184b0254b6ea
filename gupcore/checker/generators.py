"""A thread as it runs: a generator, and where it stands.

A generator is other people's code.  Whatever goes wrong in it is said as a `ThreadError`, with the
line; where it stands is read off its frames, through `yield from`.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from inspect import CO_GENERATOR, isfunction
from types import FrameType, GeneratorType
from typing import Any, NamedTuple

from .patience import Endless, call
from .source import ThreadError, check_frame, source_of
from .step import Action, Effect, Step
from .values import Changeable, frozen, key

DEPTH_LIMIT = 50  # a thread that calls itself deeper than this does not end either


class Place(NamedTuple):
    """A line of a thread's source."""

    function: str
    line: int
    text: str


class Walker:
    """A generator of a thread, which stands at a step or has ended.

    label  the thread's
    step   the step it is about to take; None at its end
    result what it has returned; None before

    Raises ThreadError for whatever goes wrong in it.
    """

    __slots__ = ("_generator", "label", "result", "step")

    def __init__(self, generator: Generator[Any, Any, Any], label: str) -> None:
        self._generator, self.label = generator, label
        self.step: Step | None = None
        self.result: Any = None
        self.go_on(None)

    def go_on(self, received: Any) -> None:
        """Let it run up to its next step, or to its end."""
        self.step = None
        try:
            step = call(self._generator.send, received)
        except StopIteration as end:
            frozen(end.value, f"{self.label} returns", ThreadError)
            self.result = end.value
            return
        except (MemoryError, KeyboardInterrupt, Endless):
            raise
        except BaseException as error:
            if isinstance(error.__cause__, StopIteration):  # which a generator may not raise
                error = error.__cause__
            for frame, _ in traceback.walk_tb(error.__traceback__):
                if frame.f_code.co_flags & CO_GENERATOR:  # a helper may have no source
                    check_frame(frame)
            *_, last = traceback.extract_tb(error.__traceback__)
            said = _shown(error, str)
            meant = " Was a `yield` forgotten?" if "'Step'" in said else ""
            meant = " Is it a step without @step?" if "positional argument" in said else meant
            says = f"{last.name}, line {last.lineno}, raised {type(error).__name__}: {said}.{meant}"
            raise ThreadError(" ".join(says.split())) from error
        if type(step) is not Step or (type(step.action), type(step.args)) != (Action, tuple):
            where = self.places()[-1]
            meant = " Did you mean `yield from`?" if isinstance(step, Generator) else ""
            meant = " Make it with @step." if isinstance(step, Step | Effect) else meant
            if isfunction(step):
                meant = f" Write @step above {step.__name__}, and call it."
            if isinstance(step, Action):
                meant = f" Call it: {step.call}."
            raise ThreadError(
                f"{where.function}, line {where.line}, yields {_shown(step)}; "
                f"a thread yields steps.{meant}"
            )
        try:
            key(step.args)
        except (Changeable, RecursionError):
            where = self.places()[-1]
            says = f"{where.function}, line {where.line}: the step {step.action.name} is given"
            for given in step.args:
                frozen(given, says, ThreadError)
        self.step = step

    def leave(self) -> None:
        """Close the generator, also one that catches even its own end."""
        with suppress(Exception):
            self._generator.close()

    def places(self) -> tuple[Place, ...]:
        """Return the lines it stands on, outermost function first."""
        return tuple(map(place, self.frames()))

    def variables(self) -> dict[str, Any]:
        """Return the local variables, an inner function's last; {} if it has ended."""
        frames = self.frames() if self.step is not None else ()
        return {name: value for frame in frames for name, value in variables_of(frame)}

    def frames(self) -> Iterator[FrameType]:
        """Yield its frames, through each `yield from`, outermost first."""
        inner: Any = self._generator
        depth = 0
        while inner is not None:
            if not isinstance(inner, GeneratorType):
                raise ThreadError(
                    f"{self.label} yields from a {type(inner).__name__}; "
                    "yield from a call of another thread function instead."
                )
            assert inner.gi_frame is not None
            check_frame(inner.gi_frame)
            yield inner.gi_frame
            inner = inner.gi_yieldfrom
            depth += 1
            if depth > DEPTH_LIMIT:
                raise ThreadError(f"{self.label} calls itself more than {DEPTH_LIMIT} deep.")


def _shown(value: Any, show: Callable[[Any], str] = repr) -> str:
    """Return a value in words, or of what kind it is where it has none."""
    try:
        return show(value)
    except Exception:
        return f"a {type(value).__name__}"


def place(frame: FrameType) -> Place:
    """Return the line on which a frame stands."""
    source = source_of(frame.f_code)
    line = frame.f_lineno
    return Place(frame.f_code.co_name, line, source.lines[line - source.first].strip())


def variables_of(frame: FrameType) -> tuple[tuple[str, Any], ...]:
    """Return a frame's local variables, (name, value), in the order in which its code has them.

    What CPython gives has first what was there when it was last asked.
    """
    code, values = frame.f_code, frame.f_locals
    names = dict.fromkeys((*code.co_varnames, *code.co_cellvars, *code.co_freevars))
    return tuple((name, values[name]) for name in names if name in values)
