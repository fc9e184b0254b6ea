"""The mail's second thread: unbinding the pmem driver, in the order its design gives.

Each phase is a small thread of its own, named after what the kernel runs there.  `unbind` plays
the phases of `design.unbind` one after the other, so a kernel's order is data (see design.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ..checker.asked import ScenarioError, one_of
from ..checker.step import Thread
from .design import DESIGNS, Design
from .machine import BULK_DAX, COUNTED_DAX, DEVICE_PFN, FS_DAX
from .steps.dax import (
    clear_dax_alive,
    freeze_super,
    lock_filesystem,
    set_shutdown_state_clean,
    shut_down,
    unlock_filesystem,
    unmap_by_memory_failure,
)
from .steps.page_table import write_protect_ptes
from .steps.pagemap import (
    bind_again,
    delete_from_pgmap_array,
    percpu_ref_kill,
    percpu_ref_put_many,
    remove_struct_pages,
    unbind_returns,
    wait_for_pgmap_refs,
)
from .steps.struct_page import put_page, wait_until_idle
from .unmap import flush_tlb, synchronize_rcu, unmap_file

Pages = int | tuple[int, ...]  # how many pages a device has, or their frames


def unbind(cpu: int, pages: Pages, design: Design) -> Thread:
    """Unbind the driver of a device: echo NAME > .../unbind.

    pages  how many pages it has, from DEVICE_PFN on; or their frames

    Returns "unbound".  Source: unbind_store(), drivers/base/bus.c; the devm actions of
    drivers/nvdimm/pmem.c; memunmap_pages(), mm/memremap.c, v5.11.
    """
    phase = 0
    while phase < len(design.unbind):
        yield from PHASES[design.unbind[phase]](cpu, pages, design)
        phase += 1
    return "unbound"


def rebind(cpu: int, pages: Pages, design: Design) -> Thread:
    """Unbind the driver, bind it again and mount the disk anew.  Returns "bound again"."""
    yield from unbind(cpu, pages, design)
    yield bind_again()
    return "bound again"


def kill_dax(cpu: int, pages: Pages, design: Design) -> Thread:
    """Refuse new faults.

    synchronize_srcu() has nothing to wait for here: the sections it waits for are one step.
    """
    yield clear_dax_alive()


def del_gendisk(cpu: int, pages: Pages, design: Design) -> Thread:
    """Sync the filesystem, which write-protects the writable mappings of its files."""
    yield write_protect_ptes()


def freeze_fs(cpu: int, pages: Pages, design: Design) -> Thread:
    """Freeze the filesystem, which keeps faults for writing waiting, and no others."""
    yield freeze_super()


def shut_down_fs(cpu: int, pages: Pages, design: Design) -> Thread:
    """Shut the filesystem down and thaw it: from now on it refuses faults."""
    yield shut_down()


def drain_faults(cpu: int, pages: Pages, design: Design) -> Thread:
    """Wait for the faults that have their frame and have not set their PTE yet.

    The filesystem's lock is taken and let go: a barrier, which keeps no later fault out.
    device-dax has it from synchronize_srcu() in kill_dax(): there a fault ends inside the section.
    XFS has it from the locks on the DAX entries, taken one by one, each held while its page is
    unmapped; this one drain, before the unmapping, lets some faults through that XFS waits for.
    """
    yield lock_filesystem(cpu)
    yield unlock_filesystem(cpu)


def unmap_all_files(cpu: int, pages: Pages, design: Design) -> Thread:
    """Take every mapping of every DAX file away."""
    yield from unmap_file(design)


def memory_failure(cpu: int, pages: Pages, design: Design) -> Thread:
    """Take every mapping of every page of the device away, page by page."""
    left = frames(pages)
    while left:
        zapped = yield unmap_by_memory_failure(left[0])
        if zapped is not None:
            yield from flush_tlb(design)
        left = left[1:]


def serialise_walkers(cpu: int, pages: Pages, design: Design) -> Thread:
    """Wait for every gup-fast that may have read a PTE before it was cleared."""
    yield from synchronize_rcu()


def wait_for_idle_pages(cpu: int, pages: Pages, design: Design) -> Thread:
    """Wait until nobody uses a page of the device, as truncation does for one file."""
    yield wait_until_idle()


def dev_pagemap_kill(cpu: int, pages: Pages, design: Design) -> Thread:
    """Refuse new live references on the pgmap."""
    yield percpu_ref_kill()


def put_pages(cpu: int, pages: Pages, design: Design) -> Thread:
    """Drop the reference that every struct page was born with."""
    left = frames(pages)
    while left:
        yield put_page(left[0])
        left = left[1:]


def drop_pages_in_bulk(cpu: int, pages: Pages, design: Design) -> Thread:
    """Drop all the pages' references on the pgmap, whoever still uses the pages."""
    yield percpu_ref_put_many()


def dev_pagemap_cleanup(cpu: int, pages: Pages, design: Design) -> Thread:
    """Wait for the kill's grace period, then until nobody holds the pgmap."""
    yield wait_for_pgmap_refs()


def mem_hotplug_begin(cpu: int, pages: Pages, design: Design) -> Thread:
    """Take the lock for removing memory, which can wait for one more grace period.

    A phase of its own, and of few designs: it does not when its lock was taken a moment ago.
    Source: percpu_down_write(), kernel/locking/percpu-rwsem.c; rcu_sync_enter(),
    kernel/rcu/sync.c, v5.11.
    """
    yield from synchronize_rcu()


def arch_remove_memory(cpu: int, pages: Pages, design: Design) -> Thread:
    """Take the struct pages away."""
    yield remove_struct_pages()


def pgmap_array_delete(cpu: int, pages: Pages, design: Design) -> Thread:
    """Make lookups of the pgmap find nothing."""
    yield delete_from_pgmap_array()


def mark_clean(cpu: int, pages: Pages, design: Design) -> Thread:
    """Tell the device that its data are safe: that nothing will write to it any more."""
    yield set_shutdown_state_clean()


def detach_driver(cpu: int, pages: Pages, design: Design) -> Thread:
    """Detach the driver and let the write to `unbind` return."""
    yield unbind_returns()


def frames(pages: Pages) -> tuple[int, ...]:
    """Return the frames of the device."""
    if isinstance(pages, tuple):
        return pages
    return tuple(range(DEVICE_PFN, DEVICE_PFN + pages))


Phase = Callable[[int, Pages, Design], Thread]

PHASES: Mapping[str, Phase] = MappingProxyType(
    {
        phase.__name__: phase
        for phase in (
            kill_dax,
            del_gendisk,
            freeze_fs,
            shut_down_fs,
            drain_faults,
            unmap_all_files,
            memory_failure,
            serialise_walkers,
            wait_for_idle_pages,
            dev_pagemap_kill,
            put_pages,
            drop_pages_in_bulk,
            dev_pagemap_cleanup,
            mem_hotplug_begin,
            arch_remove_memory,
            pgmap_array_delete,
            mark_clean,
            detach_driver,
        )
    }
)


def phases(design: Design) -> tuple[Phase, ...]:
    """Return the phases of a design's unbind."""
    return tuple(PHASES[name] for name in design.unbind)


def page_kind(design: Design) -> str:
    """Return what a device's pages are, as those who let go of them in this design expect."""
    if design.counted:
        return COUNTED_DAX
    return BULK_DAX if drop_pages_in_bulk in phases(design) else FS_DAX


def named_design(design: object) -> Design:
    """Return a design, or that of a name; raise ScenarioError if it, or a phase, is unknown."""
    if isinstance(design, str):
        design = DESIGNS[design]
    if not isinstance(design, Design):
        raise ScenarioError(f"{design!r} is no design; choose {one_of(DESIGNS)}.")
    for phase in design.unbind:
        if phase not in PHASES:
            raise ScenarioError(f"Unbind has no phase {phase!r}; choose {one_of(PHASES)}.")
    return design
