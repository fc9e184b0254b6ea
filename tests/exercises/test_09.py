"""Chapter 9: the reference solutions are right, and what readers try first is called wrong."""

from dataclasses import replace

import pytest
from chapter import assert_wrong, defined_in

from gupcore import DESIGNS, SCENARIOS, race, replay
from gupcore.exercises import Answer, judge_prediction
from gupcore.kernel.design import inserted

# --- 1. What the wait does not mend ---------------------------------------------------------------

ORDER = inserted(DESIGNS["v6.1"].unbind, "arch_remove_memory", "wait_for_idle_pages")
WAITING = replace(DESIGNS["v6.1"], name="v6.1, waiting", unbind=ORDER)
MENDED = {
    "struct page exists": "holds",
    "DMA lands": "holds",
    "no stale mapping": "fails",
    "everyone can finish": "fails",
}


def mended(changes: dict[str, str]) -> Answer:
    return judge_prediction({**MENDED, **changes}, race(WAITING), of=MENDED)


def test_what_the_wait_mends() -> None:
    assert mended({}).right


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"struct page exists": "fails"}, "predicted fails for struct page exists, which holds"),
        ({"no stale mapping": "holds"}, "predicted holds for no stale mapping, which fails in 9"),
        ({"everyone can finish": "holds"}, "for everyone can finish, which"),
        (dict.fromkeys(MENDED, "holds"), "2 of 4 are right"),
    ],
)
def test_what_the_wait_does_not_mend(changes: dict[str, str], says: str) -> None:
    assert_wrong(mended(changes), says)


# --- 2. A trace of a real kernel ------------------------------------------------------------------

trace = defined_in(9, "judge_kernel_trace", race=race, replay=replay)["judge_kernel_trace"]


@pytest.mark.parametrize("schedule", ["1" * 10 + "2" * 8 + "1", "1" * 9 + "2" * 8 + "11"])
def test_a_trace_of_a_real_kernel(schedule: str) -> None:
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
        ("1" * 8 + "2" * 8, "you have 7 of 8 lines, and the trace goes on with put_page"),
        (None, "Nothing is handed in yet"),
        (18, "A schedule is text"),
    ],
)
def test_what_is_another_trace(schedule: str, says: str) -> None:
    assert_wrong(trace(schedule), says)


# --- 3. Predict -----------------------------------------------------------------------------------

RIGHT = {"no-check": "fails", "v5.11": "fails", "device-dax": "holds", "cure-on-v6.1": "fails"}


def predict(**changes: str) -> Answer:
    given = SCENARIOS["rebind"]("v5.11")
    wrong = {name.replace("__", ".").replace("_", "-"): word for name, word in changes.items()}
    return judge_prediction(RIGHT | wrong, given, of=RIGHT, rule="the right page")


def test_predict() -> None:
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
def test_what_is_predicted_wrongly(changes: dict[str, str], says: str) -> None:
    assert_wrong(predict(**changes), says)
