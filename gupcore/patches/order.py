"""Patches to the order in which a device is taken down."""

from __future__ import annotations

from dataclasses import replace

from ..checker.step import Thread
from ..checker.thread import Automaton
from ..kernel.design import (
    MEMUNMAP_IN_BULK,
    UNMAP_ALL,
    V5_11,
    Design,
    inserted,
    without,
)
from ..kernel.device import page_kind
from ..kernel.gup import gup_fast
from ..kernel.machine import (
    DEVICE_PFN,
    MAPPING,
    PFNMAP,
)
from ..kernel.pte import (
    FOLL_WRITE,
    pte_mkdevmap,
    user_pte,
)
from ..kernel.rules import READ_ONLY
from ..kernel.start import dax_machine, special_machine
from ..kernel.steps.page_table import zap_ptes
from ..kernel.steps.pagemap import unbind_returns
from ..kernel.unmap import flush_tlb
from ..kernel.users import (
    block_io,
    user_code,
)
from .scene import AFTER, BEFORE, BOTH, Scene, direct_io_by, named, patch, unbinds

LATE = inserted(
    without(BOTH.unbind, "dev_pagemap_cleanup"), "pgmap_array_delete", "dev_pagemap_cleanup"
)


@patch("50f44ee7248a", "mm/devm_memremap_pages: fix final page put race", "struct page exists")
def final_put(version: str) -> Scene:
    """The wait for the last reference came after the struct pages were removed."""
    design = named(BOTH, version, unbind=LATE if version == BEFORE else BOTH.unbind)
    machine = dax_machine(kind=page_kind(design))
    return Scene(design, machine, (direct_io_by(0, design), unbinds(1, design)))


@patch(
    "0dc45ca1ce18",
    "mm/memremap.c: take a pgmap reference on page allocation",
    "struct page exists",
)
def extra_reference(version: str) -> Scene:
    """Unbind drops all pages' references at once, and waits for none that is in use.

    So it is since 27674ef6c73f, "mm: remove the extra ZONE_DEVICE struct page refcount".  The patch
    gives device-private and device-coherent pages their own references back; here the pages are
    FS DAX, which it leaves as they were.
    """
    unbind_order = ("kill_dax", *UNMAP_ALL, "del_gendisk", *MEMUNMAP_IN_BULK)
    design = named(BOTH, version, unbind=unbind_order if version == BEFORE else BOTH.unbind)
    machine = dax_machine(kind=page_kind(design))
    return Scene(design, machine, (direct_io_by(0, design), unbinds(1, design)))


@patch(
    "32b2397c1e56",
    "libnvdimm/pmem: Fix crash triggered when I/O in-flight during unbind",
    "struct page exists",
)
def queue_drain(version: str) -> Scene:
    """The device's memory is unmapped, and only then its block queue drained.

    The patch is about a namespace without struct pages (Fixes: 50f44ee7248a): what goes too early
    there is the kernel's mapping of it, devm_memremap()'s.  Here the struct pages, which the
    model's block I/O asks for, stand for that mapping, and the pgmap's reference for the queue's.
    """
    design = named(BOTH, version, unbind=LATE if version == BEFORE else BOTH.unbind)
    users = (Automaton("block I/O", block_io, (DEVICE_PFN,)), unbinds(1, design))
    return Scene(design, dax_machine(kind=page_kind(design)), users)


@patch(
    "ef947b2",
    "x86, mm: fix gup_pte_range() vs DAX mappings",
    "no write through a read-only entry",
)
def skipped_permission(version: str) -> Scene:
    """gup-fast's branch for device pages does not ask whether the PTE may be written."""
    design = named(V5_11, version)
    machine = dax_machine()
    walk = gup_fast if version == AFTER else gup_fast_that_permits
    machine = machine.with_pte(MAPPING, pte_mkdevmap(user_pte(DEVICE_PFN, write=False)))
    return Scene(design, machine, (direct_io_by(0, design, FOLL_WRITE, walk=walk),), (READ_ONLY,))


def gup_fast_that_permits(cpu: int, address: int, pages: int, flags: int, design: Design) -> Thread:
    """Pin as gup-fast does that was asked to read, whatever it was asked."""
    pinned = yield from gup_fast(cpu, address, pages, flags & ~FOLL_WRITE, design)
    return pinned


@patch("tt-kmd-255", "Zap userspace MMIO mmaps in tenstorrent_pci_remove", "no stale mapping")
def registers(version: str) -> Scene:
    """A device is removed, and processes still have its registers mapped.

    A pull request to a driver outside the kernel's tree, github.com/tenstorrent/tt-kmd.
    """
    design = named(V5_11, version)
    machine = replace(special_machine(PFNMAP, spare=0), tlbs=(0,))
    users = (
        Automaton("store", user_code, (0, MAPPING, True, 2, design)),
        Automaton("remove", remove, (version == AFTER, design)),
    )
    return Scene(design, machine, users)


def remove(zaps: bool, design: Design) -> Thread:
    """Remove a device that has registers and no memory."""
    if zaps:
        yield zap_ptes()
        yield from flush_tlb(design)
    yield unbind_returns()
