"""The search by symmetry against the plain one: verdicts, schedules, and every state counted."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from crowds import COUNTS, OF_SINGLES, WORDS, Hall, Line, crowd, programs
from hypothesis import given, settings
from hypothesis import strategies as st

from gupcore import DESIGNS, SCENARIOS, Scenario, check, race
from gupcore.checker.callers import CallersDiffer, alike, own
from gupcore.checker.explore import explore
from gupcore.checker.orbits import Search, check_by_orbits
from gupcore.checker.rule import EVERYONE_CAN_FINISH
from gupcore.checker.step import Blocked, Effect, Thread, models

LIMIT = 400_000
SETTINGS = SCENARIOS["seed-race"].settings


def agree(scenario: Scenario, limit: int = LIMIT) -> None:
    """See that both searches say the same, unless there is too much for the plain one."""
    plain = check(scenario, limit=limit)
    if plain.graph.complete:  # a thread that counts in a loop would never come to an end
        orbits = check_by_orbits(scenario)
        assert orbits.verdicts == plain.verdicts
        assert orbits.states == len(plain.graph.states)
    else:
        assert limit < LIMIT


def cells() -> Iterator[object]:
    """Every design in one setting with two callers; three in a few."""
    for n, design in enumerate(DESIGNS):
        yield pytest.param(race(design, 2, **SETTINGS[n % len(SETTINGS)]), id=design)
    yield pytest.param(race("cure", 3), id="cure-3")
    yield pytest.param(race("no-check", 3, "absent"), id="no-check-3")


@pytest.mark.parametrize("scenario", list(cells()))
def test_the_race_is_judged_as_by_the_plain_search(scenario: Scenario) -> None:
    agree(scenario)


@pytest.mark.parametrize("name", ["rebind", "stores", "block-io", "munmap", "truncate", "special"])
def test_other_scenarios_are_judged_as_by_the_plain_search(name: str) -> None:
    agree(SCENARIOS[name](callers=2))


@settings(deadline=None, max_examples=50)
@given(
    programs(WORDS + COUNTS, 3, back=True),
    programs(WORDS + COUNTS + OF_SINGLES, 3, back=True),
    st.integers(1, 3),
)
def test_little_crowds_are_judged_as_by_the_plain_search(
    program: tuple[Line, ...], single: tuple[Line, ...], callers: int
) -> None:
    agree(crowd(callers, program, single), limit=2_000)


def test_a_search_that_is_cut_off_is_undetermined() -> None:
    report = check_by_orbits(race("cure", 2), limit=100)
    assert (report.status, report.complete) == ("undetermined", False)
    assert "(not all)" in report.counted


def test_a_machine_is_put_together_as_it_was() -> None:
    for scenario in (race("cure", 2), SCENARIOS["stores"](callers=2), SCENARIOS["munmap"]()):
        graph = explore(scenario.machine, scenario.threads)
        parts = own(scenario.machine)
        assert parts
        for machine in graph.machines:
            assert parts.marked(machine, parts.marks(machine)) == machine
            bare = parts.marked(machine, frozenset())
            assert not parts.marks(bare)
            assert replace(bare, inside=frozenset(), owed=frozenset(), tlb=frozenset()) == bare


def test_who_are_callers() -> None:
    assert alike(race("cure", 3).threads) == ((0, 1, 2), (0, 1, 2))
    assert alike(race("cure", 1).threads) == ((), ())
    assert alike(SCENARIOS["block-io"](callers=2).threads) == ((0, 1), (~0, ~1))


def by_cpu(cpu: int, program: tuple[Line, ...]) -> Thread:
    """A caller who does more on CPU 1."""
    yield step_by_cpu(cpu, 9)
    if cpu == 1:
        yield step_by_cpu(cpu, 9)


def same_lines(cpu: int, program: tuple[Line, ...]) -> Thread:
    yield step_by_cpu(cpu, 1)


@models("none", "none.c")
def step_by_cpu(hall: Hall, cpu: int, special: int) -> Effect | Blocked:
    """Raise the flag on one CPU only."""
    return Effect(replace(hall, flag=1) if cpu == special else hall, "Does it.")


@pytest.mark.parametrize(
    ("function", "says"),
    [(by_cpu, "not the same but for their CPU"), (same_lines, "tells callers apart")],
)
def test_callers_that_differ_are_refused(function: object, says: str) -> None:
    with pytest.raises(CallersDiffer, match=says):
        check_by_orbits(crowd(3, (), (), function=function))


def first_out(hall: Hall) -> frozenset[tuple[str, int]]:
    return hall.inside - {min(hall.inside)} if hall.inside else hall.inside


@models("none", "none.c")
def drive_out_the_first(hall: Hall) -> Effect:
    """Drive out the caller with the lowest number."""
    return Effect(replace(hall, inside=first_out(hall)), "Drives the first out.")


def test_a_step_that_chooses_by_number_is_refused() -> None:
    def single() -> Thread:
        yield drive_out_the_first()

    scenario = crowd(3, (("enter", 0, 1), ("leave", 0, 1)), ())
    threads = (*scenario.threads[:3], replace(scenario.threads[3], function=single, args=()))
    with pytest.raises(CallersDiffer, match="tells callers apart"):
        check_by_orbits(replace(scenario, threads=threads, rules=(EVERYONE_CAN_FINISH,)))


def test_orbits_are_counted_as_the_states_they_stand_for() -> None:
    search = Search(crowd(3, (("enter", 0, 1), ("enter", 1, 1)), ()))
    search.run(1000, None)
    assert len(search.states) == 10  # how three callers can be shared out over three places
    assert sum(map(search.size, search.states)) == 3**3
