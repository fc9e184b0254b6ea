"""Every exercise is a path: a hint, a nearer one, the answer, each folded until it is asked for."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = [*sorted(ROOT.glob("chapters/*.ipynb")), ROOT / "book" / "aftermath.ipynb"]
HINTS = re.compile(
    r"<details>\n<summary>Hint</summary>\n\n(.+?)\n\n</details>\n"
    r"<details>\n<summary>Second hint</summary>\n\n(.+?)\n\n</details>",
    re.DOTALL,
)
FOLDED = {"source_hidden": True, "outputs_hidden": True}


def exercises(path: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the heading of each exercise of a notebook, and its cells from the heading on."""
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    begun = False
    found: list[tuple[str, list[dict[str, Any]]]] = []
    for cell in cells:
        text = "".join(cell["source"])
        begun = begun or re.search(r"^## Exercises?$", text, re.MULTILINE) is not None
        if begun and cell["cell_type"] == "markdown":
            if heading := re.search(r"^### (.+)$", text, re.MULTILINE):
                found.append((heading[1], []))
            elif text.startswith("## "):
                break
        if begun and found:
            found[-1][1].append(cell)
    yield from found


ALL = [(path, heading, cells) for path in NOTEBOOKS for heading, cells in exercises(path)]


def test_no_exercise_is_overlooked() -> None:
    numbered = [heading for _, heading, _ in ALL if heading[0].isdigit()]
    assert (len(ALL), len(numbered)) == (35, 34)
    assert {path for path, _, _ in ALL} == set(NOTEBOOKS)


@pytest.mark.parametrize(
    ("path", "heading", "cells"), ALL, ids=[f"{p.stem[:2]}-{h[:1]}" for p, h, _ in ALL]
)
def test_an_exercise_is_a_path(path: Path, heading: str, cells: list[dict[str, Any]]) -> None:
    """A text, a live cell, two hints, an answer: nothing else, and in this order."""
    _, live, hints, answer = cells[:4]
    assert all(
        cell["cell_type"] == "markdown" and "hide-cell" not in cell["metadata"].get("tags", [])
        for cell in cells[4:]
    ), "what follows is no part of it"
    assert "live" in live["metadata"]["tags"]
    found = HINTS.fullmatch("".join(hints["source"]))
    assert found, "".join(hints["source"])
    assert all(len(hint) < 320 for hint in found.groups()), "a hint is short"
    assert "hide-cell" in answer["metadata"]["tags"]
    assert answer["metadata"]["jupyter"] == FOLDED
    given = "".join("".join(out.get("text", [])) for out in live["outputs"])
    given += "".join("".join(out["data"]["text/plain"]) for out in live["outputs"] if "data" in out)
    assert "Right" not in given, "it is not answered before it is asked"
