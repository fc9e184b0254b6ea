"""Steps on page tables: read them with and without a lock, take mappings away, free the tables.

The locks are the kernel's: mmap_lock guards the list of mappings (VMAs), the page-table lock
guards PTEs.  gup-fast and the hardware take neither.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...checker.machine import CALLER
from ...checker.step import Blocked, Effect, models
from ...checker.unseen import set_of
from ..machine import (
    A_LOCK,
    A_MAPPING,
    DEVICE,
    ENTRY,
    FREED,
    LINKED,
    MMAP_LOCK,
    MMAP_WRITE,
    PTL,
    STRUCT_PAGE,
    TABLE,
    TLB_ENTRY,
    UNLINKED,
    VMA,
    Machine,
    cpu_list,
)
from ..pte import (
    PMD_NONE,
    PTE_NONE,
    pmd_words,
    pte_mkclean,
    pte_pfn,
    pte_present,
    pte_words,
    pte_write,
    pte_wrprotect,
    user_pte,
)

# --- Without a lock -------------------------------------------------------------------------------


@models("gup_pmd_range", "mm/gup.c", reads=(TABLE,))
def pmd_read(m: Machine, address: int) -> Effect:
    """Read the entry that leads to the page table, to see whether there is one.

    It stands for the whole walk down to here: an upper table is freed no sooner than this one.
    """
    there = m.linked(address)
    return Effect(m, f"Walks down: there is {'a' if there else 'no'} page table.", there)


@models("gup_pmd_range", "mm/gup.c", "v6.1", reads=(TABLE,))
def pmdp_get_lockless(m: Machine, address: int) -> Effect:
    """Read the PMD's value without a lock, for who will look at it again."""
    pmd = m.pmd_at(address)
    return Effect(m, f"Reads the PMD: {pmd_words(pmd)}.", pmd)


@models("gup_pte_range", "mm/gup.c", "v6.1", reads=(TABLE,))
def pmd_reread(m: Machine, address: int, expected: int) -> Effect:
    """Read the PMD again, to compare it with the `expected` value read before."""
    now = m.pmd_at(address)
    said = "it has not changed" if now == expected else f"it has changed to {pmd_words(now)}"
    return Effect(m, f"Reads the PMD again: {said}.", now == expected)


@models("ptep_get_lockless", "include/linux/pgtable.h", reads=(ENTRY,))
def ptep_get_lockless(m: Machine, address: int, pmd: int = PMD_NONE) -> Effect:
    """Read a PTE without a lock; `pmd`: what has led to its table, where the walker has kept it."""
    pte = m.pte(address, pmd)
    return Effect(m, f"Reads the PTE: {pte_words(pte)}.", pte)


@models("gup_pte_range", "mm/gup.c", reads=(ENTRY,))
def ptep_reread(m: Machine, address: int, expected: int, pmd: int = PMD_NONE) -> Effect:
    """Read a PTE again, to compare it with the `expected` value read before."""
    now = m.pte(address, pmd)
    same = now == expected
    said = "it has not changed" if same else f"it has changed to {pte_words(now)}"
    return Effect(m, f"Reads the PTE again: {said}.", same)


# --- Under mmap_lock and the page-table lock ------------------------------------------------------


@models("mmap_read_lock", "include/linux/mmap_lock.h", reads=(VMA,), waits=(A_LOCK,))
def mmap_read_lock(m: Machine, cpu: int, address: int) -> Effect | Blocked:
    """Take mmap_lock to read and find out what is mapped at `address` and after it.

    One step, because nobody can change a VMA between the two: that needs the lock to write.
    """
    if blocked := _mmap_lock_taken(m, MMAP_WRITE):
        return blocked
    vmas = m.mapped_from(address)
    said = f"Takes mmap_lock; mapped here: {vmas[0] or 'nothing'}."
    return Effect(m.enter(MMAP_LOCK, cpu), said, vmas)


@models("mmap_read_unlock", "include/linux/mmap_lock.h")
def mmap_read_unlock(m: Machine, cpu: int) -> Effect:
    """Let go of mmap_lock."""
    return Effect(m.leave(MMAP_LOCK, cpu), "Lets go of mmap_lock.")


@models("mmap_write_lock", "include/linux/mmap_lock.h", waits=(A_LOCK,))
def mmap_write_lock(m: Machine, cpu: int) -> Effect | Blocked:
    """Take mmap_lock to write, when nobody has it to read or to write.

    That a writer who waits keeps later readers out is left out: it would add waiting, and no run.
    """
    if blocked := _mmap_lock_taken(m, MMAP_LOCK, MMAP_WRITE):
        return blocked
    return Effect(m.enter(MMAP_WRITE, cpu), "Takes mmap_lock to write.")


@models("mmap_write_unlock", "include/linux/mmap_lock.h")
def mmap_write_unlock(m: Machine, cpu: int) -> Effect:
    """Let go of mmap_lock."""
    return Effect(m.leave(MMAP_WRITE, cpu), "Lets go of mmap_lock.")


def _mmap_lock_taken(m: Machine, *ways: str) -> Blocked | None:
    """Return Blocked if somebody holds mmap_lock in one of these ways."""
    holders = frozenset(cpu for way in ways for cpu in m.cpus(way))
    held = f"Waits for mmap_lock, which {cpu_list(holders)} holds."
    return Blocked(held, A_LOCK, holders) if holders else None


@models("__do_munmap", "mm/mmap.c", writes=(VMA,), waits=(A_LOCK,))
def detach_vmas(m: Machine, cpu: int) -> Effect | Blocked:
    """Take mmap_lock to write, take the mapping out of the list, and keep the lock to read.

    One step, because nobody can look at the list while the lock is held to write.
    """
    if blocked := _mmap_lock_taken(m, MMAP_LOCK, MMAP_WRITE):
        return blocked
    after = replace(m, vmas=(None,) * len(m.vmas)).enter(MMAP_LOCK, cpu)
    return Effect(after, "Takes mmap_lock to write and detaches the mapping.")


@models("pte_offset_map_lock", "include/linux/mm.h", reads=(TABLE, ENTRY), waits=(A_LOCK,))
def pte_offset_map_lock(m: Machine, cpu: int, address: int) -> Effect | Blocked:
    """Take the page-table lock and read the PTE.

    One step, because nobody can change the PTE between the two: that needs the lock.  Where there
    is no page table it is the PMD's lock, and the answer is that nothing is mapped.
    """
    if blocked := ptl_taken(m):
        return blocked
    pte = m.entry(address) or PTE_NONE
    return Effect(m.enter(PTL, cpu), f"Takes the page-table lock; PTE: {pte_words(pte)}.", pte)


@models("pte_unmap_unlock", "include/linux/mm.h")
def pte_unmap_unlock(m: Machine, cpu: int) -> Effect:
    """Release the page-table lock."""
    return Effect(m.leave(PTL, cpu), "Releases the page-table lock.")


def ptl_taken(m: Machine) -> Blocked | None:
    """Return Blocked if somebody holds the page-table lock."""
    holders = m.cpus(PTL)
    held = f"Waits for the page-table lock, which {cpu_list(holders)} holds."
    return Blocked(held, A_LOCK, holders) if holders else None


@models("handle_pte_fault", "mm/memory.c", reads=(TABLE, ENTRY))
def handle_pte_fault(m: Machine, address: int) -> Effect:
    """Read the PTE to see what kind of fault this is; the result is None if there is no table."""
    pte = m.entry(address)
    if pte is None:
        return Effect(m, "Looks for the PTE that faulted: there is no page table.", None)
    return Effect(m, f"Looks at the PTE that faulted: {pte_words(pte)}.", pte)


@models("__pte_alloc", "mm/memory.c", writes=(TABLE,))
def pte_alloc(m: Machine, address: int) -> Effect:
    """Give the mapping a page table if it has none, under the PMD's lock.

    What the table mapped that was taken away is in the new one, too, in the same step: its pages
    are a file's, in the page cache, and the fault maps those around it (filemap_map_pages).
    """
    if m.linked(address):
        return Effect(m, "Finds that somebody else has made a page table.")
    return Effect(m.with_new_table(address), "Puts a new page table where there was none.")


@models("do_numa_page", "mm/memory.c", writes=(ENTRY,), waits=(A_LOCK,))
def do_numa_page(m: Machine, address: int, seen: int) -> Effect | Blocked:
    """Make a NUMA-hinting entry usable again, unless the PTE is no longer the one `seen`."""
    if blocked := ptl_taken(m):
        return blocked
    if m.pte(address) != seen:
        return Effect(m, "Finds that somebody else has answered the fault.")
    return Effect(m.with_pte(address, user_pte(pte_pfn(seen))), "Makes the PTE usable again.")


@models(
    "wp_page_copy",
    "mm/memory.c",
    writes=(ENTRY, TLB_ENTRY),
    takes=((STRUCT_PAGE, A_MAPPING), (STRUCT_PAGE, CALLER)),
    drops=((STRUCT_PAGE, CALLER), (STRUCT_PAGE, A_MAPPING)),
    waits=(A_LOCK,),
)
def set_copied_pte(m: Machine, address: int, seen: int, pfn: int) -> Effect | Blocked:
    """Map a page that was allocated for this address, unless the PTE is no longer the one `seen`.

    The mapping keeps the page's reference; the one that it held on the page copied from is now the
    caller's to drop.  The flush is part of this step, as in `write_protect_ptes`; that the PTE is
    empty meanwhile sends a walker to gup-slow, which waits for the lock.
    """
    if blocked := ptl_taken(m):
        return blocked
    if m.pte(address) != seen:
        return Effect(m, "Finds that somebody else has answered the fault.", False)
    tlb = set_of(entry for entry in m.tlb if entry[1] != m.index(address))
    m = replace(m.with_pte(address, user_pte(pfn)), tlb=tlb)
    return Effect(m, f"Sets the PTE: {pte_words(m.pte(address))}.", True)


# What was mapped is the caller's to drop from now on.
ZAPS: dict[str, Any] = {
    "writes": (ENTRY, TABLE),
    "takes": ((STRUCT_PAGE, CALLER),),
    "drops": ((STRUCT_PAGE, A_MAPPING),),
    "waits": (A_LOCK,),
}

# --- Take mappings away ---------------------------------------------------------------------------


@models("zap_pte_range", "mm/memory.c", **ZAPS)
def zap_ptes(m: Machine) -> Effect | Blocked:
    """Clear every PTE of the process, under the page-table lock; say what they mapped.

    One step, because the lock is held over a whole table.  Where pages lie in two tables there are
    two locks; that somebody may come between the two is left out.
    """
    return zap_frames(m, None, "Clears every PTE of the process.")


@models("unmap_mapping_range", "mm/memory.c", **ZAPS)
def zap_file_ptes(m: Machine) -> Effect | Blocked:
    """Clear every PTE that maps the DAX file, under the page-table lock; say what they mapped.

    Mappings are found through the file (i_mmap).  One that munmap has taken out is not found: then
    the result is None, and the caller has nothing to flush.
    """
    if not listed(m):
        return Effect(m, "Finds no mapping of the DAX file.", None)
    files = tuple(page.pfn for page in m.memmap if page.kind in DEVICE)
    return zap_frames(m, files, "Clears every PTE of the DAX file.")


@models("mapping_mapped", "include/linux/fs.h")
def mapping_mapped(m: Machine) -> Effect:
    """Look whether the file lists a mapping at all."""
    found = listed(m)
    return Effect(m, f"Looks whether the file is mapped: {'yes' if found else 'no'}.", found)


def listed(m: Machine) -> bool:
    """Does the file still list the mapping: has munmap not unlinked it?"""
    return LINKED in m.tables or any(m.leaves)


def zap_frames(m: Machine, pfns: tuple[int, ...] | None, said: str) -> Effect | Blocked:
    """Clear the PTEs that map `pfns`, or all; the result is a tuple of those that were present."""
    if blocked := ptl_taken(m):
        return blocked
    cleared = [pte for pte in m.page_table if pfns is None or pte_pfn(pte) in pfns]
    left = tuple(PTE_NONE if pte in cleared else pte for pte in m.page_table)
    leaves = tuple(leaf for leaf in m.leaves if pfns is not None and pte_pfn(leaf) not in pfns)
    cleared += [leaf for leaf in m.leaves if leaf not in leaves]
    after = replace(m, page_table=left, leaves=leaves)
    return Effect(after, said, tuple(filter(pte_present, cleared)))


@models("dax_entry_mkclean", "fs/dax.c", "v5.10", writes=(ENTRY, TLB_ENTRY), waits=(A_LOCK,))
def write_protect_ptes(m: Machine) -> Effect | Blocked:
    """Write-protect every PTE of the file that may be dirty: a store must fault again.

    The flush is part of this step, and does not wait for software walkers here: a wait left out
    adds schedules and hides none.
    """
    if blocked := ptl_taken(m):
        return blocked

    def dirty(pte: int) -> bool:
        return listed(m) and pte_write(pte) and m.frame(pte_pfn(pte)).kind in DEVICE

    ptes = tuple(pte_mkclean(pte_wrprotect(pte)) if dirty(pte) else pte for pte in m.page_table)
    tlb = set_of((cpu, n, pte) for cpu, n, pte in m.tlb if not dirty(pte))
    after = replace(m, page_table=ptes, tlb=tlb)
    said = "Syncs the filesystem, which write-protects the mapping."
    return Effect(after, said if after != m else "Syncs the filesystem: no PTE is writable.")


@models("free_pgtables", "mm/memory.c", writes=(TABLE,))
def unlink_tables(m: Machine) -> Effect:
    """Take the mapping off the file's list and clear the entries that lead to its page tables.

    One step: a walk that is past the entries goes on, and who looks in the list finds nothing.
    """
    return Effect(m.with_tables(UNLINKED), "Unlinks the mapping and its page tables.")


@models("tlb_finish_mmu", "mm/mmu_gather.c", writes=(TABLE,), frees=True)
def free_tables(m: Machine) -> Effect:
    """Give the page-table pages back to the page allocator.

    Together with the other pages on native x86-64; from an RCU callback where tables wait for a
    grace period: on arm64, and in guests that flush by hypercall.
    """
    if m.detached:  # those that faults have put there instead stay
        left = tuple(FREED if state == UNLINKED else state for state in m.tables)
        return Effect(replace(m, tables=left, detached=()), "Frees the page tables taken away.")
    return Effect(m.with_tables(FREED), "Frees the page tables.")
