"""Chapter 10: the reference solutions are right, and what readers try first is called wrong."""

from collections.abc import Callable
from typing import Any

import pytest
from chapter import assert_wrong, defined_in

from gupcore.cost import gup_cost
from gupcore.evidence.records import costs, load
from gupcore.exercises import Answer
from gupcore.figures.lookups_and_instructions import lookups_and_instructions


def judge(name: str) -> tuple[Callable[..., Answer], dict[str, Any]]:
    """Return a judge as the chapter defines it."""
    given = {"Answer": Answer, "gup_cost": gup_cost, "costs": costs, "load": load}
    known = defined_in(10, name, **given)
    return known[name], known


# --- 1. How many lookups? -------------------------------------------------------------------------


def lookups(count: Callable[[int, int], object]) -> Answer:
    judges, known = judge("judge_lookups")
    return judges({buffer: count(*buffer) for buffer in known["BUFFERS"]})


def test_one_lookup_a_page_table() -> None:
    assert lookups(lambda pages, place: (place + pages - 1) // 512 + 1).right


@pytest.mark.parametrize(
    ("count", "says"),
    [
        (
            lambda pages, place: pages,
            "for 3 pages from place 510 you say 3, too many; right so far: 0 of 4.",
        ),
        (lambda pages, place: 1, "for 3 pages from place 510 you say 1, too few; right so far: "),
        (
            lambda pages, place: -(-pages // 512),  # as if each buffer began a page table
            "for 3 pages from place 510 you say 1, too few; right so far: ",
        ),
        (
            lambda pages, place: (place + pages) // 512 + 1,  # one place too far
            "for 1025 pages from place 511 you say 4, too many; right so far: 3 of 4.",
        ),
        (
            lambda pages, place: -(-pages // 512) + 1,  # one more, to be safe
            "for 1025 pages from place 511 you say 4, too many; right so far: 3 of 4.",
        ),
        (lambda pages, place: None, "No whole number is predicted yet for (3, 510)."),
        (lambda pages, place: "2", "No whole number is predicted yet for (3, 510)."),
    ],
)
def test_what_is_no_count_of_lookups(count: Callable[[int, int], object], says: str) -> None:
    assert_wrong(lookups(count), says)


# --- 2. Which is cheapest? ------------------------------------------------------------------------


def test_gup_fast_is_cheaper_with_a_lookup_than_gup_slow_without() -> None:
    judges, _ = judge("judge_order")
    assert judges({1: "CAB", 512: "CAB"}).right


@pytest.mark.parametrize(
    ("order", "says"),
    [
        # a lookup is dearer than a lock
        ({1: "CBA", 512: "CBA"}, "Pages: 1. 5.10 runs fewer instructions in A than B"),
        # a lookup weighs more than a lock as long as there are few pages
        ({1: "CBA", 512: "CAB"}, "Pages: 1. 5.10 runs fewer instructions in A than B"),
        # locks are nothing against many pages
        ({1: "CAB", 512: "CBA"}, "Pages: 512. 5.10 runs fewer instructions in A than B"),
        # the lookup costs nothing
        ({1: "ACB", 512: "ACB"}, "Pages: 1. 5.10 runs fewer instructions in C than A"),
        # dearest first
        ({1: "BAC", 512: "BAC"}, "Pages: 1. 5.10 runs fewer instructions in A than B"),
        ({1: "", 512: ""}, "For 1, write each of A, B and C once."),
        (None, "For 1, write each of A, B and C once."),
        ({1: "CAB", 512: "CA"}, "For 512, write each of A, B and C once."),
        ({1: 5, 512: 5}, "For 1, write each of A, B and C once."),
        ("CAB", "For 1, write each of A, B and C once."),
    ],
)
def test_what_is_no_order(order: dict[int, str] | None, says: str) -> None:
    judges, _ = judge("judge_order")
    assert_wrong(judges(order), says)


# --- The figure -----------------------------------------------------------------------------------


def test_the_figure_says_what_it_shows() -> None:
    shown = lookups_and_instructions(
        {"at its start": {1: 1, 257: 1}, "in its middle": {1: 1, 257: 2}},
        {"fast": {1: 500, 16: 3000, 512: 75000}},
        "Linux",
    )
    said = repr(shown)
    assert "Buffer at its start: 1 for 1 page, to 257 pages." in said
    assert "Buffer in its middle: 1 for 1 page, 2 from 257 pages on, to 257 pages." in said
    assert said.endswith("Linux. fast: 500 for 1 page, 3,000 for 16, 75,000 for 512.")
    assert "currentColor" in shown.svg
