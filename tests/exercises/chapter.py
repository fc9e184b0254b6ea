"""What the chapters' tests share: a judge as its chapter defines it, and what a wrong answer is."""

import json
from pathlib import Path
from typing import Any

from gupcore.exercises import Answer

CHAPTERS = Path(__file__).parents[2] / "chapters"


def defined_in(number: int, name: str, **known: Any) -> dict[str, Any]:
    """Run a cell of a chapter, and return what it defines: a judge is the same in the tests.

    number  the chapter's
    name    a function that the cell defines
    known   names that earlier cells have defined
    """
    (notebook,) = CHAPTERS.glob(f"{number:02}_*.ipynb")
    cells = ["".join(cell["source"]) for cell in json.loads(notebook.read_text())["cells"]]
    (cell,) = (text for text in cells if f"def {name}(" in text)
    exec(cell, known)
    return known


def assert_wrong(answer: Answer, says: str) -> None:
    """Check that an answer is called wrong, and for the right reason.

    says  a part of what must be said of it
    """
    assert not answer.right, f"It is called right: {answer.said}"
    assert says in answer.said, f"“{says}” is not in “{answer.said}”"
