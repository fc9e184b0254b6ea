"""The scene on the built page: it draws what the words say, and every end has a next act."""

import random
import re
from collections.abc import Callable

import pytest
from hand import BUG, CHAPTER, Hand
from shipped import NOTEBOOKS, boards_in, page_of
from visit import Visit

from gupcore import check, race

PLAYED = sorted({page_of(notebook) for notebook in NOTEBOOKS})


# What the words say of each thing, how often a reference is drawn on it, and with how many lines.
COUNTS = """
(player) => {
  const svg = player.querySelector(".gup-wide-scene");
  const things = {};
  for (const thing of player.querySelectorAll(".gup-things > [data-exists=true]")) {
    const name = thing.dataset.thing;
    const glyph = svg.querySelector(`.gup-glyph[data-thing="${name}"]`);
    if (!glyph) continue;
    things[name] = [
      thing.querySelector(".gup-now").textContent,
      glyph.querySelectorAll("circle").length,
      svg.querySelectorAll(`.gup-tether[data-thing="${name}"]`).length,
    ];
  }
  return things;
}
"""


@pytest.fixture
def hand(page_at: Callable[..., Visit], book_over_http: str) -> Hand:
    page = page_at().page
    page.goto(book_over_http + CHAPTER)
    return Hand(page)


@pytest.mark.parametrize(
    ("chapter", "design"),
    [
        (CHAPTER, "no-check"),
        (CHAPTER, "v5.11"),
        (CHAPTER, "cure"),
        ("chapters/09_what_the_check_buys.html", "v6.1"),
    ],
)
def test_every_reference_is_drawn_with_a_line_to_its_holder(
    page_at: Callable[..., Visit], book_over_http: str, chapter: str, design: str
) -> None:
    page = page_at().page
    page.goto(book_over_http + chapter)
    players = page.locator(".gup").all()
    has = (n for n, one in enumerate(players) if one.get_by_role("radio", name=design).count())
    hand = Hand(page, next(has))
    hand.choose(design)
    counted = 0
    for state in hand.in_every_state(COUNTS, len(check(race(design)).graph.states)):
        for name, (words, dots, lines) in state.items():
            found = re.search(r"refcount (\d+)|(\d+) references?", words)
            if found:
                counted += 1
                assert dots == int(found[1] or found[2]), (name, words)
                assert lines == dots, (name, words)
    assert counted > 200


# Which threads are drawn as being inside something, and what the words say of it.
INSIDE = """
(player) => {
  const words = [...player.querySelectorAll(".gup-sections > li")]
    .map((row) => [row.dataset.thing, row.querySelector(".gup-now").textContent]);
  const cards = [...player.querySelectorAll(".gup-thread")]
    .map((card) => [...card.querySelectorAll("text")].map((text) => text.textContent).join(" "));
  const caches = [...player.querySelectorAll(".gup-look-cache rect")].map((rect) => {
    const y = Number(rect.getAttribute("y"));
    return [...player.querySelectorAll(".gup-card")].findIndex((card) =>
      Number(card.getAttribute("y")) < y
      && y < Number(card.getAttribute("y")) + Number(card.getAttribute("height")));
  });
  return [words, cards, caches];
}
"""


@pytest.mark.parametrize(
    ("chapter", "cpus"),
    [
        (CHAPTER, [0, 1]),
        ("chapters/02_two_walkers.html", [2, 0, 1]),  # thread 1 is the hardware, on CPU 2
    ],
)
def test_a_thread_is_drawn_inside_what_its_cpu_is_inside(
    page_at: Callable[..., Visit], book_over_http: str, chapter: str, cpus: list[int]
) -> None:
    page = page_at().page
    page.goto(book_over_http + chapter)
    hand = Hand(page)
    seen = 0
    for words, cards, caches in hand.in_every_state(INSIDE, 60):
        assert all(cpus[thread] == 2 for thread in caches), "it is the hardware's TLB"
        for section, who in words:
            if section == "interrupts off":
                inside = [f"CPU {cpus[n]}" for n, card in enumerate(cards) if "irqs off" in card]
                assert (" and ".join(sorted(inside)) or "nobody") == who
                seen += bool(inside)
    assert seen > 5


# The threads that wait, and those from which a line leads to what they wait for.
WAITING = """
(player) => {
  const digits = (selector) => {
    const all = [...player.querySelectorAll(selector)].map((e) => e.dataset.thread);
    return [...new Set(all)].sort().join("");
  };
  return [digits(".gup-lane.gup-blocked"), digits(".gup-wait")];
}
"""
WAITED = [name for name in PLAYED if "workbench" not in name]  # its boards are the chapters'


@pytest.mark.parametrize("name", WAITED)
def test_whoever_waits_points_at_what_it_waits_for(
    page_at: Callable[..., Visit], book_over_http: str, name: str
) -> None:
    page = page_at().page
    page.goto(book_over_http + name)
    boards = boards_in(page)
    if boards:
        Hand(page).answer_all()  # which loads the page again
    for nth, board in enumerate(boards):
        hand = Hand(page, nth)
        for design in board["designs"]:
            if len(board["designs"]) > 1:
                hand.player.get_by_role("radio", name=design["name"], exact=True).check(force=True)
            every = design["states"] // 300 + 1
            seen = hand.in_every_state(WAITING, design["states"], every=every)
            assert [(waits, lines) for waits, lines in seen if waits != lines] == []


def test_what_a_device_moves_is_a_line_to_the_frame(hand: Hand) -> None:
    hand.choose("v5.11")
    moments = check(race("v5.11")).replay("1" * 11)
    started = [moment.source.function for moment in moments].index("submit_bio") + 1
    hand.take("1" * (started - 1))
    flow = hand.player.locator(".gup-transfer")
    assert flow.count() == 0
    hand.take("1")
    assert flow.get_attribute("data-thread") == "1"
    assert flow.get_attribute("data-thing") == "pfn 0x20000"
    moving = "(e) => e.getAnimations({ subtree: true }).length"
    assert flow.evaluate(moving) == 1
    hand.page.emulate_media(reduced_motion="reduce")
    assert flow.evaluate(moving) == 0
    hand.take("1")
    assert flow.count() == 0, "the I/O is complete"


def test_what_is_gone_is_a_hole_and_a_touch_of_it_goes_there(hand: Hand) -> None:
    hand.choose("no-check")
    hand.take(BUG[:6])
    page = hand.player.locator('.gup-wide-scene [data-thing="struct page"].gup-glyph')
    assert "gup-is-gone" in (page.get_attribute("class") or "")
    assert hand.player.locator(".gup-oops-touch").count() == 0
    hand.take(BUG[6:9])
    hand.answer_here()
    hand.take(BUG[9:])
    assert "gup-hole" in (page.get_attribute("class") or "")
    touch = hand.player.locator(".gup-wide-scene .gup-oops-touch")
    assert touch.get_attribute("data-thread") == "1"
    assert hand.player.locator(".gup-wide-time .gup-arc").count() == 1
    assert "nobody held the struct page" in hand.text(".gup-status")


# Where everything stands that a reader points at, below the player's top, and which words overflow
# their slot.  What sticks to the window's edge is told by its height.
SLOTS = """
(player) => {
  const top = player.getBoundingClientRect().top;
  const sticks = player.querySelector(".gup-in-sheet");
  const boxes = [...player.querySelectorAll(
    ".gup-scene, .gup-caption, .gup-timeline, .gup-lanes, .gup-head button, .gup-panels")];
  const isBelow = (e) => !sticks?.contains(e);
  const places = boxes.map((e) => {
    const { y, height } = e.getBoundingClientRect();
    const isLast = e.matches(".gup-panels"); // whatever is opened there, its top stays
    const at = [isBelow(e) && Math.round(y - top), !isLast && Math.round(height)];
    return `${e.classList[0]} ${at}`;
  });
  const slots = [...player.querySelectorAll(".gup-told, .gup-status, .gup-what, .gup-prompt")];
  const over = slots.filter((e) => e.clientHeight && e.scrollHeight > e.clientHeight + 1);
  return [places.join("; "), over.map((e) => e.textContent)];
}
"""


@pytest.mark.parametrize("width", [1280, 390, 360])
@pytest.mark.parametrize("name", PLAYED)
def test_everything_has_its_slot_in_every_scenario(
    page_at: Callable[..., Visit], book_over_http: str, name: str, width: int
) -> None:
    """Some thirty states of each player of the book, spread over all: nothing moves or is cut."""
    page = page_at(width).page
    page.goto(book_over_http + name)
    boards = boards_in(page)
    for nth, board in enumerate(boards):
        hand = Hand(page, nth)
        if code := hand.player.locator('[data-do="open code"]').all():
            code[0].click()
        most = min(design["states"] for design in board["designs"])
        seen = hand.in_every_state(SLOTS, most, every=most // 30 + 1)
        assert [words for _, over in seen for words in over] == []
        assert len({places for places, _ in seen}) == 1


@pytest.mark.parametrize(("width", "most"), [(1280, 700), (390, 790)])
@pytest.mark.parametrize("name", ["book/intro.html", CHAPTER])
def test_a_player_fits_a_screen(
    page_at: Callable[..., Visit], book_over_http: str, name: str, width: int, most: int
) -> None:
    """It has one height, also while it asks, and when it has been answered."""
    page = page_at(width).page
    page.goto(book_over_http + name)
    hand = Hand(page)
    height = "(player) => player.offsetHeight"
    heights = {hand.player.evaluate(height)}
    for digit in BUG:
        hand.take(digit)
        heights.add(hand.player.evaluate(height))
        hand.answer_here()
        heights.add(hand.player.evaluate(height))
    assert len(heights) == 1
    assert heights.pop() <= most


# How large each text of a drawing is on the screen.
SMALLEST = """
(player) => Math.min(...[...player.querySelectorAll("svg text")].map((text) => {
  const scale = text.ownerSVGElement.getScreenCTM().a;
  return scale * parseFloat(getComputedStyle(text).fontSize);
}))
"""


def test_no_text_is_too_small_to_read(page_at: Callable[..., Visit], book_over_http: str) -> None:
    for width in (1280, 360):
        page = page_at(width).page
        page.goto(book_over_http + CHAPTER)
        assert Hand(page).player.evaluate(SMALLEST) >= 11


def test_on_a_phone_the_buttons_stay_in_reach_and_the_code_is_a_sheet(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    page = page_at(390).page
    page.goto(book_over_http + CHAPTER)
    hand = Hand(page)
    hand.choose("no-check")
    hand.player.locator(".gup-scene").evaluate("(e) => e.scrollIntoView({ block: 'center' })")
    step = hand.player.locator('[data-do="step 1"]')
    box = step.bounding_box()
    assert box
    assert box["y"] + box["height"] <= 800
    assert not hand.player.locator(".gup-code").first.is_visible()
    before = hand.player.evaluate("(player) => player.offsetHeight")
    hand.press("open code")
    assert [code.is_visible() for code in hand.player.locator(".gup-code").all()] == [True, True]
    assert hand.player.evaluate("(player) => player.offsetHeight") == before
    assert step.bounding_box() == box


@pytest.mark.parametrize("width", [1280, 390])
def test_the_way_to_the_top_covers_no_player(
    page_at: Callable[..., Visit], book_over_http: str, width: int
) -> None:
    page = page_at(width).page
    page.goto(book_over_http + CHAPTER)
    offered = page.locator("#pst-back-to-top")
    offered.evaluate("(e) => { e.style.display = 'block'; }")  # as for who scrolls back a little
    assert offered.bounding_box() is None


def test_a_thread_that_is_blocked_says_why_when_it_is_pressed(hand: Hand) -> None:
    hand.choose("no-check")
    hand.answer_all()
    hand.choose("no-check")
    hand.take("1112222")
    blocked = hand.player.locator('[data-do="step 2"][aria-disabled="true"]')
    blocked.click(force=True)
    assert "Waits for the kill's grace period" in hand.text(".gup-note")
    assert hand.schedule == "1112222"


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_moves_from_step_to_step(
    page_at: Callable[..., Visit], book_over_http: str, width: int
) -> None:
    """The buttons stay under the pointer, and the scene where it is; also when one is refused."""
    page = page_at(width).page
    page.goto(book_over_http + CHAPTER)
    hand = Hand(page)
    hand.choose("no-check")
    hand.player.locator(".gup-stage").evaluate("(stage) => stage.scrollIntoView()")
    places = "(e) => [...e.querySelectorAll('.gup-scene, [data-do^=\"step \"]')].map((b) => {" + (
        "const { x, y, height } = b.getBoundingClientRect(); return [x, y + scrollY, height] })"
    )
    at_first = hand.player.evaluate(places)
    for digit in BUG:
        hand.take(digit)
        assert hand.player.evaluate(places) == at_first, hand.schedule
    hand.player.evaluate("(player) => player.focus({ preventScroll: true })")
    hand.page.keyboard.press("9")
    assert hand.text(".gup-note")
    assert hand.player.evaluate(places) == at_first


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_first_screen_has_the_scene_and_the_buttons(
    page_at: Callable[..., Visit], book_over_http: str, width: int, height: int
) -> None:
    page = page_at(width, own=True).page
    page.set_viewport_size({"width": width, "height": height})
    page.goto(book_over_http + "book/intro.html")
    hand = Hand(page)
    scene = hand.player.locator(".gup-scene").bounding_box()
    assert scene
    assert scene["y"] + scene["height"] <= height
    for button in hand.player.locator('[data-do^="step "]').all():
        box = button.bounding_box()
        assert box
        assert box["y"] + box["height"] <= height


def test_whatever_is_clicked_the_player_says_what_to_do_next(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    """150 readers who click at random on the welcome page."""
    page = page_at().page
    page.goto(book_over_http + "book/intro.html")
    player = page.locator(".gup").first
    clicks = """
      (player, digits) => {
        player.querySelector("[data-do=restart]").click();
        for (const digit of digits) player.querySelector(`[data-do="step ${digit}"]`).click();
        const said = player.querySelector(".gup-status").textContent;
        return [said, player.querySelector(".gup-act button")?.textContent ?? ""];
      }
    """
    chance = random.Random(20210223)
    ends = set()
    for _ in range(150):
        digits = "".join(chance.choices("12", k=60))
        said, act = player.evaluate(clicks, digits)
        assert said != "Choose which thread takes the next step."
        assert act, said
        ends.add(said.split(":")[0].split(".")[0])
    assert "Oops" in ends
    assert len(ends) > 1


def test_the_welcome_page_says_when_its_task_can_no_longer_be_done(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    """In every state, whatever was clicked: it is said if and only if it is so."""
    report = check(race("no-check"))
    graph, aim = report.graph, "struct page exists"
    into: dict[int, list[int]] = {state: [] for state in graph.states}
    hopeful = []
    for state in graph.states:
        for move, after in graph.moves(state):
            into[after].append(state)
            if aim in report.broken_by(move):
                hopeful.append(state)
    can = set(hopeful)
    while hopeful:
        for before in into[hopeful.pop()]:
            if before not in can:
                can.add(before)
                hopeful.append(before)
    page = page_at().page
    page.goto(book_over_http + "book/intro.html")
    said = Hand(page).in_every_state(
        """(player) => player.querySelector(".gup-status").textContent""", len(graph.states)
    )
    never = "From here “struct page exists” can no longer be broken."
    for state, words in zip(graph.states, said, strict=True):
        if graph.machine(state).oops is not None:
            assert words == "Oops: nobody held the struct page when it went."
        elif graph.final(state):
            assert words == "All threads have ended, and “struct page exists” was not broken."
        else:
            assert (words == never) == (state not in can), words
    assert 0 < len(can) < len(graph.states)


def test_the_caption_says_who_held_what_went(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    page = page_at().page
    page.goto(book_over_http + "chapters/09_what_the_check_buys.html")
    players = page.locator(".gup").all()
    has = (n for n, one in enumerate(players) if one.get_by_role("radio", name="v6.1").count())
    hand = Hand(page, next(has))
    hand.answer_all()
    hand.choose("v6.1")
    hand.take(check(race("v6.1"))["struct page exists"].schedule)
    assert hand.text(".gup-status") == "Oops: the struct page went while it was held."


def test_who_would_rather_watch_can(hand: Hand) -> None:
    hand.page.goto(hand.page.url.replace(CHAPTER, "book/intro.html"))
    hand.page.emulate_media(reduced_motion="reduce")
    hand.player.get_by_role("button", name="Watch it go wrong").click()
    for _ in BUG:
        hand.press("next")
    assert "Oops" in hand.text(".gup-status")


def test_a_second_run_is_a_ghost_and_the_fork_is_marked(hand: Hand) -> None:
    hand.choose("no-check")
    hand.take(BUG)
    assert hand.player.locator(".gup-wide-time .gup-ghost").count() == 0
    hand.open("beside")
    assert hand.player.locator(".gup-wide-time .gup-ghost").count() >= 1
    assert hand.player.locator(".gup-wide-time .gup-fork").count() >= 1


def test_a_click_into_the_timeline_goes_there(hand: Hand) -> None:
    hand.choose("no-check")
    hand.take(BUG[:5])
    mark = hand.player.locator(".gup-wide-time .gup-mark").nth(1).bounding_box()
    assert mark
    hand.page.mouse.click(mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2)
    assert hand.schedule == BUG[:2]
    slider = hand.player.get_by_role("slider", name="Go to step")
    assert (slider.get_attribute("aria-valuetext") or "").startswith("Step 2, unbind: ")


def test_the_way_past_the_menus(hand: Hand) -> None:
    hand.page.keyboard.press("Tab")
    assert hand.page.evaluate("document.activeElement.textContent") == "Skip to the player"
    hand.page.keyboard.press("Enter")
    assert hand.page.evaluate("document.activeElement.dataset.do") == "step 1"
