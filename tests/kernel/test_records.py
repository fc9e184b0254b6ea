"""The records of real kernels: their form, what must be true of them, and the model beside them."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import shape
from scenarios import SCENARIOS

from gupcore import Design, Machine, Thread, race
from gupcore.checker.machine import CALLER as HOLDER
from gupcore.checker.step import Effect, models
from gupcore.evidence import records
from gupcore.evidence.conformance import CALLER, KERNELS, TRACES, UNBIND, Trace, follow, known
from gupcore.kernel.gup import GupFast
from gupcore.kernel.machine import PGMAP
from gupcore.kernel.map import ACTIONS
from gupcore.kernel.pte import pte_pfn
from gupcore.kernel.steps import cpu as on_cpu
from gupcore.kernel.steps.page_table import ptep_get_lockless
from gupcore.kernel.steps.pagemap import put_dev_pagemap
from gupcore.kernel.steps.struct_page import get_page

Part = dict[str, Any]  # of a record: all of it, the run of a scenario, or a counted call

DATA = Path(__file__).parents[2] / "gupcore/evidence/data"
RECORDS: dict[str, Part] = {
    path.stem: json.loads(path.read_text()) for path in sorted(DATA.glob("kernel-*.json"))
}
ABLATION = json.loads((DATA / "ablation-6.1.json").read_text())
MODELLED = {name: made for name, made in RECORDS.items() if made["kernel"]["version"] in KERNELS}
FOLLOWED = [
    pytest.param(made, trace, id=f"{name}-{trace.scenario}-{trace.caller}")
    for name, made in MODELLED.items()
    for trace in TRACES
    if trace.scenario in made["scenarios"] and not made["scenarios"][trace.scenario]["stopped"]
]


def run(name: str, version: str = "6.1") -> Part:
    scenario: Part = RECORDS[f"kernel-{version}"]["scenarios"][name]
    return scenario


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_has_its_form_and_its_shape(name: str) -> None:
    shape.validate(RECORDS[name])
    assert shape.complaints(RECORDS[name]) == []


@pytest.mark.parametrize("name", ["kernel-6.1", "kernel-6.12-arm64"])
def test_the_default_kernel_of_a_machine_has_run_everything(name: str) -> None:
    assert list(RECORDS[name]["scenarios"]) == list(SCENARIOS)
    assert set(shape.CHECKS) == set(SCENARIOS)


def test_a_record_says_by_its_name_whose_it_is() -> None:
    assert records.versions() == ["5.10", "6.1", "6.12", "6.12-arm64", "7.3"]
    for name in records.versions():
        kernel = records.load(name)["kernel"]
        version, _, machine = name.partition("-")
        assert kernel["version"] == version
        assert kernel["release"].endswith(f"-{machine or 'amd64'}")


def test_the_table_names_functions_that_steps_stand_for() -> None:
    functions = {action.source.function for action in ACTIONS}
    assert {*CALLER.values(), *UNBIND.values()} - {None} <= functions


@pytest.mark.parametrize(("made", "trace"), FOLLOWED)
def test_the_model_can_do_what_the_kernel_did(made: Part, trace: Trace) -> None:
    followed = trace.of(made)
    events = made["scenarios"][trace.scenario]["events"]
    assert followed.accepted, f"parted at {events[followed.parted]}"
    assert followed.events >= 7


@pytest.mark.parametrize(("made", "trace"), FOLLOWED)
def test_the_model_dies_where_the_kernel_died(made: Part, trace: Trace) -> None:
    oopses = made["scenarios"][trace.scenario]["oopses"]
    assert trace.of(made).dies == bool(oopses)


@models("get_dev_pagemap", "mm/memremap.c", writes=(PGMAP,), takes=((PGMAP, HOLDER),))
def my_lookup(m: Machine) -> Effect:
    """Take a reference on the pgmap, unless it is dying."""
    if m.the_pgmap().dead:
        return Effect(m, "Is refused.", False)
    return Effect(m.with_pgmap_refs(+1), "Takes a reference.", True)


def my_gup_fast(cpu: int, address: int, pages: int, flags: int, design: Design) -> Thread:
    yield on_cpu.local_irq_save(cpu)
    pte = yield ptep_get_lockless(address)
    live = yield my_lookup()
    if live:
        yield get_page(pte_pfn(pte))
        yield put_dev_pagemap()
    yield on_cpu.local_irq_restore(cpu)
    return (pte_pfn(pte),) if live else ()


def forgetful_gup_fast(cpu: int, address: int, pages: int, flags: int, design: Design) -> Thread:
    yield on_cpu.local_irq_save(cpu)
    pte = yield ptep_get_lockless(address)
    yield get_page(pte_pfn(pte))
    yield on_cpu.local_irq_restore(cpu)
    return (pte_pfn(pte),)


@pytest.mark.parametrize(("gup_fast", "fits"), [(my_gup_fast, True), (forgetful_gup_fast, False)])
def test_a_readers_own_steps_are_followed_by_what_they_declare(
    gup_fast: GupFast, fits: bool
) -> None:
    events = known(run("hold")["events"])
    assert [event.answer for event in events].count(True) == 1
    assert follow(race("v6.1", gup_fast=gup_fast), events).accepted == fits


@pytest.mark.parametrize("trace", TRACES[:2], ids=["direct-io", "hold"])
def test_the_unbind_of_another_version_parts_from_the_trace(trace: Trace) -> None:
    followed = trace.of(RECORDS["kernel-6.1"], "v5.11")
    assert not followed.accepted
    assert followed.parted is not None
    event = run(trace.scenario)["events"][followed.parted]
    assert event[2:4] in (["thread 1", "__bio_release_pages"], ["thread 1", "fact pin.ends now"])


def test_an_order_that_the_model_does_not_have_is_refused() -> None:
    made = copy.deepcopy(RECORDS["kernel-6.1"])
    events = made["scenarios"]["probes"]["events"]
    names = [event[3] for event in events]
    first, last = names.index("memunmap_pages"), names.index("arch_remove_memory")
    events[first], events[last] = events[last], events[first]
    followed = TRACES[2].of(made)
    assert not followed.accepted
    assert followed.parted is not None
    assert first <= followed.parted <= last


def test_a_lookup_that_answers_yes_too_late_is_refused() -> None:
    made = copy.deepcopy(RECORDS["kernel-6.1"])
    events = made["scenarios"]["probes"]["events"]
    for event in events:
        if event[2] == "gup-read-vmsplice" and event[3] == "get_dev_pagemap: none":
            event[3] = "get_dev_pagemap: found"
    assert not TRACES[2].of(made).accepted


def test_an_oops_lies_in_the_struct_page_of_the_pinned_frame() -> None:
    for name in ("direct-io", "hold", "cure-hold", "cure-direct-io"):
        pfn = int(records.facts(run(name))["pte.before"].removeprefix("pfn "), 16)
        address = int(run(name)["oopses"][0]["address"], 16)
        assert address & 0xFFFFFFFF == pfn * 64 + 8, name


# With 48 bits of address, nokaslr, and memory from 1 GiB on: VMEMMAP_START in asm/memory.h, 6.12.
@pytest.mark.parametrize(
    "name", ["direct-io", "hold", "probes-blind", "cure-hold", "cure-direct-io"]
)
def test_on_arm64_the_struct_pages_begin_at_the_first_frame_of_memory(name: str) -> None:
    made = run(name, "6.12-arm64")
    start, pfn, byte = records.struct_page(made, first=0x40000)
    assert (start, byte) == ((1 << 64) - (1 << 30) - (1 << 41), 8)
    assert pfn >= 0x60000  # the device's


@pytest.mark.parametrize(("made", "trace"), FOLLOWED)
def test_side_by_side_every_known_event_and_every_step_is_there(made: Part, trace: Trace) -> None:
    beside = records.SideBySide(made, trace)
    rows = beside.rows()
    followed = beside.followed
    assert len(rows) == followed.events + 1
    taken = "".join(str(moment.thread) for *_, steps in rows for moment in steps)
    assert taken == followed.schedule
    text, page = repr(beside), beside._repr_html_()
    assert all(what in text and f"<code>{what}</code>" in page for _, _, what, _ in rows[1:])


def test_who_waited_is_read_off_the_order_of_facts() -> None:
    unbind = [["unbind", "begins"], ["unbind", "returns"]]
    assert records.waited({"facts": [unbind[0], ["pin.ended", "now"], unbind[1]]})
    assert not records.waited({"facts": [*unbind, ["pin.ended", "now"]]})
    assert not records.waited({"facts": unbind})


def test_an_address_elsewhere_is_no_struct_page() -> None:
    made = copy.deepcopy(run("hold"))
    made["oopses"][0]["address"] = "0xffffea0000000000"
    with pytest.raises(ValueError, match="does not lie in the struct page"):
        records.struct_page(made)


def test_a_line_says_how_far_off_the_counts_are() -> None:
    assert records.line({1: 15, 2: 25, 4: 45}) == (5.0, 10.0, 0.0)
    assert records.line({1: 15, 2: 29, 4: 45}).off == 4


# --- What must not go unnoticed --------------------------------------------------------------


def altered(scenario: str, change: Callable[[Part], object]) -> list[str]:
    made = copy.deepcopy(RECORDS["kernel-6.1"])
    change(made["scenarios"][scenario])
    return shape.complaints(made)


def set_fact(name: str, value: str) -> Callable[[Part], None]:
    def change(scenario: Part) -> None:
        scenario["facts"] = [[n, value if n == name else v] for n, v in scenario["facts"]]

    return change


def costs(change: Callable[[Part], None]) -> Callable[[Part], None]:
    def change_all(scenario: Part) -> None:
        for cost in scenario["costs"]:
            change(cost)

    return change_all


def dearer(cost: Part) -> None:
    if (cost["memory"], cost["call"], cost["pages"]) == ("fsdax", "fast", 16):
        cost["least"] += 1000


def swapped(cost: Part) -> None:
    cost["call"] = {"fast": "slow", "slow": "fast"}.get(cost["call"], cost["call"])


@pytest.mark.parametrize(
    ("scenario", "change"),
    [
        ("direct-io", lambda s: s["facts"].insert(0, ["io.result", "4096"])),
        ("hold", lambda s: s["oopses"].clear()),
        ("probes", set_fact("gup-read-vmsplice.still", "waits")),
        ("probes", set_fact("store.result", "0x5a")),
        ("probes-blind", lambda s: s["oopses"].clear()),
        ("zapped-after", set_fact("load.result", "0xa5")),
        ("zapped-before", lambda s: s["oopses"].append(run("hold")["oopses"][0])),
        ("cure", set_fact("gup-read-vmsplice.result", "4096")),
        ("cure-hold", lambda s: s["oopses"].clear()),
        ("cure-direct-io", lambda s: s["facts"].insert(0, ["io.result", "4096"])),
        ("cure-waits-hold", lambda s: s["facts"].insert(0, ["unbind", "returns"])),
        ("cure-waits-direct-io", lambda s: s["oopses"].append(run("hold")["oopses"][0])),
        ("rebind", set_fact("load.result", "0xa5")),
        ("two-cpus", lambda s: s["events"].clear()),
        ("two-cpus", lambda s: s["events"].reverse()),
        ("cost", lambda s: s.update(repeats=False)),
        ("cost", costs(dearer)),
        ("cost", costs(swapped)),
        ("cost", lambda s: s["costs"].clear()),
        ("cost", lambda s: s.update(stopped=True)),
        ("cost", lambda s: s["facts"].remove(["end", "cost"])),
    ],
)
def test_a_record_of_another_shape_is_complained_about(
    scenario: str, change: Callable[[Part], object]
) -> None:
    found = altered(scenario, change)
    assert found
    assert all(complaint.startswith(f"{scenario}: ") for complaint in found)


def test_a_scenario_that_did_not_run_is_complained_about() -> None:
    made = copy.deepcopy(RECORDS["kernel-6.1"])
    del made["scenarios"]["cost"]
    assert shape.complaints(made) == ["cost: is missing."]
    assert shape.complaints(made, whole=False) == []


def test_the_ablation_has_its_form_and_its_shape() -> None:
    shape.validate(ABLATION, shape.ABLATION)
    assert shape.ablation_complaints(ABLATION) == []


def cheaper(cost: Part) -> None:
    if (cost["memory"], cost["call"], cost["pages"]) == ("fsdax-2M", "fast", 16):
        cost["least"] = 1


def dearer_everywhere(cost: Part) -> None:
    cost["least"] += cost["memory"] == "anonymous"


@pytest.mark.parametrize(
    ("change", "about"), [(cheaper, "fsdax-2M, 16 pages: not"), (dearer_everywhere, "anonymous: ")]
)
def test_an_ablation_of_another_shape_is_complained_about(
    change: Callable[[Part], None], about: str
) -> None:
    made = copy.deepcopy(ABLATION)
    for cost in made["ways"]["always gup-slow"] + made["ways"]["as it is"]:
        change(cost)
    found = shape.ablation_complaints(made)
    assert found
    assert all(complaint.startswith(about) for complaint in found)


def test_an_ablation_that_lacks_a_way_is_complained_about() -> None:
    made = copy.deepcopy(ABLATION)
    made["ways"]["no lookup"].clear()
    assert len(shape.ablation_complaints(made)) == 5


def test_a_record_of_another_form_is_refused() -> None:
    made = copy.deepcopy(RECORDS["kernel-6.1"])
    made["scenarios"]["cost"]["seconds"] = 1
    with pytest.raises(jsonschema.ValidationError):
        shape.validate(made)
