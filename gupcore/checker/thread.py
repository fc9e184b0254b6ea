"""Compile a thread, which is a generator, into a small automaton.

A thread's behaviour is a function of the results it has received.  Where it stands is therefore
known from its frames: for each, through `yield from`, the instruction and the local variables.
Two histories that lead to the same frames are one *node*; a loop that comes back to the same
frames is a loop in the automaton, which is how a thread that never ends becomes a finite thing.

Generators cannot be copied.  A node remembers how it was reached, and an edge is found by
running a fresh generator along that way, once.  Two things could make two positions look the
same.  One is what the interpreter keeps outside the frames' variables, so `check_source` refuses
what makes it do so: two yields in one statement, and a `for`, `with` or `try` around a yield.  The
other is state that a thread keeps elsewhere; `Automaton.verify` walks the automaton at random
with fresh generators and sees whether they still do what it says.

This module and `explore` know nothing of pages: a step is anything that has a `take` method.
What makes steps says so with `makes_steps`; then a call of it that is not yielded can be named.
"""

from __future__ import annotations

import inspect
import random
import traceback
from collections.abc import Callable, Generator, Hashable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType, GeneratorType
from typing import Any, NamedTuple

from .source import ThreadError, check_frame, source_of

DEPTH_LIMIT = 50  # a thread that calls itself deeper than this does not end either
NODE_LIMIT = 1_000  # a thread with more places to stand counts without bound, or never ends


class Place(NamedTuple):
    """A line of a thread's source."""

    function: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Node:
    """Where a thread stands: about to take `step`; or, with `step` None, ended with `result`.

    places    the lines it stands on, outermost function first
    came_from the node before it and the result that led here, on the way first found
    """

    step: Any
    places: tuple[Place, ...]
    result: Hashable
    came_from: tuple[int, Hashable] | None


@dataclass
class Automaton:
    """The automaton of one thread, discovered as far as it is asked for.

    label     what to call the thread
    function  a generator function
    args      its arguments; immutable values
    nodes     where it can stand, as far as is known
    sources   the functions it stands in: {(name, number of the first line): lines}
    """

    label: str
    function: Callable[..., Generator[Any, Any, Any]]
    args: tuple[Any, ...] = ()
    nodes: list[Node] = field(default_factory=list, repr=False, compare=False)
    sources: dict[tuple[str, int], tuple[str, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _numbers: dict[Hashable, int] = field(default_factory=dict, repr=False, compare=False)
    _edges: dict[tuple[int, Hashable], tuple[Hashable, int]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def start(self) -> int:
        """Return the number of the node the thread begins at."""
        return 0 if self.nodes else self._arrive(None)

    def after(self, node: int, result: Hashable) -> int:
        """Return the number of the node at which the thread stands when its step gave `result`."""
        edge = node, _exact(result)
        if edge not in self._edges:
            self._edges[edge] = result, self._arrive((node, result))
        return self._edges[edge][1]

    def _arrive(self, came_from: tuple[int, Hashable] | None) -> int:
        """Run a fresh generator along the way to `came_from`; return the node it stands at."""
        generator = self.function(*self.args)
        if not isinstance(generator, Generator):
            raise ThreadError(
                f"{self.label} is no thread: a thread is a function that yields steps."
            )
        try:
            ended, value = self._run(generator, self._way(came_from))
            key, places = self._where(generator, ended, value)
        finally:
            with suppress(RuntimeError):  # from a thread that catches even its own end
                generator.close()
        if key not in self._numbers:
            if len(self.nodes) == NODE_LIMIT:
                raise ThreadError(
                    f"{self.label} stands in more than {NODE_LIMIT:,} different ways: it counts "
                    "without bound, never ends, or keeps a new object in a local variable."
                )
            self._numbers[key] = len(self.nodes)
            step, result = (None, value) if ended else (value, None)
            self.nodes.append(Node(step, places, result, came_from))
        return self._numbers[key]

    def _where(
        self, generator: Generator[Any, Any, Any], ended: bool, value: Any
    ) -> tuple[Hashable, tuple[Place, ...]]:
        """Return what tells this position from others, and the lines it is at."""
        if ended:
            return ("ended", _exact(value)), ()
        frames = tuple(_frames(generator, self.label))
        for code in (frame.f_code for frame in frames):
            first, lines = source_of(code)
            self.sources[code.co_name, first] = lines
        return tuple(map(_frame_key, frames)), tuple(map(_place, frames))

    def verify(self, walks: int = 40, length: int = 60) -> None:
        """Walk along known edges with fresh generators; raise ThreadError if one does otherwise.

        A thread whose behaviour depends on more than the results it has received has positions that
        the automaton has taken for one.
        """
        ways: dict[int, list[tuple[Hashable, int]]] = {}
        for (node, _), edge in self._edges.items():
            ways.setdefault(node, []).append(edge)
        chance = random.Random(0)
        for _ in range(walks):
            node, way, steps = self.start(), [], 0
            while node in ways and steps < length:
                result, after = chance.choice(ways[node])
                way.append((self.nodes[node].step, result))
                node, steps = after, steps + 1
            generator = self.function(*self.args)
            ended, value = self._run(generator, way)
            generator.close()
            known = self.nodes[node]
            if (ended, value) != (known.step is None, known.result if ended else known.step):
                raise self._forgetful()

    def _forgetful(self) -> ThreadError:
        return ThreadError(
            f"{self.label} does something else when it is run again: "
            "it must keep its state in local variables."
        )

    def _way(self, came_from: tuple[int, Hashable] | None) -> list[tuple[Any, Hashable]]:
        """List the (step, result) pairs from the beginning to `came_from`."""
        way = []
        while came_from is not None:
            node, result = came_from
            way.append((self.nodes[node].step, result))
            came_from = self.nodes[node].came_from
        return way[::-1]

    def _run(
        self, generator: Generator[Any, Any, Any], way: list[tuple[Any, Hashable]]
    ) -> tuple[bool, Any]:
        """Drive `generator` along `way`: (True, what it returned) or (False, its next step)."""
        ended, value = advance(generator, None, self.label)
        for expected, received in way:
            if ended or value != expected:
                raise self._forgetful()
            ended, value = advance(generator, received, self.label)
        return ended, value


def advance(generator: Generator[Any, Any, Any], received: Any, label: str) -> tuple[bool, Any]:
    """Let a thread run up to its next step: (True, what it returned) or (False, the step).

    Raises ThreadError for whatever goes wrong in it.
    """
    try:
        step = generator.send(received)
    except StopIteration as end:
        _hash(end.value, f"{label} returns")
        return True, end.value
    except (Exception, SystemExit) as error:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_flags & inspect.CO_GENERATOR:  # a helper may have no source
                check_frame(frame)
        *_, last = traceback.extract_tb(error.__traceback__)
        meant = " Was a `yield` forgotten?" if "'Step'" in str(error) else ""
        says = f"{last.name}, line {last.lineno}, raised {type(error).__name__}: {error}.{meant}"
        raise ThreadError(" ".join(says.split())) from error
    if not callable(getattr(step, "take", None)):
        meant = " Did you mean `yield from`?" if isinstance(step, Generator) else ""
        where = standing(generator, label)[-1]
        raise ThreadError(
            f"{where.function}, line {where.line}, yields {step!r}; a thread yields steps.{meant}"
        )
    return False, step


def standing(generator: Generator[Any, Any, Any], label: str) -> tuple[Place, ...]:
    """Return the lines a suspended thread stands on, outermost function first."""
    return tuple(_place(frame) for frame in _frames(generator, label))


def _frames(generator: Generator[Any, Any, Any], label: str) -> Iterator[FrameType]:
    """Yield the frames of a suspended thread, through its `yield from`s, outermost first."""
    inner: Any = generator
    depth = 0
    while inner is not None:
        if not isinstance(inner, GeneratorType):
            raise ThreadError(
                f"{label} yields from a {type(inner).__name__}; "
                "yield from a call of another thread function instead."
            )
        assert inner.gi_frame is not None
        check_frame(inner.gi_frame)
        yield inner.gi_frame
        inner = inner.gi_yieldfrom
        depth += 1
        if depth > DEPTH_LIMIT:
            raise ThreadError(f"{label} calls itself more than {DEPTH_LIMIT} deep.")


def _frame_key(frame: FrameType) -> Hashable:
    """Return what tells this frame from others of its function: where it is, its locals."""
    values = []
    for name, value in frame.f_locals.items():
        where = f"{frame.f_code.co_name}, line {frame.f_lineno}: the local variable {name} holds"
        if isinstance(value, Iterator):
            raise ThreadError(f"{where} an iterator, whose position the checker cannot see.")
        _hash(value, where)
        values.append((name, _exact(value)))
    return frame.f_code, frame.f_lasti, tuple(values)


def _exact(value: Any) -> Hashable:
    """Return a key that also tells apart values that compare equal, such as True and 1."""
    if isinstance(value, tuple):
        return type(value), tuple(map(_exact, value))
    return type(value), repr(value) if isinstance(value, float) else value


def _hash(value: Any, where: str) -> None:
    try:
        hash(value)
    except TypeError:
        kind = type(value).__name__
        raise ThreadError(f"{where} a {kind}, which can change; use a tuple or a number.") from None


def _place(frame: FrameType) -> Place:
    first, lines = source_of(frame.f_code)
    return Place(frame.f_code.co_name, frame.f_lineno, lines[frame.f_lineno - first].strip())
