"""A scenario with one of its threads left out: smaller, and still the same scenario."""

import pytest

from gupcore import SCENARIOS, ScenarioError, check

unmapping = SCENARIOS["munmap"]


def test_the_others_stay_as_they_are() -> None:
    whole, part = unmapping("v5.11"), unmapping("v5.11", without="load")
    assert [thread.label for thread in part.threads] == ["direct I/O", "munmap", "another process"]
    assert part.machine == whole.machine
    assert len(check(part).graph.states) < len(check(whole).graph.states)


def test_it_is_written_down() -> None:
    part = unmapping("v5.11", pte="hinting", without="load")
    assert part.in_python() == "SCENARIOS[\"munmap\"](\"v5.11\", pte='hinting', without='load')"
    assert eval(part.in_python()).key() == part.key()
    assert part.key() != unmapping("v5.11", pte="hinting").key()
    assert len(part.again(pte="present").threads) == len(part.threads)


def test_a_thread_that_is_not_there_cannot_be_left_out() -> None:
    with pytest.raises(ScenarioError, match="without must be direct I/O or load or munmap"):
        unmapping("v5.11", without="store")
