"""Measure what a reader waits for and what a reader downloads.  Prints figures and judges none."""

import gzip
import re
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import bench_callers
import bench_live
from playwright.sync_api import Browser, sync_playwright

from gupcore import race
from gupcore.checker import explore
from gupcore.player.module import module, style

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from conftest import FLAGS, find_chromium  # noqa: E402  (where the browser is known)
from shipped import NOTEBOOKS, page_of  # noqa: E402  (which pages have players)

HTML = ROOT / "_build" / "html"
PAGE = HTML / "chapters" / "07_the_race.html"
WORKBENCH = HTML / "book" / "workbench.html"
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
([schedule, panels]) => {
  const player = document.querySelector(".gup");
  const press = (does) => player.querySelector(`[data-do="${does}"]`).click();
  panels.forEach((panel) => press(`open ${panel}`));
  const times = [];
  for (let round = 0; round < 30; round += 1) {
    if (round) press("restart");
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

# Chooses one design after the other, by name or by switches; the first round meets each anew.
CHANGE_TIMES = """
(nth) => {
  const player = document.querySelectorAll(".gup")[nth];
  const times = [];
  for (let round = 0; round < 3; round += 1) {
    const all = player.querySelectorAll(".gup-choose input").length;
    for (let number = 0; number < all; number += 1) {
      const start = performance.now();
      player.querySelectorAll(".gup-choose input")[number].click();
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
    yield "module", kilobytes(module())
    yield "style", kilobytes(style())
    yield "module and style", kilobytes(module() + style())
    for page in map(page_of, NOTEBOOKS):
        text = (HTML / page).read_text()
        data = "".join(re.findall(r'<script type="application/json">.*?</script>', text))
        yield f"data of {page}", kilobytes(data)


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
        everything = ["words", "verdict", "beside", "share"]
        for name, panels in (("a step", []), ("a step, every panel open", everything)):
            yield name, figures(browser, PAGE, STEP_TIMES, ["22222111", panels])
        yield "another design, chapter", figures(browser, PAGE, CHANGE_TIMES, 0)
        yield "another design, two callers", figures(browser, WORKBENCH, CHANGE_TIMES, 0)
        yield "another design, lab", figures(browser, WORKBENCH, CHANGE_TIMES, 1)
        yield from first_screen(browser)
        yield "share of the scene a step changes, %", share_of_the_picture(browser)
        yield from bench_live.measured(browser)
        browser.close()


# What the player was before it drew the machine, at the same two widths.
BEFORE = {1280: "1084 -> 1274 px high, step 1 at 1230", 390: "1659 -> 2069 px high, step 1 at 1967"}
SIZES = """
(schedule) => {
  const player = document.querySelector(".gup");
  const button = player.querySelector("[data-do='step 1']");
  const before = document.createRange();
  before.setStart(document.querySelector("h1"), 0);
  before.setEndBefore(button);
  const read = before.cloneContents();
  const unseen = "script, style, [hidden], [aria-hidden], .gup-fallback";
  read.querySelectorAll(unseen).forEach((element) => element.remove());
  const words = read.textContent.trim().split(/\\s+/).length;
  const y = Math.round(button.getBoundingClientRect().bottom);
  const heights = [player.offsetHeight];
  for (const digit of schedule) {
    player.querySelector(`[data-do="step ${digit}"]`).click();
    heights.push(player.offsetHeight);
  }
  return [words, y, Math.min(...heights), Math.max(...heights)];
}
"""


def first_screen(browser: Browser) -> Iterator[tuple[str, str]]:
    """The welcome page: what stands before the first step, and what a run does to the height."""
    for width, height in ((1280, 800), (390, 844)):
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto((HTML / "book" / "intro.html").as_uri())
        words, y, least, most = page.evaluate(SIZES, "2222221111")
        page.close()
        now = f"{least} -> {most} px high, step 1 ends at {y} of {height}, {words} words before it"
        yield f"welcome page, {width} wide", f"{now}; it was {BEFORE[width]}"


def share_of_the_picture(browser: Browser) -> str:
    """How much of the scene each step changes, in pixels of every hundred."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.emulate_media(reduced_motion="reduce")
    page.goto((HTML / "book" / "intro.html").as_uri())
    scene, shares = page.locator(".gup-scene").first, []
    count = (
        "([a, b]) => Promise.all([a, b].map(async (data) => { const image = new Image();"
        "image.src = `data:image/png;base64,${data}`; await image.decode();"
        "const canvas = Object.assign(document.createElement('canvas'),"
        "{ width: image.width, height: image.height }); const pen = canvas.getContext('2d');"
        "pen.drawImage(image, 0, 0);"
        "return pen.getImageData(0, 0, image.width, image.height).data; }))"
        ".then(([x, y]) => { let n = 0; for (let i = 0; i < x.length; i += 4)"
        "n += x[i] !== y[i] || x[i + 1] !== y[i + 1] || x[i + 2] !== y[i + 2];"
        "return 400 * n / x.length; })"
    )
    before = b64encode(scene.screenshot()).decode()
    for digit in "2222221111":
        page.locator(f'[data-do="step {digit}"]').first.click()
        after = b64encode(scene.screenshot()).decode()
        shares.append(page.evaluate(count, [before, after]))
        before = after
    page.close()
    return " ".join(f"{share:.1f}" for share in shares)


def figures(browser: Browser, address: Path, script: str, argument: object) -> str:
    page = browser.new_page()
    page.goto(address.as_uri())
    page.locator(".gup").first.wait_for()
    times = sorted(page.evaluate(script, argument))
    page.close()
    p95 = times[len(times) * 95 // 100]
    spread = f"{median(times):.1f} ms median, {p95:.1f} ms p95, {times[-1]:.0f} ms most"
    return f"{spread}, {len(times)} times"


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


for measure in (sizes, in_browser, in_python, bench_callers.measured):
    for name, figure in measure():
        print(f"{name:34} {figure}", flush=True)
