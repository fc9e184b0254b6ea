"""Chapter 6: the reference solutions are right, and what readers try first is called wrong."""

import pytest
from chapter import assert_wrong

from gupcore import SCENARIOS
from gupcore.exercises import Answer, judge_prediction, judge_schedule, judge_trace

HURRIES = SCENARIOS["percpu-ref"](callers=1, wait=False)

# --- 1. Predict the verdicts ----------------------------------------------------------------------

RIGHT = {
    "no reference is lost": "fails",
    "released at last": "fails",
    "everyone can finish": "holds",
}


def test_predict_the_verdicts() -> None:
    assert judge_prediction(RIGHT, HURRIES).right


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"released at last": "holds"}, "2 of 3 are right: you predicted holds for released"),
        ({"everyone can finish": "fails"}, "for everyone can finish, which holds"),
        ({"everyone can finish": "livelock"}, "for everyone can finish, which holds"),
        ({"no reference is lost": "holds"}, "no reference is lost, which fails in 6 steps"),
    ],
)
def test_what_is_predicted_wrongly(changed: dict[str, str], says: str) -> None:
    assert_wrong(judge_prediction(RIGHT | changed, HURRIES), says)


# --- 2. Never released ----------------------------------------------------------------------------


def never_released(schedule: str) -> Answer:
    return judge_schedule(schedule, HURRIES, "released at last", at_most=11)


def test_never_released() -> None:
    assert never_released("111111" + "222" + "11").right


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ("1111" + "222", "the rule “released at last” is not broken"),  # the drop finds it atomic
        ("11" + "222" + "111111", "is not broken"),  # released, and too early
        ("11111111" + "222", "is not broken; the last was step 11: kill: adds up"),
        ("1111111111", "thread 1 (tryget) has ended and cannot step"),
        ("111111" + "222", "is not broken; the last was step 9"),  # not all have ended
    ],
)
def test_what_is_released_after_all(schedule: str, says: str) -> None:
    assert_wrong(never_released(schedule), says)


# --- 3. Read a trace ------------------------------------------------------------------------------

TRACE = [
    *("blk_queue_enter", "kill_dax", "dax_entry_mkclean", "percpu_ref_kill_and_confirm"),
    *("put_page", "blk_queue_enter", "pmem_do_write", "blk_queue_exit", "dev_pagemap_cleanup"),
]


def read(schedule: str) -> Answer:
    return judge_trace(schedule, SCENARIOS["block-io"]("v5.11", callers=2), TRACE)


@pytest.mark.parametrize("schedule", ["133332113", "233331223"])
def test_read_a_trace(schedule: str) -> None:
    assert read(schedule).right


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ("133332223", "thread 2 (block I/O on CPU 1) has ended and cannot step"),
        ("133331113", "thread 1 does pmem_do_write"),  # takes both entries for one request's
        ("1333231", "thread 2 does blk_queue_enter"),  # the page is put before that
        ("13333211", "ends after 8 steps. Here the trace goes on with: dev_pagemap_cleanup"),
    ],
)
def test_what_is_another_trace(schedule: str, says: str) -> None:
    assert_wrong(read(schedule), says)
