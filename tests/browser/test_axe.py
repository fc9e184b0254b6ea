"""Every page, as axe-core judges it: nothing in it is a serious barrier to a reader."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from test_pages import PAGES
from visit import Visit

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SERIOUS = ("serious", "critical")
CLOSED = '.gup [aria-expanded="false"], .bd-article details:not([open]) > summary'

# Whoever scrolls down and a little back is offered a way to the top.
SCROLL = """
async () => {
  for (const top of [600, 400]) {
    scrollTo({ top, behavior: "instant" });
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  }
}
"""


def open_everything(page: Page) -> None:
    """Press whatever unfolds something, in the players and around them."""
    for closed in page.query_selector_all(CLOSED):
        closed.click()


def barriers(page: Page, contrast: bool) -> list[str]:
    """Return a line for each: the rule that is broken, how badly, where, and why."""
    rules = {"color-contrast": {"enabled": contrast}}
    options = {"runOnly": TAGS, "resultTypes": ["violations"], "rules": rules}
    return [
        f"{rule['id']} ({node['impact']}) at {' '.join(node['target'])}: {reason(node)}"
        for rule in Axe().run(page, options=options).response["violations"]
        for node in rule["nodes"]
        if node["impact"] in SERIOUS
    ]


def reason(node: dict[str, Any]) -> str:
    return str([*node["any"], *node["all"], *node["none"]][0]["message"])


# What axe looks for depends on the width or on the colours, and not on both at once.  Its look at
# the colours takes longest, and what is folded has the colours of what is not.
@pytest.mark.parametrize(("color_scheme", "width"), [("light", 1280), ("dark", 390)])
@pytest.mark.parametrize("name", [*PAGES, "search"])
def test_no_barrier(
    page_at: Callable[..., Visit], book_over_http: str, name: str, color_scheme: str, width: int
) -> None:
    page = page_at(width, color_scheme).page
    page.emulate_media(reduced_motion="reduce")  # no colour halfway between two others
    page.goto(f"{book_over_http}{name}.html")
    page.evaluate(SCROLL)
    closed = page.locator(CLOSED).count()
    found = barriers(page, contrast=not closed)
    if closed:
        open_everything(page)
        found += barriers(page, contrast=True)
    assert not found, "\n".join(["serious barriers:", *dict.fromkeys(found)])
