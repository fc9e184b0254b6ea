"""What the chapters' tests share: a judge as its chapter defines it, and what a wrong answer is."""

import json
import linecache
import re
from collections.abc import Callable
from pathlib import Path
from runpy import run_path
from typing import Any

from gupcore.exercises import Answer

CHAPTERS = Path(__file__).parents[2] / "chapters"
OWN = Path(__file__).parents[2] / "book" / "your_gup_fast.ipynb"

# What a reader changes in the gup-fast of that page.
SPECIAL = " and (pte_devmap(pte) or not pte_special(pte))"
DEVMAP_MEANS_SLOW = (SPECIAL, " and not pte_special(pte)")
NO_SPECIAL = (SPECIAL, "")
NO_SECOND_LOOK = ("same = yield ptep_reread(address, pte)", "same = True")
INTERRUPTS_ON = re.compile(r"^    yield local_irq_\w+\(cpu\)\n", re.MULTILINE)


def defined_in(number: int, name: str, **known: Any) -> dict[str, Any]:
    """Run a cell of a chapter, and return what it defines: a judge is the same in the tests.

    number  the chapter's
    name    a function that the cell defines
    known   names that earlier cells have defined
    """
    (notebook,) = CHAPTERS.glob(f"{number:02}_*.ipynb")
    cells = ["".join(cell["source"]) for cell in json.loads(notebook.read_text())["cells"]]
    (cell,) = (text for text in cells if f"def {name}(" in text)
    file = f"<{name}>"  # a thread's text must be there to be read
    linecache.cache[file] = (len(cell), None, cell.splitlines(keepends=True), file)
    exec(compile(cell, file, "exec"), known)
    return known


def own_gup_fast(folder: Path, *changes: tuple[str | re.Pattern[str], str]) -> Callable[..., Any]:
    """Return the gup-fast of the page on which readers write their own, with some lines changed.

    folder   an empty one, for its text
    changes  (what stands there, what to write instead)
    """
    cells = json.loads(OWN.read_text(encoding="utf-8"))["cells"]
    (text,) = ("".join(c["source"]) for c in cells if "live" in c["metadata"].get("tags", []))
    text, _, _ = text.rpartition("judge_patch(")
    for old, new in changes:
        text, count = re.subn(old if isinstance(old, re.Pattern) else re.escape(old), new, text)
        assert count, f"“{old}” is not there"
    file = folder / "own.py"
    file.write_text(text, encoding="utf-8")
    made: Callable[..., Any] = run_path(str(file))["my_gup_fast"]
    return made


def assert_wrong(answer: Answer, says: str) -> None:
    """Check that an answer is called wrong, and for the right reason.

    says  a part of what must be said of it
    """
    assert not answer.right, f"It is called right: {answer.said}"
    assert says in answer.said, f"“{says}” is not in “{answer.said}”"
