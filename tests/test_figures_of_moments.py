"""The figures of moments show the machine as the player's scene does, and say what they show."""

import re
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files

import pytest

from gupcore import (
    AFTER_GRACE_PERIOD,
    BROADCAST,
    DESIGNS,
    MAPPING,
    SCENARIOS,
    Scenario,
    ScheduleError,
    race,
)
from gupcore.figures import glyphs
from gupcore.figures.picture import ORANGE, RED, THREADS
from gupcore.figures.states import states
from gupcore.figures.walk import walk

RACE = race("v5.11")
PAGES = ("struct page", "dev_pagemap")
DASHED = 'stroke-dasharray="3 5"'
HATCH = 'opacity="0.45"'


def at(schedule: str, scenario: Scenario = RACE) -> Mapping[str, tuple[Scenario, str]]:
    return {"then": (scenario, schedule)}


def test_who_holds_what_is_said() -> None:
    assert states(at("11111"), PAGES).alt == (
        "then, step 5, try_grab_compound_head. "
        "struct page: count 2, 1 held by direct I/O, 1 of its own; "
        "dev_pagemap: live, 1 held by struct page, 1 held by direct I/O, 1 of its own; "
        "direct I/O: irqs off, pte devmap 0x20000."
    )
    assert (
        states(at(""), ("struct page",)).alt == "then, start. struct page: count 1, 1 of its own."
    )


def test_a_thread_is_drawn_with_what_it_is_inside_and_what_it_has_read() -> None:
    reads, ended = states(at("111"), PAGES), states(at("1" * 11), PAGES)
    for words in ("irqs off", "pte devmap 0x20000"):
        assert f">{words}</text>" in reads.svg
        assert words not in ended.svg
    assert "irqs off" in states(at("1"), ("PTE",)).svg, "though it holds nothing"
    assert "pte devmap" not in states(at("111"), ("driver",)).svg, "it is not about what is shown"
    late = states({"early": (RACE, "1"), "late": (RACE, "1" * 11)}, PAGES)
    assert late.svg.count("irqs off") == 1


def test_each_reference_is_a_dot_in_the_colour_of_its_holder() -> None:
    svg = states(at("11111"), PAGES).svg
    dots = re.findall(rf'<circle [^>]*r="{glyphs.DOT}" fill="(.*?)"', svg)
    assert sorted(dots) == sorted([*[THREADS[0]] * 2, *[glyphs.INK], *["#808080"] * 2])
    assert svg.count("<path") == 3, "a line for each that is held"


def test_where_a_mapping_counts_the_pte_holds_the_page() -> None:
    things = ("PTE", "struct page")
    mapped = [at("1" * 11, race(name, pte="absent")) for name in ("v5.11", "v6.15")]
    old, new = (states(moment, things) for moment in mapped)
    assert old.alt.endswith("struct page: count 1, 1 of its own.")
    assert new.alt.endswith("struct page: count 1, 1 held by PTE.")
    assert (old.svg.count("<path"), new.svg.count("<path")) == (0, 1)


def test_what_is_dying_is_hatched_and_what_is_gone_is_a_hole() -> None:
    there, dying, gone = (states(at(schedule), PAGES).svg for schedule in ("1", "222", "222222"))
    assert (there.count(HATCH), there.count(DASHED)) == (0, 0)
    assert (dying.count(HATCH), dying.count(DASHED)) == (1, 0)
    assert gone.count(DASHED) == gone.count("line-through") == 1
    assert RED in gone
    assert RED not in states(at("2222222"), PAGES[:1]).svg, "it went a step before"


def test_what_the_last_step_has_changed_stands_out() -> None:
    assert states(at("1111"), PAGES).svg.count(ORANGE) == 2  # its edge and its wash
    assert ORANGE not in states(at("111"), PAGES).svg


def test_a_ref_has_its_lives() -> None:
    ref = SCENARIOS["percpu-ref"](callers=1)
    moments = {"late": (ref, "11221"), "gone": (ref, "1122112" + "111")}
    shown = states(moments, ("count on CPU 0", "ref"))
    assert (
        "late, step 5, this_cpu_add. count on CPU 0: 1; ref: 1 held by tryget; tryget: RCU."
        in shown.alt
    )
    assert shown.alt.endswith(
        "gone, step 10, atomic_long_sub_and_test. count on CPU 0: 1; ref: gone; tryget: RCU."
    )


def test_what_has_no_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="Nothing is called 'pgmap' here; choose of PTE, "):
        states(at(""), ("pgmap",))
    with pytest.raises(ScheduleError):
        states(at("1111" + "22222"), PAGES)
    flush = replace(DESIGNS["v5.11"], tlb_flush=BROADCAST, free_tables=AFTER_GRACE_PERIOD)
    scene = SCENARIOS["munmap"](flush.lacking("unless_zero"), without="load")
    with pytest.raises(ValueError, match="More references on the struct page are held than it"):
        states(at("1111" + "22222" + "11" + "33", scene), ("struct page",))


def test_a_walk_leads_from_the_address_to_the_frame_and_its_record() -> None:
    shown = walk(RACE.machine, MAPPING + (3 << 30) + (5 << 21) + (7 << 12))
    assert "pgd entry 254, pud entry 3, pmd entry 5, PTE entry 7: devmap 0x20000" in shown.alt
    assert "The hardware is done there. gup-fast goes on to the struct page" in shown.alt
    assert shown.svg.count("l-8 -4v8z") == 4, "an arrow from each entry"
    assert shown.svg.count("<rect") == 6


@pytest.mark.parametrize(
    "scene", [race("v5.11", pte="absent"), SCENARIOS["special"]("v5.11", behind="registers")]
)
def test_a_walk_that_leads_to_no_page_has_no_picture(scene: Scenario) -> None:
    with pytest.raises(ValueError, match="leads to no frame with a struct page"):
        walk(scene.machine, MAPPING)


def test_the_glyphs_have_the_measures_of_the_scene() -> None:
    page = files("gupcore.player") / "page"
    scene, style = (page / "scene.js").read_text(), (page / "player.css").read_text()
    for name in ("HEIGHT", "DOT", "APART"):
        (value,) = re.findall(rf"^const {name} = ([\d.]+);", scene, re.MULTILINE)
        assert float(value) == getattr(glyphs, name)
    assert ".gup-is-gone rect" in style
    assert "stroke-dasharray: 3 5;" in style
    whites = re.findall(r'\[data-thread(?:="(\d)")?\] \{[^}]*--on-lane: #fff', style)
    assert tuple(int(number or 1) for number in whites) == glyphs.WHITE_ON
