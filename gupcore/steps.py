"""Atomic steps: what one CPU can do to the machine in one indivisible action.

One step is one access to shared memory, or one atomic read-modify-write, or one critical
section under a lock that the kernel really holds there.  A longer piece of kernel code that is
one step here says in its docstring why that loses nothing. Computation on local values is free
and is no step.

A step is a value: an action and its arguments.  `take` applies it to a machine and answers with
an `Effect`, or with `Blocked` and a sentence that says what it waits for.

Every action names the kernel function it stands for, its file and the version it models.
Waiting for CPUs is waiting for a *set*: those that were inside their section when the wait
began.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import NamedTuple

from .machine import FIRST_PFN, Machine, RemovedPage, page_index
from .pte import PTE_NONE, pte_mkdevmap, pte_none, pte_words, user_pte


class Effect(NamedTuple):
    """What a step did: the machine after it, one sentence, and what the thread receives."""

    machine: Machine
    said: str
    result: Hashable = None


class Blocked(NamedTuple):
    """A step that cannot be taken yet, and why."""

    why: str


class Source(NamedTuple):
    """Where the kernel does this."""

    function: str
    file: str
    version: str

    def __str__(self) -> str:
        return f"{self.function}(), {self.file}, {self.version}"


@dataclass(frozen=True, eq=False, slots=True)
class Action:
    """A kind of step.  Called with its arguments it makes a `Step`, which does nothing yet.

    name    the name a thread calls it by
    does    one sentence
    source  the kernel function it stands for
    apply   the effect: (machine, *arguments) -> Effect or Blocked
    """

    name: str
    does: str
    source: Source
    apply: Callable[..., Effect | Blocked]

    def __call__(self, *args: Hashable) -> Step:
        return Step(self, args)

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Step:
    """One action with its arguments: what a thread yields."""

    action: Action
    args: tuple[Hashable, ...]

    def take(self, machine: Machine) -> Effect | Blocked:
        """Apply the step to `machine`.

        Touching a removed struct page ends the run: the kernel oopses, and nothing the threads
        would do afterwards is judged.
        """
        if machine.oops is not None:
            return Blocked("The kernel has oopsed; the run ends here.")
        try:
            return self.action.apply(machine, *self.args)
        except RemovedPage as fault:
            said = f"Touches the struct page of pfn {fault.pfn:#x}, which has been removed: oops."
            return Effect(replace(machine, oops=fault.pfn), said)

    def __repr__(self) -> str:
        return f"{self.action.name}({', '.join(map(repr, self.args))})"


ACTIONS: list[Action] = []  # every action of the model: the kernel map is made from this list


def models(
    function: str, file: str, version: str = "v5.11"
) -> Callable[[Callable[..., Effect | Blocked]], Action]:
    """Declare the kernel function, its file and its version that an action stands for."""

    def declare(apply: Callable[..., Effect | Blocked]) -> Action:
        does = (apply.__doc__ or "").split("\n")[0]
        action = Action(apply.__name__, does, Source(function, file, version), apply)
        ACTIONS.append(action)
        return action

    return declare


# --- Interrupts and page-table entries ---------------------------------------------------------


@models("local_irq_save", "include/linux/irqflags.h")
def local_irq_save(m: Machine, cpu: int) -> Effect:
    """Turn interrupts off on this CPU; a grace period that begins now waits for it."""
    return Effect(replace(m, irqs_off=m.irqs_off | {cpu}), "Turns interrupts off.")


@models("local_irq_restore", "include/linux/irqflags.h")
def local_irq_restore(m: Machine, cpu: int) -> Effect:
    """Turn interrupts on again; no grace period waits for this CPU any longer."""
    owed = frozenset((who, c) for who, c in m.owed if c != cpu or who not in GRACE_PERIODS)
    after = replace(m, irqs_off=m.irqs_off - {cpu}, owed=owed)
    return Effect(after, "Turns interrupts on again.")


@models("ptep_get_lockless", "include/linux/pgtable.h")
def ptep_get_lockless(m: Machine, address: int) -> Effect:
    """Read a PTE without a lock."""
    return Effect(m, f"Reads the PTE: {pte_words(m.pte(address))}.", m.pte(address))


@models("gup_pte_range", "mm/gup.c")
def ptep_reread(m: Machine, address: int, expected: int) -> Effect:
    """Read a PTE again, to compare it with the `expected` value read before."""
    same = m.pte(address) == expected
    said = "it has not changed" if same else f"it has changed to {pte_words(m.pte(address))}"
    return Effect(m, f"Reads the PTE again: {said}.", same)


@models("pte_offset_map_lock", "include/linux/mm.h")
def pte_offset_map_lock(m: Machine, cpu: int, address: int) -> Effect | Blocked:
    """Take the page-table lock and read the PTE.

    One step, because nobody can change the PTE between the two: that needs the lock.
    """
    if m.ptl is not None:
        return Blocked(f"Waits for the page-table lock, which CPU {m.ptl} holds.")
    pte = m.pte(address)
    return Effect(replace(m, ptl=cpu), f"Takes the page-table lock; PTE: {pte_words(pte)}.", pte)


@models("pte_unmap_unlock", "include/linux/mm.h")
def pte_unmap_unlock(m: Machine, cpu: int) -> Effect:
    """Release the page-table lock."""
    return Effect(replace(m, ptl=None), "Releases the page-table lock.")


# --- struct page and dev_pagemap ----------------------------------------------------------------


@models("try_grab_compound_head", "mm/gup.c")
def try_grab_compound_head(m: Machine, pfn: int) -> Effect:
    """Raise a page's count unless it is zero.  A refusal has touched the struct page as well."""
    return _grab(m, pfn)


def _grab(m: Machine, pfn: int) -> Effect:
    count = m.page(pfn).refcount
    if count <= 0:
        return Effect(m, f"Finds the page's count at {count} and leaves it alone.", False)
    said = f"Takes a reference on the page: count {count} -> {count + 1}."
    return Effect(m.with_refcount(pfn, count + 1), said, True)


@models("try_grab_page", "mm/gup.c")
def try_grab_page(m: Machine, pfn: int) -> Effect:
    """Raise a page's count under the page-table lock; at zero, warn and refuse."""
    return _grab(m, pfn)


@models("put_page", "include/linux/mm.h")
def put_page(m: Machine, pfn: int) -> Effect:
    """Drop a reference on a page.  At zero, the page gives back the pgmap reference it holds.

    Two atomic actions in the kernel.  They may be one here, because the struct page cannot go while
    the second is outstanding.
    """
    count = m.page(pfn).refcount - 1
    after = m.with_refcount(pfn, count)
    said = f"Drops a reference on the page: count {count + 1} -> {count}"
    if count == 0:
        after = after.with_pgmap_refs(-1)
        said += f", and with it the page's reference on the pgmap: {after.pgmap.refs} left"
    return Effect(after, said + ".")


@models("get_dev_pagemap", "mm/memremap.c")
def xa_load(m: Machine, pfn: int) -> Effect:
    """Look up the dev_pagemap that covers frame `pfn`."""
    found = m.pgmap.listed and FIRST_PFN <= pfn < FIRST_PFN + len(m.memmap)
    said = "finds the device's dev_pagemap" if found else "finds nothing"
    return Effect(m, f"Looks up pfn {pfn:#x} in pgmap_array: {said}.", found)


@models("percpu_ref_tryget_live", "include/linux/percpu-refcount.h")
def percpu_ref_tryget_live(m: Machine) -> Effect:
    """Take a reference on the pgmap unless its ref has been killed."""
    if m.pgmap.dead:
        return Effect(m, "Asks for a live reference on the pgmap: refused, it is dying.", False)
    after = m.with_pgmap_refs(+1)
    said = f"Takes a live reference on the pgmap: {m.pgmap.refs} -> {after.pgmap.refs}."
    return Effect(after, said, True)


@models("put_dev_pagemap", "include/linux/memremap.h")
def put_dev_pagemap(m: Machine) -> Effect:
    """Give a pgmap reference back."""
    after = m.with_pgmap_refs(-1)
    said = f"Gives the pgmap reference back: {m.pgmap.refs} -> {after.pgmap.refs}."
    return Effect(after, said)


# --- The fault and the I/O ----------------------------------------------------------------------


@models("handle_pte_fault", "mm/memory.c")
def handle_pte_fault(m: Machine, address: int) -> Effect:
    """Read the PTE to see what kind of fault this is: with a present one there is nothing to do."""
    pte = m.pte(address)
    said = "there is nothing to fault in" if pte else "the file must be asked"
    return Effect(m, f"Looks at the PTE: {pte_words(pte)}; {said}.", pte)


@models("dax_direct_access", "drivers/dax/super.c")
def dax_direct_access(m: Machine, cpu: int, address: int) -> Effect:
    """Enter the filesystem's fault path and ask the device for the frame, if it is still alive.

    The fault holds the filesystem's lock (i_mmap_sem in ext4) from before this step to after the
    PTE is set; a fault that is refused has let go of it, so it is not seen inside.
    """
    pfn = FIRST_PFN + page_index(address)
    if not m.dax_alive:
        return Effect(m, "Asks the DAX device for the frame: refused, it is dying.", None)
    after = replace(m, faulting=m.faulting | {cpu})
    return Effect(after, f"Asks the DAX device for the frame: pfn {pfn:#x}.", pfn)


@models("vmf_insert_mixed", "mm/memory.c")
def vmf_insert_mixed(m: Machine, cpu: int, address: int, pfn: int) -> Effect | Blocked:
    """Set the PTE, under the page-table lock, if it is still empty; leave the fault path."""
    if m.ptl is not None:
        return Blocked(f"Waits for the page-table lock, which CPU {m.ptl} holds.")
    said = "Finds the PTE set by somebody else already."
    if pte_none(m.pte(address)):
        m = m.with_pte(address, pte_mkdevmap(user_pte(pfn)))
        said = f"Sets the PTE: {pte_words(m.pte(address))}.  No page reference is taken."
    owed = m.owed - {(DRAIN, cpu)}
    return Effect(replace(m, faulting=m.faulting - {cpu}, owed=owed), said)


@models("bio_endio", "block/bio.c")
def dma(m: Machine, pfn: int) -> Effect:
    """The last transfer between frame `pfn` and another file's disk; the I/O completes."""
    said = f"The disk moves the data to or from pfn {pfn:#x}; the I/O is complete."
    return Effect(m, said)


# --- Unbind ---------------------------------------------------------------------------------------

RCU, KILL, DRAIN = "synchronize_rcu", "percpu_ref_kill", "drain_faults"
GRACE_PERIODS = (RCU, KILL)  # both wait for CPUs that run with interrupts off


@models("kill_dax", "drivers/dax/super.c")
def clear_dax_alive(m: Machine) -> Effect:
    """From now on the device gives no frames to faults."""
    return Effect(replace(m, dax_alive=False), "Tells the DAX device to refuse new faults.")


@models("percpu_ref_kill_and_confirm", "lib/percpu-refcount.c")
def percpu_ref_kill(m: Machine) -> Effect:
    """Refuse new live references, drop the initial one, and begin a grace period.

    One step, because the kernel does all three under a spinlock, and nobody can drop the count to
    zero in between: the initial reference is held until the last.
    """
    pgmap = replace(m.pgmap, dead=True, refs=m.pgmap.refs - 1)
    after = _begin_waiting(replace(m, pgmap=pgmap), KILL, m.irqs_off)
    said = f"Kills the pgmap's ref: no live references from now on, {pgmap.refs} left"
    return Effect(after, said + _and_waits(m.irqs_off))


@models("percpu_ref_put_many", "include/linux/percpu-refcount.h", "v6.1")
def percpu_ref_put_many(m: Machine) -> Effect:
    """Drop every page's reference on the pgmap at once, pinned or not."""
    after = m.with_pgmap_refs(-len(m.memmap))
    said = f"Drops all the pages' references on the pgmap, pinned or not: {after.pgmap.refs} left."
    return Effect(after, said)


@models("dev_pagemap_cleanup", "mm/memremap.c")
def wait_for_pgmap_refs(m: Machine) -> Effect | Blocked:
    """Wait until the kill's grace period is over and the pgmap's count is zero."""
    if cpus := m.waiting_for(KILL):
        return Blocked(f"Waits for the kill's grace period; still inside: {_cpu_list(cpus)}.")
    if m.pgmap.refs:
        held = "reference is" if m.pgmap.refs == 1 else "references are"
        return Blocked(f"Waits for the pgmap's count to reach zero: {m.pgmap.refs} {held} held.")
    return Effect(m, "Sees the pgmap's count at zero.")


@models("arch_remove_memory", "arch/x86/mm/init_64.c")
def remove_struct_pages(m: Machine) -> Effect:
    """Take the device's struct pages away.

    One step for all of them: a walker that finds one gone finds the same as if all were.
    """
    return Effect(replace(m, memmap=(None,) * len(m.memmap)), "Removes the device's struct pages.")


@models("pgmap_array_delete", "mm/memremap.c")
def delete_from_pgmap_array(m: Machine) -> Effect:
    """Take the dev_pagemap out of pgmap_array."""
    after = replace(m, pgmap=replace(m.pgmap, listed=False))
    return Effect(after, "Takes the dev_pagemap out of pgmap_array.")


@models("unbind_store", "drivers/base/bus.c")
def unbind_returns(m: Machine) -> Effect:
    """The driver is detached; the write to `unbind` returns."""
    stale = replace(m, bound=False).stale_mappings()
    said = "The driver is detached; the write to unbind returns"
    said += ", and a PTE still points at the device." if stale else "."
    return Effect(replace(m, bound=False), said)


# --- The cure: unmap all files ------------------------------------------------------------------


@models("down_write", "kernel/locking/rwsem.c", "proposed")
def begin_drain(m: Machine) -> Effect:
    """Take the filesystem's lock for writing: wait for the faults that are in flight now."""
    after = _begin_waiting(m, DRAIN, m.faulting)
    return Effect(after, "Begins to drain the faults in flight" + _and_waits(m.faulting))


@models("down_write", "kernel/locking/rwsem.c", "proposed")
def end_drain(m: Machine) -> Effect | Blocked:
    """The lock is had when those faults have left; it is let go at once, so this is a barrier."""
    if cpus := m.waiting_for(DRAIN):
        return Blocked(f"Waits for the faults in flight; still inside: {_cpu_list(cpus)}.")
    return Effect(m, "No fault that could still set a PTE is in flight.")


@models("unmap_mapping_range", "mm/memory.c", "proposed")
def zap_all_files(m: Machine) -> Effect | Blocked:
    """Clear every PTE of every DAX file, under the page-table lock.

    One step for all of them, because here there is one.  The flush of the TLBs is left out.
    """
    if m.ptl is not None:
        return Blocked(f"Waits for the page-table lock, which CPU {m.ptl} holds.")
    after = replace(m, page_table=(PTE_NONE,) * len(m.page_table))
    return Effect(after, "Clears every PTE of every DAX file.")


@models("synchronize_rcu", "kernel/rcu/tree.c", "proposed")
def begin_grace_period(m: Machine) -> Effect:
    """Start to wait for every CPU that has interrupts off now: every walker now inside gup-fast."""
    after = _begin_waiting(m, RCU, m.irqs_off)
    return Effect(after, "Begins a grace period" + _and_waits(m.irqs_off))


@models("synchronize_rcu", "kernel/rcu/tree.c", "proposed")
def end_grace_period(m: Machine) -> Effect | Blocked:
    """Wait until those CPUs have left."""
    if cpus := m.waiting_for(RCU):
        return Blocked(f"Waits for the grace period; still inside: {_cpu_list(cpus)}.")
    return Effect(m, "The grace period is over: no walker from before it is left.")


def _begin_waiting(m: Machine, waiter: str, cpus: frozenset[int]) -> Machine:
    return replace(m, owed=m.owed | {(waiter, cpu) for cpu in cpus})


def _and_waits(cpus: frozenset[int]) -> str:
    return f"; it will wait for {_cpu_list(cpus)}." if cpus else "; nobody is inside."


def _cpu_list(cpus: frozenset[int]) -> str:
    return " and ".join(f"CPU {cpu}" for cpu in sorted(cpus))
