"""Readers' threads: a good one is judged like the model's own, a bad one gets one sentence."""

from types import FrameType
from typing import Any

import pytest
from handed_in_threads import HOPELESS, ThreadFunction, forgets_yield_in_an_expression

from gupcore import Design, ScenarioError, Thread, ThreadError, check, race, replay
from gupcore.checker.generators import Walker, variables_of
from gupcore.checker.reach import begin
from gupcore.checker.step import Step
from gupcore.checker.thread import Automaton
from gupcore.kernel.gup import gup_fast
from gupcore.kernel.pte import pte_devmap, pte_pfn
from gupcore.kernel.steps.cpu import local_irq_save
from gupcore.kernel.steps.page_table import ptep_get_lockless
from gupcore.kernel.steps.struct_page import try_grab_compound_head


def test_a_thread_of_ones_own_is_judged() -> None:
    def hopeful(cpu: int, address: int, pages: int, flags: int, design: Design) -> Thread:
        pte = yield ptep_get_lockless(address)
        grabbed = yield try_grab_compound_head(pte_pfn(pte))
        return (pte_pfn(pte),) if grabbed else ()

    assert check(race("v5.11", gup_fast=hopeful))["struct page exists"].status == "fails"


def test_always_slow_is_safe() -> None:
    def always_slow(cpu: int, address: int, pages: int, flags: int, design: Design) -> Thread:
        pte = yield ptep_get_lockless(address)
        assert pte_devmap(pte)
        return ()

    assert check(race("v5.11", gup_fast=always_slow))["struct page exists"].status == "holds"


@pytest.mark.parametrize(("thread", "says"), HOPELESS.values(), ids=HOPELESS)
def test_what_a_thread_must_not_do(thread: ThreadFunction, says: str) -> None:
    with pytest.raises(ThreadError) as refused:
        check(race("cure", gup_fast=thread))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def no_thread() -> Any:
    """Return nothing, where a thread would yield."""


def test_a_function_that_yields_nothing_is_no_thread() -> None:
    with pytest.raises(ScenarioError, match="gup_fast must be a thread"):
        race("v5.11", gup_fast=lambda cpu, address, pages, flags, design: None)
    with pytest.raises(ThreadError, match="is no thread: a thread is a function that yields"):
        Automaton("lazy", no_thread).start()


def test_a_thread_that_raises_and_cannot_be_read_on_its_own() -> None:
    with pytest.raises(ThreadError, match="a lambda that yields hides where it stands"):
        check(race("v5.11", gup_fast=lambda *given: (yield 1 / 0)))


def test_values_that_compare_equal_are_told_apart() -> None:
    automaton = Automaton("thread", distinguishes, (local_irq_save(0),))
    start = automaton.start()
    assert automaton.after(start, True) != automaton.after(start, False)


def distinguishes(step: Step) -> Thread:
    seen = yield step
    kept = ((True,), -0.0) if seen else ((1,), 0.0)
    del seen
    yield step
    return kept


def test_replay_refuses_the_same_threads() -> None:
    with pytest.raises(ThreadError, match=r"Was a `yield` forgotten\?"):
        replay(race("cure", gup_fast=forgets_yield_in_an_expression), "1")


def test_source_that_cannot_be_read() -> None:
    names: dict[str, Any] = {"gup_fast": gup_fast}
    exec("def typed_in(*args):\n    yield from gup_fast(*args)\n", names)
    with pytest.raises(ThreadError, match="source of typed_in cannot be read"):
        check(race("v5.11", gup_fast=names["typed_in"]))


def test_a_wrapper_around_gup_fast_changes_nothing() -> None:
    def wrapped(cpu: int, address: int, pages: int, flags: int, design: Design) -> Thread:
        pfn = yield from gup_fast(cpu, address, pages, flags, design)
        return pfn

    ours, theirs = check(race("no-check", gup_fast=wrapped)), check(race("no-check"))
    assert str(ours) == str(theirs)


def counts(times: int) -> Thread:
    """Count, whatever the step gives."""
    count = 0
    while count < times:
        yield ptep_get_lockless(0)
        count += 1
    return count


def test_a_long_way_is_not_gone_again_for_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    go_on = Walker.go_on

    def counted(walker: Walker, received: Any) -> None:
        taken.append(received)
        go_on(walker, received)

    monkeypatch.setattr(Walker, "go_on", counted)
    begin()
    thread, times = Automaton("counter", counts, (200,)), 200
    thread.start()
    for node in range(times):
        assert {thread.after(node, pte) for pte in (0, 1)} == {node + 1}
    assert len(taken) <= 4 * times
    thread.verify()
    assert len(taken) <= 4 * times**2  # each of two results, along each of two histories


def test_what_a_thread_holds_comes_in_one_order_whoever_looked_before() -> None:
    def looks() -> Thread:
        base = 3
        seen = yield ptep_get_lockless((lambda: base)())
        yield ptep_get_lockless(seen)

    begin()
    thread = Automaton("looks", looks)
    after = thread.after(thread.start(), 0)
    assert [name for name, _ in thread.nodes[after].locals[0]] == ["seen", "base"]
    thread.verify()


@pytest.mark.parametrize("asked", [(0, 1, None), (0, None, 1)], ids=["by another", "as found"])
def test_what_hangs_on_a_history_that_nobody_sees_is_refused(
    asked: tuple[int | None, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def remembers() -> Thread:
        kept = yield ptep_get_lockless(0)
        yield ptep_get_lockless(1)
        if kept:
            yield ptep_get_lockless(2)

    def hides(frame: FrameType) -> tuple[tuple[str, Any], ...]:
        return tuple((name, value) for name, value in variables_of(frame) if name != "kept")

    monkeypatch.setattr("gupcore.checker.thread.variables_of", hides)
    begin()
    thread = Automaton("remembers", remembers)
    first = thread.start()
    for result in asked:  # None: what comes after the node to which both lead
        at = first if result is not None else thread.after(first, 0)
        thread.after(at, result)
    with pytest.raises(ThreadError, match="does something else when it is run again"):
        thread.verify()
