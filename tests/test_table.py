"""The tables of verdicts, and what each protection is needed for."""

import pytest

from gupcore import ScenarioError
from gupcore.table import needs, row, table


def test_a_table_as_text():
    lines = str(table(designs=("v5.11", "cure"), callers=(1,))).splitlines()
    assert len(lines) == 3
    assert "no stale mapping: fails in 8 steps; everyone can finish: livelock after 18" in lines[1]
    assert lines[2].endswith("every rule holds")


def test_a_table_as_html():
    found = table(designs=("v6.1",), callers=(1, 2))
    page = found._repr_html_()
    assert page.count("<tr>") == 3
    assert page.count('<th scope="col">') == len(found["v6.1", 1].failing()) == 4
    assert "seed-race; 6 other rules hold in every row" in page
    assert f"<td>{found['v6.1', 2].states:,}</td>" in page


def test_a_row_takes_the_worst_of_its_settings():
    found = row("seed-race", "no-check", 1)
    assert found.failing()["struct page exists"].schedule == "2222221111"
    assert row("seed-race", "cure", 1, limit=100).failing()["DMA lands"].status == "undetermined"


# protection of the cure -> the scenario in which taking it away first breaks a rule, and the rules
NEEDED = {
    "irqs_off": ("seed-race", ("struct page exists",)),
    "special": ("special", ("struct page exists",)),
    "unless_zero": ("munmap", ("only the allocator revives", "counts balance")),
    "recheck": ("munmap", ("the right page",)),
    "slow_check": None,
    "free_tables": ("munmap-dax", ("tables exist",)),
    "kill_dax": (
        "seed-race",
        ("struct page exists", "no stale mapping", "everyone can finish"),
    ),
    "drain_faults": ("seed-race", ("no stale mapping", "everyone can finish")),
    "unmap_all_files": (
        "seed-race",
        ("struct page exists", "no stale mapping", "everyone can finish"),
    ),
    "serialise_walkers": None,
    "del_gendisk": None,
    "dev_pagemap_kill": ("seed-race", ("only the allocator revives", "everyone can finish")),
    "put_pages": ("seed-race", ("everyone can finish",)),
    "dev_pagemap_cleanup": ("seed-race", ("struct page exists", "DMA lands")),
}


def test_what_each_protection_of_the_cure_is_needed_for():
    found = {
        need.protection: (need.row.scenario, need.rules) if need.row else None
        for need in needs("cure")
    }
    assert found == NEEDED


def test_needs_in_words():
    by_name = {need.protection: str(need) for need in needs("v5.11", callers=(1,))}
    assert "needed in seed-race with 1 caller: struct page exists: fails in 10" in by_name["check"]
    assert "not needed: nothing fails in" in by_name["recheck"]


def test_unknown_names():
    with pytest.raises(ScenarioError, match="no scenario 'x'; choose seed-race, rebind"):
        row("x", "cure")
    with pytest.raises(ScenarioError, match="no design 'x'"):
        list(needs("x"))
