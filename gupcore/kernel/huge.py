"""gup-fast where the PMD can change under it, and who changes it: khugepaged, and a split.

gup.py's walk asks the PMD only whether there is a table.  Here the PMD has a value: what leads to a
page table, nothing, or a leaf that maps a huge page; and `Design.recheck_pmd` says whether gup-fast
reads it again.  The collapse is an order of named phases, as an unbind is.

One struct page, the head, stands for a huge page that a leaf maps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ..checker.step import Thread
from .design import Design
from .gup import get_dev_pagemap
from .machine import OURS
from .pte import (
    FOLL_WRITE,
    PMD_NONE,
    pmd_leaf,
    pte_access_permitted,
    pte_devmap,
    pte_pfn,
    pte_special,
)
from .steps.cpu import begin_flush, end_flush, local_irq_restore, local_irq_save
from .steps.huge import (
    attach_table,
    compound_head,
    copy_page,
    detach_table,
    install_leaf,
    isolate_page,
    page_cache_add_speculative,
    put_head,
    remap_page,
    split_page,
    unmap_for_split,
)
from .steps.page_table import (
    free_tables,
    mmap_write_lock,
    mmap_write_unlock,
    pmd_reread,
    pmdp_get_lockless,
    ptep_get_lockless,
    ptep_reread,
)
from .steps.pagemap import put_dev_pagemap
from .steps.struct_page import alloc_page, put_page, try_grab_compound_head
from .unmap import flush_tlb

# --- gup-fast -------------------------------------------------------------------------------------


def gup_fast_by_pmd(cpu: int, address: int, pages: int, flags: int, design: Design) -> Thread:
    """Pin the page at `address`, the first of `pages`, keeping the PMD's value.

    Returns a tuple of pfns.  Source: lockless_pages_from_mm() to gup_pte_range(), mm/gup.c, v6.1.
    """
    yield local_irq_save(cpu)
    pmd = yield pmdp_get_lockless(address)
    pinned: tuple[int, ...] = ()
    if pmd_leaf(pmd):
        pinned = yield from gup_huge_pmd(address, pmd, flags, design)
    elif pmd != PMD_NONE:
        pinned = yield from gup_pte(address, pmd, flags, design)
    yield local_irq_restore(cpu)
    return pinned


def gup_pte(address: int, pmd: int, flags: int, design: Design) -> Thread:
    """Pin an ordinary page; look at the PMD again, and then at the PTE.

    Returns a tuple of pfns.  Source: gup_pte_range(), mm/gup.c, v6.1.
    """
    pte = yield ptep_get_lockless(address, pmd)
    if pte_special(pte) or not pte_access_permitted(pte, bool(flags & FOLL_WRITE)):
        return ()
    grabbed = yield try_grab_compound_head(pte_pfn(pte))
    if not grabbed:
        return ()
    same = True
    if design.recheck_pmd:
        same = yield pmd_reread(address, pmd)
    if same and design.recheck:
        same = yield ptep_reread(address, pte, pmd)
    if not same:
        yield put_page(pte_pfn(pte))
        return ()
    return (pte_pfn(pte),)


def gup_huge_pmd(address: int, pmd: int, flags: int, design: Design) -> Thread:
    """Pin a huge page; a device's only with a live reference on its pgmap.

    That is put before the PMD is read again.  A kernel takes its reference on a device's page with
    try_grab_page(), which refuses a count of zero, too, and warns.

    Returns a tuple of pfns.
    Source: gup_huge_pmd(), __gup_device_huge_pmd() and __gup_device_huge(), mm/gup.c, v5.15.
    """
    if not pte_access_permitted(pmd, bool(flags & FOLL_WRITE)):
        return ()
    pgmap = False
    if pte_devmap(pmd) and design.check:
        pgmap = yield from get_dev_pagemap(pte_pfn(pmd))
        if not pgmap:
            return ()
    grabbed = yield try_grab_compound_head(pte_pfn(pmd))
    if pgmap and (grabbed or design.puts_pgmap):
        yield put_dev_pagemap()
    if not grabbed:
        return ()
    same = yield pmd_reread(address, pmd)
    if not same:
        yield put_page(pte_pfn(pmd))
        return ()
    return (pte_pfn(pmd),)


def gup_fast_by_head(cpu: int, address: int, pages: int, flags: int, design: Design) -> Thread:
    """Pin the page at `address`, which may be part of a compound page that is being split.

    The page's head is read, the head's count is raised; `design.recheck_head`: the head is read
    again, because the count may be another page's by now.

    Returns a tuple of pfns.  Source: try_get_compound_head() and gup_pte_range(), mm/gup.c, v5.14.
    """
    yield local_irq_save(cpu)
    pte = yield ptep_get_lockless(address)
    pinned: tuple[int, ...] = ()
    if pte_access_permitted(pte, bool(flags & FOLL_WRITE)):
        held = yield from try_get_compound_head(pte_pfn(pte), design)
        if held is not None:
            same = yield ptep_reread(address, pte)
            if same:
                pinned = (pte_pfn(pte),)
            else:
                yield put_head(held)
    yield local_irq_restore(cpu)
    return pinned


def try_get_compound_head(pfn: int, design: Design) -> Thread:
    """Take a reference on the head of a page.

    Returns the head's frame, or None.  Source: try_get_compound_head(), mm/gup.c, v5.14.
    """
    head = yield compound_head(pfn)
    held = yield page_cache_add_speculative(head)
    if not held:
        return None
    if design.recheck_head:
        again = yield compound_head(pfn)
        if again != head:
            yield put_head(head)
            return None
    return head


# --- khugepaged -----------------------------------------------------------------------------------


def collapse(cpu: int, address: int, design: Design) -> Thread:
    """Collapse a page table, in the order that the design gives; mmap_lock is held to write.

    Returns "collapsed" or "given up".  Source: collapse_huge_page(), mm/khugepaged.c, v6.0.
    """
    yield mmap_write_lock(cpu)
    phase, kept = 0, PMD_NONE
    while phase < len(design.collapse) and kept is not None:
        kept = yield from COLLAPSES[design.collapse[phase]](address, kept, design)
        phase += 1
    yield mmap_write_unlock(cpu)
    return "given up" if kept is None else "collapsed"


def detach(address: int, kept: int, design: Design) -> Thread:
    """Detach the page table: from now on no walk finds it."""
    yield detach_table(address)
    return kept


def flush(address: int, kept: int, design: Design) -> Thread:
    """Flush the TLBs, which may wait for walkers or not."""
    yield from flush_tlb(design)
    return kept


def interrupt(address: int, kept: int, design: Design) -> Thread:
    """Send every CPU an interrupt and wait for the answers, however the TLBs are flushed.

    A kernel whose page tables are freed at once, because its flush waits for walkers, sends none.
    Source: tlb_remove_table_sync_one(), mm/mmu_gather.c, v6.1.
    """
    yield begin_flush()
    yield end_flush()
    return kept


def isolate(address: int, kept: int, design: Design) -> Thread:
    """Go on only if nobody but the mapping holds the page."""
    alone = yield isolate_page(address)
    if not alone:
        yield attach_table(address)
        return None
    return kept


def copy(address: int, kept: int, design: Design) -> Thread:
    """Copy the page into a new one, which the kernel has before it takes the lock.

    Returns the new one's frame.
    """
    new = yield alloc_page(OURS)
    old = yield copy_page(address)
    yield put_page(old)
    return new


def install(address: int, kept: int, design: Design) -> Thread:
    """Map the huge page."""
    yield install_leaf(address, kept)
    return kept


def free(address: int, kept: int, design: Design) -> Thread:
    """Free the page table, whose pages are a file's and stay.

    Source: retract_page_tables() and collapse_and_free_pmd(), mm/khugepaged.c, v6.0.
    """
    yield free_tables()
    return kept


COLLAPSES: Mapping[str, Callable[[int, int, Design], Thread]] = MappingProxyType(
    {phase.__name__: phase for phase in (detach, flush, interrupt, isolate, copy, install, free)}
)


# --- A split --------------------------------------------------------------------------------------


def split(pfn: int) -> Thread:
    """Split a compound page that is mapped page by page: unmap it, split it, map it again.

    Returns "split" or "left whole".  Source: split_huge_page_to_list(), mm/huge_memory.c, v5.13.
    """
    ptes = yield unmap_for_split()
    done = yield split_page(pfn)
    yield remap_page(ptes)
    return "split" if done else "left whole"
