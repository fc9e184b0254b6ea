"""What a litmus test is: a few threads on a few locations, and an outcome to ask about.

A test can be written in Python, with what is here, or as the kernel writes it, in C (see `reader`).

An expression is a number, the name of a register, ("&", location), or (operator, expression, ...);
in an RMW the register "old" is what it has read.  A place is the name of a location, or
("*", expression) for what a pointer leads to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Expression = Any
Place = Any

ONCE, ACQUIRE, RELEASE, MB, NORETURN = "once", "acquire", "release", "mb", "noreturn"
HIDDEN = "_"  # what the name of a register begins with that nobody asks about
LOCK, UNLOCK, SYNC = "rcu-lock", "rcu-unlock", "sync-rcu"
FENCES = (MB, "rmb", "wmb", "before-atomic", "after-atomic", LOCK, UNLOCK, SYNC)


class Read(NamedTuple):
    """A read: `kind` is once (READ_ONCE) or acquire (smp_load_acquire)."""

    register: str
    place: Place
    kind: str = ONCE


class Write(NamedTuple):
    """A write: `kind` is once (WRITE_ONCE) or release (smp_store_release)."""

    place: Place
    value: Expression
    kind: str = ONCE


class RMW(NamedTuple):
    """A read-modify-write.

    register  what receives `gives`; "" for none
    place     what it reads and writes
    new       what it writes
    kind      mb (fully ordered), acquire, release, once (relaxed), or noreturn (atomic_inc)
    when      if this is not true of what it has read, it writes nothing, and orders nothing
    gives     what the register gets
    """

    register: str
    place: Place
    new: Expression
    kind: str = MB
    when: Expression = 1
    gives: Expression = "old"


class Fence(NamedTuple):
    """A fence, or an edge of an RCU section, or a grace period: one of FENCES."""

    kind: str


class Let(NamedTuple):
    """A register gets a value: no access to memory."""

    register: str
    value: Expression


class If(NamedTuple):
    """A control dependency: `then` is done if `test` is not zero, and otherwise `other`."""

    test: Expression
    then: Sequence[Any]
    other: Sequence[Any] = ()


Operation = Read | Write | RMW | Fence | Let | If


@dataclass(frozen=True)
class Litmus:
    """A litmus test.

    name     what it is called
    threads  of each thread, its operations
    start    what the locations hold at the start, where that is not 0
    asked    the outcome in question: an expression on "0:r1" and on locations; None for no question
    way      how it is asked for: "exists", "~exists" or "forall"
    text     the C that it was read from; "" if it was written in Python
    """

    name: str
    threads: Sequence[Sequence[Operation]]
    start: Mapping[str, Any] = field(default_factory=dict)
    asked: Expression = None
    way: str = "exists"
    text: str = ""

    def locations(self) -> tuple[str, ...]:
        """Return the names of all locations."""
        found = {value[1:] for value in self.start.values() if isinstance(value, str)}
        found |= set(self.start)
        for operation in self.operations():
            given = operation[:1] if isinstance(operation, If) else operation
            inner = (e for part in given for e in parts(part) if isinstance(e, tuple))
            found |= {e[1] for e in inner if e[0] == "&"}
            place = getattr(operation, "place", None)
            found |= {place} if isinstance(place, str) else set()
        return tuple(sorted(found))

    def observed(self) -> tuple[str, ...]:
        """Return what an outcome tells: every register, and each location that is asked about."""
        found: dict[str, None] = {}
        for number, thread in enumerate(self.threads):
            for operation in _all(thread):
                register = getattr(operation, "register", "")
                if register and not register.startswith(HIDDEN):
                    found[f"{number}:{register}"] = None
        names = [part for part in parts(self.asked) if isinstance(part, str)]
        return (*found, *sorted({name for name in names if name in self.locations()}))

    def operations(self) -> Iterator[Operation]:
        """Yield every operation of every thread."""
        for thread in self.threads:
            yield from _all(thread)


def _all(operations: Sequence[Operation]) -> Iterator[Operation]:
    for operation in operations:
        yield operation
        if isinstance(operation, If):
            yield from _all(operation.then)
            yield from _all(operation.other)


def parts(expression: Expression) -> Iterator[Expression]:
    """Yield an expression and all that it is made of."""
    yield expression
    if isinstance(expression, tuple):
        for part in expression[1:]:
            yield from parts(part)
