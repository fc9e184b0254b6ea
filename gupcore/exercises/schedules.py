"""Break this design, read this trace: a reader's schedule is played."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..checker import paths
from ..checker.asked import inside, one_of, so_many
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
    if not moments:
        return Answer(False, why or _no_step(scenario), report, taken)
    if breaks.on == "finish" and not report.graph.complete:
        return not_judged(report)
    at = _broken_at(breaks, report, taken, moments)
    if why and at is not None:
        said = f"{why} The rule “{breaks.name}” is broken by then: hand in what comes before."
        return Answer(False, said, report, taken)
    if why:
        return Answer(False, f"{why}{_from_here(breaks, report, taken, at_most)}", report, taken)
    moment = moments[(at or 0) - 1]
    last = f"step {at or len(moments)}: {moment.label}: {inside(moment.said)}"
    if at is None:
        said = f"Not yet: the rule “{breaks.name}” is not broken; the last was {last}"
        return Answer(False, f"{said}{_from_here(breaks, report, taken, at_most)}", report, taken)
    if at_most is not None and at > at_most:
        much = f"takes {so_many(at, 'step')} to do so; at most {at_most} are asked for"
        said = f"Not yet: it breaks the rule “{breaks.name}”, but {much}"
        said = f"{said}, so {so_many(at - at_most, 'step')} must go."
        return Answer(False, said, report, taken)
    return Answer(True, f"Right: it breaks the rule “{breaks.name}”; {last}")


def _from_here(rule: Rule, report: Report, taken: str, at_most: int | None) -> str:
    """Say how far a schedule that has not broken a rule is from doing so, and not by which steps.

    How many are missing tells whether the last ones led nearer; it does not tell which come next.
    """
    if not report.graph.complete:
        return ""
    steps = report.steps_to_break(rule.name, taken)
    if steps is None:
        return " From here no schedule breaks it any more."
    said = f" From here, {so_many(steps, 'more step')} can break it"
    whole = len(taken) + steps
    if at_most is not None and whole > at_most:
        said = f"{said}; that makes {whole}, and at most {at_most} are asked for"
    return f"{said}."


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
    if rule.on in ("step", "return"):
        return next((n for n, m in enumerate(moments, start=1) if rule.name in m.breaks), None)
    graph, state = report.graph, report.walk(taken)
    if rule.on == "end":
        ended = graph.final(state) and not graph.stopped(graph.machine(state))
        return len(taken) if ended and not rule.is_kept(graph.machine(state)) else None
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
        return Answer(True, f"Right: {so_many(agreed, 'step')}, as in the trace.")
    goes_on = "the trace ends"
    if agreed < len(trace):
        goes_on = f"the trace goes on with: {trace[agreed]}"
    if agreed < len(moments):
        moment = moments[agreed]
        yours = f"thread {moment.thread} does {moment.source.function}: {moment.said} Here"
        said = f"In step {agreed + 1}, {yours} {goes_on}"
    else:
        said = why or f"Your schedule ends after {so_many(agreed, 'step')}."
        said = f"{said} Here {goes_on}"
    end = "" if said.endswith(".") else "."
    said = f"Not yet: {said}{end} {_of_the_trace(agreed, moments, trace)}"
    return Answer(False, said, check(scenario), taken[: agreed + 1])


def _of_the_trace(agreed: int, moments: Sequence[Moment], trace: Sequence[str]) -> str:
    """Say how near a schedule has come to a trace."""
    if agreed == len(trace):
        return f"All {agreed} are there; leave out what follows."
    return f"You have {agreed} of its {so_many(len(trace), 'step')}."
