"""Page faults, as threads: what happens when a PTE is not there or does not permit the access.

gup-slow, and a load or store by user code, come here.  With a PTE that permits the access
nothing is done and nothing is wrong; that is why gup-slow can go round for ever.
"""

from __future__ import annotations

from ..checker.step import Thread
from .design import Design
from .machine import ANONYMOUS, DAX, OURS
from .pte import pte_none, pte_pfn, pte_present, pte_protnone, pte_special, pte_write
from .steps.dax import dax_associate_entry, dax_direct_access, vmf_insert_mixed
from .steps.page_table import do_numa_page, handle_pte_fault, pte_alloc, set_copied_pte
from .steps.struct_page import alloc_page, put_page

VM_FAULT_NOPAGE, VM_FAULT_SIGBUS = "VM_FAULT_NOPAGE", "VM_FAULT_SIGBUS"


def handle_mm_fault(cpu: int, address: int, vma: str | None, write: bool, design: Design) -> Thread:
    """Answer a fault at an address where `vma` is mapped.

    A kernel goes on with a page table that it has made, and sleeps on a page that is on its way
    (migration_entry_wait); here the access faults again.

    Returns 0: nothing was wrong; VM_FAULT_NOPAGE: the PTE is set; or VM_FAULT_SIGBUS.
    Source: handle_pte_fault(), mm/memory.c, v5.11.
    """
    pte = yield handle_pte_fault(address)
    if pte is None:
        yield pte_alloc(address)
        return 0
    if not (pte_none(pte) or pte_present(pte)):
        return 0
    if pte_protnone(pte):
        yield do_numa_page(address, pte)
        return 0
    if pte_present(pte) and (pte_write(pte) or not write):
        return 0
    if vma == DAX:
        fault = yield from dax_iomap_pte_fault(cpu, address, write, design)
        return fault
    if vma == ANONYMOUS:
        pfn = yield alloc_page(OURS)
        mapped = yield set_copied_pte(address, pte, pfn)
        if not mapped:
            yield put_page(pfn)
        elif pte_present(pte) and not pte_special(pte):
            yield put_page(pte_pfn(pte))
        return VM_FAULT_NOPAGE
    return VM_FAULT_SIGBUS


def dax_iomap_pte_fault(cpu: int, address: int, write: bool, design: Design) -> Thread:
    """Map a page of the DAX file: get its frame, then set the PTE; in between it is in flight.

    Returns VM_FAULT_NOPAGE or VM_FAULT_SIGBUS.
    Source: dax_iomap_pte_fault(), fs/dax.c, v5.10.
    """
    pfn = yield dax_direct_access(cpu, address, write, design.preemptible)
    if pfn is None:
        return VM_FAULT_SIGBUS
    yield dax_associate_entry(cpu, pfn)
    yield vmf_insert_mixed(cpu, address, pfn, write)
    return VM_FAULT_NOPAGE
