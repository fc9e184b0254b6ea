"""Measure what a reader waits for and what a reader downloads.  Prints figures and judges none."""

import gzip
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, sync_playwright

from gupcore import explore, race

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from conftest import FLAGS, find_chromium  # noqa: E402  (where the browser is known)

PAGE = ROOT / "_build" / "html" / "chapters" / "07_the_race.html"
PLAYER = ROOT / "gupcore" / "player"
RUNS = 9

INTERACTIVE = """
() => new Promise((done) => {
  const look = () => document.querySelector(".gup [data-do='step 1']")
    ? done(performance.now()) : requestAnimationFrame(look);
  look();
})
"""

# Steps along a schedule again and again; the layout is asked for, so that it is part of the time.
STEP_TIMES = """
(schedule) => {
  const player = document.querySelector(".gup");
  const press = (does) => player.querySelector(`[data-do="${does}"]`).click();
  const times = [];
  for (let round = 0; round < 30; round += 1) {
    press("restart");
    for (const digit of schedule) {
      const start = performance.now();
      press(`step ${digit}`);
      player.getBoundingClientRect();
      times.push(performance.now() - start);
    }
  }
  return times;
}
"""


def kilobytes(text: str) -> str:
    return f"{len(gzip.compress(text.encode(), mtime=0)) / 1024:.1f} KB gzip"


def sizes() -> Iterator[tuple[str, str]]:
    module, style = ((PLAYER / name).read_text() for name in ("player.js", "player.css"))
    data = "".join(re.findall(r'<script type="application/json">.*?</script>', PAGE.read_text()))
    yield "module", kilobytes(module)
    yield "style", kilobytes(style)
    yield "page data", kilobytes(data)
    yield "all three", kilobytes(module + style + data)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def interactive(browser: Browser) -> float:
    page = browser.new_page()
    page.goto(PAGE.as_uri(), wait_until="commit")
    milliseconds = float(page.evaluate(INTERACTIVE))
    page.close()
    return milliseconds


def in_browser() -> Iterator[tuple[str, str]]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        waits = [interactive(browser) for _ in range(RUNS)]
        yield "navigation to first player", f"{median(waits):.0f} ms, median of {RUNS}"
        page = browser.new_page()
        page.goto(PAGE.as_uri())
        times = sorted(page.evaluate(STEP_TIMES, "22222111"))
        p95 = times[len(times) * 95 // 100]
        yield "a step", f"{median(times):.1f} ms median, {p95:.1f} ms p95, {len(times)} steps"
        browser.close()


def in_python() -> Iterator[tuple[str, str]]:
    scenario = race("v5.11", callers=3)
    start = time.perf_counter()
    graph = explore.explore(scenario.machine, scenario.threads)
    took = time.perf_counter() - start
    transitions = sum(len(list(graph.moves(state))) for state in graph.states)
    found = f"{len(graph.states):,} states, {transitions:,} transitions"
    yield "v5.11, three callers", f"{found} in {took:.2f} s: {transitions / took:,.0f} a second"
    command = [sys.executable, "-m", "gupcore", "check", "seed-race"]
    cold = [seconds(lambda: subprocess.run(command, capture_output=True)) for _ in range(RUNS)]
    yield "gupcore check seed-race, cold", f"{median(cold):.2f} s, median of {RUNS}"


for measure in (sizes, in_browser, in_python):
    for name, figure in measure():
        print(f"{name:30} {figure}")
