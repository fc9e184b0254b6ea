"""The state of the machine, as values that never change: a step makes a new machine from an old
one.

Only what the question needs is here: one mapping, its page table, the struct pages behind it,
the device that brought them, and who is inside which section.  Values are immutable and
hashable, so that the explorer can tell whether it has been somewhere before.

The heart of it is `Machine.page`: a struct page is reached through that method and no other
way, and a removed one raises `RemovedPage`.  No step can forget to ask.

    memmap   the array of struct pages; here, the part of it that the device brought
    pgmap    struct dev_pagemap: the device's claim on a range of frames, with a reference count
    PTL      page-table lock: held to change a PTE
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from typing import NamedTuple

from .pte import PAGE_SHIFT, PTE_NONE, pte_mkdevmap, pte_words, user_pte

FIRST_PFN = 0x20000  # the device's first frame: physical address 512 MiB
MAPPING = 0x7F0000000000  # the first user address of the mapped DAX file
IDLE = 1  # the count of an FS DAX page nobody uses, in v5.11 and v6.1: one, not zero


class NotThere(ValueError):
    """A step was given an address or a frame that is not part of the machine."""


class RemovedPage(Exception):
    """A step reached for a struct page that is not there any more."""

    def __init__(self, pfn: int) -> None:
        super().__init__(f"the struct page of pfn {pfn:#x} has been removed")
        self.pfn = pfn


@dataclass(frozen=True, slots=True)
class StructPage:
    """The part of `struct page` that matters here: `_refcount`."""

    refcount: int = IDLE


@dataclass(frozen=True, slots=True)
class DevPagemap:
    """`struct dev_pagemap`: `refs` is the count of its percpu_ref, `dead` is set by the kill,
    `listed` says whether pgmap_array still finds it."""

    refs: int
    dead: bool = False
    listed: bool = True


class Thing(NamedTuple):
    """One thing of the machine as a reader sees it.

    kind    "object", which exists or is gone; or "section", which somebody is inside or nobody is
    exists  is the object there, is anybody inside the section?
    value   its value in words
    """

    name: str
    kind: str
    exists: bool
    value: str


@dataclass(frozen=True, slots=True)
class Machine:
    """Everything shared between CPUs.

    page_table  the PTEs of the mapping, one a page
    ptl         the CPU that holds the page-table lock, if any
    memmap      the device's struct pages, `None` where removed
    pgmap       the device's dev_pagemap
    dax_alive   may a fault still get a frame from the device (DAXDEV_ALIVE)?
    bound       is the driver bound: has the write to `unbind` not returned yet?
    irqs_off    CPUs that run with interrupts off
    faulting    CPUs inside a DAX fault: they hold the filesystem's lock against unmapping
    owed        (waiter, cpu): the waiter goes on only when that CPU has left its section
    oops        the frame whose removed struct page was touched; the run has ended
    """

    page_table: tuple[int, ...]
    memmap: tuple[StructPage | None, ...]
    pgmap: DevPagemap
    ptl: int | None = None
    dax_alive: bool = True
    bound: bool = True
    irqs_off: frozenset[int] = frozenset()
    faulting: frozenset[int] = frozenset()
    owed: frozenset[tuple[str, int]] = frozenset()
    oops: int | None = None

    def pte(self, address: int) -> int:
        """Return the PTE of the page at user `address`."""
        return self.page_table[page_index(address)]

    def with_pte(self, address: int, pte: int) -> Machine:
        """Return this machine with another PTE at `address`."""
        at = page_index(address)
        return replace(self, page_table=(*self.page_table[:at], pte, *self.page_table[at + 1 :]))

    def page(self, pfn: int) -> StructPage:
        """Return the struct page of frame `pfn`; raise RemovedPage if it is gone."""
        if pfn not in range(FIRST_PFN, FIRST_PFN + len(self.memmap)):
            raise NotThere(f"{pfn!r} is no frame of the device: was the PTE present?")
        page = self.memmap[pfn - FIRST_PFN]
        if page is None:
            raise RemovedPage(pfn)
        return page

    def with_refcount(self, pfn: int, refcount: int) -> Machine:
        """Return this machine with another reference count on the struct page of `pfn`."""
        at = pfn - FIRST_PFN
        page = replace(self.page(pfn), refcount=refcount)
        return replace(self, memmap=(*self.memmap[:at], page, *self.memmap[at + 1 :]))

    def with_pgmap_refs(self, more: int) -> Machine:
        """Return this machine with `more` (or, negative, fewer) references on the pgmap."""
        return replace(self, pgmap=replace(self.pgmap, refs=self.pgmap.refs + more))

    def waiting_for(self, waiter: str) -> frozenset[int]:
        """Return the CPUs that `waiter` still waits for."""
        return frozenset(cpu for who, cpu in self.owed if who == waiter)

    def stale_mappings(self) -> int:
        """Count the PTEs that point at the device after its unbind has returned."""
        return 0 if self.bound else sum(pte != PTE_NONE for pte in self.page_table)

    @property
    def touched(self) -> str | None:
        """The name of the thing that an oops was about; None if there was no oops."""
        return None if self.oops is None else _numbered("struct page", self.oops - FIRST_PFN)

    def things(self) -> tuple[Thing, ...]:
        """Describe the machine object by object, for people."""
        return (
            *(_pte_thing(n, pte) for n, pte in enumerate(self.page_table)),
            *(_page_thing(n, page) for n, page in enumerate(self.memmap)),
            _pgmap_thing(self.pgmap),
            Thing("DAX device", "object", True, "alive" if self.dax_alive else "refuses faults"),
            Thing("driver", "object", self.bound, "bound" if self.bound else "unbound"),
            _section("interrupts off", self.irqs_off),
            _section("inside a DAX fault", self.faulting),
            _section("page-table lock", frozenset() if self.ptl is None else {self.ptl}),
        )


def dax_machine(pages: int = 1, mapped: bool = True) -> Machine:
    """Return a machine with a DAX file of `pages` pages on a bound pmem device.

    `mapped`: are its pages already in the page table, or will the first access fault them in?
    The pgmap starts as memremap_pages() leaves it: its own reference and one a struct page.
    """
    pfns = range(FIRST_PFN, FIRST_PFN + pages)
    return Machine(
        page_table=tuple(pte_mkdevmap(user_pte(pfn)) if mapped else PTE_NONE for pfn in pfns),
        memmap=(StructPage(),) * pages,
        pgmap=DevPagemap(refs=1 + pages),
    )


def page_index(address: int) -> int:
    """Return which page of the mapping `address` lies in, counted from 0."""
    return (address - MAPPING) >> PAGE_SHIFT


def _numbered(name: str, n: int) -> str:
    return name if n == 0 else f"{name} {n}"


def _section(name: str, cpus: Set[int]) -> Thing:
    inside = " and ".join(f"CPU {cpu}" for cpu in sorted(cpus)) or "nobody"
    return Thing(name, "section", bool(cpus), inside)


def _pte_thing(n: int, pte: int) -> Thing:
    return Thing(_numbered("PTE", n), "object", pte != PTE_NONE, pte_words(pte))


def _page_thing(n: int, page: StructPage | None) -> Thing:
    name = _numbered("struct page", n)
    if page is None:
        return Thing(name, "object", False, "removed")
    return Thing(name, "object", True, f"refcount {page.refcount}")


def _pgmap_thing(pgmap: DevPagemap) -> Thing:
    life = "dying" if pgmap.dead else "live"
    value = f"{life}, {pgmap.refs} reference{'' if pgmap.refs == 1 else 's'}"
    return Thing(
        "dev_pagemap", "object", pgmap.listed, value if pgmap.listed else "gone from pgmap_array"
    )
