"""The mail's second thread: unbinding the pmem driver, in the order its design gives.

Each phase is a small thread of its own, named after what the kernel runs there.  `unbind` plays
the phases of `design.unbind` one after the other, so a kernel's order is data (see design.py).
"""

from __future__ import annotations

from collections.abc import Callable

from .design import Design
from .gup import Thread
from .machine import FIRST_PFN
from .steps import (
    begin_drain,
    begin_grace_period,
    clear_dax_alive,
    delete_from_pgmap_array,
    end_drain,
    end_grace_period,
    percpu_ref_kill,
    percpu_ref_put_many,
    put_page,
    remove_struct_pages,
    unbind_returns,
    wait_for_pgmap_refs,
    zap_all_files,
)


def unbind(pages: int, design: Design) -> Thread:
    """Unbind the driver of a device of `pages` pages: echo NAME > .../unbind.

    Returns "unbound".  Source: unbind_store(), drivers/base/bus.c; the devm actions of
    drivers/nvdimm/pmem.c; memunmap_pages(), mm/memremap.c, v5.11.
    """
    phase = 0
    while phase < len(design.unbind):
        yield from PHASES[design.unbind[phase]](pages)
        phase += 1
    return "unbound"


def kill_dax(pages: int) -> Thread:
    """Refuse new faults.

    synchronize_srcu() has nothing to wait for here: the sections it waits for are one step.
    """
    yield clear_dax_alive()


def drain_faults(pages: int) -> Thread:
    """Wait for the faults that have their frame and have not set their PTE yet.

    The filesystem's lock is taken and let go: a barrier, which keeps no later fault out.
    """
    yield begin_drain()
    yield end_drain()


def unmap_all_files(pages: int) -> Thread:
    """Take every mapping of every DAX file away."""
    yield zap_all_files()


def serialise_walkers(pages: int) -> Thread:
    """Wait for every gup-fast that may have read a PTE before it was cleared."""
    yield begin_grace_period()
    yield end_grace_period()


def dev_pagemap_kill(pages: int) -> Thread:
    """Refuse new live references on the pgmap."""
    yield percpu_ref_kill()


def put_pages(pages: int) -> Thread:
    """Drop the reference that every struct page was born with."""
    page = 0
    while page < pages:
        yield put_page(FIRST_PFN + page)
        page += 1


def drop_pages_in_bulk(pages: int) -> Thread:
    """Drop all the pages' references on the pgmap, whoever still uses the pages."""
    yield percpu_ref_put_many()


def dev_pagemap_cleanup(pages: int) -> Thread:
    """Wait for the kill's grace period, then until nobody holds the pgmap."""
    yield wait_for_pgmap_refs()


def arch_remove_memory(pages: int) -> Thread:
    """Take the struct pages away."""
    yield remove_struct_pages()


def pgmap_array_delete(pages: int) -> Thread:
    """Make lookups of the pgmap find nothing."""
    yield delete_from_pgmap_array()


def detach_driver(pages: int) -> Thread:
    """Detach the driver and let the write to `unbind` return."""
    yield unbind_returns()


PHASES: dict[str, Callable[[int], Thread]] = {
    phase.__name__: phase
    for phase in (
        kill_dax,
        drain_faults,
        unmap_all_files,
        serialise_walkers,
        dev_pagemap_kill,
        put_pages,
        drop_pages_in_bulk,
        dev_pagemap_cleanup,
        arch_remove_memory,
        pgmap_array_delete,
        detach_driver,
    )
}
