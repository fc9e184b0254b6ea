"""Show a function of the model in a notebook as it stands in its file, and what it stands for.

The book prints no code that it does not run: a listing is read from the source when the
notebook runs, so prose and code cannot drift apart.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .checker.replay import Moment, ScheduleError, moments_of

if TYPE_CHECKING:
    from .checker.scenario import Scenario
    from .checker.step import Action
    from .checker.verdict import Report


@dataclass(frozen=True)
class Listing:
    """The source of a function, which a notebook shows as code.

    function   the function to show
    docstring  show its docstring too?
    """

    function: Callable[..., Any]
    docstring: bool = True

    def __str__(self) -> str:
        source = inspect.getsource(self.function).rstrip()
        if not self.docstring and self.function.__doc__:
            head, _, rest = source.partition('    """')
            source = head + rest.partition('"""\n')[2]
        return source

    def _repr_markdown_(self) -> str:
        file = Path(inspect.getsourcefile(self.function) or "")
        return f"```python\n# {file.parent.name}/{file.name}\n{self}\n```"

    __repr__ = __str__


def story(scenario: Scenario, schedule: str) -> str:
    """Return what the steps of a schedule do, a line each, and why it ends if it cannot go on.

    scenario  what it is played on
    schedule  one digit a step, threads counted from 1
    """
    moments: list[Moment] = []
    why: list[str] = []
    try:
        moments += moments_of(scenario, schedule)
    except ScheduleError as stop:
        why.append(str(stop))
    width = max((len(moment.label) for moment in moments), default=0)
    return "\n".join([*(f"{m.label:{width}}  {m.said}" for m in moments), *why])


def kernel_lines(*reports: Report, steps: Collection[Action] | None = None) -> str:
    """Return the kernel functions that the steps of some scenarios stand for, file by file.

    reports  of the scenarios
    steps    the kinds of steps that count, or None for all

    Each line is a file, a function and a version, as step.Source has them.
    """
    sources = {
        node.step.action.source
        for report in reports
        for thread in report.graph.threads
        for node in thread.nodes
        if node.step and (steps is None or node.step.action in steps)
    }
    rows = sorted((file, function, version) for function, file, version in sources)
    wide = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(
        f"{file:{wide[0]}}  {function:{wide[1]}}  {version}" for file, function, version in rows
    )
