"""Chapter 7: the reference solutions are right, and what readers try first is called wrong.

One file a chapter.  Each exercise has its solution here and three or more wrong answers, each with
the beginning or the heart of what the checker must say of it.
"""

import handed_in_07 as handed_in
import pytest
from chapter import assert_wrong

from gupcore import race
from gupcore.exercises import Answer, judge_gup_fast
from gupcore.kernel.gup import GupFast, gup_fast

# --- 3. Write the guard ---------------------------------------------------------------------------

PGMAP = ["lookup_and_tryget_live"]


def guard(function: GupFast) -> Answer:
    return judge_gup_fast(function, race("v5.11"), must_pin_fast=["ordinary"], without=PGMAP)


def test_write_the_guard() -> None:
    assert guard(handed_in.special_means_slow).right


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (handed_in.as_given, "“struct page exists” fails in 9 steps"),
        (
            handed_in.always_gives_up,
            "it is safe, but it never pins the page of ordinary memory by itself",
        ),
        (handed_in.looks_again, "“struct page exists” fails in 9 steps"),
        (handed_in.asks_and_lets_go, "“struct page exists” fails in"),
        (gup_fast, "it takes the step lookup_and_tryget_live, which it must do without"),
        (handed_in.forgets_interrupts, "“everyone can finish” fails: livelock"),
    ],
)
def test_what_is_no_guard(function: GupFast, says: str) -> None:
    assert_wrong(guard(function), says)
