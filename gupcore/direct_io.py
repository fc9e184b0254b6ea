"""The mail's first thread: direct I/O with a mapped DAX file as its buffer.

Pinning is only the beginning.  The disk moves the data while the pin is held, and the
completion that drops the pin touches the struct page once more: on kernels whose unbind does
not wait for pins, that last touch is the one that dies.
"""

from __future__ import annotations

from .design import Design
from .gup import EFAULT, ENOMEM, GupFast, Thread, gup_fast, gup_slow
from .steps import dma, put_page


def direct_io(
    cpu: int, address: int, flags: int, design: Design, gup_fast: GupFast = gup_fast
) -> Thread:
    """Run one direct I/O of one page: pin the buffer, let the disk move the data, drop the pin.

    Returns "done", or what gup-slow returned in its place.  Source: iov_iter_get_pages(),
    lib/iov_iter.c, and bio_release_pages(), block/bio.c, v5.10.
    """
    pfn = yield from gup_fast(cpu, address, flags, design)
    if pfn is None:
        pfn = yield from gup_slow(cpu, address, design)
    if pfn in (EFAULT, ENOMEM):
        return pfn
    yield dma(pfn)
    yield put_page(pfn)
    return "done"
