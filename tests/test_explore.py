"""The explorer against brute force, on random little threads and on the race itself."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import brute
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gupcore import DESIGNS, Machine, check, race
from gupcore.checker import paths
from gupcore.checker.explore import Graph, explore
from gupcore.checker.step import Blocked, Effect, Step, Thread, models
from gupcore.checker.thread import Automaton

Program = tuple[tuple[Step, int], ...]


class Cells(NamedTuple):
    """A machine: two small numbers."""

    first: int
    second: int


@models("none", "none.c")
def do(machine: Cells, what: str, cell: int, value: int) -> Effect | Blocked:
    """Do one thing to a cell."""
    old = machine[cell]
    if what == "wait" and old != value:
        return Blocked(f"waits for {value}")
    new = {"set": value, "add": (old + value) % 4}.get(what, old)
    after = machine._replace(first=new) if cell == 0 else machine._replace(second=new)
    return Effect(after, "Does it.", old)


def interpret(program: Program) -> Thread:
    """A thread that runs `program`: (step, where to go if the step found a zero) pairs."""
    at = 0
    while at < len(program):
        step, target = program[at]
        found = yield step
        at = target if found == 0 else at + 1
    return at


START = Cells(0, 0)
steps = st.builds(
    do, st.sampled_from(["set", "add", "read", "wait"]), st.integers(0, 1), st.integers(0, 3)
)


def programs(backwards: bool) -> st.SearchStrategy[Program]:
    """Programs of up to three steps; only with `backwards` do they jump back, and so may loop."""

    def jumps(chosen: list[Step]) -> st.SearchStrategy[Program]:
        targets = [
            st.integers(0 if backwards else at + 1, len(chosen)) for at in range(len(chosen))
        ]
        return st.tuples(
            *(
                st.tuples(st.just(step), target)
                for step, target in zip(chosen, targets, strict=True)
            )
        )

    return st.lists(steps, max_size=3).flatmap(jumps)


def explored(threads: list[Program]) -> Graph:
    return explore(START, [Automaton(str(n), interpret, (p,)) for n, p in enumerate(threads)])


def brute_force(threads: list[Program]) -> list[Callable[[], Thread]]:
    return [partial(interpret, program) for program in threads]


def way_to(graph: Graph, wanted: set[int]) -> paths.Schedule:
    schedule = paths.to_state(graph, wanted)
    assert schedule is not None
    return schedule


@settings(deadline=None, max_examples=150)
@given(st.lists(programs(backwards=True), min_size=1, max_size=3))
def test_the_same_states_and_shortest_schedules_as_brute_force(threads: list[Program]) -> None:
    graph = explored(threads)
    shortest, _ = brute.states(START, brute_force(threads))
    assert len(graph.states) == len(shortest)
    for goal in {machine for machine, _ in shortest}:
        wanted = {state for state in graph.states if graph.machine(state) == goal}
        lengths = [len(schedule) for (machine, _), schedule in shortest.items() if machine == goal]
        assert len(way_to(graph, wanted)) == min(lengths)


@settings(deadline=None, max_examples=150)
@given(st.lists(programs(backwards=True), min_size=1, max_size=3))
def test_the_same_states_are_stuck(threads: list[Program]) -> None:
    graph = explored(threads)
    shortest, after = brute.states(START, brute_force(threads))

    def reach(state: brute.State) -> set[brute.State]:
        seen, queue = {state}, [state]
        for here in queue:
            further = [s for s in dict.fromkeys(after[here]) if s not in seen]
            seen.update(further)
            queue += further
        return seen

    reachable = {state: reach(state) for state in shortest}
    stuck = [
        state
        for state in shortest
        if any(where[0] != "ended" for where in state[1])
        and all(state in reachable[further] for further in reachable[state])
    ]
    found = paths.stuck(graph)
    assert len(found) == len(stuck)
    if stuck:
        first = way_to(graph, found)
        assert len(first) == min(len(shortest[state]) for state in stuck)
        loop = paths.loop_from(graph, paths.walk(graph, first))
        assert paths.walk(graph, first + loop) == paths.walk(graph, first)


@settings(deadline=None, max_examples=150)
@given(st.lists(programs(backwards=True), min_size=1, max_size=3))
def test_components_are_states_that_lead_to_one_another(threads: list[Program]) -> None:
    graph = explored(threads)
    ahead = {state: set(paths.reach(graph, state)) for state in graph.states}
    found = list(paths.components(graph, graph.states))
    assert sorted(state for members in found for state in members) == sorted(graph.states)
    for members in found:
        assert set(members) == {s for s in ahead[members[0]] if members[0] in ahead[s]}
    place = {state: number for number, members in enumerate(found) for state in members}
    assert all(place[after] <= place[state] for state in ahead for after in ahead[state])


@settings(deadline=None, max_examples=60)
@given(st.lists(programs(backwards=False), min_size=1, max_size=3))
@example(
    [((do("add", 0, 1), 1), (do("wait", 1, 1), 2), (do("add", 0, 1), 3)), ((do("set", 1, 1), 1),)]
)
def test_of_the_shortest_schedules_the_one_with_the_fewest_switches(threads: list[Program]) -> None:
    graph = explored(threads)
    best: dict[Cells, tuple[int, int, brute.Schedule]] = {}
    for schedule, (machine, _), _ in brute.schedules(START, brute_force(threads)):
        switches = sum(a != b for a, b in pairwise(schedule))
        rank = len(schedule), switches, schedule
        best[machine] = min(rank, best.get(machine, rank))
    for goal, (_, _, schedule) in best.items():
        wanted = {state for state in graph.states if graph.machine(state) == goal}
        assert way_to(graph, wanted) == schedule


@pytest.mark.parametrize(
    ("design", "pte"),
    [*((design, "present") for design in DESIGNS), ("v5.11", "absent"), ("cure", "absent")],
)
def test_the_race_agrees_with_brute_force(design: str, pte: str) -> None:
    scenario = race(design, pte=pte)
    report = check(scenario)
    functions = [partial(thread.function, *thread.args) for thread in scenario.threads]

    def stopped(machine: Machine) -> bool:
        return machine.oops is not None

    shortest, _ = brute.states(scenario.machine, functions, stopped)
    assert len(report.graph.states) == len(shortest)
    taken = [
        (len(schedule) + 1, outcome[1][-1][1:])
        for schedule in shortest.values()
        for thread in range(len(functions))
        if (outcome := brute.run(scenario.machine, functions, (*schedule, thread), stopped))
    ]
    for verdict in report.verdicts:
        if verdict.rule.on != "step":
            continue
        broken = [length for length, step in taken if not verdict.rule.holds(*step)]
        assert verdict.status == ("fails" if broken else "holds")
        assert len(verdict.schedule) == min(broken, default=0)


def test_the_same_again() -> None:
    first, second = check(race("v6.1", callers=2)), check(race("v6.1", callers=2))
    assert first.graph.states == second.graph.states
    assert first.verdicts == second.verdicts


def test_a_search_that_is_cut_off_does_not_say_that_a_rule_holds() -> None:
    report = check(race("cure", callers=2), limit=100)
    assert not report.graph.complete
    assert {verdict.status for verdict in report.verdicts} == {"undetermined"}


def test_a_search_that_is_cut_off_still_knows_what_it_saw() -> None:
    verdict = check(race("no-check"), limit=110)["struct page exists"]
    assert (verdict.status, len(verdict.schedule)) == ("fails", 10)


def test_progress_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gupcore.checker.explore.REPORT_EVERY", 100)
    seen: list[tuple[int, int]] = []
    report = check(
        race("v5.11", callers=2), progress=lambda found, left: seen.append((found, left))
    )
    states = len(report.graph.states)
    assert len(seen) == states // 100 + 1
    assert all(0 <= left < found <= states for found, left in seen)
    assert seen[-1] == (states, 0)


def test_depth_is_the_length_of_the_shortest_schedule() -> None:
    graph = check(race("v5.11")).graph
    for index in range(0, len(graph.states), 7):
        assert graph.depth(index) == len(way_to(graph, {graph.states[index]}))


def test_a_step_is_taken_once_on_each_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[tuple[Step, Machine]] = []
    take = Step.take

    def noted(step: Step, machine: Machine) -> Effect | Blocked:
        taken.append((step, machine))
        return take(step, machine)

    monkeypatch.setattr(Step, "take", noted)
    check(race("v5.11", callers=2, pte="absent"))
    assert len(taken) == len(set(taken)) > 4_000
