"""Every schedule of a few threads on one machine, found by breadth-first search.

A state is the machine and the node each thread stands at.  It is kept as one integer: the
machine's number in the lowest bits, a node number for each thread above.  What a thread does
next depends on the machine and its own node only, so each such pair is worked out once; from
then on a transition is one dictionary look-up and one addition.  There are few machines and few
nodes, and many states.  What a step does depends on the machine alone, so from the many nodes at
which threads take the same step it is taken once.

The search goes layer by layer, so the first time something happens is also the soonest it can
happen.  It judges nothing: rules are `verdict`'s business.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

from .answers import MACHINE_BITS, Answers
from .machine import stopped
from .reach import begin
from .rule import Returned
from .step import Blocked, Effect, Step
from .thread import Automaton

NODE_BITS = 16
STATE_LIMIT = 2_000_000
REPORT_EVERY = 20_000
UNKNOWN: Any = object()

Progress = Callable[[int, int], None]


class Move(NamedTuple):
    """One thread's step on one machine, worked out.

    thread  which thread, from 0
    step    the step it takes
    before  the machine before it, and
    effect  what the step did
    delta   what the move adds to the number of a state
    ends    if the thread ends with it, the thread's label and what it returns
    """

    thread: int
    step: Step
    before: Any
    effect: Effect
    delta: int
    ends: Returned = ()


class Graph:
    """The states that `explore` found, and the moves between them.

    states    the states in the order found; 0 is the start
    lookups   of each thread: how to look up a move, the mask for a state, and the thread's number
    layers    the index in `states` at which each depth begins
    complete  was everything explored, or was the search cut off?
    """

    def __init__(
        self, machine: Hashable, threads: Iterable[Automaton], answers: Answers | None = None
    ) -> None:
        self.threads = tuple(threads)
        self.reach = begin()
        self.answers = answers or Answers()
        start = self.answers.number(machine)  # a machine that can change is refused by its field
        self.reach.add_value(machine, "The machine is")
        self.machines = self.answers.machines
        self._shifts = [MACHINE_BITS + NODE_BITS * t for t in range(len(self.threads))]
        self._masks = [
            ((1 << NODE_BITS) - 1) << shift | ((1 << MACHINE_BITS) - 1) for shift in self._shifts
        ]
        self._moves: list[dict[int, Move | None]] = [{} for _ in self.threads]
        self.lookups = [
            (moves.get, mask, thread)
            for thread, (moves, mask) in enumerate(zip(self._moves, self._masks, strict=True))
        ]
        for thread, shift in zip(self.threads, self._shifts, strict=True):
            start |= thread.start() << shift
        self.states = [start]
        self.number = {start: 0}
        self.layers = [0]
        self.complete = False

    stopped = staticmethod(stopped)

    def machine(self, state: int) -> Any:
        """Return the machine of a state."""
        return self.machines[self.machine_number(state)]

    def machine_number(self, state: int) -> int:
        """Return the number of the machine of a state, in `machines`."""
        return state & ((1 << MACHINE_BITS) - 1)

    def node(self, state: int, thread: int) -> int:
        """Return the number of the node at which `thread` stands in a state."""
        return state >> self._shifts[thread] & ((1 << NODE_BITS) - 1)

    def ended(self, state: int, thread: int) -> bool:
        """Has `thread` ended in this state?"""
        return self.threads[thread].nodes[self.node(state, thread)].step is None

    def final(self, state: int) -> bool:
        """Have all threads ended, or has the machine stopped?"""
        return stopped(self.machine(state)) or all(
            self.ended(state, thread) for thread in range(len(self.threads))
        )

    @cached_property
    def finals(self) -> tuple[int, ...]:
        """The final ones of the states that were found; to be asked for when the search is over."""
        found, machines = self.states, (1 << MACHINE_BITS) - 1
        dead = {number for number, machine in enumerate(self.machines) if stopped(machine)}
        for thread, shift in zip(self.threads, self._shifts, strict=True):
            nodes = ((1 << NODE_BITS) - 1) << shift
            ended = {at << shift for at, node in enumerate(thread.nodes) if node.step is None}
            found = [s for s in found if s & nodes in ended or s & machines in dead]
        return tuple(found)

    def move(self, state: int, thread: int) -> Move | None:
        """Return what `thread` does in `state`; None if it has ended or is blocked."""
        known, key = self._moves[thread], state & self._masks[thread]
        if key not in known:
            known[key] = self._work_out(state, thread)
        return known[key]

    def blocked(self, state: int, thread: int) -> Blocked | None:
        """Return what `thread` waits for in `state`; None if it can step or has ended."""
        return self.blocked_at(thread, self.machine_number(state), self.node(state, thread))

    def blocked_at(self, thread: int, machine: int, node: int) -> Blocked | None:
        """Return the same for a thread at `node` on the machine of that number."""
        at = self.threads[thread].nodes[node]
        if at.step is None:
            return None
        answer, _ = self.answers.taken(at, machine)
        return None if isinstance(answer, Effect) else answer

    def step(self, thread: int, node: int) -> Step:
        """Return the step that `thread` is about to take at `node`, where it has not ended."""
        step = self.threads[thread].nodes[node].step
        assert step is not None
        return step

    def after(self, machine: int, node: int, move: Move) -> tuple[int, int]:
        """Return the numbers of the machine and the thread's node after a move from these two."""
        shift = self._shifts[move.thread]
        there = (machine | node << shift) + move.delta
        return self.machine_number(there), there >> shift

    def moves(self, state: int) -> Iterator[tuple[Move, int]]:
        """Yield each move that can be made in `state`, with the state it leads to."""
        for known, mask, thread in self.lookups:
            move = known(state & mask, UNKNOWN)
            if move is UNKNOWN:
                move = self.move(state, thread)
            if move is not None:
                yield move, state + move.delta

    def depth(self, index: int) -> int:
        """Return how many steps the state at `index` of `states` is from the start."""
        return bisect_right(self.layers, index) - 1

    def known_moves(self) -> Iterator[Move]:
        """Yield every distinct move that was worked out."""
        for moves in self._moves:
            yield from (move for move in moves.values() if move is not None)

    def worked_out(self) -> Iterator[tuple[int, int, int, Move | None]]:
        """Yield all that was worked out: (thread, machine's number, its node, its move or None).

        Together these are the graph: what a thread does depends on the machine and its own node.
        """
        for thread, moves in enumerate(self._moves):
            for key, move in moves.items():
                yield thread, self.machine_number(key), key >> self._shifts[thread], move

    def verify(self) -> None:
        """See that the threads, and all they reach, are what they were when the search began."""
        for automaton in self.threads:
            automaton.verify()
        self.answers.verify()
        self.reach.recheck()

    def _work_out(self, state: int, thread: int) -> Move | None:
        here, at = self.machine_number(state), self.node(state, thread)
        node = self.threads[thread].nodes[at]
        if node.step is None:
            return None
        effect, there = self.answers.taken(node, here)
        if not isinstance(effect, Effect):
            return None
        delta = there - here
        ends: Returned = ()
        if not stopped(effect.machine):
            automaton = self.threads[thread]
            arrived = automaton.after(at, effect.result)
            delta += (arrived - at) << self._shifts[thread]
            after = automaton.nodes[arrived]
            ends = () if after.step else (automaton.label, after.result)
        return Move(thread, node.step, self.machines[here], effect, delta, ends)


watcher: Progress | None = None  # told by the searches that have nobody else to tell


def explore(
    machine: Hashable,
    threads: Iterable[Automaton],
    limit: int = STATE_LIMIT,
    progress: Progress | None = None,
    answers: Answers | None = None,
) -> Graph:
    """Find every state that any schedule of `threads` on `machine` can reach.

    limit     the number of states at which to give up; the graph is then not `complete`
    progress  called now and then with the number of states found and of those still to be looked
              at; at the end, if that was ever called, with none left; if None, `watcher`
    answers   what steps do, as far as it is known already; what is found is added to it.  Nothing
              that a step runs may have changed since it was begun.

    Returns the Graph.  The order of its states depends on nothing but the arguments.
    Raises ThreadError where a thread cannot be compiled.
    """
    progress = progress or watcher
    graph = Graph(machine, threads, answers)
    states, number, lookups = graph.states, graph.number, graph.lookups
    looked_at = 0
    while looked_at < len(states):
        end_of_layer = len(states)
        for state in states[looked_at:end_of_layer]:
            for known, mask, thread in lookups:
                move = known(state & mask, UNKNOWN)
                if move is UNKNOWN:
                    move = graph.move(state, thread)
                if move is not None:
                    after = state + move.delta
                    if after not in number:
                        number[after] = len(states)
                        states.append(after)
            looked_at += 1
            if progress is not None and looked_at % REPORT_EVERY == 0:
                progress(len(states), len(states) - looked_at)
            if len(states) > limit:
                graph.layers.append(end_of_layer)
                graph.verify()
                return graph
        graph.layers.append(end_of_layer)
    graph.layers.pop()
    graph.complete = True
    graph.verify()
    if progress is not None and looked_at >= REPORT_EVERY:
        progress(looked_at, 0)
    return graph
