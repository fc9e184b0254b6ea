"""What the machine is made of: frames, struct pages and the pgmap, and their names."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from ..checker.asked import Refusal
from ..checker.machine import CALLER
from .pte import pte_mkdevmap, user_pte

DEVICE_PFN = 0x20000  # the device's first frame: physical address 512 MiB
MEMORY_PFN = 0x1000  # the first frame of ordinary memory
ZERO_PFN = 0x10  # the frame that is always zero
MMIO_PFN = 0xFE000  # a device register: a frame without a struct page
MAPPING = 0x7F0000000000  # a user address at which a page table begins

# What a frame is, and the count of its struct page when nobody uses it.  An FS DAX page holds a
# reference on its pgmap until v5.17; from v6.15 on, a mapping holds one on the page.
NORMAL, ZERO, NOWHERE = "normal", "zero page", "no memory"
FS_DAX, BULK_DAX, COUNTED_DAX = "fs-dax", "fs-dax in bulk", "counted fs-dax"
DEVICE = (FS_DAX, BULK_DAX, COUNTED_DAX)
REGISTERS = "registers"  # a device's, which have no struct page
IDLE = MappingProxyType(
    {NORMAL: 0, ZERO: 1, FS_DAX: 1, BULK_DAX: 1, COUNTED_DAX: 0, REGISTERS: 0, NOWHERE: 0}
)

OURS, FREE, OTHERS = "ours", "free", "somebody else's"
ANONYMOUS, DAX, PFNMAP = "anonymous", "DAX file", "device registers"
ANSWERS, FROZEN, REFUSES = "answers faults", "frozen: no write faults", "refuses faults"
LINKED, UNLINKED, FREED = "linked", "unlinked", "freed"

# What steps touch, who can hold a reference, and what a step can wait for.
ENTRY, TABLE, TLB_ENTRY, VMA = "PTE", "page table", "TLB", "mapping"
MM_STRUCT = "mm_struct"
PMD, SEQCOUNT = "PMD", "write_protect_seq"
STRUCT_PAGE, FRAME, PGMAP, DEVICE_STATE = "struct page", "frame", "dev_pagemap", "device"
A_MAPPING, A_PAGE, ITSELF = "a mapping", "a struct page", "itself"
GRACE_PERIOD, FLUSH, A_LOCK, THAW = "a grace period", "a TLB flush", "a lock", "a thaw"
A_REFERENCE, FREE_PAGE = "a reference", "a free page"
THINGS = frozenset(
    {ENTRY, TABLE, TLB_ENTRY, VMA, MM_STRUCT, STRUCT_PAGE, FRAME, PGMAP, DEVICE_STATE}
)
HOLDERS = frozenset({CALLER, A_MAPPING, A_PAGE, ITSELF})
CAUSES = frozenset({GRACE_PERIOD, FLUSH, A_LOCK, THAW, A_REFERENCE, FREE_PAGE})

# Sections: what a CPU can be inside.
IRQS_OFF, NO_PREEMPT, FAULTING = "interrupts off", "no preemption", "inside a DAX fault"
PTL, FS_LOCK = "page-table lock", "filesystem's lock"
MMAP_LOCK, MMAP_WRITE = "mmap_lock", "mmap_lock to write"  # the first: to read
DAX_ENTRY, DMA = "DAX entry", "DMA in flight"


class NotThere(Refusal, ValueError):
    """A step was given an address or a frame that is not part of the machine."""


@dataclass(frozen=True, slots=True)
class StructPage:
    """The part of `struct page` that matters here, and two things about its frame.

    pfn       the frame
    refcount  `_refcount`
    kind      NORMAL, ZERO, FS_DAX, BULK_DAX or COUNTED_DAX
    owner     whose the frame's contents are: OURS, FREE or OTHERS
    exists    is the struct page there?
    mapping   does the struct page know its file: was it ever faulted in?  (page->mapping)
    head      the frame of the compound page's head, which counts for this one; None: it is its own
    """

    pfn: int
    refcount: int
    kind: str
    owner: str = OURS
    exists: bool = True
    mapping: bool = True
    head: int | None = None


@dataclass(frozen=True, slots=True)
class DevPagemap:
    """`struct dev_pagemap`: the device's claim on its frames.

    refs    the count of its percpu_ref
    dead    is the ref killed?
    listed  does pgmap_array still find it?
    life    how often the driver was bound
    pages   how many of `refs` are the struct pages'
    """

    refs: int
    dead: bool = False
    listed: bool = True
    life: int = 1
    pages: int = 0


def dax_pte(pfn: int, counted: bool = False, write: bool = True) -> int:
    """Return the PTE that maps frame `pfn` of a DAX file: a normal one where mappings count."""
    pte = user_pte(pfn, write)
    return pte if counted else pte_mkdevmap(pte)
