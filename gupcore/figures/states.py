"""The machine at some moments, side by side: who holds what, as the player's scene draws it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..checker.scenario import Scenario
from .picture import Picture
from .stills import side_by_side, still_at


def states(moments: Mapping[str, tuple[Scenario, str]], things: Sequence[str]) -> Picture:
    """Draw some things of the machine, and the references on them, at some moments.

    moments  {a few words: (scenario, the schedule that leads there)}; raises ScheduleError where
             it cannot be taken
    things   the names of the things to show, from top to bottom

    Raises ValueError for a name that nothing in the machine has, and for a thing on which more
    references are held than it counts.
    """
    return side_by_side([still_at(title, *moment, things) for title, moment in moments.items()])
