"""The live player: clicks reach the kernel, and the kernel's schedule reaches the reader."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from server import Server
from visit import Visit

CHAPTER = Path(__file__).parents[2] / "chapters" / "07_the_race.ipynb"

NOTEBOOK = "07_the_race.ipynb"
PATIENCE = 240_000  # milliseconds: a kernel starts and a chapter runs, on two slow cores

# Notebook 7 throws it at every start: https://github.com/jupyter/notebook/issues/7862
KNOWN = {"notebook": "Cannot read properties of undefined (reading 'schema')"}


@pytest.fixture(scope="module")
def visit(browser: Browser, jupyter: Server) -> Iterator[Visit]:
    """The chapter, run by the menu, as far as its players: the checker's minute comes later."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    visit = Visit(page)
    page.set_default_timeout(PATIENCE)
    page.goto(jupyter.notebook(NOTEBOOK))
    wait_for_kernel(page)
    page.locator(".jp-CodeCell ~ .jp-MarkdownCell h2").first.click()
    choose(page, "Run All Above Selected Cell")
    players(page).first.wait_for()
    expect(page.get_by_text("[*]:")).to_have_count(0, timeout=PATIENCE)
    yield visit
    page.close()
    visit.errors = [error for error in visit.errors if error != KNOWN.get(jupyter.host)]
    visit.assert_quiet()


def wait_for_kernel(page: Page) -> None:
    """Too early, and the host asks which kernel to use; `idle` it is called even before one is."""
    toolbar = page.locator(".jp-NotebookPanel-toolbar", has_text="Python 3")
    toolbar.locator('[data-status="idle"]').wait_for()


def choose(page: Page, entry: str) -> None:
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name=entry, exact=True).click()


def players(page: Page) -> Locator:
    return page.locator(".jp-OutputArea .gup")


def run(page: Page, code: str) -> Locator:
    """Type a line into a cell below the last one, run it, and return its output."""
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


def test_of_a_link_to_a_step_there_is_only_the_text(visit: Visit) -> None:
    begins = "The unbind goes first"
    cells = json.loads(CHAPTER.read_text(encoding="utf-8"))["cells"]
    (cell,) = (c for c in cells if "".join(c["source"]).startswith(begins))
    first, second, *_ = cell["source"]
    sentence, mark, _ = first.partition("<!-- show")
    text = visit.page.locator(".jp-RenderedMarkdown", has_text=begins).first
    said = text.text_content() or ""
    assert mark
    assert f"{sentence}\n{second.rstrip()}" in said
    assert text.locator("a", has_text="show").count() == 0


def test_the_kernel_sees_what_the_reader_did(visit: Visit) -> None:
    page = visit.page
    player = players(page).first
    player.get_by_role("radio", name="no-check").check()
    for digit in "221":
        player.get_by_role("button", name=f"Step thread {digit}", exact=True).click()
    expect(player.locator(".gup-schedule")).to_have_text("221")
    assert_kernel_says(page, "print(player.design, player.schedule)", "no-check 221")

    run(page, "player.schedule = '2222'")
    expect(player.locator(".gup-schedule")).to_have_text("2222")
    run(page, "player.schedule = '7'")
    expect(player.locator(".gup-note")).to_contain_text("“7” is no thread")
    assert_kernel_says(page, "print(repr(player.schedule))", "''")


def test_keys_typed_in_the_player_do_not_reach_the_notebook(visit: Visit) -> None:
    page = visit.page
    player = players(page).first
    run(page, "player.schedule = '22'")
    player.get_by_role("button", name="Step thread 1", exact=True).click()
    page.keyboard.press("2")
    expect(player.locator(".gup-schedule")).to_have_text("2212")
    page.keyboard.press("ArrowLeft")  # to the notebook this key means: go to the heading above
    expect(player.locator(".gup-schedule")).to_have_text("221")
    expect(page.locator(".jp-Cell.jp-mod-active .gup")).to_be_visible()


BESIDE = (
    "from ipywidgets import HBox, Label, dlink; taken = Label(); "
    "dlink((player, 'schedule'), (taken, 'value'), lambda steps: f'{len(steps)} steps taken'); "
    "HBox([player, taken])"
)


def test_a_player_sits_beside_other_widgets_and_is_linked(visit: Visit) -> None:
    page = visit.page
    first = players(page).first
    row = run(page, BESIDE)
    second = row.locator(".gup")
    second.wait_for()
    run(page, "player.design = 'no-check'; player.schedule = ''")
    second.get_by_role("button", name="Step thread 2", exact=True).click()
    expect(row.get_by_text("1 steps taken")).to_be_visible()
    expect(first.locator(".gup-schedule")).to_have_text("2")  # two views of one player
    first.get_by_role("button", name="Step thread 1", exact=True).click()
    expect(second.locator(".gup-schedule")).to_have_text("21")


def test_what_was_predicted_reaches_the_kernel(visit: Visit) -> None:
    page = visit.page
    player = players(page).first
    run(page, "player.design = 'no-check'; player.schedule = '222222111'")
    player.get_by_role("button", name="It has to wait").click()
    expect(player.locator(".gup-prompt")).to_contain_text("Not as you predicted")
    assert_kernel_says(page, "print(*player.answers.values())", "waits")
    player.get_by_role("button", name="Forget my answers").click()
    assert_kernel_says(page, "print(len(player.answers))", "0")


# Beside itself a lab brings its page for the book, which takes long and is not looked at here.
LAB = "from gupcore import lab as labs; labs.shipped = lambda: player; lab = labs.DesignLab(); lab"


def test_the_design_lab_asks_the_checker(visit: Visit) -> None:
    page = visit.page
    lab = run(page, LAB)
    lab.locator(".gup").wait_for()
    exists = lab.locator(".gup-report tr", has_text="struct page exists")
    expect(exists).to_contain_text("holds")
    check = lab.locator(".widget-toggle-buttons", has_text="pgmap check").first
    check.get_by_role("button", name="off").click()
    expect(exists).to_contain_text("fails in 10 steps")
    lab.get_by_label("start from").select_option("cure")
    expect(exists).to_contain_text("holds")
    phases = lab.locator(".jupyter-widget-tag")
    expect(phases.first).to_contain_text("kill_dax")
    expect(phases.filter(has_text="_")).to_have_count(11)
    lab.locator(".gup").get_by_role("button", name="Step thread 2", exact=True).click()
    assert_kernel_says(page, "print(lab.player.schedule, lab.report.status)", "2 holds")
