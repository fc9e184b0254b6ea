"""Chapter 4: the walks that are handed in, as readers write them."""

from gupcore.kernel.pte import pte_access_permitted, pte_pfn, pte_special
from gupcore.kernel.steps.cpu import local_irq_restore, local_irq_save
from gupcore.kernel.steps.page_table import pmd_read, ptep_get_lockless, ptep_reread
from gupcore.kernel.steps.struct_page import get_page, put_page, try_grab_compound_head


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
