"""Compile a thread, which is a generator, into a small automaton.

A thread's behaviour is a function of the results it has received.  Where it stands is therefore
known from its frames: for each, through `yield from`, the instruction and the local variables.
Two histories that lead to the same frames are one *node*; a loop that comes back to the same
frames is a loop in the automaton, which is how a thread that never ends becomes a finite thing.

Generators cannot be copied.  A node remembers how it was reached, and an edge is found by
running a fresh generator along that way, once.  Its steps are compared with those of the first
run, so a thread that keeps state anywhere else is caught.  What the frames do not show is the
interpreter's value stack; nothing may live there across a `yield`: one yield a statement, and
no `for` around one.

This module and `explore` know nothing of pages: a step is anything that has a `take` method.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import traceback
from collections.abc import Callable, Generator, Hashable, Iterator
from dataclasses import dataclass, field
from functools import cache
from types import CodeType, FrameType, GeneratorType
from typing import Any, NamedTuple

NODE_LIMIT = 1_000  # a thread with more places to stand counts without bound, or never ends


class ThreadError(Exception):
    """A thread the checker cannot work with; the message says in a sentence what to change."""


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
    nodes: list[Node] = field(default_factory=list, repr=False)
    sources: dict[tuple[str, int], tuple[str, ...]] = field(default_factory=dict, repr=False)
    _numbers: dict[Hashable, int] = field(default_factory=dict, repr=False)
    _edges: dict[tuple[int, Hashable], int] = field(default_factory=dict, repr=False)

    def start(self) -> int:
        """Return the number of the node the thread begins at."""
        return 0 if self.nodes else self._arrive(None)

    def after(self, node: int, result: Hashable) -> int:
        """Return the number of the node at which the thread stands when its step gave `result`."""
        arrived = self._edges.get((node, result))
        if arrived is None:
            arrived = self._edges[node, result] = self._arrive((node, result))
        return arrived

    def _arrive(self, came_from: tuple[int, Hashable] | None) -> int:
        """Run a fresh generator along the way to `came_from`; return the node it stands at."""
        generator = self.function(*self.args)
        if not isinstance(generator, Generator):
            raise ThreadError(
                f"{self.label} is no thread: a thread is a function that yields steps."
            )
        ended, value = self._run(generator, self._way(came_from))
        key: Hashable = ("ended", value)
        places: tuple[Place, ...] = ()
        if not ended:
            frames = tuple(_frames(generator, self.label))
            key = tuple(_frame_key(frame) for frame in frames)
            places = tuple(_place(frame) for frame in frames)
            for code in (frame.f_code for frame in frames):
                first, lines = _source(code)
                self.sources[code.co_name, first] = lines
            if not callable(getattr(value, "take", None)):
                meant = "did you mean `yield from`?" if isinstance(value, Generator) else ""
                says = f"{_at(places)} yields {value!r}; a thread yields steps. {meant}"
                raise ThreadError(says.strip())
        generator.close()
        if key not in self._numbers:
            if len(self.nodes) == NODE_LIMIT:
                raise ThreadError(
                    f"{self.label} stands in more than {NODE_LIMIT:,} different ways: "
                    "it counts without bound or never ends."
                )
            self._numbers[key] = len(self.nodes)
            step, result = (None, value) if ended else (value, None)
            self.nodes.append(Node(step, places, result, came_from))
        return self._numbers[key]

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
        forgetful = ThreadError(
            f"{self.label} does something else when it is run again: "
            "it must keep its state in local variables."
        )
        taken = 0
        try:
            step = next(generator)
            for expected, received in way:
                if step != expected:
                    raise forgetful
                taken += 1
                step = generator.send(received)
        except StopIteration as end:
            if taken < len(way):
                raise forgetful from None
            _hash(end.value, f"{self.label} returns")
            return True, end.value
        except ThreadError:
            raise
        except Exception as error:
            *_, last = traceback.extract_tb(error.__traceback__)
            where = f"{last.name}, line {last.lineno},"
            meant = " Was a `yield` forgotten?" if isinstance(error, TypeError) else ""
            says = f"{where} raised {type(error).__name__}: {error}.{meant}"
            raise ThreadError(says) from error
        return False, step


def standing(generator: Generator[Any, Any, Any], label: str) -> tuple[Place, ...]:
    """Return the lines a suspended thread stands on, outermost function first."""
    return tuple(_place(frame) for frame in _frames(generator, label))


def _frames(generator: Generator[Any, Any, Any], label: str) -> Iterator[FrameType]:
    """Yield the frames of a suspended thread, through its `yield from`s, outermost first."""
    inner: Any = generator
    while inner is not None:
        if not isinstance(inner, GeneratorType):
            raise ThreadError(
                f"{label} yields from a {type(inner).__name__}; "
                "yield from a call of another thread function instead."
            )
        assert inner.gi_frame is not None
        check_source(inner.gi_frame.f_code)
        yield inner.gi_frame
        inner = inner.gi_yieldfrom


def _frame_key(frame: FrameType) -> Hashable:
    """Return what tells this frame from others of its function: where it is, its locals."""
    values = []
    for name, value in frame.f_locals.items():
        where = f"{frame.f_code.co_name}, line {frame.f_lineno}: the local variable {name} holds"
        if isinstance(value, Iterator):
            raise ThreadError(f"{where} an iterator, whose position the checker cannot see.")
        _hash(value, where)
        values.append((name, type(value), value))
    return frame.f_code, frame.f_lasti, tuple(values)


def _hash(value: Any, where: str) -> None:
    try:
        hash(value)
    except TypeError:
        kind = type(value).__name__
        raise ThreadError(f"{where} a {kind}, which can change; use a tuple or a number.") from None


def _place(frame: FrameType) -> Place:
    first, lines = _source(frame.f_code)
    return Place(frame.f_code.co_name, frame.f_lineno, lines[frame.f_lineno - first].strip())


def _at(places: tuple[Place, ...]) -> str:
    return f"{places[-1].function}, line {places[-1].line},"


@cache
def _source(code: CodeType) -> tuple[int, tuple[str, ...]]:
    """Return the number of the first source line of `code`, and its lines."""
    try:
        lines, first = inspect.getsourcelines(code)
    except (OSError, TypeError):
        raise ThreadError(
            f"The source of {code.co_name} cannot be read; define it in a file or a notebook cell."
        ) from None
    return max(first, 1), tuple(textwrap.dedent("".join(lines)).splitlines())


@cache
def check_source(code: CodeType) -> None:
    """Refuse a thread function that hides where it stands; raise ThreadError with one sentence.

    Two yields in one statement would keep the first one's result on the value stack, and a `for`
    keeps its iterator there: two different positions would then look the same.
    """
    first, lines = _source(code)
    tree = ast.parse("\n".join(lines))
    for statement in ast.walk(tree):
        where = f"{code.co_name}, line {first - 1 + getattr(statement, 'lineno', 1)}"
        if isinstance(statement, (ast.For, ast.AsyncFor)) and _yields(statement):
            raise ThreadError(
                f"{where}: a `for` around a yield hides how far it has got; "
                "use `while` and a counter."
            )
        if isinstance(statement, ast.stmt) and len(_yields(statement, own=True)) > 1:
            raise ThreadError(f"{where}: two yields in one statement; write two statements.")


def _yields(node: ast.AST, own: bool = False) -> list[ast.AST]:
    """List the yields inside `node`; with `own`, those that belong to no statement inside it."""
    found: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.Lambda)) or (
            own and isinstance(child, ast.stmt)
        ):
            continue
        if isinstance(child, (ast.Yield, ast.YieldFrom)):
            found.append(child)
        found += _yields(child, own)
    return found
