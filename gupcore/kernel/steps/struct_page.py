"""Steps on struct pages: take and drop references, allocate and free, use the frame for I/O."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...checker.declared import Use
from ...checker.machine import CALLER
from ...checker.step import Blocked, Effect, models
from ..machine import (
    A_PAGE,
    A_REFERENCE,
    DEVICE,
    DMA,
    FRAME,
    FREE,
    FREE_PAGE,
    FS_DAX,
    IDLE,
    NO_PREEMPT,
    NORMAL,
    OTHERS,
    OURS,
    PGMAP,
    STRUCT_PAGE,
    Machine,
)
from .cpu import KILL, RCU

GRABS: dict[str, Any] = {"writes": (STRUCT_PAGE,), "takes": ((STRUCT_PAGE, CALLER),)}


@models("try_grab_compound_head", "mm/gup.c", **GRABS)
def try_grab_compound_head(m: Machine, pfn: int) -> Effect:
    """Raise a page's count unless it is zero.  A refusal has touched the struct page as well."""
    return _grab(m, pfn)


@models("try_grab_page", "mm/gup.c", **GRABS)
def try_grab_page(m: Machine, pfn: int) -> Effect:
    """Raise a page's count under the page-table lock; at zero, warn and refuse."""
    return _grab(m, pfn)


def _grab(m: Machine, pfn: int) -> Effect:
    count = m.page(m.head(pfn)).refcount
    if count <= 0:
        return Effect(m, f"Finds the page's count at {count} and leaves it alone.", False)
    return _get(m, pfn)


@models("get_page", "include/linux/mm.h", **GRABS)
def get_page(m: Machine, pfn: int) -> Effect:
    """Raise a page's count, whatever it is."""
    return _get(m, pfn)


def _get(m: Machine, pfn: int) -> Effect:
    page = m.page(m.head(pfn))
    after = m.with_page(replace(page, refcount=page.refcount + 1))
    said = f"Takes a reference on the page: count {page.refcount} -> {page.refcount + 1}."
    return Effect(after, said, True)


@models(
    "put_page",
    "include/linux/mm.h",
    writes=(STRUCT_PAGE, FRAME, PGMAP),
    drops=((STRUCT_PAGE, CALLER), (PGMAP, A_PAGE)),
    frees=True,
)
def put_page(m: Machine, pfn: int) -> Effect:
    """Drop a reference on a page; with the last one, the page is given back to where it came from.

    At zero an ordinary page goes to the page allocator, and an FS DAX page (v5.11) gives back the
    pgmap reference it holds.  Both are further actions in the kernel.  They may be one with the
    decrement, because from zero on nobody else does anything with the page.  A device page is
    looked at once more when its count falls to one, with no reference held: see
    `put_devmap_managed_page`, which designs that look last use instead.
    """
    return _put(m, pfn)


def _put(m: Machine, pfn: int) -> Effect:
    page = m.page(m.head(pfn))
    count = page.refcount - 1
    after = m.with_page(replace(page, refcount=count))
    said = f"Drops a reference on the page: count {page.refcount} -> {count}"
    if count == 0 and page.kind == FS_DAX:
        after = after.with_pgmap_refs(-1, of_pages=-1)
        left = after.the_pgmap().refs
        said += f", and with it the page's reference on the pgmap: {left} left"
    if count == 0 and page.kind == NORMAL:
        after = after.with_page(replace(page, refcount=0, owner=FREE))
        said += "; the page is free" + (", for the second time" if page.owner == FREE else "")
    return Effect(after, said + ".")


@models(
    "put_devmap_managed_page",
    "mm/swap.c",
    writes=(STRUCT_PAGE, PGMAP),
    drops=((STRUCT_PAGE, CALLER), (PGMAP, A_PAGE)),
    frees=True,
)
def put_devmap_managed_page(m: Machine, cpu: int, pfn: int) -> Effect:
    """Drop a reference on a device page; with the last but one, a look at the page comes next.

    The result says so.  On a kernel without preemption nothing makes the CPU leave before it has
    looked, so a grace period waits for that.
    """
    dropped = _put(m, pfn)
    looks = m.page(pfn).refcount == 2
    after = dropped.machine.enter(NO_PREEMPT, cpu) if looks else dropped.machine
    return Effect(after, dropped.said, looks)


@models("free_devmap_managed_page", "mm/memremap.c", reads=(STRUCT_PAGE,))
def free_devmap_managed_page(m: Machine, cpu: int, pfn: int) -> Effect:
    """Look at page->pgmap, with no reference on anything, to see what kind of page it is."""
    m.page(pfn)
    after = replace(m.leave(NO_PREEMPT, cpu), owed=m.owed - {(RCU, cpu), (KILL, cpu)})
    return Effect(after, "Looks at the page's pgmap, holding no reference, and wakes who waits.")


@models(
    "__alloc_pages_nodemask",
    "mm/page_alloc.c",
    writes=(STRUCT_PAGE, FRAME),
    takes=((STRUCT_PAGE, CALLER),),
    allocates=True,
    waits=(FREE_PAGE,),
)
def alloc_page(m: Machine, owner: str) -> Effect | Blocked:
    """Take a free page from the page allocator and set its count to one."""
    normal = [page for page in m.memmap if page.kind == NORMAL]
    free = next((page for page in normal if page.owner == FREE), None)
    if free is None:
        for page in normal:
            m.page(page.pfn)  # it has looked at each in vain, and waits for any of them
        return Blocked("Waits for a free page.", FREE_PAGE)
    after = m.with_page(replace(free, refcount=1, owner=owner))
    whose = "" if owner == OURS else " for somebody else"
    return Effect(after, f"Allocates pfn {free.pfn:#x}{whose}.", free.pfn)


@models("submit_bio", "block/blk-core.c", uses=Use("device", "pfns", "write"))
def submit_bio(m: Machine, cpu: int, pfns: tuple[int, ...], write: bool) -> Effect:
    """Hand the pinned frames to another file's disk: from now on it may move data.

    `write`: into the frames, and not out of them.
    """
    return Effect(m.enter(DMA, cpu), f"Starts the I/O {_frames(pfns, write)}.")


@models("bio_endio", "block/bio.c", uses=Use("device", "pfns", "write"))
def bio_endio(m: Machine, cpu: int, pfns: tuple[int, ...], write: bool) -> Effect:
    """The last transfer between the frames and the disk; the I/O completes."""
    said = f"The disk moves the last data {_frames(pfns, write)}; the I/O is complete."
    return Effect(m.leave(DMA, cpu), said)


def _frames(pfns: tuple[int, ...], write: bool) -> str:
    return ("into " if write else "out of ") + " and ".join(f"pfn {pfn:#x}" for pfn in pfns)


# --- The filesystem's use of a page's count: truncate ---------------------------------------------


@models("dax_layout_busy_page", "fs/dax.c", "v5.10", reads=(STRUCT_PAGE,))
def dax_layout_busy_page(m: Machine) -> Effect:
    """Look whether a page of the file is used by anybody: its count is above idle.

    v6.15 subtracts the mappings; none is left here, as the file was just unmapped under the lock.
    """
    busy = in_use(m)
    return Effect(
        m, f"Looks at the pages' counts: {'one is in use' if busy else 'all idle'}.", busy
    )


def in_use(m: Machine) -> bool:
    """Is the count of a page of the device above idle?"""
    pages = [m.page(p.pfn) for p in m.memmap if p.kind in DEVICE and p.exists]
    return any(page.refcount > IDLE[page.kind] for page in pages)


@models("___wait_var_event", "include/linux/wait_bit.h", reads=(STRUCT_PAGE,), waits=(A_REFERENCE,))
def wait_until_idle(m: Machine) -> Effect | Blocked:
    """Sleep until no page of the device is in use.

    Where mappings count (v6.15), one that was made meanwhile counts as a use; in a kernel a signal,
    or an munmap by whoever made it, ends the wait.
    """
    if in_use(m):
        return Blocked("Waits for a page that is in use.", A_REFERENCE)
    return Effect(m, "Finds the pages idle: nobody uses them.")


@models("ext4_truncate", "fs/ext4/inode.c", writes=(FRAME,), frees=True)
def free_blocks(m: Machine) -> Effect:
    """Take the blocks from the file; the filesystem may give them to another one at once."""
    after = m.with_pages(replace(page, owner=OTHERS) for page in m.memmap)
    return Effect(after, "Takes the file's blocks away; another file gets them.")
