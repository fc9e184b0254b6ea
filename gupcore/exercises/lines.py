"""Which line is it: a reader names lines of the kernel's C, and the reading map says what they are.

What is asked is a step: the last of a schedule.  So no line stands here, nor in a chapter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..checker.asked import ScenarioError, one_of
from ..checker.replay import Moment, replay
from ..checker.scenario import Scenario
from ..kernel.lines import READING, V5_11, Lines
from .answer import Answer, answers


@answers("a dict with the number of a line for each of the names it asks for")
def judge_lines(named: Any, /, function: str, of: Mapping[str, tuple[Scenario, str]]) -> Answer:
    """Judge which line of a kernel's function a step stands on, in Linux 5.11.

    named     the reader's: {name: number of the line}
    function  the kernel's function, as the reading map calls it
    of        for each name a scenario, and a schedule that ends with the step
    """
    (lines,) = (found for found in READING if (found.function, found.version) == (function, V5_11))
    if not isinstance(named, Mapping):
        raise ScenarioError(f"Name a line for each of {one_of(of)}.")
    for name, (scenario, schedule) in of.items():
        mine = named.get(name)
        if not isinstance(mine, int) or isinstance(mine, bool):
            raise ScenarioError(f"For {name}, write the number of a line.")
        taken = [lines_of(moment, lines) for moment in replay(scenario, schedule)]
        assert taken[-1], f"the last step of {schedule} stands on no line of {function}"
        if mine not in taken[-1]:
            return Answer(False, f"Not yet, for “{name}”: {_what_it_is(mine, lines, taken)}.")
    return Answer(True, f"Right: these are lines of {function}() in {lines.file}.")


def lines_of(moment: Moment, lines: Lines) -> set[int]:
    """Return the lines of a kernel's function on which a step is taken; none if it is not in it.

    moment  the step; the model's function of these lines takes it, or one that it calls
    lines   the kernel's function
    """
    functions = [place.function for place in moment.places]
    if lines.model not in functions:
        return set()
    names = {*functions[functions.index(lines.model) + 1 :], moment.step.action.name}
    return {mark.line for mark in lines.marks if mark.model in names}


def _what_it_is(line: int, lines: Lines, taken: list[set[int]]) -> str:
    """Say what stands on a line that is not asked for; `taken` has the lines of each step."""
    if not lines.first <= line <= lines.last:
        return f"{lines.function}() has the lines {lines.first} to {lines.last}"
    mark = next((mark for mark in lines.marks if mark.line == line), None)
    if mark is None:
        return f"the map has nothing on line {line}; name the line that looks, not what it leads to"
    said = f"line {line}, {mark.shows}, is"
    for at, step in enumerate(taken, start=1):
        if line in step:
            return f"{said} step {at} of the schedule, and the last is step {len(taken)}"
    return f"{said} no step of the schedule"
