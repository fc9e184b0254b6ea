"""The player in JupyterLab: clicks reach the kernel, and the kernel's schedule the reader."""

from collections.abc import Callable, Iterator

import pytest
from lab import Lab
from playwright.sync_api import Locator, Page, expect
from visit import Visit

NOTEBOOK = "07_the_race.ipynb"
PATIENCE = 90_000  # milliseconds: a kernel starts and a chapter runs, on two slow cores


@pytest.fixture
def visit(page_at: Callable[..., Visit], jupyterlab: Lab) -> Iterator[Visit]:
    """The chapter, run from top to bottom by the menu."""
    visit = page_at()
    page = visit.page
    page.set_default_timeout(PATIENCE)
    page.goto(jupyterlab.notebook(NOTEBOOK))
    page.get_by_text("| Idle").wait_for()  # too early, and JupyterLab asks which kernel to use
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    players(page).first.wait_for()
    expect(page.get_by_text("[*]:")).to_have_count(0, timeout=PATIENCE)
    yield visit
    visit.assert_quiet()


def players(page: Page) -> Locator:
    return page.locator(".jp-OutputArea .gup")


def run(page: Page, code: str) -> Locator:
    """Type a cell below the last one, run it, and return its output."""
    page.locator(".jp-Notebook-footer").click()
    page.locator(".jp-CodeCell .cm-content").last.click()
    page.keyboard.insert_text(code)
    page.keyboard.press("Shift+Enter")
    return page.locator(".jp-CodeCell", has_text=code).last.locator(".jp-OutputArea-output").first


def assert_kernel_says(page: Page, code: str, answer: str) -> None:
    """Ask until it says so: a widget sends one message at a time, and waits for its answer."""
    said = ""
    for _ in range(5):
        said = run(page, code).inner_text().strip()
        if said == answer:
            return
    assert said == answer


def test_the_kernel_sees_what_the_reader_did(visit: Visit) -> None:
    page = visit.page
    player = players(page).first
    player.get_by_role("radio", name="no-check").check()
    for digit in "22":
        player.get_by_role("button", name=f"Step {digit}", exact=True).click()
    page.keyboard.press("1")  # to the notebook this key means: make the cell a heading
    expect(player.locator(".gup-schedule")).to_have_text("221")
    assert_kernel_says(page, "print(player.design, player.schedule)", "no-check 221")

    run(page, "player.schedule = '2222'")
    expect(player.locator(".gup-schedule")).to_have_text("2222")
    run(page, "player.schedule = '7'")
    expect(player.locator(".gup-note")).to_contain_text("“7” is no thread")
    assert_kernel_says(page, "print(repr(player.schedule))", "''")
