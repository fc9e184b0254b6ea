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
    hits = visit.page.locator("#search-results li a")
    hits.first.wait_for()
    assert any("06_pagemap" in (hit.get_attribute("href") or "") for hit in hits.all())
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


def test_a_notebook_can_be_taken_along(
    page_at: Callable[..., Visit], book_over_http: str, book: Path
) -> None:
    page = page_at().page
    for notebook in [*ROOT.glob("chapters/*.ipynb"), *ROOT.glob("book/*.ipynb")]:
        name = notebook.relative_to(ROOT)
        page.goto(f"{book_over_http}{name.with_suffix('.html')}")
        link = page.locator("a.btn-download-source-button").get_attribute("href")
        assert link
        file = (book / name).parent / link
        assert file.read_bytes() == notebook.read_bytes()


def test_without_javascript_a_player_is_a_list(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    page = page_at(javascript=False).page
    players = 0
    for name in PAGES:
        page.goto(f"{book_over_http}{name}.html")
        for player in page.locator(".gup-player").all():
            players += 1
            for summary in player.locator("xpath=ancestor::details[not(@open)]/summary").all():
                summary.click()
            assert player.locator("ol > li").first.is_visible()
    assert players
