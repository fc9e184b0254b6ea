"""Chapter 4: the reference solutions are right, and what readers try first is called wrong."""

from dataclasses import replace

import handed_in_04 as handed_in
import pytest
from chapter import assert_wrong

from gupcore import DESIGNS, SCENARIOS
from gupcore.exercises import Answer, judge_gup_fast, judge_prediction, judge_schedule
from gupcore.kernel.design import AFTER_GRACE_PERIOD, BROADCAST
from gupcore.kernel.gup import GupFast

broadcast = replace(
    DESIGNS["v5.11"], name="broadcast", tlb_flush=BROADCAST, free_tables=AFTER_GRACE_PERIOD
)

# --- 1. Neither guard -----------------------------------------------------------------------------

unguarded = SCENARIOS["munmap"](
    replace(broadcast, name="neither", recheck=False, unless_zero=False), without="load"
)


def neither_guard(schedule: str | None) -> Answer:
    return judge_schedule(schedule, unguarded, "DMA lands", at_most=12)


def test_neither_guard() -> None:
    assert neither_guard("1111" + "22222" + "111").right


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ("1111" + "22222" + "3" + "111", "“DMA lands” is not broken"),  # it is in use again
        ("1111" + "2222" + "1111", "“DMA lands” is not broken"),  # it is not free yet
        ("1111" + "111", "“DMA lands” is not broken"),  # nobody unmaps it
        ("1111" + "22222" + "1", "From here, 2 more steps can break it."),
        (
            "1111" + "22222" + "3311" + "1",
            "takes 14 steps to do so; at most 12 are asked for, so 2 steps must",
        ),
        ("22222" + "1111", "“DMA lands” is not broken"),
        ("", "No step is taken yet"),
        (None, "Nothing is handed in yet"),
    ],
)
def test_what_does_not_make_the_disk_use_a_free_frame(schedule: str | None, says: str) -> None:
    assert_wrong(neither_guard(schedule), says)


# --- 2. Interrupts on -----------------------------------------------------------------------------

interrupts_on = replace(DESIGNS["v5.11"], name="interrupts on", irqs_off=False, recheck=False)
RULES = ["the right page", "only the allocator revives", "tables exist"]


def interrupts(*words: str) -> Answer:
    predicted = dict(zip(RULES, words, strict=True))
    return judge_prediction(predicted, SCENARIOS["munmap"](interrupts_on), of=RULES)


def test_interrupts_on() -> None:
    assert interrupts("fails", "holds", "fails").right


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("holds", "holds", "holds"), "1 of 3 is right: you predicted holds for the right page"),
        (("fails", "fails", "fails"), "2 of 3 are right: you predicted fails for only the alloc"),
        (("fails", "holds", "holds"), "2 of 3 are right: you predicted holds for tables exist"),
        (("holds", "fails", "holds"), "0 of 3 are right"),
        (("fails", "holds", "breaks"), "tables exist is predicted as 'breaks'"),
    ],
)
def test_what_is_not_so_with_interrupts_on(words: tuple[str, ...], says: str) -> None:
    assert_wrong(interrupts(*words), says)


# --- 3. Write the walk ----------------------------------------------------------------------------

SCENES = (
    SCENARIOS["munmap"](broadcast, without="load"),
    SCENARIOS["special"](broadcast, behind="registers"),
)


def walk(function: GupFast) -> Answer:
    return judge_gup_fast(function, *SCENES, must_pin_fast=["ordinary"])


def test_write_the_walk() -> None:
    assert walk(handed_in.with_both_guards).right


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (
            handed_in.as_given,
            "in munmap,without=load, the rule “only the allocator revives” fails in 10 steps",
        ),
        (
            handed_in.looks_once,
            "in munmap,without=load, the rule “the right page” fails in 13 steps",
        ),
        (
            handed_in.looks_again_too_early,
            "in munmap,without=load, the rule “the right page” fails in",
        ),
        (
            handed_in.keeps_what_it_grabbed,
            "in munmap,without=load, the rule “everyone can finish” fails in 18 steps",
        ),
        (
            handed_in.raises_any_count,
            "in munmap,without=load, the rule “only the allocator revives” fails in 10 steps",
        ),
        (handed_in.takes_special_for_normal, "“struct page exists” fails in 4 steps"),
        (handed_in.interrupts_left_on, "in munmap,without=load, the rule “tables exist” fails in"),
        (
            handed_in.always_gives_up,
            "it is safe, but it never pins the page of ordinary memory by itself",
        ),
    ],
)
def test_what_is_no_walk(function: GupFast, says: str) -> None:
    assert_wrong(walk(function), says)
