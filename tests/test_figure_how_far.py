"""The figure of chapter 9 is computed: another pair of designs gives another picture."""

import pytest

from gupcore import race
from gupcore.figures.how_far import how_far


def test_it_says_who_waits_and_who_does_not() -> None:
    said = repr(how_far(race("v5.11"), race("v6.1")))
    waits = "from after local_irq_restore to after bio_endio it waits for a reference"
    dies = "from after local_irq_restore to after bio_endio it goes through, then oops"
    assert waits in said
    assert said.index(waits) < said.index("v6.1:") < said.index(dies)


def test_without_the_check_the_late_call_dies() -> None:
    assert "no-check: before the first step it goes through, then oops" in repr(
        how_far(race("no-check"))
    )


def test_the_steps_must_be_the_same() -> None:
    with pytest.raises(ValueError, match="must take the same steps"):
        how_far(race("v5.11"), race("no-check"))
    with pytest.raises(ValueError, match="has two threads"):
        how_far(race("v5.11", callers=2))
