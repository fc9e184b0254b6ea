"""gupcore: a small model of gup-fast, dev_pagemap and device removal, and a checker for it.

    >>> from gupcore import check, race
    >>> check(race(design="no-check"), rule="struct page exists").status
    'fails'

Three folders say what they hold: `checker` tries every schedule of some threads and knows nothing
of pages; `kernel` is the model and knows nothing of searching; `evidence` holds the model against
what real kernels did.  What stands beside them is what a reader meets.
"""

from .catalogue import race
from .checker.asked import ScenarioError
from .checker.machine import Gone, Thing
from .checker.maker import SCENARIOS, scenario
from .checker.replay import Moment, ScheduleError, replay
from .checker.rule import Rule
from .checker.scenario import Scenario
from .checker.source import ThreadError
from .checker.step import Blocked, Effect, models
from .checker.thread import Automaton
from .checker.verdict import Report, Verdict, check
from .kernel.design import DESIGNS, Design
from .kernel.device import PHASES
from .kernel.rules import RULES

__version__ = "0.1.0"
__all__ = [
    "DESIGNS",
    "PHASES",
    "RULES",
    "SCENARIOS",
    "Automaton",
    "Blocked",
    "Design",
    "Effect",
    "Gone",
    "Moment",
    "Report",
    "Rule",
    "Scenario",
    "ScenarioError",
    "ScheduleError",
    "Thing",
    "ThreadError",
    "Verdict",
    "check",
    "models",
    "race",
    "replay",
    "scenario",
]
