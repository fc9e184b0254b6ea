"""Every page, from a server by day and from disk by night, on a desk and in a hand."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page
from sphinx_external_toc.parsing import parse_toc_yaml
from visit import Visit

ROOT = Path(__file__).parents[2]
# The table of contents names the chapters by patterns, which its reader leaves as they are.
CHAPTERS = [f"chapters/{notebook.stem}" for notebook in ROOT.glob("chapters/*.ipynb")]
PAGES = sorted({*parse_toc_yaml(ROOT / "_toc.yml"), *CHAPTERS})
TOO_WIDE = "() => document.scrollingElement.scrollWidth > window.innerWidth"


def is_too_wide(page: Page) -> bool:
    return bool(page.evaluate(TOO_WIDE))


@pytest.mark.parametrize("name", [*PAGES, "search"])
def test_page_is_clean(page_at: Callable[..., Visit], book_url: str, name: str) -> None:
    color_scheme = "dark" if book_url.startswith("file") else "light"
    visit = page_at(360, color_scheme)
    visit.page.goto(f"{book_url}{name}.html")
    assert visit.page.title().endswith("Who Holds the Page?")
    assert visit.page.locator("html").get_attribute("data-theme") == color_scheme
    assert visit.page.locator("svg .missing").count() == 0, "an icon was left out"
    assert not is_too_wide(visit.page), "wider than a phone"
    visit.page.set_viewport_size({"width": 1280, "height": 800})
    assert not is_too_wide(visit.page), "wider than a desk"
    visit.assert_quiet()


def test_index_leads_to_the_welcome_page(page_at: Callable[..., Visit], book_url: str) -> None:
    visit = page_at()
    visit.page.goto(f"{book_url}index.html")
    visit.page.wait_for_url("**/book/intro.html")
    visit.assert_quiet()


def test_search_finds_what_is_looked_for(page_at: Callable[..., Visit], book_url: str) -> None:
    visit = page_at()
    visit.page.goto(f"{book_url}search.html?q=percpu_ref_kill")
    visit.page.locator("#search-results li a[href*='06_pagemap']").first.wait_for()
    visit.assert_quiet()


def test_next_leads_through_the_whole_book(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    page = page_at().page
    page.goto(f"{book_over_http}book/intro.html")
    walked = [page.url]
    while (onward := page.locator("a.right-next")).count():
        onward.click()
        page.wait_for_url(lambda url: url != walked[-1])
        back = page.locator("a.left-prev").evaluate("link => link.href")
        assert back == walked[-1]
        walked.append(page.url)
        assert len(walked) <= len(PAGES)
    names = [url.removeprefix(book_over_http).removesuffix(".html") for url in walked]
    assert sorted(names) == PAGES


def test_code_and_output_are_told_apart_by_ear(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    page = page_at().page
    for name in PAGES:
        page.goto(f"{book_over_http}{name}.html")
        for kind, called in (("cell_input", "Code"), ("cell_output", "Output")):
            shown = page.locator(f".{kind}").filter(visible=True).count()
            assert page.get_by_role("group", name=called, exact=True).count() == shown, name
    page.goto(f"{book_over_http}chapters/07_the_race.html")
    assert page.get_by_role("group", name="Code", exact=True).count() > 20


MEANS = "(link) => getComputedStyle(link, '::after').content"


@pytest.mark.parametrize("width", [1280, 360])
def test_a_word_of_the_glossary_says_what_it_means(
    page_at: Callable[..., Visit], book_over_http: str, width: int
) -> None:
    page = page_at(width).page
    for name in PAGES:
        page.goto(f"{book_over_http}{name}.html")
        words = page.locator(".bd-article a[href*='glossary.html#'], .bd-article a[data-means]")
        means = words.evaluate_all("all => all.map((link) => link.dataset.means ?? '')")
        assert all(said.endswith((".", "?")) for said in means), name
    page.goto(f"{book_over_http}chapters/07_the_race.html")
    word = page.get_by_role("link", name="unbinds").first
    assert word.evaluate(MEANS) == "none"
    for look in (word.hover, word.focus):
        look()
        assert "To take a driver off its device." in word.evaluate(MEANS)
        assert not is_too_wide(page)
        page.mouse.move(0, 0)
    page.keyboard.press("Tab")
    assert word.evaluate(MEANS) == "none"
    word.click()
    page.wait_for_url("**/book/glossary.html#unbind")


def test_without_javascript_a_player_is_a_list(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    page = page_at(javascript=False).page
    lists = 0
    for name in PAGES:
        page.goto(f"{book_over_http}{name}.html")
        for player in page.locator(".gup-player").all():
            for summary in player.locator("xpath=ancestor::details[not(@open)]/summary").all():
                summary.click()
            said = player.locator(".gup-fallback")
            if "every rule holds" not in said.inner_text():  # then there is no schedule to list
                assert said.locator("ol > li").first.is_visible()
                lists += 1
    assert lists > 20
