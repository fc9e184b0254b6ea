"""Chapter 8: the reference solutions are right, and what readers try first is called wrong."""

import pytest
from chapter import assert_wrong

from gupcore import race
from gupcore.exercises import Answer, judge_prediction, judge_schedule

# --- 1. A rarer one -------------------------------------------------------------------------------

FAULT = "1" * 10  # up to where the fault has its frame and has not set its PTE
UNBIND = "2" * 12  # from its first step until it has returned


def stale(schedule: str) -> Answer:
    scene = race("cure-no-drain", pte="absent")
    return judge_schedule(schedule, scene, "no stale mapping")


@pytest.mark.parametrize(
    "schedule",
    [
        FAULT + UNBIND + "1",
        FAULT + "2" * 3 + "1" + "2" * 9,  # the PTE comes back when the zap is over: as good
    ],
)
def test_a_rarer_one(schedule: str) -> None:
    assert stale(schedule).right


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ("2", "is not broken; the last was step 1: unbind: tells the DAX device to refuse"),
        (UNBIND + FAULT, "is not broken; the last was step 22"),  # refused: it has no frame
        (FAULT + "1" + UNBIND, "is not broken; the last was step 23"),  # unmapped like any other
        (FAULT + UNBIND, "is not broken; the last was step 22: unbind: the driver is detached"),
        (UNBIND + "2", "thread 2 (unbind) has ended and cannot step"),
        (FAULT + UNBIND, "From here, 1 more step can break it."),
        (FAULT + "1" + UNBIND[:3], "From here no schedule breaks it any more."),
    ],
)
def test_what_leaves_nothing_behind(schedule: str, says: str) -> None:
    assert_wrong(stale(schedule), says)


# --- 2. Predict -----------------------------------------------------------------------------------

RIGHT = {"cure-no-serialise": "holds", "kill-first-ipi": "holds", "cure-no-wait": "fails"}


def predict(**changes: str) -> Answer:
    wrong = {name.replace("_", "-"): word for name, word in changes.items()}
    return judge_prediction(RIGHT | wrong, race("cure"), of=RIGHT, rule="struct page exists")


def test_predict() -> None:
    assert predict().right


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"cure_no_serialise": "fails"}, "you predicted fails for cure-no-serialise, which holds"),
        ({"kill_first_ipi": "fails"}, "you predicted fails for kill-first-ipi, which holds"),
        ({"cure_no_wait": "holds"}, "you predicted holds for cure-no-wait, which fails in 20"),
        ({"cure_no_wait": "livelock"}, "you predicted livelock for cure-no-wait, which fails"),
        ({"cure_no_wait": "safe"}, "choose one of holds, fails, livelock"),
    ],
)
def test_what_is_predicted_wrongly(changes: dict[str, str], says: str) -> None:
    assert_wrong(predict(**changes), says)
