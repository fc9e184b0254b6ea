"""What the checker says of each design in the mail's race: the findings the book tells."""

from dataclasses import replace

import pytest

from gupcore import DESIGNS, Design, Scenario, ScenarioError, check, race, replay
from gupcore.kernel.design import CURE, MEMUNMAP_IN_BULK, V5_11, without
from gupcore.table import row

EXISTS, LANDS, STALE = "struct page exists", "DMA lands", "no stale mapping"
FINISH, CLEAN, IMPLIED = "everyone can finish", "clean means clean", "implied reference"

# design -> the rules that fail for one caller, and for two, over all settings; all others hold.
LEFT_MAPPED = {STALE, FINISH}
FAILING = {
    "no-check": ({EXISTS, *LEFT_MAPPED},) * 2,
    "v5.11": (LEFT_MAPPED,) * 2,
    "cure": (set(),) * 2,
    "cure-ipi": (set(),) * 2,
    "both": (set(),) * 2,
    # A fault that has its frame when the ref is killed, and whose page knows no file yet.
    "march-2021": ({EXISTS, *LEFT_MAPPED},) * 2,
    "device-dax": (set(),) * 2,
    "v6.1": ({EXISTS, LANDS, *LEFT_MAPPED},) * 2,
    "xfs-v6.8": ({EXISTS, LANDS, *LEFT_MAPPED},) * 2,
    # A normal PTE: gup-slow takes it for granted as well, so it dies instead of going round.
    "v6.15": ({EXISTS, LANDS, STALE, IMPLIED},) * 2,
    "v5.11-preemptible": ({EXISTS, *LEFT_MAPPED},) * 2,
    # The kill comes after the zap here, and its grace period does the serialising.
    "cure-no-serialise": (set(),) * 2,
    "kill-first-no-serialise": ({EXISTS},) * 2,
    "kill-first-ipi": (set(),) * 2,
    "cure-no-drain": (LEFT_MAPPED, {EXISTS, *LEFT_MAPPED}),
    "unmap-first": (LEFT_MAPPED, {EXISTS, *LEFT_MAPPED}),
    "cure-no-wait": ({EXISTS, LANDS},) * 2,
    # The cure takes mappings away; it does not make unbind wait for pins.
    "cure-on-v6.1": ({EXISTS, LANDS},) * 2,
    "cure-on-v6.1-waits": (set(),) * 2,
    "cure-on-v6.15": ({EXISTS, LANDS},) * 2,
    "cure-on-v6.15-waits": (set(),) * 2,
    "v5.11-clean": ({CLEAN, *LEFT_MAPPED},) * 2,
    "v6.1-clean": ({EXISTS, LANDS, CLEAN, *LEFT_MAPPED},) * 2,
    "cure-clean": (set(),) * 2,
    "cure-clean-early": ({CLEAN},) * 2,
    # The look comes after the reference was dropped; a grace period more is waited for by it.
    "v5.11-looks-last": ({EXISTS, *LEFT_MAPPED},) * 2,
    "v5.11-looks-last-waits": (LEFT_MAPPED,) * 2,
    "cure-looks-last": ({EXISTS},) * 2,
    "cure-looks-last-waits": (set(),) * 2,
}


@pytest.mark.parametrize("callers", [1, 2])
@pytest.mark.parametrize("design", DESIGNS)
def test_which_rules_fail(design: str, callers: int) -> None:
    found = row("seed-race", design, callers)
    assert set(found.failing()) == FAILING[design][callers - 1]
    assert all(verdict.status == "fails" for verdict in found.failing().values())


@pytest.mark.parametrize("design", ["v5.11", "cure"])
def test_a_third_caller_changes_no_verdict(design: str) -> None:
    scenarios = [race(design, callers=3, pte=pte) for pte in ("present", "absent")]
    assert set.union(*map(failing, scenarios)) == FAILING[design][1]


def failing(scenario: Scenario) -> set[str]:
    return {v.rule.name for v in check(scenario).verdicts if v.status == "fails"}


def test_the_sync_shields_a_gup_for_write_by_accident() -> None:
    """Seen on 5.10, 6.1 and 6.12: after del_gendisk the PTE is read-only, and gup gives up."""
    assert failing(race("no-check")) >= {EXISTS}
    assert failing(race("no-check", access="write")) == {STALE}
    unsynced = replace(
        DESIGNS["no-check"],
        name="no sync",
        unbind=without(DESIGNS["no-check"].unbind, "del_gendisk"),
    )
    assert failing(race(unsynced, access="write")) >= {EXISTS}


def test_a_lone_caller_is_saved_by_the_check_in_gup_slow() -> None:
    assert failing(race("no-check", pte="absent")) == LEFT_MAPPED
    assert EXISTS in failing(race("no-check", pte="absent", callers=2))


def test_without_the_check_unbind_finishes_and_then_gup_fast_dies() -> None:
    report = check(race("no-check"))
    verdict = report[EXISTS]
    moments = report.replay(verdict.schedule)
    assert verdict.schedule == "2" * 6 + "1" * 4
    assert moments[5].source.function == "arch_remove_memory"
    assert moments[-1].source.function == "try_grab_compound_head"
    assert moments[-1].breaks == (EXISTS,)


def test_v6_1_dies_when_the_io_completes() -> None:
    report = check(race("v6.1"))
    last = report.replay(report[EXISTS].schedule)[-1]
    assert (last.source.function, last.places[1].function) == ("put_page", "put_pages")


def test_device_dax_unmaps_its_file_in_6_1_and_waits_for_no_pin() -> None:
    """As kill_dev_dax() of 6.1 and the unbind after it do: the page of what is left out says so."""
    order = ("kill_dax", "drain_faults", "unmap_all_files", *MEMUNMAP_IN_BULK)
    design = replace(DESIGNS["device-dax"], name="device-dax-v6.1", unbind=order)
    assert set(row("seed-race", design).failing()) == {EXISTS, LANDS}


def test_gup_slow_spins_on_a_stale_pte_with_a_dead_pgmap() -> None:
    report = check(race("v5.11"))
    verdict = report[FINISH]
    assert verdict.in_short() == f"livelock after {len(verdict.schedule)} steps"
    assert "direct I/O repeats the same steps for ever" in verdict.why
    loop = report.replay(verdict.schedule + verdict.loop)[-len(verdict.loop) :]
    assert [moment.source.function for moment in loop].count("get_dev_pagemap") == 1
    assert loop[-1].machine == report.replay(verdict.schedule)[-1].machine


def test_the_kill_waits_for_walks_that_began_before_it() -> None:
    """The check is there for the calls that come later: without it, no schedule that keeps
    interrupts off from before the kill to the touch of the struct page goes wrong."""
    report = check(race("no-check"))
    for schedule in ("1222", "11222"):
        after = report.replay(schedule)[-1].machine
        assert after.waiting_for("percpu_ref_kill") == {0}


def test_a_preempted_fault_touches_a_struct_page_that_is_gone() -> None:
    report = check(race("v5.11-preemptible", pte="absent"))
    last = report.replay(report[EXISTS].schedule)[-1]
    assert last.source.function == "dax_associate_entry"
    blocked = check(race("v5.11", pte="absent"))
    assert blocked[EXISTS].status == "holds"


def test_only_a_first_fault_touches_the_struct_page() -> None:
    moments = replay(race("v5.11-preemptible", pte="absent"), "1" * 10)
    assert moments[-1].source.function == "dax_associate_entry"
    assert moments[-1].machine.memmap[0].mapping
    assert EXISTS not in failing(race("v5.11-preemptible", pte="present"))


@pytest.mark.parametrize("recheck", [True, False])
def test_waiting_before_serialising_loses_nothing(recheck: bool) -> None:
    """put_pages takes the count to zero, so a late grab is refused, second look or not.  But the
    grab touches the page, so something must wait for it; the kill's grace period is too early."""
    order = (
        *("kill_dax", "dev_pagemap_kill", "drain_faults", "unmap_all_files"),
        *("put_pages", "dev_pagemap_cleanup", "serialise_walkers"),
        *("arch_remove_memory", "pgmap_array_delete", "detach_driver"),
    )
    design = replace(CURE, name="wait, then serialise", unbind=order, recheck=recheck)
    assert check(race(design, callers=2)).status == "holds"
    hurried = replace(design, unbind=without(order, "serialise_walkers"))
    assert check(race(hurried))[EXISTS].status == "fails"


def test_the_second_look_gives_back_a_page_that_was_unmapped_meanwhile() -> None:
    schedule = "111" + "22222" + "1"  # the PTE is read, the files are unmapped, the page is grabbed
    looks_again = replay(race(CURE), schedule + "11")
    assert [m.source.function for m in looks_again[-2:]] == ["gup_pte_range", "put_page"]
    looks_once = replay(race(CURE.lacking("recheck")), schedule + "111")
    assert looks_once[-1].source.function == "bio_endio"


def test_a_flush_by_interrupt_waits_for_walkers_and_a_broadcast_does_not() -> None:
    walking = "111"
    by_interrupt = replay(race("kill-first-ipi"), walking + "2222222")
    assert by_interrupt[-1].source.function == "flush_tlb_mm_range"
    assert by_interrupt[-1].machine.waiting_for("flush_tlb") == {0}
    broadcast = replay(race("kill-first-no-serialise"), walking + "2222222")
    assert not broadcast[-1].machine.waiting_for("flush_tlb")


@pytest.mark.parametrize("design", ["kill-first-no-serialise", "march-2021"])
def test_one_more_grace_period_before_the_removal_would_save_the_struct_page(design: str) -> None:
    """mem_hotplug_begin() has one, unless its lock was taken a moment ago."""
    chosen = DESIGNS[design]
    at = chosen.unbind.index("arch_remove_memory")
    order = (*chosen.unbind[:at], "serialise_walkers", *chosen.unbind[at:])
    saved = row("seed-race", replace(chosen, name="one more", unbind=order))
    assert set(saved.failing()) == FAILING[design][0] - {EXISTS}


def test_a_design_with_an_unknown_phase_is_refused() -> None:
    with pytest.raises(ScenarioError, match="no phase 'reboot'; choose kill_dax"):
        race(Design("odd", "Odd.", unbind=(*V5_11.unbind, "reboot")))


def test_a_protection_that_is_not_there_cannot_be_taken_away() -> None:
    with pytest.raises(ValueError, match=r"v5\.11 has no drain_faults; choose irqs_off"):
        V5_11.lacking("drain_faults")
    with pytest.raises(ValueError, match="no-check has no check; choose irqs_off, special"):
        DESIGNS["no-check"].lacking("check")
