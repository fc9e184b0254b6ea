"""What the checker says of each design: the findings the book tells."""

from dataclasses import replace

import pytest

from gupcore import DESIGNS, Design, ScenarioError, check, race, replay
from gupcore.design import V5_11, without

EXISTS, LANDS, STALE = "struct page exists", "DMA lands", "no stale mapping"
BALANCE, FINISH = "counts balance", "everyone can finish"

# (design, PTE at the start, callers) -> the rules that fail; all others hold.
FAILING = {
    ("no-check", "present", 1): {EXISTS, STALE, FINISH},
    ("no-check", "present", 2): {EXISTS, STALE, FINISH},
    # A lone caller faults the page in and then asks gup-slow, which has a check of its own.
    ("no-check", "absent", 1): {STALE, FINISH},
    ("no-check", "absent", 2): {EXISTS, STALE, FINISH},
    ("v5.11", "present", 1): {STALE, FINISH},
    ("v5.11", "present", 2): {STALE, FINISH},
    ("v5.11", "present", 3): {STALE, FINISH},
    ("v5.11", "absent", 1): {STALE, FINISH},
    ("v5.11", "absent", 2): {STALE, FINISH},
    ("cure", "present", 1): set(),
    ("cure", "present", 2): set(),
    ("cure", "present", 3): set(),
    ("cure", "absent", 1): set(),
    ("cure", "absent", 2): set(),
    ("cure", "absent", 3): set(),
    ("both", "present", 2): set(),
    ("both", "absent", 2): set(),
    ("v6.1", "present", 1): {EXISTS, LANDS, STALE, FINISH},
    ("v6.1", "absent", 2): {EXISTS, LANDS, STALE, FINISH},
    # The kill comes after the zap here, and its grace period does the serialising.
    ("cure-no-serialise", "present", 2): set(),
    ("cure-no-serialise", "absent", 2): set(),
    ("kill-first-no-serialise", "present", 1): {EXISTS},
    ("kill-first-no-serialise", "absent", 1): set(),
    ("kill-first-no-serialise", "absent", 2): {EXISTS},
    ("cure-no-drain", "present", 2): set(),
    ("cure-no-drain", "absent", 1): {STALE, FINISH},
    ("cure-no-drain", "absent", 2): {EXISTS, STALE, FINISH},
    ("unmap-first", "present", 1): {STALE, FINISH},
    ("unmap-first", "present", 2): {EXISTS, STALE, FINISH},
    ("cure-no-wait", "present", 1): {EXISTS, LANDS},
    ("cure-no-wait", "absent", 1): {EXISTS, LANDS},
}


@pytest.mark.parametrize(("design", "pte", "callers"), FAILING)
def test_which_rules_fail(design, pte, callers):
    report = check(race(design, callers=callers, pte=pte))
    failing = {verdict.rule.name for verdict in report.verdicts if verdict.status == "fails"}
    holding = {verdict.rule.name for verdict in report.verdicts if verdict.status == "holds"}
    assert failing == FAILING[design, pte, callers]
    assert holding == {EXISTS, LANDS, STALE, BALANCE, FINISH} - failing


def test_every_design_is_judged():
    assert {design for design, _, _ in FAILING} == set(DESIGNS)


def test_without_the_check_unbind_finishes_and_then_gup_fast_dies():
    report = check(race("no-check"))
    verdict = report[EXISTS]
    moments = report.replay(verdict.schedule)
    assert verdict.schedule == "2" * 5 + "1" * 3
    assert moments[4].source.function == "arch_remove_memory"
    assert moments[-1].source.function == "try_grab_compound_head"
    assert moments[-1].breaks == (EXISTS,)


def test_v6_1_dies_when_the_io_completes():
    report = check(race("v6.1"))
    last = report.replay(report[EXISTS].schedule)[-1]
    assert (last.source.function, last.places[-1].function) == ("put_page", "direct_io")


def test_gup_slow_spins_on_a_stale_pte_with_a_dead_pgmap():
    report = check(race("v5.11"))
    verdict = report[FINISH]
    assert "direct I/O repeats the same steps for ever" in verdict.why
    loop = report.replay(verdict.schedule + verdict.loop)[-len(verdict.loop) :]
    assert [moment.source.function for moment in loop].count("get_dev_pagemap") == 1
    assert loop[-1].machine == report.replay(verdict.schedule)[-1].machine


def test_the_kill_waits_for_walks_that_began_before_it():
    """The check is there for the calls that come later: without it, no schedule that keeps
    interrupts off from before the kill to the touch of the struct page goes wrong."""
    report = check(race("no-check"))
    for schedule in ("122", "1122"):
        after = report.replay(schedule)[-1].machine
        assert after.waiting_for("percpu_ref_kill") == {0}


def test_with_interrupts_on_the_cure_has_nobody_to_wait_for():
    broken = replace(DESIGNS["cure"], name="irqs on", irqs_off=False)
    assert check(race(broken))[EXISTS].status == "fails"


@pytest.mark.parametrize("recheck", [True, False])
def test_waiting_before_serialising_loses_nothing(recheck):
    """put_pages takes the count to zero, so a late grab is refused, second look or not.  But the
    grab touches the page, so something must wait for it; the kill's grace period is too early."""
    order = (
        "kill_dax",
        "dev_pagemap_kill",
        "drain_faults",
        "unmap_all_files",
        "put_pages",
        "dev_pagemap_cleanup",
        "serialise_walkers",
        "arch_remove_memory",
        "pgmap_array_delete",
        "detach_driver",
    )
    design = replace(DESIGNS["cure"], name="wait, then serialise", unbind=order, recheck=recheck)
    assert check(race(design, callers=2)).status == "holds"
    hurried = replace(design, unbind=without(order, "serialise_walkers"))
    assert check(race(hurried))[EXISTS].status == "fails"


def test_the_second_look_gives_back_a_page_that_was_unmapped_meanwhile():
    schedule = "11" + "2222" + "1"  # the PTE is read, the files are unmapped, the page is grabbed
    cure = DESIGNS["cure"]
    looks_again = replay(race(cure), schedule + "11")
    assert [m.source.function for m in looks_again[-2:]] == ["gup_pte_range", "put_page"]
    looks_once = replay(race(replace(cure, name="looks once", recheck=False)), schedule + "11")
    assert looks_once[-1].source.function == "bio_endio"


def test_a_design_with_an_unknown_phase_is_refused():
    with pytest.raises(ScenarioError, match="no phase 'reboot'; choose kill_dax"):
        race(Design("odd", "Odd.", unbind=(*V5_11.unbind, "reboot")))
