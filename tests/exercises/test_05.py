"""Chapter 5: the reference solutions are right, and what readers try first is called wrong."""

import pytest
from chapter import assert_wrong

from gupcore import race
from gupcore.exercises import Answer, judge_prediction, judge_schedule, judge_unbind

# --- 1. Whose struct pages? -----------------------------------------------------------------------

RIGHT = {"v5.11": "holds", "device-dax": "holds", "v6.1": "fails", "v6.15": "fails"}


def predicted(changed: dict[str, str]) -> Answer:
    return judge_prediction(RIGHT | changed, race("v5.11"), of=RIGHT, rule="struct page exists")


def test_whose_struct_pages() -> None:
    assert predicted({}).right


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"v6.1": "holds", "v6.15": "holds"}, "2 of 4 are right: you predicted holds for v6.1"),
        ({"v6.15": "holds"}, "3 of 4 are right: you predicted holds for v6.15, which fails in 10"),
        ({"v5.11": "fails"}, "for v5.11, which holds in every schedule"),
        ({"v6.1": "livelock"}, "you predicted livelock for v6.1, which fails in 17 steps"),
    ],
)
def test_what_is_predicted_wrongly(changed: dict[str, str], says: str) -> None:
    assert_wrong(predicted(changed), says)


# --- 2. The disk comes too late -------------------------------------------------------------------


def too_late(schedule: str) -> Answer:
    return judge_schedule(schedule, race("v6.1"), "DMA lands", at_most=17)


def test_the_disk_comes_too_late() -> None:
    assert too_late("1" * 8 + "2" * 8 + "1").right


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ("2" * 8 + "1111", "the rule “DMA lands” is not broken"),  # the check turns it away
        ("1" * 8 + "2" * 7 + "1", "is not broken; the last was step 16"),  # a driver is still there
        ("1" * 5 + "2" * 5, "thread 2 (unbind) cannot step"),  # gup-fast has interrupts off
        ("1" * 8 + "2" * 7, "From here, 2 more steps can break it."),
        ("2" * 8, "From here no schedule breaks it any more."),
        (
            "1" * 9 + "2" * 8 + "1",
            "takes 18 steps to do so; at most 17 are asked for, so 1 step must go.",
        ),
    ],
)
def test_what_comes_in_time(schedule: str, says: str) -> None:
    assert_wrong(too_late(schedule), says)


# --- 3. Make 6.1 wait -----------------------------------------------------------------------------

SCENES = race("v6.1"), race("v6.1", callers=2)


def made_to_wait(before: str | None) -> Answer:
    order = [
        *("kill_dax", "del_gendisk", "dev_pagemap_kill", "drop_pages_in_bulk"),
        *("dev_pagemap_cleanup", "arch_remove_memory", "pgmap_array_delete", "detach_driver"),
    ]
    at = order.index(before) if before else len(order)
    order.insert(at, "wait_for_idle_pages")
    return judge_unbind(order, *SCENES, rules=["struct page exists", "DMA lands"])


def test_make_it_wait() -> None:
    assert made_to_wait("arch_remove_memory").right


@pytest.mark.parametrize(
    ("before", "says"),
    [
        ("kill_dax", "“struct page exists” fails in 18 steps"),
        ("dev_pagemap_kill", "“struct page exists” fails in 18 steps"),
        ("dev_pagemap_cleanup", "“struct page exists” fails in 18 steps"),  # no grace period yet
        ("pgmap_array_delete", "“struct page exists” fails in 17 steps"),
        (None, "The write to unbind returns with detach_driver; put that last"),
    ],
)
def test_what_waits_in_vain(before: str | None, says: str) -> None:
    assert_wrong(made_to_wait(before), says)
