"""The player's module in pages and in widget models that a test makes up, bad data among them."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hand import BUG, Hand
from playwright.sync_api import Page
from visit import Visit

from gupcore import check, race
from gupcore.player import Player
from gupcore.player.format import VERSION
from gupcore.player.module import module, style


def page_with(page: Page, *bodies: str) -> Page:
    script = f"{module()}\nmountAll(document);"
    page.set_content(
        f"<style>{style()}</style>{''.join(bodies)}<script type='module'>{script}</script>"
    )
    return page


def test_two_players_do_not_disturb_each_other(page_at: Callable[..., Visit]) -> None:
    visit = page_at()
    html = Player(check(race("no-check")), check(race("cure"))).to_html()
    page = page_with(visit.page, html, html)
    one, other = Hand(page, 0), Hand(page, 1)
    one.take("22")
    other.take("1")
    other.choose("cure")
    assert (one.schedule, other.schedule) == ("22", "1")
    assert one.player.get_by_role("radio", name="no-check").is_checked()
    page.keyboard.press("2")
    assert (one.schedule, other.schedule) == ("22", "12")
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))
    visit.assert_quiet()


def broken_players() -> dict[str, str]:
    player = Player(check(race("no-check")))
    board = json.dumps(player.board)

    def html(data: str) -> str:
        return re.sub(r"(?<=json\">).*(?=</script>)", lambda _: data, player.to_html())

    def with_board(changed: dict[str, Any]) -> str:
        return html(json.dumps({"board": changed, "design": "no-check"}))

    short = json.loads(board)
    for column in short["moves"]:
        del column[20:]
    silent = json.loads(board) | {"text": []}
    homeless = json.loads(board) | {"code": {}}
    empty = {"version": VERSION, "designs": []}
    newer = json.loads(board) | {"version": 99}
    names = ("short", "silent", "homeless", "empty", "newer")
    made = dict(zip(names, map(with_board, (short, silent, homeless, empty, newer)), strict=True))
    return made | {"cut off": html(board[:1000]), "null": html("null")}


@pytest.mark.parametrize("name", list(broken_players()))
def test_data_that_cannot_be_walked_is_a_sentence(page_at: Callable[..., Visit], name: str) -> None:
    visit = page_at()
    whole = Player(check(race("cure"))).to_html()
    page = page_with(visit.page, broken_players()[name], whole)
    expected = (
        f"version {VERSION}, and was given version 99"
        if name == "newer"
        else "data of this player is"
    )
    alert = page.get_by_role("alert")
    assert expected in alert.inner_text()
    assert page.locator(".gup-fallback").first.is_visible(), "the list is still there"
    neighbour = Hand(page, 1)
    neighbour.take("12")
    assert neighbour.schedule == "12"
    visit.assert_quiet()


AS_WIDGET = """
async ([source, board]) => {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const { render } = (await import(url)).default;
  const values = { board, design: board.designs[0].name, schedule: "" };
  const heard = {};
  window.saves = 0;
  window.model = {
    get: (name) => values[name],
    set(name, value) {
      if (values[name] === value) return;
      values[name] = value;
      (heard[`change:${name}`] ?? []).forEach((listener) => listener());
    },
    on: (event, listener) => (heard[event] ??= []).push(listener),
    off: (event, listener) => (heard[event] = heard[event].filter((l) => l !== listener)),
    save_changes: () => (window.saves += 1),
  };
  window.end = await render({ model, el: document.body });
  window.listeners = () => Object.values(heard).flat().length;
}
"""


@pytest.fixture
def widget(page_at: Callable[..., Visit], book_over_http: str) -> Hand:
    page = page_at().page
    page.goto(book_over_http + "404-there-is-no-such-page")
    page.set_content("<title>A widget's host</title>")
    board = Player(check(race("no-check")), check(race("cure"))).board
    page.evaluate(AS_WIDGET, [module(), board])
    return Hand(page)


def model(hand: Hand) -> list[str]:
    known: list[str] = hand.page.evaluate("[model.get('design'), model.get('schedule')]")
    return known


def test_the_model_follows_the_reader(widget: Hand) -> None:
    widget.take("22")
    assert model(widget) == ["no-check", "22"]
    assert widget.page.evaluate("saves") == 2
    widget.take("22221111")
    widget.choose("cure")
    assert model(widget) == ["cure", widget.schedule]
    widget.choose("no-check")
    assert model(widget) == ["no-check", BUG]


def test_telling_the_model_of_a_design_forgets_no_step(widget: Hand) -> None:
    widget.choose("cure")
    widget.take("1222222")
    widget.choose("no-check")
    assert model(widget) == ["no-check", widget.schedule]
    assert widget.schedule != "1222222"
    widget.choose("cure")
    assert model(widget) == ["cure", "1222222"]


def test_the_reader_follows_the_model(widget: Hand) -> None:
    widget.page.evaluate("model.set('schedule', '2211')")
    assert widget.schedule == "2211"
    widget.page.evaluate("model.set('design', 'cure')")
    assert widget.player.get_by_role("radio", name="cure").is_checked()
    assert widget.schedule == "2211"


@pytest.mark.parametrize(
    ("schedule", "goes", "sentence"),
    [
        ("222222222", "22222222", "Step 9: thread 2 (unbind) has ended."),
        (BUG + "1", BUG, "Step 11: thread 1 (direct I/O) cannot step. The kernel has oopsed"),
        ("2x1", "2", "Step 2: “x” is no thread; the threads are 1 (direct I/O), 2 (unbind)."),
        ("0", "", "Step 1: “0” is no thread"),
        ("½ 1", "", "Step 1: “½” is no thread"),
    ],
)
def test_an_impossible_schedule_is_a_sentence(
    widget: Hand, schedule: str, goes: str, sentence: str
) -> None:
    widget.page.evaluate("(schedule) => model.set('schedule', schedule)", schedule)
    assert sentence in widget.text(".gup-note")
    assert widget.schedule == goes
    assert model(widget) == ["no-check", goes]
    widget.restart()
    widget.take("1")
    assert widget.schedule == "1"


def test_an_unknown_design_is_a_sentence(widget: Hand) -> None:
    widget.take("2")
    widget.page.evaluate("model.set('design', 'v9.9')")
    assert widget.text(".gup-note") == "There is no design “v9.9” here; choose no-check, cure."
    assert model(widget) == ["no-check", "2"]


def test_the_end_leaves_nothing_behind(widget: Hand) -> None:
    widget.show("struct page exists")
    widget.page.evaluate("end()")
    assert widget.page.evaluate("listeners()") == 0
    assert widget.page.locator(".gup").count() == 0
    widget.page.wait_for_timeout(1500)  # longer than one step of playing takes
    assert model(widget) == ["no-check", ""]
