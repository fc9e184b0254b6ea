"""How often a call looks a pgmap up: counted on the model, not typed."""

from dataclasses import replace

import pytest

from gupcore.checker.step import Thread
from gupcore.cost import gup_cost, run_alone
from gupcore.kernel.design import V5_11, Design
from gupcore.kernel.gup import get_user_pages_fast, gup_fast
from gupcore.kernel.machine import MAPPING, MEMORY_PFN, REFUSES
from gupcore.kernel.pte import FOLL_LONGTERM, PTRS_PER_PTE
from gupcore.kernel.start import dax_machine, memory_machine


@pytest.mark.parametrize(
    ("pages", "offset", "tables"), [(1, 0, 1), (16, 0, 1), (512, 0, 1), (512, 1, 2), (1024, 0, 2)]
)
def test_one_lookup_a_page_table(pages: int, offset: int, tables: int) -> None:
    steps = gup_cost(pages, "v5.11", offset=offset)
    assert steps["lookup_and_tryget_live"] == steps["put_dev_pagemap"] == tables
    assert steps["try_grab_compound_head"] == pages
    assert steps["local_irq_save"] == 1
    assert tables == (offset + pages - 1) // PTRS_PER_PTE + 1


def test_who_looks_nothing_up() -> None:
    assert gup_cost(16, "cure")["lookup_and_tryget_live"] == 0
    assert gup_cost(16, "v5.11", dax=False)["lookup_and_tryget_live"] == 0


def test_gup_slow_keeps_its_pgmap_over_page_tables() -> None:
    machine = dax_machine(1024)
    run = run_alone(machine, get_user_pages_fast(0, MAPPING, 1024, 0, V5_11, never))
    assert run.steps["lookup_and_tryget_live"] == 1
    assert run.steps["pte_offset_map_lock"] == 1024
    assert len(run.result) == 1024


def never(cpu: int, address: int, pages: int, flags: int, design: Design) -> Thread:
    return ()
    yield


def test_only_what_is_left_is_asked_of_gup_slow() -> None:
    """The second page is not mapped: gup-fast pins the first, gup-slow faults the second in."""
    machine = dax_machine(2).with_pte(MAPPING + 4096, 0)
    run = run_alone(machine, get_user_pages_fast(0, MAPPING, 2, 0, V5_11, gup_fast))
    assert len(run.result) == 2
    assert run.steps["try_grab_compound_head"] == run.steps["try_grab_page"] == 1


def test_a_partial_result_is_no_error() -> None:
    machine = dax_machine(2).with_pte(MAPPING + 4096, 0)
    dying = replace(machine, device=REFUSES)
    run = run_alone(dying, get_user_pages_fast(0, MAPPING, 2, 0, V5_11, gup_fast))
    assert len(run.result) == 1
    run = run_alone(dying, get_user_pages_fast(0, MAPPING + 4096, 1, 0, V5_11, gup_fast))
    assert run.result == "-EFAULT"


def test_a_longterm_pin_of_a_dax_file_is_refused() -> None:
    call = get_user_pages_fast(0, MAPPING, 1, FOLL_LONGTERM, V5_11, gup_fast)
    run = run_alone(dax_machine(), call)
    assert run.result == "-EOPNOTSUPP"
    assert run.steps["lookup_and_tryget_live"] == 0


def test_a_numa_hinting_entry_is_for_gup_slow() -> None:
    machine = memory_machine(hinting=True)
    assert run_alone(machine, gup_fast(0, MAPPING, 1, 0, V5_11)).result == ()
    run = run_alone(machine, get_user_pages_fast(0, MAPPING, 1, 0, V5_11, gup_fast))
    assert run.result == (MEMORY_PFN,)
    assert run.steps["do_numa_page"] == run.steps["try_grab_page"] == 1


def test_a_thread_that_waits_is_not_alone() -> None:
    machine = dax_machine().enter("page-table lock", 1)
    with pytest.raises(RuntimeError, match="Waits for the page-table lock, which CPU 1 holds"):
        run_alone(machine, get_user_pages_fast(0, MAPPING, 1, 0, V5_11, never))
