"""Verdicts for any number of callers.

A rule *holds* if the views of the scenario show it; their premises are tested each time (see
`views`, `premises` and `finishing`).  Views can show more than there is: a rule that some view
breaks *may* fail.  It *fails* if a search with one, two, three or four callers finds a schedule,
which is then a shortest one with the fewest callers; else, or where a premise does not hold, it is
*undetermined*.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from types import FunctionType
from typing import Final

from . import reach
from .asked import ScenarioError
from .callers import Crowd, alike, differ_at, further_cpus, on_cpu
from .explore import Progress
from .finishing import may_be_stuck
from .orbits import Search, judge
from .patience import patience
from .premises import see_that_they_hold
from .rule import FAILS, FINISH, HOLDS, UNDETERMINED, Rule
from .scenario import MOST_THREADS, Scenario
from .summary import Summary
from .values import holds
from .verdict import Verdict, named_rule
from .views import Untold, Views

ANY: Final = "any"  # how many callers, where a number could stand
FEW = 4  # callers with whom a schedule is looked for
FEW_ORBITS = 30_000  # that are looked at for it, with each number of callers


@dataclass(frozen=True, slots=True)
class VerdictOnAny(Verdict):
    """What is said of a rule and any number of callers.

    callers  for FAILS, the least number of callers with whom it does
    why      for UNDETERMINED, the reason; else as in `Verdict`
    """

    callers: int = 0

    def __str__(self) -> str:
        if self.status == HOLDS:
            return "holds for any number of callers"
        if self.status == UNDETERMINED:
            return f"undetermined: {self.why}"
        many = f"{self.callers} caller{'' if self.callers == 1 else 's'}"
        return f"{self.in_short()} with {many}: {self.why}"


@dataclass(frozen=True, slots=True)
class ReportOnAny(Summary):
    """The verdicts for any number of callers.

    bases, views  how many of them stand for all states
    """

    bases: int
    views: int

    @property
    def counted(self) -> str:
        """What was looked at, in words."""
        return f"any number of callers, {self.views:,} views of {self.bases:,} bases"

    def __getitem__(self, rule: str) -> VerdictOnAny:
        """Return the verdict on the rule of that name."""
        found = Summary.__getitem__(self, rule)
        assert isinstance(found, VerdictOnAny)
        return found

    def with_callers(self, number: int) -> Scenario:
        """Return the scenario with so many callers: the one that a schedule is of."""
        return with_callers(self.scenario, number)


def check_any(
    scenario: Scenario, rule: str | Rule | None = None, progress: Progress | None = None
) -> ReportOnAny:
    """Judge the rules of a scenario for any number of its callers.

    Raises ScenarioError, with a sentence, where its callers cannot be many.
    """
    rules = scenario.rules if rule is None else (named_rule(rule, scenario),)
    reach.begin()
    for given in scenario.rules:
        reach.current.add_value(given.holds, f"The rule {given.name!r} is judged by")
    with patience():
        views = Views(*_few_and_many(scenario))
        unsure, why, told = _unsure(views, rules)
        found = _with_few(scenario, unsure, progress)
    verdicts = tuple(
        found.get(given.name) or VerdictOnAny(given, UNDETERMINED, why=why)
        if given.name in unsure
        else VerdictOnAny(given, HOLDS)
        for given in rules
    )
    number = sum(map(len, views.of.values()))
    return ReportOnAny(scenario, verdicts, told, len(views.of), number)


def views_of(scenario: Scenario) -> Views:
    """Return all views of a scenario, whatever they say of its rules; errors as in `check_any`.

    Raises Untold where they cannot be found.
    """
    reach.begin()
    with patience():
        views = Views(*_few_and_many(scenario))
        views.run()
    return views


def _unsure(views: Views, rules: Iterable[Rule]) -> tuple[dict[str, Rule], str, bool]:
    """Return the rules that the views do not show to hold, why not, and if the premises hold."""
    by_name = {rule.name: rule for rule in rules}
    try:
        views.run()
        see_that_they_hold(views)
    except Untold as reason:
        return by_name, str(reason), False
    broken = {name: rule for name, rule in by_name.items() if name in views.broken}
    why = f"the views alone cannot rule it out, and no schedule of up to {FEW} callers shows it."
    for rule in by_name.values():
        if rule.on == FINISH and (stuck := may_be_stuck(views)):
            broken[rule.name] = rule
            why = f"{stuck} {why[0].upper()}{why[1:]}" if len(broken) == 1 else why
    return broken, why, True


def _with_few(
    scenario: Scenario, rules: dict[str, Rule], progress: Progress | None
) -> dict[str, VerdictOnAny]:
    """Look for schedules that break rules, with few callers and then with more."""
    found: dict[str, VerdictOnAny] = {}
    for number in range(1, FEW + 1):
        if len(found) == len(rules):
            break
        try:
            search = Search(with_callers(scenario, number))
        except ScenarioError:  # it takes no so many
            continue
        search.run(FEW_ORBITS, progress)
        search.crowd.verify()
        for name, rule in rules.items():
            verdict = judge(search, rule)
            if name not in found and verdict.status == FAILS:
                told = verdict.schedule, verdict.loop, verdict.why
                found[name] = VerdictOnAny(rule, FAILS, *told, callers=number)
        if not search.complete:
            break
    return found


def see_that_many_can_be(scenario: Scenario) -> None:
    """Raise ScenarioError where the callers of a scenario cannot be many."""
    _few_and_many(scenario)


def with_callers(scenario: Scenario, number: int) -> Scenario:
    """Return a scenario with so many callers; raise ScenarioError where it cannot have them."""
    if scenario.is_as_made and "callers" in _parameters(scenario):
        return scenario.again(callers=number)
    callers, cpus = alike(scenario.threads)
    if not callers:
        raise ScenarioError(
            "No two of its threads are the same but for their CPU, so nobody can be many."
        )
    threads, model = scenario.threads, scenario.threads[callers[0]]
    others = [thread for n, thread in enumerate(threads) if n not in callers]
    where = differ_at(model, threads[callers[1]]) or ()
    further = islice(further_cpus(others, cpus), MOST_THREADS)
    called = [on_cpu(model, where, cpu) for cpu in (*cpus, *further)[:number]]
    return replace(scenario, threads=(*called, *others))


def _parameters(scenario: Scenario) -> Iterable[str]:
    maker = getattr(scenario.made, "maker", None)
    return () if maker is None else maker.parameters


def _few_and_many(scenario: Scenario) -> tuple[Scenario, Scenario]:
    """Return a scenario with two callers, and with as many as it takes.

    Raises ScenarioError where more of them change the rest.
    """
    two = with_callers(scenario, 2)
    few, many = Crowd(two), two
    for number in range(3, MOST_THREADS):
        try:
            many = with_callers(scenario, number)
        except ScenarioError:  # it takes no so many
            break
        more = Crowd(many)
        bare = [crowd.own.marked(crowd.rest, frozenset()) for crowd in (few, more)]
        same = bare[0] == bare[1] and len(few.singles) == len(more.singles)
        same = same and all(map(_same_rule, two.rules, many.rules))
        if not few.cpus or not same or few.marks[:1] != more.marks[:1]:
            raise ScenarioError(
                f"{scenario.name or 'The scenario'} is another with each number of callers: "
                "its machine, a thread or a rule depends on them."
            )
    if many is two:
        raise ScenarioError(f"{scenario.name or 'The scenario'} takes two callers at most.")
    return two, many


def _same_rule(one: Rule, other: Rule) -> bool:
    """Do two rules ask the same?  Their functions may have been made anew."""
    return one == other or (one.name, one.on, _asks(one)) == (other.name, other.on, _asks(other))


def _asks(rule: Rule) -> object:
    asks = rule.holds
    return (asks.__code__, holds(asks)) if isinstance(asks, FunctionType) else asks
