"""The slides, from a server and from disk, on a desk and in a hand."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hand import BUG, Hand
from playwright.sync_api import expect
from test_axe import faint_text, structural_barriers
from test_pages import is_too_wide
from visit import Visit


def test_keys_turn_them_and_a_player_keeps_its_own(
    page_at: Callable[..., Visit], book_url: str
) -> None:
    visit = page_at()
    page = visit.page
    page.goto(book_url + "slides.html")
    place = page.locator("#place")
    count = page.locator(".slide").count()
    expect(place).to_have_text(f"1 / {count}")
    page.keyboard.press("ArrowLeft")
    expect(place).to_have_text(f"1 / {count}")
    page.keyboard.press("ArrowRight")
    expect(place).to_have_text(f"2 / {count}")
    expect(page.locator(".slide").nth(1)).to_be_focused()
    hand = Hand(page)
    hand.take(BUG)
    assert "oops" in hand.text(".gup-last")
    page.keyboard.press("ArrowLeft")
    assert hand.schedule == BUG[:-1]
    expect(place).to_have_text(f"2 / {count}")
    page.locator(".slide").nth(1).focus()
    for _ in range(count):
        page.keyboard.press("ArrowRight")
    expect(place).to_have_text(f"{count} / {count}")
    visit.assert_quiet()


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_they_can_be_read_in_a_hand(
    page_at: Callable[..., Visit], book_url: str, color_scheme: str
) -> None:
    visit = page_at(360, color_scheme)
    page = visit.page
    page.goto(book_url + "slides.html")
    page.locator("#on").click()
    expect(page.locator("#place")).to_have_text("2 / " + str(page.locator(".slide").count()))
    assert not is_too_wide(page)
    found = structural_barriers(page) + faint_text(page)
    assert not found, "\n".join(found)
    visit.assert_quiet()


def test_their_links_lead_to_pages(page_at: Callable[..., Visit], book: Path) -> None:
    page = page_at().page
    page.goto((book / "slides.html").as_uri())
    links = page.locator("main a[href]").evaluate_all("all => all.map((link) => link.href)")
    ours = {link.partition("#")[0] for link in links if link.startswith("file:")}
    assert ours
    for link in ours:
        assert Path(link.removeprefix("file://")).is_file(), link
    page.goto((book / "book" / "for_teachers.html").as_uri())
    page.get_by_role("link", name="The slides of this lesson").click()
    expect(page).to_have_title("Slides: Who Holds the Page?")
