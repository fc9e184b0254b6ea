"""The catalogue: the scenarios the book uses.

To add a scenario, write a function that returns a `Scenario` and name it in `SCENARIOS`.  The
command line offers its arguments as options.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .design import Design
from .device import rebind, unbind
from .gup import GupFast, gup_fast
from .machine import (
    ANONYMOUS,
    BULK_DAX,
    COUNTED_DAX,
    DEVICE_PFN,
    DMA,
    FAULTING,
    FS_DAX,
    FS_LOCK,
    IRQS_OFF,
    MAPPING,
    MMAP_LOCK,
    PFNMAP,
    PTL,
    Machine,
    dax_pte,
)
from .percpu_ref import REF_RULES, Ref, kill, tryget_and_put
from .pte import FOLL_WRITE, PAGE_SIZE
from .scenario import (
    Scenario,
    ScenarioError,
    check_number,
    check_thread,
    named_design,
    one_of,
    one_word,
    recorded,
)
from .start import dax_machine, memory_machine, special_machine
from .thread import Automaton
from .unmap import munmap, truncate
from .users import another_process, block_io, direct_io, touch_then_direct_io, user_code

ACCESS = {"read": 0, "write": FOLL_WRITE}  # does gup ask for a writable PTE?
MAX_CALLERS = 8  # one digit of a schedule a thread, and one thread unbinds


# --- Against unbind -------------------------------------------------------------------------------


@recorded
def race(
    design: str | Design = "v5.11",
    callers: int = 1,
    pte: str = "present",
    access: str = "read",
    pages: int = 1,
    gup_fast: GupFast = gup_fast,
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

    Raises ScenarioError for a design, a phase of unbind, a number or a word it does not know,
    and for a gup_fast that is no thread.
    Source: Dan Williams' mail of 23 February 2021.
    """
    chosen = named_design(design)
    check_number("callers", callers, MAX_CALLERS)
    check_number("pages", pages, 2)
    flags = ACCESS[one_word("access", access, ACCESS)]
    check_thread("gup_fast", gup_fast)
    start = MAPPING if pages == 1 else MAPPING - PAGE_SIZE
    machine = _dax(chosen, pages, pte, start)
    users = _direct_ios(callers, start, pages, flags, chosen, gup_fast)
    unbinds = Automaton("unbind", unbind, (callers, pages, chosen))
    says = "Direct I/O on a mapped DAX file races with unbind of the pmem driver."
    threads = (*users, unbinds)
    return Scenario("seed-race", says, chosen, machine, threads)


@recorded
def rebinding(design: str | Design = "v5.11", callers: int = 1) -> Scenario:
    """Return the race with a driver that is unbound, bound again, and its disk mounted anew.

    design, callers  as in `race`

    The lookup in gup-fast goes by frame number: it cannot tell the device's lives apart.
    """
    chosen = named_design(design)
    check_number("callers", callers, MAX_CALLERS)
    users = _direct_ios(callers, MAPPING, 1, ACCESS["read"], chosen)
    rebinds = Automaton("unbind, then bind", rebind, (callers, 1, chosen))
    says = "The driver is unbound and bound again; who still has the old mapping?"
    machine = _dax(chosen, 1, "present")
    threads = (*users, rebinds)
    return Scenario("rebind", says, chosen, machine, threads)


@recorded
def stores(design: str | Design = "v5.11", callers: int = 1) -> Scenario:
    """Return user code that stores to a mapped DAX file, twice, while the driver is unbound.

    design   as in `race`
    callers  how many CPUs store, 1 to 8
    """
    chosen = named_design(design)
    check_number("callers", callers, MAX_CALLERS)
    machine = replace(_dax(chosen, 1, "present"), tlbs=tuple(range(callers)))
    users = (
        Automaton(_label("store", n, callers), user_code, (n, MAPPING, True, 2, chosen))
        for n in range(callers)
    )
    says = "User code stores through the hardware, which takes no reference on anything."
    threads = (*users, Automaton("unbind", unbind, (callers, 1, chosen)))
    return Scenario("stores", says, chosen, machine, threads)


@recorded
def unmapping_dax(design: str | Design = "v5.11", callers: int = 1) -> Scenario:
    """Return the race of a process that unmaps its DAX file with unbind.

    design   as in `race`
    callers  how many of its threads do direct I/O, 0 to 5; then come a CPU that stores, the munmap
             and the unbind.  With 0, the munmap does what the exit of the process does.
    """
    chosen = named_design(design)
    check_number("callers", callers, MAX_CALLERS - 3, least=0)
    machine = replace(
        _dax(chosen, 1, "present"),
        frees=True,
        tlbs=(callers,),
        shows=(IRQS_OFF, FAULTING, PTL, MMAP_LOCK, DMA),
    )
    says = "A process unmaps its DAX file while the driver is unbound."
    threads = (
        *_direct_ios(callers, MAPPING, 1, ACCESS["read"], chosen),
        Automaton("store", user_code, (callers, MAPPING, True, 1, chosen)),
        Automaton("munmap", munmap, (callers + 1, chosen)),
        Automaton("unbind", unbind, (callers + 2, 1, chosen)),
    )
    return Scenario("munmap-dax", says, chosen, machine, threads)


@recorded
def block_ios(design: str | Design = "v5.11", callers: int = 1) -> Scenario:
    """Return I/O to the pmem block device itself against unbind.

    design   as in `race`, one whose pgmap shares the ref of the block queue (before v5.15)
    callers  how many threads do block I/O, 1 to 8
    """
    chosen = named_design(design)
    check_number("callers", callers, MAX_CALLERS)
    if "drop_pages_in_bulk" in chosen.unbind:
        raise ScenarioError(f"In {chosen.name} the block queue has a ref of its own; choose v5.11.")
    _check_filesystem(chosen)
    users = (
        Automaton(_label("block I/O", n, callers), block_io, (DEVICE_PFN,)) for n in range(callers)
    )
    says = "I/O to the pmem disk holds the ref that the pgmap shares with the block queue."
    machine = _dax(chosen, 1, "present")
    threads = (*users, Automaton("unbind", unbind, (callers, 1, chosen)))
    return Scenario("block-io", says, chosen, machine, threads)


# --- Against those who take pages away one by one -------------------------------------------------


@recorded
def unmapping(
    design: str | Design = "v5.11",
    callers: int = 1,
    pte: str = "present",
    gup_fast: GupFast = gup_fast,
) -> Scenario:
    """Return direct I/O on ordinary memory against munmap, while another process wants a page.

    design    as in `race`; its switches for gup-fast, TLB flush and page tables count
    callers   how many threads touch their buffer and do direct I/O, 0 to 5; then come a CPU that
              loads, the munmap and the other process
    pte       "present", or "hinting": kept from the hardware, so that its next use is noticed
    gup_fast  as in `race`
    """
    chosen = named_design(design)
    check_number("callers", callers, MAX_CALLERS - 3, least=0)
    check_thread("gup_fast", gup_fast)
    hinting = one_word("pte", pte, ("present", "hinting")) == "hinting"
    machine = memory_machine(hinting=hinting)
    machine = replace(machine, tlbs=tuple(range(callers + 1)), frees=True)
    users = (
        Automaton(
            _label("direct I/O", cpu, callers),
            touch_then_direct_io,
            (cpu, MAPPING, ACCESS["read"], chosen, gup_fast),
        )
        for cpu in range(callers)
    )
    says = "A page of ordinary memory is unmapped, freed and used again under those who walk to it."
    threads = (
        *users,
        Automaton("load", user_code, (callers, MAPPING, False, 2, chosen)),
        Automaton("munmap", munmap, (callers + 1, chosen)),
        Automaton("another process", another_process),
    )
    return Scenario("munmap", says, chosen, machine, threads)


@recorded
def truncation(design: str | Design = "v5.11", callers: int = 1, pte: str = "present") -> Scenario:
    """Return direct I/O on a mapped DAX file against truncation of the file.

    design, callers, pte  as in `race`; the order of unbind does not matter here
    """
    chosen = named_design(design)
    _check_filesystem(chosen)
    check_number("callers", callers, MAX_CALLERS)
    machine = replace(_dax(chosen, 1, pte), shows=(IRQS_OFF, FAULTING, FS_LOCK, PTL, DMA))
    says = "A DAX file is unmapped and truncated: the same idea as the cure, for one file."
    threads = (
        *_direct_ios(callers, MAPPING, 1, ACCESS["read"], chosen),
        Automaton("truncate", truncate, (callers, chosen)),
    )
    return Scenario("truncate", says, chosen, machine, threads)


@recorded
def truncating_the_unmapped(design: str | Design = "v5.11", callers: int = 1) -> Scenario:
    """Return munmap of a DAX file against its truncation, while other CPUs store to it.

    design   as in `race`; only its way to flush TLBs counts
    callers  how many CPUs store, 1 to 6
    """
    chosen = named_design(design)
    _check_filesystem(chosen)
    check_number("callers", callers, MAX_CALLERS - 2)
    machine = replace(
        _dax(chosen, 1, "present"),
        frees=True,
        tlbs=tuple(range(callers)),
        shows=(FAULTING, FS_LOCK, MMAP_LOCK),
    )
    users = (
        Automaton(_label("store", n, callers), user_code, (n, MAPPING, True, 1, chosen))
        for n in range(callers)
    )
    says = "Truncation asks the file who maps it; munmap has left the list and not yet flushed."
    threads = (
        *users,
        Automaton("munmap", munmap, (callers, chosen)),
        Automaton("truncate", truncate, (callers + 1, chosen)),
    )
    return Scenario("munmap-truncate", says, chosen, machine, threads)


@recorded
def special(
    design: str | Design = "v5.11",
    callers: int = 1,
    behind: str = "zero page",
    access: str = "read",
    gup_fast: GupFast = gup_fast,
) -> Scenario:
    """Return direct I/O on a PTE that is special and not devmap.

    design, callers, access  as in `race`, and gup_fast, too
    behind  "zero page" or "registers": the zero page has a struct page, a device's registers have
            none
    """
    chosen = named_design(design)
    check_number("callers", callers, MAX_CALLERS)
    vmas = {"zero page": ANONYMOUS, "registers": PFNMAP}
    vma = vmas[one_word("behind", behind, vmas)]
    flags = ACCESS[one_word("access", access, ACCESS)]
    says = "Direct I/O meets a PTE that is special: there may be no struct page."
    machine = special_machine(vma, spare=callers)
    check_thread("gup_fast", gup_fast)
    threads = tuple(_direct_ios(callers, MAPPING, 1, flags, chosen, gup_fast))
    return Scenario("special", says, chosen, machine, threads)


@recorded
def mixed(design: str | Design = "v5.11", callers: int = 1, access: str = "read") -> Scenario:
    """Return direct I/O on a buffer of two pages, ordinary memory and then DAX, against unbind.

    design, callers, access  as in `race`
    """
    chosen = named_design(design)
    check_number("callers", callers, MAX_CALLERS)
    dax, memory = _dax(chosen, 1, "present"), memory_machine()
    machine = replace(
        dax,
        page_table=memory.page_table + dax.page_table,
        memmap=memory.memmap + dax.memmap,
        vmas=memory.vmas + dax.vmas,
    )
    flags = ACCESS[one_word("access", access, ACCESS)]
    users = _direct_ios(callers, MAPPING, 2, flags, chosen)
    says = "One buffer, two promises: the device dies and gup-fast gives both pages back."
    threads = (*users, Automaton("unbind", unbind, (callers, 1, chosen)))
    return Scenario("mixed", says, chosen, machine, threads)


# --- The reference count itself -------------------------------------------------------------------


@recorded
def percpu_ref(callers: int = 2, wait: bool = True) -> Scenario:
    """Return a percpu_ref that is used on several CPUs while it is killed.

    callers  how many CPUs take a live reference and put it, 1 to 8
    wait     does the kill wait for a grace period before it adds up the counts?
    """
    check_number("callers", callers, MAX_CALLERS)
    users = (Automaton(_label("tryget", n, callers), tryget_and_put, (n,)) for n in range(callers))
    says = "A reference count that lives on every CPU is killed while it is in use."
    machine = Ref(local=(0,) * callers)
    threads = (*users, Automaton("kill", kill, (wait,)))
    return Scenario(
        "percpu-ref",
        says,
        KILL_WAITS if wait else KILL_HURRIES,
        machine,
        threads,
        tuple(REF_RULES.values()),
    )


KILL_WAITS = Design("kill waits", "The counts are added up after a grace period.", unbind=())
KILL_HURRIES = Design("kill hurries", "The counts are added up at once.", unbind=())


# --- Parts ----------------------------------------------------------------------------------------


def _dax(design: Design, pages: int, pte: str, start: int = MAPPING) -> Machine:
    one_word("pte", pte, ("present", "read-only", "absent"))
    kind = BULK_DAX if "drop_pages_in_bulk" in design.unbind else FS_DAX
    kind = COUNTED_DAX if design.counted else kind
    machine = dax_machine(pages, pte != "absent", kind, start)
    if pte == "read-only":
        ptes = tuple(dax_pte(page.pfn, design.counted, write=False) for page in machine.memmap)
        machine = replace(machine, page_table=ptes)
    return replace(machine, clean=False if "mark_clean" in design.unbind else None)


def _check_filesystem(design: Design) -> None:
    if not design.filesystem:
        raise ScenarioError(f"In {design.name} there is no filesystem and no disk; choose v5.11.")


def _direct_ios(
    callers: int, start: int, pages: int, flags: int, design: Design, gup_fast: GupFast = gup_fast
) -> list[Automaton]:
    return [
        Automaton(
            _label("direct I/O", cpu, callers),
            direct_io,
            (cpu, start, pages, flags, design, gup_fast),
        )
        for cpu in range(callers)
    ]


def _label(name: str, cpu: int, of: int) -> str:
    return name if of == 1 else f"{name} on CPU {cpu}"


def named_scenario(name: str) -> Callable[..., Scenario]:
    """Return the scenario function of that name; raise ScenarioError for an unknown one."""
    if name not in SCENARIOS:
        raise ScenarioError(f"There is no scenario {name!r}; choose {one_of(SCENARIOS)}.")
    return SCENARIOS[name]


SCENARIOS: dict[str, Callable[..., Scenario]] = {
    "seed-race": race,
    "rebind": rebinding,
    "stores": stores,
    "munmap-dax": unmapping_dax,
    "block-io": block_ios,
    "munmap": unmapping,
    "truncate": truncation,
    "munmap-truncate": truncating_the_unmapped,
    "special": special,
    "mixed": mixed,
    "percpu-ref": percpu_ref,
}
