"""Chapter 3: the reference solutions are right, and what readers try first is called wrong."""

from dataclasses import replace

import pytest
from chapter import assert_wrong

from gupcore import DESIGNS, SCENARIOS, Design, Scenario
from gupcore.exercises import Answer, judge_prediction, judge_schedule, judge_trace
from gupcore.kernel.design import BROADCAST

ipi = replace(DESIGNS["v5.11"], name="IPI")
at_once = replace(ipi, name="broadcast, tables at once", tlb_flush=BROADCAST)


def unmap(design: Design) -> Scenario:
    return SCENARIOS["munmap"](design, without="another process")


# --- 1. Leave interrupts on -----------------------------------------------------------------------


def interrupts_on(schedule: str) -> Answer:
    forgetful = unmap(replace(ipi, name="IPI, interrupts on", irqs_off=False))
    return judge_schedule(schedule, forgetful, "tables exist", at_most=10)


def test_leave_interrupts_on() -> None:
    assert interrupts_on("11" + "3333333" + "1").right


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ("11" + "333333" + "1", "“tables exist” is not broken"),  # unlinked, not yet freed
        ("11" + "333333", "From here, 2 more steps can break it."),
        ("2" + "11" + "333333", "that makes 11, and at most 10 are asked for."),
        ("1" + "3333333" + "1", "“tables exist” is not broken"),  # walks down too late
        ("3333333" + "11", "“tables exist” is not broken"),
        (
            "2" + "11" + "3333333" + "1",
            "takes 11 steps to do so; at most 10 are asked for, so 1 step must",
        ),
        ("11" + "3333333" + "2", "“tables exist” is not broken"),  # the hardware finds no table
        ("114", "Step 3"),
    ],
)
def test_what_reads_no_freed_table(schedule: str, says: str) -> None:
    assert_wrong(interrupts_on(schedule), says)


# --- 2. Read a trace ------------------------------------------------------------------------------

TRACE = [
    *("(the hardware)", "local_irq_save", "__do_munmap", "gup_pmd_range", "zap_pte_range"),
    *("free_pgtables", "ptep_get_lockless", "flush_tlb_mm_range", "local_irq_restore"),
    *("flush_tlb_mm_range", "put_page", "tlb_finish_mmu"),
]


def trace(schedule: str) -> Answer:
    return judge_trace(schedule, unmap(ipi), TRACE)


def test_read_a_trace() -> None:
    assert trace("11" + "3" + "1" + "33" + "1" + "3" + "1" + "333").right


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ("2" + "11", "Here the trace goes on with: local_irq_save"),
        ("1131" + "31" + "3", "In step 6, thread 1 does ptep_get_lockless"),
        ("1131" + "33" + "1" + "33", "Waits for CPU 0 to flush"),
        (
            "1131" + "33" + "1" + "3" + "1" + "33",
            "Your schedule ends after 11 steps. Here the trace goes on with: tlb_f",
        ),
        ("1131" + "33" + "1" + "3" + "1" + "33", "You have 11 of its 12 steps."),
        ("1131" + "33" + "1" + "3" + "1" + "3333", "Here the trace ends"),
        ("1131" + "33" + "1" + "3" + "1" + "3333", "All 12 are there; leave out what follows."),
        ("1", "Your schedule ends after 1 step. Here the trace goes on with: local_irq_save"),
    ],
)
def test_what_is_another_trace(schedule: str, says: str) -> None:
    assert_wrong(trace(schedule), says)


# --- 3. Page tables at once -----------------------------------------------------------------------

RULES = ["the right page", "tables exist", "no stale mapping"]


def tables_at_once(*words: str) -> Answer:
    predicted = dict(zip(RULES, words, strict=True))
    return judge_prediction(predicted, SCENARIOS["munmap"](at_once), of=RULES)


def test_tables_at_once() -> None:
    assert tables_at_once("holds", "fails", "holds").right


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("fails", "fails", "fails"), "1 of 3 is right: you predicted fails for the right page"),
        (("holds", "holds", "holds"), "2 of 3 are right: you predicted holds for tables exist"),
        (("holds", "fails", "fails"), "2 of 3 are right: you predicted fails for no stale mapp"),
        (("holds", "livelock", "holds"), "you predicted livelock for tables exist"),
    ],
)
def test_what_does_not_come_of_it(words: tuple[str, ...], says: str) -> None:
    assert_wrong(tables_at_once(*words), says)
