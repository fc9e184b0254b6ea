"""fork, and gup-fast that pins: the child gets the parent's pages, but never one that is pinned.

A page that both map is write-protected in both; who stores first gets a copy.  If that is the
parent, and a disk fills the page that it had, the data go where the parent no longer looks.  So a
fork copies a pinned page for the child at once, and leaves the parent's alone.
"""

from __future__ import annotations

from ..checker.step import Thread
from .design import Design
from .fault import handle_mm_fault
from .gup import get_user_pages_fast, gup_fast, put_pages
from .machine import ANONYMOUS, OURS
from .pte import FOLL_WRITE
from .steps.cpu import load_or_store
from .steps.fork import (
    copy_present_page,
    copy_present_pte,
    page_needs_cow_for_dma,
    read_seqcount,
    set_has_pinned,
    write_seqcount_begin,
    write_seqcount_end,
)
from .steps.page_table import (
    mmap_read_lock,
    mmap_read_unlock,
    mmap_write_lock,
    mmap_write_unlock,
)
from .steps.struct_page import alloc_page, bio_endio, submit_bio


def fork(cpu: int, address: int, child: int, design: Design) -> Thread:
    """Copy the mapping of a page at `address` to the child's page table, which begins at `child`.

    Returns "forked".  Source: dup_mmap(), kernel/fork.c; copy_page_range(), mm/memory.c, v5.11.
    """
    yield mmap_write_lock(cpu)
    if design.fork_counts:
        yield write_seqcount_begin()
    pinned = yield page_needs_cow_for_dma(address)
    if pinned:
        pfn = yield alloc_page(OURS)
        yield copy_present_page(child, pfn)
    else:
        yield copy_present_pte(address, child)
    if design.fork_counts:
        yield write_seqcount_end()
    yield mmap_write_unlock(cpu)
    return "forked"


def pin_user_pages_fast(cpu: int, address: int, pages: int, flags: int, design: Design) -> Thread:
    """Pin as gup-fast does, and give the pins up if a fork was under way meanwhile.

    Returns a tuple of pfns.
    Source: internal_get_user_pages_fast() and lockless_pages_from_mm(), mm/gup.c, v5.11.
    """
    yield set_has_pinned()
    seq = 0
    if design.seqcount:
        seq = yield read_seqcount()
        if seq % 2:
            return ()
    pinned = yield from gup_fast(cpu, address, pages, flags, design)
    if design.seqcount:
        again = yield read_seqcount()
        if again != seq:
            yield from put_pages(pinned)
            return ()
    return pinned


def pin_and_store(cpu: int, address: int, design: Design) -> Thread:
    """Let a disk fill a page, and store to the page meanwhile.

    Returns "done", or what gup-slow returned in place of pins.
    """
    pinned = yield from get_user_pages_fast(
        cpu, address, 1, FOLL_WRITE, design, pin_user_pages_fast
    )
    if not isinstance(pinned, tuple):
        return pinned
    yield submit_bio(cpu, pinned, True)
    stored = yield load_or_store(cpu, address, True)
    while stored is None:
        yield mmap_read_lock(cpu, address)
        yield from handle_mm_fault(cpu, address, ANONYMOUS, True, design)
        yield mmap_read_unlock(cpu)
        stored = yield load_or_store(cpu, address, True)
    yield bio_endio(cpu, pinned, True)
    yield from put_pages(pinned)
    return "done"
