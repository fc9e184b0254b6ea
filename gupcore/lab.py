"""The design lab: switches for every protection and for the order of unbind, and the verdict at
once.

In a live notebook it is a composition of ipywidgets that asks the checker, so that any scenario,
design and number of callers can be tried.  The rendered book has no checker behind it: there the
lab is a player with the combinations that were shipped with the page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from html import escape
from itertools import product
from typing import Any

import ipywidgets
from ipywidgets import Dropdown, IntProgress, IntSlider, TagsInput, ToggleButtons

from .catalogue import ACCESS, UP_TO_EIGHT, race
from .checker.asked import ScenarioError
from .checker.maker import SCENARIOS, named_scenario
from .checker.scenario import Scenario
from .checker.source import ThreadError
from .checker.verdict import Report, check
from .kernel.design import AFTER_GRACE_PERIOD, AT_ONCE, BROADCAST, DESIGNS, IPI, Design
from .kernel.device import PHASES, named_design
from .player import Player, with_html

ON, OFF = "on", "off"

# What gup-fast does is switched by these; the names are what a reader reads.
SWITCHES = {
    "pgmap check": "check",
    "add unless zero": "unless_zero",
    "second look at the PTE": "recheck",
    "interrupts off": "irqs_off",
    "special test": "special",
    "gup-slow's pgmap check": "slow_check",
}

# What ships with the page.  The special test and gup-slow's check change no verdict of the mail's
# race with one caller; with an absent PTE the way to flush does not either.
SHIPPED = ("pgmap check", "add unless zero", "second look at the PTE", "interrupts off")
ORDERS = (
    *("v5.11", "v6.1", "cure", "cure-no-drain", "cure-no-serialise"),
    *("unmap-first", "kill-first-no-serialise", "cure-no-wait"),
)
STARTS = {
    "PTE present, IPI": ("present", IPI),
    "PTE present, broadcast": ("present", BROADCAST),
    "PTE absent": ("absent", BROADCAST),
}


def variants() -> Iterator[tuple[Scenario, dict[str, str]]]:
    """Yield every combination that ships with the page, and how its switches stand."""
    for order, start, *settings in product(ORDERS, STARTS, *((ON, OFF) for _ in SHIPPED)):
        pte, flush = STARTS[start]
        chosen = dict(zip(SHIPPED, settings, strict=True))
        missing = [f"no {name}" for name, setting in chosen.items() if setting == OFF]
        switched = {SWITCHES[name]: setting == ON for name, setting in chosen.items()}
        design = replace(
            DESIGNS[order],
            name=", ".join([f"order of {order}", start, *missing]),
            says=f"Unbind: {' → '.join(DESIGNS[order].unbind)}.",
            tlb_flush=flush,
            free_tables=AT_ONCE if flush == IPI else AFTER_GRACE_PERIOD,
            **switched,  # type: ignore[arg-type]
        )
        yield race(design, pte=pte), {"order of unbind": order, "start, TLB flush": start, **chosen}


@cache
def shipped() -> Player:
    """Return the lab of the rendered book: a player whose designs are chosen by switches."""
    scenarios, switches = zip(*variants(), strict=True)
    return Player(*map(check, scenarios), switches=switches, opens=["verdict"])


class DesignLab(ipywidgets.VBox):  # type: ignore[misc]
    """Switches that make a design, the checker's verdict on it, and a player that shows it.

    scenario  the name of the scenario to try it in
    design    the name of the design to start from
    callers   how many threads use the page
    limit     the number of states at which a search gives up

    `report` is the last report.  What cannot be set up is said in a sentence, and the report before
    it stays.  Raises ScenarioError for a scenario or a design that is unknown.
    """

    def __init__(
        self,
        scenario: str = "seed-race",
        design: str = "v5.11",
        callers: int = 1,
        limit: int = 200_000,
    ) -> None:
        self.limit = limit
        self.report: Report = check(named_scenario(scenario)(design, callers=callers), limit=limit)
        designed = [name for name, make in SCENARIOS.items() if make.has_designs]
        self.scenario = Dropdown(options=designed, value=scenario, description="scenario")
        self.start = Dropdown(options=list(DESIGNS), value=design, description="start from")
        self.callers = IntSlider(callers, 0, UP_TO_EIGHT[-1], description="callers")
        self.pte = ToggleButtons(options=["present", "read-only", "absent"], description="PTE")
        self.access = ToggleButtons(options=list(ACCESS), description="access")
        self.switches = {
            field: ToggleButtons(options=[ON, OFF], description=name, style=WIDE)
            for name, field in SWITCHES.items()
        }
        self.flush = ToggleButtons(options=[IPI, BROADCAST], description="TLB flush", style=WIDE)
        self.tables = ToggleButtons(
            options=[AT_ONCE, AFTER_GRACE_PERIOD], description="page tables freed", style=WIDE
        )
        self.unbind = TagsInput(allowed_tags=list(PHASES), allow_duplicates=False)
        self.verdict = ipywidgets.HTML()
        self.progress = IntProgress(max=limit, description="states", layout=HIDDEN)
        self.player = Player(self.report)
        self._quiet = False
        self._take_over(named_design(design))
        self._show()
        self.start.observe(self._start_over, "value")
        for widget in self._asked():
            widget.observe(self._ask, "value")
        order = ipywidgets.Label("unbind, phase by phase: drag to reorder, type to add")
        super().__init__(
            [
                ipywidgets.HBox([self.scenario, self.start, self.callers], layout=WRAPPED),
                ipywidgets.HBox([self.pte, self.access], layout=WRAPPED),
                ipywidgets.HBox([*self.switches.values(), self.flush, self.tables], layout=WRAPPED),
                order,
                self.unbind,
                self.progress,
                self.verdict,
                self.player,
            ]
        )

    def design(self) -> Design:
        """Return the design that the switches make now."""
        base = DESIGNS[self.start.value]
        made = replace(
            base,
            tlb_flush=self.flush.value,
            free_tables=self.tables.value,
            unbind=tuple(self.unbind.value),
            **{field: switch.value == ON for field, switch in self.switches.items()},
        )
        if made == base:
            return base
        return replace(made, name=f"{base.name}, changed", says="As the switches stand.")

    def _asked(self) -> list[Any]:
        single = [self.scenario, self.callers, self.pte, self.access, self.flush, self.tables]
        return [*single, self.unbind, *self.switches.values()]

    def _take_over(self, design: Design) -> None:
        """Set the switches as they are in `design`."""
        self._quiet = True
        for field, switch in self.switches.items():
            switch.value = ON if getattr(design, field) else OFF
        self.flush.value, self.tables.value = design.tlb_flush, design.free_tables
        self.unbind.value = list(design.unbind)
        self._quiet = False

    def _start_over(self, change: Any) -> None:
        self._take_over(DESIGNS[change.new])
        self._ask()

    def _ask(self, change: Any = None) -> None:
        """Judge the design of the switches; what cannot be set up is said in a sentence."""
        if self._quiet:
            return
        make = named_scenario(self.scenario.value)
        given = {"callers": self.callers, "pte": self.pte, "access": self.access}
        taken = {k: w.value for k, w in given.items() if k in make.parameters}
        for name, widget in given.items():
            widget.disabled = name not in taken
        self.progress.layout.visibility = "visible"
        try:
            self.report = check(make(self.design(), **taken), limit=self.limit, progress=self._bar)
        except (ScenarioError, ThreadError) as error:
            self.verdict.value = f'<p role="alert">{escape(str(error))}</p>'
        else:
            self._show()
        finally:
            self.progress.layout.visibility = "hidden"

    def _bar(self, found: int, left: int) -> None:
        self.progress.value = found

    def _show(self) -> None:
        self.verdict.value = self.report._repr_html_()
        self.player.show(self.report)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        return with_html(bundle, "DesignLab()", shipped().to_html())


WIDE = {"description_width": "12rem", "button_width": "6rem"}
WRAPPED = ipywidgets.Layout(flex_flow="row wrap")
HIDDEN = ipywidgets.Layout(visibility="hidden")
