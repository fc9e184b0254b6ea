"""The picture of a machine is honest: each reference is drawn once, and at whoever holds it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from gupcore import (
    DESIGNS,
    SCENARIOS,
    Machine,
    Report,
    Scenario,
    ScenarioError,
    check,
    dax_machine,
    race,
)
from gupcore.checker.picture import (
    EMPTY,
    GONE,
    SECTION,
    Drawn,
    called,
    changed,
    drawn,
    taken,
    tell,
)
from gupcore.checker.step import Effect
from gupcore.kernel.machine import PGMAP, STRUCT_PAGE
from gupcore.kernel.steps.pagemap import remove_struct_pages
from gupcore.player.data import board

Held = list[Counter[str]]


def walked(report: Report) -> Iterator[tuple[int, Held]]:
    """Yield every state with what the threads hold there, on the way on which it is first found."""
    graph = report.graph
    found: dict[int, Held] = {graph.states[0]: [Counter() for _ in graph.threads]}
    for state in graph.states:
        held = found[state]
        yield state, held
        for move, after in graph.moves(state):
            if after in found:
                continue
            now = found[after] = [Counter(each) for each in held]
            for name, more in taken(move.before, move.effect.machine).items():
                now[move.thread][name] = max(0, now[move.thread][name] + more)
            for name, thing in drawn(move.effect.machine).items():
                if thing.state == GONE:
                    for each in now:
                        del each[name]


def lacking(thing: Drawn, name: str, held: Held) -> int:
    """By how much a thing's count is too low for those who hold it."""
    assert thing.refs is not None
    return len(thing.held) + sum(each[name] for each in held) - thing.refs


def boards() -> Iterator[object]:
    for name, make in SCENARIOS.items():
        for design in ("no-check", "v5.11", "v6.1", "v6.15", "cure") if make.has_designs else ("",):
            try:
                scene = make(design) if design else make()
            except ScenarioError:  # not every scene is for every kernel
                continue
            yield pytest.param(scene, id=f"{name} {design}")


@pytest.mark.parametrize("scene", [*boards()])
def test_every_reference_has_a_holder(scene: Scenario) -> None:
    """No thing has fewer references than holders, so as many lines can be drawn as it has.

    But for one: a PTE that has outlived its device points at a page that was made anew, and which
    counts from zero.  Its line ends at an empty dot.
    """
    report = check(scene, limit=3_000)
    for state, held in walked(report):
        for name, thing in drawn(report.graph.machine(state)).items():
            if thing.refs is not None and thing.state != GONE:
                pgmap = getattr(report.graph.machine(state), "pgmap", None)
                stale = pgmap is not None and pgmap.life > 1 and thing.held == ("PTE",)
                assert stale or lacking(thing, name, held) <= 0, (state, name, thing, held)


@pytest.mark.parametrize("scene", [*boards()])
def test_who_has_ended_well_holds_nothing(scene: Scenario) -> None:
    """Where counts balance, nobody is drawn with a reference when all is over."""
    report = check(scene, limit=3_000)
    verdicts = {verdict.rule.name: verdict.status for verdict in report.verdicts}
    if verdicts.get("counts balance") != "holds":
        return
    for state, held in walked(report):
        if report.graph.final(state) and report.graph.machine(state).oops is None:
            assert not any(sum(each.values()) for each in held), (state, held)


@pytest.mark.parametrize("scene", [*boards()])
def test_a_picture_shows_what_the_words_say(scene: Scenario) -> None:
    """Whatever exists in words is drawn as there, and whoever is pointed at is drawn, too."""
    report = check(scene, limit=300)
    for machine in report.graph.machines:
        picture, words = drawn(machine), {thing.name: thing for thing in machine.things()}
        assert set(words) <= set(picture)
        for thing in picture.values():
            assert {to for _, to in thing.points} <= set(picture)
            holders = set(thing.held) | ({thing.keeper} if thing.keeper else set())
            if thing.look == SECTION:
                assert all(holder.startswith("CPU ") for holder in holders)
            else:
                assert holders <= set(picture)
        for name in set(words) - {name for name in words if picture[name].look == SECTION}:
            gone = picture[name].state == GONE
            assert words[name].exists or gone or picture[name].state == "empty", name


def test_v61_drops_the_pages_references_whoever_holds_the_pages() -> None:
    """The lesson of v6.1: the page stays pinned, and no longer holds its pgmap."""
    report = check(race("v6.1"))
    for state, held in walked(report):
        picture = drawn(report.graph.machine(state))
        page, pgmap = picture["struct page"], picture["dev_pagemap"]
        if page.state != GONE and held[0]["struct page"] and pgmap.refs == 0:
            assert pgmap.held == ()
            return
    pytest.fail("no such state")


def test_what_a_thread_knows_is_about_a_thing() -> None:
    machine = dax_machine()
    pte = machine.page_table[0]
    known = tell(machine, "pte", pte)
    assert known == ("pte", "devmap 0x20000", "struct page")
    assert tell(machine, "design", DESIGNS["v5.11"]) is None
    assert tell(machine, "pinned", (0x20000,)) == ("pinned", "0x20000", "struct page")
    assert called(machine, STRUCT_PAGE, 0x20000) == "struct page"
    assert called(machine, PGMAP, 1) == "dev_pagemap"
    assert called(machine, STRUCT_PAGE, 0x99) == ""


def test_a_machine_of_ones_own_is_drawn_as_boxes() -> None:
    class Kettle(tuple[int]):
        _fields = ("water",)
        water = 3

    picture = drawn(Kettle((3,)))
    assert list(picture) == ["water"]
    assert picture["water"].room == "machine"
    assert picture["water"].words == "3"
    assert tell(Kettle((3,)), "cups", 2) == ("cups", "2", "")
    assert taken(Kettle((3,)), Kettle((2,))) == {}


def test_a_pin_on_a_removed_page_is_no_reference() -> None:
    machine: Machine = dax_machine()
    gone = machine.with_pages(
        page.__class__(page.pfn, 0, page.kind, page.owner, False) for page in machine.memmap
    )
    assert drawn(gone)["struct page"].state == GONE
    assert taken(machine, gone) == {}


def test_a_page_that_has_given_its_pgmap_reference_back_holds_none() -> None:
    report = check(race("v5.11", pages=2))
    for machine in report.graph.machines:
        picture = drawn(machine)
        for name in picture["dev_pagemap"].held:
            assert (picture[name].refs or 0) > 0, picture


def test_a_thread_stands_on_the_cpu_it_runs_on() -> None:
    """Whatever its place among the threads: one of them may be left out, or run on none."""
    scene = SCENARIOS["munmap"]()
    assert board([check(scene)])["cpus"] == [0, 1, 2, None]
    three = replace(scene, threads=scene.threads[:1] + scene.threads[2:])
    assert board([check(three)])["cpus"] == [0, 2, None]


def test_registers_never_had_a_struct_page() -> None:
    picture = drawn(SCENARIOS["special"](behind="registers").machine)
    assert (picture["struct page"].state, picture["struct page"].words) == (EMPTY, "none")


def test_a_step_is_seen_to_change_what_it_removes() -> None:
    machine = dax_machine()
    gone = remove_struct_pages.apply(machine)
    assert isinstance(gone, Effect)
    assert changed(drawn(machine), drawn(gone.machine)) == {"struct page"}
