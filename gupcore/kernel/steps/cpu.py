"""Steps of a CPU: interrupts, grace periods, TLBs, and the two ways to flush them.

Waiting for CPUs is waiting for a *set*: those that were inside their section when the wait
began.  "Nobody is inside now" is another condition, and a wrong one.

A load or store by user code is one step with its walk and its TLB fill.  An invalidate cannot
fall between the two: it completes only when accesses through the old entry have.
"""

from __future__ import annotations

from dataclasses import replace

from ...checker.declared import RESULT, Use
from ...checker.step import Blocked, Effect, models
from ...checker.unseen import set_of, without
from ..machine import (
    ENTRY,
    FLUSH,
    GRACE_PERIOD,
    IRQS_OFF,
    NO_PREEMPT,
    TABLE,
    TLB_ENTRY,
    Machine,
    cpu_list,
)
from ..pte import PTE_NONE, pte_access_permitted, pte_pfn, pte_words

RCU, KILL, IPI = "synchronize_rcu", "percpu_ref_kill", "flush_tlb"  # who can wait for CPUs


@models("local_irq_save", "include/linux/irqflags.h")
def local_irq_save(m: Machine, cpu: int) -> Effect:
    """Turn interrupts off on this CPU; who waits for it now has to go on waiting."""
    return Effect(m.enter(IRQS_OFF, cpu), "Turns interrupts off.")


@models("local_irq_restore", "include/linux/irqflags.h", writes=(TLB_ENTRY,))
def local_irq_restore(m: Machine, cpu: int) -> Effect:
    """Turn interrupts on again: grace periods go on, and a flush that was sent is carried out."""
    said = "Turns interrupts on again"
    if cpu in m.waiting_for(IPI):
        said += ", and flushes its TLB as it was asked to"
    after = _flushed(m, cpu) if cpu in m.waiting_for(IPI) else m
    return Effect(replace(after, owed=without(after.owed, cpu)).leave(IRQS_OFF, cpu), said + ".")


def readers(m: Machine) -> frozenset[int]:
    """Return the CPUs a grace period that begins now must wait for."""
    return m.cpus(IRQS_OFF) | m.cpus(NO_PREEMPT)


@models("synchronize_rcu", "kernel/rcu/tree.c")
def begin_grace_period(m: Machine) -> Effect:
    """Start to wait for every CPU that has interrupts or preemption off now."""
    said = "Begins a grace period" + and_waits(readers(m))
    return Effect(m.owing(RCU, readers(m)), said)


@models("synchronize_rcu", "kernel/rcu/tree.c", waits=(GRACE_PERIOD,))
def end_grace_period(m: Machine) -> Effect | Blocked:
    """Wait until those CPUs have left."""
    if cpus := m.waiting_for(RCU):
        said = f"Waits for the grace period; still inside: {cpu_list(cpus)}."
        return Blocked(said, GRACE_PERIOD, cpus)
    return Effect(m, "The grace period is over: no walker from before it is left.")


@models("flush_tlb_mm_range", "arch/x86/mm/tlb.c", writes=(TLB_ENTRY,))
def begin_flush(m: Machine) -> Effect:
    """Ask every CPU to flush its TLB, by interrupt: one with interrupts off answers later.

    The CPUs that can answer do so within this step.  They may be slower in truth, but nothing is
    freed before `end_flush`, so their delay is not seen.
    """
    late = m.cpus(IRQS_OFF)
    kept = set_of(entry for entry in m.tlb if entry[0] in late)
    said = "Asks all CPUs to flush their TLBs" + and_waits(late)
    return Effect(replace(m, tlb=kept).owing(IPI, late), said)


@models("flush_tlb_mm_range", "arch/x86/mm/tlb.c", waits=(FLUSH,))
def end_flush(m: Machine) -> Effect | Blocked:
    """Wait until every CPU has answered."""
    if cpus := m.waiting_for(IPI):
        said = f"Waits for {cpu_list(cpus)} to flush: interrupts are off there."
        return Blocked(said, FLUSH, cpus)
    return Effect(m, "Every CPU has flushed its TLB.")


@models("__flush_tlb_range", "arch/arm64/include/asm/tlbflush.h", writes=(TLB_ENTRY,))
def broadcast_flush(m: Machine) -> Effect:
    """Invalidate the entries in all TLBs by one broadcast, which waits for no software walker."""
    return Effect(replace(m, tlb=frozenset()), "Invalidates all TLBs by a broadcast.")


@models(
    "(the hardware)",
    "arch/x86/include/asm/pgtable.h",
    reads=(TABLE, ENTRY),
    writes=(TLB_ENTRY,),
    uses=Use("CPU", RESULT, "write"),
)
def load_or_store(m: Machine, cpu: int, address: int, write: bool) -> Effect:
    """User code accesses an address: through the TLB, or else by a walk, which fills the TLB.

    No struct page is touched; a permission the entry does not give is a fault.
    """
    at = m.index(address)
    kept = next((pte for who, n, pte in m.tlb if (who, n) == (cpu, at)), PTE_NONE)
    does = "Stores" if write else "Loads"
    if pte_access_permitted(kept, write):
        return Effect(m, f"{does} through its TLB entry: {pte_words(kept)}.", pte_pfn(kept))
    pte = m.entry(address) or PTE_NONE
    if not pte_access_permitted(pte, write):
        return Effect(m, f"Faults: the PTE is {pte_words(pte)}.", None)
    tlb = set_of((*(entry for entry in m.tlb if entry[:2] != (cpu, at)), (cpu, at, pte)))
    said = f"{does}: walks the page table, keeps {pte_words(pte)} in its TLB."
    return Effect(replace(m, tlb=tlb), said, pte_pfn(pte))


def and_waits(cpus: frozenset[int]) -> str:
    """Say whom a wait that begins is for."""
    return f"; it will wait for {cpu_list(cpus)}." if cpus else "; nobody is inside."


def _flushed(m: Machine, cpu: int) -> Machine:
    return replace(m, tlb=set_of(entry for entry in m.tlb if entry[0] != cpu))
