"""How many references callers hold, where of "two or more" no more is known: see `views`."""

from __future__ import annotations

from collections.abc import Iterable

from .callers import Reference
from .several import LEAST

Held = tuple[tuple[Reference, int], ...]  # how many references on what; at most LEAST in a base
Seen = tuple[int, Held]  # what the others see of a caller: the number of its marks, what it holds


def fits(held: Held, seen: Iterable[Seen]) -> bool:
    """Can such callers be among those who hold so many references?"""
    most = dict(held)
    together: dict[Reference, int] = {}
    for _, holds in seen:
        for ref, n in holds:
            together[ref] = together.get(ref, 0) + n
    return all(most.get(ref, 0) in (LEAST, *range(n, LEAST)) for ref, n in together.items())


def holders_among(held: Held, seen: Iterable[Seen]) -> bool:
    """Is there a holder of every reference that is held?"""
    return {ref for ref, _ in held} <= {ref for _, holds in seen for ref, _ in holds}


def holders_after(many: int, more: int) -> list[int]:
    """Return how many references there can be when `more` were taken; LEAST is that many or more.

    Who drops one holds it, so there are no fewer than none.
    """
    if many < LEAST or more >= 0:
        return [min(many + more, LEAST)]
    return list(range(max(LEAST + more, 0), LEAST + 1))


def without(held: Held, gone: frozenset[Reference]) -> Held:
    """Return what is left of some references when what they are on is gone."""
    return tuple(one for one in held if one[0] not in gone)
