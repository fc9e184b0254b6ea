"""The patches to review: a change is the model's own code, and a vote is as the checker says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gupcore import RULES, SCENARIOS, check
from gupcore.kernel import gup, huge
from gupcore.kernel.design import BROADCAST, DESIGNS, IPI
from gupcore.patches.change import change, with_switches
from gupcore.patches.review import in_words, redesigned, sides, with_rules
from gupcore.player.votes import HOLD, MISSING, NO_RULE, REVIEWED, Vote

PAGE = Path(__file__).parents[1] / "book" / "review_this_patch.ipynb"
CELLS: list[dict[str, Any]] = json.loads(PAGE.read_text(encoding="utf-8"))["cells"]
patch = SCENARIOS["patch"]


def votes() -> list[dict[str, Any]]:
    pages = ["".join(o["data"]["text/html"]) for c in CELLS for o in outputs(c)]
    found = [re.search(r'class="gup-vote"><script[^>]*>(.*?)</script>', page) for page in pages]
    return [json.loads(vote[1]) for vote in found if vote]


def outputs(cell: dict[str, Any]) -> list[dict[str, Any]]:
    return [o for o in cell.get("outputs", []) if "text/html" in o.get("data", {})]


def test_a_switch_is_decided_and_what_is_never_done_is_gone() -> None:
    text = with_switches(gup.gup_pte_range, DESIGNS["no-check"])
    assert "design.check" not in text
    assert "get_dev_pagemap" not in text
    assert "try_grab_compound_head" in text
    assert "get_dev_pagemap" in with_switches(gup.gup_pte_range, DESIGNS["v5.11"])


def test_a_change_is_what_two_versions_differ_in() -> None:
    diff = change(patch("70cbc3cc78a9", "before"), patch("70cbc3cc78a9", "after"), huge.gup_pte)
    changed = [line for line in diff.text.splitlines() if line[0] in "+-"]
    assert changed == ["+    same = yield pmd_reread(address, pmd)"]
    assert diff.to_html().count("<ins>") == 1


def test_an_order_says_what_comes_and_goes() -> None:
    diff = change(patch("2ba99c5e0881", "before"), patch("2ba99c5e0881", "after"))
    assert "+interrupt  # Send every CPU an interrupt" in diff.text
    assert "\n flush\n" in diff.text


def test_no_change_is_refused() -> None:
    scene = patch("70cbc3cc78a9", "before")
    with pytest.raises(ValueError, match="nothing changes"):
        change(scene, scene, huge.gup_pte)


def test_another_design_is_given_to_every_thread() -> None:
    other = redesigned(patch("70cbc3cc78a9", "after"), recheck_pmd=False)
    assert in_words(check(other)) == in_words(check(patch("70cbc3cc78a9", "before")))


def test_the_sides_are_judged_on_both_machines() -> None:
    both = sides(patch("70cbc3cc78a9", "before"), patch("70cbc3cc78a9", "after"))
    holds = {
        flush: [in_words(r) == "every rule holds" for r in both.reports[flush]]
        for flush in both.reports
    }
    assert holds == {IPI: [True, True], BROADCAST: [False, True]}


def test_of_the_collapse_a_rule_was_missing() -> None:
    before = patch("70cbc3cc78a9", "before")
    assert in_words(check(with_rules(before, RULES.values()))) == "every rule holds"
    assert in_words(check(before)).startswith("what is pinned is what is mapped")


def test_the_page_asks_for_nine_votes_of_both_kinds() -> None:
    asked = votes()
    assert len({vote["key"] for vote in asked}) == len(asked) == 9
    assert [vote["right"] for vote in asked].count(HOLD) == 3
    assert {vote["at_stake"] for vote in asked if vote["right"] == HOLD} == {
        *("what is pinned is what is mapped", "struct page exists", "the right page"),
    }
    assert [vote["at_stake"] for vote in asked].count(NO_RULE) == 2
    assert [vote["at_stake"] for vote in asked].count(MISSING) == 1


def test_a_rule_that_fails_as_well_is_right_too() -> None:
    also = {vote["key"]: vote["also"] for vote in votes()}
    assert "implied reference" in also["c24d37322548"]
    assert "DMA lands" in also["27674ef6c73f"]
    assert not any(vote["also"] for vote in votes() if vote["at_stake"] in (NO_RULE, MISSING))


def test_nothing_is_shown_before_the_vote() -> None:
    """What comes after a vote, up to the next case, is folded."""
    after_vote = False
    for cell in CELLS:
        text = "".join(cell["source"])
        if text.startswith("## "):
            after_vote = False
        elif after_vote:
            folded = "hide-cell" in cell["metadata"].get("tags", []) or text.startswith("<details>")
            assert folded, cell["id"]
        if any("gup-vote" in "".join(o["data"]["text/html"]) for o in outputs(cell)):
            after_vote = True


def test_a_vote_that_nobody_can_get_right_is_refused() -> None:
    with pytest.raises(ValueError, match="A vote is"):
        Vote("x", list(RULES), "maybe", NO_RULE, "")
    with pytest.raises(ValueError, match="no rule"):
        Vote("x", list(RULES), REVIEWED, "no such rule", "")
    with pytest.raises(ValueError, match="no rule"):
        Vote("x", list(RULES), REVIEWED, NO_RULE, "", ["no such rule"])


def test_without_javascript_the_answer_is_folded() -> None:
    page = Vote("x", list(RULES), HOLD, "tables exist", "For <this> reason.").to_html()
    assert (
        "<details><summary>How it went</summary><p>hold; at stake: tables exist. For &lt;this"
        in page
    )
