"""The lab's scenarios: what is loaded into the guest, and what the guest's program does.

To add one, add a line here and a function in guest/guplab.c.
"""

from __future__ import annotations

from dataclasses import dataclass

SLOW_DISK = "irqmode:2,completion_nsec:2000000000"
FAST_DISK = "irqmode:0"


@dataclass(frozen=True)
class Scenario:
    """One boot of the guest.

    name     what it is called here
    says     what is tried
    program  what the guest's program is told to do
    load     modules of ours, with their parameters
    disk     parameters of null_blk, the other disk
    mkfs     further options of mkfs.ext4
    cpus     1 or 2
    traced   is the kernel's tracer on?
    lookups  is it about the answers that gup's lookups of the pgmap get?
    """

    name: str
    says: str
    program: str
    load: tuple[str, ...] = ()
    disk: str = FAST_DISK
    mkfs: str = ""
    cpus: int = 1
    traced: bool = True
    lookups: bool = False


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "direct-io",
            "Direct I/O into the mapping is in flight; unbind.",
            "direct-io",
            disk=SLOW_DISK,
        ),
        Scenario("hold", "A pipe holds a page of the mapping (vmsplice); unbind.", "hold"),
        Scenario("probes", "Unbind, then six ways to use the PTE that is left.", "probes"),
        Scenario(
            "probes-blind",
            "The same, with gup-fast's dev_pagemap check blinded.",
            "probes",
            load=("blind",),
        ),
        Scenario(
            "zapped-after",
            "Check blinded, and each process clears its PTE after unbind, before its probe.",
            "probes-zapped-after",
            load=("blind",),
        ),
        Scenario(
            "zapped-before",
            "Check blinded, and each process clears its PTE before unbind.",
            "probes-zapped-before",
            load=("blind",),
        ),
        Scenario(
            "cure",
            "Check blinded, and unbind itself unmaps all files.",
            "probes",
            load=("blind", "cure"),
        ),
        Scenario(
            "cure-hold",
            "Unbind unmaps all files, while a pipe holds a page.",
            "hold",
            load=("blind", "cure"),
        ),
        Scenario(
            "cure-direct-io",
            "Unbind unmaps all files, while direct I/O is in flight.",
            "direct-io",
            load=("blind", "cure"),
            disk=SLOW_DISK,
        ),
        Scenario(
            "cure-waits-hold",
            "Unbind unmaps all files and waits for pins, while a pipe holds a page.",
            "hold",
            load=("blind", "cure:wait=1"),
        ),
        Scenario(
            "cure-waits-direct-io",
            "Unbind unmaps all files and waits for pins, while direct I/O is in flight.",
            "direct-io",
            load=("blind", "cure:wait=1"),
            disk=SLOW_DISK,
        ),
        Scenario("rebind", "Unbind, bind again, and give the frames to another file.", "rebind"),
        Scenario(
            "two-cpus",
            "gup-fast in a loop on one CPU, unbind on the other.",
            "two-cpus",
            cpus=2,
            lookups=True,
        ),
        Scenario(
            "cost",
            "Instructions of one gup call, by kind of memory and number of pages.",
            "cost",
            load=("cost",),
            mkfs="-O:bigalloc:-C:2097152",
            traced=False,
        ),
    )
}
