"""What a reader can ask for: bits, what lies ahead, how it ends, other designs, the map, a link."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from hand import BUG, CHAPTER, Hand
from playwright.sync_api import Page, expect
from shipped import load_parts, run_cell
from test_hosts import page_with
from visit import Visit

from gupcore import DESIGNS, SCENARIOS, Report, Scenario, ScheduleError, check, race
from gupcore.checker.maker import scenario
from gupcore.player import Player

ROUTES = """
() => {
  const { foresight, route, wayTo } = parts;
  const [board] = boards;
  return board.designs.map((design) => ["", ...board.rules.map(([name]) => name)].map((rule) => {
    const ahead = foresight(board, design, rule);
    return ahead.graph.states.map((_, n) => ({
      way: wayTo(ahead.graph, n), toBreak: ahead.toBreak[n], toSafety: ahead.toSafety[n],
      bug: ahead.toBreak[n] < 0 ? null : route(ahead, ahead.toBreak, n, false),
      safe: ahead.toSafety[n] < 0 ? null : route(ahead, ahead.toSafety, n, true),
    }));
  }));
}
"""


@pytest.fixture
def hand(page_at: Callable[..., Visit], book_over_http: str) -> Hand:
    """The chapter's first player, with as little moving as the reader can ask for."""
    page = page_at().page
    page.emulate_media(reduced_motion="reduce")
    page.goto(book_over_http + CHAPTER)
    return Hand(page)


@pytest.fixture(scope="module")
def reports() -> dict[str, Report]:
    return {name: check(race(name)) for name in ("no-check", "v5.11", "cure", "both")}


# --- The lanes and the machine --------------------------------------------------------------------


def test_a_step_is_readable_before_it_is_taken(hand: Hand) -> None:
    hand.take("222222" + "111")
    lane = hand.player.get_by_role("group", name="Thread 1: direct I/O")
    assert "predict first, above" in lane.inner_text()
    hand.press("answer oops")
    what = lane.locator(".gup-what").inner_text()
    assert what.startswith("next: Raise a page's count unless it is zero.")
    source = lane.get_by_role("link", name="try_grab_compound_head(), mm/gup.c:2034, v5.11")
    assert (source.get_attribute("href") or "").endswith("/mm/gup.c?h=v5.11#n2034")
    assert "try_grab_compound_head" in lane.locator("[aria-current] code").inner_text()


def test_a_thread_that_waits_names_who_it_waits_for(hand: Hand) -> None:
    hand.choose("no-check")
    hand.take("111" + "2222")
    hand.press("answer waits")
    blocked = hand.player.locator(".gup-blocked .gup-what").inner_text()
    assert "Waits for the kill's grace period; still inside: CPU 0." in blocked
    found = re.search(r"It waits for thread 1 \(direct I/O\), at least for (\d+) steps\.", blocked)
    assert found
    for _ in range(int(found[1])):
        assert hand.player.locator(".gup-blocked").count() == 1
        hand.take("1")
    assert hand.player.locator(".gup-blocked").count() == 0, "as soon as it was said, and no sooner"


def test_bits_on_demand(hand: Hand) -> None:
    hand.open("words")
    pte = hand.player.locator('.gup-things [data-thing="PTE"]')
    assert not pte.get_by_text("bit 58: devmap").is_visible()
    pte.locator("summary").click()
    for bit in ("bit 0: present", "bit 9: special", "bit 58: devmap", "bits 12-51: pfn 0x20000"):
        assert pte.get_by_text(bit, exact=True).is_visible()
    hand.take("22")  # write-protected: what was opened stays open, and a bit is gone
    assert pte.get_by_text("bit 58: devmap").is_visible()
    assert not pte.get_by_text("bit 1: writable").count()


def test_what_changed_stands_out_without_colour(hand: Hand) -> None:
    hand.take("22")
    pte = hand.player.locator('[data-thing="PTE"]')
    assert pte.locator(".gup-badge").all_inner_texts() == ["changed"]
    assert "line-through" in pte.locator(".gup-was").evaluate(
        "(e) => getComputedStyle(e).textDecorationLine"
    )
    assert hand.player.locator(".gup-changed").count() == 1


# --- Time -----------------------------------------------------------------------------------------


def test_scrubbing_goes_along_what_is_laid_out(hand: Hand) -> None:
    hand.choose("no-check")
    bar = hand.player.get_by_role("slider", name="Go to step")
    expect(bar).to_be_disabled()
    hand.show("struct page exists")
    expect(bar).to_have_attribute("max", str(len(BUG)))
    bar.focus()
    for taken in (1, 2, 3):
        hand.page.keyboard.press("ArrowRight")
        assert hand.schedule == BUG[:taken]
    hand.page.keyboard.press("End")
    assert hand.schedule == BUG
    hand.page.keyboard.press("ArrowLeft")
    assert hand.schedule == BUG[:-1]
    hand.page.keyboard.press("Home")
    assert hand.schedule == ""
    box = bar.bounding_box()
    assert box
    hand.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert hand.schedule == BUG[: len(BUG) // 2]
    assert bar.input_value() == str(len(BUG) // 2)


def test_a_step_aside_branches_off(hand: Hand) -> None:
    hand.choose("no-check")
    hand.open("words")
    hand.show("struct page exists")
    hand.press("next")
    hand.press("next")
    hand.take("1")
    assert hand.schedule == "221"
    expect(hand.player.get_by_role("button", name="Next")).to_have_attribute(
        "aria-disabled", "true"
    )
    hand.press("jump 1")
    hand.press("next")
    hand.press("next")
    assert hand.schedule == "221", "what is laid out now is the reader's own way"


def test_the_speed_is_the_readers(page_at: Callable[..., Visit], book_over_http: str) -> None:
    page = page_at(own=True).page
    page.clock.install()
    page.goto(book_over_http + CHAPTER)
    hand = Hand(page)
    hand.choose("no-check")
    for speed, pace in (("fast", 400), ("slow", 2400)):
        hand.player.get_by_label("Speed").select_option(speed)
        hand.show("struct page exists")
        page.clock.run_for(pace // 2)  # the clock also goes on by itself
        assert hand.schedule == ""
        page.clock.run_for(pace * 6 // 10)
        assert hand.schedule == "2"


# --- Foresight ------------------------------------------------------------------------------------


def nearest(report: Report, rule: str) -> dict[int, int]:
    """Return how many steps each state is from a broken rule, by searching from each state."""
    graph, stuck = report.graph, set(report.stuck())
    meant = [r.name for r in report.scenario.rules if rule in ("", r.name)]
    ends = report.uneven_ends()
    breaking = {id(m) for m in graph.known_moves() if set(report.broken_by(m)) & set(meant)}
    found = {}
    for number, start in enumerate(graph.states):
        steps, layer, seen = 0, [start], {start}
        while layer and number not in found:
            following = []
            for state in layer:
                over = graph.final(state) and not graph.stopped(graph.machine(state))
                uneven = ends.get(graph.machine_number(state), []) if over else []
                doomed = "everyone can finish" in meant and graph.number[state] in stuck
                if doomed or set(uneven) & set(meant):
                    found[number] = steps
                for move, after in graph.moves(state):
                    if id(move) in breaking:
                        found.setdefault(number, steps + 1)
                    if after not in seen:
                        seen.add(after)
                        following.append(after)
            steps, layer = steps + 1, following
    return found


def test_what_lies_ahead_is_what_a_search_from_every_state_finds(
    hand: Hand, reports: dict[str, Report]
) -> None:
    load_parts(hand.page, "foresight", "route", "wayTo")
    by_design = hand.page.evaluate(ROUTES)
    for report, by_rule in zip(reports.values(), by_design, strict=True):
        for rule, states in zip(
            ["", *(r.name for r in report.scenario.rules)], by_rule, strict=True
        ):
            expected = nearest(report, rule)
            assert {n: s["toBreak"] for n, s in enumerate(states) if s["toBreak"] >= 0} == expected
            shortest = [v for v in report.verdicts if v.schedule and rule in ("", v.rule.name)]
            if rule not in ("", "everyone can finish"):
                assert states[0]["toBreak"] == min([len(v.schedule) for v in shortest], default=-1)


def test_the_ways_ahead_do_what_they_promise(hand: Hand, reports: dict[str, Report]) -> None:
    load_parts(hand.page, "foresight", "route", "wayTo")
    for report, by_rule in zip(reports.values(), hand.page.evaluate(ROUTES), strict=True):
        names = ["", *(r.name for r in report.scenario.rules)]
        for rule, states in zip(names, by_rule, strict=True):
            for state in states[:: max(1, len(states) // 12)]:
                if state["bug"] is not None and rule != "everyone can finish":
                    assert len(state["bug"]) == state["toBreak"]
                    moments = report.replay(state["way"] + state["bug"])
                    after = moments[len(state["way"]) :]
                    broken = [name for moment in after for name in moment.breaks]
                    stuck = report.walk(state["way"] + state["bug"]) in {
                        report.graph.states[n] for n in report.stuck()
                    }
                    assert rule in broken if rule else broken or stuck
                if state["safe"] is not None:
                    assert len(state["safe"]) == state["toSafety"]
                    moments = report.replay(state["way"] + state["safe"])
                    after = moments[len(state["way"]) :]
                    assert not [n for m in after for n in m.breaks if rule in ("", n)]
                    end = report.walk(state["way"] + state["safe"])
                    assert report.graph.final(end)


def test_each_choice_says_how_near_a_broken_rule_is(hand: Hand) -> None:
    hand.choose("no-check")
    assert hand.player.locator(".gup-foresight").count() == 0, "only for who asks"
    hand.open("verdict")
    hand.player.locator("[data-set=watch]").select_option("struct page exists")
    outlook = hand.player.locator(".gup-outlook")
    for taken, digit in enumerate(BUG):
        left = len(BUG) - taken
        if hand.player.locator('[data-do="answer oops"]').count():
            assert hand.player.locator(".gup-foresight").count() == 0, "it would be told"
            assert hand.text(".gup-outlook") == "Predict first: there is a question above."
            hand.press("answer oops")
        expect(outlook).to_contain_text(f"can be broken, in {left} step")
        lane = hand.player.locator(f'[data-thread="{digit}"] .gup-foresight').first
        expect(lane).to_contain_text(
            "breaks it" if left == 1 else f"then broken in {left - 1} more at the soonest"
        )
        hand.take(digit)
    hand.restart()
    hand.choose("cure")
    expect(outlook).to_contain_text("From here it cannot be broken.")
    assert (
        hand.player.locator(".gup-foresight").all_inner_texts()
        == ["✓ then it can no longer be broken"] * 2
    )


def test_the_shortest_bug_and_a_safe_finish_from_here(hand: Hand) -> None:
    hand.choose("no-check")
    hand.open("words")
    hand.open("verdict")
    hand.player.locator("[data-set=watch]").select_option("struct page exists")
    hand.take("1")
    hand.press("bug")
    note = "From here there is no way to break “struct page exists”."
    assert hand.text(".gup-note") == note, "interrupts are off: the kill would wait"
    hand.restart()
    hand.take("2")
    hand.press("bug")
    assert hand.schedule == "2", "nothing moves by itself"
    while hand.player.locator('[data-do="next"]').get_attribute("aria-disabled") is None:
        hand.press("next")
    assert hand.text(".gup-breaks") == "breaks: struct page exists"
    hand.press("jump 1")
    hand.press("safe")
    assert "an end that does not break “struct page exists”" in hand.text(".gup-status")
    while hand.player.locator('[data-do="next"]').get_attribute("aria-disabled") is None:
        hand.press("next")
    assert hand.text(".gup-status").startswith("All threads have ended")
    hand.choose("cure")
    hand.restart()
    hand.press("bug")
    assert hand.text(".gup-note") == note


def test_a_surprise_is_the_same_for_the_same_seed(hand: Hand) -> None:
    hand.open("verdict")
    seed = hand.player.get_by_label("Seed")
    walks = []
    for number in ("7", "8", "7"):
        hand.restart()
        seed.fill(number)
        seed.press("Enter")
        hand.press("surprise")
        walks.append(hand.text(".gup-ahead").split(":")[1].strip())
    assert walks[0] == walks[2] != walks[1]
    assert seed.input_value() == "8", "the next surprise is another one"
    report = check(race("no-check"))
    assert report.replay(walks[0])


# --- Outcomes -------------------------------------------------------------------------------------


def test_outcomes_are_counted_and_each_bar_opens_a_schedule(
    hand: Hand, reports: dict[str, Report]
) -> None:
    hand.open("verdict")
    panel = hand.player.locator(".gup-panel-verdict")
    panel.get_by_text("What is counted").click()
    assert "counts and no probabilities" in panel.inner_text()
    for name in ("no-check", "v5.11", "cure"):
        report = reports[name]
        hand.choose(name)
        bars = panel.locator(".gup-bars li").all()
        outcomes = report.outcomes()
        assert [" ".join(bar.locator("p").inner_text().split()) for bar in bars] == [
            f"{outcome.count:,} {outcome.in_short()}" for outcome in outcomes
        ]
        for number, outcome in enumerate(outcomes):
            hand.press(f"outcome {number}")
            for _ in outcome.schedule:
                hand.press("next")
            assert hand.schedule == outcome.schedule
            if outcome.loop:
                assert f"the steps {outcome.loop} repeat for ever" in hand.text(".gup-status")
            else:
                assert hand.text(".gup-status").startswith(("All threads have ended", "Oops"))


# --- Side by side ---------------------------------------------------------------------------------


def test_one_schedule_on_four_designs(hand: Hand, reports: dict[str, Report]) -> None:
    hand.choose("no-check")
    hand.open("beside")
    hand.take(BUG)
    partings = dict(
        item.inner_text().split(": ", 1) for item in hand.player.locator(".gup-partings li").all()
    )
    assert partings["no-check"] == "dies at step 10: touches the struct page, which is gone"
    assert partings["v5.11"].startswith("goes another way than no-check at step 10: looks up pfn")
    assert partings["cure"].startswith("goes another way than no-check at step 2: takes the")
    for name, report in reports.items():
        cells = hand.player.locator(f'.gup-lockstep tbody td[data-design="{name}"]').all()
        moments = report.replay(BUG[: len(BUG)])
        for cell, moment in zip(cells[:-1], moments, strict=True):
            assert moment.said in cell.inner_text()


def test_a_design_that_cannot_go_on_says_at_which_step_and_why(hand: Hand) -> None:
    hand.choose("cure")
    hand.open("beside")
    hand.take("1222222")
    partings = hand.text(".gup-partings")
    assert "no-check: goes another way than cure at step 3" in partings
    with pytest.raises(ScheduleError) as stopped:
        check(race("no-check")).replay("1222222")
    why = str(stopped.value)
    assert f"stops at s{why[1:]}" in partings
    stop = hand.player.locator('td.gup-stops[data-design="no-check"]')
    assert stop.inner_text() == why


def test_two_to_four_designs(hand: Hand) -> None:
    hand.open("beside")
    panel = hand.player.locator(".gup-panel-beside")
    for name in ("v5.11", "cure", "both"):
        panel.get_by_role("checkbox", name=name, exact=True).uncheck()
    assert "Choose a second design." in panel.inner_text()
    panel.get_by_role("checkbox", name="cure", exact=True).check()
    assert panel.locator("thead th").all_inner_texts() == ["step", "no-check", "cure"]


# --- The map --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def mapped() -> Report:
    """What the first design of chapter 8 comes to; its player offers the map."""
    return check(race("kill-first-no-serialise"))


@pytest.fixture
def eighth(page_at: Callable[..., Visit], book_over_http: str) -> Hand:
    page = page_at().page
    page.goto(book_over_http + "chapters/08_every_schedule.html")
    hand = Hand(page)
    hand.answer_all()
    hand.open("map")
    return hand


def test_the_map_is_offered_where_the_text_is_about_it(hand: Hand) -> None:
    assert hand.player.locator('[data-do="open words"]').count() == 1
    assert hand.player.locator('[data-do="open map"]').count() == 0


def test_the_map_is_in_step_with_the_player(eighth: Hand, mapped: Report) -> None:
    hand, graph = eighth, mapped.graph
    bug = mapped["struct page exists"].schedule
    dots = hand.player.locator(".gup-dot")
    assert dots.count() == len(graph.states)
    edges = sum(1 for state in graph.states for _ in graph.moves(state))
    assert hand.player.locator(".gup-field path").count() == edges
    for digit in bug:
        hand.take(digit)
        number = graph.number[mapped.walk(hand.schedule)]
        here = hand.player.locator(".gup-dot[aria-current]")
        assert here.get_attribute("data-do") == f"state {number}"
    assert here.get_attribute("data-end") == "oops"
    assert hand.player.locator(".gup-edge-taken").count() == len(bug)
    assert hand.player.locator(".gup-passed").count() == len(bug) + 1


def test_a_state_of_the_map_is_gone_to_by_a_shortest_way(eighth: Hand, mapped: Report) -> None:
    hand, graph = eighth, mapped.graph
    for number in (5, 57, 140, len(graph.states) - 1):
        hand.player.locator(f'[data-do="state {number}"]').click()
        assert len(hand.schedule) == graph.depth(number)
        assert graph.number[mapped.walk(hand.schedule)] == number


def test_the_map_by_keys(eighth: Hand) -> None:
    hand = eighth
    hand.player.locator(".gup-map").focus()
    for _ in range(3):
        hand.page.keyboard.press("ArrowDown")
    hand.page.keyboard.press("ArrowRight")
    assert hand.schedule == "", "to look is not to go"
    name = hand.page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert "3 steps from the start" in name
    hand.page.keyboard.press("Enter")
    assert len(hand.schedule) == 3
    assert "you are here" in (hand.page.evaluate("document.activeElement.ariaLabel"))


def test_a_large_graph_is_summed_up(page_at: Callable[..., Visit], book_over_http: str) -> None:
    page = page_at().page
    page.goto(book_over_http + "book/workbench.html")
    hand = Hand(page)
    hand.choose("cure")
    hand.open("map")
    graph = check(race("cure", callers=2)).graph
    ends = [*graph.layers[1:], len(graph.states)]
    counts = [f"{end - begin:,}" for begin, end in zip(graph.layers, ends, strict=True)]
    rows = hand.player.locator(".gup-layers tbody tr")
    assert [row.locator("td").first.inner_text().strip() for row in rows.all()] == counts
    hand.take("123")
    assert "you are here" in rows.nth(3).inner_text()


# --- Links ----------------------------------------------------------------------------------------


def test_the_address_leads_back_to_this_very_step(
    hand: Hand, page_at: Callable[..., Visit]
) -> None:
    hand.choose("v5.11")
    hand.take("2211")
    expect(hand.page).to_have_url(re.compile(r".*#gup=1:seed-race:v5\.11:2211$"))
    visit = page_at()
    visit.page.goto(hand.page.url)
    other = Hand(visit.page)
    assert other.schedule == "2211"
    assert other.player.get_by_role("radio", name="v5.11").is_checked()
    visit.page.evaluate("location.hash = '#gup=1:seed-race:cure:22'")
    expect(other.player.locator(".gup-schedule")).to_have_text("22")
    visit.assert_quiet()


@pytest.mark.parametrize(
    ("link", "sentence", "schedule"),
    [
        ("#gup=2:seed-race:v5.11:22", "This link is of version 2, and this page reads", ""),
        ("#gup=1:seed-race:v4:22", "There is no design “v4” here; choose no-check, v5.11", ""),
        ("#gup=1:seed-race:v5.11:229", "Step 3: “9” is no thread; the threads are", "22"),
        (
            "#gup=1:seed-race:no-check:2222222222",
            "Step 9: thread 2 (unbind) has ended.",
            "22222222",
        ),
        ("#gup=1:munmap:v5.11:22", "This link leads to “munmap”, which is not in this page.", ""),
        ("#gup=1:seed-race", "This link is damaged: it has not as many parts as it should.", ""),
        ("#gup=1:seed-race:cure:" + "1" * 2001, "This link has 2001 steps; the longest", ""),
        ("#gup=%E0%A4%A", "This link is damaged: it cannot be read.", ""),
        ("#gup=", "This link is damaged: it has not as many parts as it should.", ""),
    ],
)
def test_a_bad_link_is_refused_with_a_sentence(
    page_at: Callable[..., Visit], book_over_http: str, link: str, sentence: str, schedule: str
) -> None:
    visit = page_at()
    visit.page.goto(book_over_http + CHAPTER + link)
    hand = Hand(visit.page)
    assert sentence in hand.text(".gup-note")
    assert hand.schedule == schedule
    hand.restart()
    hand.take("1")
    assert hand.schedule == "1"
    visit.assert_quiet()


def test_a_link_inside_the_page_is_none_of_the_players_business(hand: Hand) -> None:
    hand.take("22")
    hand.page.evaluate("location.hash = '#must-it-be-close'")
    assert hand.schedule == "22"
    assert hand.text(".gup-note") == ""


def copied(hand: Hand) -> str:
    return hand.player.get_by_role("textbox").input_value()


def test_copy_as_python_replays_the_same_steps(
    hand: Hand, capsys: pytest.CaptureFixture[str]
) -> None:
    hand.choose("no-check")
    hand.take(BUG)
    hand.open("share")
    hand.press("copy python")
    run_cell("<copied>", copied(hand), {})
    printed = capsys.readouterr().out.splitlines()
    assert printed == [f"{m.label}: {m.said}" for m in check(race("no-check")).replay(BUG)]
    hand.press("copy text")
    text = copied(hand)
    assert "Scenario seed-race, design no-check, schedule 2222221111" in text
    for line in printed:
        assert line in text
    assert "Breaks: struct page exists." in text
    hand.press("copy link")
    expect(hand.page).to_have_url(copied(hand))


def test_what_is_copied_is_on_the_clipboard(hand: Hand) -> None:
    hand.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    hand.take("22")
    hand.open("share")
    hand.press("copy text")
    expect(hand.player.locator(".gup-copied")).to_contain_text("Copied:")
    assert hand.page.evaluate("navigator.clipboard.readText()") == copied(hand)


with patch.dict(SCENARIOS):  # others list what is there

    @scenario("own")
    def own(callers: int = 1) -> Scenario:
        return race("no-check", callers=callers, pte="absent")


ONLY_THERE = check(own(2))["struct page exists"].schedule
BY_HAND = replace(race("no-check"), name="by hand", threads=own().threads)


@pytest.mark.parametrize(
    ("scene", "schedule", "names"),
    [
        (SCENARIOS["munmap"]("v5.11"), "1122", {}),
        (SCENARIOS["percpu-ref"](wait=False), "1122", {}),
        (race(DESIGNS["cure"].lacking("drain_faults")), "2211", {}),
        (race("no-check", callers=2, pte="absent"), ONLY_THERE, {}),
        (own(2), ONLY_THERE, {}),
        (BY_HAND, "2211", {"scenario": BY_HAND}),
    ],
    ids=lambda value: value.key() if isinstance(value, Scenario) else "",
)
def test_every_scene_can_be_copied_as_python(
    scene: Scenario,
    schedule: str,
    names: dict[str, Any],
    page_at: Callable[..., Visit],
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = check(scene)
    hand = Hand(page_with(page_at().page, Player(report).to_html()))
    hand.take(schedule)
    hand.open("share")
    hand.press("copy python")
    run_cell("<copied>", copied(hand), dict(names))
    printed = capsys.readouterr().out.splitlines()
    assert printed == [f"{m.label}: {m.said}" for m in report.replay(schedule)]


def test_several_players_of_one_scenario_have_links_of_their_own(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    visit = page_at()
    visit.page.goto(book_over_http + CHAPTER)

    html = Player(check(race("no-check"))).to_html()
    page: Page = page_with(visit.page, html, html)
    first, second = Hand(page, 0), Hand(page, 1)
    second.take("22")
    expect(page).to_have_url(re.compile(r".*#gup=1:seed-race~2:no-check:22$"))
    page.evaluate("location.hash = '#gup=1:seed-race~2:no-check:221'")
    expect(second.player.locator(".gup-schedule")).to_have_text("221")
    assert first.schedule == ""
