"""The kernel map: from a function and a line to steps, scenes and pages; nothing of it is typed."""

import sys
from pathlib import Path

import pytest

from gupcore import SCENARIOS, race, replay
from gupcore.kernel.lines import READING, V6_1
from gupcore.kernel.map import ACTIONS

sys.path.append(str(Path(__file__).parent.parent / "book" / "_ext"))
import where_taken


def test_every_step_is_taken_in_a_scene() -> None:
    assert len({action.name for action in ACTIONS}) == len(ACTIONS), "a step is found by its name"
    for action in ACTIONS:
        assert where_taken.taken([("", action.name)]).scenes, action.name


@pytest.mark.parametrize(
    ("call", "scenes", "page"),
    [
        (("gup_pte_range", "ptep_reread"), {"seed-race", "munmap"}, "chapters/07_the_race"),
        (("unbind", "drop_pages_in_bulk"), {"seed-race"}, "book/workbench"),
        (("", "set_dead"), {"percpu-ref"}, "chapters/06_pagemap_and_percpu_ref"),
        (("gup_pte", "pmd_reread"), {"patch"}, "book/review_this_patch"),
    ],
)
def test_a_call_is_found_where_it_is_made(
    call: tuple[str, str], scenes: set[str], page: str
) -> None:
    found = where_taken.taken([call])
    assert scenes <= found.scenes
    assert page in found.pages
    assert found.pages <= set(where_taken.players())
    assert found.scenes <= set(SCENARIOS)


def test_what_is_never_called_so_is_nowhere() -> None:
    assert where_taken.taken([("unbind", "ptep_reread")]) == (set(), set())
    assert "percpu-ref" not in where_taken.taken([("", "ptep_reread")]).scenes


def test_a_page_has_what_its_players_can_do() -> None:
    """Every call of one schedule of the race, as replay makes it, is found on the page of it."""
    made = set()
    for moment in replay(race("v5.11"), "1" * 10):
        functions = [place.function for place in moment.places]
        made |= set(where_taken.calls(functions, moment.step.action.name))
    for call in made:
        found = where_taken.taken([call])
        assert "seed-race" in found.scenes, call
        assert "chapters/07_the_race" in found.pages, call


def test_a_function_of_either_version_leads_to_scenes() -> None:
    for lines in READING:
        assert where_taken.taken(lines.calls()).scenes, (lines.function, lines.version)
    (walk,) = (one for one in READING if (one.function, one.version) == ("gup_pte_range", V6_1))
    assert {("gup_pte", "pmd_reread"), ("gup_pte_range", "pte_special")} <= set(walk.calls())


def test_a_page_has_a_name() -> None:
    assert where_taken.name_of("chapters/07_the_race") == "7"
    assert where_taken.name_of("book/aftermath") == "Aftermath"
