"""How the machine is drawn: page table, memmap and memory side by side, below them who brought it.

A PTE and a TLB entry point at a frame, a struct page describes one.  Where mappings count, the PTE
holds the page; an FS DAX page holds its dev_pagemap.  What a page or a pgmap was born with is the
driver's to give up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..checker.picture import (
    BESIDES,
    BOX,
    CACHE,
    DYING,
    EMPTY,
    ENTRY,
    FRAME,
    GONE,
    PAGE,
    SECTION,
    THERE,
    Drawn,
    Known,
    called,
    drawn,
    tell,
)
from .design import Design
from .machine import (
    ANSWERS,
    DEVICE,
    DMA,
    FAULTING,
    FREE,
    FREED,
    FS_DAX,
    FS_LOCK,
    IRQS_OFF,
    LINKED,
    OURS,
    PGMAP,
    PMD,
    PTL,
    REFUSES,
    SEQCOUNT,
    STRUCT_PAGE,
    TABLE,
    Machine,
    StructPage,
)
from .machine import ENTRY as A_PTE
from .pte import pmd_leaf, pte_kind, pte_pfn, pte_present, pte_special, pte_write
from .things import numbered

PAGE_TABLE, MEMMAP, MEMORY, BROUGHT = "page table", "memmap", "memory", "who brought it"
ARGUMENTS = ("cpu", "address", "pages", "flags", "design")  # which nobody changes
SHORT = {
    IRQS_OFF: "irqs off",
    FAULTING: "in a fault",
    PTL: "PTL",
    FS_LOCK: "fs lock",
    DMA: "DMA",
    ANSWERS: "answers",
    REFUSES: "refuses",
}


@drawn.register
def _(machine: Machine) -> Mapping[str, Drawn]:
    return {
        **{numbered("PTE", n): _entry(machine, n) for n in range(len(machine.page_table))},
        **_tables(machine),
        **_upper(machine),
        **{f"TLB of CPU {cpu}": _cache(machine, cpu) for cpu in machine.tlbs},
        **{machine.page_name(page.pfn): _page(machine, page) for page in machine.memmap},
        **{_frame_name(page.pfn): _frame(machine, page) for page in machine.memmap},
        **_device(machine),
        **{section: _section(machine, section) for section in machine.sections()},
        **_further(machine),
    }


def _further(machine: Machine) -> dict[str, Drawn]:
    """Draw the frames that a reader's own kind of machine has besides: they point there."""
    known = {field.name for field in fields(Machine)}
    held = {f.name: getattr(machine, f.name) for f in fields(machine) if f.name not in known}
    pfns = {page.pfn for page in machine.memmap}
    return {
        name: Drawn(BOX, BESIDES, words=f"{pfn:#x}", points=(("maps", _frame_name(pfn)),))
        for name, pfn in held.items()
        if type(pfn) is int and pfn in pfns
    }


@tell.register
def _(machine: Machine, name: str, value: Any) -> Known | None:
    if name in ARGUMENTS or callable(value) or isinstance(value, Design):
        return None
    if name in ("pte", "seen") and type(value) is int:
        return Known(name, _pte_words(value), _page_of(machine, pte_pfn(value)))
    if name in ("pfn", "page") and type(value) is int:
        return Known(name, f"{value:#x}", _page_of(machine, value))
    if name == "pgmap":
        return Known(name, "held" if value else "none", "dev_pagemap" if value else "")
    if type(value) is tuple and value and all(type(part) is int for part in value):
        return Known(name, " ".join(map(hex, value)), _page_of(machine, value[0]))
    if name == "at":
        return Known(name, f"{value:#x}")
    return Known(name, str(value)) if isinstance(value, bool | int | str) else None


@called.register
def _(machine: Machine, kind: str, which: Any) -> str:
    if kind == STRUCT_PAGE:
        return _page_of(machine, which)
    if kind == PGMAP:
        return "dev_pagemap"
    if kind in (A_PTE, TABLE):
        name = numbered("PTE" if kind == A_PTE else "page table", which)
        return name if kind == A_PTE or machine.frees else ""
    return {"device": "DAX device"}.get(kind, "")


def _page_of(machine: Machine, pfn: int) -> str:
    """Return the name of the struct page of a frame; "" for a frame without."""
    return machine.page_name(pfn) if pfn in {page.pfn for page in machine.memmap} else ""


def _frame_name(pfn: int) -> str:
    return f"pfn {pfn:#x}"


def _pte_words(pte: int) -> str:
    kind = pte_kind(pte)
    if not pte_present(pte):
        return kind
    return f"{kind}{'' if pte_write(pte) else ' ro'} {pte_pfn(pte):#x}"


def _maps(pte: int, does: str) -> tuple[tuple[str, str], ...]:
    return ((does, _frame_name(pte_pfn(pte))),) if pte_present(pte) else ()


def _entry(machine: Machine, n: int) -> Drawn:
    pte = machine.page_table[n]
    table = machine.tables[min(n, len(machine.tables) - 1)]
    state = GONE if table == FREED else THERE if pte else EMPTY
    return Drawn(ENTRY, PAGE_TABLE, state, _pte_words(pte), points=_maps(pte, "maps"))


def _tables(machine: Machine) -> dict[str, Drawn]:
    states = {LINKED: THERE, FREED: GONE}
    return {
        numbered("page table", n): Drawn(BOX, PAGE_TABLE, states.get(state, DYING), state)
        for n, state in enumerate(machine.tables)
        if machine.frees
    }


def _upper(machine: Machine) -> dict[str, Drawn]:
    """Draw what stands above the PTEs: the PMDs, and the seqcount of the whole mm."""
    found = {}
    for n in range(len(machine.tables) if PMD in machine.shows else 0):
        pmd = machine.pmd_of(n)
        words = f"huge {pte_pfn(pmd):#x}" if pmd_leaf(pmd) else "table" if pmd else "none"
        leaf = _maps(pmd, "maps") if pmd_leaf(pmd) else ()
        found[numbered(PMD, n)] = Drawn(
            ENTRY, PAGE_TABLE, THERE if pmd else EMPTY, words, points=leaf
        )
    if SEQCOUNT in machine.shows:
        seq = machine.write_protect_seq
        found[SEQCOUNT] = Drawn(BOX, PAGE_TABLE, DYING if seq % 2 else THERE, str(seq))
    return found


def _cache(machine: Machine, cpu: int) -> Drawn:
    kept = [pte for who, _, pte in sorted(machine.tlb) if who == cpu]
    words = _pte_words(kept[0]) if kept else "empty"
    points = tuple(arrow for pte in kept for arrow in _maps(pte, "caches"))
    return Drawn(CACHE, f"CPU {cpu}", THERE if kept else EMPTY, words, points=points)


def _page(machine: Machine, page: StructPage) -> Drawn:
    if not page.exists:
        removed = page.kind in DEVICE
        return Drawn(PAGE, MEMMAP, GONE if removed else EMPTY, "removed" if removed else "none")
    mapped = [
        numbered("PTE", n)
        for n, pte in enumerate(machine.page_table)
        if pte_present(pte) and not pte_special(pte) and machine.head(pte_pfn(pte)) == page.pfn
    ]
    mapped += [
        numbered(PMD, n)
        for n, leaf in enumerate(machine.leaves)
        if PMD in machine.shows and pte_pfn(leaf) == page.pfn and not pte_special(leaf)
    ]
    keeper = "driver" if page.kind in DEVICE else ""
    describes = (("describes", _frame_name(page.pfn)),)
    words = f"count {page.refcount}"
    return Drawn(PAGE, MEMMAP, THERE, words, page.refcount, tuple(mapped), keeper, describes)


def _frame(machine: Machine, page: StructPage) -> Drawn:
    state = EMPTY if page.owner == FREE else THERE
    lost = page.owner == OURS and machine.lost(page.pfn)
    return Drawn(FRAME, MEMORY, state, "no driver" if lost else page.owner)


def _device(machine: Machine) -> dict[str, Drawn]:
    found = {}
    pgmap = machine.pgmap
    if pgmap is not None or machine.has_registers():
        bound = Drawn(BOX, BROUGHT, THERE, "bound")
        found["driver"] = bound if machine.bound else Drawn(BOX, BROUGHT, GONE, "unbound")
    if pgmap is not None:
        state = DYING if pgmap.dead else THERE
        state = state if pgmap.listed or pgmap.refs > 0 else GONE
        words = {GONE: "not listed", DYING: "dying", THERE: "live"}[state]
        pages = [page for page in machine.memmap if page.kind in DEVICE and page.exists]
        pages.sort(key=lambda page: page.kind == FS_DAX and page.refcount <= 0)  # gave its own back
        held = tuple(machine.page_name(page.pfn) for page in pages[: max(0, pgmap.pages)])
        found["dev_pagemap"] = Drawn(BOX, BROUGHT, state, words, pgmap.refs, held, "driver")
        answers = THERE if machine.device == ANSWERS else DYING
        words = SHORT.get(machine.device, "frozen")
        found["DAX device"] = Drawn(BOX, BROUGHT, answers, words)
    if machine.clean is not None:
        words = "clean" if machine.clean else "dirty"
        found["shutdown state"] = Drawn(BOX, BROUGHT, THERE, words)
    return found


def _section(machine: Machine, section: str) -> Drawn:
    cpus = sorted(machine.cpus(section))
    held = tuple(f"CPU {cpu}" for cpu in cpus)
    state = THERE if cpus else EMPTY
    return Drawn(SECTION, "", state, SHORT.get(section, section), held=held)
