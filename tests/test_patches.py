"""Published patches told apart: before, what the patch speaks of fails; after it, all holds."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gupcore import (
    DESIGNS,
    MAPPING,
    PATCHES,
    SCENARIOS,
    Automaton,
    Design,
    Effect,
    Scenario,
    ScenarioError,
    StructPage,
    Thread,
    check,
    direct_io,
    memory_machine,
    models,
    race,
    replay,
    user_code,
)
from gupcore.checker.step import Blocked, Step
from gupcore.kernel.design import BROADCAST, CURE, V5_11
from gupcore.kernel.huge import collapse, gup_fast_by_pmd
from gupcore.kernel.machine import FREE, MMAP_LOCK, MMAP_WRITE, NORMAL, UNLINKED, Machine
from gupcore.kernel.pte import FOLL_WRITE, PTE_NONE, pte_mkspecial, pte_wrprotect, user_pte
from gupcore.kernel.rules import pinned_is_mapped
from gupcore.kernel.steps.huge import detach_table
from gupcore.kernel.steps.page_table import (
    free_tables,
    mmap_read_lock,
    mmap_read_unlock,
    mmap_write_lock,
    mmap_write_unlock,
    pmdp_get_lockless,
    pte_alloc,
    ptep_get_lockless,
    zap_ptes,
)
from gupcore.kernel.steps.struct_page import get_page, put_page, submit_bio

FEW = 25  # steps that a person can follow


def after(step: Step, machine: Machine) -> Effect:
    """Return what a step does that need not wait."""
    answer = step.take(machine)
    assert isinstance(answer, Effect)
    return answer


def failing(scenario: Scenario) -> dict[str, int]:
    """Return the rules that do not hold, and in how many steps they fail."""
    verdicts = check(scenario).verdicts
    return {v.rule.name: len(v.schedule) for v in verdicts if v.status != "holds"}


@pytest.mark.parametrize("patch", PATCHES.values(), ids=lambda patch: patch.id)
def test_a_patch_is_told_apart(patch: Any) -> None:
    for version in patch.versions:
        broken = failing(SCENARIOS["patch"](patch.id, version))
        if version == "after":
            assert broken == {}
        else:
            assert broken[patch.rule] <= FEW


def test_there_are_patches_of_every_kind() -> None:
    assert len(PATCHES) >= 12
    assert {patch.rule for patch in PATCHES.values()} >= {
        *("struct page exists", "tables exist", "the right page", "everyone can finish"),
        *("counts balance", "no stale mapping", "only the allocator revives"),
        *("what is pinned is what is mapped", "no write through a read-only entry"),
    }


def test_two_patches_have_a_half() -> None:
    assert {p.id for p in PATCHES.values() if "half" in p.versions} == {
        *("57efa1fe5957", "dd59137bfe70"),
    }
    with pytest.raises(ScenarioError, match="no version half"):
        SCENARIOS["patch"]("70cbc3cc78a9", "half")


def test_where_a_flush_waits_for_walkers_the_second_look_is_not_needed() -> None:
    """As the kernel's own comment says: the interrupt is what used to keep gup-fast out."""
    design = replace(CURE, tlb_flush="IPI")
    scene = SCENARIOS["patch"]("70cbc3cc78a9", "before")
    threads = (
        Automaton("io", direct_io, (0, MAPPING, 1, FOLL_WRITE, design, gup_fast_by_pmd)),
        Automaton("khugepaged", collapse, (1, MAPPING, design)),
    )
    assert failing(replace(scene, threads=threads, made=None)) == {}


@pytest.mark.parametrize("left_out", ["flush", "isolate", "detach"])
def test_a_collapse_that_lacks_a_phase_is_wrong(left_out: str) -> None:
    order = tuple(phase for phase in CURE.collapse if phase != left_out)
    design = replace(CURE, collapse=order, recheck_pmd=True)
    scene = SCENARIOS["patch"]("70cbc3cc78a9", "after")
    machine = replace(scene.machine, tlbs=(2,))
    threads = (
        Automaton("io", direct_io, (0, MAPPING, 1, FOLL_WRITE, design, gup_fast_by_pmd)),
        Automaton("khugepaged", collapse, (1, MAPPING, design)),
        Automaton("store", user_code, (2, MAPPING, True, 1, design)),
    )
    broken = failing(Scenario("x", "", design, machine, threads, scene.rules))
    assert broken


# --- The last touch -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("design", "schedule"),
    [("v5.11-looks-last", "111111111122212221"), ("cure-looks-last", "1111111122222222212221")],
)
def test_the_look_after_the_last_drop_meets_no_page(design: str, schedule: str) -> None:
    verdict = check(race(design))["struct page exists"]
    assert "".join(map(str, verdict.schedule)) == schedule
    assert replay(race(design), schedule)[-1].source.function == "free_devmap_managed_page"
    assert check(race(design.removesuffix("-looks-last")))["struct page exists"].status == "holds"
    assert check(race(f"{design}-waits"))["struct page exists"].status == "holds"


def test_with_the_grace_period_the_cure_keeps_every_rule() -> None:
    for callers in (1, 2):
        assert failing(race("cure-looks-last-waits", callers=callers)) == {}


# --- Entries and references -----------------------------------------------------------------------


def scene(machine: Machine, function: Callable[..., Thread], *args: Any) -> Scenario:
    return Scenario("x", "", V5_11, machine, (Automaton("a", function, args),))


def test_copy_on_write_gives_the_old_page_back() -> None:
    machine = memory_machine()
    machine = machine.with_pte(MAPPING, pte_wrprotect(machine.pte(MAPPING)))
    spare = StructPage(0x1001, 0, NORMAL, FREE)
    scenario = scene(
        replace(machine, memmap=(*machine.memmap, spare)), user_code, 0, MAPPING, True, 1, V5_11
    )
    report = check(scenario)
    assert {v.status for v in report.verdicts} == {"holds"}
    final = report.replay("1" * 8)[-1].machine
    assert [(page.refcount, page.owner) for page in final.memmap] == [(0, FREE), (1, "ours")]


def zaps_all() -> Thread:
    zapped = yield zap_ptes()
    while zapped:
        yield put_page(0x1000)
        zapped = zapped[1:]


@pytest.mark.parametrize("entry", [PTE_NONE, user_pte(0x1000) & ~1], ids=["empty", "not present"])
def test_what_is_not_present_holds_no_reference(entry: int) -> None:
    machine = replace(
        memory_machine(), page_table=(entry,), memmap=(StructPage(0x1000, 0, NORMAL),)
    )
    assert failing(scene(machine, zaps_all)) == {}
    assert zap_ptes().take(machine) == Effect(
        replace(machine, page_table=(PTE_NONE,)), "Clears every PTE of the process.", ()
    )


def test_a_special_entry_owes_no_reference() -> None:
    special = (pte_mkspecial(user_pte(0x1000)),)
    unheld = replace(memory_machine(), page_table=special, memmap=(StructPage(0x1000, 0, NORMAL),))
    held = replace(unheld, memmap=(StructPage(0x1000, 1, NORMAL),))
    assert "counts balance" not in failing(scene(unheld, loads))
    assert "counts balance" in failing(scene(held, loads))


def loads() -> Thread:
    yield ptep_get_lockless(MAPPING)


def gets(pfn: int) -> Thread:
    yield get_page(pfn)


def transfers(pfn: int) -> Thread:
    yield submit_bio(0, (pfn,), True)


@pytest.mark.parametrize("pfn", [0, 0x1234, 0xFE000])
def test_a_wild_frame_has_no_struct_page_and_takes_no_data(pfn: int) -> None:
    verdict = check(scene(memory_machine(), gets, pfn))["struct page exists"]
    assert (verdict.status, len(verdict.schedule)) == ("fails", 1)
    assert "DMA lands" in failing(scene(memory_machine(), transfers, pfn))


# --- mmap_lock ------------------------------------------------------------------------------------


def test_mmap_lock_is_had_by_readers_or_by_one_writer() -> None:
    machine = memory_machine()
    read = after(mmap_read_lock(0, MAPPING), machine).machine
    wrote = after(mmap_write_lock(1), machine).machine
    assert after(mmap_read_lock(1, MAPPING), read).machine.cpus(MMAP_LOCK) == {0, 1}
    for waits in (mmap_write_lock(1).take(read), mmap_read_lock(0, MAPPING).take(wrote)):
        assert isinstance(waits, Blocked)
    assert isinstance(mmap_write_lock(0).take(wrote), Blocked)
    assert after(mmap_read_unlock(0), read).machine == machine
    assert not after(mmap_write_unlock(1), wrote).machine.cpus(MMAP_WRITE)


# --- Page tables that are made anew ---------------------------------------------------------------


def test_the_table_that_was_taken_away_is_freed_and_not_the_new_one() -> None:
    machine = memory_machine()
    before = machine.pmd_at(MAPPING)
    detached = after(detach_table(MAPPING), machine).machine
    anew = after(pte_alloc(MAPPING), detached).machine
    now = after(pmdp_get_lockless(MAPPING), anew).result
    assert before != now
    assert after(pmdp_get_lockless(MAPPING), detached).result == 0
    freed = after(free_tables(), anew).machine
    assert after(ptep_get_lockless(MAPPING, before), anew).result == machine.pte(MAPPING)
    assert after(ptep_get_lockless(MAPPING, before), freed).machine.oops == "page table"
    assert after(ptep_get_lockless(MAPPING, now), freed).machine.oops is None
    assert after(free_tables(), detached).machine.tables == ("freed",)


def test_no_hardware_walks_through_a_table_that_is_taken_away() -> None:
    machine = memory_machine()
    assert len(machine.entries()) == 1
    assert machine.with_tables(UNLINKED).entries() == []


def test_who_is_mapped_elsewhere_is_not_where_the_process_looks() -> None:
    rule = pinned_is_mapped(MAPPING)
    machine = memory_machine()
    write = submit_bio(0, (0x1001,), True)
    assert not rule.holds(machine, write, machine)
    assert rule.holds(machine, submit_bio(0, (0x1001,), False), machine)
    assert rule.holds(machine.with_pte(MAPPING, PTE_NONE), write, machine)
    assert rule.holds(machine, submit_bio(0, (0x1000,), True), machine)


# --- Phases are data ------------------------------------------------------------------------------


def test_a_munmap_that_frees_before_it_flushes_is_a_design() -> None:
    wrong: Design = replace(V5_11, munmap=("zap", "unlink", "put", "flush", "free"))
    assert "no stale mapping" in failing(SCENARIOS["munmap"](wrong))
    assert failing(SCENARIOS["munmap"](DESIGNS["v5.11"])) == {}


def test_a_truncation_that_does_not_wait_is_a_design() -> None:
    wrong = replace(CURE, truncate=("unmap", "take_blocks"), tlb_flush=BROADCAST)
    assert {"the right page"} <= set(failing(SCENARIOS["truncate"](wrong)))


def test_a_readers_own_step_may_collapse_too() -> None:
    """The very first of the newcomers' scenes: a PMD is put back by a step of one's own."""

    @models("set_pmd_at", "mm/khugepaged.c", "v5.19", writes=("page table",))
    def link_again(m: Machine) -> Effect:
        """Put the page table back."""
        return Effect(m.with_tables("linked"), "Puts it back.")

    def thread() -> Thread:
        yield detach_table(MAPPING)
        yield link_again()

    assert failing(scene(memory_machine(), thread)) == {}
