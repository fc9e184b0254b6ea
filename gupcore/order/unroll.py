"""The ways through the threads of a litmus test.

Where something hangs on a value (a branch, a pointer, a read-modify-write that may fail), every
answer is guessed; which guesses were right, an execution knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from operator import add, and_, eq, ge, gt, le, lt, mul, ne, or_, sub, xor
from typing import Any

from .litmus import MB, NORETURN, ONCE, RMW, Expression, Fence, If, Let, Read, Write

Value = Any  # a number, or "&" and the name of a location

OPERATORS: dict[str, Callable[..., Any]] = {
    **{"+": add, "-": sub, "*": mul, "&&": lambda a, b: int(bool(a) and bool(b)), "^": xor},
    **{"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge, "|": or_, "AND": and_},
    **{"||": lambda a, b: int(bool(a) or bool(b)), "!": lambda a: int(not a)},
}


@dataclass(eq=False, frozen=True)
class Event:
    """A read, a write or a fence of one thread.

    thread     which, from 0
    operation  the number of the operation it is part of
    kind       "R", "W" or "F"
    tag        what it is called in the models: once, acquire, release, noreturn, mb, ...
    place      the location
    value      what it writes: an expression on reads
    """

    thread: int
    operation: int
    kind: str
    tag: str
    place: str = ""
    value: Expression = 0


@dataclass(frozen=True)
class Run:
    """One way through a thread: its events, its registers, and what was guessed about values."""

    thread: int
    events: tuple[Event, ...] = ()
    registers: Mapping[str, Expression] = field(default_factory=dict)
    guesses: tuple[tuple[Expression, Callable[[Value], bool]], ...] = ()
    depends: tuple[tuple[str, Event, Event], ...] = ()
    rmw: tuple[tuple[Event, Event], ...] = ()

    def resolve(self, expression: Expression) -> Expression:
        """Return an expression with the registers' own expressions put in; one not set is 0."""
        if isinstance(expression, str):
            return self.registers.get(expression, 0)
        if isinstance(expression, tuple):
            if expression[0] == "&":
                return f"&{expression[1]}"
            return (expression[0], *map(self.resolve, expression[1:]))
        return expression

    def sets(self, register: str, value: Expression) -> Run:
        return replace(self, registers={**self.registers, register: value}) if register else self

    def does(self, event: Event, **depends_on: frozenset[Event]) -> Run:
        found = tuple((name, read, event) for name, reads in depends_on.items() for read in reads)
        return replace(self, events=(*self.events, event), depends=(*self.depends, *found))


def reads_in(expression: Expression) -> frozenset[Event]:
    """Return the reads that the value of a resolved expression depends on."""
    if isinstance(expression, Event):
        return frozenset((expression,))
    if isinstance(expression, tuple):
        return frozenset().union(*map(reads_in, expression[1:]))
    return frozenset()


def unroll(
    run: Run, operations: Any, ctrl: frozenset[Event], places: tuple[str, ...]
) -> Iterator[Run]:
    """Yield every way through some operations; `ctrl` are the reads that they are done by."""
    if not operations:
        yield run
        return
    (number, operation), *rest = operations
    for after in _ways(run, number, operation, ctrl, places):
        yield from unroll(after, rest, ctrl, places)


def _ways(
    run: Run, number: int, operation: Any, ctrl: frozenset[Event], places: tuple[str, ...]
) -> Iterator[Run]:
    """Yield every way through one operation."""
    match operation:
        case Fence(kind):
            yield run.does(Event(run.thread, number, "F", kind), ctrl=ctrl)
        case Let(register, value):
            yield run.sets(register, run.resolve(value))
        case If(test, then, other):
            asked = run.resolve(test)
            for truth, body in ((True, then), (False, other)):
                guess = replace(run, guesses=(*run.guesses, (asked, _is(truth))))
                numbered = [(number, inner) for inner in body]
                yield from unroll(guess, numbered, ctrl | reads_in(asked), places)
        case _:
            place = operation.place
            if isinstance(place, str):
                yield from _access(run, number, operation, place, frozenset(), ctrl)
                return
            pointer = run.resolve(place[1])
            for name in places:
                guess = replace(run, guesses=(*run.guesses, (pointer, f"&{name}".__eq__)))
                yield from _access(guess, number, operation, name, reads_in(pointer), ctrl)


def _is(truth: bool) -> Callable[[Value], bool]:
    return lambda value: bool(value) is truth


def _access(
    run: Run,
    number: int,
    operation: Any,
    place: str,
    addr: frozenset[Event],
    ctrl: frozenset[Event],
) -> Iterator[Run]:
    """Yield the ways through a read, a write or a read-modify-write of a location."""
    because = {"addr": addr, "ctrl": ctrl}
    match operation:
        case Read(register, _, kind):
            read = Event(run.thread, number, "R", kind, place)
            yield run.does(read, **because).sets(register, read)
        case Write(_, value, kind):
            value = run.resolve(value)
            write = Event(run.thread, number, "W", kind, place, value)
            yield run.does(write, data=reads_in(value), **because)
        case RMW(register, _, new, kind, when, gives):
            tags = (
                kind if kind in ("acquire", NORETURN) else ONCE,
                kind if kind == "release" else ONCE,
            )
            for success in (True, False):
                read = Event(run.thread, number, "R", tags[0] if success else ONCE, place)
                knows = run.sets("old", read)
                asked, value, given = map(knows.resolve, (when, new, gives))
                if isinstance(asked, int) and bool(asked) is not success:
                    continue
                way = replace(run, guesses=(*run.guesses, (asked, _is(success))))
                fence = Event(run.thread, number, "F", MB)
                if success and kind == MB:
                    way = way.does(fence, ctrl=ctrl)
                way = way.does(read, **because)
                if success:
                    write = Event(run.thread, number, "W", tags[1], place, value)
                    way = way.does(write, data=reads_in(value), **because)
                    way = replace(way, rmw=(*way.rmw, (read, write)))
                if success and kind == MB:
                    way = way.does(Event(run.thread, number, "F", MB), ctrl=ctrl)
                yield way.sets(register, given)


def evaluate(expression: Expression, values: Mapping[Any, Value]) -> Value:
    """Return the value of a resolved expression, of which `values` knows the parts."""
    if isinstance(expression, tuple):
        given = (evaluate(part, values) for part in expression[1:])
        return (
            int(result) if isinstance(result := OPERATORS[expression[0]](*given), bool) else result
        )
    return values[expression] if isinstance(expression, Event) else expression
