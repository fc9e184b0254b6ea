"""Write the guard, order the unbind: a reader's own thread is judged in every schedule.

A thread that never ends breaks no rule about steps, and an unbind that removes nothing breaks none
at all.  So every thread must be able to end, and an unbind must remove.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from ..catalogue import race, unmapping
from ..checker import paths
from ..checker.asked import ScenarioError, one_of, one_of_these
from ..checker.explore import STATE_LIMIT, Graph
from ..checker.scenario import Scenario
from ..checker.verdict import FAILS, HOLDS, Report, check, judge
from ..kernel.design import REMOVE
from ..kernel.device import PHASES
from ..kernel.machine import COUNTED_DAX, IDLE, NORMAL, Machine
from ..kernel.map import ACTIONS
from ..kernel.rules import RULES
from ..kernel.steps.page_table import mmap_read_lock, pte_offset_map_lock
from ..kernel.steps.struct_page import submit_bio
from .answer import Answer, answers, in_words, not_judged

Rules = str | Iterable[str] | None

STEPS = [action.name for action in ACTIONS]
PINS: dict[str, Callable[..., Scenario]] = {"ordinary": unmapping, "device": race}


@answers("a gup-fast, a function that yields steps")
def judge_gup_fast(
    function: Any,
    /,
    *scenarios: Scenario,
    rules: Rules = None,
    must_pin_fast: Sequence[str] = (),
    without: Sequence[str] = (),
    limit: int = STATE_LIMIT,
) -> Answer:
    """Judge a gup-fast: does it keep the rules in every schedule of some scenarios?

    function       the reader's: (cpu, address, pages, flags, design) -> thread
    scenarios      each is tried with it in the place of the model's own gup-fast
    rules          the rule to keep, or several, by name; if None, those a scenario keeps as given
    must_pin_fast  the kinds of page, of PINS, that it must also be able to pin, with no other
                   thread about and without a lock: giving up always is safe
    without        the names of the steps that it must do without, see step.ACTIONS
    limit          the number of states at which a search gives up
    """
    tried = [(given, given.again(gup_fast=function)) for given in scenarios]
    answer = _judge_all(tried, rules, limit)
    if not answer.right:
        return answer
    for kind in must_pin_fast:
        make = PINS[one_of_these("must_pin_fast", kind, PINS)]
        report = check(_alone(make(scenarios[0].design, gup_fast=function)))
        pins, schedule = _pins_fast(report)
        if not pins:
            said = f"Not yet: it is safe, but it never pins the page of {kind} memory by itself"
            return Answer(False, f"{said}, even when no other thread runs.", report, schedule)
    for _, changed in tried:
        report = check(changed, limit=limit)
        for name in without:
            taken = _taken_in(function.__name__, one_of_these("without", name, STEPS), report.graph)
            if taken is not None:
                said = f"Not yet: it takes the step {name}, which it must do without."
                return Answer(False, said, report, paths.as_text(taken))
    return answer


@answers("the order of the phases of unbind, a list of their names")
def judge_unbind(
    phases: Any,
    /,
    *scenarios: Scenario,
    rules: Rules = None,
    of: Iterable[str] | None = None,
    limit: int = STATE_LIMIT,
) -> Answer:
    """Judge an order of unbind: does it keep the rules in every schedule of some scenarios?

    phases     the reader's: names of device.PHASES
    scenarios  each is tried with this order in the place of its own
    rules      as in `judge_gup_fast`
    of         the phases that are to be put in order, all of them; if None, any that remove
    limit      as in `judge_gup_fast`
    """
    order = _order(phases, of)
    return _judge_all([(given, _with_order(given, order)) for given in scenarios], rules, limit)


def _judge_all(tried: Sequence[tuple[Scenario, Scenario]], rules: Rules, limit: int) -> Answer:
    """Judge what a reader made of each given scenario, until one breaks a rule."""
    if not tried:
        raise ScenarioError("There is no scenario to judge this in.")
    states = 0
    for given, changed in tried:
        names = [rules] if isinstance(rules, str) else list(rules or ())
        if rules is None:
            before = check(given, limit=limit)
            if not before.graph.complete:
                return not_judged(before)
            names = [verdict.rule.name for verdict in before.verdicts if verdict.status == HOLDS]
        report = check(changed, limit=limit)
        states += len(report.graph.states)
        verdicts = [report[name] for name in names]
        if not verdicts:
            raise ScenarioError(f"There is no rule to judge {given.name} by.")
        failing = [verdict for verdict in verdicts if verdict.status == FAILS]
        if not failing and report.graph.complete and not _can_all_end(report.graph):
            failing = [judge(report.graph, RULES["everyone can finish"])]
        if failing:
            where = f"in {given.key()}, " if len(tried) > 1 else ""
            worst = min(failing, key=lambda verdict: len(verdict.schedule))
            said = f"Not yet: {where}the rule “{worst.rule.name}” {in_words(worst)}"
            return Answer(False, said, report, worst.schedule)
        if not report.graph.complete:
            return not_judged(report)
    return Answer(True, f"Right: the rules hold in every schedule, in {states:,} states.")


def _with_order(given: Scenario, order: tuple[str, ...]) -> Scenario:
    says = "Unbind in the order that was handed in."
    return given.again(design=replace(given.design, name="your order", says=says, unbind=order))


def _order(phases: Any, of: Iterable[str] | None) -> tuple[str, ...]:
    """Return the phases as a design has them; raise ScenarioError if they are no order."""
    if isinstance(phases, str) or not isinstance(phases, Iterable):
        raise ScenarioError('An order is a list of phases, such as ["kill_dax", "del_gendisk"].')
    order = tuple(phases)
    choices = tuple(PHASES if of is None else of)
    for phase in order:
        if not isinstance(phase, str) or phase not in choices:
            raise ScenarioError(f"There is no phase {phase!r} here; choose {one_of(choices)}.")
        if order.count(phase) > 1:
            raise ScenarioError(f"The phase {phase} is in the order twice; leave one out.")
    missing = [phase for phase in (REMOVE if of is None else choices) if phase not in order]
    if missing:
        raise ScenarioError(f"The order lacks {one_of(missing)}.")
    if order[-1] != REMOVE[-1]:
        raise ScenarioError(f"The write to unbind returns with {REMOVE[-1]}; put that last.")
    return order


def _can_all_end(graph: Graph) -> bool:
    """Is there a schedule at whose end every thread has ended?"""
    return any(not graph.stopped(graph.machine(state)) for state in graph.finals)


def _taken_in(function: str, step: str, graph: Graph) -> paths.Schedule | None:
    """Return the shortest schedule to a step that is taken in a function, or called from there."""
    found = {
        id(move)
        for thread, _, node, move in graph.worked_out()
        if move is not None
        and move.step.action.name == step
        and function in [place.function for place in graph.threads[thread].nodes[node].places]
    }
    return paths.to_move(graph, found) if found else None


def _alone(scenario: Scenario) -> Scenario:
    """Return a scenario with its first thread and no other."""
    return replace(scenario, threads=scenario.threads[:1])


def _pins_fast(report: Report) -> tuple[bool, str]:
    """Does the only thread hand a page to the disk that it pinned without taking a lock?

    Returns that, and the schedule up to where it is decided.
    """
    graph, state = report.graph, report.graph.states[0]
    seen: set[int] = set()
    while state not in seen and (move := graph.move(state, 0)) is not None:
        if move.step.action is submit_bio:
            frames = move.step.used.frames if move.step.used else ()
            return _pinned(move.before, frames), "1" * len(seen)
        if move.step.action in (mmap_read_lock, pte_offset_map_lock):
            break
        seen.add(state)
        state += move.delta
    return False, "1" * len(seen)


def _pinned(machine: Machine, pfns: Iterable[int]) -> bool:
    """Does every one of these pages have more references than its mappings account for?"""
    pages = [machine.frame(pfn) for pfn in pfns]
    mapped = [p.kind in (NORMAL, COUNTED_DAX) and machine.mappings(p.pfn) for p in pages]
    return all(p.refcount > IDLE[p.kind] + more for p, more in zip(pages, mapped, strict=True))
