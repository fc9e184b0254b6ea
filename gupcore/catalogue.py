"""The catalogue: the scenarios the book uses.

To add a scenario, write a function that returns a `Scenario` and register it with `@scenario`:
say under which name, what each of its parameters can be, and in which settings tables try it.  From
then on the command line, the judges, the design lab and *Copy as Python* know it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .checker.asked import ScenarioError, check_thread
from .checker.maker import DOMAINS, scenario
from .checker.scenario import Scenario, Variant
from .checker.step import Thread
from .checker.thread import Automaton
from .kernel.design import V5_11, Design
from .kernel.device import mark_clean, named_design, page_kind, phases, rebind, unbind
from .kernel.gup import GupFast, gup_fast
from .kernel.machine import (
    ANONYMOUS,
    DEVICE_PFN,
    DMA,
    FAULTING,
    FS_DAX,
    FS_LOCK,
    IRQS_OFF,
    MAPPING,
    MEMORY_PFN,
    MMAP_LOCK,
    PFNMAP,
    PTL,
    Machine,
    dax_pte,
)
from .kernel.percpu_ref import Ref, kill, tryget_and_put
from .kernel.pte import FOLL_WRITE, PAGE_SIZE, PTRS_PER_PTE
from .kernel.start import dax_machine, memory_machine, special_machine
from .kernel.unmap import munmap, truncate
from .kernel.users import (
    another_process,
    block_io,
    direct_io,
    direct_io_that_looks_last,
    touch_then_direct_io,
    user_code,
)

ACCESS = {"read": 0, "write": FOLL_WRITE}  # does gup ask for a writable PTE?
UP_TO_EIGHT = range(1, 9)  # callers, besides whom one thread or two take their pages away
MOVES = range(1 << 10)  # page tables by which a scene can be moved

DOMAINS.update(
    design=lambda _, design: named_design(design),
    gup_fast=check_thread,
    access=tuple(ACCESS),
    moved=MOVES,
)


# --- Against unbind -------------------------------------------------------------------------------


@scenario(
    "seed-race",
    exported=True,
    callers=UP_TO_EIGHT,
    pte=("present", "read-only", "absent"),
    pages=range(1, 3),
    settings=(
        *({"pte": pte, "access": "read"} for pte in ("present", "absent")),
        *({"pte": pte, "access": "write"} for pte in ("present", "read-only", "absent")),
    ),
)
def race(
    design: Design = V5_11,
    callers: int = 1,
    pte: str = "present",
    access: str = "read",
    pages: int = 1,
    gup_fast: GupFast = gup_fast,
    moved: int = 0,
) -> Scenario:
    """Return the mail's race: direct I/O on a mapped DAX file against unbind of the pmem driver.

    design    a design or the name of one (see design.DESIGNS)
    callers   how many threads do direct I/O, 1 to 8; the last thread unbinds
    pte       "present"; "read-only", if it must not be written through; or "absent", for a mapping
              that has not been touched yet
    access    "read": the I/O reads its buffer; "write": it writes it, as in the mail, and gup asks
              for a writable PTE
    pages     how many pages the buffer has, 1 or 2; two lie on either side of a page table's end
    gup_fast  a thread function to use instead of the model's own gup-fast
    moved     by how many frames, and by how many page tables' addresses, everything lies further up

    Raises ScenarioError for a design, a phase of unbind, a number or a word it does not know,
    and for a gup_fast that is no thread.
    Source: Dan Williams' mail of 23 February 2021.
    """
    start = _moved(MAPPING if pages == 1 else MAPPING - PAGE_SIZE, moved)
    machine = _dax(design, pages, pte, start, DEVICE_PFN + moved)
    users = _direct_ios(callers, start, pages, ACCESS[access], design, gup_fast)
    frames = tuple(page.pfn for page in machine.memmap)
    unbinds = Automaton("unbind", unbind, (callers, frames if moved else pages, design))
    says = "Direct I/O on a mapped DAX file races with unbind of the pmem driver."
    return _scene(says, design, machine, *users, unbinds)


@scenario("rebind", callers=UP_TO_EIGHT)
def rebinding(design: Design = V5_11, callers: int = 1) -> Scenario:
    """Return the race with a driver that is unbound, bound again, and its disk mounted anew.

    design, callers  as in `race`

    The lookup in gup-fast goes by frame number: it cannot tell the device's lives apart.
    """
    users = _direct_ios(callers, MAPPING, 1, ACCESS["read"], design)
    rebinds = Automaton("unbind, then bind", rebind, (callers, 1, design))
    says = "The driver is unbound and bound again; who still has the old mapping?"
    return _scene(says, design, _dax(design, 1, "present"), *users, rebinds)


@scenario("stores", callers=UP_TO_EIGHT)
def stores(design: Design = V5_11, callers: int = 1) -> Scenario:
    """Return user code that stores to a mapped DAX file, twice, while the driver is unbound.

    design   as in `race`
    callers  how many CPUs store, 1 to 8
    """
    machine = replace(_dax(design, 1, "present"), tlbs=tuple(range(callers)))
    users = _each(callers, "store", user_code, lambda cpu: (cpu, MAPPING, True, 2, design))
    says = "User code stores through the hardware, which takes no reference on anything."
    return _scene(says, design, machine, *users, _unbind(callers, design))


@scenario("munmap-dax", callers=range(6))
def unmapping_dax(design: Design = V5_11, callers: int = 1) -> Scenario:
    """Return the race of a process that unmaps its DAX file with unbind.

    design   as in `race`
    callers  how many of its threads do direct I/O, 0 to 5; then come a CPU that stores, the munmap
             and the unbind.  With 0, the munmap does what the exit of the process does.
    """
    shows = (IRQS_OFF, FAULTING, PTL, MMAP_LOCK, DMA)
    machine = replace(_dax(design, 1, "present"), frees=True, tlbs=(callers,), shows=shows)
    says = "A process unmaps its DAX file while the driver is unbound."
    users = _direct_ios(callers, MAPPING, 1, ACCESS["read"], design)
    writes = Automaton("store", user_code, (callers, MAPPING, True, 1, design))
    unmaps = Automaton("munmap", munmap, (callers + 1, design))
    return _scene(says, design, machine, *users, writes, unmaps, _unbind(callers + 2, design))


@scenario("block-io", callers=UP_TO_EIGHT)
def block_ios(design: Design = V5_11, callers: int = 1) -> Scenario:
    """Return I/O to the pmem block device itself against unbind.

    design   as in `race`, one whose pgmap shares the ref of the block queue (before v5.15)
    callers  how many threads do block I/O, 1 to 8
    """
    if page_kind(design) != FS_DAX:
        raise ScenarioError(f"In {design.name} the block queue has a ref of its own; choose v5.11.")
    _check_filesystem(design)
    users = _each(callers, "block I/O", block_io, lambda cpu: (DEVICE_PFN,))
    says = "I/O to the pmem disk holds the ref that the pgmap shares with the block queue."
    return _scene(says, design, _dax(design, 1, "present"), *users, _unbind(callers, design))


# --- Against those who take pages away one by one -------------------------------------------------


@scenario(
    "munmap",
    callers=range(6),
    pte=("present", "hinting"),
    settings=({"pte": "present"}, {"pte": "hinting"}),
)
def unmapping(
    design: Design = V5_11,
    callers: int = 1,
    pte: str = "present",
    gup_fast: GupFast = gup_fast,
    moved: int = 0,
) -> Scenario:
    """Return direct I/O on ordinary memory against munmap, while another process wants a page.

    design    as in `race`; its switches for gup-fast, TLB flush and page tables count
    callers   how many threads touch their buffer and do direct I/O, 0 to 5; then come a CPU that
              loads, the munmap and the other process
    pte       "present", or "hinting": kept from the hardware, so that its next use is noticed
    gup_fast, moved  as in `race`
    """
    start = _moved(MAPPING, moved)
    machine = memory_machine(1, start, hinting=pte == "hinting", first=MEMORY_PFN + moved)
    machine = replace(machine, tlbs=tuple(range(callers + 1)), frees=True)
    given = (start, ACCESS["read"], design, gup_fast)
    users = _each(callers, "direct I/O", touch_then_direct_io, lambda cpu: (cpu, *given))
    says = "A page of ordinary memory is unmapped, freed and used again under those who walk to it."
    loads = Automaton("load", user_code, (callers, start, False, 2, design))
    unmaps = Automaton("munmap", munmap, (callers + 1, design))
    return _scene(
        says, design, machine, *users, loads, unmaps, Automaton("another process", another_process)
    )


@scenario(
    "truncate",
    callers=UP_TO_EIGHT,
    pte=("present", "read-only", "absent"),
    settings=({"pte": "present"}, {"pte": "absent"}),
)
def truncation(design: Design = V5_11, callers: int = 1, pte: str = "present") -> Scenario:
    """Return direct I/O on a mapped DAX file against truncation of the file.

    design, callers, pte  as in `race`; the order of unbind does not matter here
    """
    _check_filesystem(design)
    machine = replace(_dax(design, 1, pte), shows=(IRQS_OFF, FAULTING, FS_LOCK, PTL, DMA))
    says = "A DAX file is unmapped and truncated: the same idea as the cure, for one file."
    users = _direct_ios(callers, MAPPING, 1, ACCESS["read"], design)
    return _scene(says, design, machine, *users, Automaton("truncate", truncate, (callers, design)))


@scenario("munmap-truncate", callers=range(1, 7))
def truncating_the_unmapped(design: Design = V5_11, callers: int = 1) -> Scenario:
    """Return munmap of a DAX file against its truncation, while other CPUs store to it.

    design   as in `race`; only its way to flush TLBs counts
    callers  how many CPUs store, 1 to 6
    """
    _check_filesystem(design)
    tlbs, shows = tuple(range(callers)), (FAULTING, FS_LOCK, MMAP_LOCK)
    machine = replace(_dax(design, 1, "present"), frees=True, tlbs=tlbs, shows=shows)
    users = _each(callers, "store", user_code, lambda cpu: (cpu, MAPPING, True, 1, design))
    says = "Truncation asks the file who maps it; munmap has left the list and not yet flushed."
    unmaps = Automaton("munmap", munmap, (callers, design))
    truncates = Automaton("truncate", truncate, (callers + 1, design))
    return _scene(says, design, machine, *users, unmaps, truncates)


@scenario(
    "special",
    callers=UP_TO_EIGHT,
    behind=("zero page", "registers"),
    settings=tuple(
        {"behind": behind, "access": access}
        for behind in ("zero page", "registers")
        for access in ACCESS
    ),
)
def special(
    design: Design = V5_11,
    callers: int = 1,
    behind: str = "zero page",
    access: str = "read",
    gup_fast: GupFast = gup_fast,
    moved: int = 0,
) -> Scenario:
    """Return direct I/O on a PTE that is special and not devmap.

    design, callers, access  as in `race`, and gup_fast and moved, too
    behind  "zero page" or "registers": the zero page has a struct page, a device's registers have
            none
    """
    vma = {"zero page": ANONYMOUS, "registers": PFNMAP}[behind]
    start = _moved(MAPPING, moved)
    says = "Direct I/O meets a PTE that is special: there may be no struct page."
    machine = special_machine(vma, callers, start, moved)
    threads = _direct_ios(callers, start, 1, ACCESS[access], design, gup_fast)
    return _scene(says, design, machine, *threads)


@scenario("mixed", callers=UP_TO_EIGHT, settings=tuple({"access": access} for access in ACCESS))
def mixed(design: Design = V5_11, callers: int = 1, access: str = "read") -> Scenario:
    """Return direct I/O on a buffer of two pages, ordinary memory and then DAX, against unbind.

    design, callers, access  as in `race`
    """
    dax, memory = _dax(design, 1, "present"), memory_machine()
    machine = replace(
        dax,
        page_table=memory.page_table + dax.page_table,
        memmap=memory.memmap + dax.memmap,
        vmas=memory.vmas + dax.vmas,
    )
    users = _direct_ios(callers, MAPPING, 2, ACCESS[access], design)
    says = "One buffer, two promises: the device dies and gup-fast gives both pages back."
    return _scene(says, design, machine, *users, _unbind(callers, design))


# --- The reference count itself -------------------------------------------------------------------


@scenario("percpu-ref", callers=UP_TO_EIGHT, wait=(True, False))
def percpu_ref(callers: int = 2, wait: bool = True) -> Scenario:
    """Return a percpu_ref that is used on several CPUs while it is killed.

    callers  how many CPUs take a live reference and put it, 1 to 8
    wait     does the kill wait for a grace period before it adds up the counts?
    """
    users = _each(callers, "tryget", tryget_and_put, lambda cpu: (cpu,))
    says = "A reference count that lives on every CPU is killed while it is in use."
    kills, way = Automaton("kill", kill, (wait,)), KILL_WAITS if wait else KILL_HURRIES
    return _scene(says, way, Ref(local=(0,) * callers), *users, kills)


KILL_WAITS = Variant("kill waits", "The counts are added up after a grace period.")
KILL_HURRIES = Variant("kill hurries", "The counts are added up at once.")


# --- Parts ----------------------------------------------------------------------------------------


def _scene(says: str, design: Any, machine: Any, *threads: Automaton) -> Scenario:
    """Return a scenario; its maker gives it its name."""
    return Scenario("", says, design, machine, threads)


def _moved(address: int, tables: int) -> int:
    """Return an address that lies so many page tables further up."""
    return address + tables * PTRS_PER_PTE * PAGE_SIZE


def _dax(
    design: Design, pages: int, pte: str, start: int = MAPPING, first: int = DEVICE_PFN
) -> Machine:
    machine = dax_machine(pages, pte != "absent", page_kind(design), start, first)
    if pte == "read-only":
        ptes = tuple(dax_pte(page.pfn, design.counted, write=False) for page in machine.memmap)
        machine = replace(machine, page_table=ptes)
    return replace(machine, clean=False if mark_clean in phases(design) else None)


def _check_filesystem(design: Design) -> None:
    if not design.filesystem:
        raise ScenarioError(f"In {design.name} there is no filesystem and no disk; choose v5.11.")


def _direct_ios(
    callers: int, start: int, pages: int, flags: int, design: Design, gup_fast: GupFast = gup_fast
) -> list[Automaton]:
    given = (start, pages, flags, design, gup_fast)
    function = direct_io_that_looks_last if design.looks_last else direct_io
    return _each(callers, "direct I/O", function, lambda cpu: (cpu, *given))


def _each(
    callers: int,
    label: str,
    function: Callable[..., Thread],
    args: Callable[[int], tuple[Any, ...]],
) -> list[Automaton]:
    """Return the threads of so many callers; `args` makes the arguments of the one on a CPU."""
    labels = [label] if callers == 1 else [f"{label} on CPU {cpu}" for cpu in range(callers)]
    return [Automaton(name, function, args(cpu)) for cpu, name in enumerate(labels)]


def _unbind(cpu: int, design: Design) -> Automaton:
    """Return the thread that unbinds a device of one page."""
    return Automaton("unbind", unbind, (cpu, 1, design))
