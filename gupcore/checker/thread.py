"""Compile a thread, which is a generator, into a small automaton.

A thread's behaviour is a function of the results it has received.  Where it stands is therefore
known from its frames: for each, through `yield from`, the instruction and the local variables.
Two histories that lead to the same frames are one *node*; a loop that comes back to the same
frames is a loop in the automaton, which is how a thread that never ends becomes a finite thing.

Generators cannot be copied.  A node remembers how it was found, and a generator that has come to
it waits there: it goes on for the next edge that is asked for.  Where none waits, a fresh one runs
along the way by which the node was found.

What the checker cannot see it refuses, in one sentence; it never says holds of what it has not
seen. `source` refuses what the interpreter would keep outside the frames' variables, `reach`
refuses state outside the thread, and `values` a variable whose value could be another later.
`Automaton.verify` then tries every edge once more with fresh generators: along the way by which its
node was found and, where there is one, along a second history.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from inspect import isfunction
from itertools import chain
from types import CodeType, FrameType, GeneratorType, MappingProxyType
from typing import Any

from . import reach
from .generators import Place, Walker, place, variables_of
from .source import ThreadError, check_source, source_of
from .step import Step
from .values import ITSELF, PLAIN, exactly, frozen, key

NODE_LIMIT = 1_000  # a thread with more places to stand counts without bound, or never ends


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
NONE: Mapping[int, Any] = MappingProxyType({})
Spot = tuple[int, bool]  # a node, and by which way: as it was found, or by its second history


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
    _waiting: dict[int, list[Walker]] = field(default_factory=dict, repr=False, compare=False)
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
        self._leave()
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

    def begin(self) -> Walker:
        """Return a fresh generator; raise ThreadError where the function makes none."""
        try:
            generator = self.function(*self.args)
        except Exception as error:
            raise ThreadError(f"{self.label} cannot begin: {error}.") from error
        if not isinstance(generator, GeneratorType):
            raise ThreadError(
                f"{self.label} is no thread: a thread is a function that yields steps."
            )
        return Walker(generator, self.label)

    def verify(self) -> None:
        """Try every known edge along a second history, if there is one; see that nothing changed.

        Raises ThreadError where the thread then does otherwise than on the history first found.
        """
        into: dict[int, list[Edge]] = {}
        for (node, _), (result, after) in self._edges.items():
            into.setdefault(after, []).append((node, result))
        second: dict[int, tuple[Spot, Hashable]] = {}
        for number, known in enumerate(self.nodes):
            edges = into.get(number, [])  # the first of them is the way it was found
            others = edges if known.came_from is None else edges[1:]
            if others:
                node, result = others[0]
                second[number] = (node, False), result
            elif known.came_from is not None and known.came_from[0] in second:
                node, result = known.came_from
                second[number] = (node, True), result
        self._leave()
        self._try_again(second)

    def _find_again(self) -> None:
        """Find every known edge again, because what the thread reaches may have changed."""
        with suppress(ThreadError):
            return self._try_again({})
        raise ThreadError(
            f"{self.label} does something else than when its scenario was made; make it again."
        )

    def _try_again(self, second: Mapping[int, tuple[Spot, Hashable]]) -> None:
        """Try every known edge with fresh generators, along each history of the node it leaves.

        second  of some nodes, from where, and by which result, another history leads there
        Raises ThreadError where the thread does something else.
        """
        self._expect(self.begin(), 0)
        waiting: dict[Spot, Walker] = {}
        for (node, _), (result, after) in self._edges.items():
            for spot in ((node, False), (node, True)) if node in second else ((node, False),):
                walker = waiting.pop(spot, None) or self._sent_along(self._way(spot, second))
                self._step(walker, node, result)
                self._expect(walker, after)
                if _is_edge(second.get(after), spot, result):
                    waiting[after, True] = walker
                elif _is_edge(self.nodes[after].came_from, node, result) and not spot[1]:
                    waiting[after, False] = walker

    def _expect(self, walker: Walker, node: int) -> None:
        """Raise ThreadError unless a generator stands at a node."""
        there = self._keys.get(self._stands(walker)[0]) == node
        if not (there and _same_step(walker.step, self.nodes[node].step)):
            raise self._forgetful(walker)

    def _leave(self) -> None:
        """Close the generators that wait."""
        for walker in chain.from_iterable(self._waiting.values()):
            walker.leave()
        self._waiting.clear()

    def _arrive(self, came_from: Edge | None) -> int:
        """Return the number of the node at which the thread stands after `came_from`."""
        if came_from is None:
            walker = self.begin()
        else:
            node, result = came_from
            there = self._waiting.get(node)
            walker = there.pop() if there else self._sent_along(self._way((node, False)))
            self._step(walker, node, result)
        found, frames = self._stands(walker)
        if found not in self._keys:
            self._keys[found] = self._new_node(walker, frames, came_from)
        number = self._keys[found]
        if not _same_step(walker.step, self.nodes[number].step):
            raise self._forgetful(walker)
        self._waiting.setdefault(number, []).append(walker)
        return number

    def _new_node(
        self, walker: Walker, frames: tuple[Standing, ...], came_from: Edge | None
    ) -> int:
        """Return the number of a node for where a generator stands."""
        if len(self.nodes) == NODE_LIMIT:
            raise ThreadError(
                f"{self.label} stands in more than {NODE_LIMIT:,} different ways: it counts "
                "without bound, never ends, or keeps a new object in a local variable."
            )
        step = walker.step
        if step is not None:
            reach.current.add_value(step.action.apply, f"the step {step.action.name} is")
        codes, places, variables = zip(*frames, strict=True) if frames else ((), (), ())
        step_key = step and (step.action, exactly(key, step.args))
        self.nodes.append(Node(step, places, codes, variables, walker.result, came_from, step_key))
        return len(self.nodes) - 1

    def _sent_along(self, way: list[Edge]) -> Walker:
        """Return a fresh generator that has gone a way."""
        walker = self.begin()
        for node, result in way:
            self._step(walker, node, result)
        return walker

    def _step(self, walker: Walker, node: int, result: Hashable) -> None:
        """Let a generator that should stand at a node go on, its step having given `result`."""
        if walker.step is None or not _same_step(walker.step, self.nodes[node].step):
            raise self._forgetful(walker)
        walker.go_on(result)

    def _way(self, spot: Spot, second: Mapping[int, tuple[Spot, Hashable]] = NONE) -> list[Edge]:
        """List the edges from the beginning to a node, as it was found or by its second history."""
        way: list[Edge] = []
        while True:
            node, by_second = spot
            if by_second:
                spot, result = second[node]
            else:
                came_from = self.nodes[node].came_from
                if came_from is None:
                    return way[::-1]
                spot, result = (came_from[0], False), came_from[1]
            way.append((spot[0], result))

    def _stands(self, walker: Walker) -> tuple[Hashable, tuple[Standing, ...]]:
        """Return what tells where a generator stands from elsewhere.

        And for each function it stands in its code, the line, and the local variables.
        """
        if walker.step is None:
            return ("ended", key(walker.result)), ()
        frames = tuple(walker.frames())
        for frame in frames:
            source = source_of(frame.f_code)
            self.sources[frame.f_code.co_name, source.first] = source.lines
        keys = exactly(lambda: tuple(map(self._key_of_frame, frames)))
        return keys, tuple((f.f_code, place(f), variables_of(f)) for f in frames)

    def _key_of_frame(self, frame: FrameType) -> Hashable:
        """Return what tells this frame from others of its function: where it is, its locals."""
        where = f"{frame.f_code.co_name}, line {frame.f_lineno}: the local variable"
        values = []
        for name, value in variables_of(frame):
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

    def _forgetful(self, walker: Walker) -> ThreadError:
        walker.leave()
        return ThreadError(
            f"{self.label} does something else when it is run again: "
            "it must keep its state in local variables."
        )


def _is_edge(edge: tuple[Any, Hashable] | None, where: Any, result: Hashable) -> bool:
    """Does an edge lead away from there, by this very result?"""
    return edge is not None and edge[0] == where and edge[1] is result


def _same_step(step: Step | None, other: Step | None) -> bool:
    """Are two steps the same, down to what `==` does not tell apart?"""
    if step is None or other is None:
        return step is other
    return step.action is other.action and key(step.args) == key(other.args)
