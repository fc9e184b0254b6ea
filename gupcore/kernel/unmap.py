"""Those who take mappings away, as threads: munmap and truncation.

The order is always the same: clear the PTEs, flush the TLBs, and only then let go of what was
behind them.  What a flush waits for is the machine's affair: an x86-64 CPU with interrupts off
answers late, an arm64 broadcast waits for no software walker (see `flush_tlb`).
"""

from __future__ import annotations

from ..checker.step import Thread
from .design import AFTER_GRACE_PERIOD, BROADCAST, IPI, Design
from .gup import put_pages
from .pte import pte_pfn, pte_special
from .steps.cpu import (
    begin_flush,
    begin_grace_period,
    broadcast_flush,
    end_flush,
    end_grace_period,
)
from .steps.dax import lock_filesystem, unlock_filesystem
from .steps.page_table import (
    detach_vmas,
    free_tables,
    mmap_read_unlock,
    unlink_tables,
    zap_file_ptes,
    zap_ptes,
)
from .steps.struct_page import dax_layout_busy_page, free_blocks, wait_until_idle


def munmap(cpu: int, design: Design) -> Thread:
    """Unmap everything that is mapped.

    x86-64 flushes once, when all is unlinked; arm64 flushes at the end of each mapping, before it
    is taken off its file's list (MMU_GATHER_MERGE_VMAS).  Since v5.19 x86-64, too, flushes first
    for VM_PFNMAP and VM_MIXEDMAP mappings, against the race with those who unmap through the file;
    the DAX mappings of ext4, XFS and device-dax are neither.  At exit nobody flushes early, and no
    CPU uses the mapping any more.

    A table that is freed after a grace period is handed over before the pages are freed, and nobody
    waits for it.  Here the wait comes after the pages, so that it hides nothing that befalls them.

    Returns "unmapped".  Source: __do_munmap() and unmap_region(), mm/mmap.c, v5.11; tlb_end_vma(),
    include/asm-generic/tlb.h, and tlb_remove_table(), mm/mmu_gather.c, v6.1.
    """
    yield detach_vmas(cpu)
    zapped = yield zap_ptes()
    if design.tlb_flush == BROADCAST:
        yield from flush_tlb(design)
    yield unlink_tables()
    if design.tlb_flush == IPI:
        yield from flush_tlb(design)
    yield from put_pages(counted_pages(zapped))
    if design.free_tables == AFTER_GRACE_PERIOD:
        yield from synchronize_rcu()
    yield free_tables()
    yield mmap_read_unlock(cpu)
    return "unmapped"


def truncate(cpu: int, design: Design) -> Thread:
    """Truncate a DAX file: unmap it, wait until its pages are idle, take its blocks away.

    While it sleeps the filesystem's lock is not held, so it looks again when it is woken.
    Returns "truncated".  Source: ext4_break_layouts(), fs/ext4/inode.c; dax_layout_busy_page(),
    fs/dax.c, v5.10.
    """
    yield lock_filesystem(cpu)
    busy = True
    while busy:
        yield from unmap_file(design)
        busy = yield dax_layout_busy_page()
        if busy:
            yield unlock_filesystem(cpu)
            yield wait_until_idle()
            yield lock_filesystem(cpu)
    yield free_blocks()
    yield unlock_filesystem(cpu)
    return "truncated"


def unmap_file(design: Design) -> Thread:
    """Take every mapping of a file away, and the references the mappings held.

    Source: unmap_mapping_range(), mm/memory.c, v5.11.
    """
    zapped = yield zap_file_ptes()
    if zapped is not None:
        yield from flush_tlb(design)
        yield from put_pages(counted_pages(zapped))


def counted_pages(zapped: tuple[int, ...]) -> tuple[int, ...]:
    """Return the frames on whose pages the mappings held a reference: none where PTEs are special.

    Source: vm_normal_page(), mm/memory.c, v5.11.
    """
    return tuple(pte_pfn(pte) for pte in zapped if not pte_special(pte))


def flush_tlb(design: Design) -> Thread:
    """Make every CPU forget what it keeps of the page table."""
    if design.tlb_flush == BROADCAST:
        yield broadcast_flush()
    else:
        yield begin_flush()
        yield end_flush()


def synchronize_rcu() -> Thread:
    """Wait for every walker that is under way."""
    yield begin_grace_period()
    yield end_grace_period()
