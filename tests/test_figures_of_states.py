"""The figures of chapter 8 say in words what they show, and refuse what they cannot."""

import pytest

from gupcore import check, race
from gupcore.figures.endings import endings
from gupcore.figures.layers import layers


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
