"""Measure live cells: click to verdict, what is fetched, and native Python beside it."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from runpy import run_path
from statistics import median
from subprocess import run
from threading import Thread
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).parents[1]
HTML = ROOT / "_build" / "html"
RUN = str(ROOT / "book" / "_live" / "run.py")
FIRST, SECOND = "chapters/07_the_race", "chapters/06_pagemap_and_percpu_ref"
ASKS = "def my_gup_fast("  # in the cell of FIRST in which a guard is written
RUNS = 5

# Presses a live cell's first button and then Run at once, or only Run; milliseconds to its verdict.
VERDICT = """
(nth) => new Promise((done) => {
  const cell = document.querySelectorAll(".cell.tag_live")[nth];
  const button = () => cell.querySelector(".gup-live-button");
  const start = performance.now();
  let ran = cell.querySelector(".cm-content") !== null;
  const look = () => {
    if (!ran && cell.querySelector(".cm-content")) {
      ran = true;
      button().click();
    }
    const { textContent } = cell.querySelector(".gup-live-bar [role=status]");
    if (/^(Ran in|Ended|Stopped|Python broke|The load broke)/.test(textContent)) {
      seen.disconnect();
      done([textContent, performance.now() - start]);
    }
  };
  const seen = new MutationObserver(look);
  cell.querySelector(".gup-live-bar [role=status]").textContent = "";
  seen.observe(cell, { childList: true, subtree: true, characterData: true });
  button().click();
})
"""


class Bytes:
    """What a page fetches, as Chromium counts it: the headers too, and nothing for what it kept."""

    def __init__(self, page: Page) -> None:
        self.count = 0.0
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", self._add)

    def _add(self, event: dict[str, Any]) -> None:
        self.count += event["encodedDataLength"]

    def since(self) -> str:
        """What came since this was last asked."""
        count, self.count = self.count, 0.0
        return f"{count / 1e6:.2f} MB"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Figures only."""


@contextmanager
def served() -> Iterator[str]:
    """The book as `make serve` serves it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=HTML)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def code_cells(name: str) -> list[dict[str, Any]]:
    cells = json.loads((ROOT / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def live_cells(name: str) -> list[int]:
    """Which of the code cells are live."""
    return [n for n, c in enumerate(code_cells(name)) if "live" in c["metadata"].get("tags", [])]


def verdict(page: Page, nth: int) -> float:
    """Run a live cell; return the seconds to its verdict."""
    said, milliseconds = page.evaluate(VERDICT, nth)
    assert said.startswith("Ran in"), said
    return float(milliseconds) / 1000


Again = Callable[[], float]


def in_native_python(name: str) -> Iterator[Again]:
    """For each live cell of a notebook, what runs it and returns the seconds it takes."""
    cells = code_cells(name)
    run_cell = run_path(RUN)["run"]
    pairs = [(f"<cell {cell['id']}>", "".join(cell["source"])) for cell in cells]

    def seconds(at: int) -> float:
        told: list[str] = []
        start = time.perf_counter()
        run_cell(pairs[at][1], pairs[:at], lambda kind, *_: told.append(kind))
        took = time.perf_counter() - start
        assert told[-1] == "done", (name, at, told)
        return took

    for at in live_cells(name):
        yield partial(seconds, at)


def first_native(name: str, nth: int) -> float:
    """Seconds to a live cell's verdict in a Python that has yet to start, without the notebook."""
    script = (
        "import bench_live\n"
        f"list(bench_live.in_native_python({name!r}))[{nth}]()"  # as the page does: import, and run
    )
    start = time.perf_counter()
    run([sys.executable, "-c", script], cwd=ROOT / "tests", check=True)
    return time.perf_counter() - start


def open_page(context: BrowserContext, url: str, name: str) -> tuple[Page, Bytes]:
    page = context.new_page()
    counted = Bytes(page)
    page.goto(f"{url}{name}.html", wait_until="networkidle")
    return page, counted


def turned(browser: Browser, url: str) -> Iterator[tuple[str, str]]:
    """One reader: a first verdict, later ones, and the first on the next page."""
    cells = code_cells(FIRST)
    (nth,) = (n for n, at in enumerate(live_cells(FIRST)) if ASKS in "".join(cells[at]["source"]))
    context = browser.new_context()
    where = "from disk" if url.startswith("file") else "from a server"
    page, counted = open_page(context, url, FIRST)
    before = counted.since()
    first = verdict(page, nth)
    fetched = f"{before} fetched before, {counted.since()} after the click"
    native = first_native(FIRST, nth)
    yield f"first verdict {where}", f"{first:.2f} s; {fetched}; in native Python {native:.2f} s"
    later = [verdict(page, nth) for _ in range(RUNS)]
    again = list(in_native_python(FIRST))[nth]
    natively = [again() for _ in range(RUNS)]
    counts = f"medians of {RUNS}"
    yield f"later {where}", f"{median(later):.3f} s; native {median(natively):.3f} s; {counts}"
    page.goto(f"{url}{SECOND}.html", wait_until="networkidle")
    before = counted.since()
    first = verdict(page, 0)
    fetched = f"{before} fetched before, {counted.since()} after the click"
    yield f"first on the next page {where}", f"{first:.2f} s; {fetched}"
    context.close()


def all_cells(browser: Browser, url: str) -> Iterator[tuple[str, str]]:
    """The slowest live cell of each page, run the second time there and natively."""
    pages = [path for folder in ("chapters", "book") for path in (ROOT / folder).glob("*.ipynb")]
    for name in sorted(f"{path.parent.name}/{path.stem}" for path in pages):
        if not live_cells(name):
            continue
        context = browser.new_context()
        page, _ = open_page(context, url, name)
        times = []
        for nth, again in enumerate(in_native_python(name)):
            verdict(page, nth)
            again()
            times.append((verdict(page, nth), again()))
        context.close()
        slowest, native = max(times)
        yield (
            f"live cells, {name}",
            (
                f"{len(times)}, at most {slowest:.2f} s, natively {native:.2f} s; "
                f"median {median(t for t, _ in times):.3f} s"
            ),
        )


def measured(browser: Browser) -> Iterator[tuple[str, str]]:
    with served() as url:
        yield from turned(browser, url)
        yield from turned(browser, f"{HTML.as_uri()}/")
        yield from all_cells(browser, url)
