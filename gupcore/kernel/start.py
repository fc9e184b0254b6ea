"""The machines that scenarios start from."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

from .machine import (
    ANONYMOUS,
    COUNTED_DAX,
    DAX,
    DEVICE_PFN,
    FREE,
    FS_DAX,
    IDLE,
    IRQS_OFF,
    LINKED,
    MAPPING,
    MEMORY_PFN,
    MMAP_LOCK,
    MMIO_PFN,
    NORMAL,
    PFNMAP,
    PTL,
    REGISTERS,
    ZERO,
    ZERO_PFN,
    DevPagemap,
    Machine,
    StructPage,
    dax_pte,
)
from .pte import PAGE_SHIFT, PTE_NONE, PTRS_PER_PTE, pte_mkprotnone, pte_mkspecial, user_pte

Kind = TypeVar("Kind", bound=Machine)


def dax_machine(
    pages: int = 1,
    mapped: bool = True,
    kind: str = FS_DAX,
    start: int = MAPPING,
    first: int = DEVICE_PFN,
) -> Machine:
    """Return a machine with a DAX file of `pages` pages on a bound pmem device.

    mapped   are its pages already in the page table, or will the first access fault them in?
    kind     FS_DAX, BULK_DAX or COUNTED_DAX, where a mapping holds a reference on its page
    start    the first address of the mapping
    first    the device's first frame

    The pgmap starts as memremap_pages() leaves it: its own reference and one a struct page.
    """
    pfns = range(first, first + pages)
    counted = kind == COUNTED_DAX
    held = int(counted and mapped)
    return Machine(
        page_table=tuple(dax_pte(pfn, counted) if mapped else PTE_NONE for pfn in pfns),
        memmap=tuple(StructPage(pfn, IDLE[kind] + held, kind, mapping=mapped) for pfn in pfns),
        vmas=(DAX,) * pages,
        start=start,
        tables=(LINKED,) * _tables(start, pages),
        pgmap=DevPagemap(refs=1 + pages, pages=pages),
    )


def memory_machine(
    pages: int = 1, start: int = MAPPING, hinting: bool = False, first: int = MEMORY_PFN
) -> Machine:
    """Return a machine with `pages` pages of anonymous memory mapped; a mapping holds a count.

    start    the first address of the mapping
    hinting  are the PTEs protnone: is the next use of a page to be noticed?
    first    the first frame
    """
    pfns = range(first, first + pages)
    return Machine(
        page_table=tuple(
            pte_mkprotnone(user_pte(pfn)) if hinting else user_pte(pfn) for pfn in pfns
        ),
        memmap=tuple(StructPage(pfn, 1, NORMAL) for pfn in pfns),
        vmas=(ANONYMOUS,) * pages,
        start=start,
        tables=(LINKED,) * _tables(start, pages),
        shows=(IRQS_OFF, PTL, MMAP_LOCK),
    )


def special_machine(vma: str, spare: int = 1, start: int = MAPPING, moved: int = 0) -> Machine:
    """Return a machine whose one PTE is special: the zero page, or a device's registers.

    vma    ANONYMOUS: the zero page, mapped by a load from memory never written; PFNMAP: registers,
           which have no struct page
    spare  how many frames of memory are free
    start  the address of the mapping
    moved  by how many frames everything lies further up
    """
    kind, first = (ZERO, ZERO_PFN) if vma == ANONYMOUS else (REGISTERS, MMIO_PFN)
    pfn = moved + first
    behind = StructPage(pfn, IDLE[kind], kind, exists=kind == ZERO)
    return Machine(
        page_table=(pte_mkspecial(user_pte(pfn, write=vma == PFNMAP)),),
        memmap=(
            behind,
            *(StructPage(MEMORY_PFN + moved + n, 0, NORMAL, FREE) for n in range(spare)),
        ),
        vmas=(vma,),
        start=start,
        shows=(IRQS_OFF, PTL, MMAP_LOCK),
    )


def with_more(kind: type[Kind], machine: Machine, **more: Any) -> Kind:
    """Return a machine of a reader's own kind, which has further fields, begun from one without.

    kind     a frozen dataclass that is a subclass of Machine
    machine  gives the fields that every Machine has
    more     the further fields, where they are not to have their defaults
    """
    return kind(**{field.name: getattr(machine, field.name) for field in fields(machine)}, **more)


def _tables(start: int, pages: int) -> int:
    first, last = start >> PAGE_SHIFT, (start >> PAGE_SHIFT) + pages - 1
    return last // PTRS_PER_PTE - first // PTRS_PER_PTE + 1
