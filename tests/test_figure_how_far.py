"""The figure of chapter 9 is computed: another pair of designs gives another picture."""

import pytest

from gupcore import Scenario, race
from gupcore.checker.scenario import Variant
from gupcore.checker.step import Blocked, Effect, Thread, models
from gupcore.checker.thread import Automaton
from gupcore.figures.how_far import how_far
from gupcore.kernel.machine import A_LOCK, A_REFERENCE, FLUSH


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


@models("io", "mm/io.c")
def io(count: int) -> Effect:
    """Count up to two: the I/O begins, and ends."""
    return Effect(count + 1, "Counts.")


@models("wait", "mm/io.c", waits=(A_LOCK, A_REFERENCE, FLUSH))
def wait(count: int, cause: str) -> Effect | Blocked:
    """Wait while the I/O is under way."""
    return Blocked("Not yet.", cause) if count == 1 else Effect(count, "Goes on.")


def thread_1() -> Thread:
    yield io()
    yield io()


def thread_2(cause: str) -> Thread:
    yield wait(cause)


def waiting_for(cause: str) -> Scenario:
    threads = Automaton("I/O", thread_1), Automaton("unbind", thread_2, (cause,))
    return Scenario("scene", "A scene.", Variant("mine", "Mine."), 0, threads)


@pytest.mark.parametrize(
    ("cause", "says"),
    [(FLUSH, "after io it waits for interrupts"), (A_REFERENCE, "after io it waits for a ref")],
)
def test_what_is_waited_for_is_the_cause_and_not_its_words(cause: str, says: str) -> None:
    assert says in repr(how_far(waiting_for(cause)))


def test_another_wait_is_refused() -> None:
    with pytest.raises(ValueError, match=r"interrupts or references only\. Not yet"):
        how_far(waiting_for(A_LOCK))
