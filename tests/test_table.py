"""The tables of verdicts, and what each protection is needed for."""

from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

from gupcore import SCENARIOS, Scenario, ScenarioError, race, scenario
from gupcore.kernel.design import DESIGNS, Design
from gupcore.table import MOST_THREADS, Row, needs, planned, row, table, usual_callers


def test_a_table_as_text() -> None:
    lines = str(table(designs=("v5.11", "cure"), callers=(1,))).splitlines()
    assert len(lines) == 3
    assert "no stale mapping: fails in 8 steps; everyone can finish: livelock after 18" in lines[1]
    assert lines[2].endswith("every rule holds")


def test_a_table_as_html() -> None:
    found = table(designs=("v6.1",), callers=(1, 2))
    page = found._repr_html_()
    assert page.count("<tr>") == 3
    assert page.count('<th scope="col">') == len(found["v6.1", 1].failing()) == 4
    assert "seed-race; 6 other rules hold in every row" in page
    assert f"<td>{found['v6.1', 2].states:,}</td>" in page


def test_a_table_is_the_same_whoever_judges_its_rows() -> None:
    designs = ("v5.11", "cure", "no-check")
    with ProcessPoolExecutor(2) as executor:
        shared = table(designs=designs, callers=(1,), executor=executor)
    assert shared == table(designs=designs, callers=(1,))
    assert str(shared) == str(table(designs=designs, callers=(1,)))


def test_a_row_for_any_number_of_callers() -> None:
    with ProcessPoolExecutor(2) as executor:
        shared = table("stores", ("v5.11", "cure"), (1, "any"), executor=executor)
    assert [row.callers for row in shared.rows] == [1, "any", 1, "any"]
    assert str(shared).splitlines()[4].endswith(" views  every rule holds")
    assert f"<td>any</td><td>{shared['cure', 'any'].states:,} views</td>" in shared._repr_html_()
    found = row("stores", "v5.11", "any")
    assert shared["v5.11", "any"] == found
    assert found.failing()
    for name, verdict in shared["v5.11", 1].failing().items():
        assert found.failing()[name].status == "fails"
        assert len(found.failing()[name].schedule) <= len(verdict.schedule)


def test_a_table_is_judged_by_a_cluster() -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.Client(n_workers=2, threads_per_worker=1) as client:
        found = table(designs=("v5.11",), callers=(1,), executor=client.get_executor())
    assert found == table(designs=("v5.11",), callers=(1,))


def test_a_row_takes_the_worst_of_its_settings() -> None:
    found = row("seed-race", "no-check", 1)
    assert found.failing()["struct page exists"].schedule == "2222221111"
    assert row("seed-race", "cure", 1, limit=100).failing()["DMA lands"].status == "undetermined"


# --- What is in a table is settled first ----------------------------------------------------------


def test_a_table_takes_all_designs_that_go_with_its_scenario() -> None:
    assert [design.name for design in planned().designs] == list(DESIGNS)
    assert planned().left_out() == ""
    plan = planned("block-io")
    assert {"device-dax", "v6.1", "xfs-v6.8"} < set(plan.others)
    assert {design.name for design in plan.designs} == set(DESIGNS) - set(plan.others)


def test_a_table_ends_with_what_it_leaves_out() -> None:
    found = table("truncate", callers=(1,))
    assert len(found.rows) == len(DESIGNS) - 1
    says = "Left out: device-dax (in device-dax there is no filesystem and no disk; choose v5.11)."
    assert str(found).splitlines()[-1] == says
    assert f"hold in every row. {says}</caption>" in found._repr_html_()
    assert "Left out" not in str(table("special", ["cure"], callers=(1,)))


def test_designs_with_the_same_reason_share_it() -> None:
    says = planned("block-io").left_out()
    assert says.count("(") == 2
    assert ", v6.1-clean (in v6.1 the block queue has a ref of its own; choose v5.11)." in says


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"scenario": "block-io", "designs": ["v5.11", "v6.1"]}, "ref of its own; choose v5.11"),
        ({"scenario": "block-io", "designs": ["v5.11", "v4"]}, "no design 'v4'"),
        ({"scenario": "munmap-dax", "callers": (1, 6)}, "callers must be 0 to 5, not 6"),
        ({"callers": (0, 1)}, "callers must be 1 to 8, not 0"),
        ({"callers": ("2",)}, "callers must be a whole number, not the str '2'"),
        ({"scenario": "percpu-ref"}, "percpu-ref has no designs; use check"),
        ({"scenario": "special", "callers": ("any",)}, "is another with each number of callers"),
        ({"callers": ("all",)}, "callers must be a whole number, not the str 'all'"),
    ],
)
def test_a_table_that_cannot_be_is_refused_before_its_first_row(
    arguments: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gupcore.table.row", lambda *_: pytest.fail("a row was judged"))
    with pytest.raises(ScenarioError, match=says):
        table(**arguments)


def test_a_scenario_without_callers_has_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gupcore.checker.maker.SCENARIOS", dict(SCENARIOS))

    @scenario("alone")
    def alone(design: Any = "cure") -> Scenario:
        return race(design)

    with pytest.raises(ScenarioError, match="The scenario alone has no callers; use check"):
        planned("alone")


@pytest.mark.parametrize("name", [name for name, make in SCENARIOS.items() if make.has_designs])
def test_the_callers_of_a_table_by_default_are_few_where_they_make_many_threads(name: str) -> None:
    make = SCENARIOS[name]
    callers = usual_callers(make)
    assert callers in (range(1, 2), range(1, 3))
    assert len(make(callers=callers[-1]).threads) <= MOST_THREADS
    assert (len(callers) == 1) == (name in ("munmap", "munmap-dax"))
    assert planned(name).callers == callers


# --- What each protection is needed for -----------------------------------------------------------

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


def test_what_each_protection_of_the_cure_is_needed_for() -> None:
    found = {
        need.protection: (need.row.scenario, need.rules) if need.row else None
        for need in needs("cure")
    }
    assert found == NEEDED


def test_needs_in_words() -> None:
    by_name = {need.protection: str(need) for need in needs("v5.11", callers=(1,))}
    assert "needed in seed-race with 1 caller: struct page exists: fails in 10" in by_name["check"]
    assert "not needed: nothing fails in" in by_name["recheck"]


def test_needs_pass_over_scenarios_that_a_design_does_not_go_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def holds(scenario: str, design: Design, callers: int) -> Row:
        SCENARIOS[scenario](design, callers)
        tried.add(scenario)
        return Row(scenario, design, callers, 0, ())

    tried: set[str] = set()
    monkeypatch.setattr("gupcore.table.row", holds)
    assert all(need.row is None for need in needs("v6.1"))
    assert tried == set(SCENARIOS) - {"block-io", "percpu-ref", "patch"}


def test_unknown_names() -> None:
    with pytest.raises(ScenarioError, match="no scenario 'x'; choose seed-race, rebind"):
        row("x", "cure")
    with pytest.raises(ScenarioError, match="no design 'x'"):
        list(needs("x"))
