"""Steps of fork: share a page with the child, or copy it; and what gup-fast asks to stay out of it.

A second process needs no machine of its own: its page table is another one, at another address.
A fork holds mmap_lock to write, so nobody holds the page-table lock who took mmap_lock first.
"""

from __future__ import annotations

from dataclasses import replace

from ...checker.machine import CALLER
from ...checker.step import Effect, models
from ...checker.unseen import set_of
from ..machine import (
    A_MAPPING,
    ENTRY,
    MM_STRUCT,
    STRUCT_PAGE,
    TLB_ENTRY,
    Machine,
)
from ..pte import pte_pfn, pte_wrprotect, user_pte


@models("atomic_set", "mm/gup.c", writes=(MM_STRUCT,))
def set_has_pinned(m: Machine) -> Effect:
    """Say that this process pins pages, before the first one is pinned."""
    return Effect(replace(m, mm_has_pinned=True), "Sets has_pinned.")


@models("raw_read_seqcount", "mm/gup.c", reads=(MM_STRUCT,))
def read_seqcount(m: Machine) -> Effect:
    """Read the seqcount write_protect_seq: odd while a fork write-protects PTEs."""
    m.seqcount()
    return Effect(m, f"Reads write_protect_seq: {m.write_protect_seq}.", m.write_protect_seq)


@models("raw_write_seqcount_begin", "mm/memory.c", writes=(MM_STRUCT,))
def write_seqcount_begin(m: Machine) -> Effect:
    """Make the seqcount odd."""
    return Effect(_counted(m), "Makes write_protect_seq odd.")


@models("raw_write_seqcount_end", "mm/memory.c", writes=(MM_STRUCT,))
def write_seqcount_end(m: Machine) -> Effect:
    """Make the seqcount even again."""
    return Effect(_counted(m), "Makes write_protect_seq even again.")


def _counted(m: Machine) -> Machine:
    return replace(m, write_protect_seq=m.seqcount() + 1)


@models(
    "page_needs_cow_for_dma", "include/linux/mm.h", "v5.12", reads=(MM_STRUCT, ENTRY, STRUCT_PAGE)
)
def page_needs_cow_for_dma(m: Machine, address: int) -> Effect:
    """Look whether the page may be pinned: its process pins, and more hold it than map it.

    A pin counts 1024 in a kernel, so that it can be told from a reference; here it counts one, and
    every reference that no mapping holds is taken for a pin.
    """
    pfn = pte_pfn(m.pte(address))
    pins = m.pins()
    pinned = m.page(m.head(pfn)).refcount > m.counted(m.head(pfn))
    words = "it may be" if pins and pinned else "it is not"
    return Effect(m, f"Looks whether the page is pinned: {words}.", pins and pinned)


@models(
    "copy_present_pte",
    "mm/memory.c",
    writes=(ENTRY, TLB_ENTRY, STRUCT_PAGE),
    takes=((STRUCT_PAGE, A_MAPPING),),
)
def copy_present_pte(m: Machine, address: int, child: int) -> Effect:
    """Write-protect the parent's PTE and map the page in the child, which takes a reference.

    The flush comes at the end of a kernel's fork, still under mmap_lock; here it is part of the
    step, so a store through a stale TLB entry is left out.
    """
    pte = pte_wrprotect(m.pte(address))
    page = m.page(m.head(pte_pfn(pte)))
    tlb = set_of(entry for entry in m.tlb if entry[1] != m.index(address))
    after = replace(m.with_pte(address, pte).with_pte(child, pte), tlb=tlb)
    after = after.with_page(replace(page, refcount=page.refcount + 1))
    return Effect(after, "Write-protects the PTE; the child maps the page, too.")


@models(
    "copy_present_page",
    "mm/memory.c",
    writes=(ENTRY,),
    takes=((STRUCT_PAGE, A_MAPPING),),
    drops=((STRUCT_PAGE, CALLER),),
)
def copy_present_page(m: Machine, child: int, pfn: int) -> Effect:
    """Map a copy in the child; the parent keeps its page, and may write to it."""
    return Effect(m.with_pte(child, user_pte(pfn)), "The child maps a copy of the page.")
