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
from dataclasses import dataclass, fields, replace

from ..checker.machine import CALLER, DATA, Gone, Thing, Words, touch
from ..checker.unseen import set_of, within
from .objects import *  # noqa: F403
from .objects import (
    A_MAPPING,
    A_PAGE,
    ANSWERS,
    CAUSES,
    DAX,
    DEVICE,
    DEVICE_STATE,
    DMA,
    ENTRY,
    FAULTING,
    FRAME,
    FREED,
    HOLDERS,
    IDLE,
    IRQS_OFF,
    ITSELF,
    LINKED,
    MM_STRUCT,
    NOWHERE,
    OURS,
    PGMAP,
    PMD,
    PTL,
    REGISTERS,
    SEQCOUNT,
    STRUCT_PAGE,
    TABLE,
    THINGS,
    TLB_ENTRY,
    VMA,
    DevPagemap,
    NotThere,
    StructPage,
)
from .pte import (
    pmd_words,
    pte_pfn,
    pte_present,
    pte_special,
)
from .tables import PageTables
from .things import cpu_list as cpu_list
from .things import numbered, page_thing, pgmap_thing, pte_thing, section_thing, tlb_thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine(PageTables):
    """Everything shared between CPUs: the page tables, and

    memmap      the struct pages, of every frame that matters
    vmas        what is mapped at each page: ANONYMOUS, DAX, PFNMAP, or None: nothing
    tlbs        the CPUs whose TLBs matter
    tlb         the entries they keep: (cpu, page of the mapping, PTE)
    pgmap       the device's dev_pagemap; None if there is no device
    device      what the device answers a fault: ANSWERS, FROZEN or REFUSES
    bound       is the driver bound: has the write to `unbind` not returned yet?
    clean       has the device been told that its data are safe?  None: it is never told anything
    inside      (section, cpu): who is inside what
    owed        (waiter, cpu): the waiter goes on only when that CPU has left its section
    frees       does anybody unmap and free page tables?
    write_protect_seq  the mm's seqcount: odd while a fork write-protects
    mm_has_pinned      has the process ever pinned a page?
    shows       the sections a reader is shown; PMD or SEQCOUNT: that value as well
    oops        the name of the thing that was touched when it was gone; the run has ended
    """

    memmap: tuple[StructPage, ...]
    vmas: tuple[str | None, ...]
    tlbs: tuple[int, ...] = ()
    tlb: frozenset[tuple[int, int, int]] = frozenset()
    pgmap: DevPagemap | None = None
    device: str = ANSWERS
    bound: bool = True
    clean: bool | None = None
    inside: frozenset[tuple[str, int]] = frozenset()
    owed: frozenset[tuple[str, int]] = frozenset()
    frees: bool = False
    write_protect_seq: int = 0
    mm_has_pinned: bool = False
    shows: tuple[str, ...] = (IRQS_OFF, FAULTING, PTL, DMA)
    oops: str | None = None

    # --- The process ---

    def seqcount(self) -> int:
        """Return the mm's write_protect_seq."""
        touch(MM_STRUCT)
        return self.write_protect_seq

    def pins(self) -> bool:
        """Has the process ever pinned a page?"""
        touch(MM_STRUCT)
        return self.mm_has_pinned

    def mapped_from(self, address: int) -> tuple[str | None, ...]:
        """Return what is mapped at `address` and at each page after it."""
        touch(VMA)
        return self.vmas[self.index(address) :]

    # --- Struct pages and the pgmap ---

    def page(self, pfn: int) -> StructPage:
        """Return the struct page of frame `pfn`; raise Gone if there is none."""
        page = self.frame(pfn)
        if not page.exists:
            raise Gone(self.page_name(pfn))
        touch(STRUCT_PAGE, pfn)
        return page

    def frame(self, pfn: int) -> StructPage:
        """Return what is known of frame `pfn`, whether its struct page exists or not.

        There is no memory at a frame that the machine does not know: a wild pointer.
        """
        if type(pfn) is not int:
            raise NotThere(f"{pfn!r} is no frame of this machine: was the PTE present?")
        known = (page for page in self.memmap if page.pfn == pfn)
        return next(known, StructPage(pfn, 0, NOWHERE, exists=False, mapping=False))

    def head(self, pfn: int) -> int:
        """Return the frame of the page that counts for the one in frame `pfn`."""
        head = self.frame(pfn).head
        return pfn if head is None else head

    def page_name(self, pfn: int) -> str:
        """Return what the struct page of frame `pfn` is called."""
        known = [page.pfn for page in self.memmap]
        if pfn in known:
            return numbered("struct page", known.index(pfn))
        return f"struct page of pfn {pfn:#x}"

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

    def counted(self, pfn: int) -> int:
        """Count the references of mappings on the page in frame `pfn`: a special PTE holds none.

        Source: vm_normal_page(), mm/memory.c, v5.11.
        """
        mapped = self.page_table + self.leaves
        normal = [pte for pte in mapped if pte_present(pte) and not pte_special(pte)]
        return [self.head(pte_pfn(pte)) for pte in normal].count(pfn)

    def entries(self) -> list[int]:
        """List the entries that can be translated with: present PTEs in the tables and TLBs."""
        ptes = self.page_table
        if set(self.tables) != {LINKED}:  # no hardware walks through a table that is taken away
            ptes = tuple(pte for n, pte in enumerate(ptes) if self.in_walk(n))
        linked = [pte for pte in ptes + self.leaves if pte_present(pte)]
        return linked + [pte for _, _, pte in self.tlb]

    def lost(self, pfn: int) -> bool:
        """Does frame `pfn` no longer belong to whoever mapped it: freed, reused, unbound?"""
        page = self.frame(pfn)
        return page.owner != OURS or self.driverless(page)

    def driverless(self, page: StructPage) -> bool:
        """Does the frame belong to a device whose driver is unbound?"""
        return page.kind in (*DEVICE, REGISTERS) and not self.bound

    def has_registers(self) -> bool:
        """Are a device's registers among the frames?"""
        return any(page.kind == REGISTERS for page in self.memmap)

    # --- Sections and waiting ---

    def sections(self) -> tuple[str, ...]:
        """Return the sections a reader is shown."""
        return tuple(name for name in self.shows if name not in (PMD, SEQCOUNT))

    def cpus(self, section: str) -> frozenset[int]:
        """Return the CPUs inside `section`."""
        return within(self.inside, section)

    def enter(self, section: str, cpu: int) -> Machine:
        """Return this machine with `cpu` inside `section`."""
        if section == DMA:
            touch(DATA)
        return replace(self, inside=set_of(self.inside | {(section, cpu)}))

    def leave(self, section: str, cpu: int) -> Machine:
        """Return this machine with `cpu` outside `section`."""
        if section == DMA:
            touch(DATA)
        return replace(self, inside=set_of(self.inside - {(section, cpu)}))

    def owing(self, waiter: str, cpus: Iterable[int]) -> Machine:
        """Return this machine with `waiter` waiting for `cpus`."""
        return replace(self, owed=set_of(self.owed | {(waiter, cpu) for cpu in cpus}))

    def waiting_for(self, waiter: str) -> frozenset[int]:
        """Return the CPUs that `waiter` still waits for."""
        return within(self.owed, waiter)

    # --- Accounts ---

    @classmethod
    def words(cls) -> Words:
        """Return the words with which a step declares what it does; further fields are words."""
        own = {field.name for field in fields(cls)} - {field.name for field in fields(Machine)}
        return Words(THINGS | own, HOLDERS, CAUSES)

    def wrote(self, before: Machine) -> frozenset[str]:
        """Return the kinds of things that differ from `before`: see `checker.machine`."""
        both = zip(self.memmap, before.memmap, strict=True)
        pages = [(new, old) for new, old in both if new is not old]
        kinds = {
            ENTRY: self.page_table != before.page_table,
            TABLE: self._upper() != before._upper(),
            TLB_ENTRY: self.tlb != before.tlb,
            VMA: self.vmas != before.vmas,
            PGMAP: self.pgmap != before.pgmap,
            MM_STRUCT: self._mm() != before._mm(),
            DEVICE_STATE: self.device != before.device
            or (self.bound, self.clean) != (before.bound, before.clean),
            FRAME: any(new.owner != old.owner for new, old in pages),
            STRUCT_PAGE: any(replace(new, owner=old.owner) != old for new, old in pages),
        }
        return frozenset(kind for kind, differs in kinds.items() if differs)

    def _mm(self) -> tuple[object, ...]:
        return self.write_protect_seq, self.mm_has_pinned

    def _upper(self) -> tuple[object, ...]:
        return self.tables, self.made, self.detached, self.leaves

    def references(self, other: Machine | None = None) -> dict[tuple[str, str, int], int]:
        """Return who holds how many references on what; with `other`, on what differs there.

        A caller holds what neither a mapping, nor the thing itself, nor a struct page does.
        """
        found, pages = {}, self.memmap
        if other is not None:
            ptes = zip(self.page_table, other.page_table, strict=True)
            moved = {pte_pfn(pte) for pair in ptes if pair[0] != pair[1] for pte in pair}
            moved |= {pte_pfn(leaf) for leaf in {*self.leaves} ^ {*other.leaves}}
            both = zip(pages, other.memmap, strict=True)
            pages = tuple(page for page, old in both if page is not old or page.pfn in moved)
        for page in pages:
            if page.exists:
                mapped = self.counted(page.pfn)
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
            *(pte_thing(n, pte) for n, pte in enumerate(self.page_table)),
            *(
                tlb_thing(cpu, [pte for who, _, pte in sorted(self.tlb) if who == cpu])
                for cpu in self.tlbs
            ),
            *self._table_things(),
            *(self._page_thing(page) for page in self.memmap),
            *self._device_things(),
            *self._mm_things(),
            *(section_thing(name, self.cpus(name)) for name in self.sections()),
        )

    def _table_things(self) -> list[Thing]:
        if not self.frees:
            return []
        return [
            Thing(numbered("page table", n), "object", state != FREED, state)
            for n, state in enumerate(self.tables)
        ]

    def _mm_things(self) -> list[Thing]:
        seq = Thing(SEQCOUNT, "object", True, str(self.write_protect_seq))
        pmds = [
            Thing(numbered(PMD, n), "object", True, pmd_words(self.pmd_of(n)))
            for n in range(len(self.tables) if PMD in self.shows else 0)
        ]
        return [*pmds, *([seq] if SEQCOUNT in self.shows else [])]

    def _page_thing(self, page: StructPage) -> Thing:
        value = f"refcount {page.refcount}{'' if page.owner == OURS else f', {page.owner}'}"
        name = self.page_name(page.pfn)
        return page_thing(name, value, page.kind, IDLE[page.kind], page.exists)

    def _device_things(self) -> list[Thing]:
        things = []
        if self.pgmap is not None:
            pgmap = self.pgmap
            things.append(pgmap_thing(pgmap.refs, pgmap.dead, pgmap.listed, pgmap.life))
            things.append(Thing("DAX device", "object", True, self.device))
        if self.pgmap is not None or self.has_registers():
            bound = "bound" if self.bound else "unbound"
            things.append(Thing("driver", "object", self.bound, bound))
        if self.clean is not None:
            state = "clean" if self.clean else "dirty"
            things.append(Thing("shutdown state", "object", True, state))
        return things
