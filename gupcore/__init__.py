"""gupcore: a small model of gup-fast, dev_pagemap and device removal, and a checker for it.

    >>> from gupcore import check, race
    >>> check(race(design="no-check"), rule="struct page exists").status
    'fails'

Three folders say what they hold: `checker` tries every schedule of some threads and knows nothing
of pages; `kernel` is the model and knows nothing of searching; `evidence` holds the model against
what real kernels did.  What stands beside them is what a reader meets.
"""

import sys

if sys.argv[:1] == ["-m"] and sys.orig_argv[-len(sys.argv)] == __name__:  # python -m gupcore
    from .outset import prepare

    prepare()

from .catalogue import race
from .checker.asked import ScenarioError
from .checker.machine import Gone, Thing
from .checker.maker import SCENARIOS, scenario
from .checker.replay import Moment, ScheduleError, replay
from .checker.rule import Rule
from .checker.scenario import Scenario
from .checker.source import ThreadError
from .checker.step import Blocked, Effect, Thread, Use, models
from .checker.thread import Automaton
from .checker.verdict import Report, Verdict, check
from .kernel.design import AFTER_GRACE_PERIOD, AT_ONCE, BROADCAST, DESIGNS, IPI, Design
from .kernel.device import PHASES, rebind, unbind
from .kernel.gup import get_user_pages_fast, gup_fast, gup_slow
from .kernel.machine import DEVICE_PFN, MAPPING, MEMORY_PFN, Machine, StructPage
from .kernel.rules import RULES
from .kernel.start import dax_machine, memory_machine, special_machine
from .kernel.unmap import munmap, truncate
from .kernel.users import another_process, block_io, direct_io, user_code

__version__ = "0.1.0"
__all__ = [
    "AFTER_GRACE_PERIOD",
    "AT_ONCE",
    "BROADCAST",
    "DESIGNS",
    "DEVICE_PFN",
    "IPI",
    "MAPPING",
    "MEMORY_PFN",
    "PHASES",
    "RULES",
    "SCENARIOS",
    "Automaton",
    "Blocked",
    "Design",
    "Effect",
    "Gone",
    "Machine",
    "Moment",
    "Report",
    "Rule",
    "Scenario",
    "ScenarioError",
    "ScheduleError",
    "StructPage",
    "Thing",
    "Thread",
    "ThreadError",
    "Use",
    "Verdict",
    "another_process",
    "block_io",
    "check",
    "dax_machine",
    "direct_io",
    "get_user_pages_fast",
    "gup_fast",
    "gup_slow",
    "memory_machine",
    "models",
    "munmap",
    "race",
    "rebind",
    "replay",
    "scenario",
    "special_machine",
    "truncate",
    "unbind",
    "user_code",
]
