"""Each guard and effect of the model is needed for some verdict, or mutants.md says why not."""

import re
from pathlib import Path

import mutants
import pytest

from gupcore import check

LISTED = Path(__file__).with_name("mutants.md").read_text(encoding="utf-8")


def listed() -> list[str]:
    return re.findall(r"^- `(.*)`$", LISTED, flags=re.MULTILINE)


def name_in(key: str) -> str:
    """Return "file:function"."""
    return ":".join(key.split(":")[:2])


def named(key: str) -> mutants.Mutant:
    (function,) = (one for one in mutants.functions() if one.name == name_in(key))
    (mutant,) = (one for one in mutants.mutants_of(function) if one.key == key)
    return mutant


def test_what_cells_share_changes_no_verdict() -> None:
    for cell in mutants.cells(1)[::4]:
        known = mutants.unharmed(cell)
        if known is not None:
            again = mutants.judged(check(mutants.scenario_of(cell)))
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
def test_a_deadly_mutant_is_killed(key: str) -> None:
    before = named(key).function.__code__
    assert mutants.fate(named(key), list(mutants.cells(1))).killed
    assert named(key).function.__code__ is before


def test_where_all_steps_are_the_same_nothing_is_searched_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order = list(mutants.cells(1)[:4])
    for cell in order:
        mutants.unharmed(cell)
    monkeypatch.setattr(mutants, "explore", None)
    thread = named("gup.py:get_user_pages_fast: if not isinstance(pinned, tuple) -> False")
    action = named("struct_page.py:in_use: p.exists, in (p.kind in DEVICE and p.exists) -> True")
    assert {mutants.fate(thread, order).level, mutants.fate(action, order).level} == {"nothing"}


def test_keys_are_unique() -> None:
    keys = [mutant.key for mutant in mutants.mutants()]
    assert len(keys) == len(set(keys))
    assert len(listed()) == len(set(listed()))


@pytest.mark.parametrize("function", mutants.functions(), ids=lambda function: function.name)
def test_every_survivor_is_explained_and_every_explained_one_survives(
    function: mutants.Function,
) -> None:
    found = mutants.fates(mutants.mutants_of(function))
    killed = {fate.key: str(fate) for fate in found if fate.killed}
    surviving = {fate.key: str(fate) for fate in found if not fate.killed}
    explained = [key for key in listed() if name_in(key) == function.name]
    assert [surviving[key] for key in surviving if key not in explained] == []
    assert [
        killed.get(key, f"There is no {key}") for key in explained if key not in surviving
    ] == []


def test_what_is_explained_is_of_a_function() -> None:
    names = {function.name for function in mutants.functions()}
    assert [key for key in listed() if name_in(key) not in names] == []


def test_every_group_of_survivors_has_its_reason() -> None:
    _, *sections = re.split(r"^## ", LISTED, flags=re.MULTILINE)
    for section in sections:
        title, reason, *_ = section.split("\n\n")
        assert reason.endswith("."), title
        assert "- `" in section, title
