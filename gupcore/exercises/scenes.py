"""Every scene that takes a gup-fast, and what the model's own keeps there.

A patch is right when it breaks nothing that was whole before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

from ..catalogue import race, special, unmapping
from ..checker.scenario import Scenario
from ..checker.verdict import HOLDS, Verdict, check
from ..kernel.design import (
    AFTER_GRACE_PERIOD,
    AT_ONCE,
    BROADCAST,
    DESIGNS,
    IPI,
    Design,
    Flush,
    Tables,
)

# How page tables are freed on a machine that flushes so.
TABLES: dict[Flush, Tables] = {IPI: AT_ONCE, BROADCAST: AFTER_GRACE_PERIOD}


def scenes() -> Iterator[tuple[str, str, Scenario]]:
    """Yield each scene that takes a gup-fast: what it is called, how it flushes, and itself."""
    for order in ("v5.11", "cure"):
        for flush in TABLES:
            design = _flushing(DESIGNS[order], flush)
            yield f"unbind as in {order}", flush, race(design)
            absent = race(design, pte="absent", access="write")
            yield f"unbind as in {order}, first touch", flush, absent
    for flush in TABLES:
        yield "munmap of ordinary memory", flush, unmapping(_flushing(DESIGNS["v5.11"], flush))
    for behind in ("zero page", "registers"):
        yield f"a special PTE: {behind}", "", special(behind=behind)


def _flushing(design: Design, flush: Flush) -> Design:
    return replace(design, tlb_flush=flush, free_tables=TABLES[flush])


def newly_broken(number: int, callers: int, broken: Sequence[Verdict]) -> list[Verdict]:
    """Return those verdicts of a scene whose rules the model's own gup-fast keeps there.

    Kept is what it keeps with one caller and with that many.  The shortest schedule comes first.
    """
    for fewer in range(1, callers + 1):
        if broken:  # else there is nothing to ask
            broken = [verdict for verdict in broken if verdict.rule.name in _kept(number, fewer)]
    return sorted(broken, key=lambda verdict: len(verdict.schedule))


@cache
def _kept(number: int, callers: int) -> frozenset[str]:
    _, _, scenario = list(scenes())[number]
    report = check(scenario.again(callers=callers))
    return frozenset(verdict.rule.name for verdict in report.verdicts if verdict.status == HOLDS)
