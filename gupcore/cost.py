"""What a call costs in steps: counted along a run of one thread that nobody disturbs.

Steps are not time.  They say how often gup-fast looks a pgmap up, how often it takes a reference
and where: on a count that lives on its own CPU, or on one that all CPUs share.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from .checker.step import Blocked, Thread
from .kernel.design import DESIGNS, Design
from .kernel.gup import get_user_pages_fast, gup_fast
from .kernel.machine import MAPPING, Machine
from .kernel.pte import PAGE_SIZE
from .kernel.start import dax_machine, memory_machine


class Run(NamedTuple):
    """A thread's run to its end.

    machine  the machine afterwards
    result   what the thread returned
    steps    how often it took each step: {name of the action: times}
    """

    machine: Any
    result: Any
    steps: Counter[str]


def run_alone(machine: Machine, thread: Thread) -> Run:
    """Run a thread to its end on a machine that nobody else uses.

    Raises RuntimeError, with the reason, if it comes to a step that waits for somebody else.
    """
    steps: Counter[str] = Counter()
    received = None
    while True:
        try:
            step = thread.send(received)
        except StopIteration as end:
            return Run(machine, end.value, steps)
        effect = step.take(machine)
        if isinstance(effect, Blocked):
            raise RuntimeError(f"{step!r} cannot be taken alone: {effect.why}")
        steps[step.action.name] += 1
        machine, received = effect.machine, effect.result


def gup_cost(
    pages: int, design: str | Design = "v5.11", dax: bool = True, offset: int = 0
) -> Counter[str]:
    """Count the steps of one get_user_pages_fast() on pages that are mapped.

    pages   how many pages are asked for
    design  a design or the name of one
    dax     are they pages of a DAX file, or ordinary memory?
    offset  how many pages after the beginning of a page table the first one lies

    Source: internal_get_user_pages_fast(), mm/gup.c, v5.11.
    """
    chosen = DESIGNS[design] if isinstance(design, str) else design
    start = MAPPING + offset * PAGE_SIZE
    machine = dax_machine(pages, start=start) if dax else memory_machine(pages, start)
    return run_alone(machine, get_user_pages_fast(0, start, pages, 0, chosen, gup_fast)).steps
