"""What a reader hands in: right is right, wrong is told why, and nonsense gets a sentence."""

import re
from collections.abc import Callable
from functools import partial
from itertools import product
from math import comb
from pathlib import Path
from typing import Any

import handed_in_gup_fasts as handed_in
import pytest
from chapter import DEVMAP_MEANS_SLOW, NO_SECOND_LOOK, assert_wrong, own_gup_fast

from gupcore import DESIGNS, SCENARIOS, Scenario, ScheduleError, check, race, replay
from gupcore.exercises import (
    judge_count,
    judge_gup_fast,
    judge_prediction,
    judge_schedule,
    judge_steps,
    judge_trace,
    judge_unbind,
)
from gupcore.kernel.gup import gup_fast
from gupcore.player import Player

NO_CHECK, V5_11 = race("no-check"), race("v5.11")
CURE = DESIGNS["cure"].unbind
TOUCH = "222222" + "1111"


def test_the_kernels_own_gup_fast_is_right() -> None:
    answer = judge_gup_fast(
        gup_fast, V5_11, SCENARIOS["munmap"](), must_pin_fast=["ordinary", "device"]
    )
    assert answer.right
    assert answer.player() is None


def test_a_right_answer_is_told_which_other_scene_refutes_it(tmp_path: Path) -> None:
    everywhere = judge_gup_fast(own_gup_fast(tmp_path, DEVMAP_MEANS_SLOW), V5_11)
    assert everywhere.right
    assert everywhere.said.endswith("states.")
    here = judge_gup_fast(own_gup_fast(tmp_path, DEVMAP_MEANS_SLOW, NO_SECOND_LOOK), V5_11)
    assert here.right
    assert here.said.endswith(
        " In “munmap of ordinary memory, TLB flush by broadcast”, which is not asked for here, "
        "“the right page” fails in 13 steps."
    )


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (handed_in.never, "it never pins the page of device memory by itself"),
        (handed_in.forges, "the rule “only the allocator revives” fails in 4 steps"),
        (handed_in.goes_slow, "it never pins the page of device memory by itself"),
        (handed_in.never_ends, "the rule “everyone can finish” fails: livelock after 8 steps"),
        (handed_in.returns_truth, "gup_fast returns a tuple of pfns, () for none, and not True"),
        (handed_in.returns_words, "cannot be taken"),
        (handed_in.returns_no_frame, "“DMA lands” fails in 2 steps"),
        (handed_in.yields_a_number, "a thread yields steps"),
        (handed_in.too_few, "takes 1 positional argument"),
        (print, "gup_fast must be a thread: a function that yields steps"),
        (3, "gup_fast must be a thread: a function that yields steps"),
        (None, "Nothing is handed in yet: this exercise asks for a gup-fast"),
        (..., "Nothing is handed in yet"),
    ],
)
def test_a_gup_fast_that_is_wrong(function: Any, says: str) -> None:
    assert_wrong(judge_gup_fast(function, V5_11, must_pin_fast=["device"]), says)


def test_a_gup_fast_must_do_without_a_step() -> None:
    """gup-slow, which runs in the same thread, may take it."""
    assert judge_gup_fast(handed_in.never, V5_11, without=["lookup_and_tryget_live"]).right
    answer = judge_gup_fast(gup_fast, V5_11, without=["lookup_and_tryget_live"])
    assert (
        answer.said
        == "Not yet: it takes the step lookup_and_tryget_live, which it must do without."
    )
    assert answer.schedule == "1111"
    assert "without must be" in judge_gup_fast(handed_in.never, V5_11, without=["magic"]).said


def test_a_thread_that_never_ends_keeps_no_rule() -> None:
    assert not judge_gup_fast(handed_in.never_ends, V5_11, rules="struct page exists").right


def test_of_several_scenarios_the_one_that_fails_is_named() -> None:
    answer = judge_gup_fast(handed_in.forges, race("v5.11", access="write"), V5_11)
    assert answer.said.startswith("Not yet: in seed-race,access=write, the rule “")


def test_a_search_that_was_cut_off_is_not_judged() -> None:
    said = "Not judged: too many states; the search stopped after "
    answers = [
        judge_gup_fast(gup_fast, V5_11, limit=20),
        judge_gup_fast(gup_fast, V5_11, rules="struct page exists", limit=20),
        judge_unbind(CURE, race("cure"), limit=20),
        judge_prediction({"DMA lands": "holds"}, race("cure"), of=["DMA lands"], limit=20),
        judge_schedule("1", V5_11, "everyone can finish", limit=20),
    ]
    for answer in answers:
        assert not answer.right
        assert answer.said.startswith(said)


def test_an_order_of_unbind() -> None:
    settings = [race("cure"), race("cure", pte="absent")]
    assert judge_unbind(CURE, *settings, of=CURE).right
    assert judge_unbind(list(CURE), *settings).right
    late = judge_unbind(DESIGNS["unmap-first"].unbind, *settings, of=CURE)
    assert "in seed-race, the rule “no stale mapping” fails in 25 steps" in late.said


REMOVE = ["arch_remove_memory", "pgmap_array_delete", "detach_driver"]


@pytest.mark.parametrize(
    ("phases", "says"),
    [
        (None, "Nothing is handed in yet"),
        ([], "The order lacks arch_remove_memory, pgmap_array_delete, detach_driver."),
        (["kill_dax"], "The order lacks arch_remove_memory, pgmap_array_delete, detach_driver."),
        (["zap", *REMOVE], "There is no phase 'zap' here; choose kill_dax, "),
        ([[], *REMOVE], "There is no phase [] here"),
        (["kill_dax", "kill_dax", *REMOVE], "The phase kill_dax is in the order twice"),
        ([*REMOVE, "kill_dax"], "returns with detach_driver; put that last"),
        ("kill_dax", "An order is a list of phases"),
        (5, "An order is a list of phases"),
        (["dev_pagemap_cleanup", *REMOVE], "the rule “everyone can finish” fails in"),
        (["kill_dax", *REMOVE], "the rule “struct page exists” fails in"),
    ],
)
def test_an_order_that_is_wrong(phases: Any, says: str) -> None:
    assert_wrong(judge_unbind(phases, race("cure"), rules="struct page exists"), says)


def test_all_phases_that_are_asked_for_must_be_there() -> None:
    assert judge_unbind(CURE[1:], race("cure"), of=CURE).said == "The order lacks kill_dax."


def test_a_schedule_that_breaks_a_rule() -> None:
    rule = "struct page exists"
    assert judge_schedule(TOUCH, NO_CHECK, rule).right
    assert judge_schedule("222222 1111", NO_CHECK, "struct-page-exists", at_most=10).right
    said = judge_schedule(TOUCH, NO_CHECK, rule, at_most=9).said
    assert said.endswith("takes 10 steps to do so; at most 9 are asked for, so 1 step must go.")
    assert "so 2 steps must go" in judge_schedule(TOUCH, NO_CHECK, rule, at_most=8).said
    said = judge_schedule("222222", NO_CHECK, rule, at_most=9).said
    assert said.endswith("can break it; that makes 10, and at most 9 are asked for.")
    stuck = check(V5_11)["everyone can finish"].schedule
    assert judge_schedule(stuck, V5_11, "everyone can finish").right
    assert not judge_schedule("1" * 8, V5_11, "everyone can finish").right


def test_a_leak_is_judged_at_the_end() -> None:
    leaks = SCENARIOS["munmap"](gup_fast=handed_in.leaves_interrupts_off)
    schedule = check(leaks)["counts balance"].schedule
    assert judge_schedule(schedule, leaks, "counts balance").right
    assert not judge_schedule(schedule[:-1], leaks, "counts balance").right


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        (None, "Nothing is handed in yet"),
        ("", "No step is taken yet: a schedule is a row of thread numbers; choose 1 (direct I/O)"),
        ("2x", "Step 2: 'x' is no thread; the threads are 1 (direct I/O), 2 (unbind)."),
        (22, 'A schedule is text, such as "2211", not 22.'),
        ("1" * 4, "is not broken; the last was step 4: direct I/O: takes a reference"),
        ("1" * 4, "From here no schedule breaks it any more."),
        ("222222", "From here, 4 more steps can break it."),
        ("222222111", "From here, 1 more step can break it."),
        (TOUCH + "1", "The kernel has oopsed"),
        (TOUCH + "1", "is broken by then: hand in what comes before."),
    ],
)
def test_a_schedule_that_is_wrong(schedule: Any, says: str) -> None:
    assert_wrong(judge_schedule(schedule, NO_CHECK, "struct page exists"), says)


def test_an_unknown_rule_is_answered_with_the_rules() -> None:
    answer = judge_schedule("1", NO_CHECK, "nonsense")
    assert answer.said.startswith("There is no rule 'nonsense'; choose struct page exists, ")


def test_a_prediction() -> None:
    rules = ["struct page exists", "everyone can finish"]
    for word in ("livelock", "fails"):
        predicted = {"struct page exists": "holds", "everyone can finish": word}
        assert judge_prediction(predicted, V5_11, of=rules).right
    designs = {"no-check": "fails", "v5.11": "holds", "cure": "holds"}
    rule = "struct page exists"
    assert judge_prediction(designs, V5_11, of=designs, rule=rule).right
    wrong = judge_prediction(dict(designs, cure="fails"), V5_11, of=designs, rule=rule)
    assert wrong.said.startswith("2 of 3 are right: you predicted fails for cure, which holds")
    assert wrong.player() is None
    wrong = judge_prediction({**designs, "no-check": "holds"}, V5_11, of=designs, rule=rule)
    player = wrong.player()
    assert player is not None
    assert player.schedule == TOUCH


@pytest.mark.parametrize(
    ("predicted", "says"),
    [
        (None, "Nothing is handed in yet"),
        ("holds", "A prediction is a dict with a word for each of DMA lands, the right page."),
        ({}, "The prediction says nothing of DMA lands, the right page."),
        ({"DMA lands": "holds"}, "The prediction says nothing of the right page."),
        ({"DMA": "holds"}, "'DMA' is not asked for; predict DMA lands, the right page."),
        ({"DMA lands": "maybe"}, "predicted as 'maybe'; choose one of holds, fails, livelock."),
        ({"DMA lands": []}, "choose one of holds, fails, livelock."),
        ({"DMA lands": "livelock", "the right page": "holds"}, "1 of 2 is right: you predicted"),
    ],
)
def test_a_prediction_that_is_wrong(predicted: Any, says: str) -> None:
    assert_wrong(judge_prediction(predicted, V5_11, of=["DMA lands", "the right page"]), says)


TRACE = ["kill_dax", "Syncs the filesystem, which write-protects the mapping.", "local_irq_save"]


@pytest.mark.parametrize(
    ("schedule", "says", "shown"),
    [
        ("21", "In step 2, thread 1 does local_irq_save: Turns interrupts off. Here the", "21"),
        ("22", "Your schedule ends after 2 steps. Here the trace goes on with: local_", "22"),
        ("22", "local_irq_save. You have 2 of its 3 steps.", "22"),
        ("2", "Your schedule ends after 1 step. Here", "2"),
        ("2211", "Here the trace ends. All 3 are there; leave out what follows.", "2211"),
        ("2211", "In step 4, thread 1 does gup_pmd_range: ", "2211"),
        ("22x", "Step 3: 'x' is no thread", "22"),
        ("221x", "Step 4: 'x' is no thread", "221"),
        ("", "Your schedule ends after 0 steps.", ""),
        (None, "Nothing is handed in yet", ""),
        (221, 'A schedule is text, such as "2211", not 221.', ""),
    ],
)
def test_a_trace_that_is_another(schedule: Any, says: str, shown: str) -> None:
    answer = judge_trace(schedule, NO_CHECK, TRACE)
    assert (answer.right, answer.schedule) == (False, shown)
    assert says in answer.said


def test_a_trace() -> None:
    assert judge_trace("221", NO_CHECK, TRACE).right
    assert not judge_trace("2212", NO_CHECK, TRACE[:1]).right


def nearest(schedule: str, rule: str) -> int:
    """Return the least number of steps after a schedule that break a rule, by trying them all."""
    for more in range(1, 8):
        for steps in product("12", repeat=more):
            whole = schedule + "".join(steps)
            try:
                moments = replay(NO_CHECK, whole)
            except ScheduleError:
                continue
            if rule in moments[-1].breaks:
                return more
    raise AssertionError(f"Nothing breaks {rule} soon after {schedule}.")


@pytest.mark.parametrize("schedule", ["22222", "2221", "222" + "1" + "222", "222222" + "111"])
def test_how_far_a_schedule_is_from_breaking_a_rule(schedule: str) -> None:
    found = check(NO_CHECK).steps_to_break("struct page exists", schedule)
    assert found == nearest(schedule, "struct page exists")


def test_how_far_a_schedule_is_from_its_end_and_from_being_stuck() -> None:
    leaks = check(SCENARIOS["munmap"](gup_fast=handed_in.leaves_interrupts_off))
    schedule = leaks["counts balance"].schedule
    assert leaks.steps_to_break("counts balance", "") == len(schedule)
    assert leaks.steps_to_break("counts balance", schedule[:-2]) == 2
    rule = "everyone can finish"  # broken as soon as the loop cannot be avoided any more
    assert check(V5_11).steps_to_break(rule, "22") == 1
    assert [judge_schedule("2" * n, V5_11, rule).right for n in (2, 3)] == [False, True]
    assert check(race("cure")).steps_to_break(rule, "22") is None


def counts(schedules: object, states: object) -> Callable[[int, int], object]:
    return lambda m, n: {"schedules": schedules, "states": states}


def test_a_count() -> None:
    answer = judge_count(lambda m, n: {"schedules": comb(m + n, m), "states": (m + 1) * (n + 1)})
    assert answer.right
    assert answer.said == "Right: 12 steps and 8 give 125,970 schedules and 117 states."


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda m, n: {"schedules": m + n, "states": m * n}, "4 schedules, and there are 6."),
        (counts(6, 4), "for 2 steps and 2 you count 4 states, and there are 9."),
        (counts(6, 9), "for 1 step and 3 you count 6 schedules, too many."),
        (lambda m, n: {"schedules": comb(m + n, m), "states": 9}, "9 states, too many."),
        (lambda m, n: {"schedules": comb(m + n, m), "states": m * n + 2 * m + 1}, "too few."),
        (counts("6", 9), "There is no number of schedules for 2 and 2 in {'schedules': '6'"),
        (counts(6, None), "There is no number of states"),
        (lambda m, n: 6, "There is no number of schedules"),
        (lambda m: 6, "it raised TypeError"),
        (6, "A count is a function of two numbers"),
        (None, "Nothing is handed in yet"),
        (..., "Nothing is handed in yet"),
    ],
)
def test_a_count_that_is_wrong(function: Any, says: str) -> None:
    assert_wrong(judge_count(function), says)


ASKED = ["struct page exists", "DMA lands"]
DEADLY = {"struct page exists": (1, "put_page"), "DMA lands": (1, "submit_bio")}


@pytest.mark.parametrize("named", [DEADLY, {**DEADLY, "DMA lands": [1, "bio_endio"]}])
def test_which_step_breaks_a_rule(named: dict[str, Any]) -> None:
    assert judge_steps(named, race("v6.1"), of=ASKED).right


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"struct page exists": (2, "arch_remove_memory")}, "of thread 2 never breaks it."),
        ({"struct page exists": (1, "kill_dax")}, "no step kill_dax here; thread 2 does."),
        ({"struct page exists": (1, "try_get_page")}, "thread 1 takes no step try_get_page here."),
        ({"struct page exists": (1, "submit_bio")}, "it is thread 1, but at another step than"),
        ({"DMA lands": (1, "put_page")}, "Not yet, for “DMA lands”: it is thread 1, but at anoth"),
        ({"DMA lands": (2, "detach_driver")}, "Not yet, for “DMA lands”: thread 2 takes no step"),
        ({"DMA lands": "put_page"}, "For DMA lands, write a thread and a function"),
        ({"DMA lands": None}, "For DMA lands, write a thread and a function"),
        ({"DMA lands": (1, [])}, "it raised TypeError"),
    ],
)
def test_a_step_that_does_not_break_it(changes: dict[str, Any], says: str) -> None:
    assert_wrong(judge_steps({**DEADLY, **changes}, race("v6.1"), of=ASKED), says)


def test_no_step_at_all() -> None:
    assert_wrong(judge_steps(None, race("v6.1"), of=ASKED), "Nothing is handed in yet")
    assert_wrong(judge_steps("put_page", race("v6.1"), of=ASKED), "for each of struct page exists")


def test_a_wrong_answer_shows_the_counterexample() -> None:
    answer = judge_gup_fast(handed_in.forges, V5_11)
    player = answer.player()
    assert player is not None
    assert (player.design, player.schedule) == ("v5.11", "1111")
    bundle = answer._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert data["text/plain"] == str(answer)
    assert data["text/html"].startswith('<p class="gup-answer">Not yet: the rule “only the')
    assert '"schedule":"1111"' in data["text/html"]
    assert "<p>Design v5.11. The schedule 1111:</p><ol><li>" in data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_a_right_answer_is_a_sentence() -> None:
    answer = judge_schedule(TOUCH, NO_CHECK, "struct page exists")
    assert set(answer._repr_mimebundle_()) == {"text/plain", "text/html"}


def test_a_player_opens_only_where_it_can_get() -> None:
    assert Player(check(V5_11), schedule="22").schedule == "22"
    with pytest.raises(ScheduleError, match="Step 9"):
        Player(check(V5_11), schedule="2" * 9)


# --- What a hand-in cannot get away with ----------------------------------------------------------


class Hostile:
    """Fails whatever one does with it."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("function", "scenario", "says"),
    [
        (
            handed_in.in_one_step,
            SCENARIOS["munmap"]("v5.11"),
            "the step look_and_grab touches PTE and struct page at once; without a lock",
        ),
        (handed_in.knows_where_it_is, V5_11, "fails in 9 steps"),
        (handed_in.knows_its_address, V5_11, "The same scene lies elsewhere in memory."),
        (
            handed_in.goes_by_another_name,
            V5_11,
            "it takes the step lookup_and_tryget_live, which it must do",
        ),
        (
            handed_in.looks_up_by_itself,
            V5_11,
            "it takes the step my_own_lookup, which it must do without",
        ),
        (partial(gup_fast), V5_11, "gup_fast must be a thread: a function that yields steps"),
        (Hostile(), V5_11, "gup_fast must be a thread: a function that yields steps"),
    ],
)
def test_a_gup_fast_is_judged_by_what_it_does(function: Any, scenario: Scenario, says: str) -> None:
    assert_wrong(judge_gup_fast(function, scenario, without=["lookup_and_tryget_live"]), says)


def test_a_loop_that_never_comes_back_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gupcore.checker.patience.SECONDS", 1)
    answer = judge_gup_fast(handed_in.never_comes_back, V5_11)
    assert not answer.right
    assert re.match(r"never_comes_back, line \d+: no step was taken in 1 seconds", answer.said)


@pytest.mark.parametrize("schedule", [Hostile(), "1" * 100_000, [Hostile()], b"2211"])
def test_no_schedule_ends_in_a_traceback(schedule: Any) -> None:
    for answer in (
        judge_schedule(schedule, NO_CHECK, "struct page exists"),
        judge_trace(schedule, NO_CHECK, TRACE),
    ):
        assert not answer.right
        assert answer.said


@pytest.mark.parametrize("nonsense", [Hostile(), [Hostile()], {Ellipsis: Hostile()}])
def test_nothing_hostile_ends_in_a_traceback(nonsense: Any) -> None:
    assert not judge_unbind(nonsense, race("cure")).right
    assert not judge_prediction(nonsense, race("cure"), of=["DMA lands"]).right
