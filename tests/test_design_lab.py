"""The design lab in a live notebook: stock widgets, and a checker behind them."""

import json

import pytest

from gupcore import DESIGNS, SCENARIOS, ScenarioError, check, race
from gupcore import lab as module
from gupcore.kernel.design import BROADCAST, IPI
from gupcore.lab import OFF, ON, SWITCHES, DesignLab, variants
from gupcore.player import Player


@pytest.fixture
def lab() -> DesignLab:
    return DesignLab()


def test_it_begins_with_a_design_as_it_is(lab: DesignLab) -> None:
    assert lab.design() is DESIGNS["v5.11"]
    assert str(lab.report) == str(check(race("v5.11")))
    assert lab.player.design == "v5.11"
    assert {switch.value for switch in lab.switches.values()} == {ON}


@pytest.mark.parametrize("field", SWITCHES.values())
def test_each_switch_takes_one_protection_away(lab: DesignLab, field: str) -> None:
    lab.switches[field].value = OFF
    assert lab.report.scenario.design == lab.design()
    assert not getattr(lab.design(), field)
    others = [name for name in SWITCHES.values() if name != field]
    assert all(getattr(lab.design(), name) for name in others)
    lab.switches[field].value = ON
    assert lab.design() is DESIGNS["v5.11"]


def test_the_verdict_follows_at_once(lab: DesignLab) -> None:
    assert lab.report["struct page exists"].status == "holds"
    lab.switches["check"].value = OFF
    assert lab.report["struct page exists"].status == "fails"
    assert "fails in 10 steps" in lab.verdict.value
    assert lab.player.board["designs"][0]["states"] == len(lab.report.graph.states)
    lab.flush.value = BROADCAST
    assert lab.report.scenario.design.tlb_flush == BROADCAST


def test_another_start_sets_every_switch(lab: DesignLab) -> None:
    lab.start.value = "cure"
    assert lab.design() is DESIGNS["cure"]
    assert lab.report.status == "holds"
    assert lab.switches["check"].value == OFF
    assert tuple(lab.unbind.value) == DESIGNS["cure"].unbind
    assert lab.flush.value == BROADCAST
    lab.start.value = "cure-ipi"
    assert lab.flush.value == IPI


def test_the_order_of_unbind_is_the_readers(lab: DesignLab) -> None:
    lab.start.value = "cure"
    lab.unbind.value = [phase for phase in lab.unbind.value if phase != "dev_pagemap_cleanup"]
    assert lab.report.scenario.design.unbind == DESIGNS["cure-no-wait"].unbind
    assert str(lab.report) == str(check(race(lab.design())))
    assert lab.report["struct page exists"].status == "fails"


def test_scenario_and_settings_are_asked_for_as_they_stand(lab: DesignLab) -> None:
    lab.callers.value = 2
    lab.pte.value = "absent"
    lab.access.value = "write"
    wanted = {"callers": 2, "pte": "absent", "access": "write"}
    assert dict(lab.report.scenario.settings) == wanted
    lab.pte.value = "present"
    lab.scenario.value = "stores"
    assert lab.report.scenario.name == "stores"
    assert (lab.callers.disabled, lab.pte.disabled, lab.access.disabled) == (False, True, True)


def test_what_cannot_be_set_up_is_a_sentence_and_the_last_report_stays(lab: DesignLab) -> None:
    before = lab.report
    lab.callers.value = 0
    assert lab.verdict.value == '<p role="alert">callers must be 1 to 8, not 0.</p>'
    assert lab.report is before
    lab.callers.value = 1
    assert "alert" not in lab.verdict.value
    with pytest.raises(ScenarioError, match="There is no scenario 'sleep'"):
        DesignLab("sleep")
    with pytest.raises(ScenarioError, match="There is no design 'v4'"):
        DesignLab(design="v4")


def test_a_search_that_is_too_long_is_cut_off_and_says_so() -> None:
    lab = DesignLab(callers=2, limit=500)
    assert not lab.report.graph.complete
    assert "undetermined" in lab.verdict.value
    assert lab.player.board["designs"][0]["outcomes"] is None


def test_no_scenario_without_designs_is_offered(lab: DesignLab) -> None:
    assert set(lab.scenario.options) == set(SCENARIOS) - {"percpu-ref", "patch"}


# --- The page's own lab ---------------------------------------------------------------------------


def test_every_combination_ships_once_and_is_what_its_switches_say() -> None:
    found = {}
    for scenario, chosen in variants():
        design = scenario.design
        found[tuple(chosen.values())] = scenario
        assert design.unbind == DESIGNS[chosen["order of unbind"]].unbind
        for name, field in SWITCHES.items():
            assert getattr(design, field) == (chosen.get(name, ON) == ON)
        pte, _, flush = chosen["start, TLB flush"].removeprefix("PTE ").partition(", ")
        assert dict(scenario.settings) == ({} if pte == "present" else {"pte": "absent"})
        assert design.tlb_flush == (flush or BROADCAST)
    assert len(found) == 8 * 3 * 2**4
    assert len({scenario.design.name for scenario in found.values()}) == len(found)


def test_what_a_page_keeps_of_the_lab_is_a_player_with_switches(
    lab: DesignLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = list(variants())[:4]

    def shipped() -> Player:
        scenarios, switches = zip(*few, strict=True)
        return Player(*map(check, scenarios), switches=switches)

    monkeypatch.setattr(module, "shipped", shipped)
    bundle = lab._repr_mimebundle_()
    assert bundle["text/plain"] == "DesignLab()"
    assert bundle["text/html"] == shipped().to_html()
    board = shipped().board
    assert [name for name, _ in board["switches"]] == list(few[0][1])
    for (_, chosen), design in zip(few, board["designs"], strict=True):
        settings = zip(board["switches"], design["switches"], strict=True)
        assert {name: all_of[n] for (name, all_of), n in settings} == chosen
    assert json.dumps(board)


def test_with_an_absent_pte_no_switch_of_gup_fast_changes_a_verdict() -> None:
    """As the workbench says."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for scenario, chosen in variants():
        if chosen["start, TLB flush"] == "PTE absent":
            statuses = tuple(verdict.status for verdict in check(scenario).verdicts)
            found.setdefault(chosen["order of unbind"], set()).add(statuses)
    assert [len(statuses) for statuses in found.values()] == [1] * 8
    assert len(set.union(*found.values())) > 1
