"""What in the kernel's machine is a CPU's own: its sections, its waiters, its TLB.

With it callers can change places, and be more than are written down: see `checker.callers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..checker.callers import Mark, Own, Reference, own
from .machine import PGMAP, STRUCT_PAGE, Machine

INSIDE, OWED, SHOWN, KEPT = "inside", "owed to", "has a TLB", "keeps in its TLB"

Pairs = frozenset[tuple[int, Mark]]


@own.register
def _(machine: Machine) -> Own:
    return Own(marks, marked, holding, hidden)


def marks(machine: Machine) -> Pairs:
    """Return all that the machine keeps of CPUs, as (cpu, (what kind of mark, which))."""
    return frozenset(
        (
            *((cpu, (INSIDE, section)) for section, cpu in machine.inside),
            *((cpu, (OWED, waiter)) for waiter, cpu in machine.owed),
            *((cpu, (SHOWN, None)) for cpu in machine.tlbs),
            *((cpu, (KEPT, entry)) for cpu, entry in map(_entry, machine.tlb)),
        )
    )


def _entry(kept: tuple[int, int, int]) -> tuple[int, tuple[int, int]]:
    return kept[0], kept[1:]


def marked(machine: Machine, pairs: Pairs) -> Machine:
    """Return a machine with these marks, and no others."""
    of: dict[str, list[tuple[Any, int]]] = {kind: [] for kind in (INSIDE, OWED, SHOWN, KEPT)}
    for cpu, (kind, which) in pairs:
        of[kind].append((which, cpu))
    return replace(
        machine,
        inside=frozenset(of[INSIDE]),
        owed=frozenset(of[OWED]),
        tlbs=tuple(sorted(cpu for _, cpu in of[SHOWN])),
        tlb=frozenset((cpu, *entry) for entry, cpu in of[KEPT]),
    )


def holding(machine: Machine, more: Mapping[Reference, Any]) -> Machine:
    """Return a machine with so many more references of callers on pages that exist, and on it."""
    pages = tuple(
        replace(page, refcount=page.refcount + more[STRUCT_PAGE, page.pfn])
        if page.exists and (STRUCT_PAGE, page.pfn) in more
        else page
        for page in machine.memmap
    )
    pgmap = machine.pgmap
    if pgmap is not None and (PGMAP, pgmap.life) in more:
        pgmap = replace(pgmap, refs=pgmap.refs + more[PGMAP, pgmap.life])
    return replace(machine, memmap=pages, pgmap=pgmap)


def hidden(machine: Machine, kind: str, unseen: Any) -> Machine:
    """Return a machine with something else in place of its marks of a kind."""
    fields = {INSIDE: "inside", OWED: "owed", KEPT: "tlb", SHOWN: "tlbs"}
    return replace(machine, **{fields[kind]: unseen})
