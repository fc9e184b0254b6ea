"""gupcore: a small model of gup-fast, dev_pagemap and device removal, and a checker for it.

    >>> from gupcore import check, race
    >>> check(race(design="no-check"), rule="struct page exists").status
    'fails'

Four folders say what they hold: `checker` tries every schedule of some threads and knows nothing
of pages; `kernel` is the model and knows nothing of searching; `evidence` holds the model against
what real kernels did; `order` asks what a few reads and writes can see where memory has no single
order.  What stands beside them is what a reader meets.
"""

import sys

if sys.argv[:1] == ["-m"] and sys.orig_argv[-len(sys.argv)] == __name__:  # python -m gupcore
    from .outset import prepare

    prepare()

from typing import TYPE_CHECKING

from .catalogue import race
from .checker.asked import ScenarioError
from .checker.checking import check
from .checker.declared import StepError, Use
from .checker.machine import Gone, Thing
from .checker.maker import SCENARIOS, scenario
from .checker.replay import Moment, ScheduleError, replay
from .checker.rule import Rule
from .checker.scenario import Scenario, Variant
from .checker.source import ThreadError
from .checker.step import Blocked, Effect, Thread, models, step
from .checker.thread import Automaton
from .checker.verdict import Report, Verdict
from .kernel.design import AFTER_GRACE_PERIOD, AT_ONCE, BROADCAST, DESIGNS, IPI, Design
from .kernel.device import PHASES, rebind, unbind
from .kernel.gup import get_user_pages_fast, gup_fast, gup_slow
from .kernel.machine import (
    DEVICE_PFN,
    FREE,
    MAPPING,
    MEMORY_PFN,
    NORMAL,
    OTHERS,
    OURS,
    Machine,
    StructPage,
)
from .kernel.map import ACTIONS
from .kernel.rules import HELD, READ_ONLY, RULES, pinned_is_mapped
from .kernel.start import dax_machine, memory_machine, special_machine, with_more
from .kernel.unmap import munmap, truncate
from .kernel.users import another_process, block_io, direct_io, user_code
from .patches import PATCHES

if TYPE_CHECKING:
    from .player import Player

__version__ = "0.1.0"
__all__ = [
    "AFTER_GRACE_PERIOD",
    "AT_ONCE",
    "BROADCAST",
    "DESIGNS",
    "DEVICE_PFN",
    "FREE",
    "HELD",
    "IPI",
    "MAPPING",
    "MEMORY_PFN",
    "NORMAL",
    "OTHERS",
    "OURS",
    "PATCHES",
    "PHASES",
    "READ_ONLY",
    "RULES",
    "SCENARIOS",
    "Automaton",
    "Blocked",
    "Design",
    "Effect",
    "Gone",
    "Machine",
    "Moment",
    "Player",
    "Report",
    "Rule",
    "Scenario",
    "ScenarioError",
    "ScheduleError",
    "StepError",
    "StructPage",
    "Thing",
    "Thread",
    "ThreadError",
    "Use",
    "Variant",
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
    "pinned_is_mapped",
    "race",
    "rebind",
    "replay",
    "scenario",
    "special_machine",
    "step",
    "truncate",
    "unbind",
    "user_code",
    "with_more",
]

globals().update({action.name: action for action in ACTIONS})  # each step of the kernel's


def __getattr__(name: str) -> object:
    """Load the player when it is asked for: the widgets behind it take a while."""
    if name != "Player":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .player import Player

    return Player
