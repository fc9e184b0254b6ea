"""gupcore: a small model of gup-fast, dev_pagemap and device removal, and a checker for it.

    >>> from gupcore import check, race
    >>> check(race(design="no-check"), rule="struct page exists").status
    'fails'

Read the modules in this order: pte, machine, steps, design, gup, direct_io, device: the kernel
model; then rules and scenario: what is asked of it; then thread, explore, paths, verdict: how
it is answered.
"""

from .design import DESIGNS, Design
from .scenario import SCENARIOS, Scenario, ScenarioError, race
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
