"""A patch under review: one scene before and after it, and its verdicts on both flush machines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from ..checker.rule import Rule
from ..checker.scenario import Scenario
from ..checker.thread import Automaton
from ..checker.verdict import FAILS, Report, check
from ..kernel.design import AFTER_GRACE_PERIOD, AT_ONCE, BROADCAST, IPI, Design, Flush, Tables

# How page tables are freed on a machine that flushes so.
TABLES: dict[Flush, Tables] = {IPI: AT_ONCE, BROADCAST: AFTER_GRACE_PERIOD}


def redesigned(scenario: Scenario, **changes: Any) -> Scenario:
    """Return a scenario under another design, which all of its threads are given.

    changes  of the design, see `Design`
    """
    design = replace(scenario.design, **changes)
    threads = tuple(
        Automaton(t.label, t.function, tuple(design if type(a) is Design else a for a in t.args))
        for t in scenario.threads
    )
    return replace(scenario, design=design, threads=threads, made=None)


def failing(scenario: Scenario) -> list[str]:
    """Return the names of the rules that fail in a scenario."""
    return [verdict.rule.name for verdict in check(scenario).verdicts if verdict.status == FAILS]


def with_rules(scenario: Scenario, rules: Iterable[Rule]) -> Scenario:
    """Return a scenario that is judged by other rules."""
    return replace(scenario, rules=tuple(rules), made=None)


@dataclass(frozen=True)
class Sides:
    """The verdicts before and after a patch, on each flush machine: {flush: (before, after)}."""

    reports: dict[Flush, tuple[Report, Report]]

    def __repr__(self) -> str:
        rows = (
            f"{flush:10} {side:7} {in_words(report)}"
            for flush, reports in self.reports.items()
            for side, report in zip(("before:", "after:"), reports, strict=True)
        )
        return "\n".join(rows)

    def to_html(self) -> str:
        """Return the verdicts as a table."""
        rows = "".join(
            f'<tr><th scope="row">{flush}</th>'
            + "".join(f"<td>{escape(in_words(report))}</td>" for report in reports)
            + "</tr>"
            for flush, reports in self.reports.items()
        )
        return (
            '<table class="gup-report"><thead><tr><th scope="col">TLB flush</th>'
            '<th scope="col">before the patch</th><th scope="col">after it</th></tr></thead>'
            f"<tbody>{rows}</tbody></table>"
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self.to_html()}


def sides(before: Scenario, after: Scenario) -> Sides:
    """Judge both sides of a patch, on a machine that flushes by IPI and on one that broadcasts."""
    return Sides(
        {
            flush: (
                check(redesigned(before, tlb_flush=flush, free_tables=tables)),
                check(redesigned(after, tlb_flush=flush, free_tables=tables)),
            )
            for flush, tables in TABLES.items()
        }
    )


def in_words(report: Report) -> str:
    """Say which rules fail, the soonest first, or that none does."""
    failing = [verdict for verdict in report.verdicts if verdict.status == FAILS]
    if not report.graph.complete:
        return "the search was cut off"
    if not failing:
        return "every rule holds"
    first = min(failing, key=lambda verdict: len(verdict.schedule))
    others = [verdict.rule.name for verdict in failing if verdict is not first]
    more = f"; also {', '.join(others)}" if others else ""
    return f"{first.rule.name} fails in {len(first.schedule)} steps{more}"
