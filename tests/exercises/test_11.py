"""Chapter 11: the reference solutions are right, and what readers try first is called wrong."""

from dataclasses import replace
from itertools import permutations

import pytest
from chapter import assert_wrong, defined_in

from gupcore import DESIGNS, check, race
from gupcore.exercises import Answer, judge_prediction, judge_unbind
from gupcore.figures.before import before

PARTS = {
    "refuse": ("kill_dax",),
    "drain": ("drain_faults",),
    "unmap": ("unmap_all_files",),
    "serialise": ("serialise_walkers",),
    "kill": ("dev_pagemap_kill",),
    "wait": ("put_pages", "dev_pagemap_cleanup"),
}
REMOVE = ("arch_remove_memory", "pgmap_array_delete", "detach_driver")


def phases(parts: str) -> tuple[str, ...]:
    return sum((PARTS[part] for part in parts.split()), ()) + REMOVE


def keeps_the_law(order: tuple[str, ...]) -> bool:
    faults = order.index("refuse") < order.index("drain") < order.index("unmap")
    return faults and order.index("unmap") < max(order.index("serialise"), order.index("kill"))


RIGHT = [
    order
    for order in permutations(PARTS)
    if order.index("kill") < order.index("wait") and keeps_the_law(order)
]


@pytest.mark.parametrize("order", RIGHT, ids=" ".join)
def test_a_right_order_is_right_with_two_callers(order: tuple[str, ...]) -> None:
    design = replace(DESIGNS["cure"], name="an order", unbind=phases(" ".join(order)))
    for pte in ("present", "absent"):
        assert check(race(design, callers=2, pte=pte)).status == "holds"


# --- 1. Stand alone -------------------------------------------------------------------------------

BARE = replace(
    DESIGNS["cure"],
    name="no zero test",
    unless_zero=False,
    unbind=phases("refuse drain unmap serialise kill wait"),
)


stands_alone = defined_in(11, "judge_kill_first", race=race, replace=replace, A=BARE)[
    "judge_kill_first"
]


def test_an_order_that_stands_alone() -> None:
    assert stands_alone(phases("kill refuse drain unmap serialise wait")).right


@pytest.mark.parametrize(
    "parts",
    [
        "refuse drain unmap serialise kill wait",
        "refuse drain unmap kill serialise wait",
        "refuse drain kill unmap serialise wait",
        "refuse kill drain unmap serialise wait",
    ],
)
def test_an_order_that_stands_alone_and_begins_otherwise(parts: str) -> None:
    says = "Not yet: it is right, and begins with kill_dax."
    assert_wrong(stands_alone(phases(parts)), says)


@pytest.mark.parametrize(
    ("order", "says"),
    [
        (phases("drain refuse unmap serialise kill wait"), "“no stale mapping” fails in 24 steps"),
        (phases("unmap refuse drain serialise kill wait"), "“no stale mapping” fails in"),
        (phases("refuse drain unmap kill wait serialise"), "“only the allocator revives” fails"),
        (phases("kill wait refuse drain unmap serialise"), "“only the allocator revives” fails"),
        (phases("refuse drain serialise kill unmap wait"), "fails in"),
        (phases("wait kill refuse drain unmap serialise"), "“only the allocator revives” fails"),
        (phases("refuse drain unmap kill wait"), "The order lacks serialise_walkers."),
        (None, "Nothing is handed in yet"),
    ],
)
def test_an_order_that_does_not(order: tuple[str, ...] | None, says: str) -> None:
    assert_wrong(stands_alone(order), says)


# --- 2. Where to wait -----------------------------------------------------------------------------

GIVEN = (
    *("kill_dax", "drain_faults", "unmap_all_files", "serialise_walkers", "dev_pagemap_kill"),
    *("drop_pages_in_bulk", "dev_pagemap_cleanup", *REMOVE),
)
NEWER = race("cure-on-v6.1-waits"), race("cure-on-v6.1-waits", pte="absent")


def waiting_before(phase: str) -> Answer:
    at = GIVEN.index(phase)
    order = (*GIVEN[:at], "wait_for_idle_pages", *GIVEN[at:])
    return judge_unbind(order, *NEWER, of=order)


@pytest.mark.parametrize("phase", GIVEN[3:8])
def test_a_wait_that_helps(phase: str) -> None:
    assert waiting_before(phase).right


@pytest.mark.parametrize(
    ("phase", "says"),
    [
        ("kill_dax", "“struct page exists” fails in"),
        ("drain_faults", "“struct page exists” fails in"),
        ("unmap_all_files", "“struct page exists” fails in"),
        ("pgmap_array_delete", "fails in"),
    ],
)
def test_a_wait_that_does_not(phase: str, says: str) -> None:
    assert_wrong(waiting_before(phase), says)


# --- 3. Who leaves a mapping behind? --------------------------------------------------------------

VERDICTS = {
    "cure-no-serialise": "holds",
    "cure-no-drain": "fails",
    "unmap-first": "fails",
    "cure-no-wait": "holds",
}


def predicted(**changes: str) -> Answer:
    answers = {**VERDICTS, **{name.replace("_", "-"): word for name, word in changes.items()}}
    scene = race("cure", pte="absent")
    return judge_prediction(answers, scene, of=VERDICTS, rule="no stale mapping")


def test_a_right_prediction() -> None:
    assert predicted().right


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"cure_no_serialise": "fails"}, "predicted fails for cure-no-serialise, which holds"),
        ({"cure_no_drain": "holds"}, "predicted holds for cure-no-drain, which fails in 23 steps"),
        ({"unmap_first": "holds"}, "predicted holds for unmap-first, which fails in 25 steps"),
        ({"cure_no_wait": "fails"}, "predicted fails for cure-no-wait, which holds"),
    ],
)
def test_a_wrong_prediction(changes: dict[str, str], says: str) -> None:
    assert_wrong(predicted(**changes), says)


# --- The figure -----------------------------------------------------------------------------------


def test_the_figure_says_what_is_always_so() -> None:
    said = repr(before([("refuse", "unmap", "kill"), ("refuse", "kill", "unmap")]))
    assert "of 2 orders" in said
    assert "In all of them: refuse before unmap, refuse before kill." in said
    assert "Not in all: unmap before kill in 1." in said
    with pytest.raises(ValueError, match="nothing to draw"):
        before([])
