"""Readers' threads: a good one is judged like the model's own, a bad one gets one sentence."""

import random

import pytest

from gupcore import ScenarioError, ThreadError, check, race
from gupcore.gup import get_dev_pagemap, gup_fast
from gupcore.pte import pte_devmap, pte_pfn
from gupcore.steps import (
    local_irq_restore,
    local_irq_save,
    ptep_get_lockless,
    try_grab_compound_head,
)
from gupcore.thread import Automaton


def test_a_thread_of_ones_own_is_judged():
    def hopeful(cpu, address, flags, design):
        pte = yield ptep_get_lockless(address)
        grabbed = yield try_grab_compound_head(pte_pfn(pte))
        return pte_pfn(pte) if grabbed else None

    assert check(race("v5.11", gup_fast=hopeful))["struct page exists"].status == "fails"


def test_always_slow_is_safe():
    def always_slow(cpu, address, flags, design):
        pte = yield ptep_get_lockless(address)
        assert pte_devmap(pte)
        return None

    assert check(race("v5.11", gup_fast=always_slow))["struct page exists"].status == "holds"


def hopeless(says):
    """A decorator that collects threads the checker must refuse, each with what it must say."""

    def collect(thread):
        HOPELESS.append(pytest.param(thread, says, id=thread.__name__))
        return thread

    return collect


HOPELESS: list = []


@hopeless("yields 'a string'; a thread yields steps")
def no_step(cpu, address, flags, design):
    yield "a string"


@hopeless("two yields in one statement; write two statements")
def two_yields(cpu, address, flags, design):
    return max((yield ptep_get_lockless(address)), (yield ptep_get_lockless(address)))


@hopeless("a `for` around a yield hides how far it has got; use `while` and a counter")
def for_loop(cpu, address, flags, design):
    for _ in (1, 1):
        yield local_irq_save(cpu)
        yield local_irq_restore(cpu)


@hopeless("the local variable pages holds a list, which can change; use a tuple or a number")
def mutable_local(cpu, address, flags, design):
    pages = []
    yield ptep_get_lockless(address)
    pages.append(address)


@hopeless("the local variable once holds an iterator, whose position the checker cannot see")
def iterator_local(cpu, address, flags, design):
    once = iter((1, 2))
    yield ptep_get_lockless(next(once) * address)


@hopeless("does something else when it is run again: it must keep its state in local variables")
def hidden_state(cpu, address, flags, design):
    yield ptep_get_lockless(address)
    yield local_irq_save(random.random())
    yield local_irq_restore(cpu)
    yield local_irq_save(cpu)


@hopeless("stands in more than 1,000 different ways: it counts without bound or never ends")
def counts_for_ever(cpu, address, flags, design):
    count = 0
    while True:
        yield ptep_get_lockless(address)
        count += 1


@hopeless("raised KeyError: 'pfn'.")
def raises(cpu, address, flags, design):
    pte = yield ptep_get_lockless(address)
    return {"pte": pte}["pfn"]


@hopeless("a thread yields steps. did you mean `yield from`?")
def forgets_from(cpu, address, flags, design):
    live = yield get_dev_pagemap(0x20000)
    return live


@hopeless("Was a `yield` forgotten?")
def forgets_yield(cpu, address, flags, design):
    pte = ptep_get_lockless(address)
    yield try_grab_compound_head(pte_pfn(pte))


@hopeless("True is no frame of the device: was the PTE present?")
def returns_a_truth(cpu, address, flags, design):
    yield ptep_get_lockless(address)
    return True


@hopeless("0 is no frame of the device: was the PTE present?")
def forgets_to_look(cpu, address, flags, design):
    pte = yield ptep_get_lockless(address)
    yield try_grab_compound_head(pte_pfn(pte))


@hopeless("the local variable pfn holds a list, which can change; use a tuple or a number")
def returns_a_list(cpu, address, flags, design):
    yield ptep_get_lockless(address)
    return [address]


@hopeless("yields from a tuple_iterator; yield from a call of another thread function instead")
def yields_from_a_tuple(cpu, address, flags, design):
    yield from (ptep_get_lockless(address), ptep_get_lockless(address))


@pytest.mark.parametrize(("thread", "says"), HOPELESS)
def test_what_a_thread_must_not_do(thread, says):
    with pytest.raises(ThreadError) as refused:
        check(race("cure", gup_fast=thread))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_function_that_yields_nothing_is_no_thread():
    with pytest.raises(ScenarioError, match="gup_fast must be a thread"):
        race("v5.11", gup_fast=lambda cpu, address, flags, design: None)
    with pytest.raises(ThreadError, match="is no thread: a thread is a function that yields"):
        Automaton("lazy", lambda: None).start()


def test_source_that_cannot_be_read():
    names: dict = {"gup_fast": gup_fast}
    exec("def typed_in(*args):\n    yield from gup_fast(*args)\n", names)
    with pytest.raises(ThreadError, match="source of typed_in cannot be read"):
        check(race("v5.11", gup_fast=names["typed_in"]))


def test_a_wrapper_around_gup_fast_changes_nothing():
    def wrapped(cpu, address, flags, design):
        pfn = yield from gup_fast(cpu, address, flags, design)
        return pfn

    ours, theirs = check(race("no-check", gup_fast=wrapped)), check(race("no-check"))
    assert str(ours) == str(theirs)
