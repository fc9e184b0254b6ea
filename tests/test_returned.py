"""Rules that see what a thread returned: the search, a replay, a player and a judge agree."""

from typing import Any

import pytest

from gupcore import (
    DESIGNS,
    HELD,
    MAPPING,
    MEMORY_PFN,
    RULES,
    SCENARIOS,
    Automaton,
    Design,
    Rule,
    Scenario,
    ScenarioError,
    Thread,
    another_process,
    check,
    get_user_pages_fast,
    gup_fast,
    memory_machine,
    munmap,
    replay,
)
from gupcore.checker.orbits import check_by_orbits
from gupcore.checker.replay import Run
from gupcore.exercises.schedules import judge_schedule
from gupcore.kernel.steps.page_table import ptep_get_lockless
from gupcore.player.data import board

BARE = DESIGNS["cure"].lacking("recheck").lacking("unless_zero")


def kept(design: Design, walk: Any = gup_fast, callers: int = 1) -> Scenario:
    """Return gup by itself, which ends with its pins, against munmap and who wants a page."""
    pins = [
        Automaton(f"gup {cpu}", get_user_pages_fast, (cpu, MAPPING, 1, 0, design, walk))
        for cpu in range(callers)
    ]
    others = (Automaton("munmap", munmap, (8, design)), Automaton("another", another_process))
    rules = (HELD, RULES["the right page"])
    says = "gup ends with its pins."
    return Scenario("kept", says, design, memory_machine(), (*pins, *others), rules)


def forgets_to_grab(cpu: int, address: int, pages: int, flags: int, design: Design) -> Thread:
    """Return the page that is mapped, without a reference on it."""
    yield ptep_get_lockless(address)
    return (MEMORY_PFN,)


def test_what_gup_returns_is_held() -> None:
    report = check(kept(DESIGNS["cure"]))
    assert report.status == "holds"
    results = {node.result for node in report.graph.threads[0].nodes if node.step is None}
    assert results == {(MEMORY_PFN,), "-EFAULT"}  # it was asked about both


@pytest.mark.parametrize("scene", [kept(BARE), kept(DESIGNS["cure"], forgets_to_grab)])
def test_who_did_not_hold_what_it_returns_is_found_out(scene: Scenario) -> None:
    report = check(scene)
    verdict = report[HELD.name]
    assert verdict.status == "fails"
    assert verdict.why == f"gup 0: returns ({MEMORY_PFN},)."
    *earlier, last = replay(scene, verdict.schedule)
    assert last.breaks == (HELD.name,)
    assert not any(moment.breaks for moment in earlier)
    assert report.steps_to_break(HELD.name, "") == len(verdict.schedule)
    assert judge_schedule(verdict.schedule, scene, rule=HELD.name).right
    assert not judge_schedule(verdict.schedule[:-1], scene, rule=HELD.name).right


def test_a_player_and_the_outcomes_show_it() -> None:
    report = check(kept(BARE))
    shown = board([report])
    assert (HELD.name,) in map(tuple, shown["breaks"])
    assert any(HELD.name in outcome.breaks for outcome in report.outcomes())


def test_it_is_asked_of_each_thread_that_ends_and_of_the_machine_then() -> None:
    """Every thread's last step is judged, and no other; the machine is the one after it."""
    scene = kept(DESIGNS["cure"])
    for label in ("gup 0", "munmap", "another"):

        def other(machine: Any, thread: str, returned: object, label: str = label) -> bool:
            return thread != label

        rule = Rule("nobody of that name ends", "None.", "return", other)
        verdict = check(Scenario("s", "s", "s", scene.machine, scene.threads, (rule,)))[rule.name]
        moments = replay(scene, verdict.schedule)
        assert moments[-1].label == label


def test_callers_that_are_one_as_good_as_another_are_not_judged_by_it() -> None:
    with pytest.raises(ScenarioError, match="sees what threads return"):
        check_by_orbits(kept(DESIGNS["cure"], callers=2))


@pytest.mark.parametrize(("design", "answer"), [("v6.1", "done"), ("v6.15", "-ENOMEM")])
def test_where_mappings_count_gup_refuses_a_page_that_is_bound_anew(
    design: str, answer: str
) -> None:
    """As the record of Linux 7.3 has it; in 6.1 gup-fast's check says yes."""
    scene = SCENARIOS["rebind"](design)
    run = Run(scene.machine, scene.threads)
    for thread in (1, 0):
        while run.next_step(thread):
            run.step(thread)
    assert run.results[0] == answer


def test_a_rule_that_cannot_be_judged_is_told_what_it_needs() -> None:
    scene = kept(DESIGNS["cure"])
    wrong = Rule("wrong", "It takes too little.", "return", lambda machine: True)
    with pytest.raises(ScenarioError, match="a thread's label, and what that thread returned"):
        check(Scenario("s", "s", "s", scene.machine, scene.threads, (wrong,)))


def test_the_secret_page_is_given_away_before_the_list_is_drained_only() -> None:
    scene = SCENARIOS["patch"]("65291dcfcf89", "before")
    verdict = check(scene)["secrets stay"]
    assert verdict.why.startswith("gup-fast: returns")
    assert "2" not in verdict.schedule
    drained = f"2{verdict.schedule}"
    assert not any(moment.breaks for moment in replay(scene, drained))
