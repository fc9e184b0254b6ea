"""Turn checked reports into the plain data the player walks.

The page's script knows no semantics: what it may show in any state, and what each step leads
to, is worked out here and handed over as lists, numbers and sentences.  Sentences stand once,
in `text`, and are referred to by their number.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..thread import Place
    from ..verdict import Report

VERSION = 2


def board(reports: Sequence[Report]) -> dict[str, Any]:
    """Return the data of a player that shows `reports`: one scenario under several designs.

    version    the version of this format
    scenario   its name; `says` describes it in one sentence
    text       every sentence and source line that the rest refers to
    code       functions: [name, number of the first line, [line, ...]]; for a line of the
               docstring null, as the reader steps through what runs
    designs    one entry a report, see `_design`
    """
    text = _Text()
    code = {
        (name, first): lines
        for report in reports
        for thread in report.graph.threads
        for (name, first), lines in thread.sources.items()
    }
    designs = [_design(report, text, list(code.items())) for report in reports]
    scenario = reports[0].scenario
    return {
        "version": VERSION,
        "scenario": scenario.name,
        "says": scenario.says,
        "text": text.sentences,
        "code": [[name, first, _without_docstring(lines)] for (name, first), lines in code.items()],
        "designs": designs,
    }


def _without_docstring(lines: Sequence[str]) -> list[str | None]:
    """Return the lines of a function with null for those of its docstring."""
    function = ast.parse("\n".join(lines)).body[0]
    shown: list[str | None] = list(lines)
    if isinstance(function, ast.FunctionDef) and ast.get_docstring(function) is not None:
        text = function.body[0]
        for number in range(text.lineno - 1, text.end_lineno or text.lineno):
            shown[number] = None
    return shown


class _Text:
    """Sentences, numbered in the order of their first use."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, sentence: str) -> int:
        number = self._numbers.setdefault(sentence, len(self.sentences))
        if number == len(self.sentences):
            self.sentences.append(sentence)
        return number


Code = Sequence[tuple[tuple[str, int], tuple[str, ...]]]


def _design(report: Report, text: _Text, code: Code) -> dict[str, Any]:
    """Describe one graph.

    switches  {"check": bool, "unmap all": bool}
    threads   [{label, nodes}]; a node is [[number of the function in `code`, line], ...],
              outermost function first; or, where the thread has ended, what it returned
    things    the machine's objects and sections: [name, "object" or "section"]
    machines  a machine is a list with, for each thing, [exists, number of its value in `text`]
    states    a state is [machine, node of thread 1, node of thread 2, ...]
    moves     for each state, for each thread: [state after, said, kernel function, [broken rules]],
              or [why it is blocked], or [] if it has ended or the search was cut off there;
              sentences as numbers in `text`
    stopped   the states in which the kernel has oopsed: [state, name of the thing touched]
    verdicts  [{rule, says, status, short, schedule, loop, why}]
    """
    graph, design = report.graph, report.scenario.design
    machines: dict[Any, int] = {}
    states = []
    for state in graph.states:
        machine = machines.setdefault(graph.machine(state), len(machines))
        states.append([machine, *(graph.node(state, t) for t in range(len(graph.threads)))])
    return {
        "name": design.name,
        "says": design.says,
        "switches": {"check": design.check, "unmap all": design.unmaps_all},
        "threads": [
            {"label": t.label, "nodes": [_node(n, code) for n in t.nodes]} for t in graph.threads
        ],
        "things": [[thing.name, thing.kind] for thing in report.scenario.machine.things()],
        "machines": [
            [[thing.exists, text.number(thing.value)] for thing in machine.things()]
            for machine in machines
        ],
        "states": states,
        "moves": [
            [_move(report, state, thread, text) for thread in range(len(graph.threads))]
            for state in graph.states
        ],
        "stopped": [
            [number, touched]
            for number, state in enumerate(graph.states)
            if (touched := graph.machine(state).oops) is not None
        ],
        "verdicts": [
            {
                "rule": verdict.rule.name,
                "says": verdict.rule.says,
                "status": verdict.status,
                "short": verdict.in_short(),
                "schedule": verdict.schedule,
                "loop": verdict.loop,
                "why": verdict.why,
            }
            for verdict in report.verdicts
        ],
    }


def _node(node: Any, code: Code) -> Any:
    if node.step is None:
        return str(node.result)
    return [[_function(place, code), place.line] for place in node.places]


def _function(place: Place, code: Code) -> int:
    return next(
        number
        for number, ((name, first), lines) in enumerate(code)
        if name == place.function and first <= place.line < first + len(lines)
    )


def _move(report: Report, state: int, thread: int, text: _Text) -> list[Any]:
    graph = report.graph
    move = graph.move(state, thread)
    if move is None:
        why = graph.why_blocked(state, thread)
        return [] if why is None else [text.number(why)]
    after = graph.number.get(state + move.delta)
    if after is None:
        return []
    return [
        after,
        text.number(move.effect.said),
        text.number(str(move.step.action.source)),
        report.broken_by(move),
    ]
