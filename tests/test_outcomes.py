"""How schedules end, against counting them one at a time and against sums done by hand."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import cache, partial
from itertools import pairwise
from math import factorial
from typing import Any, Generic, TypeVar

import brute
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_explore import Cells, Program, do, programs

from gupcore import (
    DESIGNS,
    SCENARIOS,
    Effect,
    Report,
    Scenario,
    ScheduleError,
    Thread,
    check,
    models,
    race,
)
from gupcore.checker.explore import explore
from gupcore.checker.outcomes import ENDS, NEVER, OOPS, SPINS, STUCK, Outcome, outcomes
from gupcore.checker.rule import Rule
from gupcore.checker.thread import Automaton

Breaks = frozenset[str]  # the names of rules
Key = tuple[str, Breaks]  # how a schedule ends, and what it breaks
Place = TypeVar("Place", bound=Hashable)  # a state, of brute force or of a graph

ORDERED = Rule("in order", "No step lowers cell 0.", "step", lambda old, _, new: new[0] >= old[0])
QUIET = Rule(
    "quiet",
    "Nobody reads cell 1.",
    "step",
    lambda _, step, __: step.args[:2] != ("read", 1),
)
TIDY = Rule("tidy", "Cell 0 is zero at the end.", "end", lambda machine: machine[0] == 0)
FINISH = Rule("everyone can finish", "Each thread can still end.", "finish")
RULES = (TIDY, QUIET, ORDERED, FINISH)
NOTHING: Breaks = frozenset()


class Stopping(Cells):
    """A machine that stops for good when its second cell is 3."""

    __slots__ = ()

    @property
    def oops(self) -> str | None:
        return "second cell" if self.second == 3 else None


START = Stopping(0, 0)


def stopped(machine: Any) -> bool:
    return machine.oops is not None


def interpret(program: Program) -> Thread:
    """Run `program` as in test_explore, but keep nothing that tells one round from the next."""
    at = 0
    while at < len(program):
        step, target = program[at]
        at = target if (yield step) == 0 else at + 1


def brute_force(threads: Iterable[Program]) -> list[Callable[[], Thread]]:
    return [partial(interpret, program) for program in threads]


def little(threads: Iterable[Program]) -> Report:
    """Return a Report on threads that run little programs."""
    automata = tuple(Automaton(str(n), interpret, (p,)) for n, p in enumerate(threads))
    scenario = Scenario("little", "Programs.", DESIGNS["cure"], START, automata, RULES)
    return Report(scenario, explore(START, automata), ())


def key(outcome: Outcome) -> Key:
    return outcome.end, frozenset(outcome.breaks)


def counts(report: Report) -> dict[Key, int]:
    found = outcomes(report)
    assert len({key(outcome) for outcome in found}) == len(found)
    return {key(outcome): outcome.count for outcome in found}


# --- A second, simpler way to count ---------------------------------------------------------------


Moves = dict[Place, list[tuple[Breaks, Place]]]


class Web(Generic[Place]):
    """States, the moves between them, and what follows from the definition alone.

    moves  {state: [(the rules it breaks, the state after)]}, a move each
    how    for a state without a move: (how schedules end in it, the rules broken by ending)
    """

    def __init__(self, start: Place, moves: Moves[Place], how: Callable[[Place], Key]) -> None:
        self.start, self.moves, self.how = start, moves, how
        ahead = {state: self.ahead(state) for state in moves}
        self.component = {
            state: {state} | {s for s in ahead[state] if state in ahead[s]} for state in moves
        }
        self.inside: dict[Place, Breaks] = {}
        self.leaving: Moves[Place] = {}
        for state, members in self.component.items():
            steps = [step for member in members for step in moves[member]]
            self.leaving[state] = [step for step in steps if step[1] not in members]
            if state in ahead[state]:
                stays = [breaks for breaks, after in steps if after in members]
                self.inside[state] = NOTHING.union(*stays)

    def ahead(self, state: Place) -> set[Place]:
        """Return the states that one or more moves lead to."""
        seen: set[Place] = set()
        queue = [state]
        for here in queue:
            further = {after for _, after in self.moves[here]} - seen
            seen |= further
            queue += further
        return seen

    def come(self, state: Place, broken: Breaks) -> tuple[Place, Breaks]:
        return state, broken | self.inside.get(state, NOTHING)

    def end(self, state: Place, broken: Breaks) -> Key | None:
        """Return how a schedule can end here, or None."""
        if state in self.inside:
            return SPINS if self.leaving[state] else NEVER, broken
        if self.moves[state]:
            return None
        end, more = self.how(state)
        return end, broken | more

    def counts(self, most: int = 10**9) -> Counter[Key] | None:
        """Go along every schedule, one at a time; return None if there are more than `most`."""
        found: Counter[Key] = Counter()
        going = [self.come(self.start, NOTHING)]
        while going:
            state, broken = going.pop()
            if ending := self.end(state, broken):
                found[ending] += 1
                if found.total() > most:
                    return None
            going += [self.come(after, broken | more) for more, after in self.leaving[state]]
        return found

    def counts_from_the_ends(self) -> Counter[Key]:
        """Add up from the ends to the start: for webs with too many schedules to go along each."""

        @cache
        def from_here_on(state: Place) -> Counter[Key]:
            inside = self.inside.get(state, NOTHING)
            found: Counter[Key] = Counter()
            if ending := self.end(state, inside):
                found[ending] += 1
            for more, after in self.leaving[state]:
                for (end, broken), count in from_here_on(after).items():
                    found[end, broken | more | inside] += count
            return found

        return from_here_on(self.start)

    def lengths(self) -> dict[Key, int]:
        """Return the length of the shortest schedule of each outcome."""
        found: dict[Key, int] = {}
        first = self.come(self.start, NOTHING)
        length, queue = {first: 0}, [first]
        for state, broken in queue:
            if ending := self.end(state, broken):
                found.setdefault(ending, length[state, broken])
            for more, after in self.moves[state]:
                further = self.come(after, broken | more)
                if further not in length:
                    length[further] = length[state, broken] + 1
                    queue.append(further)
        return found


def ending_of(machine: Any, where: Sequence[brute.Place], rules: Iterable[Rule]) -> Key:
    """Say how a schedule ends in a state of brute force, and what it breaks by ending."""
    if stopped(machine):
        return OOPS, NOTHING
    if any(state[0] != "ended" for state in where):
        return STUCK, NOTHING
    return ENDS, frozenset(r.name for r in rules if r.on == "end" and not r.holds(machine))


def broken_by(steps: Iterable[brute.Taken], rules: Sequence[Rule]) -> Breaks:
    return frozenset(
        r.name for _, *step in steps for r in rules if r.on == "step" and not r.holds(*step)
    )


def web_by_brute_force(
    machine: Any, functions: brute.Functions, rules: Sequence[Rule]
) -> Web[brute.State]:
    """Find states and moves with fresh generators, and nothing of the explorer."""
    shortest, _ = brute.states(machine, functions, stopped)
    moves: Moves[brute.State] = {}
    for state, schedule in shortest.items():
        runs = [
            brute.run(machine, functions, (*schedule, thread), stopped)
            for thread in range(len(functions))
        ]
        moves[state] = [(broken_by(run[1][-1:], rules), run[0]) for run in runs if run]
    return Web(next(iter(shortest)), moves, lambda state: ending_of(*state, rules))


def web_of_graph(report: Report) -> Web[int]:
    """Take the explorer's states and moves; what follows from them is worked out anew."""
    graph, rules = report.graph, report.scenario.rules
    moves = {
        state: [(frozenset(report.broken_by(move)), after) for move, after in graph.moves(state)]
        for state in graph.states
    }

    def how(state: int) -> Key:
        ended = [graph.ended(state, thread) for thread in range(len(graph.threads))]
        where = [("ended",) if has else ("at",) for has in ended]
        return ending_of(graph.machine(state), where, rules)

    return Web(graph.states[0], moves, how)


# --- Without loops: every schedule, on fresh generators -------------------------------------------


def complete_schedules(
    machine: Any, functions: brute.Functions, rules: Sequence[Rule]
) -> dict[Key, list[brute.Schedule]]:
    """Return {outcome: its schedules}, with no notion of a graph at all."""
    found: dict[Key, list[brute.Schedule]] = {}
    for schedule, state, steps in brute.schedules(machine, functions, stopped):
        longer = [(*schedule, thread) for thread in range(len(functions))]
        if not any(brute.run(machine, functions, further, stopped) for further in longer):
            end, more = ending_of(*state, rules)
            found.setdefault((end, broken_by(steps, rules) | more), []).append(schedule)
    return found


def rank(schedule: brute.Schedule) -> tuple[int, int, brute.Schedule]:
    return len(schedule), sum(a != b for a, b in pairwise(schedule)), schedule


@settings(deadline=None, max_examples=80)
@given(st.lists(programs(backwards=False), min_size=1, max_size=3))
def test_loop_free_threads_as_brute_force(threads: list[Program]) -> None:
    found = outcomes(little(threads))
    schedules = complete_schedules(START, brute_force(threads), RULES)
    assert {key(o): o.count for o in found} == {k: len(v) for k, v in schedules.items()}
    for outcome in found:
        best = min(schedules[key(outcome)], key=rank)
        assert outcome.schedule == "".join(str(thread + 1) for thread in best)
        assert outcome.loop == ""


@pytest.mark.parametrize(("scenario", "design"), [("block-io", "v5.11"), ("block-io", "cure")])
def test_the_catalogue_as_brute_force(scenario: str, design: str) -> None:
    checked = SCENARIOS[scenario](design)
    functions = [partial(thread.function, *thread.args) for thread in checked.threads]
    schedules = complete_schedules(checked.machine, functions, checked.rules)
    assert counts(check(checked)) == {k: len(v) for k, v in schedules.items()}


# --- With loops: every way through the components, one at a time ----------------------------------


@settings(deadline=None, max_examples=150)
@given(st.lists(programs(backwards=True), min_size=1, max_size=3))
def test_threads_with_loops_as_brute_force(threads: list[Program]) -> None:
    web = web_by_brute_force(START, brute_force(threads), RULES)
    expected = web.counts(most=5_000)
    assume(expected is not None)
    report = little(threads)
    assert counts(report) == expected
    assert {key(o): len(o.schedule) for o in outcomes(report)} == web.lengths()


@settings(deadline=None, max_examples=100)
@given(st.lists(programs(backwards=True), min_size=1, max_size=3))
def test_a_sample_ends_where_it_says(threads: list[Program]) -> None:
    for outcome in outcomes(little(threads)):
        schedule, loop = ([int(d) - 1 for d in s] for s in (outcome.schedule, outcome.loop))
        state, steps = played(threads, schedule)
        assert broken_by(steps, RULES) <= frozenset(outcome.breaks)
        if outcome.end in (NEVER, SPINS):
            assert loop
            assert played(threads, schedule + loop)[0] == state
        else:
            assert not loop
            assert ending_of(*state, RULES)[0] == outcome.end


def played(
    threads: list[Program], schedule: Sequence[int]
) -> tuple[brute.State, list[brute.Taken]]:
    outcome = brute.run(START, brute_force(threads), schedule, stopped)
    assert outcome is not None
    return outcome


def test_the_race_one_schedule_at_a_time() -> None:
    report = check(race("no-check"))
    assert counts(report) == web_of_graph(report).counts()


@pytest.mark.parametrize("design", DESIGNS)
def test_the_race_from_the_ends(design: str) -> None:
    report = check(race(design))
    assert counts(report) == web_of_graph(report).counts_from_the_ends()


# --- By hand --------------------------------------------------------------------------------------

SPIN = ((do("read", 0, 0), 0),)  # reads cell 0 until it is no longer zero
SPIN_IN_TWO = ((do("read", 0, 0), 1), (do("read", 0, 0), 0))  # the same in a loop of two steps
LET_GO = ((do("add", 0, 0), 1), (do("set", 0, 1), 2))  # the second of two steps ends the spinning


def test_counts_are_exact() -> None:
    """Threads that have nothing to do with each other: every order of their steps can be taken."""
    steps = tuple((do("add", 0, 0), at + 1) for at in range(15))
    orders = factorial(45) // factorial(15) ** 3
    assert outcomes(little([steps] * 3)) == (
        Outcome(ENDS, (), orders, "1" * 15 + "2" * 15 + "3" * 15),
    )
    assert orders > 2**64


def test_the_order_of_two_steps_decides() -> None:
    """Cell 0 becomes 1 and then 2, or 2 and then, which is forbidden, 1."""
    assert outcomes(little([((do("set", 0, 1), 1),), ((do("set", 0, 2), 1),)])) == (
        Outcome(ENDS, ("tidy",), 1, "12"),
        Outcome(ENDS, ("tidy", "in order"), 1, "21"),
    )


def test_the_same_state_is_come_to_with_a_rule_broken_and_without() -> None:
    """A thread that finds cell 0 set reads cell 1 as well: later, but it ends in the same state."""
    asks = ((do("read", 0, 0), 2), (do("read", 1, 0), 2))
    assert outcomes(little([asks, ((do("set", 0, 1), 1),)])) == (
        Outcome(ENDS, ("tidy",), 1, "12"),
        Outcome(ENDS, ("tidy", "quiet"), 1, "211"),
    )


def test_a_thread_that_spins_next_to_a_thread_of_two_steps() -> None:
    """One can spin before the first step and before the second; each is come into once.

    After the second step nothing spins, and there is one way to the end.
    """
    assert outcomes(little([SPIN, LET_GO])) == (
        Outcome(SPINS, (), 2, "", "1"),
        Outcome(ENDS, ("tidy",), 1, "221"),
    )


def test_a_loop_can_be_left_from_each_of_its_states() -> None:
    """Two states go round, so each step of the other thread leaves by either of two moves.

    The first loop is come into once, the second twice: 3 never end.  The last step is made in 2 x 2
    ways, and each has one way to the end.
    """
    assert outcomes(little([SPIN_IN_TWO, LET_GO])) == (
        Outcome(ENDS, ("tidy",), 4, "2211"),
        Outcome(SPINS, (), 3, "", "11"),
    )


def test_what_is_broken_after_a_loop_is_not_broken_by_staying_in_it() -> None:
    """As the first, but the thread reads cell 1 when it has done with spinning."""
    assert outcomes(little([(*SPIN, (do("read", 1, 0), 2)), LET_GO])) == (
        Outcome(SPINS, (), 2, "", "1"),
        Outcome(ENDS, ("tidy", "quiet"), 1, "2211"),
    )


def test_a_rule_broken_inside_a_loop_is_broken_by_all_that_come_into_it() -> None:
    """After a first step the loop reads cell 0 and then, which is forbidden, cell 1.

    It ends when cell 0 is set.  That is done before the first step, and nobody comes into the loop;
    or in either of its two states, and two schedules end.  Their sample need not read cell 1.
    """
    loop = ((do("read", 0, 0), 3), (do("add", 1, 0), 4), (do("read", 1, 0), 1))
    assert outcomes(little([((do("add", 1, 0), 1), *loop), ((do("set", 0, 1), 1),)])) == (
        Outcome(ENDS, ("tidy", "quiet"), 2, "1211"),
        Outcome(SPINS, ("quiet",), 1, "1", "11"),
        Outcome(ENDS, ("tidy",), 1, "2111"),
    )


def test_loops_in_loops() -> None:
    """Thread 1 turns cell 0 to and fro.  Thread 2 spins on it, reads cell 1 and begins again.

    While cell 1 is zero all 3 x 2 states are one component, come into once.  Thread 3 sets cell 1
    in any of the 6; thread 2 is then spinning in 3 of them and about to read in 3.  It stops
    spinning in one state of the loop, so 3 more come to where it is about to read, which makes 6.
    From there it ends, in any of 3 states: 18 come into the last loop, where thread 1 still turns.
    The 1 + 3 + 6 before them spin where another thread could step.
    """
    turns = ((do("set", 0, 1), 1), (do("add", 0, 3), 2), (do("read", 0, 0), 0))
    spins = ((do("read", 0, 0), 0), (do("read", 1, 0), 0))
    assert outcomes(little([turns, spins, ((do("set", 1, 1), 1),)])) == (
        Outcome(NEVER, ("quiet", "in order"), 18, "1322", "111"),
        Outcome(SPINS, ("quiet", "in order"), 10, "", "2"),
    )


def test_threads_that_wait_for_each_other_are_stuck() -> None:
    """Both take their first step in either order, and then wait."""
    waits = [((do("add", 0, 0), 1), (do("wait", cell, 1), 2)) for cell in (0, 1)]
    assert outcomes(little(waits)) == (Outcome(STUCK, (), 2, "12"),)


def test_of_equals_the_shorter_sample_comes_first() -> None:
    """The machine stops, or does not; no rule about the end is asked of either."""
    assert outcomes(little([SPIN, ((do("set", 1, 3), 1),)])) == (
        Outcome(SPINS, (), 1, "", "1"),
        Outcome(OOPS, (), 1, "2"),
    )


def test_a_machine_that_stops_as_the_last_thread_ends() -> None:
    assert outcomes(little([((do("set", 0, 1), 1), (do("set", 1, 3), 2))])) == (
        Outcome(OOPS, (), 1, "11"),
    )


def test_two_moves_to_the_same_state_are_two_schedules() -> None:
    """Either thread stops the machine, and then neither has moved on."""
    assert outcomes(little([((do("set", 1, 3), 1),)] * 2)) == (Outcome(OOPS, (), 2, "1"),)


@models("none", "none.c")
def count(machine: int, again: bool) -> Effect:
    """Count to 3,000, and then go on for ever if that is wanted."""
    return Effect((machine + 1) % 3_000, "Counts.", machine == 2_999 and not again)


def counts_up(again: bool) -> Thread:
    ended = False
    while not ended:
        ended = yield count(again)


@pytest.mark.parametrize(
    ("again", "expected"),
    [(False, Outcome(ENDS, (), 1, "1" * 3_000)), (True, Outcome(NEVER, (), 1, "", "1" * 3_000))],
)
def test_a_way_longer_than_the_stack_is_deep(again: bool, expected: Outcome) -> None:
    threads = (Automaton("counts up", counts_up, (again,)),)
    scenario = Scenario("long", "Counts.", DESIGNS["cure"], 0, threads, ())
    assert outcomes(Report(scenario, explore(0, threads), ())) == (expected,)


# --- The race -------------------------------------------------------------------------------------


def replayed(report: Report, schedule: str) -> Key | None:
    """Say, from replays only, how a schedule ends and what it breaks; None if it can go on."""
    moments = report.replay(schedule)
    refusals: list[str] = []
    for digit in range(1, len(report.scenario.threads) + 1):
        try:
            report.replay(f"{schedule}{digit}")
        except ScheduleError as refused:
            refusals.append(str(refused))
        else:
            return None
    where = [("ended",) if "has ended" in refusal else ("at",) for refusal in refusals]
    end, more = ending_of(moments[-1].machine, where, report.scenario.rules)
    return end, more.union(*(moment.breaks for moment in moments))


@pytest.mark.parametrize("design", ["no-check", "v5.11", "cure", "v6.1"])
def test_a_sample_is_the_shortest_and_does_what_it_says(design: str) -> None:
    report = check(race(design))
    found = outcomes(report)
    assert {key(o): len(o.schedule) for o in found} == web_of_graph(report).lengths()
    for outcome in found:
        if outcome.end not in (NEVER, SPINS):
            assert replayed(report, outcome.schedule) == key(outcome)
            continue
        way, length = len(outcome.schedule), len(outcome.loop)
        moments = report.replay(outcome.schedule + 3 * outcome.loop)
        rounds = [moments[n : n + length] for n in range(way, len(moments), length)]
        assert rounds[0] == rounds[1] == rounds[2]
        assert moments[-1].machine == moments[way - 1].machine
        broken = [frozenset().union(*(m.breaks for m in part)) for part in (moments, moments[:way])]
        assert broken == [frozenset(outcome.breaks)] * 2


def test_the_livelock_never_ends() -> None:
    report = check(race("v5.11"))
    livelock = report["everyone can finish"]
    samples = {outcome.breaks: outcome for outcome in outcomes(report) if outcome.end == NEVER}
    never = samples["no stale mapping",]
    assert (never.schedule, never.loop) == (livelock.schedule, livelock.loop)


def test_what_waits_for_ever_is_stuck() -> None:
    report = check(SCENARIOS["truncate"]("cure-on-v6.15"))
    (stuck,) = [outcome for outcome in outcomes(report) if outcome.end == STUCK]
    assert replayed(report, stuck.schedule) == key(stuck)
    assert report["everyone can finish"].schedule == stuck.schedule


def test_the_outcome_with_the_most_schedules_comes_first() -> None:
    found = [outcome.count for outcome in outcomes(check(race("v6.1")))]
    assert len(found) == 6
    assert found == sorted(found, reverse=True)


def test_outcomes_in_short() -> None:
    assert {outcome.in_short() for outcome in outcomes(check(race("no-check")))} == {
        "all threads end; breaks no stale mapping",
        "oops; breaks struct page exists",
        "oops; breaks struct page exists, no stale mapping",
        "never ends; breaks no stale mapping",
        "spins while others could step, no rule broken",
    }
    (all_well,) = outcomes(check(race("cure")))
    assert all_well.in_short() == "all threads end, no rule broken"


def test_a_search_that_is_cut_off_is_not_counted() -> None:
    with pytest.raises(ValueError, match=r"^The search was cut off .* cannot be counted\.$"):
        outcomes(check(race("cure"), limit=100))
