"""Every edge of every graph in the page, walked by clicking, is what Python's replay gives."""

import json
import linecache
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hand import CHAPTER, Hand
from playwright.sync_api import Page
from visit import Visit

from gupcore import Report, ScheduleError, paths
from gupcore.player import Player

NOTEBOOK = Path(__file__).parents[2] / "chapters" / "07_the_race.ipynb"

Made = dict[str, tuple[Report, ...]]

# Walks every edge of a graph by pressing Step and Back; writes down what the page shows after each.
WALK = """
(player, moves) => {
  const press = (does) => player.querySelector(`[data-do="${does}"]`).click();
  const all = (selector, root = player) => [...root.querySelectorAll(selector)];
  const text = (selector, root = player) => all(selector, root).map((e) => e.textContent);
  const able = (button) => button.getAttribute("aria-disabled") !== "true";
  const shown = () => ({
    things: Object.fromEntries(all("[data-thing]").map((thing) =>
      [thing.dataset.thing, [thing.dataset.exists === "true", text(".gup-now", thing)[0]]])),
    title: text(".gup-last .gup-title")[0], said: text(".gup-said"), line: text(".gup-taken"),
    source: text(".gup-source"), breaks: text(".gup-breaks"), changes: text(".gup-changes li"),
    lanes: all(".gup-lane").map((lane) => ({
      able: able(lane.querySelector("button")), what: text(".gup-what", lane)[0],
      trail: text(".gup-trail", lane)[0].trim(), line: text("[aria-current] code", lane),
    })),
    schedule: text(".gup-schedule").join(), oops: player.querySelector(".gup-stopped") !== null,
  });
  const found = [["", shown()]];
  const seen = new Set([0]);
  const visit = (state, schedule) => all(".gup-head button").forEach((button, thread) => {
    if (!able(button)) return;
    const after = moves[state][thread][0];
    button.click();
    found.push([schedule + (thread + 1), shown()]);
    if (!seen.has(after)) {
      seen.add(after);
      visit(after, schedule + (thread + 1));
    }
    press("back");
  });
  visit(0, "");
  return found;
}
"""


@pytest.fixture(scope="module")
def made_by_the_chapter() -> Made:
    """Run the chapter's cells: for the board of each player they make, the reports behind it."""
    made: Made = {}
    make = Player.__init__

    def remember(self: Player, *reports: Report, **more: Any) -> None:
        make(self, *reports, **more)
        made[json.dumps(self.board)] = reports

    names = {"__name__": "chapter", "display": print}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Player, "__init__", remember)
        for number, cell in enumerate(json.loads(NOTEBOOK.read_text())["cells"]):
            if cell["cell_type"] == "code":
                file, source = f"<cell {number}>", "".join(cell["source"])
                lines = source.splitlines(keepends=True)
                linecache.cache[file] = (
                    len(source),
                    None,
                    lines,
                    file,
                )  # a thread shows its source
                exec(compile(source, file, "exec"), names)
    return made


def shipped(page: Page, made: Made) -> list[tuple[dict[str, Any], tuple[Report, ...]]]:
    """Return the board of each player in the page, with the reports behind it."""
    scripts = page.locator(".gup-player > script").all()
    boards = [json.loads(script.text_content() or "")["board"] for script in scripts]
    for board in boards:
        assert json.dumps(board) in made, "the notebook's outputs are old: run make notebooks"
    return [(board, made[json.dumps(board)]) for board in boards]


def expected_lane(report: Report, schedule: str, thread: int, oops: bool) -> dict[str, Any]:
    try:
        moment = report.replay(f"{schedule}{thread}")[-1]
    except ScheduleError as error:
        found = re.search(r"(has ended)|cannot step\. (.*)", str(error))
        assert found
        state = paths.walk(report.graph, [int(digit) - 1 for digit in schedule])
        node = report.graph.node(state, thread - 1)
        at = report.graph.threads[thread - 1].nodes[node]
        what = (
            f"ended: {at.result}" if found[1] else f"{'stopped' if oops else 'blocked'}: {found[2]}"
        )
        able, places = False, at.places
    else:
        what, able, places = f"next: {moment.source}", True, moment.places
    return {
        "able": able,
        "what": what,
        "trail": " › ".join(place.function for place in places),
        "line": [place.text for place in places[-1:]],
    }


def expected(report: Report, schedule: str) -> dict[str, Any]:
    moments = report.replay(schedule)
    machine = moments[-1].machine if moments else report.scenario.machine
    oops = machine.oops is not None
    threads = range(1, len(report.scenario.threads) + 1)
    shown = {
        "things": {thing.name: [thing.exists, thing.value] for thing in machine.things()},
        "schedule": schedule,
        "oops": oops,
        "lanes": [expected_lane(report, schedule, thread, oops) for thread in threads],
    }
    steps: dict[str, Any] = {"title": "No step taken yet"}
    steps |= {key: [] for key in ("said", "line", "source", "breaks", "changes")}
    if moments:
        last = moments[-1]
        in_the_end = [
            f"breaks: {verdict.rule.name}. {verdict.why}"
            for verdict in report.verdicts
            if verdict.schedule == schedule and verdict.rule.name not in last.breaks
        ]
        steps = {
            "title": f"Step {len(moments)}: {last.label}" + "oops" * oops,
            "said": [last.said],
            "line": [last.places[-1].text],
            "source": [str(last.source)],
            "breaks": [f"breaks: {rule}" for rule in last.breaks] + in_the_end,
            "changes": [change.replace(" -> ", " → ") for change in last.changes],
        }
    return shown | steps


def test_every_edge_shows_what_replay_gives(
    page_at: Callable[..., Visit],
    book_url: str,
    made_by_the_chapter: Made,
) -> None:
    visit = page_at()
    visit.page.goto(book_url + CHAPTER)
    players = shipped(visit.page, made_by_the_chapter)
    assert players
    for nth, (board, reports) in enumerate(players):
        hand = Hand(visit.page, nth)
        for design, report in zip(board["designs"], reports, strict=True):
            if len(board["designs"]) > 1:
                hand.choose(design["name"])
            found = hand.player.evaluate(WALK, design["moves"])
            edges = sum(len(move) > 1 for moves in design["moves"] for move in moves)
            assert len(found) == 1 + edges
            for schedule, shown in found:
                assert shown == expected(report, schedule), f"{design['name']} {schedule}"
    visit.assert_quiet()


def test_verdicts_are_those_of_the_checker(
    page_at: Callable[..., Visit],
    book_over_http: str,
    made_by_the_chapter: Made,
) -> None:
    page = page_at().page
    page.goto(book_over_http + CHAPTER)
    hand = Hand(page)
    hand.ask()
    _, reports = shipped(page, made_by_the_chapter)[0]
    for report in reports:
        hand.choose(report.scenario.design.name)
        rows = hand.player.locator(".gup-verdicts tbody tr")
        shown = [(r.locator("th").inner_text(), r.locator("td").inner_text()) for r in rows.all()]
        for verdict, (rule, result) in zip(report.verdicts, shown, strict=True):
            assert rule.startswith(verdict.rule.name)
            assert verdict.rule.says in rule
            assert verdict.in_short() in result
