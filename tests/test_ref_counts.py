"""The picture of a percpu_ref says what its counters do."""

import pytest

from gupcore import SCENARIOS, ScheduleError
from gupcore.figures.ref_counts import ref_counts

percpu_ref = SCENARIOS["percpu-ref"]


def test_the_picture_says_what_each_step_changes():
    words = repr(ref_counts(percpu_ref(callers=1), "1122" + "1"))
    assert "At the start: CPU 0 0, shared 1+b, state live, held 1." in words
    assert "Step 3, kill, percpu_ref_kill_and_confirm: state dying." in words
    assert words.endswith("Step 5, tryget, this_cpu_add: CPU 0 1, held 1.")


def test_the_picture_says_where_a_rule_breaks():
    words = repr(ref_counts(percpu_ref(callers=1, wait=False), "112221"))
    assert words.endswith("This breaks the rule no reference is lost.")


def test_a_schedule_that_cannot_be_taken_is_not_drawn():
    with pytest.raises(ScheduleError, match="Waits for the grace period"):
        ref_counts(percpu_ref(callers=1), "11222")
