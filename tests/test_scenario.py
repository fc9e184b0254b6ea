"""A scenario knows how it was made, and can say it in Python."""

import pytest

import gupcore
from gupcore import DESIGNS, SCENARIOS, Design, Scenario, race
from gupcore.checker.step import Thread
from gupcore.kernel.gup import gup_fast as the_models


def in_python(scenario: Scenario) -> Scenario:
    made: Scenario = eval(scenario.in_python(), vars(gupcore) | {"my_gup_fast": my_gup_fast})
    return made


def my_gup_fast(cpu: int, address: int, pages: int, flags: int, design: Design) -> Thread:
    pinned = yield from the_models(cpu, address, pages, flags, design)
    return pinned


@pytest.mark.parametrize(
    ("scenario", "text", "key"),
    [
        (race(), 'race("v5.11")', "seed-race"),
        (race("cure", 2), 'race("cure", callers=2)', "seed-race,callers=2"),
        (race(pte="absent"), "race(\"v5.11\", pte='absent')", "seed-race,pte=absent"),
        (race(pte="present"), 'race("v5.11")', "seed-race"),
        (
            race(gup_fast=my_gup_fast),
            'race("v5.11", gup_fast=my_gup_fast)',
            "seed-race,gup_fast=my_gup_fast",
        ),
        (SCENARIOS["munmap"]("cure"), 'SCENARIOS["munmap"]("cure")', "munmap"),
        (
            SCENARIOS["percpu-ref"](wait=False),
            'SCENARIOS["percpu-ref"](wait=False)',
            "percpu-ref,wait=False",
        ),
    ],
)
def test_how_a_scenario_was_made(scenario: Scenario, text: str, key: str) -> None:
    assert scenario.in_python() == text
    assert scenario.key() == key
    assert in_python(scenario) == scenario


@pytest.mark.parametrize("name", DESIGNS)
def test_a_changed_design_is_written_out(name: str) -> None:
    for protection in DESIGNS[name].protections():
        scenario = race(DESIGNS[name].lacking(protection))
        assert in_python(scenario) == scenario
        assert in_python(race(name)) == race(name)
