"""How often a call looks a pgmap up: counted on the model, not typed."""

from dataclasses import replace
from typing import Any

import pytest

from gupcore import ScheduleError
from gupcore.checker.machine import CALLER
from gupcore.checker.step import Effect, Thread, models
from gupcore.cost import gup_cost, run_alone
from gupcore.kernel.design import V5_11, Design
from gupcore.kernel.gup import get_user_pages_fast, gup_fast
from gupcore.kernel.machine import A_LOCK, MAPPING, MEMORY_PFN, PGMAP, PTL, REFUSES, Machine
from gupcore.kernel.pte import FOLL_LONGTERM, PTRS_PER_PTE
from gupcore.kernel.start import dax_machine, memory_machine
from gupcore.kernel.steps.cpu import local_irq_save
from gupcore.kernel.steps.page_table import do_numa_page
from gupcore.kernel.steps.pagemap import put_dev_pagemap
from gupcore.kernel.steps.struct_page import try_grab_compound_head, try_grab_page


@pytest.mark.parametrize(
    ("pages", "offset", "tables"), [(1, 0, 1), (16, 0, 1), (512, 0, 1), (512, 1, 2), (1024, 0, 2)]
)
def test_one_lookup_a_page_table(pages: int, offset: int, tables: int) -> None:
    cost = gup_cost(pages, "v5.11", offset=offset)
    assert (cost.lookups, cost.given_back, cost.grabs, cost.locks) == (tables, tables, pages, 0)
    assert cost.steps[local_irq_save] == 1
    assert tables == (offset + pages - 1) // PTRS_PER_PTE + 1


def test_who_looks_nothing_up() -> None:
    assert gup_cost(16, "cure").lookups == 0
    assert gup_cost(16, "v5.11", dax=False).lookups == 0


def test_gup_slow_keeps_its_pgmap_over_page_tables() -> None:
    cost = run_alone(dax_machine(1024), *pinning(1024, with_gup_fast=never))
    assert (cost.lookups, cost.given_back, cost.grabs, cost.locks) == (1, 1, 1024, 1024)
    assert len(cost.result) == 1024


@models("get_dev_pagemap", "mm/memremap.c", writes=(PGMAP,), takes=((PGMAP, CALLER),))
def my_lookup(m: Machine) -> Effect:
    """Take a reference on the pgmap."""
    return Effect(m.with_pgmap_refs(+1), "Takes a reference on the pgmap.", True)


def my_gup_fast(cpu: int, address: int, pages: int, flags: int, design: Design) -> Thread:
    yield my_lookup()
    yield my_lookup()
    yield put_dev_pagemap()
    return ()


def test_what_a_readers_own_step_declares_is_counted_too() -> None:
    cost = run_alone(dax_machine(), my_gup_fast, 0, MAPPING, 1, 0, V5_11)
    assert (cost.lookups, cost.given_back, cost.grabs) == (2, 1, 0)
    assert cost.steps == {my_lookup: 2, put_dev_pagemap: 1}


def never(cpu: int, address: int, pages: int, flags: int, design: Design) -> Thread:
    return ()
    yield


def pinning(pages: int, flags: int = 0, with_gup_fast: Any = gup_fast, at: int = MAPPING) -> Any:
    """Return a thread that pins pages: its function and its arguments."""
    return get_user_pages_fast, 0, at, pages, flags, V5_11, with_gup_fast


def test_only_what_is_left_is_asked_of_gup_slow() -> None:
    """The second page is not mapped: gup-fast pins the first, gup-slow faults the second in."""
    machine = dax_machine(2).with_pte(MAPPING + 4096, 0)
    cost = run_alone(machine, *pinning(2))
    assert len(cost.result) == 2
    assert cost.steps[try_grab_compound_head] == cost.steps[try_grab_page] == 1


def test_a_partial_result_is_no_error() -> None:
    machine = dax_machine(2).with_pte(MAPPING + 4096, 0)
    dying = replace(machine, device=REFUSES)
    assert len(run_alone(dying, *pinning(2)).result) == 1
    assert run_alone(dying, *pinning(1, at=MAPPING + 4096)).result == "-EFAULT"


def test_a_longterm_pin_of_a_dax_file_is_refused() -> None:
    cost = run_alone(dax_machine(), *pinning(1, FOLL_LONGTERM))
    assert cost.result == "-EOPNOTSUPP"
    assert cost.lookups == 0


def test_a_numa_hinting_entry_is_for_gup_slow() -> None:
    machine = memory_machine(hinting=True)
    assert run_alone(machine, gup_fast, 0, MAPPING, 1, 0, V5_11).result == ()
    cost = run_alone(machine, *pinning(1))
    assert cost.result == (MEMORY_PFN,)
    assert cost.steps[do_numa_page] == cost.steps[try_grab_page] == 1


def test_a_thread_that_waits_is_not_alone() -> None:
    machine = dax_machine().enter(PTL, 1)
    with pytest.raises(ScheduleError, match="Waits for the page-table lock, which CPU 1") as stop:
        run_alone(machine, *pinning(1, with_gup_fast=never))
    assert stop.value.blocked is not None
    assert stop.value.blocked == (stop.value.blocked.why, A_LOCK, frozenset({1}))
