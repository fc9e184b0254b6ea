"""Break this design, read this trace: a reader's schedule is played."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..checker import paths
from ..checker.asked import inside, one_of
from ..checker.explore import STATE_LIMIT
from ..checker.replay import Moment, ScheduleError, moments_of, replay
from ..checker.rule import Rule
from ..checker.scenario import Scenario
from ..checker.verdict import Report, check
from .answer import Answer, answers, not_judged


@answers('a schedule, such as "2211"')
def judge_schedule(
    schedule: Any,
    /,
    scenario: Scenario,
    rule: str,
    at_most: int | None = None,
    limit: int = STATE_LIMIT,
) -> Answer:
    """Judge a schedule: does it break a rule, and in few enough steps?

    schedule  the reader's: one digit a step, threads counted from 1
    scenario  what it is played on
    rule      the name of the rule that it must break
    at_most   the number of steps it may take, if that counts
    limit     the number of states at which the search gives up
    """
    report = check(scenario, limit=limit)
    breaks = report[rule].rule
    taken, moments, why = _play(schedule, scenario)
    if why or not moments:
        return Answer(False, why or _no_step(scenario), report, taken)
    if breaks.on == "finish" and not report.graph.complete:
        return not_judged(report)
    at = _broken_at(breaks, report, taken, moments)
    moment = moments[(at or 0) - 1]
    last = f"step {at or len(moments)}: {moment.label}: {inside(moment.said)}"
    if at is None:
        said = f"Not yet: the rule “{breaks.name}” is not broken; the last was {last}"
        return Answer(False, said, report, taken)
    if at_most is not None and at > at_most:
        said = f"Not yet: it breaks the rule “{breaks.name}”, but takes {at} steps to do so"
        return Answer(False, f"{said}; at most {at_most} are asked for.", report, taken)
    return Answer(True, f"Right: it breaks the rule “{breaks.name}”; {last}")


def _play(schedule: Any, scenario: Scenario) -> tuple[str, list[Moment], str]:
    """Play a schedule as far as it goes; return that part, its moments, and what stopped it."""
    if not isinstance(schedule, str):
        return "", replay(scenario, schedule), ""  # which refuses it
    moments: list[Moment] = []
    try:
        moments += moments_of(scenario, schedule)
    except ScheduleError as stop:
        return schedule.replace(" ", "")[: len(moments)], moments, str(stop)
    return schedule.replace(" ", ""), moments, ""


def _broken_at(rule: Rule, report: Report, taken: str, moments: Sequence[Moment]) -> int | None:
    """Return the number of the step at which a schedule has broken a rule; None if it has not."""
    if rule.on == "step":
        return next((n for n, m in enumerate(moments, start=1) if rule.name in m.breaks), None)
    graph, state = report.graph, report.walk(taken)
    if rule.on == "end":
        ended = graph.final(state) and not graph.stopped(graph.machine(state))
        return len(taken) if ended and not rule.holds(graph.machine(state)) else None
    can_finish = any(graph.final(reached) for reached in paths.reach(graph, state))
    return None if can_finish else len(taken)


def _no_step(scenario: Scenario) -> str:
    threads = [f"{n} ({t.label})" for n, t in enumerate(scenario.threads, start=1)]
    return f"No step is taken yet: a schedule is a row of thread numbers; choose {one_of(threads)}."


@answers('a schedule, such as "2211"')
def judge_trace(schedule: Any, /, scenario: Scenario, trace: Sequence[str]) -> Answer:
    """Judge a schedule: does it give a certain trace?

    schedule  the reader's: one digit a step, threads counted from 1
    scenario  what it is played on
    trace     for each step the kernel function, as "put_page", or the sentence of what it did
    """
    taken, moments, why = _play(schedule, scenario)
    agreed = 0
    for moment, line in zip(moments, trace, strict=False):
        if line not in (moment.source.function, moment.said):
            break
        agreed += 1
    if agreed == len(trace) == len(moments) and not why:
        return Answer(True, f"Right: all {agreed} steps are those of the trace.")
    goes_on = "the trace ends"
    if agreed < len(trace):
        goes_on = f"the trace goes on with: {trace[agreed]}"
    if agreed < len(moments):
        moment = moments[agreed]
        yours = f"thread {moment.thread} does {moment.source.function}: {moment.said} Here"
        said = f"In step {agreed + 1}, {yours} {goes_on}"
    else:
        said = f"{why or f'Your schedule ends after {agreed} steps.'} Here {goes_on}"
    end = "" if said.endswith(".") else "."
    return Answer(False, f"Not yet: {said}{end}", check(scenario), taken[: agreed + 1])
