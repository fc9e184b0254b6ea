"""Callers that are the same but for their CPU, and what in a machine is the CPU's own.

Threads are *callers* if they run one function with the same arguments but for one whole number,
which is then their CPU.  Who of them does what does not matter; only how many stand where.  So the
machine is taken apart: what it keeps of a caller's CPU, its *marks*, goes with the caller, and the
rest is the same whoever is who.  A kind of machine says how to find the marks, see `own`.

That the callers are the same is not taken on trust.  Their automata are built side by side and must
agree node by node; and each step that is worked out is taken again by other callers, with all the
others on other CPUs, and must do the same to everyone.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import singledispatch
from itertools import count, islice
from typing import Any, NamedTuple

from .answers import Answers
from .asked import ScenarioError
from .machine import stopped
from .reach import begin
from .rule import RETURN, STEP, Rule
from .scenario import Scenario
from .source import ThreadError
from .step import Effect, Step, StepError
from .thread import Automaton, Node
from .values import key

Mark = tuple[str, Any]  # its kind, and which
Marks = frozenset[Mark]  # what a machine keeps of one CPU
Reference = tuple[str, Any]  # what kind of thing it is on, and which


class Own(NamedTuple):
    """How what is a CPU's own is found in a kind of machine.

    marks    of a machine: all its (cpu, mark); a mark is (its kind, which)
    marked   of a machine and such pairs: it with these in place of all it has
    holding  of a machine and {reference: how many}: it with so many more held by callers
    hidden   of a machine, a kind of marks and a thing: it with that in place of their set
    """

    marks: Callable[[Any], frozenset[tuple[int, Mark]]]
    marked: Callable[[Any, frozenset[tuple[int, Mark]]], Any]
    holding: Callable[[Any, Mapping[Reference, Any]], Any] = lambda machine, more: machine
    hidden: Callable[[Any, Any, Any], Any] = lambda machine, kind, unseen: machine


@singledispatch
def own(machine: object) -> Own | None:
    """Return how to find what is a CPU's own in such a machine; None where nobody has said it."""
    return None


class CallersDiffer(ThreadError):
    """Threads that look like callers and are not the same but for their CPU."""


class Done(NamedTuple):
    """What a step did, taken apart.

    effect  what it answered, on the whole machine `before` it
    rest    the machine after it, without the callers' marks
    marks   the marks of the callers after it, in the order they were given
    broken  the names of the rules it broke
    """

    effect: Effect
    before: Any
    rest: Any
    marks: tuple[Marks, ...]
    broken: frozenset[str]


class Crowd:
    """The threads of a scenario: its callers, and the others.

    callers  the callers' automata, and `numbers` of these threads in the scenario, from 0
    cpus     the callers' CPUs; `pool` begins with them and holds those of more callers, if need be
    singles  the other threads' automata, and the numbers of these: `places`
    rest     the machine at the start without the callers' marks, which are `marks`, of each
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, threads = scenario, scenario.threads
        self.numbers, self.cpus = alike(threads)
        self.places = tuple(n for n in range(len(threads)) if n not in self.numbers)
        # Made anew: nodes are numbered as they are met, and the callers must meet theirs in step.
        fresh = [Automaton(thread.label, thread.function, thread.args) for thread in threads]
        self.callers = tuple(fresh[n] for n in self.numbers)
        self.singles = tuple(fresh[n] for n in self.places)
        found = own(scenario.machine)
        if found is None:
            kind = type(scenario.machine).__name__
            raise ScenarioError(
                f"What in the machine {kind} is a CPU's own is not known; say it with "
                "@gupcore.checker.callers.own.register."
            )
        if isinstance(getattr(type(scenario.machine), "oops", None), property):
            raise ScenarioError("What says that a machine has stopped must be its field oops.")
        self.own = found
        self.reach = begin()
        Answers().number(scenario.machine)  # a machine that can change is refused by its field
        self.reach.add_value(scenario.machine, "The machine is")
        self.rest, self.marks = self.apart(scenario.machine, self.cpus)
        if len(set(self.marks)) > 1:
            raise CallersDiffer("The machine does not keep the same of every caller at the start.")
        for rule in scenario.rules:
            if rule.on == RETURN:
                raise ScenarioError(
                    f"The rule {rule.name!r} sees what threads return; callers that are one as "
                    "good as another cannot be judged by it."
                )
        self._rules = [rule for rule in scenario.rules if rule.on == STEP]
        self.pool = self.cpus
        self._theirs = frozenset(self.pool)
        self._turns, self._taken = 0, set[tuple[int, int]]()
        self._alike: set[int] = set()
        self._further: tuple[int, ...] = ()
        self._beside: dict[int, tuple[Automaton, tuple[int, int]]] = {}

    def make_room(self, callers: int) -> None:
        """Let there be so many more callers, on the least numbers that are nobody's CPU.

        The first two and the last of them are run as well, beside those of the scenario.
        """
        self.pool += tuple(islice(further_cpus(self.singles, self.cpus), callers))
        self._theirs = frozenset(self.pool)
        where = differ_at(*self.callers[:2]) if self.callers else ()
        if where:
            first, second = self.pool[len(self.cpus) :][:2]
            self._further = first, second, self.pool[-1]
            self.callers += tuple(on_cpu(self.callers[0], where, cpu) for cpu in self._further)
            self.cpus += self._further

    def start(self) -> tuple[int, ...]:
        """Return the nodes the other threads begin at; a caller begins at 0."""
        for caller in self.callers:
            caller.start()
            self._see_alike(0)
        started = tuple(single.start() for single in self.singles)
        for number, (beside, _) in self._beside.items():
            beside.start()
            self._see_beside(number, 0, 0)
        return started

    def run_beside(self, others: Sequence[Automaton]) -> None:
        """From `start` on, see that the singles do what the others do, who may be on other CPUs."""
        for number, (one, other) in enumerate(zip(self.singles, others, strict=True)):
            where = differ_at(one, other)
            if where is None:
                raise self._with_more(number)
            if where:
                fresh = Automaton(other.label, other.function, other.args)
                cpus: Any = one.args[where[0]], other.args[where[0]]
                self._beside[number] = fresh, cpus

    def _see_beside(self, number: int, at: int, arrived: int) -> None:
        beside, (here, there) = self._beside[number]
        steps = self.singles[number].nodes[at].step, beside.nodes[arrived].step
        if at != arrived or not same_step((steps[0], here), (steps[1], there)):
            raise self._with_more(number)

    def _with_more(self, number: int) -> ScenarioError:
        does = f"{self.singles[number].label} does something else"
        return ScenarioError(f"{does} where there are more callers.")

    def verify(self) -> None:
        """See that the threads, and all they reach, are what they were when the search began."""
        for thread in (*self.callers, *self.singles):
            thread.verify()
        self.reach.recheck()

    def node(self, mover: int, at: int) -> Node:
        """Return a node of the callers, or, with `mover` below zero, of a single: -1 the first."""
        return (self.singles[~mover] if mover < 0 else self.callers[0]).nodes[at]

    def after(self, mover: int, at: int, result: Hashable) -> int:
        """Return the node after that one, when its step gave `result`."""
        if mover < 0:
            arrived_at = self.singles[~mover].after(at, result)
            if ~mover in self._beside:
                beside, _ = self._beside[~mover]
                self._see_beside(~mover, arrived_at, beside.after(at, result))
            return arrived_at
        arrived = [caller.after(at, result) for caller in self.callers]
        if len(set(arrived)) > 1:
            raise self._differ(at)
        self._see_alike(arrived[0])
        return arrived[0]

    def apart(self, machine: Any, cpus: Sequence[int]) -> tuple[Any, tuple[Marks, ...]]:
        """Take the marks of some CPUs from a machine: the rest, and the marks of each."""
        marks = self.own.marks(machine)
        taken = tuple(frozenset(mark for cpu, mark in marks if cpu == at) for at in cpus)
        if not any(taken):
            return machine, taken
        rest = frozenset(pair for pair in marks if pair[0] not in cpus)
        return self.own.marked(machine, rest), taken

    def joined(self, rest: Any, cpus: Sequence[int], marks: Iterable[Marks]) -> Any:
        """Put a machine together again."""
        taken = {(cpu, mark) for cpu, of in zip(cpus, marks, strict=True) for mark in of}
        return self.own.marked(rest, self.own.marks(rest) | taken) if taken else rest

    def act(
        self,
        rest: Any,
        mover: int,
        at: int,
        marks: Sequence[Marks],
    ) -> Done | None:
        """Let somebody take the step of a node; None if it has none, or is blocked.

        mover  as in `node`
        marks  of all callers; if one of them moves it is the first
        """
        also = self._in_turn(len(marks), (mover, at)) if marks else ()
        usual, *others = self.arranged(len(marks), also)
        done = self._act(rest, mover, at, marks, usual)
        for cpus in others:
            if not _same(done, self._act(rest, mover, at, marks, cpus)):
                step = self.node(mover, at).step
                raise CallersDiffer(f"The step {step!r} tells callers apart by their CPUs.")
        return done

    def arranged(self, together: int, also: Iterable[int]) -> Iterator[tuple[int, ...]]:
        """Yield on which CPUs so many callers are: the first ones, and with others as the first."""
        usual = self.pool[:together]
        yield usual
        for first in also:
            yield (first, *[cpu for cpu in reversed(usual) if cpu != first][: together - 1])

    def _in_turn(self, together: int, node: tuple[int, int]) -> tuple[int, ...]:
        """Return on which CPUs, other than the first, the step of a node is taken again.

        The first time, on all there are; then, where there is room for many and few are together,
        on the second and on a further one.
        """
        self._turns += 1
        if self._further and node not in self._taken:
            self._taken.add(node)
            return self.cpus[1:]
        if not self._further or together > 2:
            return (self.cpus[self._turns % len(self.cpus) or 1],)
        return self.cpus[1], self._further[self._turns % 3]

    def step(self, mover: int, at: int, cpus: Sequence[int]) -> Step | None:
        """Return the step of a node, taken by the caller on the first of some CPUs, or a single."""
        thread = self.singles[~mover] if mover < 0 else self.callers[self.cpus.index(cpus[0])]
        return thread.nodes[at].step

    def _act(
        self,
        rest: Any,
        mover: int,
        at: int,
        marks: Sequence[Marks],
        cpus: Sequence[int],
    ) -> Done | None:
        step = self.step(mover, at, cpus)
        before = self.joined(rest, cpus, marks)
        if step is None or stopped(before):
            return None
        effect = step.take(before)
        if not isinstance(effect, Effect):
            return None
        after, left = self.apart(effect.machine, cpus)
        self.see_own(step, (cpu for cpu, _ in self.own.marks(after)), cpus)
        broken = self.broken(before, step, effect)
        return Done(effect, before, after, left, broken)

    def see_own(self, step: Step, changed: Iterable[int], present: Sequence[int]) -> None:
        """Raise CallersDiffer if a step adds or takes what is the CPU's of a caller not present."""
        if any(cpu in self._theirs and cpu not in present for cpu in changed):
            raise CallersDiffer(f"The step {step!r} names a CPU, and so tells callers apart.")

    def broken(self, before: Any, step: Step, effect: Effect) -> frozenset[str]:
        """Name the rules that a step broke."""
        seen = before, step, effect.machine
        return frozenset(rule.name for rule in self._rules if not self.keeps(rule, *seen))

    def keeps(self, rule: Rule, *seen: Any) -> bool:
        """Is a rule kept?  Raises Asks where it asks for a number of which too little is known."""
        try:
            if type(answer := rule.holds(*seen)) is bool:
                return answer
        except StepError:
            raise
        except Exception:
            pass  # it is asked again, for a sentence
        try:
            return rule.is_kept(*seen)
        except ScenarioError as error:
            if isinstance(error.__cause__, StepError):
                raise error.__cause__ from None
            raise

    def _see_alike(self, at: int) -> None:
        """Raise CallersDiffer unless all callers take the same step at a node."""
        if at in self._alike:
            return
        first = self.callers[0].nodes[at].step
        for caller, cpu in zip(self.callers, self.cpus, strict=True):
            if at < len(caller.nodes) and not same_step(
                (first, self.cpus[0]), (caller.nodes[at].step, cpu)
            ):
                raise self._differ(at)
        if all(at < len(caller.nodes) for caller in self.callers):
            self._alike.add(at)

    def _differ(self, at: int) -> CallersDiffer:
        place = self.callers[0].nodes[at].places
        where = f"{place[-1].function}, line {place[-1].line}: " if place else ""
        labels = f"{self.callers[0].label} and the other callers"
        return CallersDiffer(f"{where}{labels} are not the same but for their CPU.")


def same_step(one: tuple[Step | None, int], other: tuple[Step | None, int]) -> bool:
    """Are two steps the same, but for the CPU of those who take them?"""
    (first, here), (second, there) = one, other
    if first is None or second is None:
        return first is second
    pairs = zip(first.args, second.args, strict=False)
    return (
        first.action is second.action
        and len(first.args) == len(second.args)
        and all(key(a) == key(b) or (key(a), key(b)) == (here, there) for a, b in pairs)
    )


def alike(threads: Sequence[Automaton]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the numbers of most threads that are alike, and their CPUs; of fewer than two, none.

    Where no argument tells them apart their CPUs are numbers that nobody uses.
    """
    best: tuple[int, ...] = ()
    for first, thread in enumerate(threads):
        groups: dict[tuple[int, ...], list[int]] = {}
        for number, other in enumerate(threads[first + 1 :], first + 1):
            where = differ_at(thread, other)
            if where is not None:
                groups.setdefault(where, [first]).append(number)
        best = max([best, *map(tuple, groups.values())], key=len)
    if not best:
        return (), ()
    where = differ_at(threads[best[0]], threads[best[1]]) or ()
    return best, tuple(threads[n].args[where[0]] if where else ~n for n in best)  # type: ignore[misc]


def differ_at(one: Automaton, other: Automaton) -> tuple[int, ...] | None:
    """Return where the arguments of two threads differ; None if it is in more than their CPU."""
    if one.function is not other.function or len(one.args) != len(other.args):
        return None
    pairs = list(zip(one.args, other.args, strict=True))
    where = tuple(n for n, (a, b) in enumerate(pairs) if key(a) != key(b))
    cpus = {pairs[n] for n in where}
    if len(cpus) > 1 or not all(type(cpu) is int for pair in cpus for cpu in pair):
        return None
    return where


def further_cpus(singles: Iterable[Automaton], cpus: Iterable[int]) -> Iterator[int]:
    """Yield the least numbers that are no thread's CPU: further callers run on them."""
    taken = {*cpus, *(arg for thread in singles for arg in thread.args if type(arg) is int)}
    return (cpu for cpu in count() if cpu not in taken)


def on_cpu(model: Automaton, where: tuple[int, ...], cpu: int) -> Automaton:
    """Return the thread of a caller on another CPU."""
    args = tuple(cpu if n in where else arg for n, arg in enumerate(model.args))
    return Automaton(f"{model.label.split(' on CPU')[0]} on CPU {cpu}", model.function, args)


def _same(one: Done | None, other: Done | None) -> bool:
    """Did two callers that are the same do the same?"""
    if one is None or other is None:
        return one is other
    same = one.rest == other.rest and key(one.effect.result) == key(other.effect.result)
    return same and (one.marks, one.broken) == (other.marks, other.broken)
