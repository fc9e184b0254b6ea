"""SC and TSO say what machines do that take one step after another.

One order is the book's own: gupcore's explorer tries every schedule of the same threads.  For x86
there is a machine of its own here, with a buffer of stores for each CPU (Owens, Sarkar, Sewell).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import pytest
from litmus_corpus import SHAPES, Outcomes, family, herd7, in_order

from gupcore import Automaton, Blocked, Effect, Thread, models
from gupcore.checker.explore import explore
from gupcore.order import RMW, SC, TSO, Fence, If, Litmus, Read, Write, outcomes
from gupcore.order.litmus import LOCK, MB, SYNC, UNLOCK, Let
from gupcore.order.unroll import OPERATORS as CHANGEABLE

# Those that follow a pointer need more than these machines know.
TESTS = [
    test
    for test in (*(test for test, _ in SHAPES), *family(), *(test for test, _ in herd7()))
    if "'&'" not in repr(test.threads)
]
OPERATORS = MappingProxyType(CHANGEABLE)
BEGUN = "(begun)"  # a grace period that waits


@dataclass(frozen=True)
class Memory:
    """Places, registers ("0:r1"), the threads inside a section, and whom grace periods wait for."""

    places: tuple[tuple[str, Any], ...]
    registers: tuple[tuple[str, Any], ...] = ()
    inside: frozenset[int] = frozenset()
    owed: frozenset[tuple[int, int]] = frozenset()  # (who waits, for whom)
    oops: None = None

    def put(self, place: str, value: Any) -> "Memory":
        return replace(self, places=tuple(sorted({**dict(self.places), place: value}.items())))

    def sets(self, thread: int, register: str, value: Any) -> "Memory":
        if not register:
            return self
        known = {**dict(self.registers), f"{thread}:{register}": value}
        return replace(self, registers=tuple(sorted(known.items())))

    def value(self, thread: int, expression: Any) -> Any:
        if isinstance(expression, str):
            return dict(self.registers).get(f"{thread}:{expression}", 0)
        if isinstance(expression, tuple):
            given = [self.value(thread, part) for part in expression[1:]]
            return int(OPERATORS[expression[0]](*given))
        return expression

    def observed(self, test: Litmus) -> tuple[tuple[str, Any], ...]:
        known = {**dict(self.places), **dict(self.registers)}
        return in_order(tuple((name, known.get(name, 0)) for name in test.observed()))


def begin(test: Litmus) -> Memory:
    return Memory(tuple((place, test.start.get(place, 0)) for place in test.locations()))


def does(m: Memory, thread: int, operation: Any, seen: Any, writes: Any) -> Memory:
    """Do a read, a write or a read-modify-write, on what is seen of the memory."""
    match operation:
        case Read(register, place, _):
            return m.sets(thread, register, seen(place))
        case Write(place, value, _):
            found: Memory = writes(m, place, m.value(thread, value))
            return found
        case RMW(register, place, new, _, when, gives):
            knows = m.sets(thread, "old", seen(place))
            if knows.value(thread, when):
                m = writes(m, place, knows.value(thread, new))
            return m.sets(thread, register, knows.value(thread, gives))
        case Let(register, value):
            return m.sets(thread, register, m.value(thread, value))
    return m


# --- One order: the explorer --------------------------------------------------------------------


@models("(a litmus test)", "a.c", "v6.1")
def take(m: Memory, thread: int, operation: Any) -> Effect | Blocked:
    """Take one operation; the result says whether a register is not zero."""
    match operation:
        case Fence(kind) if kind == LOCK:
            m = replace(m, inside=m.inside | {thread})
        case Fence(kind) if kind == UNLOCK:
            owed = frozenset(pair for pair in m.owed if pair[1] != thread)
            m = replace(m, inside=m.inside - {thread}, owed=owed)
        case Fence(kind) if kind == SYNC:
            m = replace(m, owed=m.owed | {(thread, reader) for reader in m.inside})
        case Fence(kind) if kind == BEGUN:
            if any(who == thread for who, _ in m.owed):
                return Blocked("Waits for a section.")
        case If(test, _, _):
            return Effect(m, "Looks at a register.", bool(m.value(thread, test)))
        case _:
            m = does(m, thread, operation, dict(m.places).get, Memory.put)
    return Effect(m, "Done.")


def play(thread: int, operations: tuple[Any, ...]) -> Thread:
    """Take the operations of a thread, one after another."""
    while operations:
        operation, operations = operations[0], operations[1:]
        truth = yield take(thread, operation)
        if isinstance(operation, If):
            operations = (*(operation.then if truth else operation.other), *operations)
        elif operation == Fence(SYNC):
            operations = (Fence(BEGUN), *operations)


def in_one_order(test: Litmus) -> Outcomes:
    threads = [
        Automaton(f"P{n}", play, (n, tuple(operations)))
        for n, operations in enumerate(test.threads)
    ]
    graph = explore(begin(test), threads)
    assert graph.complete
    return frozenset(graph.machine(state).observed(test) for state in graph.finals)


@pytest.mark.parametrize("part", range(4))
def test_one_order_is_what_the_explorer_finds(part: int) -> None:
    for test in TESTS[part::4]:
        assert in_one_order(test) == frozenset(map(in_order, outcomes(test, SC))), test.name


# --- x86: a buffer of stores for each CPU -------------------------------------------------------

Buffers = tuple[tuple[tuple[str, Any], ...], ...]
State = tuple[Memory, Buffers, tuple[tuple[Any, ...], ...]]


def steps(m: Memory, buffers: Buffers, programs: tuple[tuple[Any, ...], ...]) -> Iterator[State]:
    """Yield every state that one step of a CPU, or of its buffer, leads to."""
    for n, buffer in enumerate(buffers):
        if buffer:  # its oldest store reaches the memory; the end of a section is seen with it
            (place, value), *rest = buffer
            after = m.put(place, value)
            if place == UNLOCK:
                owed = frozenset(pair for pair in m.owed if pair[1] != n)
                after = replace(m, inside=m.inside - {n}, owed=owed)
            yield after, (*buffers[:n], tuple(rest), *buffers[n + 1 :]), programs
        if not programs[n]:
            continue
        operation, *rest = programs[n]
        left = (*programs[:n], tuple(rest), *programs[n + 1 :])
        added: list[tuple[str, Any]] = []
        seen = {**dict(m.places), **dict(buffer)}
        drained = not buffer
        match operation:
            case Fence(kind) if kind in (MB, "before-atomic", "after-atomic", SYNC):
                if not drained:
                    continue
                after = m
                if kind == SYNC:
                    after = replace(m, owed=m.owed | {(n, reader) for reader in m.inside})
                    left = (*programs[:n], (Fence(BEGUN), *rest), *programs[n + 1 :])
            case Fence(kind):
                if kind == BEGUN and any(who == n for who, _ in m.owed):
                    continue
                after = replace(m, inside=m.inside | {n}) if kind == LOCK else m
                added = [(UNLOCK, 0)] if kind == UNLOCK else []
            case If(test, then, other):
                after, body = m, then if m.value(n, test) else other
                left = (*programs[:n], (*body, *rest), *programs[n + 1 :])
            case RMW(_, place, _, _, when, _):
                if m.sets(n, "old", seen[place]).value(n, when) and not drained:
                    continue  # a locked instruction drains the buffer first
                after = does(m, n, operation, seen.get, Memory.put)
            case Write(place, value, _):
                after, added = m, [(place, m.value(n, value))]
            case _:
                after = does(m, n, operation, seen.get, Memory.put)
        yield after, (*buffers[:n], (*buffer, *added), *buffers[n + 1 :]), left


def with_buffers(test: Litmus) -> Outcomes:
    start: State = begin(test), tuple(() for _ in test.threads), tuple(map(tuple, test.threads))
    known, new, found = {start}, [start], set()
    while new:
        m, buffers, programs = new.pop()
        if not any(programs) and not any(buffers):
            found.add(m.observed(test))
        for state in steps(m, buffers, programs):
            if state not in known:
                known.add(state)
                new.append(state)
    return frozenset(found)


@pytest.mark.parametrize("part", range(4))
def test_total_store_order_is_what_buffers_do(part: int) -> None:
    for test in TESTS[part::4]:
        assert with_buffers(test) == frozenset(map(in_order, outcomes(test, TSO))), test.name
