"""The named rules that every run on the kernel's machine must obey, see `checker.rule`."""

from __future__ import annotations

from dataclasses import dataclass

from ..checker.asked import Names
from ..checker.rule import EVERYONE_CAN_FINISH, NotWorse, Rule, usual_rules
from ..checker.step import Step
from .machine import DEVICE, FREE, IDLE, NOWHERE, OTHERS, Machine
from .pte import pte_pfn, pte_present, pte_special, pte_write


def _struct_page_exists(before: Machine, step: Step, after: Machine) -> bool:
    return not (after.oops or "").startswith("struct page")


def _tables_exist(before: Machine, step: Step, after: Machine) -> bool:
    return not (after.oops or "").startswith("page table")


def _frames_used(step: Step) -> tuple[int, ...]:
    """Return the frames that a disk may move data to or from by this step."""
    return step.used.frames if step.used and step.used.by == "device" else ()


def _right_page(before: Machine, step: Step, after: Machine) -> bool:
    return all(before.frame(pfn).owner != OTHERS for pfn in _frames_used(step))


def _dma_lands(before: Machine, step: Step, after: Machine) -> bool:
    frames = [before.frame(pfn) for pfn in _frames_used(step)]
    there = [page.kind != NOWHERE and not before.driverless(page) for page in frames]
    return all(there) and all(page.owner != FREE for page in frames)


def _only_the_allocator_revives(before: Machine, step: Step, after: Machine) -> bool:
    allocates = step.action.declares.allocates
    dying = before.pgmap is not None and before.pgmap.dead
    for old, new in zip(before.memmap, after.memmap, strict=True):
        if not (old.exists and new.exists) or old.refcount == new.refcount:
            continue
        if old.refcount == 0 and not allocates:
            return False
        freed_twice = old.owner == FREE and not allocates
        if freed_twice or new.refcount < (0 if dying else IDLE[new.kind]):
            return False
    return True


def _unbacked(machine: Machine) -> int:
    """Count the PTEs that promise an ordinary page and have none with a count behind them."""
    promised = [
        pte
        for pte in machine.page_table + machine.leaves
        if pte_present(pte) and not pte_special(pte)
    ]
    pages = [machine.frame(machine.head(pte_pfn(pte))) for pte in promised]
    return sum(not page.exists or page.refcount < 1 for page in pages)


def _stale(machine: Machine) -> int:
    """Count the entries of page tables and TLBs whose frame is not the mapping's any more."""
    return sum(machine.lost(pte_pfn(pte)) for pte in machine.entries())


def _clean_means_clean(before: Machine, step: Step, after: Machine) -> bool:
    if after.clean and _writable(after) > (_writable(before) if before.clean else 0):
        return False
    into = step.used is not None and step.used.write
    device = any(before.frame(pfn).kind in DEVICE for pfn in _frames_used(step))
    return not (before.clean and into and device)


def _writable(machine: Machine) -> int:
    """Count the entries through which user code can store to the device."""
    entries = [pte for pte in machine.entries() if pte_write(pte)]
    return sum(machine.frame(pte_pfn(pte)).kind in DEVICE for pte in entries)


def _counts_balance(machine: Machine) -> bool:
    for page in machine.memmap:
        if page.exists and page.refcount != IDLE[page.kind] + machine.counted(page.pfn):
            return False
    if machine.pgmap is not None:
        pages = sum(page.kind in DEVICE for page in machine.memmap)
        if machine.pgmap.refs != (0 if machine.pgmap.dead else 1 + pages):
            return False
    return not machine.inside


@dataclass(frozen=True, slots=True)
class SeesWhatDisksWrite:
    """Does the frame that a disk fills lie where the process looks, at `address`?

    If nothing is mapped there, nobody looks.
    """

    address: int

    def __call__(self, before: Machine, step: Step, after: Machine) -> bool:
        if not (step.used and step.used.write and step.used.by == "device"):
            return True
        entry = before.entry(self.address)
        if entry is None or not pte_present(entry):
            return True
        return pte_pfn(entry) in step.used.frames


def pinned_is_mapped(address: int) -> Rule:
    """Return the rule that what is pinned at `address`, to be written, is what is mapped there.

    What gup promises its caller is that the page was mapped at a moment when the caller's reference
    was already on it: who takes the mapping away to put another page there looks at the count
    afterwards, and sees it.  That it was mapped at some moment of the call would not do: a page
    found in a page table that is detached already was, and yet whoever counts has counted.  What a
    caller may count on is judged where it matters, when a disk moves data.
    """
    return Rule(
        "what is pinned is what is mapped",
        "What a disk writes into a pinned page is what the process finds at its address.",
        "step",
        SeesWhatDisksWrite(address),
    )


def _no_write_through_read_only(before: Machine, step: Step, after: Machine) -> bool:
    frames = _frames_used(step) if step.used and step.used.write else ()
    entries = [[pte for pte in before.entries() if pte_pfn(pte) == pfn] for pfn in frames]
    return all(any(pte_write(pte) for pte in ptes) for ptes in entries if ptes)


def _held(machine: Machine, thread: str, returned: object) -> bool:
    if not isinstance(returned, tuple):
        return True
    heads = [machine.frame(machine.head(pfn)) for pfn in returned]
    held = all(head.refcount > IDLE[head.kind] + machine.counted(head.pfn) for head in heads)
    return held and not any(machine.lost(pfn) for pfn in returned)


# For scenes in which gup is a thread by itself, which ends with its pins.
HELD = Rule(
    "what a call returns is held",
    "The pages that a call returns have a caller's reference, and belong to its process.",
    "return",
    _held,
)

# For scenes in which nobody write-protects what is pinned already: then it would be no harm.
READ_ONLY = Rule(
    "no write through a read-only entry",
    "No disk writes into a page that is mapped and may not be written.",
    "step",
    _no_write_through_read_only,
)

_RULES = (
    Rule(
        "struct page exists",
        "No step touches a struct page that has been removed.",
        "step",
        _struct_page_exists,
    ),
    Rule(
        "the right page",
        "No disk moves data to or from a frame that belongs to somebody else.",
        "step",
        _right_page,
    ),
    Rule(
        "only the allocator revives",
        "Only an allocator raises a page's count from zero, and no count drops below idle.",
        "step",
        _only_the_allocator_revives,
    ),
    Rule(
        "implied reference",
        "Behind a PTE that is not special there is a struct page with a count above zero.",
        "step",
        NotWorse(_unbacked),
    ),
    Rule(
        "tables exist",
        "No walker reads a page table that has been freed.",
        "step",
        _tables_exist,
    ),
    Rule(
        "DMA lands",
        "No disk moves data to or from a frame that is free, or whose driver is unbound.",
        "step",
        _dma_lands,
    ),
    Rule(
        "no stale mapping",
        "No page table and no TLB points at a frame that was freed, reused or unbound.",
        "step",
        NotWorse(_stale),
    ),
    Rule(
        "clean means clean",
        "Once the device is told that its data are safe, nothing writes to it, or could.",
        "step",
        _clean_means_clean,
    ),
    Rule(
        "counts balance",
        "When all threads have ended, every count is at its idle value and nothing is held.",
        "end",
        _counts_balance,
        "all threads have ended with counts left over.",
    ),
    EVERYONE_CAN_FINISH,
)
RULES = Names("rule", ((rule.name, rule) for rule in _RULES))


@usual_rules.register
def _(machine: Machine) -> tuple[Rule, ...]:
    return tuple(RULES.values())
