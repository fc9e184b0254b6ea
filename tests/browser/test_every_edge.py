"""Every step of every graph in the book is what Python's replay gives: every edge by pressing the
buttons of the chapter's players, and for every graph whatever a thread can do at any of its places,
by the functions behind the buttons.  Of the graphs that switches lead to, all are counted, and
those walked in which any two settings meet.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hand import Hand
from shipped import NOTEBOOKS, Made, boards_in, load_parts, page_of, players_made_by
from visit import Visit

from gupcore import Report, ScheduleError
from gupcore.checker import paths
from gupcore.checker.generators import Place
from gupcore.checker.machine import stopped, things
from gupcore.checker.spots import whence
from gupcore.checker.step import Step

WITH_PLAYERS = [notebook for notebook in NOTEBOOKS if "gup-player" in notebook.read_text()]
CHAPTER = next(notebook for notebook in NOTEBOOKS if notebook.stem == "07_the_race")

# Walks every edge of a graph by pressing Step and Back; writes down what the page shows after each.
WALK = """
(player, [nth, number, limit]) => {
  const { walk, wholeGraph, keyOf } = parts;
  const design = boards[nth].designs[number];
  const { number: numbers } = wholeGraph(design, boards[nth]);
  const stateAfter = (schedule) =>
    numbers.get(keyOf(walk(boards[nth], design, schedule).path.at(-1)));
  const press = (does) => player.querySelector(`[data-do="${does}"]`).click();
  const all = (selector, root = player) => [...root.querySelectorAll(selector)];
  const text = (selector, root = player) => all(selector, root).map((e) => e.textContent);
  const able = (button) => button.getAttribute("aria-disabled") !== "true";
  const shown = () => ({
    things: Object.fromEntries(all(".gup-machine [data-thing]").map((thing) =>
      [thing.dataset.thing, [thing.dataset.exists === "true", text(".gup-now", thing)[0]]])),
    title: text(".gup-last .gup-title")[0], said: text(".gup-said"), line: text(".gup-taken"),
    source: text(".gup-source"), breaks: text(".gup-breaks"), changes: text(".gup-changes li"),
    lanes: all(".gup-lane").map((lane) => ({
      able: able(lane.querySelector("button")), what: text(".gup-what > p", lane).join(" "),
      kernel: text(".gup-kernel", lane),
      trail: text(".gup-trail", lane)[0].trim(), line: text("[aria-current] code", lane),
    })),
    schedule: text(".gup-schedule").join(), oops: player.querySelector(".gup-stopped") !== null,
  });
  const found = [["", shown()]];
  const seen = new Set([0]);
  const visit = (schedule) => all(".gup-head button").forEach((button, thread) => {
    if (!able(button)) return;
    button.click();
    found.push([schedule + (thread + 1), shown()]);
    if (found.length > limit) throw new Error("more edges than there are");
    const state = stateAfter(schedule + (thread + 1));
    if (!seen.has(state)) {
      seen.add(state);
      visit(schedule + (thread + 1));
    }
    press("back");
  });
  player.parentElement.hidden = true; // unseen it needs no layout, which takes most of the time
  visit("");
  player.parentElement.hidden = false;
  return found;
}
"""

# Plays schedules with the player's own functions; what is known after each step of each.
PLAY = """
([nth, number, schedules]) => {
  const board = boards[nth];
  const { walk, thingsOf, standsAt, moveOf, canMove, saidBy, stepTaken, touchedGone } = parts;
  const design = board.designs[number];
  const numbers = new Map(); // what is known, as text, each only once: most steps are alike
  const numberOf = (known) => {
    const text = JSON.stringify(known);
    if (!numbers.has(text)) numbers.set(text, numbers.size);
    return numbers.get(text);
  };
  const runs = schedules.map((schedule) => {
    const { path } = walk(board, design, schedule);
    return path.map((state, n) => {
      const step = n && stepTaken(board, design, path, schedule, n - 1);
      return numberOf({
        things: thingsOf(board, state).map((t) => [t.name, t.kind, t.exists, t.value, t.detail]),
        oops: touchedGone(board, state) ?? null,
        step: step ? [step.label, step.said, step.source, step.line, step.breaks] : null,
        why: board.threads.map((_, t) => {
          const move = moveOf(board, design, state, t);
          return move && !canMove(move) ? saidBy(board, move) : null;
        }),
        ended: board.threads.map((_, t) => standsAt(board, state, t).ended ?? null),
      });
    });
  });
  return [[...numbers.keys()], runs];
}
"""

SIZE = """
([nth, number]) => {
  const board = boards[nth];
  const graph = parts.wholeGraph(board.designs[number], board);
  return [graph.states.length, graph.edges.flat().length];
}
"""


@pytest.fixture(scope="module", params=WITH_PLAYERS, ids=lambda notebook: notebook.stem)
def made(request: pytest.FixtureRequest) -> tuple[Path, Made]:
    return request.param, players_made_by(request.param)


def shipped(visit: Visit, made: Made) -> list[tuple[dict[str, Any], tuple[Report, ...]]]:
    """Return the board of each player in the page, with the reports behind it."""
    boards = boards_in(visit.page)
    assert boards
    for board in boards:
        assert json.dumps(board) in made, "the notebook's outputs are old: run make notebooks"
    return [(board, made[json.dumps(board)]) for board in boards]


def covering(report: Report) -> Iterator[str]:
    """Yield schedules in which each thread is met at each of its places, with each machine.

    What a thread does, or why it cannot, depends on these two alone, in the page as in Python.
    """
    graph = report.graph
    threads = range(len(graph.threads))

    def meeting(state: int, thread: int) -> tuple[int, int, int]:
        return thread, graph.machine_number(state), graph.node(state, thread)

    def fresh(state: int) -> list[int]:
        return [thread for thread in threads if meeting(state, thread) in left]

    def met(state: int, *taking: int) -> None:
        """Cross off what is seen in a state: the steps that are taken there, and who is stuck."""
        stuck = (thread for thread in threads if graph.move(state, thread) is None)
        left.difference_update(meeting(state, thread) for thread in (*taking, *stuck))

    left = {(thread, machine, node) for thread, machine, node, _ in graph.worked_out()}
    ways: dict[int, tuple[int, ...]] = {graph.states[0]: ()}
    for state in graph.states:
        for move, after in graph.moves(state):
            ways.setdefault(after, (*ways[state], move.thread))
    for start in graph.states:
        while fresh(start):
            way, state = [], graph.states[0]
            ahead = list(ways[start])
            while ahead or fresh(state):
                thread = ahead.pop(0) if ahead else fresh(state)[0]
                met(state, thread)
                step = graph.move(state, thread)
                if step is None:
                    break
                way.append(thread)
                state += step.delta
            met(state)
            yield paths.as_text(tuple(way))


def in_pairs(designs: list[dict[str, Any]]) -> set[int]:
    """Return the numbers of designs in which any setting of a switch meets any of another.

    Designs that are not made by switches are all there.
    """

    def pairs(number: int) -> set[tuple[tuple[int, int], ...]]:
        return set(combinations(enumerate(designs[number]["switches"]), 2))

    chosen = {number for number, design in enumerate(designs) if "switches" not in design}
    others = set(range(len(designs))) - chosen
    left = {pair for number in others for pair in pairs(number)}
    while left:
        chosen.add(max(sorted(others), key=lambda number: len(left & pairs(number))))
        left -= {pair for number in chosen & others for pair in pairs(number)}
    return chosen


@cache
def things_of(machine: Any) -> list[list[Any]]:
    return [[t.name, t.kind, t.exists, t.value, list(t.detail)] for t in things(machine)]


def whence_of(step: Step, places: Sequence[Place]) -> str:
    return whence(step.action, [place.function for place in places]).words


def known_after(report: Report, schedule: str) -> list[dict[str, Any]]:
    """Return what replay says after each step, and why those who cannot step cannot."""
    moments = report.replay(schedule)
    machines = [report.scenario.machine, *(moment.machine for moment in moments)]
    graph, state, found = report.graph, report.graph.states[0], []
    for number, machine in enumerate(machines):
        moment = moments[number - 1] if number else None
        if moment is not None:
            taken = graph.move(state, moment.thread - 1)
            assert taken is not None
            state += taken.delta
        threads = range(len(graph.threads))
        nodes = [graph.threads[thread].nodes[graph.node(state, thread)] for thread in threads]
        blocked = [
            None if graph.move(state, thread) else graph.blocked(state, thread)
            for thread in threads
        ]
        found.append(
            {
                "things": things_of(machine),
                "oops": getattr(machine, "oops", None),
                "step": moment
                and [
                    moment.label,
                    moment.said,
                    whence_of(moment.step, moment.places),
                    moment.places[-1].text,
                    list(moment.breaks),
                ],
                "why": [one and one.why for one in blocked],
                "ended": [str(node.result) if node.step is None else None for node in nodes],
            }
        )
    return found


def test_every_step_of_every_graph_is_what_replay_gives(
    page_at: Callable[..., Visit], book_over_http: str, made: tuple[Path, Made]
) -> None:
    notebook, players = made
    visit = page_at()
    visit.page.goto(book_over_http + page_of(notebook))
    load_parts(
        visit.page,
        *("walk", "thingsOf", "standsAt", "moveOf", "canMove", "saidBy", "stepTaken"),
        *("touchedGone", "wholeGraph"),
    )
    for nth, (board, reports) in enumerate(shipped(visit, players)):
        walked = in_pairs(board["designs"])
        for number, report in enumerate(reports):
            graph = report.graph
            edges = sum(1 for state in graph.states for _ in graph.moves(state))
            assert visit.page.evaluate(SIZE, [nth, number]) == [len(graph.states), edges]
            if number not in walked:
                continue
            schedules = list(covering(report))
            texts, runs = visit.page.evaluate(PLAY, [nth, number, schedules])
            known = [json.loads(text) for text in texts]
            for schedule, run in zip(schedules, runs, strict=True):
                shown = [known[step] for step in run]
                assert shown == known_after(report, schedule), (board["key"], number, schedule)
    visit.assert_quiet()


def expected_lane(report: Report, schedule: str, thread: int, oops: bool) -> dict[str, Any]:
    """Return what a lane shows; of a blocked thread, up to who it waits for."""
    try:
        moment = report.replay(f"{schedule}{thread}")[-1]
    except ScheduleError as error:
        found = re.search(r"(has ended)|cannot step\. (.*)", str(error))
        assert found
        state = report.walk(schedule)
        node = report.graph.node(state, thread - 1)
        at = report.graph.threads[thread - 1].nodes[node]
        what = (
            f"ended: {at.result}" if found[1] else f"{'stopped' if oops else 'blocked'}: {found[2]}"
        )
        able, places, step = False, at.places, at.step
    else:
        node = report.graph.node(report.walk(schedule), thread - 1)
        step = report.graph.threads[thread - 1].nodes[node].step
        assert step is not None
        what, able, places = f"next: {step.action.does}", True, moment.places
    return {
        "able": able,
        "what": what,
        "kernel": [whence_of(step, places)] if step else [],
        "trail": " › ".join(place.function for place in places),
        "line": [place.text for place in places[-1:]],
    }


def expected(report: Report, schedule: str) -> dict[str, Any]:
    moments = report.replay(schedule)
    machine = moments[-1].machine if moments else report.scenario.machine
    oops = stopped(machine)
    threads = range(1, len(report.scenario.threads) + 1)
    shown = {
        "things": {thing.name: [thing.exists, thing.value] for thing in things(machine)},
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
            "source": [whence_of(last.step, last.places)],
            "breaks": [f"breaks: {rule}" for rule in last.breaks] + in_the_end,
            "changes": [change.replace(" -> ", " → ") for change in last.changes],
        }
    return shown | steps


@pytest.fixture(scope="module")
def made_by_the_chapter() -> Made:
    return players_made_by(CHAPTER)


def test_what_is_shown_after_every_press_is_what_replay_gives(
    page_at: Callable[..., Visit], book_over_http: str, made_by_the_chapter: Made
) -> None:
    visit = page_at()
    visit.page.goto(book_over_http + page_of(CHAPTER))
    for nth, (board, reports) in enumerate(shipped(visit, made_by_the_chapter)):
        hand = Hand(visit.page, nth)
        hand.answer_all()
        load_parts(visit.page, "walk", "wholeGraph", "keyOf")
        for number, (design, report) in enumerate(zip(board["designs"], reports, strict=True)):
            if len(board["designs"]) > 1:
                hand.choose(design["name"])
            hand.restart()  # a player may open in the middle of a schedule
            graph = report.graph
            edges = sum(1 for state in graph.states for _ in graph.moves(state))
            found = hand.player.evaluate(WALK, [nth, number, edges + 1])
            assert len(found) == 1 + edges
            for schedule, shown in found:
                wanted = expected(report, schedule)
                for lane, wanted_lane in zip(shown["lanes"], wanted["lanes"], strict=True):
                    if wanted_lane["what"].startswith("blocked"):
                        assert re.search(r"(It waits for thread|Nobody can end)", lane["what"])
                        lane["what"] = lane["what"].partition(" It waits for")[0]
                        lane["what"] = lane["what"].partition(" Nobody can end")[0]
                assert shown == wanted, f"{design['name']} {schedule}"
    visit.assert_quiet()


def test_verdicts_are_those_of_the_checker(
    page_at: Callable[..., Visit], book_over_http: str, made_by_the_chapter: Made
) -> None:
    visit = page_at()
    visit.page.goto(book_over_http + page_of(CHAPTER))
    hand = Hand(visit.page)
    hand.open("verdict")
    _, reports = shipped(visit, made_by_the_chapter)[0]
    for report in reports:
        hand.choose(report.scenario.design.name)
        rows = hand.player.locator(".gup-verdicts tbody tr")
        shown = [(r.locator("th").inner_text(), r.locator("td").inner_text()) for r in rows.all()]
        others = [verdict for verdict in report.verdicts if verdict.status != "holds"]
        for verdict, (rule, result) in zip(others, shown, strict=True):
            assert rule.startswith(verdict.rule.name)
            assert verdict.rule.says in rule
            assert verdict.in_short() in result
            assert verdict.schedule in result
        holding = [verdict.rule for verdict in report.verdicts if verdict.status == "holds"]
        names = ", ".join(rule.name for rule in holding)
        assert hand.text(".gup-holding summary") == f"✓ holds: {names}"
        listed = hand.player.locator(".gup-holding li").all_text_contents()
        assert listed == [f"{rule.name}: {rule.says}" for rule in holding]
