"""gup-fast and gup-slow, as threads: read this next to mm/gup.c.

A thread is a generator.  Every `yield` hands one step to the machine and receives its result;
every `yield` is a place where another CPU may cut in, and there are no others.  The walk from the
top of the page tables down to the last one is a single step: an upper table is freed no sooner
than a lower one.  Huge pages are in huge.py.

    gup        get_user_pages: find the pages behind user addresses and take a reference on each
    gup-fast   the walk without locks, with interrupts off (lockless_pages_from_mm, v5.11)
    gup-slow   the walk with the page-table lock, which may take a fault (__get_user_pages, v5.11)
"""

from __future__ import annotations

from collections.abc import Callable

from ..checker.step import Thread
from .design import Design
from .fault import VM_FAULT_SIGBUS, handle_mm_fault
from .machine import DAX, PFNMAP
from .pte import (
    FOLL_LONGTERM,
    FOLL_WRITE,
    PAGE_SHIFT,
    PAGE_SIZE,
    PTRS_PER_PTE,
    pte_access_permitted,
    pte_devmap,
    pte_pfn,
    pte_protnone,
    pte_special,
)
from .steps.cpu import local_irq_restore, local_irq_save
from .steps.page_table import (
    mmap_read_lock,
    mmap_read_unlock,
    pmd_read,
    pte_offset_map_lock,
    pte_unmap_unlock,
    ptep_get_lockless,
    ptep_reread,
)
from .steps.pagemap import lookup_and_tryget_live, put_dev_pagemap
from .steps.struct_page import get_page, put_page, try_grab_compound_head, try_grab_page

GupFast = Callable[[int, int, int, int, Design], Thread]

EFAULT, ENOMEM, EOPNOTSUPP = "-EFAULT", "-ENOMEM", "-EOPNOTSUPP"


def get_user_pages_fast(
    cpu: int, address: int, pages: int, flags: int, design: Design, gup_fast: GupFast
) -> Thread:
    """Pin `pages` pages from `address` on: gup-fast first, gup-slow for what is left.

    Returns a tuple of pfns, fewer than asked for if only some could be had, or an error.
    Source: internal_get_user_pages_fast(), mm/gup.c, v5.11.
    """
    pinned = yield from gup_fast(cpu, address, pages, flags, design)
    if not isinstance(pinned, tuple):
        raise TypeError(f"gup_fast returns a tuple of pfns, () for none, and not {pinned!r}")
    if len(pinned) == pages:
        return pinned
    further = address + len(pinned) * PAGE_SIZE
    rest = yield from gup_slow(cpu, further, pages - len(pinned), flags, design)
    if isinstance(rest, tuple):
        return pinned + rest
    return pinned or rest


def gup_fast(cpu: int, address: int, pages: int, flags: int, design: Design) -> Thread:
    """Pin the pages mapped from `address` on, without a lock, up to the first that will not do.

    Returns a tuple of pfns.  Source: lockless_pages_from_mm(), mm/gup.c, v5.11.
    """
    if design.irqs_off:
        yield local_irq_save(cpu)
    pinned = yield from gup_pmd_range(address, pages, flags, design)
    if design.irqs_off:
        yield local_irq_restore(cpu)
    return pinned


def gup_pmd_range(address: int, pages: int, flags: int, design: Design) -> Thread:
    """Pin page table by page table.

    Returns a tuple of pfns.  Source: gup_pgd_range() to gup_pmd_range(), mm/gup.c, v5.11.
    """
    pinned: tuple[int, ...] = ()
    complete = True
    while complete and len(pinned) < pages:
        at = address + len(pinned) * PAGE_SIZE
        there = yield pmd_read(at)
        if not there:
            return pinned
        asked = min(pages - len(pinned), PTRS_PER_PTE - (at >> PAGE_SHIFT) % PTRS_PER_PTE)
        got = yield from gup_pte_range(at, asked, flags, design)
        pinned += got
        complete = len(got) == asked
    return pinned


def gup_pte_range(address: int, pages: int, flags: int, design: Design) -> Thread:
    """Pin the pages of one page table; the tests stand in the kernel's order.

    Returns a tuple of pfns.  Source: gup_pte_range(), mm/gup.c, v5.11.
    """
    pinned: tuple[int, ...] = ()
    pgmap = False
    while len(pinned) < pages:
        at = address + len(pinned) * PAGE_SIZE
        pte = yield ptep_get_lockless(at)
        if pte_protnone(pte) or not pte_access_permitted(pte, bool(flags & FOLL_WRITE)):
            break

        if pte_devmap(pte):
            if flags & FOLL_LONGTERM:
                break
            if design.check:
                pgmap = yield from get_dev_pagemap(pte_pfn(pte), pgmap)
                if not pgmap:
                    yield from put_pages(pinned)
                    return ()
        elif design.special and pte_special(pte):
            break

        if design.unless_zero:
            grabbed = yield try_grab_compound_head(pte_pfn(pte))
        else:
            grabbed = yield get_page(pte_pfn(pte))
        if not grabbed:
            break
        if design.recheck:
            same = yield ptep_reread(at, pte)
            if not same:
                yield put_page(pte_pfn(pte))
                break
        pinned = (*pinned, pte_pfn(pte))
    if pgmap:
        yield put_dev_pagemap()
    return pinned


def get_dev_pagemap(pfn: int, pgmap: bool = False) -> Thread:
    """Take a live reference on the dev_pagemap that covers `pfn`; a `pgmap` held already will do.

    Returns False if there is none or if it is dying: the caller cannot tell which.
    Source: get_dev_pagemap(), mm/memremap.c, v5.11.
    """
    if pgmap:
        return True
    live = yield lookup_and_tryget_live(pfn)
    return live


def gup_slow(cpu: int, address: int, pages: int, flags: int, design: Design) -> Thread:
    """Pin pages under the page-table lock; fault each in as often as it takes.

    Returns a tuple of pfns, fewer than asked for if a later one fails, or the first one's error.
    Source: __get_user_pages(), mm/gup.c, v5.11.
    """
    vmas = yield mmap_read_lock(cpu, address)
    pinned: tuple[int, ...] = ()
    pgmap = False
    error = check_vma_flags(vmas[0], flags)
    while not error and len(pinned) < pages:
        at, vma = address + len(pinned) * PAGE_SIZE, vmas[len(pinned)]
        page, pgmap = yield from follow_page_pte(cpu, at, flags, pgmap, design)
        if page is None:
            fault = yield from handle_mm_fault(cpu, at, vma, bool(flags & FOLL_WRITE), design)
            error = EFAULT if fault == VM_FAULT_SIGBUS else None
        elif page == ENOMEM:
            error = ENOMEM
        else:
            pinned = (*pinned, page)
            if len(pinned) < pages:
                error = check_vma_flags(vmas[len(pinned)], flags)
    if pgmap:
        yield put_dev_pagemap()
    yield mmap_read_unlock(cpu)
    return pinned or error


def check_vma_flags(vma: str | None, flags: int) -> str | None:
    """Return the error that what is mapped calls for, or None.

    Source: check_vma_flags(), mm/gup.c, v5.11.4; v5.10 refuses a DAX file after the fact.
    """
    if vma in (None, PFNMAP):
        return EFAULT
    if vma == DAX and flags & FOLL_LONGTERM:
        return EOPNOTSUPP
    return None


def follow_page_pte(cpu: int, address: int, flags: int, pgmap: bool, design: Design) -> Thread:
    """Pin the page if its PTE is there, permits the access, and its device is alive.

    A special PTE that is not devmap can only be the zero page's here: see check_vma_flags.

    Returns (page, pgmap): the pfn, or None: fault, then ask again, or ENOMEM if the page may not
    be grabbed; and whether a pgmap reference is held.
    Source: follow_page_pte(), mm/gup.c, v5.11.
    """
    pte = yield pte_offset_map_lock(cpu, address)
    usable = pte_access_permitted(pte, bool(flags & FOLL_WRITE))
    if usable and pte_devmap(pte) and design.slow_check:
        pgmap = yield from get_dev_pagemap(pte_pfn(pte), pgmap)
        usable = pgmap
    page = None
    if usable:
        pinned = yield try_grab_page(pte_pfn(pte))
        page = pte_pfn(pte) if pinned else ENOMEM
    yield pte_unmap_unlock(cpu)
    return page, pgmap


def put_pages(pages: tuple[int, ...]) -> Thread:
    """Drop a reference on each of `pages`.

    Source: undo_dev_pagemap(), mm/gup.c; bio_release_pages(), block/bio.c, v5.11.
    """
    done = 0
    while done < len(pages):
        yield put_page(pages[done])
        done += 1
