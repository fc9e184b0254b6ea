"""Schedules through a graph of states: the shortest to a place, and the loops one cannot leave.

A schedule is the list of the threads that step, one number a step.  Of the shortest schedules
the one with the fewest switches from thread to thread is chosen, because that is the one people
can follow, and of those the first in the order of the threads: the answer is always the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Protocol

from .explore import Graph

Schedule = tuple[int, ...]
Costs = dict[int, dict[int | None, int]]  # state -> thread that steps next -> switches to the goal


def as_text(schedule: Schedule) -> str:
    """Write a schedule down: one digit a step, threads counted from 1."""
    return "".join(str(thread + 1) for thread in schedule)


def to_move(graph: Graph, wanted: Collection[int]) -> Schedule | None:
    """Return the shortest schedule whose last step is one of the `wanted` moves (their id()s)."""
    for depth, layer in _layers(graph):
        goal: Costs = {}
        for state in layer:
            hits: dict[int | None, int] = {
                move.thread: 0 for move, _ in graph.moves(state) if id(move) in wanted
            }
            if hits:
                goal[state] = hits
        if goal:
            return _fewest_switches(graph, goal, depth)
    return None


def to_state(graph: Graph, wanted: Collection[int]) -> Schedule | None:
    """Return the shortest schedule that leads to one of the `wanted` states."""
    for depth, layer in _layers(graph):
        goal: Costs = {state: {None: 0} for state in layer if state in wanted}
        if goal:
            return _fewest_switches(graph, goal, depth)
    return None


def walk(graph: Graph, schedule: Schedule) -> int:
    """Return the state a schedule leads to; it must be one that can be taken."""
    state = graph.states[0]
    for thread in schedule:
        move = graph.move(state, thread)
        assert move is not None
        state += move.delta
    return state


def stuck(graph: Graph) -> set[int]:
    """Return the states of components that no move leaves and where a thread is unfinished.

    The graph must be complete.
    """
    found: set[int] = set()
    done: set[int] = set()  # with a state, all that it leads to
    for state in reversed(graph.states):  # most moves lead to a state that was found later
        if state in done:
            continue
        for known, mask, _ in graph.lookups:
            move = known(state & mask)
            if move is not None and state + move.delta in done:
                done.add(state)  # its component is another, and so has a move out of it
                break
        else:
            for members in map(set, components(graph, [state], done)):
                if all(after in members for here in members for _, after in graph.moves(here)):
                    found |= members
                done |= members
    return found - set(graph.finals)


class Ahead(Protocol):
    """A graph whose states are numbers, as far as it is needed to look ahead in it."""

    def moves(self, state: int, /) -> Iterator[tuple[object, int]]: ...


def components(graph: Ahead, states: list[int], done: Collection[int] = ()) -> Iterator[list[int]]:
    """Yield the strongly connected components of `states`, each after all those it leads to.

    `states` must hold the successors of its members, or lead to them.  What is `done` is passed
    over, and with each state in it there must be those it leads to.  This is Tarjan's algorithm
    with a list in place of recursion, because a way through the graph can be longer than Python's
    stack is deep.
    """

    def after_it(state: int) -> Iterator[int]:
        return iter([after for _, after in graph.moves(state) if after not in done])

    path: list[int] = []  # the states whose component is not yet complete,
    position: dict[int, int] = {}  # where each of them stands in it,
    lowest: dict[int, int] = {}  # and how far down it one can get from each state that was met
    for root in states:
        work = [] if root in lowest else [(root, after_it(root))]
        while work:
            state, successors = work[-1]
            if state not in lowest:
                lowest[state] = position[state] = len(path)
                path.append(state)
            for after in successors:
                if after not in lowest:
                    work.append((after, after_it(after)))
                    break
                if after in position:
                    lowest[state] = min(lowest[state], lowest[after])
            else:
                work.pop()
                if work:
                    above = work[-1][0]
                    lowest[above] = min(lowest[above], lowest[state])
                if lowest[state] == position[state]:
                    component = path[position[state] :]
                    del path[position[state] :]
                    for member in component:
                        del position[member]
                    yield component


def reach(graph: Graph, state: int) -> list[int]:
    """Return the states that can be reached from `state`, itself first."""
    queue = [state]
    seen = {state}
    for here in queue:
        for _, after in graph.moves(here):
            if after not in seen:
                seen.add(after)
                queue.append(after)
    return queue


def distance(
    graph: Graph, state: int, moves: Collection[int] = (), states: Collection[int] = ()
) -> int | None:
    """Return the steps from `state` to the nearest of some moves (their id()s) or states.

    A move counts as the step that it is.  None if there is no way.
    """
    seen, layer, steps = {state}, [state], 0
    while layer:
        if any(here in states for here in layer):
            return steps
        steps += 1
        further = []
        for here in layer:
            for move, after in graph.moves(here):
                if id(move) in moves:
                    return steps
                if after not in seen:
                    seen.add(after)
                    further.append(after)
        layer = further
    return None


def leading_to(graph: Graph, goals: Collection[int]) -> set[int]:
    """Return the states from which one of `goals` can be reached, and those themselves."""
    before: dict[int, list[int]] = {}
    for state in graph.states:
        for _, after in graph.moves(state):
            before.setdefault(after, []).append(state)
    reached = set(goals)
    queue = list(goals)
    for state in queue:
        for previous in before.get(state, ()):
            if previous not in reached:
                reached.add(previous)
                queue.append(previous)
    return reached


def loop_from(graph: Graph, state: int) -> Schedule:
    """Return the shortest schedule that leads from `state` back to it; empty if there is none."""
    ways: dict[int, Schedule] = {state: ()}
    queue = [state]
    for here in queue:
        for move, after in graph.moves(here):
            if after == state:
                return (*ways[here], move.thread)
            if after not in ways:
                ways[after] = (*ways[here], move.thread)
                queue.append(after)
    return ()


def _layers(graph: Graph) -> Iterator[tuple[int, list[int]]]:
    ends = [*graph.layers[1:], len(graph.states)]
    for depth, (begin, end) in enumerate(zip(graph.layers, ends, strict=True)):
        yield depth, graph.states[begin:end]


def _fewest_switches(graph: Graph, goal: Costs, depth: int) -> Schedule:
    """Walk back from `goal`, which lies `depth` steps from the start, then forward the best way."""
    costs = [goal]
    for _, layer in reversed([item for item in _layers(graph) if item[0] < depth]):
        nearer = costs[-1]
        here: Costs = {}
        for state in layer:
            for move, after in graph.moves(state):
                if after in nearer:
                    here.setdefault(state, {})[move.thread] = min(
                        cost + (thread not in (None, move.thread))
                        for thread, cost in nearer[after].items()
                    )
        costs.append(here)
    schedule: list[int] = []
    state = graph.states[0]
    for choices in reversed(costs):
        last = schedule[-1] if schedule else None
        ranked = [
            (cost + (last is not None and thread != last), thread)
            for thread, cost in choices[state].items()
            if thread is not None
        ]
        if ranked:
            schedule.append(min(ranked)[1])
            taken = graph.move(state, schedule[-1])
            assert taken is not None
            state += taken.delta
    return tuple(schedule)
