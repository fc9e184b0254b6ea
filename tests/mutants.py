"""Knock every guard and every effect out of the model, one at a time, and see who notices.

A guard is what an `if`, a `while`, a conditional expression or a comprehension asks, or an operand
of `and` or `or`: it is forced to be true, and to be false.  An effect is a statement that yields:
it is left out, and a name that would have received its result gets a constant.  A jump is a
`break`, a `continue` or a `return` before the end: it is left out.  In the actions, the functions
behind the steps, only guards are knocked out.  What is knocked out is found in the syntax tree,
so that a new line of the model is tried without anybody thinking of it.

A mutant is killed if a verdict of some cell changes its status, or if the checker refuses it: an
exception, a search over the limit, or one that takes too long.  A cell is a scenario with its
arguments.  Two tests save most of the searches and lose nothing: if every thread of a cell takes
the same steps as before, whatever results it gets that it could get before, and every step that was
taken has the same outcome as before, then the cell's verdicts are the same, too.

Nor is anything lost by what is kept from cell to cell: the automaton of a thread follows from its
function and arguments, what a step does from the machine, and whether that breaks a rule from the
step and the two machines.  So with a function knocked out all is as it was that cannot run it; and
what can is told by the checker, which looks at all that a thread and an action can reach.

Run as a program it prints what becomes of each mutant, or of those whose key has all the words
given: mutants.py [word...]
"""

from __future__ import annotations

import ast
import copy
import inspect
import linecache
import multiprocessing
import signal
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cache
from inspect import isfunction
from itertools import chain, count, groupby, product
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple

from gupcore import DESIGNS, SCENARIOS, Machine, Report, ScenarioError
from gupcore.checker import verdict
from gupcore.checker.answers import Answers
from gupcore.checker.explore import explore
from gupcore.checker.patience import patience
from gupcore.checker.reach import Reach, begin
from gupcore.checker.rule import Returned, Rule
from gupcore.checker.source import ThreadError
from gupcore.checker.step import Action, Blocked, Effect
from gupcore.checker.thread import NODE_LIMIT, Automaton, Node
from gupcore.checker.values import PLAIN
from gupcore.kernel import device, fault, fork, gup, huge, percpu_ref, unmap, users
from gupcore.kernel.steps import cpu, dax, page_table, pagemap, struct_page
from gupcore.kernel.steps import fork as fork_steps
from gupcore.kernel.steps import huge as huge_steps
from gupcore.patches import pages

THREADS = (gup, fault, users, unmap, device, huge, fork, percpu_ref)
ACTIONS = (cpu, dax, page_table, pagemap, struct_page, huge_steps, fork_steps, percpu_ref)
STATE_LIMIT = 50_000  # for a mutant; see also `most_states`
SECONDS = 60  # of a processor's time: a mutant that keeps one cell busy for longer is endless
PROCESSES = 2
CONSTANTS = (None, True, False, ())
WORDS = {"said", "does", "held", "whose", "stale"}  # locals that only go into a sentence


# --- Mutants --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mutant:
    """A function of the model with one thing knocked out.

    key       "file:function: what was knocked out -> what is in its place"
    function  the function it takes the place of
    source    its source
    acts      does it belong to an action, and not to a thread?
    """

    key: str
    function: Callable[..., Any]
    source: str
    acts: bool


class Site(NamedTuple):
    """Something to knock out: the node, its text, and (what is said, what is put in its place)."""

    node: ast.AST
    text: str
    places: tuple[tuple[str, ast.AST], ...]


class Function(NamedTuple):
    """A function of the model, in which there is something to knock out.

    name  "file:function"
    live  the function, or the action that it is behind
    tree  it, without its decorators
    text  the text of its file
    acts  does it belong to an action, and not to a thread?
    """

    name: str
    live: Any
    tree: ast.FunctionDef
    text: str
    acts: bool


@cache
def functions() -> tuple[Function, ...]:
    """List every thread function and every action, and the functions that they call."""
    return tuple(_functions())


def _functions() -> Iterator[Function]:
    modules = tuple(dict.fromkeys((*THREADS, *ACTIONS)))
    texts = [inspect.getsource(module) for module in modules]
    trees = [ast.parse(text) for text in texts]
    called = {name for tree in trees for name in _called_in(tree)}
    for module, text, file in zip(modules, texts, trees, strict=True):
        for tree in file.body:
            if not isinstance(tree, ast.FunctionDef) or _for_people(tree):
                continue
            live = getattr(module, tree.name)
            if not (isinstance(live, Action) or _yields(tree) or tree.name in called):
                continue  # it helps to set a scenario up
            acts = isinstance(live, Action) or not (module in THREADS and _threadlike(module, tree))
            tree.decorator_list = []
            name = f"{Path(inspect.getfile(module)).name}:{tree.name}"
            function = Function(name, live, tree, text, acts)
            if any(_sites(function)):
                yield function


def _called_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def mutants() -> list[Mutant]:
    """List every mutant of every function."""
    return [mutant for function in functions() for mutant in mutants_of(function)]


def mutants_of(function: Function) -> list[Mutant]:
    """List the mutants of a function that differ."""
    return list(_mutants_of(function))


def _mutants_of(function: Function) -> Iterator[Mutant]:
    seen: dict[str, int] = {}
    known = {ast.dump(function.tree)}
    live = function.live.apply if isinstance(function.live, Action) else function.live
    for site in _sites(function):
        for said, new in site.places:
            mutated = _with(function.tree, site.node, new)
            if ast.dump(mutated) in known:
                continue
            known.add(ast.dump(mutated))
            key = f"{function.name}: {site.text} -> {said}"
            seen[key] = seen.get(key, 0) + 1
            again = f" ({seen[key]})" if seen[key] > 1 else ""
            yield Mutant(key + again, live, ast.unparse(mutated), function.acts)


def _for_people(tree: ast.FunctionDef) -> bool:
    """Does the function only make a sentence?"""
    return isinstance(tree.returns, ast.Name) and tree.returns.id == "str"


def _threadlike(module: ModuleType, tree: ast.FunctionDef) -> bool:
    """Is it a thread or, in a file of threads and nothing else, a function that decides for one?"""
    return _yields(tree) or module is not percpu_ref


def _yields(tree: ast.AST) -> bool:
    return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in ast.walk(tree))


def _sites(function: Function) -> Iterator[Site]:
    def words(node: ast.AST) -> str:
        return " ".join((ast.get_source_segment(function.text, node) or "").split())

    last = function.tree.body[-1]
    for node, inside in _walk(function.tree, ""):
        if isinstance(node, (ast.If, ast.While, ast.IfExp)):
            kind = {ast.If: "if", ast.While: "while", ast.IfExp: "… if"}[type(node)]
            yield _guard(node.test, f"{kind} {words(node.test)}")
        elif isinstance(node, ast.comprehension):
            for test in node.ifs:
                yield _guard(test, f"for … if {words(test)}")
        elif isinstance(node, ast.BoolOp):
            yield _guard(node, f"({words(node)})")
            neutral = isinstance(node.op, ast.And)  # `a and b` is false as a whole if `a` is
            for operand in node.values:
                yield _guard(operand, f"{words(operand)}, in ({words(node)})", (neutral,))
        elif function.acts:
            continue
        elif isinstance(node, ast.Expr) and _yields(node):
            yield Site(node, words(node) + inside, (("left out", ast.Pass()),))
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and _yields(node):
            yield Site(node, words(node) + inside, tuple(_constants(node)))
        elif isinstance(node, (ast.Break, ast.Continue)) or (
            isinstance(node, ast.Return) and node is not last
        ):
            yield Site(node, words(node) + inside, (("left out", ast.Pass()),))


def _walk(tree: ast.AST, inside: str) -> Iterator[tuple[ast.AST, str]]:
    """Yield every node of a function with the innermost condition it is under, as words.

    A sentence for people is passed over.
    """
    for name, value in ast.iter_fields(tree):
        for node in value if isinstance(value, list) else [value]:
            if not isinstance(node, ast.AST) or _sentence(tree, node):
                continue
            under = inside
            if isinstance(tree, (ast.If, ast.While)) and name in ("body", "orelse"):
                kind = "under" if name == "body" else "under else of"
                under = f" [{kind} {ast.unparse(tree.test)}]"
            yield node, under
            yield from _walk(node, under)


def _sentence(parent: ast.AST, node: ast.AST) -> bool:
    if isinstance(node, ast.JoinedStr):
        return True
    if isinstance(node, ast.Assign):
        return any(isinstance(name, ast.Name) and name.id in WORDS for name in node.targets)
    if isinstance(node, ast.AugAssign):
        return isinstance(node.target, ast.Name) and node.target.id in WORDS
    if isinstance(node, ast.If) and not node.orelse:
        return all(_sentence(node, statement) for statement in node.body)
    if isinstance(node, ast.BinOp):
        return isinstance(node.left, ast.Name) and node.left.id in WORDS
    if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name):
        return parent.func.id == "Effect" and node in parent.args[1:2]
    return False


def _guard(test: ast.expr, text: str, values: tuple[bool, ...] = (True, False)) -> Site:
    def forced(value: bool) -> ast.expr:
        constant = ast.Constant(value)
        if not any(isinstance(node, ast.NamedExpr) for node in ast.walk(test)):
            return constant
        both = ast.Tuple([copy.deepcopy(test), constant], ast.Load())  # keeps the name it binds
        return ast.Subscript(both, ast.Constant(1), ast.Load())

    return Site(test, text, tuple((str(value), forced(value)) for value in values))


def _constants(node: ast.Assign | ast.AnnAssign) -> Iterator[tuple[str, ast.AST]]:
    """Assign constants instead: with several targets, every combination."""
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    if isinstance(target, ast.Tuple):
        choices: Iterator[Any] = product(CONSTANTS[:3], repeat=len(target.elts))
    else:
        choices = iter(CONSTANTS)
    for value in choices:
        yield repr(value), ast.Assign([target], _literal(value))


def _literal(value: Any) -> ast.expr:
    return ast.parse(repr(value), mode="eval").body


def _with(tree: ast.FunctionDef, old: ast.AST, new: ast.AST) -> ast.FunctionDef:
    """Return a copy of a function with another node in the place of `old`."""

    class Knock(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return new if node is old else self.generic_visit(_shallow(node))

    mutated = Knock().visit(tree)
    assert isinstance(mutated, ast.FunctionDef)
    if _yields(tree) and not _yields(mutated):  # a generator it must stay
        mutated.body.append(ast.parse("if False:\n    yield").body[0])
    return ast.fix_missing_locations(mutated)


def _shallow(node: ast.AST) -> ast.AST:
    """Copy a node and its lists, which a NodeTransformer changes, but not the nodes below."""
    twin = copy.copy(node)
    for name, value in ast.iter_fields(node):
        if isinstance(value, list):
            setattr(twin, name, list(value))
    return twin


_numbers = count(1)


@cache
def _code_of(mutant: Mutant) -> CodeType:
    filename = f"<mutant {next(_numbers)}>"
    source = f"from __future__ import annotations\n{mutant.source}\n"
    # No time of change: linecache asks nobody whether this is up to date.
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    module = compile(source, filename, "exec", dont_inherit=True)
    name = mutant.function.__name__
    return next(c for c in module.co_consts if inspect.iscode(c) and c.co_name == name)


@contextmanager
def knocked_out(mutant: Mutant) -> Iterator[None]:
    """Put a mutant in the place of its function, for whoever has a name for that."""
    code = _code_of(mutant)
    original, mutant.function.__code__ = mutant.function.__code__, code
    try:
        yield
    finally:
        mutant.function.__code__ = original


# --- Cells ----------------------------------------------------------------------------------------


class Cell(NamedTuple):
    """One scenario with its arguments."""

    scenario: str
    arguments: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        return " ".join([self.scenario, *(f"{name}={value}" for name, value in self.arguments)])


# Settings that the tables of the book do without; one scene is tried elsewhere in memory.
FURTHER: dict[str, tuple[dict[str, Any], ...]] = {
    "seed-race": (
        {"pages": 2},
        {"pages": 2, "pte": "absent"},
        {"design": "v5.11", "moved": 1},
    ),
    "percpu-ref": ({"wait": True}, {"wait": False}),
}

# The designs of the book, and two without each of the walkers' switches, which they all have on.
WITHOUT = [
    whole.lacking(name)
    for whole in (DESIGNS["both"], DESIGNS["v5.11"])
    for name in whole.protections()
    if name not in (*whole.unbind, "free_tables")
]
TRIED = {**DESIGNS, **{design.name: design for design in WITHOUT}}
VARIED = ("v5.11", "cure", "cure-on-v6.15-waits", "kill-first-no-serialise", "v6.1", "no-check")
FIRST = tuple(name for name in VARIED if name in TRIED)
WITH_TWO = FIRST[:2]
LATER = tuple(name for name in TRIED if name not in FIRST)


@cache
def cells(callers: int) -> tuple[Cell, ...]:
    """List the cells for 1 caller or none; or those for 2 callers of the first few designs."""
    found: dict[Any, Cell] = {}
    for name, make in SCENARIOS.items():
        tried = TRIED if callers == 1 else WITH_TWO
        designs = tuple(tried) if make.has_designs else (None,)
        settings = (*make.settings, *FURTHER.get(name, ()))
        for setting, design in product(settings, designs):
            chosen = {} if design is None else {"design": design}
            if "callers" not in make.parameters:
                numbers: tuple[dict[str, int], ...] = ({},) if callers == 1 else ()
            else:
                numbers = tuple({"callers": n} for n in ((0, 1) if callers == 1 else (callers,)))
            for number in numbers:
                cell = Cell(name, tuple({**chosen, **setting, **number}.items()))
                try:
                    found.setdefault(_what_counts(cell), cell)
                except ScenarioError:  # no callers, or a design the scenario does not go with
                    continue
    rank = {design: n for n, design in enumerate((*FIRST, *TRIED)[::-1])}
    # Design by design: all the scenarios of the first few designs are a varied lot.
    return tuple(
        sorted(found.values(), key=lambda c: -rank.get(str(dict(c.arguments).get("design")), 0))
    )


def _what_counts(cell: Cell) -> tuple[Any, ...]:
    """Return what tells a cell from others: without an unbind, nobody looks at the unbind's order.

    Raises ScenarioError for a cell that cannot be set up.
    """
    scenario = scenario_of(cell)
    unbinds = any(t.function in (device.unbind, device.rebind) for t in scenario.threads)
    if unbinds or not SCENARIOS[cell.scenario].has_designs:
        return cell
    looked_at = {f.name: getattr(scenario.design, f.name) for f in fields(scenario.design)}
    for name in ("name", "says", "unbind"):
        del looked_at[name]
    arguments = [pair for pair in cell.arguments if pair[0] != "design"]
    return cell.scenario, *arguments, *looked_at.values()


def scenario_of(cell: Cell) -> Any:
    """Set a cell up."""
    arguments = dict(cell.arguments)
    if "design" in arguments:
        arguments["design"] = TRIED[arguments["design"]]
    return SCENARIOS[cell.scenario](**arguments)


class Judged(NamedTuple):
    """What the checker says of a cell.

    statuses, lengths  of each rule's verdict and its shortest schedule
    states             the number of states
    threads            what the threads did, with nothing knocked out
    asked              which steps were taken or blocked, on which machines
    """

    statuses: tuple[str, ...]
    lengths: tuple[int, ...]
    states: int
    threads: tuple[Walked, ...] = ()
    asked: frozenset[tuple[int, Any]] = frozenset()


class Walked(NamedTuple):
    """What a thread did in a cell: its function and arguments, and the edges it took.

    An edge is (node, its result as text, which tells True from 1, its result, node after).
    """

    function: Any
    args: Any
    edges: frozenset[tuple[int, str, Any, int]]


class Runs(Reach):
    """What can be run: the functions that the checker finds within reach."""

    def __init__(self, *values: Any) -> None:
        super().__init__()
        for value in values:
            self.add_value(value, "The model has")

    def add_value(self, value: Any, where: str) -> None:
        """Look at a value, unless it is an action: a thread only makes steps of it."""
        if not isinstance(value, Action):
            super().add_value(value, where)

    def __contains__(self, function: object) -> bool:
        return id(function) in self._functions


def runs(function: Any, args: Any) -> Runs:
    """Return what a thread can run; of its arguments, all but functions are data."""
    kinds = [given if isfunction(given) else type(given) for given in args]
    return _runs(function, *(kind for kind in kinds if kind not in PLAIN))


# To be asked for the first time while nothing is knocked out: less code can reach less.
_runs: Callable[..., Runs] = cache(Runs)


@cache
def actions() -> dict[Action, Runs]:
    """Return what each action can run, by itself or by what it asks of the machine."""
    found = [action for module in (*ACTIONS, pages) for action in vars(module).values()]
    return {
        action: Runs(action.apply, Machine, percpu_ref.Ref)
        for action in found
        if isinstance(action, Action)
    }


class Shared(Automaton):
    """The automaton of a thread that several cells have in common."""

    verified = 0

    def verify(self) -> None:
        """Verify it where a cell has brought new edges."""
        if len(self._edges) > self.verified:
            super().verify()
            self.verified = len(self._edges)

    def _find_again(self) -> None:
        """Do not: nothing is knocked out that the thread can run, see `Without`."""


class Known:
    """What cells have in common and is found out only once: automata, and what steps do."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.automata: dict[Any, Shared] = {}

    def automaton(self, function: Any, args: Any) -> Shared:
        """Return the automaton of a thread."""
        if (function, args) not in self.automata:
            self.automata[function, args] = Shared(function.__name__, function, args)
        return self.automata[function, args]


class Without(Known):
    """The same with a function knocked out: what cannot run that is as it was."""

    answers: AnswersWithout

    def __init__(self, function: Any, unharmed: Known) -> None:
        super().__init__(AnswersWithout(function, unharmed.answers))
        self._function, self._unharmed = function, unharmed

    def automaton(self, function: Any, args: Any) -> Shared:
        """Return the automaton of a thread that was met while nothing was knocked out."""
        before = self._unharmed.automata[function, args]
        can_differ = self._function in runs(function, args)
        return super().automaton(function, args) if can_differ else before


class AnswersWithout(Answers):
    """What steps do with a function knocked out; machines have the numbers they had before.

    differ  of each action: can it run the function?
    """

    def __init__(self, function: Any, unharmed: Answers) -> None:
        super().__init__()
        self.machines, self._numbers = unharmed.machines, unharmed._numbers
        self._equals, self._others = unharmed._equals, unharmed._others
        self._keys, self._trouble = unharmed._keys, unharmed._trouble
        self._equals, self._others = unharmed._equals, unharmed._others
        self.differ = {action: function in runs for action, runs in actions().items()}
        self._unharmed = unharmed

    def can_differ(self, step_key: Any) -> bool:
        """Can a step of that key run the function?"""
        return self.differ[step_key[0]]

    def taken(self, node: Node, here: int) -> tuple[Effect | Blocked, int]:
        """Take the step of `node` on machine number `here`."""
        if not self.can_differ(node.step_key):
            return self._unharmed.taken(node, here)
        return super().taken(node, here)

    def breaking(self, rule: Rule, effects: Collection[int]) -> set[int]:
        """Return the effects that break a rule; those of steps that cannot differ are as before."""
        own = {effect for effect in effects if effect in self._effects}
        unharmed = {effect for effect in effects if effect not in own}
        return super().breaking(rule, own) | self._unharmed.breaking(rule, unharmed)

    def well_returned(self, rule: Rule, effect: int, ends: Returned) -> bool:
        """Ask a rule on what a thread returns where the effect that it ends with is known."""
        if effect in self._effects:
            return super().well_returned(rule, effect, ends)
        return self._unharmed.well_returned(rule, effect, ends)


_unharmed = Known(Answers())
_asking: dict[Any, Node] = {}  # by the key of a step: a node at which it is taken


def judge(cell: Cell, known: Known, limit: int = STATE_LIMIT) -> Report:
    """Check a cell, with the model as it is now, and with what is known already."""
    scenario = scenario_of(cell)
    threads = [known.automaton(thread.function, thread.args) for thread in scenario.threads]
    begin()  # as `check` does it
    with patience():
        graph = explore(scenario.machine, threads, limit, answers=known.answers)
        return Report(scenario, graph, tuple(verdict.judge(graph, r) for r in scenario.rules))


def judged(report: Report) -> Judged:
    """Write down what the checker says."""
    statuses = tuple(found.status for found in report.verdicts)
    lengths = tuple(len(found.schedule) for found in report.verdicts)
    return Judged(statuses, lengths, len(report.graph.states))


@cache
def unharmed(cell: Cell) -> Judged | None:
    """Check a cell while nothing is knocked out; None if it has too many states to be used here."""
    report = judge(cell, _unharmed, limit=most_states(cell))
    graph = report.graph
    if not graph.complete:
        return None
    edges: list[set[Any]] = [set() for _ in graph.threads]
    asked = set()
    for thread, number, at, move in graph.worked_out():
        node = graph.threads[thread].nodes[at]
        if node.step is None or graph.stopped(graph.machines[number]):
            continue
        _asking.setdefault(node.step_key, node)
        asked.add((number, node.step_key))
        if move is not None and not graph.stopped(move.effect.machine):
            result = move.effect.result
            edges[thread].add((at, repr(result), result, graph.after(number, at, move)[1]))
    for automaton in graph.threads:
        runs(automaton.function, automaton.args)  # remembered
    walked = (
        Walked(automaton.function, automaton.args, frozenset(taken))
        for automaton, taken in zip(graph.threads, edges, strict=True)
    )
    return judged(report)._replace(threads=tuple(walked), asked=frozenset(asked))


def most_states(cell: Cell) -> int:
    """Return how many states a cell may have to be cheap enough, with nothing knocked out."""
    return 1_500 if dict(cell.arguments).get("design") in LATER else 10_000


# --- Does it make a difference? -------------------------------------------------------------------


class Noticed:
    """Who notices a mutant?  What was found out in one cell is not asked again in the next."""

    def __init__(self, mutant: Mutant) -> None:
        self.known = Without(mutant.function, _unharmed)
        self._steps: dict[Walked, bool] = {}
        self._same: set[Any] = set()
        self._different: set[Any] = set()

    def in_steps(self, known: Judged) -> bool:
        """Does a thread take other steps than before, as far as the machine's answers were seen?"""
        for walked in known.threads:
            if walked not in self._steps:
                self._steps[walked] = self._walk(walked)
            if self._steps[walked]:
                return True
        return False

    def _walk(self, walked: Walked) -> bool:
        before = _unharmed.automata[walked.function, walked.args]
        now = self.known.automaton(walked.function, walked.args)
        if now is before:
            return False
        edges: dict[int, list[tuple[Any, int]]] = {}
        for node, _, result, after in walked.edges:
            edges.setdefault(node, []).append((result, after))
        try:
            with patience():
                queue = [(0, now.start())]
                done = set(queue)
                for node, twin in queue:
                    if before.nodes[node].step != now.nodes[twin].step:
                        return True
                    for result, after in edges.get(node, ()):
                        pair = after, now.after(twin, result)
                        if pair not in done:
                            done.add(pair)
                            queue.append(pair)
                now.verify()
        except ThreadError:  # it is for the whole search to say if that refuses the mutant
            return True
        return False

    def in_outcomes(self, known: Judged) -> bool:
        """Has a step that was taken or blocked another outcome than before?"""
        if not any(self.known.answers.differ.values()):
            return False
        if not known.asked.isdisjoint(self._different):
            return True
        for asked in known.asked - self._same:
            if self._is_different(*asked):
                self._different.add(asked)
                return True
            self._same.add(asked)
        return False

    def _is_different(self, machine: int, step_key: Any) -> bool:
        if not self.known.answers.can_differ(step_key):
            return False
        before, there = _unharmed.answers.taken(_asking[step_key], machine)
        try:
            now, here = self.known.answers.taken(_asking[step_key], machine)
        except Exception:
            return True
        if isinstance(before, Effect) and isinstance(now, Effect):
            return here != there or bool(now.result != before.result)
        return isinstance(before, Effect) or isinstance(now, Effect)


class Fate(NamedTuple):
    """What became of a mutant.

    key    which mutant
    level  what changed: "refused", "status", "length", "states", "steps" (the threads do something
           else, but the search finds as many states), or "nothing"
    where  the first cell in which it did, and how
    """

    key: str
    level: str
    where: str = ""

    @property
    def killed(self) -> bool:
        """Has a verdict changed?"""
        return self.level in ("refused", "status")


LEVELS = ("nothing", "steps", "states", "length", "status", "refused")


class Endless(Exception):
    """A cell has taken too long."""


def fate(mutant: Mutant, order: list[Cell]) -> Fate:
    """Try a mutant in one cell after the other until it is killed; put that cell first."""
    found = Fate(mutant.key, "nothing")
    noticed = Noticed(mutant)
    for cell in order:
        known = unharmed(cell)
        if known is None:
            continue
        with knocked_out(mutant):
            if not (noticed.in_steps(known) or noticed.in_outcomes(known)):
                continue
            level, how = _compare(cell, known, noticed.known)
        if LEVELS.index(level) > LEVELS.index(found.level):
            found = Fate(mutant.key, level, f"{cell}: {how}")
        if found.killed:
            order.remove(cell)  # it is likely to kill the function's next mutant, too
            order.insert(0, cell)
            break
    # Full ones would refuse a mutant for what others have left there.
    assert all(len(automaton.nodes) < NODE_LIMIT // 2 for automaton in _unharmed.automata.values())
    return found


def _compare(cell: Cell, before: Judged, known: Known) -> tuple[str, str]:
    def too_long(*_: Any) -> None:
        raise Endless(f"more than {SECONDS} seconds")

    handler = signal.signal(signal.SIGPROF, too_long)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        now = judged(judge(cell, known))
    except Exception as error:
        return "refused", f"{type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, handler)
    if now.statuses != before.statuses:
        if "undetermined" in now.statuses:
            return "refused", f"more than {STATE_LIMIT:,} states"
        rules = scenario_of(cell).rules
        changes = zip(rules, before.statuses, now.statuses, strict=True)
        return "status", "; ".join(
            f"{r.name}: {old} -> {new}" for r, old, new in changes if old != new
        )
    if now.lengths != before.lengths:
        return "length", f"{before.lengths} -> {now.lengths}"
    if now.states != before.states:
        return "states", f"{before.states} -> {now.states}"
    return "steps", "as many states"


# --- All of them ----------------------------------------------------------------------------------


def fates(chosen: list[Mutant]) -> list[Fate]:
    """Try mutants and say what becomes of them.  What survives one caller is tried with two."""
    found = {mutant.key: Fate(mutant.key, "nothing") for mutant in chosen}
    for callers in (1, 2):
        order = list(cells(callers))
        for mutant in chosen:
            if not found[mutant.key].killed:
                both = found[mutant.key], fate(mutant, order)
                found[mutant.key] = max(both, key=lambda one: LEVELS.index(one.level))
    return list(found.values())


_jobs: list[list[Mutant]] = []  # a function cannot be sent to a process, but it is inherited


def _fates_of(number: int) -> list[Fate]:
    return fates(_jobs[number])


def main() -> None:
    """Print what becomes of the mutants, which a few processes try function by function."""
    chosen = [m for m in mutants() if all(word in m.key for word in sys.argv[1:])]
    _jobs[:] = [list(group) for _, group in groupby(chosen, key=lambda mutant: mutant.function)]
    for cell in (*cells(1), *cells(2)):
        unharmed(cell)  # before the processes part, so that they share it
    tally: dict[str, int] = dict.fromkeys(LEVELS, 0)
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        for found in chain.from_iterable(pool.imap(_fates_of, range(len(_jobs)))):
            tally[found.level] += 1
            print(f"{found.level:8} {found.key}   {found.where}")
    print(len(chosen), tally)


if __name__ == "__main__":
    main()
