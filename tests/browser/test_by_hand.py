"""The player on the built page, as a reader uses it: by mouse, by keyboard, by ear, on a phone."""

from collections.abc import Callable
from typing import Any

import pytest
from hand import BUG, CHAPTER, Hand
from playwright.sync_api import expect
from visit import Visit

from gupcore import ScheduleError, check, race
from gupcore.player import PANELS

PACE = 1200  # milliseconds, as in game.js
FOCUSED = "document.activeElement.dataset.do ?? document.activeElement.dataset.set"

# Every piece of text in the player whose contrast with what is behind it is too low for WCAG AA.
TOO_FAINT = """
(player) => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const behind = (element) => {
    const color = rgba(getComputedStyle(element).backgroundColor);
    return color[3] === 255 || !element.parentElement ? color : behind(element.parentElement);
  };
  const light = (color) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, n) => {
    const part = color[n] / 255;
    return sum + weight * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  }, 0);
  const contrast = (element) => {
    const [a, b] = [rgba(getComputedStyle(element).color), behind(element)].map(light).sort();
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  return [...player.querySelectorAll("*")]
    .filter((e) => e.checkVisibility({ visibilityProperty: true }) && e.offsetWidth > 1)
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim()))
    .map((e) => [contrast(e), e.className, e.textContent])
    .filter(([ratio]) => ratio < 4.5);
}
"""


@pytest.fixture
def open_player(page_at: Callable[..., Visit], book_over_http: str) -> Callable[..., Hand]:
    """`open_player(390, "dark")` is the first player of the chapter."""

    def open_it(*how: Any) -> Hand:
        page = page_at(*how).page
        page.goto(book_over_http + CHAPTER)
        return Hand(page)

    return open_it


def test_keys(open_player: Callable[..., Hand]) -> None:
    hand = open_player()
    hand.press("step 2")
    keys = hand.page.keyboard
    keys.type("211")
    assert hand.schedule == "2211"
    keys.press("Backspace")
    keys.press("ArrowLeft")
    assert hand.schedule == "22"
    keys.press("ArrowRight")
    assert hand.schedule == "221"
    keys.press("Home")
    assert hand.schedule == ""
    keys.press("Control+1")
    assert hand.schedule == ""
    keys.press("9")
    assert "“9” is no thread" in hand.text(".gup-note")


def test_arrows_belong_to_the_radios_that_have_the_focus(open_player: Callable[..., Hand]) -> None:
    hand = open_player()
    hand.take("22")
    radio = hand.player.get_by_role("radio", checked=True)
    name = radio.get_attribute("value")
    radio.focus()
    hand.page.keyboard.press("ArrowRight")
    assert hand.schedule == "22"
    assert hand.player.get_by_role("radio", checked=True).get_attribute("value") != name
    hand.page.keyboard.press("1")
    assert hand.schedule == "221"


def test_everything_is_reached_by_keyboard_and_keeps_the_focus(
    open_player: Callable[..., Hand],
) -> None:
    hand = open_player()
    for panel in PANELS:
        hand.open(panel)
    every = hand.player.evaluate(
        """(player) => [...player.querySelectorAll("[data-do], [data-set]")]
          .filter((e) => e.tabIndex >= 0 && !e.disabled && (e.type !== "radio" || e.checked))
          .map((e) => e.dataset.do ?? e.dataset.set)"""
    )
    assert {"step 1", "back", "show 0", "bug", "outcome 0", "beside 1", "copy text"} <= set(every)
    hand.player.get_by_role("radio", checked=True).focus()
    reached = [hand.page.evaluate(FOCUSED)]
    for _ in range(len(every) + 10):  # the bits of a PTE, and the map, are stops of their own
        hand.page.keyboard.press("Tab")
        reached.append(hand.page.evaluate(FOCUSED))
    assert set(every) <= set(reached)
    step = hand.player.get_by_role("button", name="Step thread 2", exact=True)
    step.focus()
    for _ in range(12):  # until the thread has ended and the button can do no more
        hand.page.keyboard.press("Enter")
    expect(step).to_be_focused()
    expect(step).to_have_attribute("aria-disabled", "true")
    outline = step.evaluate("(e) => getComputedStyle(e).outlineStyle")
    assert outline == "solid"


def test_back_restart_and_history(open_player: Callable[..., Hand]) -> None:
    hand = open_player()
    hand.open("words")
    hand.take("2211")
    hand.press("back")
    assert hand.schedule == "221"
    hand.press("next")
    assert hand.schedule == "2211"
    hand.press("jump 2")
    assert hand.schedule == "22"
    assert hand.player.locator(".gup-history li").count() == 2
    hand.take("2")
    hand.press("restart")
    assert hand.schedule == ""
    assert hand.player.locator(".gup-history li").count() == 0


def test_show_me_plays_to_the_oops(page_at: Callable[..., Visit], book_over_http: str) -> None:
    page = page_at(own=True).page
    page.clock.install()
    page.goto(book_over_http + CHAPTER)
    hand = Hand(page)
    hand.choose("no-check")
    hand.take("1")
    hand.show("struct page exists")
    assert hand.schedule == ""
    for taken in range(1, len(BUG)):
        page.clock.run_for(PACE)
        assert hand.schedule == BUG[:taken]
    page.clock.run_for(3 * PACE)
    assert hand.schedule == BUG[:-1], "it stops at a question"
    hand.press("play")
    page.clock.run_for(PACE)
    assert hand.schedule == BUG
    assert hand.text(".gup-breaks") == "breaks: struct page exists"
    assert "oops" in hand.text('.gup-things [data-thing="struct page"]')
    assert hand.text(".gup-status").startswith("Oops")
    for digit in "12":
        assert hand.player.locator(f'[data-do="step {digit}"]').get_attribute("aria-disabled")
    hand.page.keyboard.press("1")
    assert hand.schedule == BUG


def test_playing_is_paused_by_escape_and_goes_on(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    page = page_at(own=True).page
    page.clock.install()
    page.goto(book_over_http + CHAPTER)
    hand = Hand(page)
    hand.choose("no-check")
    hand.show("struct page exists")
    page.clock.run_for(2 * PACE)
    page.keyboard.press("Escape")
    page.clock.run_for(5 * PACE)
    assert hand.schedule == BUG[:2]
    hand.press("play")
    page.clock.run_for(PACE)
    assert hand.schedule == BUG[:3]
    hand.press("play")
    page.clock.run_for(PACE)
    assert hand.schedule == BUG[:3]
    hand.press("next")
    assert hand.schedule == BUG[:4]


def test_reduced_motion_leaves_the_stepping_to_the_reader(open_player: Callable[..., Hand]) -> None:
    hand = open_player()
    hand.page.emulate_media(reduced_motion="reduce")
    hand.choose("no-check")
    hand.show("struct page exists")
    assert hand.player.get_by_role("button", name="Play", exact=True).is_visible()
    for _ in BUG:
        hand.press("next")
    assert hand.schedule == BUG


def test_a_livelock_repeats_for_ever(open_player: Callable[..., Hand]) -> None:
    hand = open_player()
    hand.page.emulate_media(reduced_motion="reduce")
    hand.choose("v5.11")
    verdict = check(race("v5.11"))["everyone can finish"]
    assert verdict.loop
    hand.show("everyone can finish")
    for _ in verdict.schedule + 3 * verdict.loop:
        hand.press("next")
    assert hand.schedule == verdict.schedule + 3 * verdict.loop
    assert f"and then the steps {verdict.loop} repeat for ever" in hand.text(".gup-status")


def test_a_design_keeps_the_schedule_as_far_as_it_goes(open_player: Callable[..., Hand]) -> None:
    hand = open_player()
    schedule = (
        "1222222"  # the cure unmaps first; without the check unbind soon waits for the caller
    )
    hand.choose("cure")
    hand.take(schedule)
    hand.choose("no-check")
    with pytest.raises(ScheduleError) as parting:
        check(race("no-check")).replay(schedule)
    number = int(str(parting.value).split()[1].rstrip(":"))
    assert hand.schedule == schedule[: number - 1]
    note = hand.text(".gup-note")
    assert f"Under no-check the schedule {schedule} cannot go on. Step {number}:" in note
    assert str(parting.value).split("cannot step. ")[1] in note
    assert hand.heard == note
    hand.choose("cure")
    assert hand.schedule == schedule


def test_one_sentence_a_step_is_read_out(open_player: Callable[..., Hand]) -> None:
    hand = open_player()
    hand.choose("no-check")
    region = hand.player.get_by_role("status")
    assert region.count() == 1
    moments = check(race("no-check")).replay(BUG)
    for moment, digit in zip(moments, BUG, strict=True):
        hand.take(digit)
        assert moment.said in hand.heard
        assert hand.heard.startswith(f"Step {len(hand.schedule)}, {moment.label}: ")
    assert "Breaks: struct page exists. The run ends here. Oops: nobody held" in hand.heard


def test_names_and_roles(open_player: Callable[..., Hand]) -> None:
    hand = open_player()
    hand.open("words")
    for name in (
        "Time",
        "Thread 1: direct I/O",
        "Thread 2: unbind",
        "Last step",
        "Machine",
        "History",
    ):
        assert hand.player.get_by_role("group", name=name, exact=True).count() == 1
    step = hand.player.get_by_role("button", name="Step thread 1", exact=True)
    reason = step.get_attribute("aria-describedby")
    assert hand.text(f"[id='{reason}']").startswith("next: ")


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_contrast(open_player: Callable[..., Hand], color_scheme: str) -> None:
    hand = open_player(1280, color_scheme)
    hand.page.emulate_media(reduced_motion="reduce")  # no colour halfway between two others
    hand.choose("no-check")
    for schedule in ("", "2211", "1111222", BUG, "1111221"):
        hand.restart()
        hand.take(schedule)
        assert hand.player.evaluate(TOO_FAINT) == [], schedule
    hand.choose("cure")
    for panel in PANELS:
        hand.open(panel)
    hand.press("copy text")
    hand.player.locator("summary").first.click()
    for schedule in ("", "2222", "222222111"):
        hand.restart()
        hand.take(schedule)
        assert hand.player.evaluate(TOO_FAINT) == [], schedule


def test_dark_is_dark(open_player: Callable[..., Hand]) -> None:
    colors = [
        open_player(1280, scheme).player.evaluate("(e) => getComputedStyle(e).backgroundColor")
        for scheme in ("light", "dark")
    ]
    assert colors == ["rgb(255, 255, 255)", "rgb(21, 25, 31)"]


def test_on_a_phone(open_player: Callable[..., Hand]) -> None:
    width = 360
    hand = open_player(width)
    hand.choose("no-check")
    hand.take(BUG)
    for panel in PANELS:
        hand.open(panel)
    assert hand.page.evaluate("document.scrollingElement.scrollWidth") <= width
    touched = "button, select, summary, input[type=range], input[type=number], label:has(input)"
    for target in hand.player.locator(touched).all():
        box = target.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 24, target.inner_text()
    for target in hand.player.locator(".gup > :not(.gup-panels) button, .gup-panel > *").all():
        box = target.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    lanes = [lane.bounding_box() for lane in hand.player.locator(".gup-lane").all()]
    assert all(lanes)
    tops = {lane["y"] for lane in lanes if lane}
    assert len(tops) == 1, "lanes stand side by side"


def test_keys_go_on_when_what_had_the_focus_is_gone(open_player: Callable[..., Hand]) -> None:
    hand = open_player()
    hand.open("words")
    hand.take("22")
    hand.player.locator('[data-do="jump 2"]').focus()
    hand.page.keyboard.press("Backspace")
    assert hand.schedule == "2"
    hand.page.keyboard.press("1")
    assert hand.schedule == "21"


def test_the_same_refusal_twice_is_heard_twice(open_player: Callable[..., Hand]) -> None:
    hand = open_player()
    hand.player.focus()
    heard = []
    for _ in range(3):
        hand.page.keyboard.press("9")
        heard.append(hand.heard)
    assert heard[0] != heard[1] != heard[2]
    assert {text.strip() for text in heard} == {heard[0].strip()}


def test_another_design_forgets_what_was_shown_under_the_last(
    open_player: Callable[..., Hand],
) -> None:
    hand = open_player()
    hand.show("struct page exists")
    assert "under no-check" in hand.text(".gup-status")
    hand.choose("cure")
    assert "no-check" not in hand.text(".gup-status")


def test_on_paper_the_player_is_the_schedule_as_a_list(open_player: Callable[..., Hand]) -> None:
    hand = open_player(1280, "dark")
    hand.choose("no-check")
    hand.take(BUG + "")
    hand.open("verdict")
    hand.page.emulate_media(media="print")
    assert hand.player.evaluate("(e) => getComputedStyle(e).colorScheme") == "light"
    steps = hand.player.locator(".gup-history li").all()
    assert [step.is_visible() for step in steps] == [True] * len(BUG)
    ends = hand.player.locator(".gup-history ol").evaluate("(e) => e.scrollHeight - e.clientHeight")
    assert ends == 0, "a step is out of sight"
    for control in ("Restart", "Step thread 1", "Verdict", "Show me: struct page exists"):
        assert not hand.player.get_by_role("button", name=control, exact=True).count()
    assert BUG in hand.text(".gup-schedule")
