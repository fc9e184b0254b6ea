"""Relations between events, written as in the papers: `|`, `&`, `-`, and `@` for one after another.

A relation is a row of bits for each event.  It knows how it was made, so that of any pair it can
say by which named steps it came about: that is how an axiom says which cycle breaks it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple


class Edge(NamedTuple):
    """One named step from an event to another."""

    name: str
    start: int
    end: int


Path = tuple[Edge, ...]
Why = Callable[[int, int], Path]


def bits(row: int) -> Iterator[int]:
    """Yield the numbers of the bits that are set."""
    while row:
        low = row & -row
        yield low.bit_length() - 1
        row ^= low


class Relation:
    """A relation on events that are numbered from 0."""

    __slots__ = ("_found", "_why", "rows")

    def __init__(self, rows: Iterable[int], why: Why) -> None:
        self.rows = tuple(rows)
        self._why = why
        self._found: dict[tuple[int, int], Path] = {}

    def why(self, start: int, end: int) -> Path:
        """Return the named steps that lead from one event to another, which it relates."""
        if (start, end) not in self._found:
            self._found[start, end] = self._why(start, end)
        return self._found[start, end]

    def __contains__(self, pair: tuple[int, int]) -> bool:
        return bool(self.rows[pair[0]] >> pair[1] & 1)

    def __bool__(self) -> bool:
        return any(self.rows)

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Yield the pairs of events that it relates."""
        for start, row in enumerate(self.rows):
            for end in bits(row):
                yield start, end

    def called(self, name: str) -> Relation:
        """Return the same relation as one named step."""
        return Relation(self.rows, lambda a, b: (Edge(name, a, b),))

    def __or__(self, other: Relation) -> Relation:
        def why(a: int, b: int) -> Path:
            ways = [part.why(a, b) for part in (self, other) if (a, b) in part]
            return min(ways, key=len)

        return Relation((a | b for a, b in zip(self.rows, other.rows, strict=True)), why)

    def __and__(self, other: Relation) -> Relation:
        return Relation((a & b for a, b in zip(self.rows, other.rows, strict=True)), self.why)

    def __sub__(self, other: Relation) -> Relation:
        return Relation((a & ~b for a, b in zip(self.rows, other.rows, strict=True)), self.why)

    def __matmul__(self, other: Relation) -> Relation:
        rows = []
        for row in self.rows:
            reached = 0
            for middle in bits(row):
                reached |= other.rows[middle]
            rows.append(reached)

        def why(a: int, b: int) -> Path:
            ways = (self.why(a, c) + other.why(c, b) for c in bits(self.rows[a]) if (c, b) in other)
            return min(ways, key=len)

        return Relation(rows, why)

    def __invert__(self) -> Relation:
        """Return the relation the other way round."""
        rows = [0] * len(self.rows)
        for a, b in self.pairs():
            rows[b] |= 1 << a

        def why(a: int, b: int) -> Path:
            return tuple(Edge(e.name, e.end, e.start) for e in reversed(self.why(b, a)))

        return Relation(rows, why)

    def opt(self) -> Relation:
        """Return it, or no step at all."""
        rows = (row | 1 << n for n, row in enumerate(self.rows))
        return Relation(rows, lambda a, b: () if a == b else self.why(a, b))

    def plus(self) -> Relation:
        """Return one or more steps of it."""
        rows = list(self.rows)
        for middle in range(len(rows)):
            through, bit = rows[middle], 1 << middle
            if through:
                rows = [row | through if row & bit else row for row in rows]
        return Relation(rows, self._walk)

    def star(self) -> Relation:
        """Return any number of steps of it."""
        return self.plus().opt()

    def _walk(self, start: int, end: int) -> Path:
        """Return the way with the fewest named steps, which are counted as they are walked."""
        best: dict[int, Path] = {start: ()}
        open_, done = {start}, set()
        found: Path | None = None
        while open_:
            here = min(open_, key=lambda n: (len(best[n]), n))
            if found is not None and len(best[here]) >= len(found):
                break
            open_.remove(here)
            done.add(here)
            for there in bits(self.rows[here]):
                way = best[here] + self.why(here, there)
                if there == end and (found is None or len(way) < len(found)):
                    found = way
                if there not in done and (there not in best or len(way) < len(best[there])):
                    best[there] = way
                    open_.add(there)
        assert found is not None
        return found

    def cycle(self) -> Path | None:
        """Return the named steps of a shortest cycle, or None if it has none."""
        closed = self.plus()
        ways = [closed.why(n, n) for n, row in enumerate(closed.rows) if row >> n & 1]
        return min(ways, key=len, default=None)

    def loops(self) -> Path | None:
        """Return the named steps by which an event is related to itself, or None."""
        ways = [self.why(n, n) for n, row in enumerate(self.rows) if row >> n & 1]
        return min(ways, key=len, default=None)


def from_pairs(count: int, name: str, pairs: Iterable[tuple[int, int]]) -> Relation:
    """Return the relation of these pairs, on `count` events, as one named step."""
    rows = [0] * count
    for a, b in pairs:
        rows[a] |= 1 << b
    return Relation(rows, lambda a, b: (Edge(name, a, b),))


def on(count: int, events: int) -> Relation:
    """Return the relation of each of a set of events, given as bits, with itself: no step."""
    return Relation(((1 << n) & events for n in range(count)), lambda a, b: ())
