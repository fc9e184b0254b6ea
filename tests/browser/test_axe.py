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
PHONES = (390, 375, 360, 320)  # CSS pixels
LOOKS_AGAIN = 500  # milliseconds after which the theme has seen what can be pushed now
WIDTHS = ["scrollable-region-focusable", "target-size"]  # what a narrower phone can break
CONTRAST = "color-contrast"
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


# Marks one element of each look: of text in one colour, size and weight, before one background.
# Axe takes long to find out what lies behind an element, and a page has thousands that look alike.
MARK_LOOKS = """
() => {
  const backgrounds = new Map([[null, ""]]);
  const behind = (element) => {
    if (!backgrounds.has(element)) {
      const { backgroundColor, backgroundImage, opacity } = getComputedStyle(element);
      const own = [backgroundColor, backgroundImage, opacity, behind(element.parentElement)];
      backgrounds.set(element, own.join());
    }
    return backgrounds.get(element);
  };
  const isText = (node) => node.nodeType === Node.TEXT_NODE && node.data.trim();
  const seen = new Set();
  for (const element of document.body.querySelectorAll("*")) {
    if (![...element.childNodes].some(isText) || !element.checkVisibility()) continue;
    const { color, fontSize, fontWeight } = getComputedStyle(element);
    const look = [color, fontSize, fontWeight, behind(element)].join();
    if (!seen.has(look)) element.dataset.look = "";
    seen.add(look);
  }
  return seen.size;
}
"""


def open_everything(page: Page) -> None:
    """Press whatever unfolds something, in the players and around them."""
    for _ in range(3):  # what has been unfolded may hold what is folded
        page.eval_on_selector_all(CLOSED, "all => all.forEach((closed) => closed.click())")
    assert page.locator(CLOSED).count() == 0


def barriers(page: Page, context: Any = None, **options: Any) -> list[str]:
    """Return a line for each: the rule that is broken, how badly, where, and why."""
    options = {"resultTypes": ["violations"], **options}
    return [
        f"{rule['id']} ({node['impact']}) at {' '.join(node['target'])}: {reason(node)}"
        for rule in Axe().run(page, context, options).response["violations"]
        for node in rule["nodes"]
        if node["impact"] in SERIOUS
    ]


def reason(node: dict[str, Any]) -> str:
    return str([*node["any"], *node["all"], *node["none"]][0]["message"])


def structural_barriers(page: Page) -> list[str]:
    return barriers(page, runOnly=TAGS, rules={CONTRAST: {"enabled": False}})


def faint_text(page: Page) -> list[str]:
    assert page.evaluate(MARK_LOOKS) > 0
    return barriers(page, "[data-look]", runOnly=[CONTRAST])


# What axe looks for depends on the width or on the colours, and not on both at once.  On a desk the
# page is as it comes, on a phone all of it is unfolded; the colours are those of everything.
@pytest.mark.parametrize(("color_scheme", "width"), [("light", 1280), ("dark", 390)])
@pytest.mark.parametrize("name", [*PAGES, "search"])
def test_no_barrier(
    page_at: Callable[..., Visit], book_over_http: str, name: str, color_scheme: str, width: int
) -> None:
    page = page_at(width, color_scheme).page
    page.emulate_media(reduced_motion="reduce")  # no colour halfway between two others
    page.goto(f"{book_over_http}{name}.html")
    page.evaluate(SCROLL)
    found = structural_barriers(page) if width == 1280 else []
    open_everything(page)
    for phone in PHONES if width == PHONES[0] else ():
        page.set_viewport_size({"width": phone, "height": 844})
        page.wait_for_timeout(LOOKS_AGAIN)
        found += structural_barriers(page) if phone == width else barriers(page, runOnly=WIDTHS)
    found += faint_text(page)
    assert not found, "\n".join(["serious barriers:", *dict.fromkeys(found)])
