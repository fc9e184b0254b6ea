"""Chapter 4: the reference solutions are right, and what readers try first is called wrong."""

from dataclasses import replace

import pytest
from chapter import assert_wrong

from gupcore import DESIGNS, SCENARIOS
from gupcore.exercises import judge_gup_fast, judge_prediction, judge_schedule
from gupcore.kernel.design import AFTER_GRACE_PERIOD, BROADCAST
from gupcore.kernel.pte import pte_access_permitted, pte_pfn, pte_special
from gupcore.kernel.steps.cpu import local_irq_restore, local_irq_save
from gupcore.kernel.steps.page_table import pmd_read, ptep_get_lockless, ptep_reread
from gupcore.kernel.steps.struct_page import get_page, put_page, try_grab_compound_head

broadcast = replace(
    DESIGNS["v5.11"], name="broadcast", tlb_flush=BROADCAST, free_tables=AFTER_GRACE_PERIOD
)

# --- 1. Neither guard -----------------------------------------------------------------------------

unguarded = SCENARIOS["munmap"](
    replace(broadcast, name="neither", recheck=False, unless_zero=False), without="load"
)


def neither_guard(schedule):
    return judge_schedule(schedule, unguarded, "DMA lands", at_most=12)


def test_neither_guard():
    assert neither_guard("1111" + "22222" + "111").right


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ("1111" + "22222" + "3" + "111", "“DMA lands” is not broken"),  # it is in use again
        ("1111" + "2222" + "1111", "“DMA lands” is not broken"),  # it is not free yet
        ("1111" + "111", "“DMA lands” is not broken"),  # nobody unmaps it
        ("1111" + "22222" + "3311" + "1", "takes 14 steps to do so; at most 12"),
        ("22222" + "1111", "“DMA lands” is not broken"),
        ("", "No step is taken yet"),
        (None, "Nothing is handed in yet"),
    ],
)
def test_what_does_not_make_the_disk_use_a_free_frame(schedule, says):
    assert_wrong(neither_guard(schedule), says)


# --- 2. Interrupts on -----------------------------------------------------------------------------

interrupts_on = replace(DESIGNS["v5.11"], name="interrupts on", irqs_off=False, recheck=False)
RULES = ["the right page", "only the allocator revives", "tables exist"]


def interrupts(*words):
    predicted = dict(zip(RULES, words, strict=True))
    return judge_prediction(predicted, SCENARIOS["munmap"](interrupts_on), of=RULES)


def test_interrupts_on():
    assert interrupts("fails", "holds", "fails").right


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("holds", "holds", "holds"), "1 of 3 are right: you predicted holds for the right page"),
        (("fails", "fails", "fails"), "2 of 3 are right: you predicted fails for only the alloc"),
        (("fails", "holds", "holds"), "2 of 3 are right: you predicted holds for tables exist"),
        (("holds", "fails", "holds"), "0 of 3 are right"),
        (("fails", "holds", "breaks"), "tables exist is predicted as 'breaks'"),
    ],
)
def test_what_is_not_so_with_interrupts_on(words, says):
    assert_wrong(interrupts(*words), says)


# --- 3. Write the walk ----------------------------------------------------------------------------


def with_both_guards(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    pinned = ()
    there = yield pmd_read(address)
    if there:
        pte = yield ptep_get_lockless(address)
        if pte_access_permitted(pte, write=bool(flags)) and not pte_special(pte):
            grabbed = yield try_grab_compound_head(pte_pfn(pte))
            if grabbed:
                same = yield ptep_reread(address, pte)
                if same:
                    pinned = (pte_pfn(pte),)
                else:
                    yield put_page(pte_pfn(pte))
    yield local_irq_restore(cpu)
    return pinned


def as_given(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    pinned = ()
    there = yield pmd_read(address)
    if there:
        pte = yield ptep_get_lockless(address)
        if pte_access_permitted(pte, write=bool(flags)):
            yield get_page(pte_pfn(pte))
            pinned = (pte_pfn(pte),)
    yield local_irq_restore(cpu)
    return pinned


def looks_once(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    pinned = ()
    there = yield pmd_read(address)
    if there:
        pte = yield ptep_get_lockless(address)
        if pte_access_permitted(pte, write=bool(flags)) and not pte_special(pte):
            grabbed = yield try_grab_compound_head(pte_pfn(pte))
            if grabbed:
                pinned = (pte_pfn(pte),)
    yield local_irq_restore(cpu)
    return pinned


def looks_again_too_early(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    pinned = ()
    there = yield pmd_read(address)
    if there:
        pte = yield ptep_get_lockless(address)
        if pte_access_permitted(pte, write=bool(flags)) and not pte_special(pte):
            same = yield ptep_reread(address, pte)
            if same:
                grabbed = yield try_grab_compound_head(pte_pfn(pte))
                if grabbed:
                    pinned = (pte_pfn(pte),)
    yield local_irq_restore(cpu)
    return pinned


def keeps_what_it_grabbed(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    pinned = ()
    there = yield pmd_read(address)
    if there:
        pte = yield ptep_get_lockless(address)
        if pte_access_permitted(pte, write=bool(flags)) and not pte_special(pte):
            grabbed = yield try_grab_compound_head(pte_pfn(pte))
            if grabbed:
                same = yield ptep_reread(address, pte)
                if same:
                    pinned = (pte_pfn(pte),)
    yield local_irq_restore(cpu)
    return pinned


def raises_any_count(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    pinned = ()
    there = yield pmd_read(address)
    if there:
        pte = yield ptep_get_lockless(address)
        if pte_access_permitted(pte, write=bool(flags)) and not pte_special(pte):
            yield get_page(pte_pfn(pte))
            same = yield ptep_reread(address, pte)
            if same:
                pinned = (pte_pfn(pte),)
            else:
                yield put_page(pte_pfn(pte))
    yield local_irq_restore(cpu)
    return pinned


def takes_special_for_normal(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    pinned = ()
    there = yield pmd_read(address)
    if there:
        pte = yield ptep_get_lockless(address)
        if pte_access_permitted(pte, write=bool(flags)):
            grabbed = yield try_grab_compound_head(pte_pfn(pte))
            if grabbed:
                same = yield ptep_reread(address, pte)
                if same:
                    pinned = (pte_pfn(pte),)
                else:
                    yield put_page(pte_pfn(pte))
    yield local_irq_restore(cpu)
    return pinned


def interrupts_left_on(cpu, address, pages, flags, design):
    pinned = ()
    there = yield pmd_read(address)
    if there:
        pte = yield ptep_get_lockless(address)
        if pte_access_permitted(pte, write=bool(flags)) and not pte_special(pte):
            grabbed = yield try_grab_compound_head(pte_pfn(pte))
            if grabbed:
                same = yield ptep_reread(address, pte)
                if same:
                    pinned = (pte_pfn(pte),)
                else:
                    yield put_page(pte_pfn(pte))
    return pinned


def always_gives_up(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    yield local_irq_restore(cpu)
    return ()


SCENES = (
    SCENARIOS["munmap"](broadcast, without="load"),
    SCENARIOS["special"](broadcast, behind="registers"),
)


def walk(function):
    return judge_gup_fast(function, *SCENES, must_pin_fast=["ordinary"])


def test_write_the_walk():
    assert walk(with_both_guards).right


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (
            as_given,
            "in munmap,without=load, the rule “only the allocator revives” fails in 10 steps",
        ),
        (looks_once, "in munmap,without=load, the rule “the right page” fails in 13 steps"),
        (looks_again_too_early, "in munmap,without=load, the rule “the right page” fails in"),
        (
            keeps_what_it_grabbed,
            "in munmap,without=load, the rule “everyone can finish” fails in 18 steps",
        ),
        (
            raises_any_count,
            "in munmap,without=load, the rule “only the allocator revives” fails in 10 steps",
        ),
        (takes_special_for_normal, "“struct page exists” fails in 4 steps"),
        (interrupts_left_on, "in munmap,without=load, the rule “tables exist” fails in"),
        (always_gives_up, "it is safe, but it never pins the page of ordinary memory by itself"),
    ],
)
def test_what_is_no_walk(function, says):
    assert_wrong(walk(function), says)
