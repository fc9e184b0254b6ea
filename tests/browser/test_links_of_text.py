"""The text's links to steps: each takes the player there, in sight, and Back undoes it."""

import json
from collections.abc import Callable
from pathlib import Path
from runpy import run_path

import pytest
from hand import CHAPTER, Hand
from playwright.sync_api import Page, expect
from shipped import NOTEBOOKS, boards_in, page_of, players_made_by
from visit import Visit

EXTENSION = run_path(str(Path(__file__).parents[2] / "book" / "_ext" / "show_step.py"))
links, MARK = EXTENSION["links"], EXTENSION["MARK"]
LINKED = [path for path in NOTEBOOKS if MARK.search(path.read_text())]
SCREEN = (
    "stage => stage.getBoundingClientRect().top >= 0 && stage.getBoundingClientRect().top < 150"
)


@pytest.mark.parametrize("path", LINKED, ids=lambda path: path.stem)
def test_each_link_shows_its_step(
    page_at: Callable[..., Visit], book_over_http: str, path: Path
) -> None:
    visit = page_at(360)
    visit.page.emulate_media(reduced_motion="reduce")
    visit.page.goto(book_over_http + page_of(path))
    wanted = [link for _, _, link in links(json.loads(path.read_text())["cells"])]
    shown = visit.page.locator("a.gup-show")
    assert [link.get_attribute("href") for link in shown.all()] == [link.href for link in wanted]
    made = players_made_by(path)
    boards = boards_in(visit.page)
    for link, to in zip(shown.all(), wanted, strict=True):
        link.click()
        hand = Hand(visit.page, to.nth)
        expect(hand.player).to_be_focused()
        assert hand.schedule == to.schedule
        title = hand.player.locator(".gup-panel-words > .gup-title")
        assert title.text_content() == f"In words: {to.design}"
        reports = made[json.dumps(boards[to.nth])]
        (report,) = (r for r in reports if r.scenario.design.name == to.design)
        said = report.replay(to.schedule)[-1].said
        assert said in (hand.player.locator(".gup-said").text_content() or "")
        assert hand.text(".gup-note") == ""
        assert hand.player.locator(".gup-stage").evaluate(SCREEN)
    visit.assert_quiet()


def show(page: Page) -> tuple[Hand, float]:
    """Follow the link after *Must it be close?*; return the player, and where the link was."""
    link = page.locator("#must-it-be-close a.gup-show").first
    link.scroll_into_view_if_needed()
    height = page.evaluate("scrollY")
    link.click()
    hand = Hand(page)
    expect(hand.player.locator(".gup-schedule")).to_have_text("222222221111")
    return hand, height


@pytest.fixture
def page(page_at: Callable[..., Visit], book_url: str) -> Page:
    page = page_at().page
    page.goto(book_url + CHAPTER)
    return page


def test_a_link_can_be_followed_again(page: Page) -> None:
    hand, height = show(page)
    for steps in ("", "1"):
        hand.player.focus()
        hand.press("back")
        hand.take(steps)
        page.evaluate("height => scrollTo(0, height)", height)
        show(page)
        assert hand.player.locator(".gup-stage").evaluate(SCREEN)
    page.evaluate("height => scrollTo(0, height)", height)
    show(page)
    assert hand.player.locator(".gup-stage").evaluate(SCREEN), "nothing has changed in between"


def test_back_leads_to_the_text_and_undoes_what_the_link_did(page: Page) -> None:
    Hand(page).take("22")
    hand, height = show(page)
    page.go_back()
    expect(hand.player.locator(".gup-schedule")).to_have_text("22")
    page.wait_for_function("height => Math.abs(scrollY - height) < 100", arg=height)
    expect(page.locator("#must-it-be-close a.gup-show").first).to_be_focused()
    page.go_forward()
    expect(hand.player.locator(".gup-schedule")).to_have_text("222222221111")


def test_back_at_once_leads_to_the_start(page: Page) -> None:
    """Nobody has touched the player before, and the address named no step."""
    hand, height = show(page)
    page.go_back()
    page.wait_for_function("height => Math.abs(scrollY - height) < 100", arg=height)
    assert hand.schedule == ""


def test_by_keys_and_by_ear(page: Page) -> None:
    link = page.locator("#must-it-be-close a.gup-show").first
    expect(link).to_have_accessible_name("Show step 12 in the player, under no-check")
    assert link.inner_text().strip() == "▸ show"
    link.focus()
    page.keyboard.press("Enter")
    hand = Hand(page)
    expect(hand.player).to_be_focused()
    assert "Touches the struct page, which is gone" in hand.heard
    page.keyboard.press("ArrowLeft")
    assert hand.schedule == "22222222111"


def test_without_javascript_there_is_only_the_text(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    page = page_at(javascript=False).page
    page.goto(book_over_http + CHAPTER)
    assert page.locator("a.gup-show").count()
    assert page.locator("a.gup-show:visible").count() == 0
