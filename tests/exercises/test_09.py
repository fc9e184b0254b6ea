"""Chapter 9: the reference solutions are right, and what readers try first is called wrong."""

import pytest
from chapter import defined_in

from gupcore import DESIGNS, SCENARIOS, race, replay
from gupcore.design import inserted
from gupcore.exercises import judge_prediction, judge_unbind

# --- 1. Where to wait -----------------------------------------------------------------------------

UNBIND = DESIGNS["v6.1"].unbind
WAIT = "wait_for_idle_pages"


def wait(order):
    scenes = race("v6.1"), race("v6.1", callers=2)
    rules = ("struct page exists", "DMA lands")
    return judge_unbind(order, *scenes, rules=rules, of=(WAIT, *UNBIND))


def test_where_to_wait():
    assert wait(inserted(UNBIND, "arch_remove_memory", WAIT)).right


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ((WAIT, *UNBIND), "in seed-race, the rule “struct page exists” fails in 18 steps"),
        (inserted(UNBIND, "dev_pagemap_kill", WAIT), "“struct page exists” fails in 18 steps"),
        (inserted(UNBIND, "dev_pagemap_cleanup", WAIT), "“struct page exists” fails in 18 steps"),
        (inserted(UNBIND, "detach_driver", WAIT), "“struct page exists” fails in 17 steps"),
        ((*UNBIND, WAIT), "The write to unbind returns with detach_driver; put that last"),
        (UNBIND, "The order lacks wait_for_idle_pages"),
    ],
)
def test_where_not_to_wait(order, says):
    answer = wait(order)
    assert not answer.right
    assert says in answer.said


# --- 2. A trace of a real kernel ------------------------------------------------------------------

trace = defined_in(9, "judge_kernel_trace", race=race, replay=replay)["judge_kernel_trace"]


@pytest.mark.parametrize("schedule", ["1" * 10 + "2" * 8 + "1", "1" * 9 + "2" * 8 + "11"])
def test_a_trace_of_a_real_kernel(schedule):
    answer = trace(schedule)
    assert answer.right
    assert "Touches the struct page, which is gone: oops." in answer.said


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ("2" * 8 + "1" * 4, "line 1 of the trace is local_irq_save of thread 1, and yours is"),
        ("1" * 8 + "2" * 8, "the trace goes on with put_page of thread 1"),
        ("1" * 11, "line 3 of the trace is kill_dax of thread 2, and yours is put_page of thread"),
        ("1" * 5 + "2" * 5, "thread 2 (unbind) cannot step"),
        ("", "the trace goes on with local_irq_save of thread 1"),
    ],
)
def test_what_is_another_trace(schedule, says):
    answer = trace(schedule)
    assert not answer.right
    assert says in answer.said


# --- 3. Predict -----------------------------------------------------------------------------------

RIGHT = {"no-check": "fails", "v5.11": "fails", "device-dax": "holds", "cure-on-v6.1": "fails"}


def predict(**changes):
    given = SCENARIOS["rebind"]("v5.11")
    wrong = {name.replace("__", ".").replace("_", "-"): word for name, word in changes.items()}
    return judge_prediction(RIGHT | wrong, given, of=RIGHT, rule="the right page")


def test_predict():
    assert predict().right


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"v5__11": "holds"}, "you predicted holds for v5.11, which fails in 18 steps"),
        ({"cure_on_v6__1": "holds"}, "you predicted holds for cure-on-v6.1, which fails in 22"),
        ({"device_dax": "fails"}, "you predicted fails for device-dax, which holds"),
        ({"no_check": "holds"}, "you predicted holds for no-check, which fails in 16 steps"),
    ],
)
def test_what_is_predicted_wrongly(changes, says):
    answer = predict(**changes)
    assert not answer.right
    assert says in answer.said
