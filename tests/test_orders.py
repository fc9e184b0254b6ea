"""The orders that ship with chapter 11: every verdict is what the checker says of that order."""

import json
import random
import re
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from gupcore import DESIGNS, PHASES, Report, check, race
from gupcore.checker.rule import FAILS, HOLDS
from gupcore.player.orders import Orders

ROOT = Path(__file__).parents[1]
PARTS = {
    "refuse": ("kill_dax",),
    "drain": ("drain_faults",),
    "unmap": ("unmap_all_files",),
    "serialise": ("serialise_walkers",),
    "kill": ("dev_pagemap_kill",),
    "wait": ("put_pages", "dev_pagemap_cleanup"),
}
REMOVE = ("arch_remove_memory", "pgmap_array_delete", "detach_driver")
SAYS = {part: PHASES[phases[0]].__doc__ or "" for part, phases in PARTS.items()}
LAST = ("remove", "Take the struct pages away.")


def shipped() -> dict[str, Any]:
    (notebook,) = ROOT.glob("chapters/11_*.ipynb")
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    pages = [
        "".join(output["data"]["text/html"])
        for cell in cells
        for output in cell.get("outputs", [])
        if "Orders(" in "".join(output.get("data", {}).get("text/plain", ""))
    ]
    (page,) = pages
    found = re.search(r'<script type="application/json">(.*?)</script>', page)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


DATA = shipped()


def judged(order: tuple[str, ...], pte: str) -> Report:
    unbind = sum((PARTS[part] for part in order), ()) + REMOVE
    return check(race(replace(DESIGNS["cure"], name="an order", unbind=unbind), pte=pte))


def test_every_order_ships_and_eighteen_hold() -> None:
    names = [name for name, _ in DATA["parts"]]
    orders = DATA["found"]["orders"]
    assert names == list(PARTS)
    assert set(orders) == {"".join(order) for order in permutations("012345")}
    assert sum(verdict is None for verdict in orders.values()) == 18
    early = [verdict for key, verdict in orders.items() if key.index("5") < key.index("4")]
    assert len(early) == 360
    assert all(early), "the wait ends only after the kill"
    assert orders["".join(str(names.index(name)) for name in DATA["order"])] is not None


SOME = random.Random(16).sample(sorted(DATA["found"]["orders"]), 24)
RIGHT = [key for key, verdict in DATA["found"]["orders"].items() if verdict is None]


@pytest.mark.parametrize("key", sorted({*SOME, *RIGHT[::3]}))
def test_a_verdict_that_ships_is_the_checkers(key: str) -> None:
    found = DATA["found"]
    order = tuple(DATA["parts"][int(number)][0] for number in key)
    report = judged(order, "absent")
    where = "the PTE absent at the start"
    if report.status == HOLDS:
        report, where = judged(order, "present"), "the PTE present at the start"
    failing = {verdict.rule.name: verdict for verdict in report.verdicts if verdict.status == FAILS}
    if found["orders"][key] is None:
        assert failing == {}
        return
    at, rules, says, way = found["orders"][key]
    assert found["where"][at] == where
    assert {found["rules"][rule] for rule in rules} == set(failing)
    shown = failing[found["rules"][rules[0]]]
    schedule, steps = found["ways"][way]
    assert len(schedule) == min(len(verdict.schedule) for verdict in failing.values())
    assert (schedule, found["text"][says]) == (shown.schedule, str(shown))
    assert [found["text"][step] for step in steps] == [m.said for m in report.replay(schedule)]
    assert found["threads"] == [thread.label for thread in report.scenario.threads]


def test_without_javascript_there_is_a_table() -> None:
    two = [tuple(PARTS), ("drain", "refuse", "unmap", "serialise", "kill", "wait")]
    reports = {order: {"the PTE absent": judged(order, "absent")} for order in two}
    page = Orders(reports, SAYS, LAST, two[1]).to_html()
    assert "<p>Of 2 orders of refuse, drain, unmap, serialise, kill, wait, 1 keep" in page
    assert '<tr><th scope="row">no stale mapping</th><td>1</td></tr>' in page


def test_what_was_not_judged_is_refused() -> None:
    order = tuple(PARTS)
    cut = {order: {"the PTE absent": check(race("cure", pte="absent"), limit=50)}}
    with pytest.raises(ValueError, match="The search was cut off for the order refuse drain"):
        Orders(cut, SAYS, LAST, order)
    with pytest.raises(ValueError, match="The order wait is not judged"):
        Orders({order: {"the PTE absent": judged(order, "absent")}}, SAYS, LAST, ("wait",))
