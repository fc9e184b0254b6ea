"""Tables of verdicts: designs against rules, and a safe design with each protection taken away.

A row sums up what `check` says of one design and one number of callers, over the settings in
which its scenario is tried: for the mail's race, a PTE that is present, read-only or
absent, and I/O that reads or writes its buffer.  A rule fails in a row if it fails in one setting;
the shortest schedule counts.

With callers `ANY` a row is about any number of them, and its verdicts rest on views of the states.
What is in a table is settled before its first row is judged: see `planned`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, wait
from dataclasses import dataclass
from functools import cache
from html import escape
from types import MappingProxyType
from typing import Any, Literal

from .checker.any_number import ANY, ReportOnAny, VerdictOnAny, check_any, see_that_many_can_be
from .checker.asked import ScenarioError, check_number, inside, one_of, so_many
from .checker.explore import STATE_LIMIT
from .checker.maker import SCENARIOS, Maker, named_scenario
from .checker.scenario import Scenario
from .checker.verdict import FAILS, HOLDS, UNDETERMINED, Report, Verdict, check
from .kernel.design import DESIGNS, Design
from .kernel.device import named_design

Many = int | Literal["any"]  # so many callers
NO_SETTING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Row:
    """What the checker says of one design and one number of callers, or any.

    scenario, design, callers  what was checked
    states    the number of states, or of views, over all settings
    verdicts  one a rule: the worst over all settings, with its shortest schedule
    """

    scenario: str
    design: Design
    callers: Many
    states: int
    verdicts: tuple[Verdict, ...]

    @property
    def counted(self) -> str:
        """How many states were looked at, or how many views stand for all of them."""
        return f"{self.states:,}{' views' if self.callers == ANY else ''}"

    def failing(self) -> dict[str, Verdict]:
        """Return the verdicts that are not *holds*, by rule."""
        return {v.rule.name: v for v in self.verdicts if v.status != HOLDS}

    def in_short(self, rule: str) -> str:
        """Return the verdict on a rule in a few words."""
        return next(v.in_short() for v in self.verdicts if v.rule.name == rule)

    def as_cell(self, rule: str) -> str:
        """Return the verdict on a rule as a cell of a table: what does not hold stands out."""
        short = self.in_short(rule)
        if short == HOLDS:
            return f'<td class="gup-holds">{HOLDS}</td>'
        return f"<td><strong>{escape(short)}</strong></td>"

    def __str__(self) -> str:
        found = [f"{rule}: {self.in_short(rule)}" for rule in self.failing()]
        return (
            f"{self.design.name:24} {self.callers!s:7} {self.counted:>12}  "
            f"{'; '.join(found) or 'every rule holds'}"
        )


@dataclass(frozen=True, slots=True)
class Table:
    """Rows, as text and as HTML.

    rows      one a design and number of callers
    left_out  one line on the designs that do not go with the scenario; empty if all do
    """

    rows: tuple[Row, ...]
    left_out: str = ""

    def __getitem__(self, key: tuple[str, Many]) -> Row:
        """Return the row of a design's name and a number of callers, or ANY."""
        return next(row for row in self.rows if (row.design.name, row.callers) == key)

    def __str__(self) -> str:
        return "\n".join([HEADING, *map(str, self.rows), *filter(None, [self.left_out])])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        failing = {rule for row in self.rows for rule in row.failing()}
        rules = [v.rule.name for v in self.rows[0].verdicts if v.rule.name in failing]
        rest = len(self.rows[0].verdicts) - len(rules)
        left_out = escape(f". {self.left_out}" if self.left_out else "")
        head = "".join(f'<th scope="col">{escape(rule)}</th>' for rule in rules)
        body = "".join(
            f'<tr><th scope="row">{escape(row.design.name)}</th><td>{row.callers}</td>'
            f"<td>{row.counted}</td>" + "".join(row.as_cell(rule) for rule in rules) + "</tr>"
            for row in self.rows
        )
        return (
            f'<table class="gup-report"><caption>{escape(self.rows[0].scenario)}; '
            f"{rest} other rules hold in every row{left_out}</caption><thead>"
            f"<tr><th>design</th><th>callers</th><th>states</th>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>"
        )


HEADING = f"{'design':24} callers {'states':>12}  rules that do not hold"
MOST_THREADS = 4  # with one more, a row takes minutes
TELLS = 0.2  # seconds between two words on how far the others have got


def table(
    scenario: str = "seed-race",
    designs: Iterable[str | Design] | None = None,
    callers: Sequence[Many] | None = None,
    limit: int = STATE_LIMIT,
    executor: Executor | None = None,
) -> Table:
    """Judge designs in one scenario, for several numbers of callers.

    scenario  a name from maker.SCENARIOS
    designs   designs or their names; if none are given, all that go with the scenario
    callers   the numbers of callers to try, or ANY; if none are given, see `usual_callers`
    limit     the number of states at which a search gives up; views have a limit of their own
    executor  who judges the rows; they are the same, and in the same order, whoever does

    Raises ScenarioError for a scenario or a design that is unknown or does not go together.
    """
    plan = planned(scenario, designs, callers)
    return Table(tuple(plan.rows(limit, executor)), plan.left_out())


@dataclass(frozen=True, slots=True)
class Plan:
    """What a table is going to judge.

    scenario, designs, callers  as in `table`
    others  the designs that do not go with the scenario, and why not
    """

    scenario: str
    designs: tuple[Design, ...]
    callers: Sequence[Many]
    others: Mapping[str, str]

    def rows(
        self,
        limit: int = STATE_LIMIT,
        executor: Executor | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Iterator[Row]:
        """Yield the rows of the table in their order, judged by an executor if there is one.

        progress  is then told now and then how many rows are judged, and of how many
        """
        asked = [
            (self.scenario, design, number) for design in self.designs for number in self.callers
        ]
        if executor is None:
            yield from (row(*one, limit) for one in asked)
            return
        futures = [executor.submit(_told, *one, limit) for one in asked]
        try:
            for one, future in zip(asked, futures, strict=True):
                while progress is not None and wait([future], TELLS).not_done:
                    progress(sum(other.done() for other in futures), len(futures))
                yield _row_of(*one, future.result())
        finally:
            for future in futures:
                future.cancel()

    def left_out(self) -> str:
        """Return one line on the designs that are left out; an empty one if none are.

        Designs with the same reason share it; it is told of the first of them.
        """
        alike: dict[str, list[str]] = {}
        for name, why in self.others.items():
            alike.setdefault(why.replace(name, "…"), []).append(name)
        told = ((names, inside(self.others[names[0]]).rstrip(".")) for names in alike.values())
        groups = [f"{one_of(names)} ({why})" for names, why in told]
        return f"Left out: {'; '.join(groups)}." if groups else ""


def planned(
    scenario: str = "seed-race",
    designs: Iterable[str | Design] | None = None,
    callers: Sequence[Many] | None = None,
) -> Plan:
    """Settle what is in a table; arguments as in `table`.

    Raises ScenarioError for what no search would be needed to refuse.
    """
    make = _counted(scenario)
    tried = usual_callers(make) if callers is None else callers
    asked = [named_design(design) for design in (DESIGNS if designs is None else designs)]
    reasons = {design.name: _why_not(make, design, tried) for design in asked}
    others = {name: why for name, why in reasons.items() if why}
    if others and (designs is not None or len(others) == len(reasons)):
        raise ScenarioError(next(iter(others.values())))
    return Plan(scenario, tuple(d for d in asked if d.name not in others), tried, others)


def usual_callers(make: Maker) -> range:
    """Return the numbers of callers that are tried if none are given.

    They are 1 and 2; only 1 where 2 would make more threads than can be tried while one waits.
    """
    try:
        return range(1, 3 if len(make(callers=2).threads) <= MOST_THREADS else 2)
    except ScenarioError:  # it takes no two
        return range(1, 2)


def callers_up_to(scenario: str, number: int) -> range:
    """Return 1 to so many callers; raise ScenarioError if the scenario does not take them."""
    domain = _counted(scenario).domains.get("callers")
    if isinstance(domain, range):
        check_number("callers", number, domain[-1])
    return range(1, number + 1)


def _counted(name: str) -> Maker:
    """Return the maker of a scenario; raise ScenarioError if no table can be made of it."""
    make = named_scenario(name)
    for parameter, many in (("design", "designs"), ("callers", "callers")):
        if parameter not in make.parameters:
            raise ScenarioError(f"The scenario {name} has no {many}; use check.")
    return make


def _why_not(make: Maker, design: Design, callers: Sequence[Many]) -> str:
    """Say why a scenario cannot be had with a design; nothing if it can."""
    try:
        for number in callers:
            made = _made(make, design, number)
            if number == ANY:
                see_that_many_can_be(made)
    except ScenarioError as error:
        return str(error)
    return ""


def _made(
    make: Maker, design: str | Design, callers: Many, setting: Mapping[str, Any] = NO_SETTING
) -> Scenario:
    """Make a scenario; for ANY with the callers it has of itself, who then stand for all."""
    number: dict[str, Any] = {} if callers == ANY else {"callers": callers}
    return make(design=design, **number, **setting)


def row(scenario: str, design: str | Design, callers: Many = 1, limit: int = STATE_LIMIT) -> Row:
    """Judge one design with one number of callers, or ANY, over all settings of the scenario."""
    make = named_scenario(scenario)
    tried = [_made(make, design, callers, setting) for setting in make.settings]
    reports: list[Report] | list[ReportOnAny]
    if callers == ANY:
        reports = [check_any(one) for one in tried]
        states = sum(report.views for report in reports)
    else:
        reports = [check(one, limit=limit) for one in tried]
        states = sum(len(report.graph.states) for report in reports)
    worst = tuple(_worst(reports, n) for n in range(len(reports[0].verdicts)))
    return Row(scenario, named_design(design), callers, states, worst)


Told = tuple[int, list[tuple[Any, ...]]]  # the states, and of each rule what is said


def _told(scenario: str, design: Design, callers: Many, limit: int) -> Told:
    """Judge a row elsewhere, and return what is found without the rules, which do not travel."""
    found = row(scenario, design, callers, limit)
    return found.states, [_without_rule(verdict) for verdict in found.verdicts]


def _without_rule(verdict: Verdict) -> tuple[Any, ...]:
    said = (verdict.rule.name, verdict.status, verdict.schedule, verdict.loop, verdict.why)
    return (*said, verdict.callers) if isinstance(verdict, VerdictOnAny) else said


def _row_of(scenario: str, design: Design, callers: Many, told: Told) -> Row:
    states, said = told
    made = _made(named_scenario(scenario), design, callers)
    rules = {rule.name: rule for rule in made.rules}
    kind = VerdictOnAny if callers == ANY else Verdict
    verdicts = (kind(rules[name], *rest) for name, *rest in said)
    return Row(scenario, design, callers, states, tuple(verdicts))


def _worst(reports: Sequence[Report | ReportOnAny], rule: int) -> Verdict:
    verdicts = [report.verdicts[rule] for report in reports]
    order = (FAILS, UNDETERMINED, HOLDS)
    return min(verdicts, key=lambda v: (order.index(v.status), len(v.schedule)))


# --- Take one protection away ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Need:
    """What goes wrong when one protection is taken away from a safe design.

    protection  its name, see Design.protections
    row         the first row in which a rule fails that held before; None if there is none
    rules       those rules
    states      the number of states looked at
    """

    protection: str
    row: Row | None
    rules: tuple[str, ...]
    states: int

    def __str__(self) -> str:
        if self.row is None:
            states = so_many(self.states, "state")
            return f"{self.protection:20} not needed: nothing fails in {states}"
        broken = "; ".join(f"{rule}: {self.row.in_short(rule)}" for rule in self.rules)
        callers = so_many(int(self.row.callers), "caller")
        return f"{self.protection:20} needed in {self.row.scenario} with {callers}: {broken}"


def needs(design: str | Design, callers: Sequence[int] = (1, 2)) -> Iterator[Need]:
    """Take each protection of a design away in turn; try the rest in every scenario.

    Yields one Need a protection.  What already fails in the whole design is not held against its
    parts.  Scenarios that a design does not go with are left out.
    """
    whole = named_design(design)
    before = cache(lambda scenario, callers: row(scenario, whole, callers).failing())
    for protection in whole.protections():
        states = 0
        for found in _everywhere(whole.lacking(protection), callers):
            states += found.states
            failing = found.failing()
            known = before(found.scenario, found.callers) if failing else {}
            rules = tuple(rule for rule in failing if rule not in known)
            if rules:
                yield Need(protection, found, rules, states)
                break
        else:
            yield Need(protection, None, (), states)


def _everywhere(design: Design, callers: Sequence[int]) -> Iterator[Row]:
    for number in callers:
        for scenario, make in SCENARIOS.items():
            if make.has_designs and not _why_not(make, design, [number]):
                yield row(scenario, design, number)
