"""How the schedules of a scenario end: all of them, counted exactly.

A complete schedule begins at the start and goes on until nothing can step: all threads have ended,
or the machine has stopped, or every thread that has not ended waits.

A thread that can go round in a loop would make them infinitely many, so going round is not counted.
States that lead to one another are one component.  Two schedules are the same if they make the same
moves between components, however often and in whatever order they go round inside.  Coming into a
component with a cycle makes one schedule that stays there and never ends, besides those that leave
it again by each of its moves out.  Nothing is assumed about fairness: where a thread can go round
while another could step and let it out, the schedule in which the other never does counts, too,
but apart from those that nothing ends.  A round that leaves the local variables of a thread other
than it found them is no loop.

A schedule breaks the rules that its moves between components break.  It also breaks those that
moves inside a component break, if it comes into that component: it may go round by any of them.
Where all threads end, it is held to the rules about the end as well.  That everyone can finish is
said of all schedules together; no single one breaks it.

Each component hands on how many schedules come into it, so the work grows with the number of moves,
times the number of different sets of rules that are broken on the way to one state.  This module
knows nothing of pages.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from . import paths
from .explore import Graph, Move
from .scenario import Scenario

ENDS, OOPS, STUCK = "all threads end", "oops", "stuck"
NEVER, SPINS = "never ends", "spins while others could step"

Breaks = frozenset[str]  # the names of the rules a schedule has broken
Key = tuple[str, Breaks]  # how it ends, and what it has broken
Rank = tuple[int, paths.Schedule]  # its switches from thread to thread, and the schedule itself


class Judged(Protocol):
    """A scenario with its graph, of whose moves somebody says which rules they break."""

    @property
    def scenario(self) -> Scenario: ...

    @property
    def graph(self) -> Graph: ...

    def broken_by(self, move: Move) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """The schedules that end in the same way and break the same rules.

    end       ENDS, OOPS, STUCK; or, of those that go round for ever, SPINS if a move leads out,
              else NEVER
    breaks    the names of the rules they break, in the order of the scenario's rules
    count     how many there are
    schedule  a shortest one, as text: "2211"; for these two, the way to where it can go round
    loop      for these two, a shortest schedule from that state back to it

    A rule that only moves inside a component break need not be broken by `schedule` or `loop`.
    """

    end: str
    breaks: tuple[str, ...]
    count: int
    schedule: str
    loop: str = ""

    def in_short(self) -> str:
        """Return the outcome in a few words: *oops; breaks struct page exists*."""
        broken = f"; breaks {', '.join(self.breaks)}" if self.breaks else ", no rule broken"
        return f"{self.end}{broken}"


def outcomes(report: Judged) -> tuple[Outcome, ...]:
    """Count all complete schedules of a scenario, by how they end and what rules they break.

    The outcome with the most schedules comes first; of equals the one whose sample is shorter, then
    the one whose sample is first as text.  A sample is chosen as in `paths`: of the shortest the
    one with the fewest switches, and of those the first in the order of the threads.

    Raises ValueError if the search was cut off.
    """
    if not report.graph.complete:
        raise ValueError("The search was cut off at its limit: its schedules cannot be counted.")
    contracted = _Contracted(report)
    samples = _samples(contracted)
    found = []
    for (end, broken), count in _counts(contracted).items():
        breaks = tuple(rule.name for rule in report.scenario.rules if rule.name in broken)
        schedule = samples[end, broken]
        last = paths.walk(report.graph, schedule)
        loop = paths.loop_from(report.graph, last) if end in (NEVER, SPINS) else ()
        found.append(Outcome(end, breaks, count, paths.as_text(schedule), paths.as_text(loop)))
    return tuple(sorted(found, key=lambda o: (-o.count, len(o.schedule), o.schedule)))


class _Contracted:
    """A graph with its components found, and with the rules that are broken in it.

    components  the states of each; a component comes after all those it leads to
    home        the number of each state's component
    leaving     of each component, the moves out of it, with the states they lead to
    broken      the rules each move breaks, by its id()
    inside      of each state on a cycle, the rules that moves inside its component break
    """

    def __init__(self, report: Judged) -> None:
        self.graph, self.rules = report.graph, report.scenario.rules
        self.components = list(paths.components(self.graph, self.graph.states))
        self.home = {state: n for n, members in enumerate(self.components) for state in members}
        self.broken = {id(m): frozenset(report.broken_by(m)) for m in self.graph.known_moves()}
        self.leaving: list[list[tuple[Move, int]]] = []
        self.inside: dict[int, Breaks] = {}
        for number, members in enumerate(self.components):
            moves = [step for state in members for step in self.graph.moves(state)]
            self.leaving.append([step for step in moves if self.home[step[1]] != number])
            stays = [self.broken[id(move)] for move, after in moves if self.home[after] == number]
            if stays:
                self.inside |= dict.fromkeys(members, stays[0].union(*stays))

    def start(self) -> tuple[int, Breaks]:
        """Return the state at the start, and the rules that count as broken there."""
        state = self.graph.states[0]
        return state, self.inside.get(state, frozenset())

    def breaks(self, so_far: Breaks, move: Move, after: int) -> Breaks:
        """Return the rules broken by a schedule that broke `so_far` and moves on to `after`."""
        return so_far | self.broken[id(move)] | self.inside.get(after, frozenset())

    def end(self, state: int, broken: Breaks) -> Key | None:
        """Return the outcome of ending in `state`, or staying there; None if it must be left."""
        if state in self.inside:
            return SPINS if self.leaving[self.home[state]] else NEVER, broken
        if next(self.graph.moves(state), None) is not None:
            return None
        machine = self.graph.machine(state)
        if not self.graph.final(state):
            return STUCK, broken
        if self.graph.stopped(machine):
            return OOPS, broken
        return ENDS, broken | {
            r.name for r in self.rules if r.on == "end" and not r.is_kept(machine)
        }


def _counts(contracted: _Contracted) -> Counter[Key]:
    """Count the schedules of each outcome, component by component from the start."""
    counts: Counter[Key] = Counter()
    coming: list[Counter[Breaks]] = [Counter() for _ in contracted.components]
    start, broken = contracted.start()
    coming[contracted.home[start]][broken] = 1
    for number in reversed(range(len(coming))):
        for broken, count in coming[number].items():
            if key := contracted.end(contracted.components[number][0], broken):
                counts[key] += count
            for move, after in contracted.leaving[number]:
                coming[contracted.home[after]][contracted.breaks(broken, move, after)] += count
    return counts


def _samples(contracted: _Contracted) -> dict[Key, paths.Schedule]:
    """Find the best schedule of each outcome, layer by layer.

    A place is a state, the rules broken on the way and the last thread; one way to it is enough.
    """
    samples: dict[Key, paths.Schedule] = {}
    layer: dict[tuple[int, Breaks, int], Rank] = {(*contracted.start(), -1): (0, ())}
    seen: set[tuple[int, Breaks]] = set()
    while layer:
        seen.update((state, broken) for state, broken, _ in layer)
        ending: dict[Key, Rank] = {}
        following: dict[tuple[int, Breaks, int], Rank] = {}
        for (state, broken, last), rank in layer.items():
            if key := contracted.end(state, broken):
                ending[key] = min(rank, ending.get(key, rank))
            for move, after in contracted.graph.moves(state):
                further = after, contracted.breaks(broken, move, after)
                if further not in seen:
                    place = (*further, move.thread)
                    longer = rank[0] + (move.thread != last), (*rank[1], move.thread)
                    following[place] = min(longer, following.get(place, longer))
        samples = {key: schedule for key, (_, schedule) in ending.items()} | samples
        layer = following
    return samples
