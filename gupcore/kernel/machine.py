"""The state of the machine, as values that never change: a step makes a new one from an old one.

Only what the questions need is here: one process's mapping and its page tables, the CPUs' TLBs,
the struct pages behind the mapping, the device that may have brought them, and who is inside
which section.

The heart of it is `Machine.page`: a struct page is reached through that method and no other
way, and a removed one raises `Gone`.  No step can forget to ask.

    memmap   the array of struct pages; here, those of the frames that matter
    pgmap    struct dev_pagemap: the device's claim on a range of frames, with a reference count
    TLB      a CPU's own copies of page-table entries
    owner    who a frame's contents belong to: the process or file that is mapped, or somebody else
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from types import MappingProxyType

from ..checker.machine import CALLER, DATA, Gone, Thing, touch
from .pte import (
    PAGE_SHIFT,
    PTE_NONE,
    PTRS_PER_PTE,
    pte_detail,
    pte_mkdevmap,
    pte_pfn,
    pte_present,
    pte_words,
    user_pte,
)

DEVICE_PFN = 0x20000  # the device's first frame: physical address 512 MiB
MEMORY_PFN = 0x1000  # the first frame of ordinary memory
ZERO_PFN = 0x10  # the frame that is always zero
MMIO_PFN = 0xFE000  # a device register: a frame without a struct page
MAPPING = 0x7F0000000000  # a user address at which a page table begins

# What a frame is, and the count of its struct page when nobody uses it.  An FS DAX page holds a
# reference on its pgmap until v5.17; from v6.15 on, a mapping holds one on the page.
NORMAL, ZERO = "normal", "zero page"
FS_DAX, BULK_DAX, COUNTED_DAX = "fs-dax", "fs-dax in bulk", "counted fs-dax"
DEVICE = (FS_DAX, BULK_DAX, COUNTED_DAX)
IDLE = MappingProxyType({NORMAL: 0, ZERO: 1, FS_DAX: 1, BULK_DAX: 1, COUNTED_DAX: 0})

OURS, FREE, OTHERS = "ours", "free", "somebody else's"
ANONYMOUS, DAX, PFNMAP = "anonymous", "DAX file", "device registers"
ANSWERS, FROZEN, REFUSES = "answers faults", "frozen: no write faults", "refuses faults"
LINKED, UNLINKED, FREED = "linked", "unlinked", "freed"

# What steps touch, who can hold a reference, and what a step can wait for.
ENTRY, TABLE, TLB_ENTRY, VMA = "PTE", "page table", "TLB", "mapping"
STRUCT_PAGE, FRAME, PGMAP, DEVICE_STATE = "struct page", "frame", "dev_pagemap", "device"
A_MAPPING, A_PAGE, ITSELF = "a mapping", "a struct page", "itself"
GRACE_PERIOD, FLUSH, A_LOCK, THAW = "a grace period", "a TLB flush", "a lock", "a thaw"
A_REFERENCE, FREE_PAGE = "a reference", "a free page"

# Sections: what a CPU can be inside.
IRQS_OFF, NO_PREEMPT, FAULTING = "interrupts off", "no preemption", "inside a DAX fault"
PTL, MMAP_LOCK, FS_LOCK = "page-table lock", "mmap_lock", "filesystem's lock"
DAX_ENTRY, DMA = "DAX entry", "DMA in flight"


class NotThere(ValueError):
    """A step was given an address or a frame that is not part of the machine."""


@dataclass(frozen=True, slots=True)
class StructPage:
    """The part of `struct page` that matters here, and two things about its frame.

    pfn       the frame
    refcount  `_refcount`
    kind      NORMAL, ZERO, FS_DAX, BULK_DAX or COUNTED_DAX
    owner     whose the frame's contents are: OURS, FREE or OTHERS
    exists    is the struct page there?
    mapping   does the struct page know its file: was it ever faulted in?  (page->mapping)
    """

    pfn: int
    refcount: int
    kind: str
    owner: str = OURS
    exists: bool = True
    mapping: bool = True


@dataclass(frozen=True, slots=True)
class DevPagemap:
    """`struct dev_pagemap`: the device's claim on its frames.

    refs    the count of its percpu_ref
    dead    is the ref killed?
    listed  does pgmap_array still find it?
    life    how often the driver was bound
    pages   how many of `refs` are the struct pages'
    """

    refs: int
    dead: bool = False
    listed: bool = True
    life: int = 1
    pages: int = 0


@dataclass(frozen=True, slots=True)
class Machine:
    """Everything shared between CPUs.

    page_table  the PTEs of the mapping, one a page
    memmap      the struct pages, of every frame that matters
    vmas        what is mapped at each page: ANONYMOUS, DAX, PFNMAP, or None: nothing
    start       the first address of the mapping
    tables      for each page-table page: LINKED, UNLINKED or FREED
    tlbs        the CPUs whose TLBs matter
    tlb         the entries they keep: (cpu, page of the mapping, PTE)
    pgmap       the device's dev_pagemap; None if there is no device
    device      what the device answers a fault: ANSWERS, FROZEN or REFUSES
    bound       is the driver bound: has the write to `unbind` not returned yet?
    clean       has the device been told that its data are safe?  None: it is never told anything
    inside      (section, cpu): who is inside what
    owed        (waiter, cpu): the waiter goes on only when that CPU has left its section
    frees       does anybody unmap and free page tables?
    shows       the sections a reader is shown
    oops        the name of the thing that was touched when it was gone; the run has ended
    """

    page_table: tuple[int, ...]
    memmap: tuple[StructPage, ...]
    vmas: tuple[str | None, ...]
    start: int = MAPPING
    tables: tuple[str, ...] = (LINKED,)
    tlbs: tuple[int, ...] = ()
    tlb: frozenset[tuple[int, int, int]] = frozenset()
    pgmap: DevPagemap | None = None
    device: str = ANSWERS
    bound: bool = True
    clean: bool | None = None
    inside: frozenset[tuple[str, int]] = frozenset()
    owed: frozenset[tuple[str, int]] = frozenset()
    frees: bool = False
    shows: tuple[str, ...] = (IRQS_OFF, FAULTING, PTL, DMA)
    oops: str | None = None

    # --- Page tables ---

    def index(self, address: int) -> int:
        """Return which page of the mapping `address` lies in; raise NotThere if in none."""
        at = (address - self.start) >> PAGE_SHIFT
        if at not in range(len(self.page_table)):
            raise NotThere(f"{address:#x} is no address of the mapping.")
        return at

    def table(self, address: int) -> int:
        """Return which page table of the mapping holds the PTE of `address`, counted from 0."""
        return (address >> PAGE_SHIFT) // PTRS_PER_PTE - (self.start >> PAGE_SHIFT) // PTRS_PER_PTE

    def pte(self, address: int) -> int:
        """Return the PTE of the page at user `address`; raise Gone if its table was freed."""
        at, table = self.index(address), self.table(address)
        if self.tables[table] == FREED:
            raise Gone(numbered("page table", table))
        touch(ENTRY, at)
        return self.page_table[at]

    def linked(self, address: int) -> bool:
        """Does a walk to `address` find a page table?"""
        touch(TABLE, self.table(address))
        return self.tables[self.table(address)] == LINKED

    def mapped_from(self, address: int) -> tuple[str | None, ...]:
        """Return what is mapped at `address` and at each page after it."""
        touch(VMA)
        return self.vmas[self.index(address) :]

    def with_pte(self, address: int, pte: int) -> Machine:
        """Return this machine with another PTE at `address`."""
        at = self.index(address)
        return replace(self, page_table=(*self.page_table[:at], pte, *self.page_table[at + 1 :]))

    def with_tables(self, state: str) -> Machine:
        """Return this machine with every page table of the mapping in `state`."""
        return replace(self, tables=(state,) * len(self.tables))

    # --- Struct pages and the pgmap ---

    def page(self, pfn: int) -> StructPage:
        """Return the struct page of frame `pfn`; raise Gone if there is none."""
        page = self.frame(pfn)
        if not page.exists:
            raise Gone(self.page_name(pfn))
        touch(STRUCT_PAGE, pfn)
        return page

    def frame(self, pfn: int) -> StructPage:
        """Return what is known of frame `pfn`, whether its struct page exists or not."""
        for page in self.memmap:
            if page.pfn == pfn:
                return page
        raise NotThere(f"{pfn!r} is no frame of this machine: was the PTE present?")

    def page_name(self, pfn: int) -> str:
        """Return what the struct page of frame `pfn` is called."""
        return numbered("struct page", [page.pfn for page in self.memmap].index(pfn))

    def with_page(self, page: StructPage) -> Machine:
        """Return this machine with `page` in the place of the struct page of its frame."""
        return self.with_pages(page if old.pfn == page.pfn else old for old in self.memmap)

    def with_pages(self, pages: Iterable[StructPage]) -> Machine:
        """Return this machine with another memmap."""
        return replace(self, memmap=tuple(pages))

    def the_pgmap(self) -> DevPagemap:
        """Return the dev_pagemap; raise NotThere if the machine has no device."""
        if self.pgmap is None:
            raise NotThere("there is no device in this machine.")
        touch(PGMAP)
        return self.pgmap

    def answer_to_faults(self) -> str:
        """Return what the device answers a fault: ANSWERS, FROZEN or REFUSES."""
        touch(DEVICE_STATE)
        return self.device

    def with_pgmap_refs(self, more: int, of_pages: int = 0) -> Machine:
        """Return this machine with `more` (or, negative, fewer) references on the pgmap.

        of_pages  how many of them are the struct pages'
        """
        pgmap = self.the_pgmap()
        pages = pgmap.pages + of_pages
        return replace(self, pgmap=replace(pgmap, refs=pgmap.refs + more, pages=pages))

    def file_pfn(self, address: int) -> int:
        """Return the frame that holds the DAX file's page at `address`."""
        of_file = [page.pfn for page in self.memmap if page.kind in DEVICE]
        return of_file[self.vmas[: self.index(address)].count(DAX)]

    def mappings(self, pfn: int) -> int:
        """Count the PTEs that map frame `pfn`."""
        return sum(pte_pfn(pte) == pfn and pte_present(pte) for pte in self.page_table)

    def entries(self) -> list[int]:
        """List the entries that can be translated with: present PTEs in the tables and TLBs."""
        linked = [pte for pte in self.page_table if pte_present(pte)]
        return linked + [pte for _, _, pte in self.tlb]

    def lost(self, pfn: int) -> bool:
        """Does frame `pfn` no longer belong to whoever mapped it: freed, reused, unbound?"""
        page = self.frame(pfn)
        return page.owner != OURS or (page.kind in DEVICE and not self.bound)

    # --- Sections and waiting ---

    def cpus(self, section: str) -> frozenset[int]:
        """Return the CPUs inside `section`."""
        return frozenset(cpu for name, cpu in self.inside if name == section)

    def enter(self, section: str, cpu: int) -> Machine:
        """Return this machine with `cpu` inside `section`."""
        if section == DMA:
            touch(DATA)
        return replace(self, inside=self.inside | {(section, cpu)})

    def leave(self, section: str, cpu: int) -> Machine:
        """Return this machine with `cpu` outside `section`."""
        if section == DMA:
            touch(DATA)
        return replace(self, inside=self.inside - {(section, cpu)})

    def owing(self, waiter: str, cpus: Iterable[int]) -> Machine:
        """Return this machine with `waiter` waiting for `cpus`."""
        return replace(self, owed=self.owed | {(waiter, cpu) for cpu in cpus})

    def waiting_for(self, waiter: str) -> frozenset[int]:
        """Return the CPUs that `waiter` still waits for."""
        return frozenset(cpu for who, cpu in self.owed if who == waiter)

    # --- Accounts ---

    def wrote(self, before: Machine) -> frozenset[str]:
        """Return the kinds of things that differ from `before`: see `checker.machine`."""
        both = zip(self.memmap, before.memmap, strict=True)
        pages = [(new, old) for new, old in both if new is not old]
        kinds = {
            ENTRY: self.page_table != before.page_table,
            TABLE: self.tables != before.tables,
            TLB_ENTRY: self.tlb != before.tlb,
            VMA: self.vmas != before.vmas,
            PGMAP: self.pgmap != before.pgmap,
            DEVICE_STATE: self.device != before.device
            or (self.bound, self.clean) != (before.bound, before.clean),
            FRAME: any(new.owner != old.owner for new, old in pages),
            STRUCT_PAGE: any(replace(new, owner=old.owner) != old for new, old in pages),
        }
        return frozenset(kind for kind, differs in kinds.items() if differs)

    def references(self, other: Machine | None = None) -> dict[tuple[str, str, int], int]:
        """Return who holds how many references on what; with `other`, on what differs there.

        A caller holds what neither a mapping, nor the thing itself, nor a struct page does.
        """
        found, pages = {}, self.memmap
        if other is not None:
            ptes = zip(self.page_table, other.page_table, strict=True)
            moved = {pte_pfn(pte) for pair in ptes if pair[0] != pair[1] for pte in pair}
            both = zip(pages, other.memmap, strict=True)
            pages = tuple(page for page, old in both if page is not old or page.pfn in moved)
        for page in pages:
            if page.exists:
                mapped = self.mappings(page.pfn) if page.kind in (NORMAL, COUNTED_DAX) else 0
                found[STRUCT_PAGE, A_MAPPING, page.pfn] = mapped
                found[STRUCT_PAGE, CALLER, page.pfn] = page.refcount - mapped - IDLE[page.kind]
        if self.pgmap is not None:
            own = int(not self.pgmap.dead)
            found[PGMAP, ITSELF, self.pgmap.life] = own
            found[PGMAP, A_PAGE, self.pgmap.life] = self.pgmap.pages
            found[PGMAP, CALLER, self.pgmap.life] = self.pgmap.refs - own - self.pgmap.pages
        return found

    # --- For people ---

    def things(self) -> tuple[Thing, ...]:
        """Describe the machine object by object, for people."""
        return (
            *(self._pte_thing(n, pte) for n, pte in enumerate(self.page_table)),
            *(self._tlb_thing(cpu) for cpu in self.tlbs),
            *self._table_things(),
            *(self._page_thing(page) for page in self.memmap),
            *self._device_things(),
            *(self._section(section) for section in self.shows),
        )

    def _pte_thing(self, n: int, pte: int) -> Thing:
        name = numbered("PTE", n)
        return Thing(name, "object", pte != PTE_NONE, pte_words(pte), pte_detail(pte))

    def _tlb_thing(self, cpu: int) -> Thing:
        kept = [pte for who, _, pte in sorted(self.tlb) if who == cpu]
        words = "; ".join(map(pte_words, kept)) or "empty"
        detail = pte_detail(kept[0]) if len(kept) == 1 else ()
        return Thing(f"TLB of CPU {cpu}", "object", True, words, detail)

    def _table_things(self) -> list[Thing]:
        if not self.frees:
            return []
        return [
            Thing(numbered("page table", n), "object", state != FREED, state)
            for n, state in enumerate(self.tables)
        ]

    def _page_thing(self, page: StructPage) -> Thing:
        owner = "" if page.owner == OURS else f", {page.owner}"
        value = f"refcount {page.refcount}{owner}" if page.exists else "removed"
        detail = (f"{page.kind}; its count is {IDLE[page.kind]} when nobody uses it",)
        return Thing(self.page_name(page.pfn), "object", page.exists, value, detail)

    def _device_things(self) -> list[Thing]:
        things = []
        if self.pgmap is not None:
            bound = "bound" if self.bound else "unbound"
            things.append(_pgmap_thing(self.pgmap))
            things.append(Thing("DAX device", "object", True, self.device))
            things.append(Thing("driver", "object", self.bound, bound))
        if self.clean is not None:
            state = "clean" if self.clean else "dirty"
            things.append(Thing("shutdown state", "object", True, state))
        return things

    def _section(self, section: str) -> Thing:
        cpus = self.cpus(section)
        return Thing(section, "section", bool(cpus), cpu_list(cpus) or "nobody")


def dax_pte(pfn: int, counted: bool = False, write: bool = True) -> int:
    """Return the PTE that maps frame `pfn` of a DAX file: a normal one where mappings count."""
    pte = user_pte(pfn, write)
    return pte if counted else pte_mkdevmap(pte)


def cpu_list(cpus: Iterable[int]) -> str:
    """Name some CPUs in a sentence."""
    return " and ".join(f"CPU {cpu}" for cpu in sorted(cpus))


def numbered(name: str, n: int) -> str:
    return name if n == 0 else f"{name} {n}"


def _pgmap_thing(pgmap: DevPagemap) -> Thing:
    life = "dying" if pgmap.dead else "live"
    value = f"{life}, {pgmap.refs} reference{'' if pgmap.refs == 1 else 's'}"
    value += "" if pgmap.life == 1 else f", bound {pgmap.life} times"
    return Thing(
        "dev_pagemap", "object", pgmap.listed, value if pgmap.listed else "gone from pgmap_array"
    )
