"""What readers try first in the cells of the exercises, and what they must be told.

The judges' own tests try many more answers; these are whole cells, as a reader leaves them, and are
run in this Python (exercises/test_typical.py) and in the one that the pages carry
(browser/test_try_it.py).
"""

import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from runpy import run_path
from typing import Any, NamedTuple
from unittest.mock import patch

from gupcore import SCENARIOS

ROOT = Path(__file__).parents[1]
WITH_EXERCISES = (*sorted(ROOT.glob("chapters/*.ipynb")), ROOT / "book" / "aftermath.ipynb")

# The cell of an exercise: what stands there, what a reader writes instead, a part of what is said.
WRONG: dict[str, tuple[tuple[str, str, str], ...]] = {
    # Chapter 1
    "question-15": (
        ("my_schedule = None", 'my_schedule = "222" + "1" + "222" + "111"', "has 2 steps to live"),
        ("my_schedule = None", 'my_schedule = "222222" + "1111"', "gone before the call begins"),
    ),
    "question-18": (
        (
            "1: None, 2: None",
            '1: "holds", 2: "holds"',
            "2 callers: No: you predicted holds for struct page exists",
        ),
        (
            "1: None, 2: None",
            '1: "fails", 2: "fails"',
            "1 caller: No: you predicted fails for struct page exists",
        ),
    ),
    # Chapter 2
    "walkers-33": (
        (
            '["normal", "normal", "special", "none", "normal"]',
            '["normal", "special", "special", "none", "normal"]',
            "is not special; right so far: 3 of 5",
        ),
    ),
    "walkers-36": (
        ("my_word = pte\n", "my_word = pte & ~(1 << 9)\n", "gup-fast takes it for"),
        ("my_word = pte\n", "my_word = 0x20000 << 12 | 1 | 1 << 9\n", "does not permit user code"),
    ),
    "walkers-39": (('"1" + "22" + "1"', '"1" + "2222" + "1"', "Not yet"),),
    # Chapter 3
    "unmap-23": (
        ("my_schedule = ...", 'my_schedule = "1133333331"[:9]', "1 more step can break it"),
    ),
    "unmap-26": (("my_schedule = ...", 'my_schedule = "113313131333"', "Not yet"),),
    "unmap-29": (
        (
            "my_prediction = ...",
            'my_prediction = dict.fromkeys(rules, "fails")',
            "1 of 3 is right: you predicted fails for the right page",
        ),
    ),
    # Chapter 4
    "pages-33": (
        ("my_schedule = ...", 'my_schedule = "1111" + "22222" + "3" + "111"', "is not broken"),
    ),
    "pages-36": (
        (
            "my_prediction = ...",
            'my_prediction = dict.fromkeys(rules, "fails")',
            "2 of 3 are right: you predicted fails for only the allocator revives",
        ),
    ),
    "pages-39": (
        (
            "if pte_access_permitted(pte, write=bool(flags)):",
            "if pte_access_permitted(pte, write=bool(flags)) and not pte_special(pte):",
            "“only the allocator revives” fails in 10 steps",
        ),
        ("if there:", "if False:", "it never pins the page of ordinary memory by itself"),
    ),
    # Chapter 5
    "dev-21": (
        (
            "my_prediction = None",
            'my_prediction = dict.fromkeys(kernels, "holds")',
            "2 of 4 are right: you predicted holds for v6.1, which fails in 17 steps",
        ),
    ),
    "dev-24": (
        ("my_schedule = None", 'my_schedule = "2" * 8 + "1111"', "“DMA lands” is not broken"),
    ),
    "dev-27": (
        (
            "my_order = None",
            'my_order = ["wait_for_idle_pages", *DESIGNS["v6.1"].unbind]',
            "“struct page exists” fails in 18 steps",
        ),
    ),
    # Chapter 6
    "ref-29": (
        (
            "my_prediction = None",
            'my_prediction = dict.fromkeys(rules, "fails")',
            "2 of 3 are right: you predicted fails for everyone can finish",
        ),
    ),
    "ref-32": (
        ("my_schedule = None", 'my_schedule = "222" + "111111"', "no schedule breaks it any more"),
    ),
    "ref-35": (("my_schedule = None", 'my_schedule = "133332223"', "Not yet"),),
    # Chapter 7
    "race-38-a": (
        (
            "my_steps = None",
            'my_steps = {"struct page exists": (1, "submit_bio"), "DMA lands": (1, "put_page")}',
            "Not yet",
        ),
    ),
    "race-41": (("my_word = None", 'my_word = "holds"', "which fails in 9 steps"),),
    "race-44": (
        ("if pte_present(pte):", "if False:", "it never pins the page of ordinary memory"),
        ("pinned = False\n", "pinned = True\n", "Not yet"),
    ),
    "race-47": (('my_schedule = "222"', 'my_schedule = "1" * 9 + "2222"', "1 step can go"),),
    "race-50": (
        (
            "my_spare = None",
            'my_spare = ["irqs_off", "slow_check", "del_gendisk"]',
            "without irqs_off, PTE present, “struct page exists” fails in 15 steps",
        ),
        ("my_spare = None", 'my_spare = ["slow_check"]', "2 more parts can go"),
    ),
    "race-59": (
        (
            "my_lines = None",
            "my_lines = dict.fromkeys(asked, 2006)",
            "for “dying”: line 2006, ptep_get_lockless, is step 9",
        ),
    ),
    # Chapter 8
    "every-34": (("my_schedule = None", 'my_schedule = "1" * 11 + "2" * 12', "is not broken"),),
    "every-37": (
        (
            "my_prediction = None",
            'my_prediction = dict.fromkeys(asked, "fails")',
            "1 of 3 is right: you predicted fails for cure-no-serialise, which holds",
        ),
    ),
    "every-40": (("m + n,", "2 ** (m + n),", "Not yet"),),
    # Chapter 9
    "buys-27": (
        (
            "my_prediction = None",
            'my_prediction = dict.fromkeys(rules, "holds")',
            "2 of 4 are right: you predicted holds for no stale mapping",
        ),
    ),
    "buys-30": (('my_schedule = "1"', 'my_schedule = "2" * 8 + "1" * 9', "Not yet: line 1"),),
    "buys-33": (
        (
            "my_prediction = None",
            'my_prediction = dict(zip(asked, ("fails", "holds", "holds", "holds")))',
            "2 of 4 are right: you predicted holds for v5.11",
        ),
    ),
    # Chapter 10
    "cost-29": (
        ("(3, 510): None, (512, 511): None", "(3, 510): 3, (512, 511): 2", "No whole number"),
        (
            "(3, 510): None, (512, 511): None, (1025, 511): None, (1026, 511): None",
            "(3, 510): 1, (512, 511): 1, (1025, 511): 3, (1026, 511): 3",
            "for 3 pages from place 510 you say 1, too few; right so far: 1 of 4",
        ),
    ),
    "cost-32": (('1: "", 512: ""', '1: "CAB", 512: "CBA"', "runs fewer instructions in"),),
    # Chapter 11
    "unmap-37": (("my_order = None", "my_order = list(A.unbind)", "and begins with"),),
    "unmap-40": (
        ("my_order = None", 'my_order = ["wait_for_idle_pages", *given]', "Not yet"),
        ("my_order = None", "my_order = given", "wait_for_idle_pages"),
    ),
    "unmap-43": (
        (
            "my_prediction = None",
            'my_prediction = dict.fromkeys(asked, "fails")',
            "2 of 4 are right: you predicted fails for cure-no-serialise",
        ),
    ),
    # Aftermath
    "after-13": (
        (
            "my_prediction = None",
            'my_prediction = dict.fromkeys(asked, "holds")',
            "1 of 4 is right: you predicted holds for struct page exists",
        ),
    ),
}

UNSEEN = ("states", "judged")  # what a page is told beside what it shows


class Tried(NamedTuple):
    """A cell as a reader leaves it, of which notebook, the cells above it, and what is said."""

    notebook: str
    cell: str
    text: str
    above: list[tuple[str, str]]
    says: str


def exercises() -> Iterator[tuple[str, dict[str, Any], list[tuple[str, str]]]]:
    """Yield the cell of each exercise with its notebook's name and the code above it."""
    for notebook in WITH_EXERCISES:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        named = [(f"<cell {cell['id']}>", "".join(cell["source"])) for cell in code]
        tags = [cell["metadata"].get("tags", []) for cell in code]
        for n, cell in enumerate(code):
            if "live" in tags[n] and n + 1 < len(code) and "hide-cell" in tags[n + 1]:
                yield notebook.stem, cell, named[:n]


def tried() -> Iterator[Tried]:
    """Yield each cell of an exercise with each of its typical wrong answers."""
    for notebook, cell, above in exercises():
        given = "".join(cell["source"])
        for old, new, says in WRONG[cell["id"]]:
            assert given.count(old) == 1, (
                f"{cell['id']}: “{old}” stands there {given.count(old)} times"
            )
            yield Tried(notebook, cell["id"], given.replace(old, new), above, says)


@cache
def _run() -> Any:
    return run_path(str(ROOT / "book" / "_live" / "run.py"))["run"]


def said_of(cell: Tried) -> str:
    """Return all that a reader who runs the cell is shown, as text.

    What the cells register is forgotten: no other test is to find it.
    """
    told: list[tuple[str, str, str]] = []
    with patch.dict(SCENARIOS):
        _run()(cell.text, cell.above, lambda *said: told.append(said))
    return shown(told)


def shown(told: Iterable[tuple[str, str, str]]) -> str:
    """Return what is shown of what a page is told (see `run` in book/_live/run.py), as text."""
    words = [
        as_text if kind == "html" else text for kind, text, as_text in told if kind not in UNSEEN
    ]
    return " ".join(" ".join(words).split())
