"""The named rules that every run must obey: each one sentence and one predicate.

A rule is judged on every *step* (a rule about a touch lives on the step, not in the state after
it), at the *end*, when all threads have ended, or on *finishing*: from every reachable state
each thread can still end by itself.  That is possibility, not fairness: a thread that could go
on forever but could also stop at any time obeys it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .machine import IDLE, Machine
from .steps import Step, dma


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule.

    name    what the verdict table calls it
    says    the rule in one sentence
    on      "step", "end" or "finish"
    holds   for "step": (machine before, step, machine after) -> bool; for "end": (machine) -> bool
    """

    name: str
    says: str
    on: str
    holds: Callable[..., bool] = lambda *_: True


def _exists(before: Machine, step: Step, after: Machine) -> bool:
    return after.oops is None


def _no_stale_mapping(before: Machine, step: Step, after: Machine) -> bool:
    return after.stale_mappings() <= before.stale_mappings()


def _dma_lands(before: Machine, step: Step, after: Machine) -> bool:
    return step.action is not dma or before.bound


def _counts_balance(machine: Machine) -> bool:
    pages = [page for page in machine.memmap if page is not None]
    return (
        machine.pgmap.refs == (0 if machine.pgmap.dead else 1 + len(machine.memmap))
        and all(page.refcount == IDLE for page in pages)
        and machine.ptl is None
        and not machine.irqs_off
        and not machine.faulting
    )


STRUCT_PAGE_EXISTS = Rule(
    "struct page exists",
    "No step touches a struct page that has been removed.",
    "step",
    _exists,
)
NO_STALE_MAPPING = Rule(
    "no stale mapping",
    "When unbind has returned, no page-table entry points at the device.",
    "step",
    _no_stale_mapping,
)
DMA_LANDS = Rule(
    "DMA lands",
    "No disk moves data to or from a frame whose driver has been unbound.",
    "step",
    _dma_lands,
)
COUNTS_BALANCE = Rule(
    "counts balance",
    "When all threads have ended, every count is back at its idle value and nothing is held.",
    "end",
    _counts_balance,
)
EVERYONE_CAN_FINISH = Rule(
    "everyone can finish",
    "From every reachable state each thread can still end by itself; being killed does not count.",
    "finish",
)

RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        STRUCT_PAGE_EXISTS,
        DMA_LANDS,
        NO_STALE_MAPPING,
        COUNTS_BALANCE,
        EVERYONE_CAN_FINISH,
    )
}
