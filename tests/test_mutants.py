"""Each guard and effect of the model is needed for some verdict, or mutants.md says why not."""

import re
from pathlib import Path

import mutants
import pytest

LISTED = Path(__file__).with_name("mutants.md").read_text(encoding="utf-8")


def listed():
    return re.findall(r"^- `(.*)`$", LISTED, flags=re.MULTILINE)


def named(key):
    return next(mutant for mutant in mutants.mutants() if mutant.key == key)


def test_what_cells_share_changes_no_verdict():
    for cell in mutants.cells(1)[::4]:
        known = mutants.unharmed(cell)
        if known is not None:
            again = mutants.judged(mutants.judge(cell, {}))
            assert known[:3] == again[:3], cell


@pytest.mark.parametrize(
    "key",
    [
        "gup.py:gup_pte_range: if design.recheck -> False",
        "gup.py:gup_pte_range: if not pgmap -> False",
        "device.py:dev_pagemap_cleanup: yield wait_for_pgmap_refs() -> left out",
        "cpu.py:end_grace_period: if cpus := m.waiting_for(RCU) -> False",
    ],
)
def test_a_deadly_mutant_is_killed(key):
    before = named(key).function.__code__
    assert mutants.fate(named(key), list(mutants.cells(1))).killed
    assert named(key).function.__code__ is before


def test_keys_are_unique():
    keys = [mutant.key for mutant in mutants.mutants()]
    assert len(keys) == len(set(keys))
    assert len(listed()) == len(set(listed()))


def test_every_survivor_is_explained_and_every_explained_one_survives():
    found = mutants.fates(mutants.mutants())
    surviving = {fate.key: str(fate) for fate in found if not fate.killed}
    killed = {fate.key: str(fate) for fate in found if fate.killed}
    assert [str(surviving[key]) for key in surviving if key not in listed()] == []
    assert [killed.get(key, f"There is no {key}") for key in listed() if key not in surviving] == []


def test_every_group_of_survivors_has_its_reason():
    _, *sections = re.split(r"^## ", LISTED, flags=re.MULTILINE)
    for section in sections:
        title, reason, *_ = section.split("\n\n")
        assert reason.endswith("."), title
        assert "- `" in section, title
