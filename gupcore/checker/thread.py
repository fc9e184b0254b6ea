"""Compile a thread, which is a generator, into a small automaton.

A thread's behaviour is a function of the results it has received.  Where it stands is therefore
known from its frames: for each, through `yield from`, the instruction and the local variables.
Two histories that lead to the same frames are one *node*; a loop that comes back to the same
frames is a loop in the automaton, which is how a thread that never ends becomes a finite thing.

Generators cannot be copied.  A node remembers how it was reached, and an edge is found by running
a fresh generator along that way, once.

What the checker cannot see it refuses, in one sentence; it never says holds of what it has not
seen. `source` refuses what the interpreter would keep outside the frames' variables, `reach`
refuses state outside the thread, and `values` a variable whose value could be another later.
`Automaton.verify` then tries every edge once more, along a second history where there is one.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Hashable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from inspect import CO_GENERATOR, isfunction
from types import CodeType, FrameType, GeneratorType
from typing import Any, NamedTuple

from . import reach
from .patience import Endless, call
from .source import ThreadError, check_frame, check_source, source_of
from .step import Action, Effect, Step
from .values import ITSELF, PLAIN, Changeable, exactly, frozen, key

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
    codes     the code of those functions
    locals    the local variables of each of them: ((name, value), ...)
    came_from the node before it and the result that led here, on the way first found
    step_key  what tells its step from every other
    """

    step: Step | None
    places: tuple[Place, ...]
    codes: tuple[CodeType, ...]
    locals: tuple[tuple[tuple[str, Any], ...], ...]
    result: Hashable
    came_from: Edge | None
    step_key: Hashable


Edge = tuple[int, Hashable]  # a node, and the result its step gave
Standing = tuple[CodeType, Place, tuple[tuple[str, Any], ...]]
Way = list[tuple[Step | None, Hashable]]  # the steps from the beginning on, and their results


@dataclass
class Automaton:
    """The automaton of one thread, discovered as far as it is asked for.

    label     what to call the thread
    function  a generator function
    args      its arguments; values that cannot change
    nodes     where it can stand, as far as is known
    sources   the functions it stands in: {(name, number of the first line): lines}
    """

    label: str
    function: Callable[..., Generator[Step, Any, Any]]
    args: tuple[Hashable, ...] = ()
    nodes: list[Node] = field(default_factory=list, repr=False, compare=False)
    sources: dict[tuple[str, int], tuple[str, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _keys: dict[Hashable, int] = field(default_factory=dict, repr=False, compare=False)
    _edges: dict[Edge, tuple[Hashable, int]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _known: dict[int, Hashable] = field(default_factory=dict, repr=False, compare=False)
    _reach: reach.Reach = field(default_factory=reach.Reach, repr=False, compare=False)
    _looked_at: object = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.args, tuple | list):
            raise ThreadError(
                f"{self.label} is given {self.args!r}; write its arguments as a tuple, as (0,)."
            )
        if not isinstance(self.label, str):
            raise ThreadError('A thread has a name first: Automaton("name", function, arguments).')
        self.args = tuple(self.args)
        if isinstance(self.function, Generator):
            raise ThreadError(
                f"{self.label} is a call of a thread; hand in the function and its arguments: "
                f'Automaton("{self.label}", {self.function.__name__}, (…)).'
            )

    @property
    def cpu(self) -> int | None:
        """The CPU it runs on, its argument of that name; None: on none that anybody waits for."""
        code = getattr(self.function, "__code__", None)
        names = code.co_varnames[: code.co_argcount] if code else ()
        cpu = dict(zip(names, self.args, strict=False)).get("cpu")
        return cpu if type(cpu) is int else None

    def start(self) -> int:
        """Return the number of the node the thread begins at."""
        for value in (self.function, *self.args):
            reach.current.add_value(value, f"{self.label} is given")
        if isfunction(self.function):
            check_source(self.function.__code__)
        for node in self.nodes:
            if node.step is not None:
                reach.current.add_value(
                    node.step.action.apply, f"the step {node.step.action.name} is"
                )
        reach.current.in_use = True
        as_it_was = self._looked_at is self._reach.looked_at and self._reach.is_as_it_was()
        if self.nodes and not as_it_was:
            self._find_again()
        self._reach, self._looked_at = reach.current, reach.current.looked_at
        if not self.nodes:
            others = [value for value in self.args if type(value) not in PLAIN]
            self._known = {id(value): exactly(key, value) for value in others}
            self._arrive(None)
        return 0

    def after(self, node: int, result: Hashable) -> int:
        """Return the number of the node at which the thread stands when its step gave `result`."""
        edge = node, exactly(key, result)
        if edge not in self._edges:
            reach.current.add_value(result, f"{self.label} receives")
            self._edges[edge] = result, self._arrive((node, result))
        return self._edges[edge][1]

    def begin(self) -> Generator[Step, Any, Any]:
        """Return a fresh generator; raise ThreadError where the function makes none."""
        try:
            generator = self.function(*self.args)
        except Exception as error:
            raise ThreadError(f"{self.label} cannot begin: {error}.") from error
        if not isinstance(generator, GeneratorType):
            raise ThreadError(
                f"{self.label} is no thread: a thread is a function that yields steps."
            )
        return generator

    def verify(self) -> None:
        """Try every known edge along a second history, if there is one; see that nothing changed.

        Raises ThreadError where the thread then does otherwise than on the history first found.
        """
        second: dict[int, Way] = {}
        into: dict[int, list[Edge]] = {}
        for (node, _), (result, after) in self._edges.items():
            into.setdefault(after, []).append((node, result))
        for number, known in enumerate(self.nodes):
            edges = into.get(number, [])  # the first of them is the way it was found
            others = edges if known.came_from is None else edges[1:]
            if others:
                second[number] = self._way(others[0])
            elif known.came_from is not None and known.came_from[0] in second:
                before, result = known.came_from
                second[number] = [*second[before], (self.nodes[before].step, result)]
        for (node, _), (result, after) in self._edges.items():
            if node in second:
                way = [*second[node], (self.nodes[node].step, result)]
                if self._keys.get(self._position(way)[0]) != after:
                    raise self._forgetful()

    def _find_again(self) -> None:
        """Find every known edge again, because what the thread reaches may have changed."""
        edges: list[tuple[Edge | None, int]] = [(None, 0)]
        edges += (((node, result), after) for (node, _), (result, after) in self._edges.items())
        try:
            if all(self._keys.get(self._position(self._way(e))[0]) == after for e, after in edges):
                return
        except ThreadError:
            pass
        raise ThreadError(
            f"{self.label} does something else than when its scenario was made; make it again."
        )

    def _arrive(self, came_from: Edge | None) -> int:
        """Return the number of the node at which the thread stands after `came_from`."""
        found, step, result, frames = self._position(self._way(came_from))
        if found not in self._keys:
            if len(self.nodes) == NODE_LIMIT:
                raise ThreadError(
                    f"{self.label} stands in more than {NODE_LIMIT:,} different ways: it counts "
                    "without bound, never ends, or keeps a new object in a local variable."
                )
            if step is not None:
                reach.current.add_value(step.action.apply, f"the step {step.action.name} is")
            self._keys[found] = len(self.nodes)
            codes, places, variables = zip(*frames, strict=True) if frames else ((), (), ())
            step_key = step and (step.action, exactly(key, step.args))
            self.nodes.append(Node(step, places, codes, variables, result, came_from, step_key))
        elif not _same_step(step, self.nodes[self._keys[found]].step):
            raise self._forgetful()
        return self._keys[found]

    def _position(self, way: Way) -> tuple[Hashable, Step | None, Hashable, tuple[Standing, ...]]:
        """Run a fresh generator along a way.

        Returns what tells this position from others, the next step, what was returned, and for each
        function the thread stands in its code, the line, and the local variables.
        """
        generator = self.begin()
        try:
            ended, value = advance(generator, None, self.label)
            for expected, received in way:
                if ended or not _same_step(value, expected):
                    raise self._forgetful()
                ended, value = advance(generator, received, self.label)
            if ended:
                return ("ended", key(value)), None, value, ()
            frames = tuple(_frames(generator, self.label))
            for frame in frames:
                source = source_of(frame.f_code)
                self.sources[frame.f_code.co_name, source.first] = source.lines
            keys = exactly(lambda: tuple(map(self._key_of_frame, frames)))
            stands = ((f.f_code, _place(f), tuple(f.f_locals.items())) for f in frames)
            return keys, value, None, tuple(stands)
        finally:
            with suppress(Exception):  # from a thread that catches even its own end
                generator.close()

    def _key_of_frame(self, frame: FrameType) -> Hashable:
        """Return what tells this frame from others of its function: where it is, its locals."""
        where = f"{frame.f_code.co_name}, line {frame.f_lineno}: the local variable"
        values = []
        for name, value in frame.f_locals.items():
            if type(value) in ITSELF:
                values.append((name, value))
                continue
            if id(value) in self._known:
                values.append((name, self._known[id(value)]))
                continue
            values.append((name, frozen(value, f"{where} {name} holds", ThreadError)))
            # A function was looked at with the code that makes it, or that names it.
            if callable(value) and not isfunction(value):
                reach.current.add_value(value, f"{where} {name} holds")
        return frame.f_code, frame.f_lasti, tuple(values)

    def _forgetful(self) -> ThreadError:
        return ThreadError(
            f"{self.label} does something else when it is run again: "
            "it must keep its state in local variables."
        )

    def _way(self, came_from: Edge | None) -> Way:
        """List the (step, result) pairs from the beginning to `came_from`."""
        way: Way = []
        while came_from is not None:
            node, result = came_from
            way.append((self.nodes[node].step, result))
            came_from = self.nodes[node].came_from
        return way[::-1]


def _same_step(step: Step | None, other: Step | None) -> bool:
    """Are two steps the same, down to what `==` does not tell apart?"""
    if step is None or other is None:
        return step is other
    return step.action is other.action and key(step.args) == key(other.args)


def advance(generator: Generator[Any, Any, Any], received: Any, label: str) -> tuple[bool, Any]:
    """Let a thread run up to its next step: (True, what it returned) or (False, the step).

    Raises ThreadError for whatever goes wrong in it.
    """
    try:
        step = call(generator.send, received)
    except StopIteration as end:
        frozen(end.value, f"{label} returns", ThreadError)
        return True, end.value
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
        where = standing(generator, label)[-1]
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
        where = standing(generator, label)[-1]
        says = f"{where.function}, line {where.line}: the step {step.action.name} is given"
        for given in step.args:
            frozen(given, says, ThreadError)
    return False, step


def _shown(value: Any, show: Callable[[Any], str] = repr) -> str:
    """Return a value in words, or of what kind it is where it has none."""
    try:
        return show(value)
    except Exception:
        return f"a {type(value).__name__}"


def standing(generator: Generator[Any, Any, Any], label: str) -> tuple[Place, ...]:
    """Return the lines a suspended thread stands on, outermost function first."""
    return tuple(_place(frame) for frame in _frames(generator, label))


def variables(generator: Generator[Any, Any, Any], label: str) -> dict[str, Any]:
    """Return the local variables of a suspended thread; an inner function's hide an outer one's."""
    return {
        name: value for frame in _frames(generator, label) for name, value in frame.f_locals.items()
    }


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


def _place(frame: FrameType) -> Place:
    source = source_of(frame.f_code)
    line = frame.f_lineno
    return Place(frame.f_code.co_name, line, source.lines[line - source.first].strip())
