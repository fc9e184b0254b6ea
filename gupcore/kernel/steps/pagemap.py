"""Steps on the device's dev_pagemap and on the memmap it brings: look up, hold, kill, remove."""

from __future__ import annotations

from dataclasses import replace

from ...checker.declared import Use
from ...checker.machine import CALLER
from ...checker.step import Blocked, Effect, models
from ..machine import (
    A_PAGE,
    A_REFERENCE,
    DEVICE,
    DEVICE_STATE,
    FRAME,
    GRACE_PERIOD,
    IDLE,
    ITSELF,
    OTHERS,
    PGMAP,
    REGISTERS,
    STRUCT_PAGE,
    DevPagemap,
    Machine,
    cpu_list,
)
from ..pte import pte_pfn
from .cpu import KILL, and_waits, readers


@models("get_dev_pagemap", "mm/memremap.c", writes=(PGMAP,), takes=((PGMAP, CALLER),))
def lookup_and_tryget_live(m: Machine, pfn: int) -> Effect:
    """Find the dev_pagemap that covers frame `pfn` and take a reference unless its ref was killed.

    It is found by frame number, whoever mapped the frame and when.  One step, because it is all in
    one RCU section, which pgmap_array_delete() waits for: what counts is the tryget.  That may
    still succeed on one CPU when another has set the flag, and is counted as if it had come first
    (see percpu_ref.py).
    """
    if not (m.frame(pfn).kind in DEVICE and m.the_pgmap().listed):
        return Effect(m, f"Looks up pfn {pfn:#x} in pgmap_array: finds nothing.", False)
    return _tryget_live(m, f"Looks up pfn {pfn:#x} in pgmap_array and asks for a live reference")


@models("blk_queue_enter", "block/blk-core.c", writes=(PGMAP,), takes=((PGMAP, CALLER),))
def blk_queue_enter(m: Machine) -> Effect:
    """Take a reference on the block queue, whose ref is the pgmap's: refused when it is dying.

    A kernel's bio first sleeps until the queue is marked as dying; unbind sees no difference.
    """
    return _tryget_live(m, "Asks for the block queue's ref, which is the pgmap's")


def _tryget_live(m: Machine, said: str) -> Effect:
    before = m.the_pgmap()
    if before.dead:
        return Effect(m, f"{said}: refused, it is dying.", False)
    return Effect(m.with_pgmap_refs(+1), f"{said}: {before.refs} -> {before.refs + 1}.", True)


@models("put_dev_pagemap", "include/linux/memremap.h", writes=(PGMAP,), drops=((PGMAP, CALLER),))
def put_dev_pagemap(m: Machine) -> Effect:
    """Give a pgmap reference back."""
    return _put(m)


@models("blk_queue_exit", "block/blk-core.c", writes=(PGMAP,), drops=((PGMAP, CALLER),))
def blk_queue_exit(m: Machine) -> Effect:
    """Give the queue's reference back, which is the pgmap's."""
    return _put(m)


def _put(m: Machine) -> Effect:
    refs = m.the_pgmap().refs
    return Effect(m.with_pgmap_refs(-1), f"Gives the pgmap reference back: {refs} -> {refs - 1}.")


@models(
    "pmem_do_write",
    "drivers/nvdimm/pmem.c",
    "v6.1",
    reads=(STRUCT_PAGE,),
    uses=Use("CPU", "pfn", ""),
)
def pmem_do_write(m: Machine, pfn: int) -> Effect:
    """Copy data to the device through the kernel's own mapping, which goes with the memmap."""
    m.page(pfn)
    return Effect(m, f"Copies data to pfn {pfn:#x} of the device.")


# --- Removal --------------------------------------------------------------------------------------


@models(
    "percpu_ref_kill_and_confirm",
    "lib/percpu-refcount.c",
    writes=(PGMAP,),
    drops=((PGMAP, ITSELF),),
)
def percpu_ref_kill(m: Machine) -> Effect:
    """Refuse new live references, drop the initial one, and begin a grace period.

    One step, because the kernel does all three under a spinlock, and nobody can drop the count to
    zero in between: the initial reference is held until the last.
    """
    pgmap = replace(m.the_pgmap(), dead=True, refs=m.the_pgmap().refs - 1)
    after = replace(m, pgmap=pgmap).owing(KILL, readers(m))
    said = f"Kills the pgmap's ref: no live references from now on, {pgmap.refs} left"
    return Effect(after, said + and_waits(readers(m)))


@models(
    "percpu_ref_put_many",
    "include/linux/percpu-refcount.h",
    "v6.1",
    writes=(PGMAP,),
    drops=((PGMAP, A_PAGE),),
)
def percpu_ref_put_many(m: Machine) -> Effect:
    """Drop every page's reference on the pgmap at once, pinned or not."""
    pages = sum(page.kind in DEVICE for page in m.memmap)
    after = m.with_pgmap_refs(-pages, of_pages=-pages)
    left = after.the_pgmap().refs
    return Effect(after, f"Drops the pages' references on the pgmap, pinned or not: {left} left.")


@models("dev_pagemap_cleanup", "mm/memremap.c", reads=(PGMAP,), waits=(GRACE_PERIOD, A_REFERENCE))
def wait_for_pgmap_refs(m: Machine) -> Effect | Blocked:
    """Wait until the kill's grace period is over and the pgmap's count is zero."""
    refs = m.the_pgmap().refs
    if cpus := m.waiting_for(KILL):
        said = f"Waits for the kill's grace period; still inside: {cpu_list(cpus)}."
        return Blocked(said, GRACE_PERIOD, cpus)
    if refs:
        held = "reference is" if refs == 1 else "references are"
        said = f"Waits for the pgmap's count to reach zero: {refs} {held} held."
        return Blocked(said, A_REFERENCE)
    return Effect(m, "Sees the pgmap's count at zero.")


@models("arch_remove_memory", "arch/x86/mm/init_64.c", writes=(STRUCT_PAGE,), frees=True)
def remove_struct_pages(m: Machine) -> Effect:
    """Take the device's struct pages away.

    One step for all of them: a walker that finds one gone finds the same as if all were.
    """
    after = m.with_pages(
        replace(page, exists=False, refcount=0) if page.kind in DEVICE else page
        for page in m.memmap
    )
    return Effect(after, "Removes the device's struct pages.")


@models("pgmap_array_delete", "mm/memremap.c", writes=(PGMAP,))
def delete_from_pgmap_array(m: Machine) -> Effect:
    """Take the dev_pagemap out of pgmap_array."""
    after = replace(m, pgmap=replace(m.the_pgmap(), listed=False))
    return Effect(after, "Takes the dev_pagemap out of pgmap_array.")


@models("unbind_store", "drivers/base/bus.c", writes=(DEVICE_STATE,))
def unbind_returns(m: Machine) -> Effect:
    """The driver is detached; the write to `unbind` returns."""
    of_device = (*DEVICE, REGISTERS)
    stale = any(m.mappings(page.pfn) for page in m.memmap if page.kind in of_device)
    held = any(m.frame(pte_pfn(pte)).kind in of_device for _, _, pte in m.tlb)
    said = "The driver is detached; the write to unbind returns"
    said += ", and a PTE still points at the device" if stale else ""
    said += ", and a TLB still keeps an entry for the device" if held and not stale else ""
    return Effect(replace(m, bound=False), said + ".")


@models(
    "memremap_pages",
    "mm/memremap.c",
    writes=(STRUCT_PAGE, FRAME, PGMAP, DEVICE_STATE),
    allocates=True,
)
def bind_again(m: Machine) -> Effect:
    """Bind the driver again: new struct pages, a new dev_pagemap, and a filesystem mounted anew.

    One step, because nothing of the device is listed before and all is afterwards; the frames now
    belong to the new mount.
    """
    pages = [
        replace(page, exists=True, refcount=IDLE[page.kind], owner=OTHERS)
        if page.kind in DEVICE
        else page
        for page in m.memmap
    ]
    life = m.the_pgmap().life + 1
    of_device = sum(page.kind in DEVICE for page in pages)
    pgmap = DevPagemap(refs=1 + of_device, life=life, pages=of_device)
    clean = None if m.clean is None else False  # a driver that probes says: dirty from here on
    after = replace(m.with_pages(pages), pgmap=pgmap, bound=True, clean=clean)
    return Effect(after, "The driver is bound again, with new struct pages; the disk is mounted.")
