"""Write your own gup-fast: one function against every scene that takes one."""

import re
from pathlib import Path

import handed_in_gup_fasts as hasty
import pytest
from chapter import (
    DEVMAP_MEANS_SLOW,
    INTERRUPTS_ON,
    NO_SECOND_LOOK,
    NO_SPECIAL,
    own_gup_fast,
)

from gupcore import check
from gupcore.catalogue import race, special, unmapping
from gupcore.checker.maker import SCENARIOS
from gupcore.exercises import judge_patch
from gupcore.exercises.patch import CALLERS, Review
from gupcore.exercises.scenes import scenes


def review(function: object) -> Review:
    answer = judge_patch(function)
    assert isinstance(answer, Review), answer
    return answer


def test_every_scene_that_takes_a_gup_fast_is_there() -> None:
    takes = {name for name, make in SCENARIOS.items() if "gup_fast" in make.parameters}
    assert {given.name for _, _, given in scenes()} == takes
    assert len(takes) == len({race, unmapping, special})


def test_the_mails_question_in_one_table(tmp_path: Path) -> None:
    """Without the check it dies in the unbind of v5.11, and in the cure's it does not."""
    found = review(own_gup_fast(tmp_path))
    assert not found.right
    broken = {(c.scene, c.callers): c for c in found.cells if c.broken}
    assert set(broken) == {
        ("unbind as in v5.11", 1),
        ("unbind as in v5.11", 2),
        ("unbind as in v5.11, first touch", 2),
    }
    assert {c.broken[0].rule.name for c in broken.values()} == {"struct page exists"}
    shortest = check(race("no-check"))["struct page exists"].schedule
    assert len(found.schedule) == len(shortest)
    assert found.report is not None
    assert found.report.replay(found.schedule)[-1].breaks == ("struct page exists",)
    assert found.alone[1].endswith(
        "of device memory, with nobody else about: it pins it without a lock."
    )
    page = found._repr_mimebundle_()["text/html"]
    assert page.count("<details>") == page.count('class="gup-player"') == 2, "one for each scene"
    assert found.to_html().count("<td><strong>") == sum(1 for cell in found.cells if cell.broken)


def test_what_is_safe_is_right_and_says_what_it_leaves_to_others(tmp_path: Path) -> None:
    found = review(own_gup_fast(tmp_path, DEVMAP_MEANS_SLOW))
    assert found.right
    assert len(found.cells) == len(list(scenes())) * len(CALLERS)
    assert [sentence.split(": it ")[1] for sentence in found.alone] == [
        "pins it without a lock.",
        "leaves it to the slow path.",
    ]
    assert "<details>" not in found._repr_mimebundle_()["text/html"]


def test_a_guard_that_one_scene_needs_is_missed_by_that_scene(tmp_path: Path) -> None:
    found = review(own_gup_fast(tmp_path, DEVMAP_MEANS_SLOW, NO_SECOND_LOOK))
    broken = [cell for cell in found.cells if cell.broken]
    assert {(cell.scene, cell.flush) for cell in broken} == {
        ("munmap of ordinary memory", "broadcast")
    }
    assert {cell.in_short() for cell in broken} == {"the right page fails in 13 steps"}
    assert "in 2 of 24 cases" in found.said


@pytest.mark.parametrize(
    ("change", "more"),
    [
        (NO_SECOND_LOOK, {("munmap of ordinary memory", "broadcast")}),
        (NO_SPECIAL, {("a special PTE: registers", "")}),
        (
            (INTERRUPTS_ON, ""),
            {
                (scene, flush)
                for scene, flush, _ in scenes()
                if "cure" in scene or scene == "munmap of ordinary memory"
            },
        ),
    ],
)
def test_what_the_page_says_of_its_changes(
    tmp_path: Path, change: tuple[str | re.Pattern[str], str], more: set[tuple[str, str]]
) -> None:
    found = review(own_gup_fast(tmp_path, change))
    failing = {(cell.scene, cell.flush) for cell in found.cells if cell.broken}
    without_the_check = {(s, f) for s, f, _ in scenes() if s.startswith("unbind as in v5.11")}
    assert failing == without_the_check | more


def test_what_cannot_be_judged_is_a_sentence(tmp_path: Path) -> None:
    assert "asks for a gup-fast" in judge_patch(None).said
    assert "touches PTE and struct page at once" in judge_patch(hasty.in_one_step).said
    assert "DMA lands fails in 2 steps" in judge_patch(hasty.forges).said
    assert not judge_patch(hasty.never_ends).right
    assert "too many states" in judge_patch(own_gup_fast(tmp_path), limit=50).said
