"""The design lab of the page: switches, the verdict at once, its counterexample in the player."""

import re
from collections.abc import Callable

import pytest
from hand import Hand
from playwright.sync_api import Locator, expect
from visit import Visit

from gupcore import check
from gupcore.lab import variants


class Lab(Hand):
    """A reader's hand on the switches."""

    def radio(self, switch: str, setting: str) -> Locator:
        group = self.player.get_by_role("group", name=switch, exact=True)
        return group.get_by_role("radio", name=re.compile(f"^{re.escape(setting)}( [✓✗]|$)"))

    def turn(self, switch: str, setting: str) -> None:
        self.radio(switch, setting).check()


@pytest.fixture
def lab(page_at: Callable[..., Visit], book_over_http: str) -> Lab:
    page = page_at().page
    page.emulate_media(reduced_motion="reduce")
    page.goto(book_over_http + "book/workbench.html")
    return Lab(page, nth=1)


def standing(lab: Lab) -> dict[str, str]:
    """Return how the switches stand."""
    return {
        group.get_by_role("radio").first.evaluate(
            "(e) => e.closest('fieldset').querySelector('legend').textContent"
        ): group.locator("label:has(input:checked) b").first.inner_text()
        for group in lab.player.locator(".gup-switches fieldset").all()
    }


def test_every_combination_that_a_switch_leads_to_is_judged(lab: Lab) -> None:
    shipped = list(variants())
    assert len(shipped) == 384
    assert len({tuple(chosen.items()) for _, chosen in shipped}) == len(shipped)
    for scenario, chosen in shipped[::37]:
        for switch, setting in chosen.items():
            lab.turn(switch, setting)
        assert standing(lab) == chosen
        report = check(scenario)
        caption = lab.text(".gup-tried")
        assert caption == f"Every schedule was tried: {len(report.graph.states)} states"
        rows = lab.player.locator(".gup-verdicts tbody tr").all()
        failing = [verdict for verdict in report.verdicts if verdict.status != "holds"]
        for verdict, row in zip(failing, rows, strict=True):
            assert verdict.rule.name in row.inner_text()
            assert verdict.in_short() in row.inner_text()
            assert verdict.schedule in row.inner_text()


def test_each_setting_says_what_it_would_lead_to(lab: Lab) -> None:
    lab.turn("order of unbind", "cure")
    for switch, setting in (("pgmap check", "off"), ("order of unbind", "unmap-first")):
        before = lab.player.locator(".gup-switches label", has_text=setting)
        promised = {label.text_content() or "" for label in before.all() if label.is_visible()}
        lab.turn(switch, setting)
        failing = lab.player.locator(".gup-verdicts tr.gup-fails").count()
        mark = f"✗ {failing} broken" if failing else "✓ all hold"
        assert any(mark in text for text in promised)


def test_a_verdict_can_be_predicted_first(lab: Lab) -> None:
    lab.turn("pgmap check", "off")
    lab.player.locator('[data-do="open verdict"]').click()
    everything = lab.player.inner_text()
    assert "broken" not in everything
    assert "all hold" not in everything
    assert "Predict, then open the verdict." in everything
    lab.turn("pgmap check", "on")
    assert "all hold" not in lab.player.inner_text()
    assert lab.text(".gup-status") == "Choose which thread takes the next step."
    lab.player.locator('[data-do="open verdict"]').click()
    assert "all hold" in lab.player.inner_text()


def test_the_counterexample_is_loaded_into_the_player(lab: Lab) -> None:
    lab.turn("pgmap check", "off")
    lab.player.get_by_role("button", name="Show me: struct page exists").click()
    while lab.player.locator('[data-do="next"]').get_attribute("aria-disabled") is None:
        lab.press("next")
    assert lab.text(".gup-breaks") == "breaks: struct page exists"
    assert lab.text(".gup-status").startswith("Oops")
    lab.turn("pgmap check", "on")
    expect(lab.player.locator(".gup-stopped")).to_have_count(0)
    assert lab.schedule == "2222221111", "the same steps, and another end"


def test_the_switches_by_keyboard(lab: Lab) -> None:
    lab.radio("pgmap check", "on").focus()
    lab.page.keyboard.press("ArrowRight")
    assert standing(lab)["pgmap check"] == "off"
    expect(lab.radio("pgmap check", "off")).to_be_focused()
    lab.page.keyboard.press("2")
    assert lab.schedule == "2"


def test_a_link_to_a_combination(lab: Lab, page_at: Callable[..., Visit]) -> None:
    lab.turn("order of unbind", "cure-no-drain")
    lab.turn("second look at the PTE", "off")
    lab.take("12")
    wanted = standing(lab)
    expect(lab.page).to_have_url(re.compile(r".*:12$"))
    page = page_at().page
    page.goto(lab.page.url)
    other = Lab(page, nth=1)
    assert standing(other) == wanted
    assert other.schedule == "12"
