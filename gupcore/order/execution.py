"""All executions of a litmus test that could be asked about, before any model has its say.

Each thread is unrolled.  Then, location by location, the writes are put in an order (coherence) and
each read is given the write it reads from.  What breaks coherence, or comes between the two halves
of a read-modify-write, is not built at all: each model forbids it.  Last the values follow, and
what was guessed wrong is dropped.  A value that would be its own cause is dropped too: it would
come out of thin air.

The writes that make the start are no events: nothing comes before them, so they are on no cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from functools import cached_property
from itertools import combinations, permutations, product
from typing import Any

from .litmus import LOCK, UNLOCK, Litmus
from .relation import Relation, bits, from_pairs, on
from .unroll import Event, Run, Value, evaluate, reads_in, unroll


class Shape:
    """A way through each thread: everything about its executions that hangs on no order.

    po, loc, int_  in program order; of one location; of one thread
    rmw            the read and the write of one read-modify-write
    addr, data, ctrl  the dependencies
    R, W, F, M     the reads, the writes, the fences; reads and writes
    RMW            the halves of read-modify-writes
    added          where a full barrier was put in, see `with_barriers`
    sections       from each rcu_read_lock() to the rcu_read_unlock() that ends it
    """

    def __init__(self, test: Litmus, runs: tuple[Run, ...]) -> None:
        self.test, self.runs = test, runs
        self.events = tuple(event for run in runs for event in run.events)
        self.count = len(self.events)
        self.number = {event: n for n, event in enumerate(self.events)}
        both = list(product(range(self.count), repeat=2))
        of = self.events
        same = [(a, b) for a, b in both if of[a].thread == of[b].thread]
        self.po = self.relation("po", ((a, b) for a, b in same if a < b))
        self.int_ = self.relation("int", same)
        self.loc = self.relation("loc", ((a, b) for a, b in both if of[a].place == of[b].place))
        self.added = self.relation("smp_mb()", ())
        self.rmw = self.relation("rmw", (self.numbers(p) for run in runs for p in run.rmw))
        self.R = self.which(lambda event: event.kind == "R")
        self.W = self.which(lambda event: event.kind == "W")
        self.F = self.which(lambda event: event.kind == "F")
        self.M = self.R | self.W
        halves = {event for run in runs for pair in run.rmw for event in pair}
        self.RMW = self.which(halves.__contains__)
        for name in ("addr", "data", "ctrl"):
            found = (self.numbers(d[1:]) for run in runs for d in run.depends if d[0] == name)
            setattr(self, name, self.relation(name, found))
        self.sections = self.relation("section", self._sections())

    addr: Relation
    data: Relation
    ctrl: Relation

    def relation(self, name: str, pairs: Any) -> Relation:
        return from_pairs(self.count, name, pairs)

    def numbers(self, events: Any) -> Any:
        return tuple(self.number[event] for event in events)

    def which(self, of: Callable[[Event], bool]) -> int:
        """Return the set of events, as bits, of which something is true."""
        return sum(1 << n for n, event in enumerate(self.events) if of(event))

    def tagged(self, kind: str, tag: str) -> int:
        return self.which(lambda event: event.kind == kind and event.tag == tag)

    def on(self, events: int) -> Relation:
        """Return `[events]`: each of a set of events with itself."""
        return on(self.count, events)

    def fence(self, tag: str) -> Relation:
        """Return what is before a fence of that kind with what is after it."""
        return (self.po @ self.on(self.tagged("F", tag)) @ self.po).called(tag)

    def _sections(self) -> Iterator[tuple[int, int]]:
        for run in self.runs:
            inside = []
            for event in run.events:
                if event.tag == LOCK:
                    inside.append(event)
                elif event.tag == UNLOCK and inside:
                    yield self.number[inside.pop()], self.number[event]


class Execution:
    """One execution: who reads from which write, and in which order the writes of a place come.

    shape   everything that hangs on no order; its relations are this execution's, too
    rf      from each read the write it reads from; None is the start
    co      of each place, its writes in order
    values  of each read and write, its value
    """

    def __init__(
        self,
        shape: Shape,
        rf: Mapping[Event, Event | None],
        co: Mapping[str, tuple[Event, ...]],
        values: Mapping[Event, Value],
    ) -> None:
        self.shape, self.reads_from, self.order, self.values = shape, rf, co, values

    def __getattr__(self, name: str) -> Any:
        return getattr(self.shape, name)

    @cached_property
    def rf(self) -> Relation:
        """From a write to each read of it."""
        found = ((w, r) for r, w in self.reads_from.items() if w is not None)
        return self.shape.relation("rf", map(self.shape.numbers, found))

    @cached_property
    def co(self) -> Relation:
        """From a write to each later one of the same place."""
        found = ((a, b) for writes in self.order.values() for a, b in combinations(writes, 2))
        return self.shape.relation("co", map(self.shape.numbers, found))

    @cached_property
    def fr(self) -> Relation:
        """From a read to each write that comes after the one it has read from."""
        found = (
            (read, later)
            for read, write in self.reads_from.items()
            for later in self.order.get(read.place, ())
            if write is None or self.is_before(write, later)
        )
        return self.shape.relation("fr", map(self.shape.numbers, found))

    def with_barriers(self, places: tuple[tuple[int, int], ...]) -> Execution:
        """Return the same execution with full barriers put in.

        places  of each, the number of the event just before it, and of one that comes after it
        """
        shape = copy(self.shape)
        upto = since = shape.po.opt().rows
        added = (
            (a, b)
            for before, after in places
            for a in range(self.shape.count)
            if upto[a] >> before & 1
            for b in bits(since[after])
        )
        shape.added = shape.relation("smp_mb()", added)
        return Execution(shape, self.reads_from, self.order, self.values)

    def is_before(self, write: Event, later: Event) -> bool:
        """Does one write of a place come before another?"""
        order = self.order[write.place]
        return order.index(write) < order.index(later)

    def outcome(self) -> tuple[tuple[str, Value], ...]:
        """Return what is observed, with its values."""
        test = self.shape.test
        registers = {
            f"{run.thread}:{name}": evaluate(value, self.values)
            for run in self.shape.runs
            for name, value in run.registers.items()
        }
        last = {place: self.values[writes[-1]] for place, writes in self.order.items() if writes}
        return tuple(
            (
                name,
                registers.get(name, 0) if ":" in name else last.get(name, test.start.get(name, 0)),
            )
            for name in test.observed()
        )


def executions(test: Litmus, coherent: bool = True) -> Iterator[Execution]:
    """Yield every execution of a test.

    coherent  leave out those that no model allows, because one place has no order that fits
    """
    places = test.locations()
    runs = [
        list(unroll(Run(number), list(enumerate(thread)), frozenset(), places))
        for number, thread in enumerate(test.threads)
    ]
    for ways in product(*runs):
        shape = Shape(test, ways)
        choices = [list(_choices(shape, place, coherent)) for place in places]
        for chosen in product(*choices):
            rf = {read: write for _, found in chosen for read, write in found.items()}
            values = _values(shape, rf)
            if values is not None and all(
                right(evaluate(asked, values)) for run in ways for asked, right in run.guesses
            ):
                co = {place: order for place, (order, _) in zip(places, chosen, strict=True)}
                yield Execution(shape, rf, co, values)


Choice = tuple[tuple[Event, ...], dict[Event, Event | None]]  # an order of writes; read from where


def _choices(shape: Shape, place: str, coherent: bool) -> Iterator[Choice]:
    """Yield every order of the writes of a place, with every way to read from them."""
    threads = [[e for e in run.events if e.place == place] for run in shape.runs]
    writes = [[e for e in thread if e.kind == "W"] for thread in threads]
    half = {write: read for run in shape.runs for read, write in run.rmw}
    if not coherent:
        reads = [e for thread in threads for e in thread if e.kind == "R"]
        for order in permutations([w for own in writes for w in own]):
            for sources in product((None, *order), repeat=len(reads)):
                yield order, dict(zip(reads, sources, strict=True))
        return
    for order in _merged(writes):
        at = {write: n for n, write in enumerate(order, start=1)}
        ways = [list(_reads(thread, at, half)) for thread in threads]
        for chosen in product(*ways):
            found = {read: position for own in chosen for read, position in own.items()}
            yield order, {r: order[p - 1] if p else None for r, p in found.items()}


def _merged(threads: list[list[Event]]) -> Iterator[tuple[Event, ...]]:
    """Yield every order of the threads' writes that keeps each thread's own."""
    if not any(threads):
        yield ()
    for n, own in enumerate(threads):
        if own:
            for rest in _merged([*threads[:n], own[1:], *threads[n + 1 :]]):
                yield (own[0], *rest)


def _reads(
    own: list[Event], at: dict[Event, int], half: dict[Event, Event]
) -> Iterator[dict[Event, int]]:
    """Yield every way in which the reads of one thread fit an order of the writes of a place.

    A read sees nothing older than the thread has seen or written, and nothing that it writes later;
    that of a read-modify-write sees what is just before its own write.
    """
    if not own:
        yield {}
        return
    *earlier, last = own
    later = len(at)
    for found in _reads(earlier, at, half):
        seen = [found[e] if e.kind == "R" else at[e] for e in earlier]
        low = max(seen, default=0)
        if last.kind == "R":
            for position in range(low, later + 1):
                yield {**found, last: position}
        elif all(at[last] > position for position in seen) and (
            last not in half or found[half[last]] == at[last] - 1
        ):
            yield found


def _values(shape: Shape, rf: Mapping[Event, Event | None]) -> dict[Event, Value] | None:
    """Return the value of each read and write; None if one would be its own cause."""
    values: dict[Event, Value] = {}
    busy: set[Event] = set()

    def find(event: Event) -> bool:
        if event in values:
            return True
        if event in busy:
            return False
        busy.add(event)
        if event.kind == "R":
            source = rf[event]
            if source is not None and not find(source):
                return False
            start = shape.test.start.get(event.place, 0)
            values[event] = values[source] if source is not None else start
        else:
            if not all(map(find, reads_in(event.value))):
                return False
            values[event] = evaluate(event.value, values)
        return True

    return values if all(find(e) for e in shape.events if e.kind != "F") else None
