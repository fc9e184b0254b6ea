"""What the page's Python makes of a live cell, tried in a Python that has no more than that one."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
RUN = ROOT / "book" / "_live" / "run.py"
# Every chapter has live cells, and so have some pages beside them.
BESIDE = ("aftermath", "orders_of_memory", "your_gup_fast", "your_scene")
CHAPTERS = sorted(ROOT.glob("chapters/*.ipynb"))
NOTEBOOKS = [
    *CHAPTERS,
    *(ROOT / "book" / f"{name}.ipynb" for name in BESIDE),
]
NOT_IN_THE_PAGE = ("IPython", "anywidget", "ipywidgets", "matplotlib", "numpy", "traitlets")

# Runs each cell of [[text, [[name, text], ...]], ...] and prints what the page is told.
IN_THE_PAGE = f"""
import json, runpy, sys
sys.modules |= dict.fromkeys({NOT_IN_THE_PAGE!r})
run = runpy.run_path({str(RUN)!r})["run"]
for text, earlier in json.load(sys.stdin):
    told = []
    run(text, earlier, lambda *said: told.append(said))
    print(json.dumps(told))
"""

Told = list[tuple[str, str, str]]


def run_in_the_page(cells: list[tuple[str, list[tuple[str, str]]]]) -> list[Told]:
    command = [sys.executable, "-P", "-c", IN_THE_PAGE]
    done = subprocess.run(command, input=json.dumps(cells), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [list(map(tuple, json.loads(line))) for line in done.stdout.splitlines()]


def run(text: str, *earlier: str) -> Told:
    (told,) = run_in_the_page([(text, [(f"<cell {n}>", cell) for n, cell in enumerate(earlier)])])
    return told


def text_of(told: Told) -> str:
    """What a reader reads of a run."""
    read = [one for one in told if one[0] not in ("states", "judged")]
    return "".join(as_text + "\n" if kind == "html" else text for kind, text, as_text in read)


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def stored(cell: dict[str, Any]) -> str:
    """What the notebook prints and shows below a cell."""
    found = ""
    for output in cell["outputs"]:
        found += "".join(output.get("text", []))
        if "data" in output:
            found += "".join(output["data"]["text/plain"]) + "\n"
    return found


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_live_cell_shows_in_the_page_what_it_shows_in_the_notebook(notebook: Path) -> None:
    cells = code_cells(notebook)
    live = [n for n, cell in enumerate(cells) if "live" in cell["metadata"].get("tags", [])]
    assert live
    asked = [
        (source(cells[n]), [(f"<cell {cell['id']}>", source(cell)) for cell in cells[:n]])
        for n in live
    ]
    for number, told in zip(live, run_in_the_page(asked), strict=True):
        assert text_of(told) == stored(cells[number]), cells[number]["id"]
        assert told[-1][0] == "done"


@pytest.mark.parametrize("notebook", CHAPTERS, ids=lambda path: path.stem)
def test_each_chapter_has_a_cell_to_play_with_before_its_exercises(notebook: Path) -> None:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    (exercises,) = (n for n, cell in enumerate(cells) if "## Exercises" in source(cell))
    tags = [cell["metadata"].get("tags", []) for cell in cells[:exercises]]
    free = [n for n, of_cell in enumerate(tags) if "live" in of_cell]
    assert free
    for n in free:
        assert cells[n - 1]["cell_type"] == "markdown", "an invitation"
        assert "Right" not in stored(cells[n])


# --- What a cell needs --------------------------------------------------------------------------


def test_only_what_a_cell_needs_is_run_first() -> None:
    told = run(
        "print(area(3))",
        "import nothing_of_that_name\nprint('not this')",
        "import math\n\n\ndef area(r):\n    return round(pi * r * factor[0], 2)",
        "pi = math.pi\nfactor = [1]\nfor r in range(3):\n    1 / 0",
        "factor[0] = 3",
    )
    assert text_of(told) == "28.27\n"


def test_what_a_cell_binds_itself_is_not_looked_for() -> None:
    assert text_of(run("n = 1\nfor m in [2]:\n    print(n + m)", "n = m = 1 / 0")) == "3\n"
    assert text_of(run("n = n + 1\nprint(n)", "n = 1")) == "2\n"


def test_what_a_function_changes_of_its_own_is_not_looked_for() -> None:
    one = "def one():\n    found = {}\n    found[0] = 1\n    return found[0]"
    assert text_of(run("print(one())", one, "found = 1 / 0")) == "1\n"


def test_each_run_has_a_namespace_of_its_own() -> None:
    first, second = run_in_the_page([("n = 1", []), ("n", [])])
    assert first == [("done", "", "")]
    assert "NameError" in text_of(second)


# --- What it shows ------------------------------------------------------------------------------


def test_an_error_is_cut_to_the_readers_own_lines() -> None:
    told = run("from gupcore import check\n\n\ndef mine():\n    check(1)\n\n\nmine()")
    assert [kind for kind, _, _ in told] == ["error", "done"]
    lines = told[0][1].splitlines()
    places = [line for line in lines if line.startswith("  Line") or "File" in line]
    assert places == ["  Line 8, in <module>", "  Line 5, in mine"]
    assert lines[-1].endswith("ScenarioError: What is checked is a scenario: check(race()).")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = (", "SyntaxError: '(' was never closed"),
        ("input()", "a cell of this page cannot ask"),
        ("import numpy", "In the page there are gupcore and Python's own library"),
        ("def f():\n    f()\n\n\nf()", "RecursionError"),
        ("raise SystemExit", "SystemExit"),
        ("raise MemoryError", "1 GB of memory"),
    ],
)
def test_what_cannot_be_done_is_said(text: str, says: str) -> None:
    told = run(text)
    assert says in text_of(told)
    assert told[-1][0] == ("broken" if text.startswith("raise") else "done")


def test_of_much_text_the_beginning_is_shown() -> None:
    told = run("for n in range(1_000_000):\n    print(n)")
    printed = "".join(text for kind, text, _ in told if kind == "text")
    assert (len(printed), printed[:6]) == (20_000, "0\n1\n2\n")
    assert told[-2][:2] == ("note", "The output goes on for 6,868,890 more characters.")


def test_a_player_is_the_html_that_the_notebook_keeps() -> None:
    from gupcore import check, race
    from gupcore.player import Player

    text = "from gupcore import check, race\nfrom gupcore.player import Player\n"
    told = run(f"{text}Player(check(race('no-check')))")
    player = Player(check(race("no-check")))
    assert told[0] == ("html", player.to_html(), "Player(no-check)")


JUDGE = """
from gupcore.exercises import Answer


def judge(n):
    return Answer(n == 3, "said")
"""


@pytest.mark.parametrize(
    ("text", "judged"),
    [
        ("judge(3)", ["right"]),
        ("print(1, judge(3))", ["right"]),
        ("print(judge(3))\njudge(3)", ["right"]),
        ("judge(2)", ["wrong"]),
        ("print(judge(2))\njudge(3)", ["wrong"]),
        ("judge(3).said", []),
        ("print('Right, it says')", []),
        ("display(judge(3))\n1 / 0", ["right"]),
    ],
)
def test_what_the_judges_said_is_told(text: str, judged: list[str]) -> None:
    told = run(text, JUDGE)
    assert [word for kind, word, _ in told if kind == "judged"] == judged
    assert told[-1][0] == "done"


def test_each_exercise_that_is_counted_is_judged_and_not_solved_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(ROOT / "book" / "_ext")
    exercises = import_module("live_cells").exercises()
    assert set(exercises) == {f"chapters/{path.stem}" for path in CHAPTERS}
    for page, ids in exercises.items():
        cells = code_cells(ROOT / f"{page}.ipynb")
        at = [n for n, cell in enumerate(cells) if cell["id"] in ids]
        above = [[(f"<cell {cell['id']}>", source(cell)) for cell in cells[:n]] for n in at]
        assert len(at) == len(ids) > 0
        asked = [(source(cells[n]), earlier) for n, earlier in zip(at, above, strict=True)]
        for told, n in zip(run_in_the_page(asked), at, strict=True):
            words = [word for kind, word, _ in told if kind == "judged"]
            assert words == ["wrong"], cells[n]["id"]


def test_a_search_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    in_page = run_path(str(RUN))
    monkeypatch.setitem(in_page["run"].__globals__, "EVERY", 0)
    told: Told = []
    text = "from gupcore import check, race\ncheck(race('cure', callers=3))"
    in_page["run"](text, [], lambda *said: told.append(said))
    assert ("states", "23,367", "3,367") in told
    from gupcore.checker import explore

    assert explore.watcher is None
