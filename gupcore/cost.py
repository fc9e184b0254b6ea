"""What a call costs in steps: counted along a run of one thread that nobody disturbs.

Steps are not time.  They say how often gup-fast looks a pgmap up, how often it takes a reference
and where: on a count that lives on its own CPU, or on one that all CPUs share.  What a step takes
and gives back is what its action declares, whatever its name is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from .checker.machine import CALLER
from .checker.replay import Run
from .checker.step import Action, Thread
from .checker.thread import Automaton
from .kernel.design import DESIGNS, Design
from .kernel.gup import get_user_pages_fast, gup_fast
from .kernel.machine import A_LOCK, MAPPING, PGMAP, STRUCT_PAGE, VMA, Machine
from .kernel.pte import PAGE_SIZE
from .kernel.start import dax_machine, memory_machine


class Cost(NamedTuple):
    """What a thread did on its way to its end.

    machine  the machine afterwards
    result   what the thread returned
    steps    how often it took each step: {action: times}
    """

    machine: Any
    result: Any
    steps: Counter[Action]

    @property
    def lookups(self) -> int:
        """How often it asked for a reference on the pgmap."""
        return self._count(lambda action: (PGMAP, CALLER) in action.declares.takes)

    @property
    def given_back(self) -> int:
        """How often it gave such a reference back."""
        return self._count(lambda action: (PGMAP, CALLER) in action.declares.drops)

    @property
    def grabs(self) -> int:
        """How often it asked for a reference on a page."""
        return self._count(lambda action: (STRUCT_PAGE, CALLER) in action.declares.takes)

    @property
    def locks(self) -> int:
        """How often it came to a lock; mmap_lock to read, once a call, is not counted."""
        counted = [action for action in self.steps if VMA not in action.declares.reads]
        return self._count(lambda action: action in counted and A_LOCK in action.declares.waits)

    def _count(self, counts: Callable[[Action], bool]) -> int:
        return sum(times for action, times in self.steps.items() if counts(action))


def run_alone(machine: Machine, function: Callable[..., Thread], *args: Any) -> Cost:
    """Run a thread to its end on a machine that nobody else uses.

    function, args  the thread

    Raises ScheduleError, with the reason, if it comes to a step that waits for somebody else.
    """
    run = Run(machine, [Automaton(function.__name__, function, args)])
    steps: Counter[Action] = Counter()
    while run.next_step(0) is not None:
        _, step, _ = run.step(0)
        steps[step.action] += 1
    return Cost(run.machine, run.results[0], steps)


def gup_cost(pages: int, design: str | Design = "v5.11", dax: bool = True, offset: int = 0) -> Cost:
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
    return run_alone(machine, get_user_pages_fast, 0, start, pages, 0, chosen, gup_fast)
