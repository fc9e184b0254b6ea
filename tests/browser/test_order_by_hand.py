"""Chapter 11's parts, put in order by hand: with the mouse, a finger or keys."""

import re
from collections.abc import Callable

from playwright.sync_api import Browser, Locator, Page, expect
from test_axe import faint_text, structural_barriers
from test_pages import TOO_WIDE
from test_try_it import SOON
from visit import Visit

UNMAP = "chapters/11_unmap_all_files.html"
AT_FIRST = ["drain", "kill", "refuse", "serialise", "unmap", "wait"]


def parts(page: Page) -> list[str]:
    return page.locator(".gup-order [data-part] b").all_inner_texts()


def row(page: Page, part: str) -> Locator:
    return page.locator(f'.gup-order [data-part="{part}"]')


def said(page: Page) -> str:
    return page.locator(".gup-by-hand [role=status]").inner_text()


def drag(page: Page, part: str, to: str) -> None:
    page.locator(".gup-order").scroll_into_view_if_needed()
    row(page, part).locator(".gup-grip").hover()
    page.mouse.down()
    row(page, to).locator(".gup-grip").hover()
    page.mouse.up()


def test_a_right_order_is_found_by_dragging(page_at: Callable[..., Visit], book_url: str) -> None:
    visit = page_at(1280, "dark")
    page = visit.page
    page.goto(f"{book_url}{UNMAP}")
    assert parts(page) == AT_FIRST
    judged = page.locator(".gup-judged")
    assert judged.inner_text().startswith("✗ “no stale mapping” fails in ")
    drag(page, "refuse", to="drain")
    assert parts(page) == ["refuse", "drain", "kill", "serialise", "unmap", "wait"]
    judged.get_by_text("Show me the shortest schedule").click()
    steps = judged.locator(".gup-way li")
    length = re.search(r"fails in (\d+) steps", judged.inner_text())
    assert length
    expect(steps).to_have_count(int(length[1]))
    assert "touches the struct page, which is gone" in steps.last.inner_text().lower()
    drag(page, "unmap", to="kill")
    assert parts(page) == ["refuse", "drain", "unmap", "kill", "serialise", "wait"]
    assert judged.inner_text().startswith("✓ Every rule holds, in every schedule.")
    assert "PTE absent at the start and with the PTE present" in judged.inner_text()
    assert said(page) == "unmap is now 3 of 6. Every rule holds."
    assert page.locator(".gup-tally").inner_text() == "Tried: 3 orders, of which right: 1."
    visit.assert_quiet()


def test_the_keys_move_a_part(page_at: Callable[..., Visit], book_over_http: str) -> None:
    visit = page_at(360)
    page = visit.page
    page.goto(f"{book_over_http}{UNMAP}")
    up = row(page, "wait").get_by_role("button", name="Up: wait")
    up.focus()
    page.keyboard.press("Enter")
    assert parts(page) == [*AT_FIRST[:4], "wait", "unmap"]
    expect(up).to_be_focused()
    assert said(page).startswith("wait is now 5 of 6. “")
    for _ in range(4):
        page.keyboard.press("Space")
    assert parts(page)[0] == "wait"
    expect(up).to_be_focused()
    expect(up).to_have_attribute("aria-disabled", "true")
    assert "“only the allocator revives” fails in 1 step" in said(page)
    page.keyboard.press("Tab")
    expect(row(page, "wait").get_by_role("button", name="Down: wait")).to_be_focused()
    assert not page.evaluate(TOO_WIDE)
    visit.assert_quiet()  # before axe, which asks for style sheets in places of its own
    assert faint_text(page) == []
    assert structural_barriers(page) == []


def test_a_finger_drags_by_the_grip(browser: Browser, book_over_http: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 800}, has_touch=True)
    page = context.new_page()
    page.goto(f"{book_over_http}{UNMAP}")
    page.locator(".gup-order").scroll_into_view_if_needed()
    boxes = [row(page, part).locator(".gup-grip").bounding_box() for part in ("refuse", "drain")]
    (x, low), (_, high) = (
        (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes if box
    )
    touch = context.new_cdp_session(page)
    for kind, y in [("Start", low), *(("Move", low + n * (high - low) / 8) for n in range(1, 9))]:
        points = [{"x": x, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator(".gup-order [data-part] b").first).to_have_text("refuse")
    assert said(page).startswith("refuse is now 1 of 6.")
    context.close()


def test_without_javascript_the_orders_are_a_table(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    page = page_at(javascript=False).page
    page.goto(f"{book_over_http}{UNMAP}")
    without = page.locator(".gup-orders")
    expect(without).to_contain_text("18 keep every rule")
    expect(without.locator("tbody tr")).to_have_count(4)


def test_an_order_that_fails_is_played_in_the_cell_below(
    page_at: Callable[..., Visit], book_url: str
) -> None:
    visit = page_at(360 if book_url.startswith("file") else 1280)
    page = visit.page
    page.goto(f"{book_url}{UNMAP}")
    drag(page, "refuse", to="drain")
    steps = page.locator(".gup-judged .gup-way li")
    played = "".join(step.get_attribute("data-thread") or "" for step in steps.all())
    page.get_by_role("button", name="Play it in the cell below").click()
    below = page.locator(".gup-by-hand").locator("xpath=following::div[contains(@class,'live')][1]")
    expect(below.locator(".cm-content")).to_contain_text('ordered("refuse", "drain", "kill", ')
    player = below.locator(".gup-live-output .gup-player")
    expect(player.locator(".gup-schedule")).to_have_text(played, timeout=SOON)
    expect(player).to_contain_text("Touches the struct page, which is gone")
    expect(player.locator(".gup-stage")).to_be_in_viewport(ratio=0.1)
    assert not page.evaluate(TOO_WIDE)
    below.locator(".cm-content").focus()
    page.keyboard.press("ControlOrMeta+z")
    expect(below.locator(".cm-content")).to_contain_text("in_short()")

    drag(page, "unmap", to="kill")
    expect(page.get_by_role("button", name="Play it in the cell below")).to_have_count(0)
    visit.assert_quiet()
