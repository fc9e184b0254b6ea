"""Schedules as tables: a percpu_ref, and a device page."""

import pytest

from gupcore import SCENARIOS, ScheduleError, race
from gupcore.figures.counts import counts
from gupcore.figures.picture import ORANGE

percpu_ref = SCENARIOS["percpu-ref"]


def test_the_picture_says_what_each_step_changes() -> None:
    words = repr(counts(percpu_ref(callers=1), "1122" + "1"))
    assert "At the start: CPU 0 0, shared 1+b, state live, held 1." in words
    assert "Column 3, kill, percpu_ref_kill_and_confirm: state dying." in words
    assert words.endswith("Column 5, tryget, this_cpu_add: CPU 0 1, held 1.")


def test_the_picture_says_where_a_rule_breaks() -> None:
    words = repr(counts(percpu_ref(callers=1, wait=False), "112221"))
    assert words.endswith("This breaks the rule no reference is lost.")


def test_a_schedule_that_cannot_be_taken_is_not_drawn() -> None:
    with pytest.raises(ScheduleError, match="Waits for the grace period"):
        counts(percpu_ref(callers=1), "11222")


def test_a_page_shows_only_what_changes() -> None:
    words = repr(counts(race("v5.11", pte="absent"), "1" * 11, only_changes=True))
    assert "At the start: PTEs 0, page count 1, pgmap count 2, bound yes." in words
    assert words.endswith("Column 1, direct I/O, vmf_insert_mixed: PTEs 1.")


def test_a_page_is_gone_when_its_struct_page_is() -> None:
    words = repr(counts(race("v5.11"), "222222"))
    assert "page count gone" in words
    assert "bound no" not in words


def test_what_a_step_has_changed_stands_out_as_in_the_player() -> None:
    nothing, something = (
        counts(race("v5.11"), steps).svg.count(ORANGE.lower()) for steps in ("111", "1111")
    )
    assert nothing == 0 < something
