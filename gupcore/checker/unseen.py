"""The sets of marks in a machine, and what stands for one at which a step may not look.

A machine goes through its sets by the functions here, which look at no more than they must: so it
can be seen at what a step looks.  One that has run to its end with such a stand-in does the same
whatever is in the set: see `looks`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

Entry = TypeVar("Entry", bound=tuple[Any, ...])
Pair = tuple[Any, int]  # a name, and a CPU


def set_of(entries: Iterable[Entry]) -> frozenset[Entry]:
    """Make a set that is gone through in the same order however it came about.

    Of machines that differ in that order only, the checker has to look at each.
    """
    if isinstance(entries, Unseen):
        return entries  # type: ignore[return-value]
    entries = tuple(entries)
    try:
        return frozenset(sorted(entries))
    except TypeError:  # it must not fail: whether it does would tell what is in a set
        return frozenset(sorted(entries, key=repr))


def within(pairs: frozenset[Pair], name: Hashable) -> frozenset[int]:
    """Return the CPUs that a set of (name, cpu) has with a name, and look at no others."""
    if isinstance(pairs, Unseen):
        return pairs.within(name)
    return frozenset(cpu for of, cpu in pairs if of == name)


def without(pairs: frozenset[Pair], cpu: int) -> frozenset[Pair]:
    """Return a set of (name, cpu) without what it has of a CPU, and look at no others."""
    if isinstance(pairs, Unseen):
        return pairs.without(cpu)
    return set_of((of, at) for of, at in pairs if at != cpu)


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Unseen:
    """Stands for a set at which nobody may look; it can be added to and taken from.

    kind     what marks are in the set
    looked   is added to when somebody looks, who may take no notice of being refused: (kind, name)
             of what was looked at, or the kind if that was all of it
    names    of the pairs in the set: what may be looked at by `within`, and
    pairs    what there is of it
    changed  what was added or taken that may not be looked at
    """

    kind: Any
    looked: list[Hashable]
    names: frozenset[Hashable] = frozenset()
    pairs: frozenset[Pair] = frozenset()
    changed: frozenset[Any] = frozenset()

    def within(self, name: Hashable) -> frozenset[int]:
        """Return the CPUs paired with a name, if it may be looked at."""
        try:
            hash(name)
        except TypeError:
            self._refuse()
        if name not in self.names:
            self._refuse_to_show((self.kind, name))
        return frozenset(cpu for of, cpu in self.pairs if of == name)

    def without(self, cpu: int) -> Unseen:
        """Take away all that is a CPU's."""
        gone = frozenset(pair for pair in self.pairs if pair[1] == cpu)
        return self._with(self.pairs - gone, frozenset({("whatever it is", cpu)}))

    def __or__(self, more: frozenset[Any]) -> Unseen:
        shown = self._shown(more)
        return self._with(self.pairs | shown, more - shown)

    def __sub__(self, less: frozenset[Any]) -> Unseen:
        shown = self._shown(less)
        return self._with(self.pairs - shown, less - shown)

    def _with(self, pairs: frozenset[Pair], changed: frozenset[Any]) -> Unseen:
        return Unseen(self.kind, self.looked, self.names, pairs, self.changed | changed)

    def _shown(self, entries: frozenset[Any]) -> frozenset[Pair]:
        if not self.names:
            return frozenset()
        return frozenset(
            one for one in entries if isinstance(one, tuple) and one[:1] and one[0] in self.names
        )

    def _refuse_to_show(self, what: Hashable) -> NoReturn:
        self.looked.append(what)
        raise TypeError("nobody may look")

    def _refuse(self, *_: object) -> NoReturn:
        self._refuse_to_show(self.kind)

    __bool__ = __eq__ = __hash__ = __iter__ = __len__ = __contains__ = _refuse
    __le__ = __lt__ = __ge__ = __gt__ = __and__ = __xor__ = __repr__ = _refuse
    __ror__ = __rsub__ = __rand__ = __rxor__ = __getitem__ = _refuse

    __class__ = property(_refuse)

    def __getattr__(self, name: str) -> NoReturn:
        self._refuse()
