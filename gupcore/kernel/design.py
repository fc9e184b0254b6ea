"""Which protections are on: a frozen record of switches, and the named designs of the book.

The walkers ask the record at the places where kernels differ; unbind is an order of phases,
kept as data, so that a kernel's unbind is a line here and not another copy of the code.  To add
a design, add a few lines at the end.

Named designs follow history: what Linux did, what was proposed, and what goes wrong if a step of
the proposal is left out or put in the wrong place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Literal

from ..checker.asked import Names, one_of_these

Flush = Literal["IPI", "broadcast"]
Tables = Literal["at once", "after a grace period"]

IPI: Flush = "IPI"
BROADCAST: Flush = "broadcast"
AT_ONCE: Tables = "at once"
AFTER_GRACE_PERIOD: Tables = "after a grace period"

REMOVE = ("arch_remove_memory", "pgmap_array_delete", "detach_driver")
MEMUNMAP = ("dev_pagemap_kill", "put_pages", "dev_pagemap_cleanup", *REMOVE)
MEMUNMAP_IN_BULK = ("dev_pagemap_kill", "drop_pages_in_bulk", "dev_pagemap_cleanup", *REMOVE)
UNMAP_ALL = ("drain_faults", "unmap_all_files", "serialise_walkers")

# arm64 flushes at the end of each mapping, before it is taken off its file's list.
MUNMAP: Mapping[Flush, tuple[str, ...]] = MappingProxyType(
    {
        IPI: ("zap", "unlink", "flush", "put", "free"),
        BROADCAST: ("zap", "flush", "unlink", "put", "free"),
    }
)

# What can be taken away from an unbind to see if it was needed; the rest is the removal itself.
GUARDS = (
    *("kill_dax", "del_gendisk", "freeze_fs", "shut_down_fs", *UNMAP_ALL, "memory_failure"),
    *("wait_for_idle_pages", "dev_pagemap_kill", "put_pages", "dev_pagemap_cleanup"),
    "mem_hotplug_begin",
)


@dataclass(frozen=True, slots=True)
class Design:
    """One way to keep gup-fast and those who take pages away apart.

    name          what it is called
    says          one sentence
    irqs_off      gup-fast runs with interrupts off
    special       gup-fast leaves special PTEs that are not devmap to gup-slow
    check         gup-fast takes a live pgmap reference before it touches a device page
    unless_zero   gup-fast takes no reference on a page whose count is zero
    recheck       gup-fast reads the PTE again after it has taken its reference
    slow_check    gup-slow takes a live pgmap reference, too
    tlb_flush     how TLBs are flushed: IPI, which CPUs with interrupts off answer late (x86-64), or
                  BROADCAST, which waits for no software walker (arm64)
    free_tables   when a page table is freed after the flush: AT_ONCE or AFTER_GRACE_PERIOD
    preemptible   may a DAX fault be preempted between its frame and its touch of the struct page?
    counted       a mapping holds a reference on its DAX page, whose PTE is a normal one (v6.15)
    recheck_pmd   gup-fast reads the PMD again as well (v6.0, see huge.py)
    recheck_head  gup-fast reads the page's head again (v5.14, see huge.py)
    puts_pgmap    gup-fast gives its pgmap reference back when it cannot grab a huge page (v5.15)
    fork_counts   a fork makes write_protect_seq odd while it write-protects (v5.11, see fork.py)
    seqcount      gup-fast, when it pins, looks at that seqcount before and after
    looks_last    putting a device page looks at it after its count fell to one (v5.11); a step of
                  its own only where that is asked for
    filesystem    is there a filesystem on a disk, or is the device mapped by itself (device-dax)?
    unbind        the phases of unbind, in order (see device.PHASES)
    munmap        the phases of munmap, in order (see unmap.MUNMAPS); none: those of the TLB flush
    truncate      the phases of truncation, in order (see unmap.TRUNCATES)
    collapse      the phases of a collapse by khugepaged, in order (see huge.COLLAPSES)
    """

    name: str
    says: str
    irqs_off: bool = True
    special: bool = True
    check: bool = True
    unless_zero: bool = True
    recheck: bool = True
    slow_check: bool = True
    tlb_flush: Flush = IPI
    free_tables: Tables = AT_ONCE
    preemptible: bool = False
    counted: bool = False
    recheck_pmd: bool = False
    recheck_head: bool = True
    puts_pgmap: bool = True
    fork_counts: bool = True
    seqcount: bool = True
    looks_last: bool = False
    filesystem: bool = True
    unbind: tuple[str, ...] = ("kill_dax", "del_gendisk", *MEMUNMAP)
    munmap: tuple[str, ...] = ()
    truncate: tuple[str, ...] = ("unmap", "wait", "take_blocks")
    collapse: tuple[str, ...] = ("detach", "flush", "isolate", "copy", "install")

    def __post_init__(self) -> None:
        one_of_these("tlb_flush", self.tlb_flush, (IPI, BROADCAST))
        one_of_these("free_tables", self.free_tables, (AT_ONCE, AFTER_GRACE_PERIOD))
        for name, switch in (
            ("irqs_off", self.irqs_off),
            ("special", self.special),
            ("check", self.check),
            ("unless_zero", self.unless_zero),
            ("recheck", self.recheck),
            ("slow_check", self.slow_check),
            ("preemptible", self.preemptible),
            ("counted", self.counted),
            ("recheck_pmd", self.recheck_pmd),
            ("recheck_head", self.recheck_head),
            ("puts_pgmap", self.puts_pgmap),
            ("fork_counts", self.fork_counts),
            ("seqcount", self.seqcount),
            ("looks_last", self.looks_last),
            ("filesystem", self.filesystem),
        ):
            one_of_these(name, switch, (True, False))

    @property
    def unmaps_all(self) -> bool:
        """Does unbind unmap all files?"""
        return "unmap_all_files" in self.unbind or "memory_failure" in self.unbind

    @property
    def munmap_order(self) -> tuple[str, ...]:
        """The phases of munmap, in order."""
        return self.munmap or MUNMAP[self.tlb_flush]

    def in_python(self) -> str:
        """Return this design in Python: by its name, or with all that is not as in Linux 5.11."""
        if DESIGNS.get(self.name) == self:
            return f'"{self.name}"'
        given = (f for f in fields(self) if f.name in ("name", "says") or self._differs(f))
        return f"Design({', '.join(f'{f.name}={getattr(self, f.name)!r}' for f in given)})"

    def _differs(self, field: Field[Any]) -> bool:
        return bool(getattr(self, field.name) != field.default)

    def protections(self) -> tuple[str, ...]:
        """Name the protections that are on: switches of the walkers, then phases of unbind."""
        switches = ("irqs_off", "special", "check", "unless_zero", "recheck", "slow_check")
        on = tuple(name for name in switches if getattr(self, name))
        late = ("free_tables",) if self.free_tables == AFTER_GRACE_PERIOD else ()
        return on + late + tuple(phase for phase in self.unbind if phase in GUARDS)

    def lacking(self, protection: str) -> Design:
        """Return this design without one of its `protections`; raise ValueError for another."""
        if protection not in self.protections():
            choices = ", ".join(self.protections())
            raise ValueError(f"{self.name} has no {protection}; choose {choices}.")
        name, says = f"{self.name} without {protection}", f"{self.says} But no {protection}."
        if protection in self.unbind:
            return replace(self, name=name, says=says, unbind=without(self.unbind, protection))
        if protection == "free_tables":
            return replace(self, name=name, says=says, free_tables=AT_ONCE)
        return replace(self, name=name, says=says, **{protection: False})  # type: ignore[arg-type]


def unmapping_all(design: Design) -> Design:
    """Return `design` with the cure's phases put where they belong: right after kill_dax."""
    if design.unmaps_all:
        return design
    at = design.unbind.index("kill_dax") + 1
    return replace(design, unbind=(*design.unbind[:at], *UNMAP_ALL, *design.unbind[at:]))


def without(order: tuple[str, ...], *phases: str) -> tuple[str, ...]:
    """Return the phases of `order` but for the named ones."""
    return tuple(phase for phase in order if phase not in phases)


def inserted(order: tuple[str, ...], before: str, *phases: str) -> tuple[str, ...]:
    """Return `order` with `phases` put in before the phase named `before`."""
    at = order.index(before)
    return (*order[:at], *phases, *order[at:])


DESIGNS: Names[Design] = Names("design")


def _design(name: str, says: str, like: Design | None = None, **changes: Any) -> Design:
    """Name a design: `like` another but for the changes."""
    made = replace(like or Design("", ""), name=name, says=says, **changes)
    DESIGNS[name] = made
    return made


# --- What Linux did, and with one test taken out --------------------------------------------------

NO_CHECK = _design(
    "no-check", "Linux 5.11 with gup-fast's dev_pagemap check taken out.", check=False
)
V5_11 = _design("v5.11", "Linux 5.11: gup-fast looks up dev_pagemap; nothing is unmapped.")
_design(
    "v5.11-preemptible",
    "Linux 5.11 built to be preemptible: a DAX fault may be stopped anywhere.",
    preemptible=True,
)
_design(
    "device-dax",
    "Linux 5.11's device-dax: faults are drained and the one file is unmapped at removal.",
    filesystem=False,
    unbind=("kill_dax", "drain_faults", "unmap_all_files", *MEMUNMAP),
)
# The sweep is taken at its word: that it finds every process that maps a page.  As we read
# memory_failure() of the time, it would have looked at the process that unbinds and no other.  What
# is said below of one more grace period holds here, too.
_design(
    "march-2021",
    "The patches of March 2021 on x86-64: kill the ref, refuse faults, unmap page by page.",
    NO_CHECK,
    unbind=(
        *("del_gendisk", "dev_pagemap_kill", "kill_dax", "memory_failure"),
        *without(MEMUNMAP, "dev_pagemap_kill"),
    ),
)
V6_1 = _design(
    "v6.1",
    "Linux 6.1 with ext4: the same check, but unbind does not wait for pinned pages.",
    unbind=("kill_dax", "del_gendisk", *MEMUNMAP_IN_BULK),
)
_design(
    "xfs-v6.8",
    "XFS with rmapbt since Linux 6.8: it freezes, unmaps its files (its signals are left out).",
    unbind=(*("freeze_fs", "drain_faults", "unmap_all_files", "shut_down_fs", *V6_1.unbind),),
)
_design(
    "v6.15",
    "Linux 6.15 with ext4: a mapping holds a page reference, but unbind waits for none.",
    V6_1,
    counted=True,
)

# --- The mail's proposal --------------------------------------------------------------------------

# On a machine whose TLB flush waits for nobody: the hardest case for it.
CURE = _design(
    "cure",
    "The mail's proposal: no check, but unbind unmaps all files before it waits.",
    unmapping_all(NO_CHECK),
    tlb_flush=BROADCAST,
    free_tables=AFTER_GRACE_PERIOD,
)
_design(
    "cure-ipi",
    "The cure on x86-64, where a TLB flush waits until every CPU has answered an interrupt.",
    CURE,
    tlb_flush=IPI,
    free_tables=AT_ONCE,
)
_design("both", "The check, and unmap all files as well.", CURE, check=True)
CURE_V6_1 = _design(
    "cure-on-v6.1",
    "The cure's phases on Linux 6.1, whose unbind does not wait for pinned pages.",
    CURE,
    unbind=unmapping_all(V6_1).unbind,
)
_design(
    "cure-on-v6.1-waits",
    "The same, and unbind waits until every page of the device is idle.",
    CURE_V6_1,
    unbind=inserted(CURE_V6_1.unbind, "del_gendisk", "wait_for_idle_pages"),
)
_design(
    "cure-on-v6.15",
    "The cure's phases on Linux 6.15, where mappings count.",
    CURE_V6_1,
    counted=True,
)
_design(
    "cure-on-v6.15-waits",
    "The same on Linux 6.15, and unbind waits until every page of the device is idle.",
    CURE_V6_1,
    counted=True,
    unbind=inserted(CURE_V6_1.unbind, "del_gendisk", "wait_for_idle_pages"),
)

# --- The proposal with a step left out or out of place --------------------------------------------

_design(
    "cure-no-serialise",
    "The cure, but unbind does not wait for walkers after it has unmapped.",
    CURE.lacking("serialise_walkers"),
)
# Two caveats.  A kernel may be saved by a grace period that is not modelled: mem_hotplug_begin(),
# just before the struct pages go, waits for one unless its lock was taken a moment ago.  And where
# the pgmap's ref is the block queue's (until v5.15), a fault that is drained after the kill must
# not need the disk.
KILL_FIRST = _design(
    "kill-first-no-serialise",
    "The ref is killed first, then files are unmapped; nothing waits for walkers.",
    CURE,
    unbind=(
        *("del_gendisk", "dev_pagemap_kill", "kill_dax", "drain_faults", "unmap_all_files"),
        *without(MEMUNMAP, "dev_pagemap_kill"),
    ),
)
_design(
    "kill-first-ipi",
    "The same, where a TLB flush waits until every CPU has answered an interrupt.",
    KILL_FIRST,
    tlb_flush=IPI,
)
_design(
    "cure-no-drain",
    "The cure, but faults in flight are not drained before the files are unmapped.",
    CURE.lacking("drain_faults"),
)
_design(
    "unmap-first",
    "The cure in the wrong order: unmap all files, then refuse new faults.",
    CURE,
    unbind=(*UNMAP_ALL, *V5_11.unbind),
)
_design(
    "cure-no-wait",
    "The cure, but unbind does not wait for the pgmap's references.",
    CURE.lacking("dev_pagemap_cleanup"),
)

# --- The last touch -------------------------------------------------------------------------------

# Putting a device page looks at it once more when its count has fallen to one (until v5.17).
for _like in (V5_11, CURE):
    _looks = _design(
        f"{_like.name}-looks-last",
        f"{_like.says[:-1]}; dropping a pin ends with a look at the page.",
        _like,
        looks_last=True,
    )
    _design(
        f"{_like.name}-looks-last-waits",
        f"{_looks.says[:-1]}, and removal waits for one more grace period.",
        _looks,
        unbind=inserted(_like.unbind, "arch_remove_memory", "mem_hotplug_begin"),
    )

# --- Telling the device that its data are safe ----------------------------------------------------

for _like in (V5_11, V6_1, CURE):
    _design(
        f"{_like.name}-clean",
        f"{_like.says[:-1]}; at the end the device is told that its data are safe.",
        _like,
        unbind=inserted(_like.unbind, "detach_driver", "mark_clean"),
    )
_design(
    "cure-clean-early",
    "The cure, but the device is told so when all is unmapped, and I/O may go on.",
    CURE,
    unbind=inserted(CURE.unbind, "del_gendisk", "mark_clean"),
)
