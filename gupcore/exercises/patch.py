"""Write your own gup-fast: one function against every scene that takes one.

A patch is right when it breaks nothing that was whole before: in each scene the function is judged
by the rules that the model's own gup-fast keeps there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from typing import Any, NamedTuple

from ..checker.asked import check_thread, so_many
from ..checker.explore import STATE_LIMIT
from ..checker.verdict import HOLDS, Report, Verdict, check
from .answer import Answer, answers, not_judged
from .scenes import newly_broken, scenes
from .threads import PINS, breaks, cheats, pins_fast

CALLERS = (1, 2)


class Cell(NamedTuple):
    """What the checker says of the function in one scene.

    scene, flush, callers  which one; flush is "" where nobody flushes a TLB
    report   the whole of it
    broken   what the function breaks and the model's own gup-fast keeps, shortest schedule first
    """

    scene: str
    flush: str
    callers: int
    report: Report
    broken: tuple[Verdict, ...]

    def in_short(self) -> str:
        """Return the verdict in a few words."""
        return f"{self.broken[0].rule.name} {self.broken[0].in_short()}" if self.broken else HOLDS

    def where(self) -> str:
        """Name the scene."""
        by = f", TLB flush by {self.flush}" if self.flush else ""
        return f"{self.scene}{by}, {so_many(self.callers, 'caller')}"


@dataclass(frozen=True, repr=False)
class Review(Answer):
    """An answer with the verdict of every scene.

    cells  one a scene, way to flush and number of callers
    alone  [what it does with which page when nobody else is about, ...]
    """

    cells: tuple[Cell, ...] = ()
    alone: tuple[str, ...] = ()

    def __repr__(self) -> str:
        rows = (f"{'✗' if c.broken else '✓'} {c.where():64} {c.in_short()}" for c in self.cells)
        return "\n".join([self.said, *rows, *self.alone])

    def to_html(self) -> str:
        """Return what is said and the table."""
        rows = self._rows()
        head = "".join(f'<th scope="col">callers: {callers}</th>' for callers in CALLERS)
        body = "".join(
            f'<tr><th scope="row">{escape(scene)}</th><td>{flush or "–"}</td>'
            + "".join(map(_as_cell, cells))
            + "</tr>"
            for (scene, flush), cells in rows.items()
        )
        table = (
            '<table class="gup-report"><thead><tr><th scope="col">scene</th>'
            f'<th scope="col">TLB flush</th>{head}</tr></thead><tbody>{body}</tbody></table>'
        )
        said = "".join(f"<p>{escape(sentence)}</p>" for sentence in (self.said, *self.alone))
        return said + table

    def _rows(self) -> dict[tuple[str, str], list[Cell]]:
        rows: dict[tuple[str, str], list[Cell]] = {}
        for cell in self.cells:
            rows.setdefault((cell.scene, cell.flush), []).append(cell)
        return rows

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        from ..player import Player  # here, because judging needs the standard library only

        # Of each scene the first: what one caller shows need not be looked for among two.
        failing = {cell.scene: cell for cell in reversed(self.cells) if cell.broken}
        players = "".join(
            f"<details><summary>Show me: {escape(cell.where())}</summary>"
            f"{Player(cell.report, schedule=cell.broken[0].schedule).to_html()}</details>"
            for cell in reversed(failing.values())
        )
        if not self.cells:
            return super()._repr_mimebundle_(**kwargs)
        return {"text/plain": repr(self), "text/html": self.to_html() + players}


def _as_cell(cell: Cell) -> str:
    if not cell.broken:
        return f'<td class="gup-holds">{HOLDS}</td>'
    return f"<td><strong>{escape(cell.in_short())}</strong></td>"


@answers("a gup-fast, a function that yields steps")
def judge_patch(function: Any, /, limit: int = STATE_LIMIT) -> Answer:
    """Judge a gup-fast in every scene that takes one, with one caller and with two.

    function  the reader's: (cpu, address, pages, flags, design) -> thread
    limit     the number of states at which a search gives up

    Returns a Review: right, if it breaks no rule that the model's own gup-fast keeps.
    """
    check_thread("gup_fast", function)
    cells = []
    for number, (scene, flush, given) in enumerate(scenes()):
        for callers in CALLERS:
            report = check(given.again(gup_fast=function, callers=callers), limit=limit)
            if not report.graph.complete:
                return not_judged(report)
            found = cheats(function, report, ())
            if found:
                return found
            broken = newly_broken(number, callers, breaks(report))
            cells.append(Cell(scene, flush, callers, report, tuple(broken)))
    alone = tuple(_alone(function, kind) for kind in PINS)
    failing = [cell for cell in cells if cell.broken]
    if not failing:
        states = sum(len(cell.report.graph.states) for cell in cells)
        said = f"Right: it breaks no rule that gup-fast keeps, in {so_many(states, 'state')}."
        return Review(True, said, cells=tuple(cells), alone=alone)
    worst = min(failing, key=lambda cell: len(cell.broken[0].schedule))
    said = (
        f"Not yet: in {len(failing)} of {len(cells)} cases it breaks what gup-fast keeps; "
        f"soonest in “{worst.where()}”: {worst.in_short()}."
    )
    verdict = worst.broken[0]
    return Review(False, said, worst.report, verdict.schedule, tuple(cells), alone)


def _alone(function: Any, kind: str) -> str:
    """Say what it does with a page when no other thread is about."""
    made = PINS[kind](gup_fast=function)
    pins, _ = pins_fast(check(replace(made, threads=made.threads[:1])))
    does = "pins it without a lock" if pins else "leaves it to the slow path"
    return f"A page of {kind} memory, with nobody else about: it {does}."
