"""The scenarios beside the mail's race: each rule is broken somewhere and kept somewhere."""

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gupcore import (
    DESIGNS,
    SCENARIOS,
    Design,
    Moment,
    Report,
    Scenario,
    ScenarioError,
    check,
    race,
    replay,
)
from gupcore.checker.replay import ScheduleError
from gupcore.kernel.design import AFTER_GRACE_PERIOD, BROADCAST, IPI, V5_11
from gupcore.kernel.machine import FREE, OTHERS
from gupcore.kernel.rules import RULES

ARM64 = replace(V5_11, name="v5.11 on arm64", tlb_flush=BROADCAST, free_tables=AFTER_GRACE_PERIOD)


def failing(name: str, design: Design | str, **setting: Any) -> set[str]:
    report = check(SCENARIOS[name](design, **setting))
    return {v.rule.name for v in report.verdicts if v.status == "fails"}


def last_of(name: str, design: Design | str, rule: str, **setting: Any) -> Moment:
    report = check(SCENARIOS[name](design, **setting))
    return report.replay(report[rule].schedule)[-1]


# rule -> (scenario, design) that breaks it, and one that keeps it.
BROKEN_AND_KEPT: dict[str, tuple[tuple[str, Design | str], tuple[str, Design | str]]] = {
    "struct page exists": (("seed-race", "no-check"), ("seed-race", "v5.11")),
    "the right page": (("rebind", "v5.11"), ("rebind", "cure")),
    "only the allocator revives": (("munmap", ARM64.lacking("unless_zero")), ("munmap", ARM64)),
    "implied reference": (("munmap-dax", "v6.15"), ("munmap", "v5.11")),
    "tables exist": (("munmap", V5_11.lacking("irqs_off")), ("munmap", "v5.11")),
    "DMA lands": (("seed-race", "v6.1"), ("seed-race", "v5.11")),
    "no stale mapping": (("stores", "v5.11"), ("stores", "cure")),
    "clean means clean": (("seed-race", "v6.1-clean"), ("seed-race", "cure-clean")),
    "counts balance": (("rebind", "v6.1"), ("rebind", "cure")),
    "everyone can finish": (("seed-race", "v5.11"), ("seed-race", "cure")),
}


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_broken_somewhere_and_kept_somewhere(rule: str) -> None:
    (name, design), (other, kept) = BROKEN_AND_KEPT[rule]
    setting = {"access": "write"} if rule == "clean means clean" else {}
    assert rule in failing(name, design, **setting)
    assert rule not in failing(other, kept, **setting)


# --- Ordinary memory ------------------------------------------------------------------------------


@pytest.mark.parametrize("design", [V5_11, ARM64])
@pytest.mark.parametrize("pte", ["present", "hinting"])
@pytest.mark.parametrize("callers", [0, 1, 2])
def test_ordinary_memory_keeps_every_promise(design: Design | str, callers: int, pte: str) -> None:
    assert failing("munmap", design, callers=callers, pte=pte) == set()


def test_with_a_flush_by_interrupt_the_walker_is_waited_for_and_needs_no_second_look() -> None:
    assert failing("munmap", V5_11.lacking("recheck")) == set()
    assert failing("munmap", V5_11.lacking("unless_zero")) == set()


def test_where_the_flush_waits_for_nobody_each_guard_is_needed() -> None:
    assert failing("munmap", ARM64.lacking("recheck")) == {"the right page"}
    assert "only the allocator revives" in failing("munmap", ARM64.lacking("unless_zero"))
    assert failing("munmap", ARM64.lacking("free_tables")) == {"tables exist"}


def test_without_the_second_look_the_page_of_another_process_is_handed_out() -> None:
    moment = last_of("munmap", ARM64.lacking("recheck"), "the right page")
    assert moment.source.function == "submit_bio"
    assert moment.machine.memmap[0].owner == OTHERS


def test_an_unconditional_get_frees_a_page_twice() -> None:
    # gup-fast reads the PTE; munmap frees the page; gup-fast revives it, looks again and drops it.
    moments = replay(SCENARIOS["munmap"](ARM64.lacking("unless_zero")), "1111" + "33333" + "111")
    assert [m.breaks for m in moments[-3:]] == [
        ("only the allocator revives",),
        (),
        ("only the allocator revives",),
    ]
    assert moments[-1].said.endswith("; the page is free, for the second time.")
    assert moments[-1].machine.memmap[0].owner == FREE


def test_a_freed_table_is_read_by_a_walker_with_interrupts_on() -> None:
    moment = last_of("munmap", V5_11.lacking("irqs_off"), "tables exist")
    assert moment.source.function == "ptep_get_lockless"
    assert moment.machine.oops == "page table"


def test_a_store_goes_on_through_the_tlb_until_the_flush() -> None:
    """The hardware needs no struct page: an entry it keeps is good until it is invalidated."""
    moments = replay(SCENARIOS["munmap"]("v5.11", callers=0), "1" + "222" + "1")
    assert moments[-1].said.startswith("Loads through its TLB entry")
    flushed = replay(SCENARIOS["munmap"]("v5.11", callers=0), "1" + "2222" + "1")
    assert flushed[-1].said == "Faults: the PTE is none."


# --- Special PTEs ---------------------------------------------------------------------------------


def ends(name: str, design: Design | str, **setting: Any) -> set[Hashable]:
    graph = check(SCENARIOS[name](design, **setting)).graph
    states = [state for state in graph.states if graph.final(state)]
    return {graph.threads[0].nodes[graph.node(state, 0)].result for state in states}


@pytest.mark.parametrize("access", ["read", "write"])
@pytest.mark.parametrize(("behind", "result"), [("zero page", "done"), ("registers", "-EFAULT")])
def test_gup_slow_answers_for_special_ptes(behind: str, access: str, result: str) -> None:
    assert ends("special", "v5.11", behind=behind, access=access) == {result}
    assert failing("special", "v5.11", behind=behind, access=access) == set()


def test_registers_have_no_struct_page_to_touch() -> None:
    moment = last_of("special", V5_11.lacking("special"), "struct page exists", behind="registers")
    assert moment.source.function == "try_grab_compound_head"


def test_a_write_to_the_zero_page_gets_a_page_of_its_own() -> None:
    scenario = SCENARIOS["special"]("v5.11", behind="zero page", access="write")
    graph = check(scenario).graph
    final = next(graph.machine(state) for state in graph.states if graph.final(state))
    zero, fresh = final.memmap
    assert (zero.refcount, fresh.refcount) == (1, 1)
    assert final.mappings(fresh.pfn) == 1


# --- The device's second life, its disk, its mapping ----------------------------------------------


def test_the_check_takes_a_stale_pte_for_a_fresh_one_after_rebind() -> None:
    moment = last_of("rebind", "v5.11", "the right page")
    assert moment.machine.pgmap.life == 2
    functions = [
        m.source.function
        for m in replay(
            SCENARIOS["rebind"]("v5.11"),
            check(SCENARIOS["rebind"]("v5.11"))["the right page"].schedule,
        )
    ]
    assert "get_dev_pagemap" in functions


def test_a_pin_of_the_first_life_is_dropped_in_the_second() -> None:
    moment = last_of("rebind", "v6.1", "only the allocator revives")
    assert (moment.source.function, moment.machine.memmap[0].refcount) == ("put_page", 0)


def test_device_dax_was_right_all_along_and_needs_no_check() -> None:
    for name in ("seed-race", "rebind", "stores", "mixed"):
        assert failing(name, "device-dax") == set()
        assert failing(name, DESIGNS["device-dax"].lacking("check")) == set()


def test_no_munmap_comes_to_the_rescue_of_a_gup_slow_that_spins() -> None:
    report = check(SCENARIOS["munmap-dax"]("v5.11"))
    verdict = report["everyone can finish"]
    assert "munmap: waits for mmap_lock, which CPU 0 holds" in verdict.why
    assert "direct I/O repeats the same steps for ever" in verdict.why


def test_on_v6_15_even_the_exit_of_the_process_touches_the_removed_page() -> None:
    moment = last_of("munmap-dax", "v6.15", "struct page exists", callers=0)
    assert moment.label == "munmap"
    assert moment.source.function == "put_page"
    assert "struct page exists" not in failing("munmap-dax", "v5.11", callers=0)


def test_who_unmaps_through_the_file_can_miss_a_munmap_that_has_not_flushed() -> None:
    """x86-64: munmap leaves the file's list before it flushes, and others find nothing to flush."""
    assert failing("munmap-dax", "cure-ipi") == {"no stale mapping"}
    assert failing("munmap-dax", "cure") == set()  # arm64 flushes before
    assert failing("munmap-truncate", V5_11) == {"no stale mapping"}
    assert failing("munmap-truncate", ARM64) == set()
    assert failing("munmap-truncate", "v6.15") == set()  # munmap holds the pages until the flush
    moment = last_of("munmap-truncate", V5_11, "no stale mapping")
    assert moment.source.function == "ext4_truncate"
    assert moment.machine.tlb


def test_unbind_waits_for_block_io_that_shares_the_ref() -> None:
    scenario = SCENARIOS["block-io"]("v5.11")
    with pytest.raises(ScheduleError, match="Waits for the pgmap's count to reach zero"):
        replay(scenario, "1" + "22222")
    assert failing("block-io", "cure") == set()
    assert failing("block-io", DESIGNS["cure"].lacking("dev_pagemap_cleanup")) == {
        "struct page exists"
    }
    with pytest.raises(ScenarioError, match=r"In v6\.1 the block queue has a ref of its own"):
        SCENARIOS["block-io"]("v6.1")
    with pytest.raises(ScenarioError, match="In device-dax there is no filesystem"):
        SCENARIOS["block-io"]("device-dax")


@pytest.mark.parametrize("callers", [1, 2])
@pytest.mark.parametrize("pte", ["present", "absent"])
def test_truncation_unmaps_and_then_looks_at_the_counts(pte: str, callers: int) -> None:
    assert failing("truncate", ARM64, pte=pte, callers=callers) == set()


def test_on_v6_15_truncation_waits_for_a_mapping_made_meanwhile() -> None:
    """It finds a pin, sleeps until the count is zero, and a fault maps the page again."""
    report = check(SCENARIOS["truncate"]("v6.15", pte="absent", callers=2))
    verdict = report["everyone can finish"]
    assert "truncate: waits for a page that is in use" in verdict.why
    assert verdict.loop == ""
    assert failing("truncate", "v6.1", pte="absent", callers=2) == set()


def test_truncation_needs_the_second_look() -> None:
    assert failing("truncate", ARM64.lacking("recheck")) == {"the right page"}
    assert failing("truncate", V5_11.lacking("recheck")) == set()  # the flush waits for the walker


# --- Several pages --------------------------------------------------------------------------------


def test_a_dead_pgmap_gives_the_ordinary_page_back_too() -> None:
    # gup-fast has pinned the ordinary page when the ref is killed; the lookup for the second fails.
    moments = replay(SCENARIOS["mixed"]("v5.11"), "11111" + "222" + "111")
    assert [m.source.function for m in moments[-2:]] == ["get_dev_pagemap", "put_page"]
    assert moments[-1].machine.memmap[0].refcount == 1


def test_two_pages_on_either_side_of_a_tables_end_are_looked_up_twice() -> None:
    scenario = race("v5.11", pages=2)
    moments = replay(scenario, "1" * 13)
    functions = [m.source.function for m in moments]
    assert functions.count("get_dev_pagemap") == functions.count("gup_pmd_range") == 2


# --- Any schedule at all --------------------------------------------------------------------------

ANY = [(name, setting) for name, make in SCENARIOS.items() for setting in make.settings]


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_a_random_schedule_is_what_the_graph_says(data: st.DataObject) -> None:
    """Replay and graph agree, and a rule that breaks is one the checker knows of."""
    name, setting = data.draw(st.sampled_from(ANY))
    design = data.draw(st.sampled_from(list(DESIGNS)))
    if name != "percpu-ref":
        setting = {**setting, "design": design}
    try:
        scenario = SCENARIOS[name](**setting)
    except ScenarioError:  # block-io with a queue of its own
        return
    report = report_on(scenario, name, tuple(sorted(setting.items())))
    graph = report.graph
    state, schedule = graph.states[0], ""
    for _ in range(data.draw(st.integers(0, 60))):
        moves = [(m, after) for m, after in graph.moves(state)]
        if not moves:
            break
        move, state = data.draw(st.sampled_from(moves))
        schedule += str(move.thread + 1)
    moments = report.replay(schedule)
    machine = moments[-1].machine if moments else scenario.machine
    assert machine == graph.machine(state)
    assert graph.depth(graph.number[state]) <= len(schedule)
    for moment in moments:
        for broken in moment.breaks:
            assert report[broken].status == "fails"
            assert len(report[broken].schedule) <= len(schedule)
    if graph.final(state) and machine.oops is None:
        for rule in (rule for rule in scenario.rules if rule.on == "end"):
            assert rule.holds(machine) or report[rule.name].status == "fails"


REPORTS: dict[tuple[Hashable, ...], Report] = {}


def report_on(scenario: Scenario, *key: Hashable) -> Report:
    if key not in REPORTS:
        REPORTS[key] = check(scenario)
    return REPORTS[key]


def test_the_flush_of_each_machine() -> None:
    assert {design.tlb_flush for design in DESIGNS.values()} == {IPI, BROADCAST}
