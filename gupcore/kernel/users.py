"""Those who use pages, as threads: direct I/O, block I/O, and user code on its CPU.

Pinning is only the beginning.  The disk moves the data while the pin is held, and the
completion that drops the pin touches the struct page once more: on kernels whose unbind does
not wait for pins, that last touch is the one that dies.  User code needs no pin and no struct
page: it goes through the TLB.
"""

from __future__ import annotations

from ..checker.step import Thread
from .design import Design
from .fault import VM_FAULT_SIGBUS, handle_mm_fault
from .gup import GupFast, get_user_pages_fast, gup_fast, put_pages
from .machine import OTHERS
from .pte import FOLL_WRITE
from .steps.cpu import load_or_store
from .steps.page_table import mmap_read_lock, mmap_read_unlock
from .steps.pagemap import blk_queue_enter, blk_queue_exit, pmem_do_write
from .steps.struct_page import (
    alloc_page,
    bio_endio,
    free_devmap_managed_page,
    put_devmap_managed_page,
    put_page,
    submit_bio,
)

ENODEV = "-ENODEV"


def direct_io(
    cpu: int, address: int, pages: int, flags: int, design: Design, gup_fast: GupFast = gup_fast
) -> Thread:
    """Run one direct I/O: pin the buffer, let the disk move the data, drop the pins.

    Returns "done", or what gup-slow returned in its place.  Source: iov_iter_get_pages(),
    lib/iov_iter.c, and bio_release_pages(), block/bio.c, v5.10.
    """
    pinned = yield from get_user_pages_fast(cpu, address, pages, flags, design, gup_fast)
    if not isinstance(pinned, tuple):
        return pinned
    write = bool(flags & FOLL_WRITE)
    yield submit_bio(cpu, pinned, write)
    yield bio_endio(cpu, pinned, write)
    yield from put_pages(pinned)
    return "done"


def direct_io_that_looks_last(
    cpu: int, address: int, pages: int, flags: int, design: Design, gup_fast: GupFast = gup_fast
) -> Thread:
    """Run one direct I/O as `direct_io`, with the look that dropping the last pin ends with.

    gup-fast's own drops are not told apart: there interrupts are off.
    Source: put_devmap_managed_page(), mm/swap.c, v5.11.
    """
    pinned = yield from get_user_pages_fast(cpu, address, pages, flags, design, gup_fast)
    if not isinstance(pinned, tuple):
        return pinned
    write = bool(flags & FOLL_WRITE)
    yield submit_bio(cpu, pinned, write)
    yield bio_endio(cpu, pinned, write)
    while pinned:
        looks = yield put_devmap_managed_page(cpu, pinned[0])
        if looks:
            yield free_devmap_managed_page(cpu, pinned[0])
        pinned = pinned[1:]
    return "done"


def touch_then_direct_io(
    cpu: int, address: int, flags: int, design: Design, gup_fast: GupFast = gup_fast
) -> Thread:
    """Touch a buffer of one page, as programs do, then run direct I/O on it from the same CPU.

    The CPU's TLB then keeps an entry while gup-fast has interrupts off.  Returns as `direct_io`.
    """
    yield load_or_store(cpu, address, bool(flags & FOLL_WRITE))
    result = yield from direct_io(cpu, address, 1, flags, design, gup_fast)
    return result


def use(cpu: int, pinned: tuple[int, ...], write: bool = False) -> Thread:
    """Let a disk use pages that are pinned, and drop the pins."""
    yield submit_bio(cpu, pinned, write)
    yield bio_endio(cpu, pinned, write)
    yield from put_pages(pinned)


def block_io(pfn: int) -> Thread:
    """Write to the pmem block device itself, as a filesystem does.

    In v5.11 the ref that lets it into the block queue is the pgmap's; unbind waits for it.
    Returns "done" or ENODEV.
    Source: blk_queue_enter(), block/blk-core.c; pmem_do_write(), drivers/nvdimm/pmem.c, v6.1.
    """
    entered = yield blk_queue_enter()
    if not entered:
        return ENODEV
    yield pmem_do_write(pfn)
    yield blk_queue_exit()
    return "done"


def user_code(cpu: int, address: int, write: bool, times: int, design: Design) -> Thread:
    """Load from an address, or store to it, `times` times; fault the page in when it is not there.

    Returns "done"; "SIGSEGV", if nothing is mapped there; or "SIGBUS".
    Source: the hardware; do_user_addr_fault(), arch/x86/mm/fault.c, v5.11.
    """
    done = 0
    while done < times:
        pfn = yield load_or_store(cpu, address, write)
        if pfn is not None:
            done += 1
            continue
        vmas = yield mmap_read_lock(cpu, address)
        fault = None
        if vmas[0] is not None:
            fault = yield from handle_mm_fault(cpu, address, vmas[0], write, design)
        yield mmap_read_unlock(cpu)
        if fault is None:
            return "SIGSEGV"
        if fault == VM_FAULT_SIGBUS:
            return "SIGBUS"
    return "done"


def another_process() -> Thread:
    """Take a page from the page allocator, use it, and give it back."""
    pfn = yield alloc_page(OTHERS)
    yield put_page(pfn)
    return "done"
