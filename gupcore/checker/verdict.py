"""Verdicts: for each rule holds, fails with the shortest schedule, or or undetermined.

A verdict is per rule, because one verdict over all rules would hide a rule's failure behind a
shorter one of another rule.  It has three values: a search that was cut off has not shown that
a rule holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from . import paths, reach
from .asked import Names, ScenarioError, inside, so_many
from .explore import STATE_LIMIT, Graph, Move, Progress, explore
from .outcomes import Outcome, outcomes
from .patience import patience
from .replay import Moment, broken_by, replay
from .rule import END, FINISH, RETURN, STEP, Rule
from .rule import FAILS as FAILS  # these three can be had from here
from .rule import HOLDS as HOLDS
from .rule import UNDETERMINED as UNDETERMINED
from .scenario import Scenario


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the search says of one rule.

    rule      the rule
    status    HOLDS, FAILS or UNDETERMINED
    schedule  for FAILS, the shortest schedule that breaks it, as text: "2211"
    loop      for a livelock, the schedule that then repeats for ever
    why       for FAILS, what its last step did, or who is stuck on what
    """

    rule: Rule
    status: str
    schedule: str = ""
    loop: str = ""
    why: str = ""

    def in_short(self) -> str:
        """Return the verdict in a few words: *holds*, *fails in 8 steps*, *livelock after 18*."""
        if self.status != FAILS:
            return self.status
        if not self.schedule:
            return "fails at the start"
        steps = so_many(len(self.schedule), "step")
        return f"livelock after {steps}" if self.loop else f"fails in {steps}"

    def way(self) -> str:
        """Return the shortest schedule, with the loop that it ends in."""
        return f"{self.schedule} ({self.loop} …)" if self.loop else self.schedule

    def __str__(self) -> str:
        if self.status == HOLDS:
            return "holds in every schedule"
        if self.status == UNDETERMINED:
            return "undetermined: the search stopped at its limit"
        return f"{self.in_short()}: {self.why}"


class Judged:
    """Verdicts on a scenario, in words and as a table, whatever they were read off."""

    __slots__ = ()
    scenario: Scenario
    verdicts: Sequence[Verdict]

    @property
    def counted(self) -> str:
        """What was looked at, in words."""
        raise NotImplementedError

    @property
    def notes(self) -> list[str]:
        """What the verdicts do not say."""
        return []

    @property
    def status(self) -> str:
        """FAILS if a rule fails; else UNDETERMINED if one is; else HOLDS."""
        found = {verdict.status for verdict in self.verdicts}
        return next((s for s in (FAILS, UNDETERMINED) if s in found), HOLDS)

    def __getitem__(self, rule: str) -> Verdict:
        """Return the verdict on the rule of that name."""
        found = named_rule(rule, self.scenario)
        return next(verdict for verdict in self.verdicts if verdict.rule is found)

    def __str__(self) -> str:
        width = max(len(verdict.rule.name) for verdict in self.verdicts)
        lines = [f"{v.rule.name:{width}}  {v}" for v in self.verdicts]
        return "\n".join([*lines, *self.notes])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th scope="row">{escape(verdict.rule.name)}</th><td>{escape(str(verdict))}</td>'
            f"<td><code>{verdict.way()}</code></td></tr>"
            for verdict in self.verdicts
        )
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        caption = f"{escape(self.scenario.design.name)}: {escape(self.counted)}"
        return (
            f'<table class="gup-report"><caption>{caption}</caption>'
            "<thead><tr><th>rule</th><th>verdict</th>"
            f"<th>shortest schedule</th></tr></thead><tbody>{rows}</tbody></table>{notes}"
        )


@dataclass(frozen=True, slots=True, repr=False)
class Report(Judged):
    """The verdicts on a scenario, and the graph they were read off."""

    scenario: Scenario
    graph: Graph
    verdicts: tuple[Verdict, ...]

    def replay(self, schedule: str) -> list[Moment]:
        """Play a schedule of this scenario, see `replay`."""
        return replay(self.scenario, schedule)

    def walk(self, schedule: str) -> int:
        """Return the state of the graph to which a schedule leads that can be taken."""
        return paths.walk(self.graph, tuple(int(digit) - 1 for digit in schedule))

    def steps_to_break(self, rule: str, schedule: str) -> int | None:
        """Return how many steps after a schedule a rule can be broken at the soonest.

        rule      its name
        schedule  one that can be taken, and that has not broken it

        Returns None if nothing that is known of breaks it from there on.
        """
        graph, asked = self.graph, self[rule].rule
        here = self.walk(schedule)
        if asked.on in (STEP, RETURN):
            return paths.distance(graph, here, moves=_breaking(graph, asked))
        if asked.on == END:
            return paths.distance(graph, here, states=_ending_uneven(graph, asked))
        doomed = set(graph.states) - paths.leading_to(graph, graph.finals)
        return paths.distance(graph, here, states=doomed)

    def broken_by(self, move: Move) -> list[str]:
        """Name the rules that a move of the graph breaks."""
        after = move.effect.machine
        return list(broken_by(self.scenario, move.before, move.step, after, move.ends))

    def uneven_ends(self) -> dict[int, list[str]]:
        """Return the numbers of the machines at which an end breaks rules, with those rules."""
        broken: dict[int, list[str]] = {}
        for rule in self.scenario.rules:
            for number in _uneven(self.graph, rule) if rule.on == END else ():
                broken.setdefault(number, []).append(rule.name)
        return dict(sorted(broken.items()))

    def outcomes(self) -> tuple[Outcome, ...]:
        """Count all complete schedules by how they end, see `outcomes`."""
        return outcomes(self)

    def stuck(self) -> list[int]:
        """Return the numbers of the states from which somebody cannot finish."""
        stuck = paths.stuck(self.graph) if self.graph.complete else set()
        return sorted(self.graph.number[state] for state in stuck)

    @property
    def notes(self) -> list[str]:
        """Say what goes wrong where no rule asks for it: then the rules that hold say less."""
        notes = []
        if not any(rule.on == FINISH for rule in self.scenario.rules) and self.stuck():
            notes.append('Not everyone can finish; add RULES["everyone can finish"] to the rules.')
        touched = self._unasked_touch()
        if touched:
            notes.append(
                f"The {touched} is touched when it is gone, and no rule asks for that; add a rule "
                'on "step" that asks for after.oops is None.'
            )
        return notes

    def _unasked_touch(self) -> str | None:
        """Name a thing whose touch ends a schedule and breaks no rule."""
        ends = {
            id(move.effect): move.effect.machine.oops
            for move in self.graph.known_moves()
            if self.graph.stopped(move.effect.machine)
        }
        for rule in self.scenario.rules:
            for effect in self.graph.answers.breaking(rule, ends) if rule.on == STEP else ():
                del ends[effect]
        return next(iter(ends.values()), None)

    @property
    def counted(self) -> str:
        """How many states there are."""
        more = "" if self.graph.complete else " (not all)"
        return f"{len(self.graph.states):,} states{more}"


def check(
    scenario: Scenario,
    rule: str | Rule | None = None,
    limit: int = STATE_LIMIT,
    progress: Progress | None = None,
) -> Report:
    """Try every schedule of a scenario and judge its rules, or the one named `rule`.

    limit     the number of states at which to give up
    progress  called now and then with the number of states found and of those still to be looked at

    Raises ThreadError where a thread cannot be compiled, ScenarioError for an unknown rule.
    """
    if not isinstance(scenario, Scenario):
        raise ScenarioError("What is checked is a scenario: check(race()).")
    rules = scenario.rules if rule is None else (named_rule(rule, scenario),)
    reach.begin()
    for given in scenario.rules:
        reach.current.add_value(given.holds, f"The rule {given.name!r} is judged by")
    with patience():
        graph = explore(scenario.machine, scenario.threads, limit, progress)
        report = Report(scenario, graph, tuple(judge(graph, r) for r in rules))
    reach.current.recheck()
    return report


def named_rule(name: str | Rule, scenario: Scenario) -> Rule:
    """Return the scenario's rule of that name (hyphens for spaces, or the rule itself, will do).

    Raises ScenarioError for an unknown one.
    """
    if isinstance(name, Rule):
        name = name.name
    rules = Names("rule", ((rule.name, rule) for rule in scenario.rules))
    return rules[name.replace("-", " ")]


def judge(graph: Graph, rule: Rule) -> Verdict:
    """Say of one rule whether the schedules of a graph obey it."""
    failure = JUDGES[rule.on](graph, rule)
    if failure is not None:
        return failure
    return Verdict(rule, HOLDS if graph.complete else UNDETERMINED)


def _judge_steps(graph: Graph, rule: Rule) -> Verdict | None:
    broken = _breaking(graph, rule)
    schedule = paths.to_move(graph, broken) if broken else None
    if schedule is None:
        return None
    last = graph.move(paths.walk(graph, schedule[:-1]), schedule[-1])
    assert last is not None
    *_, returned = last.ends or (None,)
    said = f"returns {returned!r}." if rule.on == RETURN else last.effect.said
    return Verdict(rule, FAILS, paths.as_text(schedule), why=_who(graph, last.thread, said))


def _breaking(graph: Graph, rule: Rule) -> set[int]:
    """Return the moves, by their id(), that break a rule on steps, or on what they return."""
    moves = list(graph.known_moves())
    if rule.on == RETURN:
        ask = graph.answers.well_returned
        return {id(m) for m in moves if m.ends and not ask(rule, id(m.effect), m.ends)}
    breaking = graph.answers.breaking(rule, {id(move.effect) for move in moves})
    return {id(move) for move in moves if id(move.effect) in breaking}


def _judge_ends(graph: Graph, rule: Rule) -> Verdict | None:
    broken = _ending_uneven(graph, rule)
    schedule = paths.to_state(graph, broken) if broken else None
    if schedule is None:
        return None
    return Verdict(rule, FAILS, paths.as_text(schedule), why=rule.broken)


def _ending_uneven(graph: Graph, rule: Rule) -> set[int]:
    uneven = _uneven(graph, rule)
    return {state for state in graph.finals if graph.machine_number(state) in uneven}


def _uneven(graph: Graph, rule: Rule) -> set[int]:
    """Return the numbers of the machines at which an end breaks a rule."""
    return {
        number
        for number in set(map(graph.machine_number, graph.finals))
        if not graph.stopped(graph.machines[number]) and not graph.answers.well_ended(rule, number)
    }


def _judge_finishing(graph: Graph, rule: Rule) -> Verdict | None:
    if not graph.complete:
        return None
    stuck = paths.stuck(graph)
    schedule = paths.to_state(graph, stuck) if stuck else None
    return None if schedule is None else livelock(graph, rule, schedule)


def livelock(graph: Graph, rule: Rule, schedule: paths.Schedule) -> Verdict:
    """Say what has become of the threads in a state in which somebody cannot finish."""
    state = paths.walk(graph, schedule)
    loop = paths.loop_from(graph, state)
    spinning = {move.thread for here in paths.reach(graph, state) for move, _ in graph.moves(here)}
    words = []
    for thread in range(len(graph.threads)):
        blocked = graph.blocked(state, thread)
        if thread in spinning:
            words.append(f"{graph.threads[thread].label} repeats the same steps for ever.")
        elif blocked is not None:
            words.append(_who(graph, thread, blocked.why))
    return Verdict(rule, FAILS, paths.as_text(schedule), paths.as_text(loop), " ".join(words))


JUDGES = {STEP: _judge_steps, RETURN: _judge_steps, END: _judge_ends, FINISH: _judge_finishing}


def _who(graph: Graph, thread: int, said: str) -> str:
    return f"{graph.threads[thread].label}: {inside(said)}"
