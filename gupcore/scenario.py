"""A machine, threads and rules: something to check.  The catalogue the book uses.

To add a scenario, write a function that returns a `Scenario` and name it in `SCENARIOS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from inspect import isgeneratorfunction

from .design import DESIGNS, Design
from .device import PHASES, unbind
from .direct_io import direct_io
from .gup import GupFast, gup_fast
from .machine import MAPPING, Machine, dax_machine
from .rules import RULES, Rule
from .thread import Automaton

READ = 0  # FOLL_ flags of the callers: gup for read
MAX_CALLERS = 8  # one digit of a schedule a thread, and one thread unbinds


class ScenarioError(ValueError):
    """A scenario that cannot be set up; the message is a sentence that names the choices."""


@dataclass(frozen=True)
class Scenario:
    """Something to check.

    name     what it is called
    says     one sentence
    design   the protections that are on
    machine  the machine at the start
    threads  the threads, in the order of their numbers, from 1
    rules    the rules to judge
    """

    name: str
    says: str
    design: Design
    machine: Machine
    threads: tuple[Automaton, ...]
    rules: tuple[Rule, ...] = field(default_factory=lambda: tuple(RULES.values()))


def race(
    design: str | Design = "v5.11",
    callers: int = 1,
    pte: str = "present",
    gup_fast: GupFast = gup_fast,
) -> Scenario:
    """Return the mail's race: direct I/O on a mapped DAX file against unbind of the pmem driver.

    The I/O reads its buffer, where the mail's writes it: gup does not ask for a writable PTE.

    design    a design or the name of one (see design.DESIGNS)
    callers   how many threads do direct I/O, 1 to 8; the last thread unbinds
    pte       "present", or "absent" for a mapping that has not been touched yet
    gup_fast  a thread function to use instead of the model's own gup-fast

    Raises ScenarioError for a design, a phase of unbind, a number or a word it does not know,
    and for a gup_fast that is no thread.
    Source: Dan Williams' mail of 23 February 2021.
    """
    chosen = named_design(design)
    if not isinstance(callers, int) or not 1 <= callers <= MAX_CALLERS:
        raise ScenarioError(f"callers must be 1 to {MAX_CALLERS}, not {callers}.")
    if pte not in ("present", "absent"):
        raise ScenarioError(f"pte must be present or absent, not {pte}.")
    if not isgeneratorfunction(gup_fast):
        raise ScenarioError("gup_fast must be a thread: a function that yields steps.")
    pages = 1
    callers_on_cpus = [
        Automaton(
            "direct I/O" if callers == 1 else f"direct I/O on CPU {cpu}",
            direct_io,
            (cpu, MAPPING, READ, chosen, gup_fast),
        )
        for cpu in range(callers)
    ]
    return Scenario(
        name="seed-race",
        says="Direct I/O on a mapped DAX file races with unbind of the pmem driver.",
        design=chosen,
        machine=dax_machine(pages, mapped=pte == "present"),
        threads=(*callers_on_cpus, Automaton("unbind", unbind, (pages, chosen))),
    )


def named_design(design: str | Design) -> Design:
    """Return the design of that name; raise ScenarioError if it, or a phase, is unknown."""
    if isinstance(design, str):
        if design not in DESIGNS:
            raise ScenarioError(f"There is no design {design!r}; choose {_one_of(DESIGNS)}.")
        design = DESIGNS[design]
    if not isinstance(design, Design):
        raise ScenarioError(f"{design!r} is no design; choose {_one_of(DESIGNS)}.")
    for phase in design.unbind:
        if phase not in PHASES:
            raise ScenarioError(f"Unbind has no phase {phase!r}; choose {_one_of(PHASES)}.")
    return design


def named_scenario(name: str) -> Callable[..., Scenario]:
    """Return the scenario function of that name; raise ScenarioError for an unknown one."""
    if name not in SCENARIOS:
        raise ScenarioError(f"There is no scenario {name!r}; choose {_one_of(SCENARIOS)}.")
    return SCENARIOS[name]


def _one_of(names: Iterable[str]) -> str:
    return ", ".join(names)


SCENARIOS: dict[str, Callable[..., Scenario]] = {"seed-race": race}
