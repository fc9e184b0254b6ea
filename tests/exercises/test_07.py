"""Chapter 7: the reference solutions are right, and what readers try first is called wrong.

One file a chapter.  Each exercise has its solution here and three or more wrong answers, each with
the beginning or the heart of what the checker must say of it.
"""

import pytest
from chapter import assert_wrong

from gupcore import race
from gupcore.exercises import judge_gup_fast
from gupcore.kernel.gup import gup_fast
from gupcore.kernel.pte import pte_devmap, pte_pfn, pte_present, pte_special
from gupcore.kernel.steps.cpu import local_irq_restore, local_irq_save
from gupcore.kernel.steps.page_table import ptep_get_lockless
from gupcore.kernel.steps.pagemap import lookup_and_tryget_live, put_dev_pagemap
from gupcore.kernel.steps.struct_page import put_page, try_grab_compound_head

# --- 3. Write the guard ---------------------------------------------------------------------------


def special_means_slow(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    pte = yield ptep_get_lockless(address)
    pinned = False
    if pte_present(pte) and not pte_special(pte):
        pinned = yield try_grab_compound_head(pte_pfn(pte))
    yield local_irq_restore(cpu)
    return (pte_pfn(pte),) if pinned else ()


def as_given(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    pte = yield ptep_get_lockless(address)
    pinned = False
    if pte_present(pte):
        pinned = yield try_grab_compound_head(pte_pfn(pte))
    yield local_irq_restore(cpu)
    return (pte_pfn(pte),) if pinned else ()


def always_gives_up(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    yield local_irq_restore(cpu)
    return ()


def looks_again(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    pte = yield ptep_get_lockless(address)
    pinned = False
    if pte_present(pte):
        pinned = yield try_grab_compound_head(pte_pfn(pte))
        again = yield ptep_get_lockless(address)
        if pinned and again != pte:
            yield put_page(pte_pfn(pte))
            pinned = False
    yield local_irq_restore(cpu)
    return (pte_pfn(pte),) if pinned else ()


def asks_and_lets_go(cpu, address, pages, flags, design):
    """With interrupts on, the answer is old by the time it is used."""
    pte = yield ptep_get_lockless(address)
    pinned = False
    if pte_present(pte):
        live = yield lookup_and_tryget_live(pte_pfn(pte))
        if live:
            yield put_dev_pagemap()
        if live or not pte_devmap(pte):
            pinned = yield try_grab_compound_head(pte_pfn(pte))
    return (pte_pfn(pte),) if pinned else ()


def forgets_interrupts(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    pte = yield ptep_get_lockless(address)
    pinned = False
    if pte_present(pte) and not pte_special(pte):
        pinned = yield try_grab_compound_head(pte_pfn(pte))
    return (pte_pfn(pte),) if pinned else ()


PGMAP = ["lookup_and_tryget_live"]


def guard(function):
    return judge_gup_fast(function, race("v5.11"), must_pin_fast=["ordinary"], without=PGMAP)


def test_write_the_guard():
    assert guard(special_means_slow).right


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (as_given, "“struct page exists” fails in 9 steps"),
        (always_gives_up, "it is safe, but it never pins the page of ordinary memory by itself"),
        (looks_again, "“struct page exists” fails in 9 steps"),
        (asks_and_lets_go, "“struct page exists” fails in"),
        (gup_fast, "it takes the step lookup_and_tryget_live, which it must do without"),
        (forgets_interrupts, "“everyone can finish” fails: livelock"),
    ],
)
def test_what_is_no_guard(function, says):
    assert_wrong(guard(function), says)
