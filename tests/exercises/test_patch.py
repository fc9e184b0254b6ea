"""Write your own gup-fast: one function against every scene that takes one."""

import json
from pathlib import Path
from runpy import run_path

import handed_in_gup_fasts as hasty
import handed_in_patches as patches
import pytest

from gupcore import check
from gupcore.catalogue import race, special, unmapping
from gupcore.checker.maker import SCENARIOS
from gupcore.exercises import judge_patch
from gupcore.exercises.patch import CALLERS, Review
from gupcore.exercises.scenes import scenes

PAGE = Path(__file__).parents[2] / "book" / "your_gup_fast.ipynb"


def review(function: object) -> Review:
    answer = judge_patch(function)
    assert isinstance(answer, Review), answer
    return answer


def test_every_scene_that_takes_a_gup_fast_is_there() -> None:
    takes = {name for name, make in SCENARIOS.items() if "gup_fast" in make.parameters}
    assert {given.name for _, _, given in scenes()} == takes
    assert len(takes) == len({race, unmapping, special})


def test_the_mails_question_in_one_table() -> None:
    """Without the check it dies in the unbind of v5.11, and in the cure's it does not."""
    found = review(patches.without_the_check)
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


def test_what_is_safe_is_right_and_says_what_it_leaves_to_others() -> None:
    found = review(patches.devmap_means_slow)
    assert found.right
    assert len(found.cells) == len(list(scenes())) * len(CALLERS)
    assert [sentence.split(": it ")[1] for sentence in found.alone] == [
        "pins it without a lock.",
        "leaves it to the slow path.",
    ]
    assert "<details>" not in found._repr_mimebundle_()["text/html"]


def test_a_guard_that_one_scene_needs_is_missed_by_that_scene() -> None:
    found = review(patches.never_looks_again)
    broken = [cell for cell in found.cells if cell.broken]
    assert {(cell.scene, cell.flush) for cell in broken} == {
        ("munmap of ordinary memory", "broadcast")
    }
    assert {cell.in_short() for cell in broken} == {"the right page fails in 13 steps"}
    assert "in 2 of 24 scenes" in found.said


def of_the_page(tmp_path: Path, *changes: tuple[str, str]) -> Review:
    """Judge the function of the page, with some lines changed."""
    cells = json.loads(PAGE.read_text(encoding="utf-8"))["cells"]
    (text,) = ("".join(c["source"]) for c in cells if "live" in c["metadata"].get("tags", []))
    text, _, _ = text.rpartition("judge_patch(")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "changed.py"
    file.write_text(text, encoding="utf-8")
    return review(run_path(str(file))["my_gup_fast"])


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        (
            [("same = yield ptep_reread(address, pte)", "same = True")],
            {("munmap of ordinary memory", "broadcast")},
        ),
        (
            [(" and (pte_devmap(pte) or not pte_special(pte))", "")],
            {("a special PTE: registers", "")},
        ),
        (
            [("    yield local_irq_save(cpu)\n", ""), ("    yield local_irq_restore(cpu)\n", "")],
            {
                (scene, flush)
                for scene, flush, _ in scenes()
                if "cure" in scene or scene == "munmap of ordinary memory"
            },
        ),
    ],
)
def test_what_the_page_says_of_its_changes(
    tmp_path: Path, changes: list[tuple[str, str]], more: set[tuple[str, str]]
) -> None:
    found = of_the_page(tmp_path, *changes)
    failing = {(cell.scene, cell.flush) for cell in found.cells if cell.broken}
    without_the_check = {(s, f) for s, f, _ in scenes() if s.startswith("unbind as in v5.11")}
    assert failing == without_the_check | more


def test_what_cannot_be_judged_is_a_sentence() -> None:
    assert "asks for a gup-fast" in judge_patch(None).said
    assert "touches PTE and struct page at once" in judge_patch(hasty.in_one_step).said
    assert "is no frame of this machine" in judge_patch(hasty.forges).said
    assert not judge_patch(hasty.never_ends).right
    assert "too many states" in judge_patch(patches.devmap_means_slow, limit=50).said
