"""Which step breaks the rule: a reader names a thread and a kernel function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..checker.asked import ScenarioError, one_of
from ..checker.explore import STATE_LIMIT
from ..checker.scenario import Scenario
from ..checker.verdict import check
from .answer import Answer, answers, not_judged


@answers('a dict with a thread and a kernel function for each rule, such as (2, "kill_dax")')
def judge_steps(
    named: Any, /, scenario: Scenario, of: Sequence[str], limit: int = STATE_LIMIT
) -> Answer:
    """Judge which step is said to break a rule: the last of any schedule that breaks it.

    named     the reader's: {rule: (number of the thread, its kernel function)}
    scenario  what is searched
    of        the rules, which are judged step by step
    limit     the number of states at which the search gives up
    """
    report = check(scenario, limit=limit)
    if not report.graph.complete:
        return not_judged(report)
    if not isinstance(named, Mapping):
        raise ScenarioError(f"Name a thread and a function for each of {one_of(of)}.")
    moves = [move for *_, move in report.graph.worked_out() if move is not None]
    steps = {(move.thread + 1, move.step.action.source.function) for move in moves}
    for rule in of:
        mine = named.get(rule)
        if not isinstance(mine, (tuple, list)) or len(mine) != 2:
            raise ScenarioError(f"For {rule}, write a thread and a function: (2, 'kill_dax').")
        breaking = {
            (move.thread + 1, move.step.action.source.function)
            for move in moves
            if rule in report.broken_by(move)
        }
        if tuple(mine) in breaking:
            continue
        thread, function = mine
        if (thread, function) not in steps:
            others = [of for of, name in sorted(steps) if name == function]
            why = f"thread {thread} takes no step {function} here"
            if others:
                why = f"{why}; thread {others[0]} does"
        elif thread in {breaks[0] for breaks in breaking}:
            why = f"it is thread {thread}, but at another step than {function}"
        else:
            why = f"{function} of thread {thread} never breaks it"
        return Answer(False, f"Not yet, for “{rule}”: {why}.")
    return Answer(True, "Right: schedules break each rule at the step that you name.")
