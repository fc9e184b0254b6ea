"""All that any number of callers can do, as a few hundred views.

This is view abstraction (P. A. Abdulla, F. Haziza, L. Holík: *All for the price of few*, VMCAI
2013) with views of size one.  A *view* is a base and one caller in it: what one sees of a state if
one looks at nobody else.  The base is the machine without the callers' marks and references, where
each other thread stands, and of each reference whether no caller, one, or more of them hold it.
The caller is its node, its marks, and the references it holds.  A set of views stands for all
states, however many callers they have, of which every view is in the set.  The search finds the
least set that has the views of the start and of all states one step after those it stands for.

For that it is enough to let each who can move take its step beside nobody, and beside each single
caller that can be there, *if* beside many a step does what it does beside each of them, or is
blocked where it is blocked beside one.  Nor may it matter how many more than one hold a reference.
These are the premises, and they are tested for each step in each base, whenever this is run:

* A count of which no more than "two or more" is known cannot be asked which it is: see `several`.
  The step is also taken with counts of two, three and seven, alone and beside all others, which
  must make no difference.
* Each step is taken beside every group of up to four callers (three, where there are more than
  four kinds of them), up to six of each kind, all of them once and twice, and fewer of each kind
  than of the next one; and does then what was said above (see `premises`).  Kinds are told apart
  by those marks alone at which the step looks: each time it is seen that whatever others there are,
  and whatever callers have none of these, make no difference to it (see `looks`).
* Each step of a caller, and each beside callers, is taken on several CPUs, and must do the same
  (see `callers`).
* What a caller takes and drops is what its step declares; it never drops what it does not hold.

A step that does otherwise is named in `Untold`, and nothing is said of any number.  One that does
one thing beside some callers and another beside others is such a step: it would need larger views.
That a step cannot tell seven of a kind from six is tested no further; it is not proved.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from .answers import Answers
from .callers import CallersDiffer, Crowd, Done, Reference
from .held import Held, Seen, fits, holders_after, without
from .looks import Looks, MarksNumbers
from .machine import CALLER, keeps_accounts, stopped
from .orbits import Numbers
from .scenario import Scenario
from .several import LEAST, Asks, Several
from .source import ThreadError
from .step import Step
from .values import exactly, key

WHATEVER = -1  # references, where any number may be held
MOST_BASES = 5_000  # more than a scenario has whose machine does not count for ever

TRIED = (LEAST, 3, 7)  # numbers that "two or more" stands for
MOST_HELD = 32  # references of one caller on one thing


class Untold(Exception):
    """Why nothing can be said of any number of callers: a sentence."""


class Base(NamedTuple):
    """What is not a caller's own: the machine's number, the singles' nodes, who holds what."""

    machine: int
    nodes: tuple[int, ...]
    held: Held


class Caller(NamedTuple):
    """A caller as the others see it (the number of its marks), what it holds, and its node."""

    marks: int
    holds: Held
    node: int

    @property
    def seen(self) -> tuple[int, Held]:
        """All but where it stands, which nobody sees."""
        return self.marks, self.holds


class Outcome(NamedTuple):
    """What a step does beside some callers.

    rest    the number of the machine after it, the callers' marks and references taken away
    marks   the numbers of the marks of all, the mover first
    result  what the mover receives, and `heard` what that is known by
    more    the references it took, or, below zero, dropped
    gone    the references that are on something that is not there any more
    broken  the rules it breaks
    """

    rest: int
    marks: tuple[int, ...]
    result: Hashable
    heard: Hashable
    more: tuple[tuple[Reference, int], ...]
    gone: frozenset[Reference]
    broken: frozenset[str]

    def same(self) -> Hashable:
        """Return what must not depend on how many callers there are."""
        return self.rest, self.heard, self.more, self.gone


class Views:
    """The views of a scenario, one caller of which stands for any number; `more` has more of them.

    of      the callers of each base
    broken  the rules that some step or some end may break
    edges   of the singles, (which, from 0; a node; the node after it)
    """

    def __init__(self, scenario: Scenario, more: Scenario) -> None:
        self.crowd = crowd = Crowd(scenario)
        crowd.run_beside(Crowd(more).singles)
        crowd.make_room(1000)
        self.answers, self.marks = Answers(), MarksNumbers(key)
        self.looks = Looks(crowd, self.marks)
        self._step_numbers, self._steps_at = Numbers(), dict[tuple[int, int], int]()
        self._counting: dict[Hashable, bool] = {}
        self._references: frozenset[Reference] = frozenset()
        self.of: dict[Base, set[Caller]] = {}
        self.broken: set[str] = set()
        self.edges: set[tuple[int, int, int]] = set()
        self._asked: list[str] = []
        self._holding: dict[Hashable, tuple[Any, dict[Reference, Any]]] = {}
        self._outcomes: dict[Hashable, Outcome | None] = {}
        self._steps: dict[tuple[Base, Mover, Seen | None], list[After]] = {}
        nodes, machine = crowd.start(), self.answers.number(crowd.rest)
        self.of[Base(machine, nodes, ())] = {Caller(self.marks(crowd.marks[0]), (), 0)}

    # --- The fixpoint ---

    def run(self) -> None:
        """Find all views, and the rules that may be broken; raise Untold if it cannot be said."""
        try:
            waiting = dict.fromkeys(self.of)
            while waiting:
                base, _ = waiting.popitem()
                for there, caller in self._after(base):
                    if there not in self.of:
                        self.of[there] = set()
                        waiting[there] = None
                    if caller is not None and caller not in self.of[there]:
                        self.of[there].add(caller)
                        waiting[there] = None
                if len(self.of) > MOST_BASES:
                    raise Untold("It has too many views: does the machine count for ever?")
            self.crowd.verify()
        except ThreadError as error:
            raise Untold(str(error)) from error

    def _after(self, base: Base) -> Iterator[tuple[Base, Caller | None]]:
        """Yield the views one step after the states that have this base."""
        kinds = self.kinds(base)
        for mover in self.movers(base):
            for beside in (None, *kinds):
                for there, moved, other in self.steps(base, mover, beside):
                    yield there, moved
                    if beside is not None and other is not None:
                        yield from ((there, Caller(*other, node)) for node in kinds[beside])

    def kinds(self, base: Base) -> dict[Seen, list[int]]:
        """Return what the others can see of callers in a base, and where such callers stand."""
        found: dict[Seen, list[int]] = {}
        for caller in sorted(self.of[base]):
            found.setdefault(caller.seen, []).append(caller.node)
        return found

    def movers(self, base: Base) -> list[Mover]:
        """Return who can move: the singles, -1 the first, and the callers."""
        if stopped(self.machine(base)):
            return []
        return [*range(-len(base.nodes), 0), *sorted(self.of[base])]

    def steps(self, base: Base, mover: Mover, beside: Seen | None = None) -> list[After]:
        """Return what can come of a step beside one other caller, or nobody.

        There are more ways than one where one of "two or more" references is dropped.
        """
        asked = base, mover, beside
        if asked not in self._steps:
            self._steps[asked] = list(self._step(*asked))
        return self._steps[asked]

    def _step(self, base: Base, mover: Mover, beside: Seen | None) -> Iterator[After]:
        seen = [mover.seen] if isinstance(mover, Caller) else []
        if not fits(base.held, [*seen, *([beside] if beside else [])]):
            return
        outcome = self.outcome(base, mover, (beside[0],) if beside else ())
        if outcome is None:
            return
        if beside and not self.looks.some(self.shown(base, mover, (beside[0],))):
            left = beside[0], without(beside[1], outcome.gone)
            for there, moved, _ in self.steps(base, mover):
                if fits(there.held, [moved.seen, left] if moved else [left]):
                    yield there, moved, left
            return
        self.broken |= outcome.broken
        nodes, moved, more = base.nodes, None, dict(outcome.more)
        halted = stopped(self.answers.machines[outcome.rest])
        if isinstance(mover, Caller):
            node = mover.node if halted else self.crowd.after(0, mover.node, outcome.result)
            holds = self._booked(mover, outcome)
            moved = Caller(outcome.marks[0], holds, node)
        elif not halted:
            node = self.crowd.after(mover, nodes[~mover], outcome.result)
            self.edges.add((~mover, nodes[~mover], node))
            nodes = (*nodes[:~mover], node, *nodes[~mover + 1 :])
        other = (outcome.marks[-1], without(beside[1], outcome.gone)) if beside else None
        held = dict(without(base.held, outcome.gone))
        numbers = product(*(holders_after(held.get(ref, 0), n) for ref, n in more.items()))
        for these in numbers:
            now = held | dict(zip(more, these, strict=True))
            there = Base(outcome.rest, nodes, tuple(sorted(one for one in now.items() if one[1])))
            if fits(there.held, [one for one in (moved and moved.seen, other) if one]):
                yield there, moved, other

    def _booked(self, mover: Caller, outcome: Outcome) -> Held:
        """Book what a caller took and dropped on it."""
        holds = dict(without(mover.holds, outcome.gone))
        for ref, n in outcome.more:
            holds[ref] = holds.get(ref, 0) + n
            step = self.crowd.node(0, mover.node).step
            if holds[ref] < 0:
                raise Untold(f"The step {step!r} drops a reference that its caller does not hold.")
            if holds[ref] > MOST_HELD:
                raise Untold(f"With the step {step!r} one caller takes ever more references.")
        return tuple(sorted(one for one in holds.items() if one[1]))

    # --- One step ---

    def machine(self, base: Base) -> Any:
        """Return the machine of a base, without the callers."""
        return self.answers.machines[base.machine]

    def outcome(self, base: Base, mover: Mover, others: tuple[int, ...]) -> Outcome | None:
        """Return what a step does beside callers with such marks; None if it is blocked."""
        who, at, marks = self.who(base, mover)
        if self.crowd.node(who, at).step is None:
            return None
        shown = self.shown(base, mover, others) if others else ()
        found = self.outcome_of(base, who, at, marks + self.looks.some(shown))
        if found is None:
            return None
        left = iter(found.marks[len(marks) :])
        pairs = zip(others, shown, strict=True)
        after = [
            self.looks.with_unseen(a, b, next(left)) if self.marks.values[b] else a
            for a, b in pairs
        ]
        return found._replace(marks=(*found.marks[: len(marks)], *after))

    def shown(self, base: Base, mover: Mover, others: tuple[int, ...]) -> tuple[int, ...]:
        """Return what a step looks at of others' marks; what else they have is nothing to it."""
        who, at, own = self.who(base, mover)
        several = any(n == LEAST for _, n in base.held)
        machines = [self.holding(base, many)[0] for many in (TRIED if several else (LEAST,))]
        asked, kinds = self.named(base, who, at), self.marks.kinds()
        return self.looks.shown(asked, machines, who, at, kinds, own, others)

    def named(self, base: Base, who: int, at: int) -> Hashable:
        """Return what names a step on a machine while so many references are held."""
        return base.machine, base.held, who, self._step_number(who, at)

    def _step_number(self, who: int, at: int) -> int:
        """Return the number of the step that is taken at a node."""
        if (who, at) not in self._steps_at:
            self._steps_at[who, at] = self._step_numbers(self.crowd.node(who, at).step_key)
        return self._steps_at[who, at]

    def outcome_of(self, base: Base, who: int, at: int, marks: tuple[int, ...]) -> Outcome | None:
        """Return what a step does beside callers with such marks, whatever it is known to see."""
        if self.counts(base, who, at, marks):
            asked = self.named(base, who, at), marks
            if asked not in self._outcomes:
                self._outcomes[asked] = self.work_out(base, who, at, marks)
            return self._outcomes[asked]
        found = self._outcomes[self._whatever_is_held(base, who, at, marks)]
        if found is None or not found.gone:
            return found
        return found._replace(gone=found.gone & {ref for ref, _ in base.held})

    def counts(self, base: Base, who: int, at: int, marks: tuple[int, ...]) -> bool:
        """Does it matter to a step, or to a rule about it, how many references callers hold?"""
        asked = self._whatever_is_held(base, who, at, marks)
        if asked not in self._counting:
            try:
                self._outcomes[asked] = self.work_out(base, who, at, marks, WHATEVER)
                self._counting[asked] = False
            except CallersDiffer:
                raise
            except (Untold, ThreadError):
                self._counting[asked] = True
        return self._counting[asked]

    def _whatever_is_held(self, base: Base, who: int, at: int, marks: tuple[int, ...]) -> Hashable:
        """Return what names a step on a machine that holds however many of the references met."""
        if not self._references.issuperset(ref for ref, _ in base.held):
            self._references |= {ref for ref, _ in base.held}
        return base.machine, len(self._references), who, self._step_number(who, at), marks

    def held(self, base: Base, many: int = 0) -> dict[Reference, Any]:
        """Return how many references callers hold.

        many  if not 0, what stands in place of two or more; WHATEVER, of any number of all met
        """
        if many == WHATEVER:
            return {ref: Several(ref, self._asked, least=0) for ref in self._references}
        several = {ref: many or Several(ref, self._asked) for ref, n in base.held if n == LEAST}
        return dict(base.held) | several

    def holding(self, base: Base, many: int = 0) -> tuple[Any, dict[Reference, Any]]:
        """Return the machine of a base with what callers hold, and how much that is."""
        of: Hashable = len(self._references) if many == WHATEVER else base.held
        if (base.machine, of, many) not in self._holding:
            held = self.held(base, many)
            found = self.crowd.own.holding(self.machine(base), held), held
            self._holding[base.machine, of, many] = found
        return self._holding[base.machine, of, many]

    def who(self, base: Base, mover: Mover) -> tuple[int, int, tuple[int, ...]]:
        """Return a mover as `Crowd` names it, its node, and the marks of it, if it is a caller."""
        if isinstance(mover, Caller):
            return 0, mover.node, (mover.marks,)
        return mover, base.nodes[~mover], ()

    def work_out(
        self, base: Base, who: int, at: int, marks: tuple[int, ...], many: int = 0
    ) -> Outcome | None:
        """Take a step while callers hold what the base says; `many` as in `held`."""
        self._asked.clear()
        machine, held = self.holding(base, many)
        of = [self.marks.values[n] for n in marks]
        step = self.crowd.node(who, at).step
        assert step is not None
        try:
            done = self.crowd.act(machine, who, at, of)
            if done is None or self._asked:
                return self._refused(step)
            more, gone = _accounts(done, step, held) if who >= 0 else ({}, _gone(done, held))
            kept = {ref: -(held.get(ref, 0) + more.get(ref, 0)) for ref in {**held, **more}}
            rest = self.crowd.own.holding(done.rest, dict(without(tuple(kept.items()), gone)))
            number = self.answers.number(rest, base.machine)
        except Asks:
            return self._refused(step)
        left = tuple(map(self.marks, done.marks))
        taken = tuple(sorted(more.items()))
        result = done.effect.result
        return Outcome(number, left, result, exactly(key, result), taken, gone, done.broken)

    def _refused(self, step: Step) -> Outcome | None:
        """Say of a step that did nothing that it is blocked; or that it asks what nobody knows."""
        if self._asked:
            raise Untold(f"The step {step!r} {self._asked[0]}.")
        return None

    def singles_ended(self, base: Base) -> bool:
        """Have all threads but the callers ended?"""
        return all(self.crowd.node(~n, at).step is None for n, at in enumerate(base.nodes))

    def ended(self, caller: Caller) -> bool:
        """Has a caller ended?"""
        return self.crowd.node(0, caller.node).step is None


Mover = int | Caller
After = tuple[Base, Caller | None, Seen | None]  # the base, the mover if it is a caller, the other


def _gone(done: Done, held: Mapping[Reference, Any]) -> frozenset[Reference]:
    """Return the references on what is not there any more: they are nobody's."""
    if not held:
        return frozenset()
    after = done.effect.machine.references()
    return frozenset(ref for ref in held if (ref[0], CALLER, ref[1]) not in after)


def _accounts(
    done: Done, step: Step, held: Mapping[Reference, Any]
) -> tuple[dict[Reference, int], frozenset[Reference]]:
    """Return what a caller took, of what its step declares; and the references that are gone."""
    does = step.action.declares
    kinds = {kind for kind, holder in (*does.takes, *does.drops) if holder == CALLER}
    if not kinds or not keeps_accounts(done.before):
        return {}, _gone(done, held)
    before, after = done.before.references(), done.effect.machine.references()
    both = [of for of in after if of[:2] in {(k, CALLER) for k in kinds} and of in before]
    more = {
        (kind, which): after[kind, who, which] - before[kind, who, which]
        for kind, who, which in both
    }
    return {ref: n for ref, n in more.items() if n != 0}, _gone(done, held)
