"""Ask a model about a litmus test: which outcomes there are, and why the one in question is or not.

An outcome that a model allows is shown with an execution that has it.  If sequential consistency
forbids that execution, then a cycle of SC says where the threads see each other out of order, and
what is *missing* is found by trying: the fewest places on that cycle where a full barrier would
forbid it.  An outcome that a model forbids is shown with the execution that breaks it by the
shortest cycle.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

from .drawing import cycle_in_words, draw, in_words, nodes
from .execution import Execution, executions
from .litmus import Expression, Litmus
from .models import SC, Axiom, Model, coherence
from .relation import Edge, Path
from .unroll import Event, Value, evaluate

Outcome = tuple[tuple[str, Value], ...]
ENOUGH = 200  # executions to choose the shortest cycle from
SOMETIMES, NEVER, ALWAYS = "Sometimes", "Never", "Always"  # as herd7 says it


def outcomes(test: Litmus, model: Model) -> frozenset[Outcome]:
    """Return every outcome that a model allows: of each register, and of each place asked about."""
    found: set[Outcome] = set()
    for x in executions(test):
        outcome = x.outcome()
        if outcome not in found and model.allows(x):
            found.add(outcome)
    return frozenset(found)


@dataclass(frozen=True, eq=False)
class Answer:
    """What a model says of a litmus test.

    test, model  which
    outcomes     all that the model allows
    verdict      of the outcome in question: Sometimes, Never or Always
    execution    one that has it: allowed, or the one that the shortest cycle forbids; None if no
                 execution has it at all
    axiom        what that execution breaks: of the model; or of SC, if the model allows it
    missing      where full barriers would forbid it: after the first event, before the second
    """

    test: Litmus
    model: Model
    outcomes: frozenset[Outcome]
    verdict: str
    execution: Execution | None
    axiom: Axiom | None
    missing: tuple[tuple[Event, Event], ...]

    @property
    def allowed(self) -> bool:
        """Can the outcome in question be?"""
        return self.verdict != NEVER

    def __repr__(self) -> str:
        lines = [f"{self.test.name}, {self.model.name}: {self.verdict}"]
        if self.execution is not None:
            lines += [in_words(self.execution), *self._why()]
        else:
            lines.append("  No execution has this outcome.")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        said = f"<pre>{html.escape(repr(self))}</pre>"
        if self.execution is None:
            return said
        drawn = draw(self.execution, self.cycle, self.missing, repr(self))
        lines = "<br>".join(map(html.escape, (repr(self).split("\n")[0], *self._why())))
        return f'<div class="gup-figure">{drawn}</div><p>{lines}</p>'

    def _why(self) -> list[str]:
        """Say what forbids the execution, or what it would take."""
        assert self.execution is not None
        if self.axiom is None:
            return ["  SC allows it, too: an order of all steps that does it exists."]
        lines = [f"  {self.axiom.name}: {cycle_in_words(self.execution, self.cycle)}"]
        if not self.allowed:
            return [f"  Forbidden by {lines[0].strip()}"]
        named = {e: node.letter for node in nodes(self.execution) for e in node.events}
        where = " and ".join(f"between {named[a]} and {named[b]}" for a, b in self.missing)
        lines = [f"  Not in one order: {cycle_in_words(self.execution, self.cycle)}"]
        return [*lines, f"  Missing: a full barrier {where}"] if where else lines

    @property
    def cycle(self) -> Path:
        """The named steps that the axiom is broken by."""
        return self.axiom.broken or () if self.axiom else ()


def holds(asked: Expression, outcome: Outcome) -> bool:
    """Is an outcome the one in question?"""
    known = dict(outcome)

    def known_by_name(expression: Expression) -> Expression:
        if isinstance(expression, tuple):
            if expression[0] == "&":
                return f"&{expression[1]}"
            return (expression[0], *map(known_by_name, expression[1:]))
        return known.get(expression, 0) if isinstance(expression, str) else expression

    return bool(evaluate(known_by_name(asked), {}))


def ask(test: Litmus, model: Model) -> Answer:
    """Ask a model about a litmus test.

    test   with an outcome in question

    Raises ValueError if it asks about none.
    """
    if test.asked is None:
        raise ValueError(f"{test.name} asks about no outcome: add exists (…).")
    found: set[Outcome] = set()
    witness: Execution | None = None
    for x in executions(test):
        outcome = x.outcome()
        if outcome in found and (witness or not holds(test.asked, outcome)):
            continue
        if model.allows(x):
            found.add(outcome)
            if witness is None and holds(test.asked, outcome):
                witness = x
    having = {outcome for outcome in found if holds(test.asked, outcome)}
    verdict = NEVER if not having else ALWAYS if having == found else SOMETIMES
    if witness is not None:
        axiom = SC.broken(witness)
        missing = _missing(witness, model, axiom.broken or ()) if axiom else ()
        return Answer(test, model, frozenset(found), verdict, witness, axiom, missing)
    forbidden = _forbidden(test, model)
    nearest, axiom = forbidden or (None, None)
    return Answer(test, model, frozenset(found), verdict, nearest, axiom, ())


def _forbidden(test: Litmus, model: Model) -> tuple[Execution, Axiom] | None:
    """Return the execution with the outcome in question that the shortest cycle forbids."""
    for coherent in (True, False):
        best: tuple[Execution, Axiom] | None = None
        having = (x for x in executions(test, coherent) if holds(test.asked, x.outcome()))
        for _, x in zip(range(ENOUGH), having, strict=False):
            axioms: Callable[[Execution], Iterator[Axiom]] = model.axioms if coherent else coherence
            for axiom in axioms(x):
                if axiom.broken is not None:
                    if best is None or len(axiom.broken) < len(best[1].broken or ()):
                        best = x, axiom
                    break
        if best:
            return best
    return None


def _missing(x: Execution, model: Model, cycle: Path) -> tuple[tuple[Event, Event], ...]:
    """Return the fewest places on a cycle of SC where full barriers make a model forbid it."""
    legs = program_order(cycle)
    for count in range(1, len(legs) + 1):
        for chosen in combinations(legs, count):
            if not model.allows(x.with_barriers(tuple((e.start, e.end) for e in chosen))):
                events = x.shape.events
                return tuple((events[edge.start], events[edge.end]) for edge in chosen)
    return ()


def program_order(cycle: Path) -> list[Edge]:
    """Return the steps of a cycle that stay in one thread, each run of them as one."""
    legs: list[Edge] = []
    for edge in cycle:
        if edge.name == "po":
            if legs and legs[-1].end == edge.start:
                legs[-1] = Edge("po", legs[-1].start, edge.end)
            else:
                legs.append(edge)
    return legs
