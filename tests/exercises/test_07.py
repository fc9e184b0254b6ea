"""Chapter 7: the reference solutions are right, and what readers try first is called wrong.

One file a chapter.  Each exercise has its solution here and three or more wrong answers, each with
the beginning or the heart of what the checker must say of it.
"""

import handed_in_07 as handed_in
import pytest
from chapter import assert_wrong, defined_in

from gupcore import DESIGNS, ScheduleError, check, race, replay
from gupcore.checker.asked import so_many
from gupcore.exercises import Answer, judge_gup_fast, judge_lines, judge_prediction, judge_steps
from gupcore.exercises.lines import lines_of
from gupcore.kernel.gup import GupFast, gup_fast
from gupcore.kernel.lines import READING

# --- 1. Predict the verdict -----------------------------------------------------------------------

ASKED = ("struct page exists", "DMA lands")


def steps(*named: object) -> Answer:
    return judge_steps(dict(zip(ASKED, named, strict=True)), race("v6.1"), of=ASKED)


def test_the_deadly_steps() -> None:
    assert steps((1, "put_page"), (1, "submit_bio")).right


@pytest.mark.parametrize(
    ("named", "says"),
    [
        (((2, "arch_remove_memory"),) * 2, "arch_remove_memory of thread 2 never breaks it."),
        (((1, "try_grab_compound_head"),) * 2, "it is thread 1, but at another step than try_"),
        (((1, "put_page"),) * 2, "Not yet, for “DMA lands”: it is thread 1, but at another step"),
        ((None, None), "For struct page exists, write a thread and a function"),
    ],
)
def test_what_is_no_deadly_step(named: tuple[object, object], says: str) -> None:
    assert_wrong(steps(*named), says)


# --- 2. Too late ----------------------------------------------------------------------------------


def too_late(word: object) -> Answer:
    known = defined_in(7, "check_after_grab", race=race)
    return judge_prediction({ASKED[0]: word}, known["tried"], of=ASKED[:1])


def test_too_late() -> None:
    assert too_late("fails").right


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("holds", "No: you predicted holds for struct page exists, which fails in 9 steps"),
        ("livelock", "which fails in 9 steps"),
        ("yes", "choose one of holds, fails, livelock."),
        (None, "choose one of holds, fails, livelock."),
    ],
)
def test_what_is_not_too_late(word: object, says: str) -> None:
    assert_wrong(too_late(word), says)


# --- 3. Write the guard ---------------------------------------------------------------------------

PGMAP = ["lookup_and_tryget_live"]


def guard(function: GupFast) -> Answer:
    return judge_gup_fast(function, race("v5.11"), must_pin_fast=["ordinary"], without=PGMAP)


def test_write_the_guard() -> None:
    assert guard(handed_in.special_means_slow).right


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (handed_in.as_given, "“struct page exists” fails in 9 steps"),
        (
            handed_in.always_gives_up,
            "it is safe, but it never pins the page of ordinary memory by itself",
        ),
        (handed_in.looks_again, "“struct page exists” fails in 9 steps"),
        (handed_in.asks_and_lets_go, "“struct page exists” fails in"),
        (gup_fast, "it takes the step lookup_and_tryget_live, which it must do without"),
        (handed_in.forgets_interrupts, "“everyone can finish” fails: livelock"),
    ],
)
def test_what_is_no_guard(function: GupFast, says: str) -> None:
    assert_wrong(guard(function), says)


# --- 4. Make the unbind wait ----------------------------------------------------------------------

stops = defined_in(7, "what_stops", race=race, replay=replay)["what_stops"]
judge_wait = defined_in(
    7,
    "judge_wait",
    race=race,
    replay=replay,
    ScheduleError=ScheduleError,
    what_stops=stops,
    reports={"v5.11": check(race("v5.11"))},
)["judge_wait"]


def test_make_the_unbind_wait() -> None:
    assert judge_wait("1" * 8 + "2222").right
    assert judge_wait("11111111 2222").right


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ("1" * 9 + "2222", "Not yet: it waits for a page, and 1 step can go."),
        ("1" * 10 + "2222", "Not yet: it waits for a page, and 2 steps can go."),
        ("111" + "2222", "Waits for the kill's grace period"),
        ("222", "Not yet. Nothing stops it"),
        ("22x", "Step 3: 'x' is no thread"),
        (222, "This cannot be judged"),
        (None, "Nothing is handed in yet"),
    ],
)
def test_what_waits_for_no_page(schedule: object, says: str) -> None:
    assert_wrong(judge_wait(schedule), says)


# --- 5. What does the cure need? ------------------------------------------------------------------

SPARE = ["slow_check", "serialise_walkers", "del_gendisk"]
judge_spare = defined_in(
    7, "judge_spare", race=race, check=check, DESIGNS=DESIGNS, so_many=so_many
)["judge_spare"]


def test_what_the_cure_can_do_without() -> None:
    assert judge_spare(SPARE).right
    assert judge_spare(tuple(reversed(SPARE))).right


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["kill_dax", *SPARE], "without kill_dax, PTE present, “no stale mapping” fails in 24"),
        (["drain_faults"], "without drain_faults, PTE absent, “no stale mapping” fails in 23"),
        (["irqs_off"], "without irqs_off, PTE present, “struct page exists” fails in 15 steps."),
        (["recheck"], "recheck is needed in another scene."),
        (SPARE[:2], "nothing is wrong, and 1 more part can go."),
        ([*SPARE[:1], *SPARE[:1]], "nothing is wrong, and 2 more parts can go."),
        ("slow_check", "The cure has no 's'"),
        (5, "This cannot be judged"),
        (None, "Nothing is handed in yet"),
    ],
)
def test_what_the_cure_needs(names: object, says: str) -> None:
    assert_wrong(judge_spare(names), says)


# --- 6. Find it in the C --------------------------------------------------------------------------

PLACES = {
    "dying": (race("v5.11"), "222222" + "1111"),
    "gone": (race("no-check"), "222222" + "1111"),
    "changed": (race("cure"), "1111" + "2222" + "1"),
}
IN_C = {"dying": 2023, "gone": 2034, "changed": 2038}


def lines(named: object) -> Answer:
    return judge_lines(named, "gup_pte_range", of=PLACES)


def test_find_it_in_the_c() -> None:
    assert lines(IN_C).right


@pytest.mark.parametrize(
    ("named", "says"),
    [
        (IN_C | {"dying": 2024}, "“dying”: the map has nothing on line 2024; name the line that"),
        (IN_C | {"dying": 2006}, "line 2006, ptep_get_lockless, is step 9 of the schedule, and"),
        (IN_C | {"dying": 2019}, "line 2019, pte_devmap, is no step of the schedule."),
        (IN_C | {"gone": 2028}, "“gone”: line 2028, pte_special, is no step of the schedule."),
        (IN_C | {"changed": 2034}, "line 2034, try_grab_compound_head, is step 4 of the schedule"),
        (IN_C | {"changed": 2039}, "line 2039, put_compound_head, is no step of the schedule."),
        (IN_C | {"changed": 418}, "“changed”: gup_pte_range() has the lines 1997 to 2071."),
        ({"dying": 2023}, "For gone, write the number of a line."),
        (IN_C | {"dying": True}, "For dying, write the number of a line."),
        (2023, "Name a line for each of dying, gone, changed."),
        (None, "Nothing is handed in yet"),
    ],
)
def test_what_is_another_line(named: object, says: str) -> None:
    assert_wrong(lines(named), says)


def test_a_step_stands_on_its_lines_in_each_function_that_leads_to_it() -> None:
    (*_, asks) = replay(*PLACES["dying"])
    found = {(of.function, of.version): lines_of(asks, of) for of in READING}
    assert {name: at for name, at in found.items() if at} == {
        ("gup_pte_range", "v5.11"): {2023},
        ("get_dev_pagemap", "v5.11"): {470, 471},
        ("gup_pte_range", "v6.1.192"): {2473},
        ("get_dev_pagemap", "v6.1.192"): {462, 463},
    }
