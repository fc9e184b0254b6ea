"""What a reader asks: is it so with these callers, or with any number of them?"""

from __future__ import annotations

from typing import Literal, overload

from .any_number import ANY, ReportOnAny, check_any
from .asked import one_of_these
from .explore import STATE_LIMIT, Progress
from .rule import Rule
from .scenario import Scenario
from .verdict import Report
from .verdict import check as check_every_state


@overload
def check(
    scenario: Scenario,
    rule: str | Rule | None = ...,
    limit: int = ...,
    progress: Progress | None = ...,
) -> Report: ...


@overload
def check(
    scenario: Scenario, rule: str | Rule | None = ..., *, callers: Literal["any"]
) -> ReportOnAny: ...


def check(
    scenario: Scenario,
    rule: str | Rule | None = None,
    limit: int = STATE_LIMIT,
    progress: Progress | None = None,
    callers: str | None = None,
) -> Report | ReportOnAny:
    """Try every schedule of a scenario and judge its rules, or the one named `rule`.

    limit     the number of states at which to give up
    progress  called now and then with the number of states found and of those still to be looked at
    callers   "any": judge the rules for any number of callers, see `any_number`

    Raises ThreadError where a thread cannot be compiled, ScenarioError for an unknown rule, and
    where there cannot be any number of callers.
    """
    if callers is None:
        return check_every_state(scenario, rule, limit, progress)
    one_of_these("callers", callers, (ANY,))
    return check_any(scenario, rule, progress)
