"""The figures of chapter 8 say in words what they show, and refuse what they cannot."""

import re

import pytest

from gupcore import check, race
from gupcore.checker.any_number import check_any
from gupcore.figures.endings import endings
from gupcore.figures.few_for_many import few_for_many
from gupcore.figures.layers import layers
from gupcore.figures.one_view import one_view


def test_the_layers_tell_from_where_a_rule_can_still_be_broken() -> None:
    shown = layers(check(race("no-check")), "struct page exists")
    assert repr(shown).startswith("All 181 states, in columns by how many steps")
    assert "no schedule breaks it in fewer than 10." in repr(shown)


def test_a_rule_that_no_step_breaks_has_no_picture() -> None:
    with pytest.raises(ValueError, match="No step breaks the rule 'struct page exists'"):
        layers(check(race("v5.11")), "struct page exists")


def test_the_endings_say_every_count() -> None:
    report = check(race("no-check"))
    said = repr(endings(report.outcomes()))
    for outcome in report.outcomes():
        assert f"{outcome.count:,}: {outcome.in_short()}" in said


def test_no_endings_no_picture() -> None:
    with pytest.raises(ValueError, match="no outcomes"):
        endings(())


def test_a_view_has_one_caller_and_no_number_of_the_others() -> None:
    said = repr(one_view(race("cure", 2), "11111122233", ("struct page",)))
    state, first, second = said.split("step 11, ")[1].split(" a view, unbind: 2 done, ")
    assert "count 2, 1 held by direct I/O on CPU 0, 1 of its own" in state
    assert "irqs off" in state
    assert first.startswith("of thread 1. struct page: one caller holds it, 1 held by direct I/O")
    assert "CPU 1" not in first
    assert second.startswith("of thread 2. struct page: one caller holds it, 1 of its own; direct")
    assert "CPU 0" not in second


def test_a_view_needs_callers() -> None:
    with pytest.raises(ValueError, match="there is no view"):
        one_view(race("cure", 1), "1", ("struct page",))


def test_the_views_are_drawn_one_by_one_and_the_states_to_scale() -> None:
    number = check_any(race("cure")).views
    shown = few_for_many(race("cure"), {1: 100, 2: 400})
    assert repr(shown).startswith(f"{number} views, in 15 columns by how many steps unbind has")
    assert shown.svg.count("<circle") == number
    assert "100 with 1 caller, 400 with 2 callers" in repr(shown)
    sides = [
        float(side) for side in re.findall('width="([0-9.]+)" height="[0-9.]+" fill', shown.svg)
    ]
    assert sides[1] == pytest.approx(2 * sides[0], rel=0.01)
    assert sides[2] ** 2 / sides[0] ** 2 == pytest.approx(number / 100, rel=0.01)
