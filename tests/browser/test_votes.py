"""Vote on a patch: by keys, kept over a reload, forgotten when asked, readable without a script."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect
from test_axe import faint_text, structural_barriers
from test_pages import TOO_WIDE
from visit import Visit

REVIEW = "book/review_this_patch.html"


def case(page: Page, number: int) -> Locator:
    return page.locator("section section").filter(has=page.locator(".gup-voting")).nth(number - 1)


def folds(of: Locator) -> list[bool]:
    opened: list[bool] = of.locator(":scope > .cell details, :scope > details").evaluate_all(
        "(all) => all.filter((d) => !d.closest('.gup-vote')).map((d) => d.open)"
    )
    return opened


def test_a_vote_by_keys_unfolds_its_case_and_is_kept(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    visit = page_at(360, "dark")
    page = visit.page
    page.goto(f"{book_over_http}{REVIEW}")
    first, second = case(page, 1), case(page, 2)
    assert folds(first)
    assert not any(folds(first))
    rule = first.locator(".gup-voting select")
    rule.focus()
    rule.select_option("everyone can finish")
    page.keyboard.press("Tab")
    expect(first.get_by_role("button", name="Reviewed-by")).to_be_focused()
    page.keyboard.press("Enter")
    expect(first.get_by_role("button", name="Forget my votes")).to_be_focused()
    said = first.locator(".gup-voting [role=status]").inner_text()
    assert said == "✓ You said Reviewed-by, and so it went. ✓ At stake: everyone can finish."
    assert all(folds(first))
    assert not any(folds(second))
    expect(first.locator(".gup-tally")).to_contain_text("Voted on 1 of 9 patches: 1 as it went")
    assert not page.evaluate(TOO_WIDE)
    visit.assert_quiet()
    assert faint_text(page) == []
    assert structural_barriers(page) == []

    case(page, 2).locator(".gup-voting select").select_option("implied reference")
    case(page, 2).get_by_role("button", name="hold").click()
    expect(case(page, 2).locator(".gup-voting")).to_contain_text(
        "✓ At stake: implied reference fails as well. The patch is about: counts balance."
    )
    expect(case(page, 2).locator(".gup-tally")).to_contain_text("1 as it went, and the rule of 2")

    page.reload()
    expect(case(page, 1).locator(".gup-tally")).to_contain_text("the rule of 2")
    assert not any(folds(case(page, 1)))
    case(page, 6).get_by_role("button", name="Reviewed-by").click()
    expect(case(page, 6).locator(".gup-voting")).to_contain_text(
        "✗ You said Reviewed-by. Better: hold."
    )
    expect(case(page, 1).locator(".gup-tally")).to_contain_text(
        "Voted on 3 of 9 patches: 1 as it went"
    )

    case(page, 6).get_by_role("button", name="Forget my votes").click()
    expect(case(page, 6).locator(".gup-voting select")).to_be_focused()
    assert page.locator(".gup-tally").count() == 0
    page.reload()
    assert page.locator(".gup-tally").count() == 0
    assert page.locator(".gup-voting select").count() == 9


def test_without_javascript_a_vote_is_a_question_and_a_folded_answer(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    page = page_at(javascript=False).page
    page.goto(f"{book_over_http}{REVIEW}")
    vote = page.locator(".gup-vote").first
    expect(vote).to_contain_text("Your vote: Reviewed-by, or hold?")
    expect(vote.get_by_text("everyone can finish")).to_be_hidden()
    vote.get_by_text("How it went").click()
    expect(vote.get_by_text("everyone can finish")).to_be_visible()
