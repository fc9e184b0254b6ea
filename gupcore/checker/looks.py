"""At what of others' marks a step looks, and so what of them cannot make a difference to it.

A step is taken with something at which nobody may look in the place of marks (see `unseen`).  If it
runs to its end, adds and takes its own CPU's marks alone, and leaves the others' where they were,
then it does the same whatever they are; and so do the rules that are asked about it here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import fields
from typing import Any

from .callers import Crowd, Mark, Own
from .orbits import Numbers
from .patience import call
from .step import Effect
from .unseen import Unseen, within
from .values import key

Looked = frozenset[Hashable]  # marks, and kinds of them: all of a kind

MOST_NAMES = 64  # at which a step looks; one that looks at more looks at all


class MarksNumbers(Numbers):
    """Numbers for marks, which also knows of what kinds those are that were met."""

    def kinds(self) -> frozenset[str]:
        """Return the kinds of all marks met."""
        if self._counted != len(self.values):
            self._counted = len(self.values)
            self._kinds = frozenset(kind for marks in self.values for kind, _ in marks)
        return self._kinds

    _counted, _kinds = 0, frozenset[str]()


class Looks:
    """At what marks each step is known to look; `marks` are the numbers of callers' marks."""

    def __init__(self, crowd: Crowd, marks: MarksNumbers) -> None:
        self.crowd, self.marks = crowd, marks
        self.known = defaultdict[Hashable, Looked](frozenset)
        self._no_more: set[Hashable] = set()
        self._open: Looked = frozenset()
        self._met: set[Hashable] = set()
        self._parts: dict[tuple[int, Looked], int] = {}

    def shown(
        self,
        asked: Hashable,
        machines: Sequence[Any],
        mover: int,
        at: int,
        kinds: Looked,
        own: tuple[int, ...],
        others: tuple[int, ...],
    ) -> tuple[int, ...]:
        """Return the numbers of what a step looks at of others' marks.

        It is taken with marks that may not be looked at, by callers on several CPUs, until it looks
        at no others.

        asked     what names the step and the machine, with nobody's marks, and
        machines  those that stand for it: with so many references
        mover     and `at` as in `Crowd.act`, and `own` marks of the mover, if that is a caller
        kinds     of marks that callers have
        """
        for mark in {mark for n in (*own, *others) for mark in self.marks.values[n]} - self._met:
            self._met.add(mark)
            if not _can_be_hidden(self.crowd, mark):
                self._open |= {mark[0]}
        while True:
            seen = self.known[asked] = self.known[asked] | self._open
            shown = tuple(self._part(marks, seen) for marks in others)
            present = own + self.some(shown)
            if (asked, kinds, present) in self._no_more:
                return shown
            of = [self.marks.values[n] for n in present]
            usual, *turned = self.crowd.arranged(
                len(present), self.crowd.cpus[1:] if present else ()
            )
            tries = [(machines[0], cpus) for cpus in turned] + [(one, usual) for one in machines]
            for machine, cpus in tries:
                whole = self.crowd.joined(machine, cpus, of)
                self.known[asked] |= looks_at(self.crowd, whole, mover, at, cpus, kinds, seen)
            if len(self.known[asked]) > MOST_NAMES:
                self.known[asked] |= kinds
            if self.known[asked] == seen:
                self._no_more.add((asked, kinds, present))

    def some(self, marks: Iterable[int]) -> tuple[int, ...]:
        """Return those that are marks at all: who has none cannot be told from nobody."""
        return tuple(n for n in marks if self.marks.values[n])

    def with_unseen(self, marks: int, shown: int, after: int) -> int:
        """Return the number of a caller's marks when what is shown of them has become another."""
        of = self.marks.values
        return marks if shown == after else self.marks(of[after] | (of[marks] - of[shown]))

    def _part(self, marks: int, seen: Looked) -> int:
        if (marks, seen) not in self._parts:
            of = self.marks.values[marks]
            part = frozenset(mark for mark in of if mark in seen or mark[0] in seen)
            self._parts[marks, seen] = self.marks(part)
        return self._parts[marks, seen]


def looks_at(
    crowd: Crowd,
    machine: Any,
    mover: int,
    at: int,
    cpus: Sequence[int],
    kinds: Looked,
    seen: Looked,
) -> Looked:
    """Return at what else than `seen` a step looks, or a rule about it; nothing, if at no more.

    machine  before the step, with the marks that may be seen of the callers on `cpus`, of whom the
             first is the mover, if that is a caller; `mover` and `at` as in `Crowd.act`
    kinds    of marks that callers have

    Raises CallersDiffer for a step that adds or takes what is the CPU's of a caller not present.
    """
    step = crowd.step(mover, at, cpus)
    assert step is not None
    looked: list[Hashable] = []
    hidden = kinds - seen
    try:
        before = _hidden(crowd.own, machine, hidden, seen, looked)
        effect = call(step.action.apply, before, *step.args)
        if not isinstance(effect, Effect):
            return frozenset(looked)
        crowd.broken(before, step, effect)
        key(effect.result)
        changed = _changed(crowd.own, machine, before, effect.machine)
    except Exception:  # it looks, or it would do so if it came that far
        return frozenset(looked) or hidden
    if looked or changed.keys() != hidden:
        return frozenset(looked) or hidden
    pairs = frozenset().union(*changed.values())
    crowd.see_own(step, (cpu for cpu, _ in pairs), cpus)
    others = cpus if mover < 0 else cpus[1:]
    more = {mark for cpu, mark in pairs if cpu in others}
    return frozenset(mark[0] if mark in seen else mark for mark in more)


def _can_be_hidden(crowd: Crowd, mark: Mark) -> bool:
    """Is every field in which a mark is kept hidden with its kind, and does `within` find it there?

    Where a field has no pairs nobody can look at it by name.
    """
    own, bare, cpu = crowd.own, crowd.rest, crowd.pool[0]
    try:
        marked = own.marked(bare, own.marks(bare) | {(cpu, mark)})
        hidden = [own.hidden(machine, mark[0], Unseen(mark[0], [])) for machine in (bare, marked)]
        for name in [field.name for field in fields(bare)]:
            was, now = getattr(bare, name), getattr(marked, name)
            if key(was) == key(now):
                continue
            if not all(type(getattr(machine, name)) is Unseen for machine in hidden):
                return False
            pairs = all(isinstance(entry, tuple) and len(entry) == 2 for entry in now)
            if pairs and within(now, mark[1]) != within(was, mark[1]) | {cpu}:
                return False
    except Exception:  # it cannot be made with something else in place of the marks
        return False
    return True


def _hidden(own: Own, machine: Any, kinds: Looked, seen: Looked, looked: list[Hashable]) -> Any:
    """Return a machine of whose marks of some kinds no more can be looked at than may be."""
    marks = own.marks(machine)
    for kind in kinds:
        names = frozenset(mark[1] for mark in seen if type(mark) is tuple and mark[0] == kind)
        pairs = frozenset((of[1], cpu) for cpu, of in marks if of[0] == kind and of[1] in names)
        machine = own.hidden(machine, kind, Unseen(kind, looked, names, pairs))
    return machine


def _changed(
    own: Own, machine: Any, before: Any, after: Any
) -> dict[Hashable, frozenset[tuple[int, Mark]]]:
    """Return, of each kind that was left where it was, what of the unseen was added or taken.

    Raises Changeable where marks at which nobody may look have gone anywhere else.
    """
    found: dict[Hashable, frozenset[tuple[int, Mark]]] = {}
    for field in fields(after):
        was, now = getattr(before, field.name), getattr(after, field.name)
        if type(was) is not Unseen:
            key(now)
        elif type(now) is Unseen and now.kind == was.kind and was.kind not in found:
            marks = own.marks(own.hidden(machine, was.kind, now.changed))
            pairs = frozenset(pair for pair in marks if pair[1][0] == was.kind)
            if len(pairs) != len(now.changed):
                return {}
            found[was.kind] = pairs
        else:
            return {}
    return found
