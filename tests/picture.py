"""Take the README's picture of the player: the built page, at the moment of the oops."""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from conftest import FLAGS, find_chromium  # noqa: E402  (where the browser is known)
from hand import BUG, CHAPTER, Hand  # noqa: E402  (how a reader presses)

with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
    page = browser.new_page(viewport={"width": 1280, "height": 1400}, color_scheme="light")
    page.emulate_media(reduced_motion="reduce")  # nothing halfway
    page.goto((ROOT / "_build" / "html" / CHAPTER).as_uri())
    hand = Hand(page)
    hand.take(BUG)
    hand.player.screenshot(path=ROOT / "book" / "_static" / "player.png")
    browser.close()
