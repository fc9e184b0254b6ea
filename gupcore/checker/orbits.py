"""Every schedule, but for who of the callers is who: the search by symmetry.

States that differ only in which caller stands where are one *orbit* (C. N. Ip, D. L. Dill: *Better
verification through symmetry*, Formal Methods in System Design 9, 1996).  An orbit is kept as the
machine without the callers' marks, where each other thread stands, and a sorted list of what the
callers are: node and marks.  It stands for as many states as there are ways to say which caller is
which; a shortest schedule to it is one to a state in it.  Nothing is lost: what can be done in one
state of an orbit can be done in each, by another caller.  That the callers are the same is seen to
in `callers`.

Of the shortest schedules the same one is chosen as in `paths`: with the fewest switches, and of
those the first in the order of the threads.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import factorial, prod
from typing import Any, NamedTuple

from . import paths, reach
from .answers import Answers
from .asked import inside
from .callers import Crowd
from .explore import REPORT_EVERY, STATE_LIMIT, Graph, Progress
from .machine import stopped
from .patience import patience
from .replay import replay
from .rule import END, FAILS, FINISH, HOLDS, STEP, UNDETERMINED, Rule
from .scenario import Scenario
from .summary import Summary
from .values import key
from .verdict import Verdict, livelock, named_rule

Mover = tuple[int, tuple[int, ...], tuple[int, ...]]
State = tuple[int, ...]  # the number of a `Rest`, then those of the callers' locals, sorted
UNKNOWN: Any = object()


class Numbers:
    """Numbers for values, in the order in which they are met; what they are known by is `named`."""

    def __init__(self, named: Callable[[Any], Hashable] = lambda value: value) -> None:
        self.values, self._named = list[Any](), named
        self._number: dict[Hashable, int] = {}

    def __call__(self, value: Hashable) -> int:
        """Return the number of a value."""
        number = self._number.setdefault(self._named(value), len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


class Known(NamedTuple):
    """What somebody does in an orbit: the numbers of what is afterwards.

    rest    of the machine with the other threads' nodes
    caller  of the local of the caller who moved; -1 if none did
    marks   of the marks of the callers who did not move, in order
    broken  the names of the rules it breaks
    """

    rest: int
    caller: int
    marks: tuple[int, ...]
    broken: frozenset[str]


class Move(NamedTuple):
    """A move from an orbit.

    mover   a single, -1 the first, or the number of the local of the caller who moves
    became  the number of that caller's local afterwards; of a single, itself
    after   the orbit it leads to
    known   what is known of it
    """

    mover: int
    became: int
    after: State
    known: Known


class Orbits:
    """The orbits of a scenario, found layer by layer.

    states    an orbit each, in the order found
    number    of each its index there
    layers    the index at which each depth begins
    complete  was everything explored?
    """

    def __init__(self, scenario: Scenario) -> None:
        self.crowd = Crowd(scenario)
        self.answers = Answers()
        self.rests, self.locals, self.marks = Numbers(), Numbers(), Numbers(key)
        self._known: dict[tuple[int, int, tuple[int, ...]], Known | None] = {}
        self._done: dict[Hashable, Any] = {}
        self._movers: dict[tuple[int, ...], list[Mover]] = {}
        nodes, machine = self.crowd.start(), self.answers.number(self.crowd.rest)
        callers = sorted(self.locals((0, self.marks(marks))) for marks in self.crowd.marks)
        self.states: list[State] = [(self.rests((machine, nodes)), *callers)]
        self.number = {self.states[0]: 0}
        self.layers = [0]
        self.complete = False

    def machine(self, state: State) -> Any:
        """Return the machine of one of the states in an orbit."""
        marks = (self.marks.values[self.locals.values[local][1]] for local in state[1:])
        return self.crowd.joined(self._rest(state[0]), self.crowd.cpus, marks)

    def size(self, state: State) -> int:
        """Return how many states there are in an orbit."""
        same = Counter(state[1:]).values()
        return factorial(len(state) - 1) // prod(map(factorial, same))

    def stopped(self, index: int) -> bool:
        """Has the machine stopped in the orbit at `index`?"""
        return stopped(self._rest(self.states[index][0]))

    def final(self, state: State) -> bool:
        """Have all threads ended, or has the machine stopped?"""
        _, nodes = self.rests.values[state[0]]
        at = [*((~n, node) for n, node in enumerate(nodes))]
        at += [(0, self.locals.values[local][0]) for local in state[1:]]
        ended = all(self.crowd.node(*mover).step is None for mover in at)
        return ended or stopped(self._rest(state[0]))

    def moves(self, state: State) -> Iterator[Move]:
        """Yield each move that can be made: by a single, or by a caller of each kind."""
        rest, callers = state[0], state[1:]
        movers = self._movers.get(callers)
        if movers is None:
            movers = self._movers[callers] = self._who_can_move(callers)
        for mover, others, seen in movers:
            key = rest, mover, seen
            known = self._known.get(key, UNKNOWN)
            if known is UNKNOWN:
                known = self._known[key] = self._work_out(*key)
            if known is None:
                continue
            left = others if known.marks == seen else self._marked(others, known.marks)
            if mover < 0:
                yield Move(mover, mover, (known.rest, *sorted(left)), known)
            else:
                after = (known.rest, *sorted((*left, known.caller)))
                yield Move(mover, known.caller, after, known)

    def _who_can_move(self, callers: tuple[int, ...]) -> list[Mover]:
        """List who can move: the number, the locals of the other callers, and their marks."""
        found = []
        for mover in (*range(-len(self.crowd.singles), 0), *dict.fromkeys(callers)):
            others = list(callers)
            if mover >= 0:
                others.remove(mover)
            others.sort(key=self._marks_of)
            found.append((mover, tuple(others), tuple(map(self._marks_of, others))))
        return found

    def _marked(self, callers: Iterable[int], marks: Iterable[int]) -> list[int]:
        """Return the locals of callers who stand where they stood, with other marks."""
        pairs = zip(callers, marks, strict=True)
        return [self.locals((self.locals.values[local][0], of)) for local, of in pairs]

    def depth(self, index: int) -> int:
        """Return how many steps the orbit at `index` of `states` is from the start."""
        return bisect_right(self.layers, index) - 1

    def _marks_of(self, local: int) -> int:
        return int(self.locals.values[local][1])

    def _rest(self, rest: int) -> Any:
        return self.answers.machines[self.rests.values[rest][0]]

    def _work_out(self, rest: int, mover: int, seen: tuple[int, ...]) -> Known | None:
        number, nodes = self.rests.values[rest]
        at, own = (nodes[~mover], None) if mover < 0 else self.locals.values[mover]
        node = self.crowd.node(mover, at)
        if node.step is None:
            return None
        marks = seen if own is None else (own, *seen)
        asked = number, mover if mover < 0 else 0, node.step_key, marks
        if asked not in self._done:
            of = [self.marks.values[n] for n in marks]
            done = self.crowd.act(self.answers.machines[number], min(mover, 0), at, of)
            self._done[asked] = done and (
                self.answers.number(done.rest, number),
                tuple(map(self.marks, done.marks)),
                done.effect.result,
                done.broken,
            )
        if self._done[asked] is None:
            return None
        there, left, result, broken = self._done[asked]
        if not stopped(self.answers.machines[there]):
            at = self.crowd.after(min(mover, 0), at, result)
        if mover < 0:
            nodes = (*nodes[:~mover], at, *nodes[~mover + 1 :])
            return Known(self.rests((there, nodes)), -1, left, broken)
        return Known(self.rests((there, nodes)), self.locals((at, left[0])), left[1:], broken)


class Search(Orbits):
    """Orbits, and what is to be judged of them.

    after  of each orbit, the indexes of those one step later
    hits   of each rule that a step breaks: {index of an orbit at the least depth: who moves there}
    """

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.after: list[tuple[int, ...]] = []
        self.hits: dict[str, dict[int, set[int]]] = {}

    def run(self, limit: int, progress: Progress | None) -> None:
        """Find every orbit, up to so many."""
        while len(self.after) < len(self.states):
            end_of_layer = len(self.states)
            judged = frozenset(self.hits)
            for here in range(len(self.after), end_of_layer):
                self.after.append(tuple(self._look_at(here, judged)))
                if progress is not None and here % REPORT_EVERY == REPORT_EVERY - 1:
                    progress(len(self.states), len(self.states) - here)
                if len(self.states) > limit:
                    return
            self.layers.append(end_of_layer)
        self.layers.pop()
        self.complete = True

    def _look_at(self, here: int, judged: frozenset[str]) -> Iterator[int]:
        for move in self.moves(self.states[here]):
            number = self.number.setdefault(move.after, len(self.states))
            if number == len(self.states):
                self.states.append(move.after)
            for rule in move.known.broken - judged:
                self.hits.setdefault(rule, {}).setdefault(here, set()).add(move.mover)
            yield number

    def ends(self) -> list[int]:
        """Return the indexes of the orbits from which there is no move and none is needed."""
        last = (here for here, after in enumerate(self.after) if not after)
        return [here for here in last if self.final(self.states[here])]

    def stuck(self) -> list[int]:
        """Return the orbits that one cannot leave for good, and where somebody is unfinished."""
        before: dict[int, list[int]] = {}
        for here, after in enumerate(self.after):
            for there in after:
                before.setdefault(there, []).append(here)
        queue = self.ends()
        seen = set(queue)
        for here in queue:
            further = [one for one in before.get(here, ()) if one not in seen]
            seen.update(further)
            queue += further
        doomed = [here for here in range(len(self.states)) if here not in seen]
        found: list[int] = []
        for members in map(set, paths.components(_Ahead(self.after), doomed)):
            if all(members.issuperset(self.after[here]) for here in members):
                found += members
        return found


class _Ahead(NamedTuple):
    """A graph of indexes, for `paths.components`."""

    after: list[tuple[int, ...]]

    def moves(self, here: int) -> Iterator[tuple[None, int]]:
        return ((None, there) for there in self.after[here])


def schedule_to(search: Search, goal: Mapping[int, set[int | None]]) -> paths.Schedule:
    """Return the best schedule to one of some orbits, which have one depth.

    goal  {index of an orbit: who moves there at the end; None if nobody does}
    """
    costs: list[Costs] = [{n: dict.fromkeys(movers, 0) for n, movers in goal.items()}]
    for depth in reversed(range(search.depth(min(goal)))):
        nearer = costs[-1]
        here: dict[int, dict[int | None, int]] = {}
        for index in range(search.layers[depth], search.layers[depth + 1]):
            if not nearer.keys().isdisjoint(search.after[index]):
                here[index] = {
                    move.mover: min(
                        cost + (mover not in (None, move.became))
                        for mover, cost in nearer[search.number[move.after]].items()
                    )
                    for move in search.moves(search.states[index])
                    if search.number[move.after] in nearer
                }
        costs.append(here)
    return tuple(_walked(search, costs[::-1]))


Costs = dict[int, dict[int | None, int]]  # orbit -> who steps next -> switches to the goal


def _walked(search: Search, costs: list[Costs]) -> Iterator[int]:
    """Walk the best way, and yield the number of the thread that takes each step."""
    crowd, state, last = search.crowd, search.states[0], None
    who = dict(zip(crowd.numbers, state[1:], strict=True))
    for choices in costs:
        ranked = [
            (cost + (last is not None and thread != last), thread, mover)
            for mover, cost in choices[search.number[state]].items()
            for thread in _threads(crowd, who, mover)
        ]
        if ranked:
            _, last, mover = min(ranked, key=lambda one: one[:2])
            yield last
            move = next(move for move in search.moves(state) if move.mover == mover)
            others = sorted((search.locals.values[who[n]][1], n) for n in who if n != last)
            for (_, n), marks in zip(others, move.known.marks, strict=True):
                who[n] = search.locals((search.locals.values[who[n]][0], marks))
            if move.mover >= 0:
                who[last] = move.became
            state = move.after


def _threads(crowd: Crowd, who: Mapping[int, int], mover: int | None) -> list[int]:
    """Return the numbers of the threads that can be the one who moves."""
    if mover is None:
        return []
    return [crowd.places[~mover]] if mover < 0 else [n for n in who if who[n] == mover]


@dataclass(frozen=True, slots=True)
class OrbitReport(Summary):
    """The verdicts on a scenario, found by symmetry.

    orbits  how many were found, and how many `states` they stand for
    """

    orbits: int
    states: int

    @property
    def counted(self) -> str:
        """What was looked at, in words."""
        more = "" if self.complete else " (not all)"
        return f"{self.orbits:,} orbits, which stand for {self.states:,} states{more}"


def check_by_orbits(
    scenario: Scenario,
    rule: str | Rule | None = None,
    limit: int = STATE_LIMIT,
    progress: Progress | None = None,
) -> OrbitReport:
    """Judge the rules of a scenario as `check` does, by a search of its orbits.

    limit  the number of orbits at which to give up; the rest as in `check`

    Raises CallersDiffer where threads that look the same are not, and as `check` does.
    """
    rules = scenario.rules if rule is None else (named_rule(rule, scenario),)
    reach.begin()
    for given in scenario.rules:
        reach.current.add_value(given.holds, f"The rule {given.name!r} is judged by")
    with patience():
        search = Search(scenario)
        search.run(limit, progress)
        search.crowd.verify()
        verdicts = tuple(judge(search, given) for given in rules)
    states = sum(map(search.size, search.states))
    return OrbitReport(scenario, verdicts, search.complete, len(search.states), states)


def judge(search: Search, rule: Rule) -> Verdict:
    """Say of one rule whether the schedules of a scenario obey it."""
    goal = _broken(search, rule)
    if not goal:
        return Verdict(rule, HOLDS if search.complete else UNDETERMINED)
    schedule = schedule_to(search, goal)
    text = paths.as_text(schedule)
    if rule.on == FINISH:
        scenario = search.crowd.scenario
        return livelock(Graph(scenario.machine, scenario.threads), rule, schedule)
    if rule.on == END:
        return Verdict(rule, FAILS, text, why=rule.broken)
    last = replay(search.crowd.scenario, text)[-1]
    return Verdict(rule, FAILS, text, why=f"{last.label}: {inside(last.said)}")


def _broken(search: Search, rule: Rule) -> dict[int, set[int | None]]:
    """Return where a rule is soonest broken, and by whose move."""
    if rule.on == STEP:
        return {here: {*movers} for here, movers in search.hits.get(rule.name, {}).items()}
    if rule.on == END:
        ends = (here for here in search.ends() if not search.stopped(here))
        found = [here for here in ends if not rule.holds(search.machine(search.states[here]))]
    else:
        found = search.stuck() if search.complete else []
    soonest = search.depth(min(found)) if found else 0
    return {here: {None} for here in found if search.depth(here) == soonest}
