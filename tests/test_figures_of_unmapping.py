"""The figures of chapters 3 and 4 say what the model computed, and nothing else."""

import re
from dataclasses import replace

import pytest

from gupcore import DESIGNS, SCENARIOS, Design, Scenario, ScheduleError
from gupcore.figures.lockstep import lockstep
from gupcore.figures.page_count import page_count
from gupcore.figures.picture import GREY
from gupcore.kernel.design import AFTER_GRACE_PERIOD, BROADCAST

broadcast = replace(
    DESIGNS["v5.11"], name="broadcast", tlb_flush=BROADCAST, free_tables=AFTER_GRACE_PERIOD
)


def munmap(design: Design) -> Scenario:
    return SCENARIOS["munmap"](design, without="load")


def test_a_count_is_told_step_by_step() -> None:
    shown = page_count(munmap(broadcast), "1111" + "22222" + "3" + "111")
    assert "Step 9, munmap, put_page: the count becomes 0, the frame is now free." in shown.alt
    assert "Step 11, direct I/O, try_grab_compound_head: the count becomes 2." in shown.alt
    assert "breaks" not in shown.alt
    dots = re.findall(f"<use [^>]*fill: {GREY}", shown.svg)
    counts = [1] * 9 + [0] + [1, 2, 2, 1]  # at the start, and after each step
    assert len(dots) == sum(counts)


def test_a_broken_rule_is_told() -> None:
    shown = page_count(munmap(broadcast.lacking("unless_zero")), "1111" + "22222" + "1")
    assert "this breaks the rule “only the allocator revives”" in shown.alt


def test_two_machines_are_told_apart() -> None:
    ipi = (munmap(replace(DESIGNS["v5.11"], name="IPI")), "1111" + "2222" + "1111" + "222")
    other = (munmap(broadcast), "1111" + "222222" + "11" + "222")
    shown = lockstep(ipi, other)
    assert "IPI, 15 steps: step 6: the PTE is cleared; step 12: CPU 0" in shown.alt
    assert "broadcast, 15 steps: step 6: the PTE is cleared; step 7: CPU 0's TLB" in shown.alt
    assert shown.svg == lockstep(ipi, other).svg


def test_what_cannot_be_taken_cannot_be_drawn() -> None:
    for draw in (page_count, lambda scenario, schedule: lockstep((scenario, schedule))):
        with pytest.raises(ScheduleError):
            draw(munmap(DESIGNS["v5.11"]), "1111" + "22222")
