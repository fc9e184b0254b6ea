"""Steps of a DAX file and its device: faults, what shuts them out, and the last word to the disk.

A fault holds the filesystem's lock (i_mmap_sem in ext4) against truncation and against the cure's
unmapping.  It is answered in three steps: it gets its frame, it writes the file and offset into
the struct page, it sets the PTE.  Between the first and the last it is *in flight*.
"""

from __future__ import annotations

from dataclasses import replace

from ...checker.step import Blocked, Effect, models
from ...checker.unseen import set_of
from ..machine import (
    A_LOCK,
    A_MAPPING,
    ANSWERS,
    COUNTED_DAX,
    DAX_ENTRY,
    DEVICE,
    DEVICE_STATE,
    ENTRY,
    FAULTING,
    FROZEN,
    FS_LOCK,
    IDLE,
    NO_PREEMPT,
    OURS,
    REFUSES,
    STRUCT_PAGE,
    THAW,
    Machine,
    cpu_list,
    dax_pte,
)
from ..pte import pte_none, pte_words, pte_write
from .cpu import KILL, RCU
from .page_table import ZAPS, listed, ptl_taken, zap_frames

# --- The fault ------------------------------------------------------------------------------------


@models("dax_direct_access", "drivers/dax/super.c", reads=(DEVICE_STATE,), waits=(A_LOCK, THAW))
def dax_direct_access(
    m: Machine, cpu: int, address: int, write: bool, preemptible: bool
) -> Effect | Blocked:
    """Enter the filesystem's fault path and ask the device for the frame, if it is still alive.

    From before this step to after the PTE is set the fault holds the filesystem's lock and the lock
    on the file's entry for the page; one that is refused has let go, so it is not seen inside.  On
    a kernel without preemption nothing makes the CPU leave before it has touched the struct page,
    so a grace period waits for that.  (To replace the zero page of a hole would sleep; there are no
    holes here.)
    """
    pfn = m.file_pfn(address)
    if holders := m.cpus(FS_LOCK):
        said = f"Waits for the filesystem's lock, which {cpu_list(holders)} holds."
        return Blocked(said, A_LOCK, holders)
    if holders := m.cpus(dax_entry(pfn)):
        return _entry_locked(holders)
    if m.answer_to_faults() == REFUSES:
        return Effect(m, "Asks the DAX device for the frame: refused, it is dying.", None)
    if m.frame(pfn).owner != OURS:
        return Effect(m, "Asks the filesystem for the block: the file has none any more.", None)
    if m.answer_to_faults() == FROZEN and write:
        return Blocked("Waits until the filesystem is thawed: it is frozen.", THAW)
    after = m.enter(FAULTING, cpu).enter(dax_entry(pfn), cpu)
    said = f"Asks the DAX device for the frame: pfn {pfn:#x}."
    return Effect(after if preemptible else after.enter(NO_PREEMPT, cpu), said, pfn)


def dax_entry(pfn: int) -> str:
    """Name the lock on the file's entry for the page in frame `pfn`, which a fault holds."""
    return f"{DAX_ENTRY} {pfn:#x}"


def _entry_locked(holders: frozenset[int]) -> Blocked:
    said = f"Waits for the DAX entry of the page, which {cpu_list(holders)} has locked."
    return Blocked(said, A_LOCK, holders)


@models("dax_associate_entry", "fs/dax.c", "v5.10", writes=(STRUCT_PAGE,))
def dax_associate_entry(m: Machine, cpu: int, pfn: int) -> Effect:
    """Write the file and the offset into the struct page, if this is the page's first fault.

    The fault holds no reference on anything when it touches the page.
    """
    owed = set_of(m.owed - {(RCU, cpu), (KILL, cpu)})
    after = replace(m.leave(NO_PREEMPT, cpu), owed=owed)
    if m.frame(pfn).mapping:
        return Effect(after, "Finds the file's entry for the page; it was faulted in before.")
    after = after.with_page(replace(m.page(pfn), mapping=True))
    return Effect(after, "Writes the file and the offset into the struct page.")


@models(
    "vmf_insert_mixed",
    "mm/memory.c",
    reads=(STRUCT_PAGE,),
    writes=(ENTRY, STRUCT_PAGE),
    takes=((STRUCT_PAGE, A_MAPPING),),
    allocates=True,
    waits=(A_LOCK,),
)
def vmf_insert_mixed(m: Machine, cpu: int, address: int, pfn: int, write: bool) -> Effect | Blocked:
    """Set the PTE, under the page-table lock, if it is empty or must become writable.

    Where mappings count (v6.15: vmf_insert_page_mkwrite), a new mapping takes a reference, and the
    one that the fault itself holds meanwhile is left out; elsewhere none is taken.  The fault lets
    go of the filesystem's lock.
    """
    if blocked := ptl_taken(m):
        return blocked
    counted = m.frame(pfn).kind == COUNTED_DAX
    pte = dax_pte(pfn, counted, write)
    said = "Finds the PTE set by somebody else already."
    if pte_none(m.pte(address)):
        m = m.with_pte(address, pte)
        said = f"Sets the PTE: {pte_words(pte)}.  No page reference is taken."
        if counted:
            page = m.page(pfn)
            m = m.with_page(replace(page, refcount=page.refcount + 1))
            said = f"Sets the PTE: {pte_words(pte)}, and takes a reference for it."
    elif write and not pte_write(m.pte(address)):
        m = m.with_pte(address, pte)
        said = f"Makes the PTE writable: {pte_words(pte)}."
    return Effect(m.leave(FAULTING, cpu).leave(dax_entry(pfn), cpu), said)


# --- The file's entries, one by one ---------------------------------------------------------------

LOCKED, BUSY, IDLE_ENTRY = "locked", "busy", "idle"


@models("xas_for_each", "fs/dax.c", "v6.15")
def list_entries(m: Machine) -> Effect:
    """Begin to walk over the file's entries; the result is their frames."""
    found = tuple(page.pfn for page in m.memmap if page.kind in DEVICE)
    return Effect(m, "Begins to walk over the file's entries.", found)


@models("dax_busy_page", "fs/dax.c", "v6.15", reads=(STRUCT_PAGE,))
def look_at_entry(m: Machine, pfn: int) -> Effect:
    """Look at one entry: whether it is locked, and if not, whether its page is in use."""
    if holders := m.cpus(dax_entry(pfn)):
        return Effect(m, f"Finds the entry locked by {cpu_list(holders)}.", LOCKED)
    page = m.page(pfn)
    found = BUSY if page.refcount > IDLE[page.kind] else IDLE_ENTRY
    return Effect(m, f"Looks at the page of pfn {pfn:#x}: {found}.", found)


@models("wait_entry_unlocked_exclusive", "fs/dax.c", "v6.15", waits=(A_LOCK,))
def wait_entry_unlocked(m: Machine, pfn: int) -> Effect | Blocked:
    """Sleep until the entry is unlocked."""
    if holders := m.cpus(dax_entry(pfn)):
        return _entry_locked(holders)
    return Effect(m, "Finds the entry unlocked.")


@models("dax_lock_entry", "fs/dax.c", "v5.11", waits=(A_LOCK,))
def lock_entry(m: Machine, cpu: int, pfn: int) -> Effect | Blocked:
    """Lock the file's entry for a page, as a write-back does (dax_writeback_one()).

    It waits first until nobody else has the entry locked.
    """
    if holders := m.cpus(dax_entry(pfn)):
        return _entry_locked(holders)
    return Effect(m.enter(dax_entry(pfn), cpu), f"Locks the entry of pfn {pfn:#x}.")


@models("dax_wake_entry", "fs/dax.c", "v5.11")
def unlock_entry(m: Machine, cpu: int, pfn: int) -> Effect:
    """Store the entry unlocked, and wake who waits for it."""
    return Effect(m.leave(dax_entry(pfn), cpu), f"Unlocks the entry of pfn {pfn:#x}.")


# --- Shut faults out ------------------------------------------------------------------------------


@models("kill_dax", "drivers/dax/super.c", writes=(DEVICE_STATE,))
def clear_dax_alive(m: Machine) -> Effect:
    """From now on the device gives no frames to faults."""
    return Effect(replace(m, device=REFUSES), "Tells the DAX device to refuse new faults.")


@models("freeze_super", "fs/super.c", "v6.12", writes=(DEVICE_STATE,))
def freeze_super(m: Machine) -> Effect:
    """Freeze the filesystem: faults for writing wait, faults for reading do not.

    It also waits for the faults for writing that are in flight and syncs; left out here, where a
    drain and the unmapping come next.
    """
    after = replace(m, device=FROZEN) if m.device == ANSWERS else m
    return Effect(after, "Freezes the filesystem: faults for writing wait.")


@models("memory_failure_dev_pagemap", "mm/memory-failure.c", "v5.10", **ZAPS)
def unmap_by_memory_failure(m: Machine, pfn: int) -> Effect | Blocked:
    """Unmap a page from every process, if it knows its file; wait for a fault that has its entry.

    Taken at its word: that it finds every process, and not the caller's own only.
    """
    if not m.frame(pfn).mapping:
        return Effect(m, f"Leaves pfn {pfn:#x} alone: its struct page knows no file.", None)
    if holders := m.cpus(dax_entry(pfn)):
        return _entry_locked(holders)
    if not listed(m):
        return Effect(m, "Finds no mapping of the page.", None)
    return zap_frames(m, (pfn,), f"Clears every PTE that maps pfn {pfn:#x}.")


@models("xfs_do_force_shutdown", "fs/xfs/xfs_fsops.c", "v6.12", writes=(DEVICE_STATE,))
def shut_down(m: Machine) -> Effect:
    """Shut the filesystem down and thaw it: it maps nothing any more."""
    return Effect(replace(m, device=REFUSES), "Shuts the filesystem down: it refuses faults.")


@models("down_write", "kernel/locking/rwsem.c", waits=(A_LOCK,))
def lock_filesystem(m: Machine, cpu: int) -> Effect | Blocked:
    """Take the filesystem's lock to write: when no fault is in flight."""
    if cpus := m.cpus(FAULTING) | m.cpus(FS_LOCK):
        said = f"Waits for the faults in flight; still inside: {cpu_list(cpus)}."
        return Blocked(said, A_LOCK, cpus)
    return Effect(m.enter(FS_LOCK, cpu), "Takes the filesystem's lock: no fault is in flight.")


@models("up_write", "kernel/locking/rwsem.c")
def unlock_filesystem(m: Machine, cpu: int) -> Effect:
    """Let go of the filesystem's lock."""
    return Effect(m.leave(FS_LOCK, cpu), "Lets go of the filesystem's lock.")


# --- The dirty-shutdown state ---------------------------------------------------------------------


@models("Set Shutdown State", "drivers/cxl/pmem.c", "proposed", writes=(DEVICE_STATE,))
def set_shutdown_state_clean(m: Machine) -> Effect:
    """Tell the device that its data are safe and that nothing will write any more."""
    return Effect(replace(m, clean=True), "Tells the device that its data are safe.")
