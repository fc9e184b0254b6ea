"""Which protections are on: a frozen record of switches, and the named designs of the book.

The walkers ask the record at the places where kernels differ; unbind is an order of phases,
kept as data, so that a kernel's unbind is a line here and not another copy of the code.  To add
a design, add a few lines to `DESIGNS`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

V5_11_UNBIND = (
    "kill_dax",
    "dev_pagemap_kill",
    "put_pages",
    "dev_pagemap_cleanup",
    "arch_remove_memory",
    "pgmap_array_delete",
    "detach_driver",
)
UNMAP_ALL = ("drain_faults", "unmap_all_files", "serialise_walkers")


@dataclass(frozen=True, slots=True)
class Design:
    """One way to keep gup-fast and unbind apart.

    name            what it is called
    says            one sentence
    check           gup-fast takes a live pgmap reference before it touches a device page
    slow_check      gup-slow does so too
    irqs_off        gup-fast runs with interrupts off
    recheck         gup-fast reads the PTE again after it has taken its reference
    unbind          the phases of unbind, in order (see device.PHASES)
    """

    name: str
    says: str
    check: bool = True
    slow_check: bool = True
    irqs_off: bool = True
    recheck: bool = True
    unbind: tuple[str, ...] = V5_11_UNBIND

    @property
    def unmaps_all(self) -> bool:
        """Does unbind unmap all files?"""
        return "unmap_all_files" in self.unbind


def unmapping_all(design: Design) -> Design:
    """Return `design` with the cure's phases put where they belong: right after kill_dax."""
    if design.unmaps_all:
        return design
    after = design.unbind.index("kill_dax") + 1
    order = (*design.unbind[:after], *UNMAP_ALL, *design.unbind[after:])
    return replace(design, unbind=order)


def without(order: tuple[str, ...], *phases: str) -> tuple[str, ...]:
    """Return the phases of `order` but for the named ones."""
    return tuple(phase for phase in order if phase not in phases)


V5_11 = Design("v5.11", "Linux 5.11: gup-fast looks up dev_pagemap; nothing is unmapped.")
V6_1 = replace(
    V5_11,
    name="v6.1",
    says="Linux 6.1: the same check, but unbind does not wait for pinned pages.",
    unbind=(
        "kill_dax",
        "dev_pagemap_kill",
        "drop_pages_in_bulk",
        "dev_pagemap_cleanup",
        "arch_remove_memory",
        "pgmap_array_delete",
        "detach_driver",
    ),
)
NO_CHECK = replace(
    V5_11,
    name="no-check",
    says="Linux 5.11 with gup-fast's dev_pagemap check taken out.",
    check=False,
)
CURE = replace(
    unmapping_all(NO_CHECK),
    name="cure",
    says="The mail's proposal: no check, but unbind unmaps all files before it waits.",
)
BOTH = replace(unmapping_all(V5_11), name="both", says="The check, and unmap all files as well.")
NO_SERIALISE = replace(
    CURE,
    name="cure-no-serialise",
    says="The cure, but unbind does not wait for walkers after it has unmapped.",
    unbind=without(CURE.unbind, "serialise_walkers"),
)
# A kernel may be saved here by a grace period the model leaves out: mem_hotplug_begin(), before the
# struct pages go, waits for one unless its lock was taken a moment ago.
KILL_FIRST_NO_SERIALISE = replace(
    CURE,
    name="kill-first-no-serialise",
    says="The ref is killed first, then files are unmapped; nothing waits for walkers.",
    unbind=(
        "dev_pagemap_kill",
        "kill_dax",
        "drain_faults",
        "unmap_all_files",
        "put_pages",
        "dev_pagemap_cleanup",
        "arch_remove_memory",
        "pgmap_array_delete",
        "detach_driver",
    ),
)
NO_DRAIN = replace(
    CURE,
    name="cure-no-drain",
    says="The cure, but faults in flight are not drained before the files are unmapped.",
    unbind=without(CURE.unbind, "drain_faults"),
)
UNMAP_FIRST = replace(
    CURE,
    name="unmap-first",
    says="The cure in the wrong order: unmap all files, then refuse new faults.",
    unbind=(*UNMAP_ALL, *V5_11.unbind),
)
NO_WAIT = replace(
    CURE,
    name="cure-no-wait",
    says="The cure, but unbind does not wait for the pgmap's references.",
    unbind=without(CURE.unbind, "dev_pagemap_cleanup"),
)

DESIGNS: dict[str, Design] = {
    design.name: design
    for design in (
        NO_CHECK,
        V5_11,
        CURE,
        BOTH,
        V6_1,
        NO_SERIALISE,
        KILL_FIRST_NO_SERIALISE,
        NO_DRAIN,
        UNMAP_FIRST,
        NO_WAIT,
    )
}
