"""Chapter 7: the guards that are handed in, as readers write them."""

from gupcore.kernel.pte import pte_devmap, pte_pfn, pte_present, pte_special
from gupcore.kernel.steps.cpu import local_irq_restore, local_irq_save
from gupcore.kernel.steps.page_table import ptep_get_lockless
from gupcore.kernel.steps.pagemap import lookup_and_tryget_live, put_dev_pagemap
from gupcore.kernel.steps.struct_page import put_page, try_grab_compound_head


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
