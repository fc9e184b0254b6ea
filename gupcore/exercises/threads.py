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
from ..checker.asked import ScenarioError, check_thread, one_of, one_of_these, so_many
from ..checker.explore import STATE_LIMIT, Graph, Move
from ..checker.machine import CALLER
from ..checker.scenario import Scenario
from ..checker.source import ThreadError
from ..checker.verdict import FAILS, HOLDS, Report, Verdict, check, judge
from ..kernel.design import REMOVE
from ..kernel.device import PHASES
from ..kernel.machine import ENTRY, MMAP_LOCK, PGMAP, PTL, STRUCT_PAGE, TABLE, Machine
from ..kernel.map import ACTIONS
from ..kernel.rules import RULES
from .answer import Answer, answers, in_words, not_judged
from .scenes import newly_broken, scenes

Rules = str | Iterable[str] | None

KINDS = (TABLE, ENTRY, STRUCT_PAGE, PGMAP)  # what a walker can touch, one at a time
ELSEWHERE = 3  # page tables and frames further up: a guard must not know where the scene lies
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
    without        what it must not touch: of KINDS, or the name of a step for what that touches
    limit          the number of states at which a search gives up

    Each scenario is tried where it lies and again elsewhere in memory.  A right answer that another
    scene refutes is told so.
    """
    check_thread("gup_fast", function)
    barred = [_barred(word) for word in without]
    tried = [(given, given.again(gup_fast=function)) for given in scenarios]
    answer = _judge_all(tried, rules, limit)
    if not answer.right:
        return answer
    moved = [(given, given.again(gup_fast=function, moved=ELSEWHERE)) for given in scenarios]
    elsewhere = _judge_all(moved, rules, limit)
    if not elsewhere.right:
        return replace(
            elsewhere, said=f"{elsewhere.said}  The same scene lies elsewhere in memory."
        )
    for kind in must_pin_fast:
        make = PINS[one_of_these("must_pin_fast", kind, PINS)]
        made = make(scenarios[0].design, gup_fast=function)
        report = check(replace(made, threads=made.threads[:1]))
        pins, schedule = pins_fast(report)
        if not pins:
            said = f"Not yet: it is safe, but it never pins the page of {kind} memory by itself"
            return Answer(False, f"{said}, even when no other thread runs.", report, schedule)
    for _, changed in tried:
        found = cheats(function, check(changed, limit=limit), barred)
        if found is not None:
            return found
    return replace(answer, said=f"{answer.said}{_elsewhere(function, limit)}")


def _elsewhere(function: Any, limit: int) -> str:
    """Name a scene that refutes a right answer, of all that take a gup-fast; "" if none does."""
    for number, (scene, flush, given) in enumerate(scenes()):
        try:
            report = check(given.again(gup_fast=function), limit=limit)
        except (ScenarioError, ThreadError):
            continue  # it was written for its own scene, and cannot run in this one
        for worst in newly_broken(number, 1, breaks(report)):
            by = f", TLB flush by {flush}" if flush else ""
            where = f"In “{scene}{by}”"
            return f" {where}, which is not asked for here, “{worst.rule.name}” {worst.in_short()}."
    return ""


def _barred(word: str) -> str:
    """Return the kind of thing that must not be touched; a step's name stands for what it takes."""
    taken = {action.name: action.declares.takes for action in ACTIONS}
    kinds = [kind for kind, _ in taken.get(word, ())]
    return kinds[0] if kinds else str(one_of_these("without", word, KINDS))


def cheats(function: Any, report: Report, barred: Sequence[str]) -> Answer | None:
    """Answer a gup-fast that does what none may; None if it does nothing of that.

    It is asked what was done, in the function or in what it calls: a name says nothing.
    """
    found = _cheat(function, report.graph, barred)
    if found is None:
        return None
    said, move = found
    way = paths.to_move(report.graph, {id(move)})
    return Answer(False, f"Not yet: {said}.", report, paths.as_text(way or ()))


def _cheat(function: Any, graph: Graph, barred: Sequence[str]) -> tuple[str, Move] | None:
    """Say what it does, and by which move."""
    for thread, _, node, move in graph.worked_out():
        if move is None or function.__code__ not in graph.threads[thread].nodes[node].codes:
            continue
        _, touched = move.step.watched(move.before)
        declared = {*move.step.action.declares.reads, *move.step.action.declares.writes}
        for kind in barred:
            if kind in {*declared, *(touch.kind for touch in touched)}:
                name = move.step.action.name
                return f"it takes the step {name}, which it must do without", move
        at_once = sorted({touch.kind for touch in touched} & set(KINDS))
        if move.step.action not in ACTIONS and len(touched) > 1:
            what = " and ".join(at_once) or "several things"
            says = f"the step {move.step.action.name} touches {what} at once"
            return f"{says}; without a lock a step is one access, so make it several steps", move
    return None


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
        if not names:
            raise ScenarioError(f"There is no rule to judge {given.name} by.")
        failing = breaks(report, names)
        if failing:
            where = f"in {given.key()}, " if len(tried) > 1 else ""
            worst = min(failing, key=lambda verdict: len(verdict.schedule))
            said = f"Not yet: {where}the rule “{worst.rule.name}” {in_words(worst)}"
            return Answer(False, said, report, worst.schedule)
        if not report.graph.complete:
            return not_judged(report)
    return Answer(True, f"Right: the rules hold in every schedule, in {so_many(states, 'state')}.")


def breaks(report: Report, names: Iterable[str] | None = None) -> list[Verdict]:
    """Return which of some rules fail, or of all; who can never end breaks none by a step."""
    judged = report.verdicts if names is None else [report[name] for name in names]
    failing = [verdict for verdict in judged if verdict.status == FAILS]
    if not failing and report.graph.complete and not _can_all_end(report.graph):
        failing = [judge(report.graph, RULES["everyone can finish"])]
    return failing


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


def pins_fast(report: Report) -> tuple[bool, str]:
    """Does the only thread hand a page to the disk that it pinned without taking a lock?

    Returns that, and the schedule up to where it is decided.
    """
    graph, state = report.graph, report.graph.states[0]
    seen: set[int] = set()
    while state not in seen and (move := graph.move(state, 0)) is not None:
        if move.step.used is not None and move.step.used.by == "device":
            return _pinned(move.before, move.step.used.frames), "1" * len(seen)
        if move.effect.machine.cpus(PTL) | move.effect.machine.cpus(MMAP_LOCK):
            break
        seen.add(state)
        state += move.delta
    return False, "1" * len(seen)


def _pinned(machine: Machine, pfns: Iterable[int]) -> bool:
    """Does a caller hold a reference on every one of these pages?"""
    held = machine.references()
    return all(held.get((STRUCT_PAGE, CALLER, pfn), 0) > 0 for pfn in pfns)
