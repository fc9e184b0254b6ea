"""Those who take mappings away, as threads: munmap and truncation.

The order is always the same: clear the PTEs, flush the TLBs, and only then let go of what was
behind them.  What a flush waits for is the machine's affair: an x86-64 CPU with interrupts off
answers late, an arm64 broadcast waits for no software walker (see `flush_tlb`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ..checker.step import Thread
from .design import AFTER_GRACE_PERIOD, BROADCAST, Design
from .gup import put_pages
from .pte import pte_pfn, pte_special
from .steps.cpu import (
    begin_flush,
    begin_grace_period,
    broadcast_flush,
    end_flush,
    end_grace_period,
)
from .steps.dax import (
    BUSY,
    LOCKED,
    list_entries,
    lock_filesystem,
    look_at_entry,
    unlock_filesystem,
    wait_entry_unlocked,
)
from .steps.page_table import (
    detach_vmas,
    free_tables,
    mapping_mapped,
    mmap_read_unlock,
    unlink_tables,
    zap_file_ptes,
    zap_ptes,
)
from .steps.struct_page import dax_layout_busy_page, free_blocks, wait_until_idle


def munmap(cpu: int, design: Design) -> Thread:
    """Unmap everything that is mapped, in the order that the design gives.

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
    phase, zapped = 0, ()
    order = design.munmap_order
    while phase < len(order):
        zapped = yield from MUNMAPS[order[phase]](zapped, design)
        phase += 1
    yield mmap_read_unlock(cpu)
    return "unmapped"


def zap(zapped: tuple[int, ...], design: Design) -> Thread:
    """Clear every PTE.  Returns those that were present."""
    zapped = yield zap_ptes()
    return zapped


def unlink(zapped: tuple[int, ...], design: Design) -> Thread:
    """Take the mapping off its file's list and the page tables out of the walk."""
    yield unlink_tables()
    return zapped


def flush(zapped: tuple[int, ...], design: Design) -> Thread:
    """Flush the TLBs."""
    yield from flush_tlb(design)
    return zapped


def put(zapped: tuple[int, ...], design: Design) -> Thread:
    """Drop the references that the mappings held."""
    yield from put_pages(counted_pages(zapped))
    return zapped


def free(zapped: tuple[int, ...], design: Design) -> Thread:
    """Free the page tables, after a grace period where the design asks for one."""
    if design.free_tables == AFTER_GRACE_PERIOD:
        yield from synchronize_rcu()
    yield free_tables()
    return zapped


MUNMAPS: Mapping[str, Callable[[tuple[int, ...], Design], Thread]] = MappingProxyType(
    {phase.__name__: phase for phase in (zap, unlink, flush, put, free)}
)


def truncate(cpu: int, design: Design) -> Thread:
    """Truncate a DAX file: unmap it, wait until its pages are idle, take its blocks away.

    Its phases are in the order that the design gives.  While it sleeps the filesystem's lock is not
    held, so it begins again when it is woken.
    Returns "truncated".  Source: ext4_break_layouts(), fs/ext4/inode.c; dax_layout_busy_page(),
    fs/dax.c, v5.10.
    """
    yield lock_filesystem(cpu)
    phase, again = 0, True
    while phase < len(design.truncate):
        again = yield from TRUNCATES[design.truncate[phase]](cpu, design)
        phase = 0 if again else phase + 1
    yield unlock_filesystem(cpu)
    return "truncated"


def unmap(cpu: int, design: Design) -> Thread:
    """Unmap the file."""
    yield from unmap_file(design)


def wait(cpu: int, design: Design) -> Thread:
    """Wait until no page of the file is in use.  Returns True if it has slept: begin again."""
    busy = yield dax_layout_busy_page()
    if busy:
        yield from sleep(cpu)
    return busy


def wait_if_mapped(cpu: int, design: Design) -> Thread:
    """Wait as `wait` does, but only if the file still lists a mapping.

    Source: dax_layout_busy_page_range(), fs/dax.c, v5.11, which asked mapping_mapped().
    """
    listed = yield mapping_mapped()
    if not listed:
        return False
    busy = yield from wait(cpu, design)
    return busy


def sleep(cpu: int) -> Thread:
    """Let go of the filesystem's lock and sleep until no page is in use."""
    yield unlock_filesystem(cpu)
    yield wait_until_idle()
    yield lock_filesystem(cpu)


def scan(cpu: int, design: Design) -> Thread:
    """Look for a busy page entry by entry; one that is locked is waited for, and looked at again.

    Returns True if it has slept: begin again.
    Source: dax_layout_busy_page_range() and wait_entry_unlocked_exclusive(), fs/dax.c, v6.16.
    """
    busy = yield from scan_entries(cpu, True)
    return busy


def scan_past_locked(cpu: int, design: Design) -> Thread:
    """Look entry by entry, but go on behind an entry that was locked once it is unlocked.

    Source: the same in v6.15, whose xas_pause() moves on to the next entry (see dd59137bfe70).
    """
    busy = yield from scan_entries(cpu, False)
    return busy


def scan_skipping_locked(cpu: int, design: Design) -> Thread:
    """Look entry by entry, and skip one that is locked.

    Source: dax_layout_busy_page_range() and get_unlocked_entry(), fs/dax.c, v6.14, which goes on to
    the next entry (see 6be3e21d25ca).
    """
    busy = yield from scan_entries(cpu, False, False)
    return busy


def scan_entries(cpu: int, again: bool, waits: bool = True) -> Thread:
    """Look for a busy page; `again`: is an entry that was locked looked at once it is not?

    waits  does it wait for such an entry, or skip it at once?
    """
    left = yield list_entries()
    while left:
        found = yield look_at_entry(left[0])
        if found == LOCKED and waits:
            yield wait_entry_unlocked(left[0])
        elif found == BUSY:
            yield from sleep(cpu)
            return True
        if found != LOCKED or not again:
            left = left[1:]
    return False


def take_blocks(cpu: int, design: Design) -> Thread:
    """Take the file's blocks away."""
    yield free_blocks()


TRUNCATES: Mapping[str, Callable[[int, Design], Thread]] = MappingProxyType(
    {
        phase.__name__: phase
        for phase in (
            *(unmap, wait, wait_if_mapped, take_blocks),
            *(scan, scan_past_locked, scan_skipping_locked),
        )
    }
)


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
