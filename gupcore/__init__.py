"""gupcore: a small model of gup-fast, dev_pagemap and device removal, and a checker for it.

    >>> from gupcore import check, race
    >>> check(race(design="no-check"), rule="struct page exists").status
    'fails'

Read the modules in this order: pte, machine, start, step and the folder steps, design, gup, fault,
users, unmap, device: the kernel model; then rules, scenario, catalogue: what is asked of it; then
thread, explore, paths, outcomes, verdict, table: how it is answered; then conformance and records:
what real kernels did.
"""

from .catalogue import SCENARIOS, race
from .design import DESIGNS, Design
from .scenario import Scenario, ScenarioError
from .thread import ThreadError
from .verdict import Report, ScheduleError, Verdict, check, replay

__version__ = "0.1.0"
__all__ = [
    "DESIGNS",
    "SCENARIOS",
    "Design",
    "Report",
    "Scenario",
    "ScenarioError",
    "ScheduleError",
    "ThreadError",
    "Verdict",
    "check",
    "race",
    "replay",
]
