"""The text's links to steps: each leads to steps that can be taken, and to the one it speaks of."""

import json
import re
import sys
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from shipped import NOTEBOOKS, players_made_by  # noqa: E402  (how a notebook makes its players)

EXTENSION = run_path(str(ROOT / "book" / "_ext" / "show_step.py"))
links, MARK = EXTENSION["links"], EXTENSION["MARK"]
LINKED = [path for path in NOTEBOOKS if MARK.search(path.read_text())]
STEP = re.compile(r"\bsteps? (\d+)", re.IGNORECASE)


def cells_of(path: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(path.read_text())["cells"]
    return cells


def spoken_of(text: str) -> int | None:
    """Return the number of the step that the sentence before a mark speaks of, if it names one."""
    sentence = text.rpartition("\n")[2].rpartition("-->")[2]  # a line is a sentence in our cells
    numbers = STEP.findall(sentence)
    return int(numbers[-1]) if numbers else None


def test_chapters_have_links() -> None:
    assert len(LINKED) == 11


@pytest.mark.parametrize("path", LINKED, ids=lambda path: path.stem)
def test_a_link_leads_to_the_step_that_the_text_speaks_of(path: Path) -> None:
    made = players_made_by(path)
    boards = [
        json.loads(data)["board"]
        for cell in cells_of(path)
        for output in cell.get("outputs", [])
        for data in EXTENSION["PLAYER"].findall(
            "".join(output.get("data", {}).get("text/html", ""))
        )
    ]
    for cell, mark, link in links(cells_of(path)):
        board = boards[link.nth]
        assert link.name.partition("~")[0] == board["key"]
        reports = made[json.dumps(board)]
        (report,) = (r for r in reports if r.scenario.design.name == link.design)
        assert len(report.replay(link.schedule)) == len(link.schedule)
        number = spoken_of("".join(cell["source"])[: mark.start()])
        assert number in (None, len(link.schedule)), f"the text says step {number}: {mark[0]}"


def test_a_step_that_is_spoken_of_is_found() -> None:
    assert spoken_of("At step 9.\nIn step 6") == 6
    assert spoken_of("Step 6<!-- show v5.11: 222222 --> and then it waits") is None
    assert spoken_of("Steps 3 to 5, and step 12") == 12


def test_no_link_to_a_step_is_written_by_hand() -> None:
    """Nothing would look whether it leads anywhere, and in JupyterLab it would not."""
    for path in NOTEBOOKS:
        for cell in cells_of(path):
            assert cell["cell_type"] == "code" or "#gup=" not in "".join(cell["source"]), path


PLAYER = (
    '<div class="gup-player"><script type="application/json">'
    '{"board":{"key":"seed-race","designs":[{"name":"v5.11"},{"name":"a, b"}]}}</script>'
)
SHOWN: dict[str, Any] = {
    "cell_type": "code",
    "outputs": [{"data": {"text/html": [PLAYER]}}],
}


def text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": [source]}


def test_a_mark_leads_to_the_nearest_player_above_it() -> None:
    mark = text("Here<!-- show a, b: 22 1 -->.")
    found = [link for _, _, link in links([SHOWN, mark, SHOWN, mark])]
    assert [link.href for link in found] == [
        "#gup=1:seed-race:a%2C%20b:221",
        "#gup=1:seed-race~2:a%2C%20b:221",
    ]
    assert [link.nth for link in found] == [0, 1]


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ([text("<!-- show v5.11: 1 -->"), SHOWN], "No player above .* has the design 'v5.11'"),
        ([SHOWN, text("<!-- show v6: 1 -->")], "has the design 'v6'"),
        ([SHOWN, text("<!-- show v5.11 -->")], "is not written as"),
        ([SHOWN, text("<!-- show v5.11: -->")], "is not written as"),
        ([SHOWN, text("<!-- show v5.11: 1 x -->")], "is not written as"),
    ],
)
def test_a_mark_that_leads_nowhere_is_refused(cells: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        list(links(cells))
