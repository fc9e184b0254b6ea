"""gup-fasts that are handed in, as readers write them: most are wrong."""

from dataclasses import replace

from gupcore import Effect, models
from gupcore.checker.machine import CALLER
from gupcore.kernel.gup import gup_fast, gup_slow
from gupcore.kernel.machine import DEVICE_PFN, ENTRY, MAPPING, PGMAP, STRUCT_PAGE
from gupcore.kernel.pte import pte_pfn, pte_present, pte_special
from gupcore.kernel.steps.cpu import local_irq_restore, local_irq_save
from gupcore.kernel.steps.page_table import pmd_read, ptep_get_lockless
from gupcore.kernel.steps.pagemap import put_dev_pagemap
from gupcore.kernel.steps.struct_page import try_grab_compound_head


def never(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    yield local_irq_restore(cpu)
    return ()


def forges(cpu, address, pages, flags, design):
    pte = yield ptep_get_lockless(address)
    return (pte_pfn(pte),)


def goes_slow(cpu, address, pages, flags, design):
    pinned = yield from gup_slow(cpu, address, pages, flags, design)
    return pinned if isinstance(pinned, tuple) else ()


def never_ends(cpu, address, pages, flags, design):
    while True:
        yield ptep_get_lockless(address)


def returns_truth(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    return True


def returns_words(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    return ("frame",)


def returns_no_frame(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    return (123,)


def yields_a_number(cpu, address, pages, flags, design):
    yield 3


def too_few(cpu):
    yield local_irq_save(cpu)


def leaves_interrupts_off(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    return ()


@models(
    "nothing", "mm/gup.c", reads=(ENTRY,), writes=(STRUCT_PAGE,), takes=((STRUCT_PAGE, CALLER),)
)
def look_and_grab(m, address):
    """Look at the PTE and raise the page's count, at once."""
    pte = m.pte(address)
    if not pte_present(pte) or pte_special(pte):
        return Effect(m, "Looks: no page.", None)
    page = m.page(pte_pfn(pte))
    after = m.with_page(replace(page, refcount=page.refcount + 1))
    return Effect(after, "Looks and grabs.", pte_pfn(pte))


def in_one_step(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    there = yield pmd_read(address)
    pfn = None
    if there:
        pfn = yield look_and_grab(address)
    yield local_irq_restore(cpu)
    return () if pfn is None else (pfn,)


def knows_where_it_is(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    pte = yield ptep_get_lockless(address)
    pinned = ()
    if pte_present(pte) and pte_pfn(pte) != DEVICE_PFN:
        grabbed = yield try_grab_compound_head(pte_pfn(pte))
        pinned = (pte_pfn(pte),) if grabbed else ()
    yield local_irq_restore(cpu)
    return pinned


def knows_its_address(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    pte = yield ptep_get_lockless(address)
    pinned = ()
    if pte_present(pte) and not (address == MAPPING and pte_special(pte)):
        grabbed = yield try_grab_compound_head(pte_pfn(pte))
        pinned = (pte_pfn(pte),) if grabbed else ()
    yield local_irq_restore(cpu)
    return pinned


def goes_by_another_name(cpu, address, pages, flags, design):
    pinned = yield from gup_fast(cpu, address, pages, flags, design)
    return pinned


goes_by_another_name.__name__ = goes_by_another_name.__qualname__ = "innocent"


@models("get_dev_pagemap", "mm/memremap.c", writes=(PGMAP,), takes=((PGMAP, CALLER),))
def my_own_lookup(m):
    """Take a live reference, by another name."""
    if m.the_pgmap().dead:
        return Effect(m, "Refused.", False)
    return Effect(m.with_pgmap_refs(+1), "Takes a reference.", True)


def looks_up_by_itself(cpu, address, pages, flags, design):
    live = yield my_own_lookup()
    if live:
        yield put_dev_pagemap()
    return ()


def never_comes_back(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    rounds = 0
    while rounds >= 0:
        rounds += 1
    return ()
