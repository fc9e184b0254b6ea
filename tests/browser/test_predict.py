"""Predict first: a question before a marked step, kept in the reader's browser, asked of nobody."""

import re
from collections.abc import Callable

from hand import BUG, CHAPTER, Hand
from playwright.sync_api import Page, expect
from visit import Visit

BEFORE = BUG[:-1]  # the marked step is the one that touches the removed page


def prompt(hand: Hand) -> str:
    return hand.text(".gup-prompt")


def open_at(page: Page, url: str) -> Hand:
    page.goto(url + CHAPTER)
    return Hand(page)


def test_the_question_is_asked_before_the_step(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    hand = open_at(page_at().page, book_over_http)
    hand.take(BEFORE[:-1])
    assert prompt(hand) == ""
    hand.take(BEFORE[-1])
    assert "What does its next step do?" in prompt(hand)
    group = hand.player.get_by_role("group", name="Thread 1: direct I/O")
    assert "Raise a page's count" not in group.inner_text(), "the lane would tell"
    hand.player.get_by_role("button", name="It touches something that is gone").click()
    assert "✓ As you predicted." in prompt(hand)
    assert "Raise a page's count" in group.inner_text()
    assert "1 of 3 questions here, 1 as it is" in hand.text(".gup-progress")
    assert hand.heard == "As you predicted. You said: It touches something that is gone."
    hand.take(BUG[-1])
    assert prompt(hand) == ""


def test_the_focus_stays_when_a_question_comes_and_goes(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    hand = open_at(page_at().page, book_over_http)
    hand.take(BEFORE[:-1])
    step = hand.player.get_by_role("button", name="Step thread 1", exact=True)
    step.focus()
    for asked in (True, False):
        hand.page.keyboard.press("Enter")
        assert bool(prompt(hand)) == asked
        expect(step).to_be_focused()


def test_a_wrong_answer_is_told_what_happens(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    hand = open_at(page_at().page, book_over_http)
    hand.choose("v5.11")
    hand.take(BEFORE)
    hand.press("answer oops")
    said = prompt(hand)
    assert "✗ Not as you predicted." in said
    assert "You said: It touches something that is gone." in said
    assert "What happens: It takes its step, and no rule is broken." in said
    assert "1 of 3 questions here, 0 as it is" in hand.text(".gup-progress")


def test_nobody_has_to_answer(page_at: Callable[..., Visit], book_over_http: str) -> None:
    hand = open_at(page_at().page, book_over_http)
    hand.take(BUG)
    assert hand.schedule == BUG
    assert hand.text(".gup-progress") == ""
    assert hand.page.evaluate("localStorage.getItem('gup-answers')") is None
    hand.press("back")
    assert "What does its next step do?" in prompt(hand), "it is still asked"


def test_the_question_belongs_to_the_state_and_not_to_the_way(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    hand = open_at(page_at().page, book_over_http)
    hand.take("22222" + "2" + "111")
    assert prompt(hand)
    hand.restart()
    hand.take("11" + "2" + "1" + "222")  # another way to the state after 1112222
    assert "Can thread 2 go on to remove anything?" in prompt(hand)


def test_the_lane_does_not_tell_that_a_thread_has_to_wait(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    hand = open_at(page_at().page, book_over_http)
    hand.take("1112222")
    lane = hand.player.get_by_role("group", name="Thread 2: unbind")
    step = lane.get_by_role("button", name="Step thread 2", exact=True)
    expect(lane).to_have_class(re.compile("gup-next"))
    expect(step).not_to_have_attribute("aria-disabled", "true")
    assert "waits" not in (hand.player.locator(".gup-scene").text_content() or "")
    assert hand.player.locator(".gup-wait").count() == 0
    step.click()
    assert hand.schedule == "1112222"
    assert "Waits for" in hand.text(".gup-note"), "whoever does not answer is told why"
    hand.press("answer waits")
    assert "✓" in prompt(hand)
    assert "waits" in (hand.player.locator(".gup-scene").text_content() or "")
    assert hand.player.locator(".gup-wait").count() == 1
    expect(step).to_have_attribute("aria-disabled", "true")


def test_answers_are_kept_and_can_be_forgotten(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    page = page_at().page
    hand = open_at(page, book_over_http)
    hand.take(BEFORE)
    hand.press("answer oops")
    page.evaluate(
        """() => {
          const all = JSON.parse(localStorage.getItem("gup-answers"));
          all["another player's"] = "waits";
          localStorage.setItem("gup-answers", JSON.stringify(all));
        }"""
    )
    page.evaluate("history.replaceState(null, '', location.pathname)")
    page.reload()
    hand = Hand(page)
    assert "1 of 3 questions here, 1 as it is" in hand.text(".gup-progress")
    hand.take(BEFORE)
    assert "✓ As you predicted." in prompt(hand)
    hand.press("forget")
    assert hand.text(".gup-progress") == ""
    assert "What does its next step do?" in prompt(hand)
    kept = page.evaluate("JSON.parse(localStorage.getItem('gup-answers'))")
    assert kept == {"another player's": "waits"}


def test_a_browser_that_keeps_nothing(page_at: Callable[..., Visit], book_over_http: str) -> None:
    visit = page_at(own=True)
    visit.page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })"
    )
    hand = open_at(visit.page, book_over_http)
    hand.take(BEFORE)
    hand.press("answer oops")
    assert "✓ As you predicted." in prompt(hand)
    assert "1 as it is" in hand.text(".gup-progress")


def test_by_keyboard(page_at: Callable[..., Visit], book_over_http: str) -> None:
    hand = open_at(page_at().page, book_over_http)
    hand.player.focus()
    hand.page.keyboard.type(BEFORE)
    answer = hand.player.get_by_role("button", name="It touches something that is gone")
    answer.focus()
    hand.page.keyboard.press("Enter")
    assert "✓" in prompt(hand)
    hand.page.keyboard.type("1")
    expect(hand.player.locator(".gup-schedule")).to_have_text(BUG)
