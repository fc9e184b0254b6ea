"""Turn checked reports into the plain data the player walks.

The page's script knows no semantics: what each thread can do where, what the reader is then told,
and which rules that breaks, is worked out here and handed over as lists, numbers and sentences.
What a thread does depends on the machine and on its own node only (see explore), so a graph is
handed over as that table, and not state by state: it stays small when threads are added, and
the designs of one board, which are alike, share nearly all of it.  Whatever is said more than
once stands once, in a list, and is referred to by its number there.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from ..checker.machine import stopped, things
from ..checker.picture import called, changed, picture, taken, tell
from ..checker.spots import whence
from ..checker.step import Blocked
from ..checker.values import key
from .format import BLOCKED, VERSION, Board, BoardDesign, Lists

if TYPE_CHECKING:
    from ..checker.generators import Place
    from ..checker.picture import Drawn
    from ..checker.step import Step
    from ..checker.thread import Automaton, Node
    from ..checker.verdict import Report

MANY = 20_000  # states; of a larger graph the page counts no schedules and does not look ahead

Switches = Mapping[str, str]
Sources = Mapping[tuple[str, int], tuple[str, ...]]


def board(reports: Sequence[Report], switches: Sequence[Switches] = ()) -> Board:
    """Return the data of a player that shows `reports`: one scenario under several designs.

    switches  for each report, how its design is chosen: {switch: setting}; none: by its name
    """
    lists = _Lists()
    names = switches[0] if switches else {}
    settings = {name: list(dict.fromkeys(chosen[name] for chosen in switches)) for name in names}
    designs = [_design(report, lists) for report in reports]
    for entry, chosen in zip(designs, switches, strict=False):
        entry["switches"] = [all_of.index(chosen[name]) for name, all_of in settings.items()]
    scenario = reports[0].scenario
    return {
        "version": VERSION,
        "scenario": scenario.name,
        "key": scenario.key(),
        "says": scenario.says,
        "threads": [thread.label for thread in scenario.threads],
        "cpus": [thread.cpu for thread in scenario.threads],
        "rules": [(rule.name, rule.says, rule.on) for rule in scenario.rules],
        "switches": list(settings.items()),
        "designs": designs,
        **lists.data(),
    }


class _Numbered:
    """Values, numbered in the order of their first use."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[Hashable, int] = {}

    def number(self, value: Hashable) -> int:
        """Return the number of `value`."""
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


class _Lists:
    """The lists that the designs of a board share."""

    def __init__(self) -> None:
        self.text, self.values, self.things = _Numbered(), _Numbered(), _Numbered()
        self.machines, self.nodes, self.moves = _Numbered(), _Numbered(), _Numbered()
        self.glyphs, self.drawn, self.pictures = _Numbered(), _Numbered(), _Numbered()
        self.known, self.meets = _Numbered(), _Numbered()
        self.code, self.breaks = _Numbered(), _Numbered()
        self.verdicts, self.outcomes = _Numbered(), _Numbered()
        self.stopped: dict[int, str] = {}
        self.uneven: dict[int, tuple[str, ...]] = {}
        self.addresses: dict[int, str] = {}
        self._pictures: dict[int, tuple[Any, Mapping[str, Drawn]]] = {}
        self._seen: dict[Hashable, int] = {}
        self._met: dict[Hashable, int] = {}

    def machine(self, machine: Any) -> int:
        """Return the number of a machine."""
        known = key(machine)
        if known not in self._seen:
            self._seen[known] = self._machine(machine, known)
        return self._seen[known]

    def _machine(self, machine: Any, known: Hashable) -> int:
        """Describe a machine; remember if it has stopped."""
        described = things(machine)
        values = [
            self.values.number((int(t.exists), *map(self.text.number, (t.value, *t.detail))))
            for t in described
        ]
        shown = self.things.number(tuple((thing.name, thing.kind) for thing in described))
        pictured = self.pictures.number(
            tuple(self._drawn(name, one) for name, one in self._picture(machine).items())
        )
        # What a reader is shown may leave out what tells two machines apart.
        number = self.machines.number((known, shown, pictured, *values))
        if stopped(machine):
            self.stopped[number] = machine.oops
        return number

    def _picture(self, machine: Any) -> Mapping[str, Drawn]:
        """Return how a machine is drawn, once; it is kept, so that no other has its id."""
        if id(machine) not in self._pictures:
            self._pictures[id(machine)] = machine, picture(machine)
        return self._pictures[id(machine)][1]

    def _drawn(self, name: str, one: Drawn) -> int:
        glyph = self.glyphs.number((name, one.look, one.room))
        arrows = tuple(word for arrow in one.points for word in arrow)
        return self.drawn.number(
            (glyph, one.state, one.words, one.refs, one.held, one.keeper, arrows)
        )

    def met(self, machine: int, step: Step, before: Any, after: Any = None) -> int:
        """Return the number of what `step` has to do with on the machine of that number.

        after  the machine after it; None where it is blocked
        """
        asked = machine, step.action, key(step.args)
        if asked not in self._met:
            answer, touched = step.watched(before)
            names = {called(before, kind, which) for kind, which in touched}
            if isinstance(answer, Blocked):
                names |= {f"CPU {cpu}" for cpu in answer.by}
            more = {}
            if after is not None and stopped(after):
                names.add(after.oops)
            elif after is not None:
                names |= changed(self._picture(before), self._picture(after))
                more = taken(before, after)
            flat = tuple(word for item in more.items() for word in item)
            self._met[asked] = self.meets.number((tuple(sorted(names - {""})), flat))
        return self._met[asked]

    def node(self, node: Node, sources: Sources, machine: Any) -> tuple[Any, ...]:
        """Return a node as numbers; `machine` says what its variables mean."""
        if node.step is None:
            return (self.text.number(str(node.result)),)
        action = node.step.action
        places = [(self._function(place, sources), place.line) for place in node.places]
        spot = whence(action, [place.function for place in node.places])
        source, does = self.text.number(spot.words), self.text.number(action.does)
        if spot.address:
            self.addresses[source] = spot.address
        variables = {name: value for frame in node.locals for name, value in frame}
        told = (tell(machine, name, value) for name, value in variables.items())
        known = self.known.number(tuple(tuple(one) for one in told if one is not None))
        return (source, does, known, *(number for place in places for number in place))

    def _function(self, place: Place, sources: Sources) -> int:
        return next(
            self.code.number((name, first, _without_docstring(lines)))
            for (name, first), lines in sources.items()
            if name == place.function and first <= place.line < first + len(lines)
        )

    def data(self) -> Lists:
        """Return the lists as plain data."""
        return {
            "text": self.text.values,
            "code": _plain(self.code.values),
            "values": _plain(self.values.values),
            "things": _plain(self.things.values),
            "machines": [list(shown) for _, *shown in self.machines.values],
            "glyphs": _plain(self.glyphs.values),
            "drawn": _plain(self.drawn.values),
            "pictures": _plain(self.pictures.values),
            "stopped": list(self.stopped.items()),
            "uneven": [(number, list(rules)) for number, rules in self.uneven.items()],
            "nodes": [list(shown) for _, shown in self.nodes.values],
            "addresses": list(self.addresses.items()),
            "known": _plain(self.known.values),
            "meets": _plain(self.meets.values),
            "breaks": _plain(self.breaks.values),
            "moves": _columns(self.moves.values),
            "verdicts": _plain(self.verdicts.values),
            "outcomes": _plain(self.outcomes.values),
        }


def _columns(moves: Sequence[tuple[int, ...]]) -> list[list[int]]:
    """Write moves column by column, as small differences: they take a third less room so."""
    before = [(0, 0, 0), *(move[:3] for move in moves)]
    rows = (
        (t - t0, m - m0, n - n0, to - m, at - n, *said)
        for (t0, m0, n0), (t, m, n, to, at, *said) in zip(before, moves, strict=False)
    )
    return [list(column) for column in zip(*rows, strict=True)]


def _plain(value: Any) -> Any:
    return [_plain(part) for part in value] if isinstance(value, tuple | list) else value


@cache
def _without_docstring(lines: tuple[str, ...]) -> tuple[str | None, ...]:
    """Return the lines of a function with null for those of its docstring."""
    function = ast.parse("\n".join(lines)).body[0]
    shown: list[str | None] = list(lines)
    if isinstance(function, ast.FunctionDef) and ast.get_docstring(function) is not None:
        text = function.body[0]
        for number in range(text.lineno - 1, text.end_lineno or text.lineno):
            shown[number] = None
    return tuple(shown)


def _design(report: Report, lists: _Lists) -> BoardDesign:
    """Describe one graph."""
    graph = report.graph
    machines = [lists.machine(machine) for machine in graph.machines]
    start = graph.machines[0]
    nodes = [_nodes(number, thread, lists, start) for number, thread in enumerate(graph.threads)]
    moves = []
    for thread, machine, node, move in graph.worked_out():
        here = (thread, machines[machine], nodes[thread][node])
        if move is not None:
            state = graph.after(machine, node, move)
            there = (machines[state[0]], nodes[thread][state[1]])
            said = lists.text.number(move.effect.said)
            broken = lists.breaks.number(tuple(report.broken_by(move)))
            met = lists.met(machines[machine], move.step, move.before, move.effect.machine)
            moves.append(lists.moves.number((*here, *there, said, broken, met)))
        elif (blocked := graph.blocked_at(thread, machine, node)) is not None:
            met = lists.met(machines[machine], graph.step(thread, node), graph.machines[machine])
            said = lists.text.number(blocked.why)
            moves.append(lists.moves.number((*here, *here[1:], said, BLOCKED, met)))
    lists.uneven |= {machines[n]: tuple(rules) for n, rules in report.uneven_ends().items()}
    return {
        "name": report.scenario.design.name,
        "says": report.scenario.design.says,
        "python": report.scenario.in_python(),
        "imports": lists.text.number(report.scenario.imports("replay")),
        "start": [machines[0], *(numbers[0] for numbers in nodes)],
        "moves": _runs(sorted(moves)),
        "states": len(graph.states),
        "complete": graph.complete,
        "stuck": report.stuck(),
        "verdicts": [
            lists.verdicts.number((v.status, v.in_short(), v.schedule, v.loop, v.why))
            for v in report.verdicts
        ],
        "outcomes": _outcomes(report, lists),
    }


def _nodes(number: int, thread: Automaton, lists: _Lists, machine: Any) -> list[int]:
    """Return the board's number of each node of a thread.

    Nodes that look alike may differ in their local variables; they are told apart by counting.
    """
    told = [lists.node(node, thread.sources, machine) for node in thread.nodes]
    seen: Counter[Any] = Counter()
    numbers = []
    for node in told:
        numbers.append(lists.nodes.number(((number, seen[node]), node)))
        seen[node] += 1
    return numbers


def _runs(numbers: Sequence[int]) -> list[int]:
    """Write ascending numbers as runs: [how many are skipped, how many follow, ...]."""
    runs: list[int] = []
    end = 0
    for number in numbers:
        if number == end and runs:
            runs[-1] += 1
        else:
            runs += [number - end, 1]
        end = number + 1
    return runs


def _outcomes(report: Report, lists: _Lists) -> list[tuple[int, str, float]] | None:
    """Return the bars of the histogram."""
    if not report.graph.complete or len(report.graph.states) > MANY:
        return None
    found = report.outcomes()
    total = sum(outcome.count for outcome in found)
    return [
        (
            lists.outcomes.number((o.in_short(), o.schedule, o.loop)),
            f"{o.count:,}",
            round(o.count / total, 4),
        )
        for o in found
    ]
