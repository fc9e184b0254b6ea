"""What a search that is not the plain one says of a scenario: its verdicts, and what it counted."""

from __future__ import annotations

from dataclasses import dataclass

from .scenario import Scenario
from .verdict import Judged, Verdict


@dataclass(frozen=True, slots=True, repr=False)
class Summary(Judged):
    """The verdicts on a scenario.

    complete  was everything looked at?
    """

    scenario: Scenario
    verdicts: tuple[Verdict, ...]
    complete: bool
