"""Chapter 1: the solutions are right, and what readers try first is called wrong."""

import pytest
from chapter import assert_wrong, defined_in

from gupcore import check, race, replay
from gupcore.checker.asked import so_many
from gupcore.exercises import Answer, judge_prediction
from gupcore.figures.call_window import call_window, can_oops, dangers

RULE = "struct page exists"


# --- 1. Under way ---------------------------------------------------------------------------------

judge_late_call = defined_in(1, "judge_late_call", race=race, replay=replay)["judge_late_call"]


@pytest.mark.parametrize("schedule", ["22222" + "1" + "2" + "111", "222221" + "1" + "2" + "11"])
def test_a_call_that_is_under_way(schedule: str | None) -> None:
    assert judge_late_call(schedule).right


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        (
            "222" + "1" + "222" + "111",
            "after 3 steps of the unbind the page has 2 steps to live, so",
        ),
        (
            "22221" + "2" + "1" + "2" + "11",
            "after 4 steps of the unbind the page has 1 step to live",
        ),
        ("222222" + "1111", "the struct page is gone before the call begins"),
        ("1" + "2222" + "111", "“struct page exists” is not broken"),
        ("22" + "1" + "2222" + "111", "Waits for the kill's grace period"),
        ("222" + "1" + "222", "“struct page exists” is not broken"),
        ("222" + "1" + "222", "From here, 3 more steps can break it."),
        ("1" + "22", "From here no schedule breaks it any more."),
        ("222" + "1111" + "222", "Waits for the pgmap's count to reach zero"),
        ("", "No step is taken yet"),
        (None, "Nothing is handed in yet"),
    ],
)
def test_what_is_no_such_call(schedule: str | None, says: str) -> None:
    assert_wrong(judge_late_call(schedule), says)


# --- 2. A page nobody has touched -----------------------------------------------------------------


def predict(callers: int, word: str) -> Answer:
    untouched = race("no-check", callers=callers, pte="absent")
    return judge_prediction({RULE: word}, untouched, of=[RULE])


def test_a_page_nobody_has_touched() -> None:
    assert predict(1, "holds").right
    assert predict(2, "fails").right


@pytest.mark.parametrize(
    ("callers", "word", "says"),
    [
        (1, "fails", "which holds"),
        (2, "holds", "which fails in"),
        (2, "livelock", "which fails in"),
        (1, "both", "choose one of holds, fails, livelock"),
    ],
)
def test_what_is_no_prediction(callers: int, word: str, says: str) -> None:
    assert_wrong(predict(callers, word), says)


judge_callers = defined_in(1, "judge_callers", race=race, Answer=Answer, so_many=so_many)[
    "judge_callers"
]


def test_with_one_caller_and_with_two() -> None:
    assert judge_callers({1: "holds", 2: "fails"}).right


@pytest.mark.parametrize(
    ("predicted", "says"),
    [
        ({1: "fails", 2: "fails"}, "1 caller: No: you predicted fails for struct page exists"),
        ({1: "holds", 2: "holds"}, "2 callers: No: you predicted holds for struct page exists"),
        ({1: None, 2: None}, "1 caller: struct page exists is predicted as None"),
        ({1: "holds"}, "it raised KeyError; this exercise asks for a word for each number"),
        ("holds", "1 caller: struct page exists is predicted as 'o'"),
        (3, "This cannot be judged"),
        (None, "Nothing is handed in yet"),
    ],
)
def test_what_is_wrong_of_one_or_of_two(predicted: object, says: str) -> None:
    assert_wrong(judge_callers(predicted), says)


# --- The figure -----------------------------------------------------------------------------------


def test_the_window_opens_with_the_kill() -> None:
    without, with_check = check(race("no-check")), check(race("v5.11"))
    assert dangers(without) == [False] * 3 + [True] * 6
    assert not any(dangers(with_check))
    assert not can_oops(without, "1")
    words = repr(call_window(without, with_check))
    assert "an oops is possible if the call begins after 3, 4, 5, 6, 7, 8 steps" in words
    assert "Design v5.11: no oops is possible" in words


def test_the_window_wants_a_whole_search() -> None:
    with pytest.raises(ValueError, match="explored to the end"):
        dangers(check(race("no-check", callers=2)))
