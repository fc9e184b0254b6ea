"""gup-fast and gup-slow, as threads: read this next to mm/gup.c.

A thread is a generator.  Every `yield` hands one step to the machine and receives its result;
every `yield` is a place where another CPU may cut in, and there are no others.  One page is
asked for; the walk down to its page table is left out, because nobody frees that table here.

    gup        get_user_pages: find the page behind a user address and take a reference on it
    gup-fast   the walk without locks, with interrupts off (lockless_pages_from_mm, v5.11)
    gup-slow   the walk with the page-table lock, which may take a fault (__get_user_pages, v5.11)
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from .design import Design
from .pte import (
    FOLL_LONGTERM,
    FOLL_WRITE,
    pte_access_permitted,
    pte_devmap,
    pte_pfn,
    pte_present,
    pte_protnone,
    pte_special,
)
from .steps import (
    Step,
    dax_direct_access,
    handle_pte_fault,
    local_irq_restore,
    local_irq_save,
    percpu_ref_tryget_live,
    pte_offset_map_lock,
    pte_unmap_unlock,
    ptep_get_lockless,
    ptep_reread,
    put_dev_pagemap,
    put_page,
    try_grab_compound_head,
    try_grab_page,
    vmf_insert_mixed,
    xa_load,
)

Thread = Generator[Step, Any, Any]
GupFast = Callable[[int, int, int, Design], Thread]

VM_FAULT_NOPAGE, VM_FAULT_SIGBUS = "VM_FAULT_NOPAGE", "VM_FAULT_SIGBUS"
EFAULT, ENOMEM = "-EFAULT", "-ENOMEM"


def gup_fast(cpu: int, address: int, flags: int, design: Design) -> Thread:
    """Pin the page mapped at `address` without a lock.

    Returns its pfn, or None: take the slow path.
    Source: lockless_pages_from_mm(), mm/gup.c, v5.11.
    """
    if design.irqs_off:
        yield local_irq_save(cpu)
    pfn = yield from gup_pte_range(address, flags, design)
    if design.irqs_off:
        yield local_irq_restore(cpu)
    return pfn


def gup_pte_range(address: int, flags: int, design: Design) -> Thread:
    """Pin the page behind one PTE; the tests stand in the kernel's order.

    Returns its pfn, or None.  Source: gup_pte_range(), mm/gup.c, v5.11.
    """
    pte = yield ptep_get_lockless(address)
    if pte_protnone(pte) or not pte_access_permitted(pte, bool(flags & FOLL_WRITE)):
        return None

    holds_pgmap = False
    if pte_devmap(pte):
        if flags & FOLL_LONGTERM:
            return None
        if design.check:
            holds_pgmap = yield from get_dev_pagemap(pte_pfn(pte))
            if not holds_pgmap:
                return None
    elif pte_special(pte):
        return None

    pinned = yield try_grab_compound_head(pte_pfn(pte))
    if pinned and design.recheck:
        same = yield ptep_reread(address, pte)
        if not same:
            yield put_page(pte_pfn(pte))
            pinned = False
    if holds_pgmap:
        yield put_dev_pagemap()
    return pte_pfn(pte) if pinned else None


def get_dev_pagemap(pfn: int) -> Thread:
    """Take a live reference on the dev_pagemap that covers `pfn`.

    Returns False if there is none or if it is dying: the caller cannot tell which.
    Source: get_dev_pagemap(), mm/memremap.c, v5.11.
    """
    found = yield xa_load(pfn)
    if not found:
        return False
    live = yield percpu_ref_tryget_live()
    return live


def gup_slow(cpu: int, address: int, design: Design) -> Thread:
    """Pin the page mapped at `address` under the page-table lock; fault it in as often as it takes.

    Returns its pfn, or EFAULT or ENOMEM.  Source: __get_user_pages(), mm/gup.c, v5.11.
    """
    while True:
        pfn = yield from follow_page_pte(cpu, address, design)
        if pfn is not None:
            return pfn
        fault = yield from handle_mm_fault(cpu, address)
        if fault == VM_FAULT_SIGBUS:
            return EFAULT


def follow_page_pte(cpu: int, address: int, design: Design) -> Thread:
    """Pin the page if its PTE is there and its device is alive.

    Returns its pfn; None: fault, then ask again; or ENOMEM, if the page may not be grabbed.
    Source: follow_page_pte(), mm/gup.c, v5.11.
    """
    pte = yield pte_offset_map_lock(cpu, address)
    page = None
    holds_pgmap = False
    if pte_present(pte) and pte_devmap(pte):
        if design.slow_check:
            holds_pgmap = yield from get_dev_pagemap(pte_pfn(pte))
        if holds_pgmap or not design.slow_check:
            pinned = yield try_grab_page(pte_pfn(pte))
            page = pte_pfn(pte) if pinned else ENOMEM
    yield pte_unmap_unlock(cpu)
    if holds_pgmap:
        yield put_dev_pagemap()
    return page


def handle_mm_fault(cpu: int, address: int) -> Thread:
    """Answer a fault.  With a PTE already there, nothing is done and nothing is wrong.

    Returns 0, VM_FAULT_NOPAGE or VM_FAULT_SIGBUS.
    Source: handle_pte_fault(), mm/memory.c, v5.11.
    """
    pte = yield handle_pte_fault(address)
    if pte_present(pte):
        return 0
    fault = yield from dax_iomap_pte_fault(cpu, address)
    return fault


def dax_iomap_pte_fault(cpu: int, address: int) -> Thread:
    """Map a page of the DAX file: get its frame, then set the PTE; in between it is in flight.

    The kernel also writes the file and offset into the struct page in between; that touch is left
    out.  Returns VM_FAULT_NOPAGE or VM_FAULT_SIGBUS.
    Source: dax_iomap_pte_fault(), fs/dax.c, v5.10.
    """
    pfn = yield dax_direct_access(cpu, address)
    if pfn is None:
        return VM_FAULT_SIGBUS
    yield vmf_insert_mixed(cpu, address, pfn)
    return VM_FAULT_NOPAGE
