"""gup-fasts for a patch, as readers write them."""

from gupcore.kernel.pte import (
    FOLL_WRITE,
    pte_access_permitted,
    pte_devmap,
    pte_pfn,
    pte_special,
)
from gupcore.kernel.steps.cpu import local_irq_restore, local_irq_save
from gupcore.kernel.steps.page_table import pmd_read, ptep_get_lockless, ptep_reread
from gupcore.kernel.steps.struct_page import put_page, try_grab_compound_head


def without_the_check(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    pinned = ()
    there = yield pmd_read(address)
    if there:
        pte = yield ptep_get_lockless(address)
        permitted = pte_access_permitted(pte, bool(flags & FOLL_WRITE))
        if permitted and (pte_devmap(pte) or not pte_special(pte)):
            grabbed = yield try_grab_compound_head(pte_pfn(pte))
            if grabbed:
                same = yield ptep_reread(address, pte)
                if same:
                    pinned = (pte_pfn(pte),)
                else:
                    yield put_page(pte_pfn(pte))
    yield local_irq_restore(cpu)
    return pinned


def devmap_means_slow(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    pinned = ()
    there = yield pmd_read(address)
    if there:
        pte = yield ptep_get_lockless(address)
        permitted = pte_access_permitted(pte, bool(flags & FOLL_WRITE))
        if permitted and not pte_special(pte):
            grabbed = yield try_grab_compound_head(pte_pfn(pte))
            if grabbed:
                same = yield ptep_reread(address, pte)
                if same:
                    pinned = (pte_pfn(pte),)
                else:
                    yield put_page(pte_pfn(pte))
    yield local_irq_restore(cpu)
    return pinned


def never_looks_again(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    pinned = ()
    there = yield pmd_read(address)
    if there:
        pte = yield ptep_get_lockless(address)
        permitted = pte_access_permitted(pte, bool(flags & FOLL_WRITE))
        if permitted and not pte_special(pte):
            grabbed = yield try_grab_compound_head(pte_pfn(pte))
            if grabbed:
                pinned = (pte_pfn(pte),)
    yield local_irq_restore(cpu)
    return pinned
