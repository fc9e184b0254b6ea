"""Patches about page tables and TLBs."""

from __future__ import annotations

from dataclasses import replace

from ..checker.step import Thread
from ..checker.thread import Automaton
from ..kernel.design import (
    AFTER_GRACE_PERIOD,
    AT_ONCE,
    BROADCAST,
    CURE,
    IPI,
    V5_11,
    Design,
)
from ..kernel.gup import gup_fast
from ..kernel.huge import collapse, gup_fast_by_pmd
from ..kernel.machine import (
    DMA,
    FAULTING,
    FREE,
    FS_LOCK,
    IRQS_OFF,
    MAPPING,
    MEMORY_PFN,
    MMAP_LOCK,
    MMAP_WRITE,
    NORMAL,
    OTHERS,
    PMD,
    PTL,
    StructPage,
)
from ..kernel.pte import (
    FOLL_WRITE,
    PTE_NONE,
)
from ..kernel.rules import pinned_is_mapped
from ..kernel.start import dax_machine, memory_machine
from ..kernel.steps.cpu import begin_flush, end_flush
from ..kernel.steps.huge import detach_table, fill_shared_table
from ..kernel.unmap import flush_tlb, munmap, truncate
from ..kernel.users import (
    another_process,
    touch_then_direct_io,
    user_code,
)
from .scene import AFTER, BEFORE, Scene, direct_io_by, fast_io, named, patch


@patch(
    "2ba99c5e0881",
    "mm/khugepaged: fix GUP-fast interaction by sending IPI",
    "tables exist",
)
def freed_table(version: str) -> Scene:
    """A page table with live PTEs is detached and freed; the broadcast waits for no walker."""
    waits = ("interrupt",) if version == AFTER else ()
    design = named(CURE, version, collapse=("detach", "flush", *waits, "free"))
    machine = replace(memory_machine(), frees=True, shows=(PMD, IRQS_OFF, PTL, MMAP_LOCK))
    return Scene(design, machine, (direct_io_by(0, design), _khugepaged(1, design)))


def _khugepaged(cpu: int, design: Design) -> Automaton:
    return Automaton("khugepaged", collapse, (cpu, MAPPING, design))


@patch(
    "70cbc3cc78a9",
    "mm: gup: fix the fast GUP race against THP collapse",
    "what is pinned is what is mapped",
)
def second_recheck(version: str) -> Scene:
    """The PTE is still valid, but the PMD that led to it has been cleared."""
    design = named(CURE, version, recheck_pmd=version == AFTER)
    machine = memory_machine()
    machine = replace(
        machine,
        memmap=(*machine.memmap, StructPage(MEMORY_PFN + 1, 0, NORMAL, FREE)),
        shows=(PMD, IRQS_OFF, PTL, MMAP_LOCK, MMAP_WRITE, DMA),
    )
    users = (direct_io_by(0, design, FOLL_WRITE, walk=gup_fast_by_pmd), _khugepaged(1, design))
    return Scene(design, machine, users, (pinned_is_mapped(MAPPING),))


@patch(
    "1013af4f585f",
    "mm/hugetlb: fix huge_pmd_unshare() vs GUP-fast race",
    "the right page",
)
def unshared_table(version: str) -> Scene:
    """A shared page table is left to the other process, which fills it, under a walker."""
    design = named(CURE, version)
    other = StructPage(MEMORY_PFN, 1, NORMAL, OTHERS)
    machine = replace(
        memory_machine(),
        page_table=(PTE_NONE,),
        memmap=(other,),
        shows=(PMD, IRQS_OFF, PTL, DMA),
    )
    unshares = Automaton("unshare", unshare, (other.pfn, version == AFTER, design))
    return Scene(design, machine, (fast_io(0, design), unshares))


def unshare(pfn: int, interrupts: bool, design: Design) -> Thread:
    """Give up a shared page table; the other process goes on to use it.

    A kernel clears the PUD, for it is a table of PMDs that is shared; the flush is its caller's.
    Source: huge_pmd_unshare(), mm/hugetlb.c, v6.1.
    """
    yield detach_table(MAPPING)
    yield from flush_tlb(design)
    if interrupts:
        yield begin_flush()
        yield end_flush()
    yield fill_shared_table(MAPPING, pfn)


@patch(
    "e585513b76f7",
    "x86's own gup-fast, until x86/mm/gup: Switch GUP to the generic get_user_page_fast() "
    "implementation, on a machine that flushes by broadcast (before) and on x86 (after)",
    "only the allocator revives",
)
def plain_reference(version: str) -> Scene:
    """x86's own gup-fast took a plain reference and did not look again.

    The patch mended nothing here: on x86, whose flush waits for walkers, both hold.  After: x86;
    before: the same gup-fast where a flush waits for none.
    Source: gup_pte_range(), arch/x86/mm/gup.c, which the patch removes.
    """
    flush = BROADCAST if version == BEFORE else IPI
    tables = AFTER_GRACE_PERIOD if version == BEFORE else AT_ONCE
    design = named(V5_11, version, recheck=False, unless_zero=False, tlb_flush=flush)
    design = replace(design, free_tables=tables)
    machine = replace(memory_machine(), frees=True)
    users = (
        Automaton("direct I/O", touch_then_direct_io, (0, MAPPING, 0, design, gup_fast)),
        Automaton("munmap", munmap, (1, design)),
        Automaton("another process", another_process),
    )
    return Scene(design, machine, users)


@patch("b67fbebd4cf9", "mmu_gather: Force tlb-flush VM_PFNMAP vmas", "no stale mapping")
def unlisted(version: str) -> Scene:
    """munmap has taken the mapping off its file's list, and a TLB still keeps an entry of it.

    The mapping is a DAX file's here, which is no VM_PFNMAP mapping any more: the patch flushes
    early for VM_PFNMAP and VM_MIXEDMAP alone.
    """
    twice = ("zap", "flush", "unlink", "flush", "put", "free")
    order = twice if version == AFTER else ()
    design = named(V5_11, version, munmap=order)
    machine = replace(dax_machine(), frees=True, tlbs=(0,), shows=(FAULTING, FS_LOCK, MMAP_LOCK))
    users = (
        Automaton("store", user_code, (0, MAPPING, True, 1, design)),
        Automaton("munmap", munmap, (1, design)),
        Automaton("truncate", truncate, (2, design)),
    )
    return Scene(design, machine, users)
