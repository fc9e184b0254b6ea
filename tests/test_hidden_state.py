"""Hidden state: the checker never says *holds* of what it has not seen.

Programs count where the checker cannot look (see hidden.py); it must refuse them in a sentence,
or see what they do.  What newcomers write without a thought must be judged all the same.

HIDDEN_STATE=50 tries fifty programs of each kind instead of one.
"""

import ast
import importlib
import json
import linecache
import os
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import hidden
import pytest

from gupcore import SCENARIOS, ScenarioError, check, race

HOW_MANY = int(os.environ.get("HIDDEN_STATE", "1"))
HERE = Path(__file__).parent
# What these do is not the same each time, or they end in an error of Python's.
CHANCE = ("a fresh id", "a fresh hash", "a fresh address in words", "the depth of a stack")
RAISES = ("thread: a decorator that yields", "step: a generator", "machine: a dict")
NOT_BY_ITSELF = (*CHANCE, *RAISES, "machine: an object", "thread: an error that is kept")


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Forget the programs that a test has loaded."""
    yield
    hidden.unload()


# --- Hidden state is refused, or seen -------------------------------------------------------------


@pytest.mark.parametrize("name", hidden.HIDDEN)
def test_no_verdict_on_what_is_hidden(name: str) -> None:
    for program in islice(hidden.programs(name, 1), HOW_MANY):
        said = hidden.asked_twice(program)
        assert not hidden.fault(program, said), program.module


@pytest.mark.parametrize("name", [name for name in hidden.HIDDEN if name not in NOT_BY_ITSELF])
def test_a_program_breaks_its_rule_by_itself(name: str) -> None:
    assert hidden.breaks(next(hidden.programs(name, 1)), 1)


@pytest.mark.parametrize("name", hidden.PARTS["changed"])
def test_a_verdict_does_not_outlive_a_change(name: str) -> None:
    texts = hidden.PARTS["changed"][name]
    ready = texts.get("?", "False").strip()
    loops = f"while True:\n    if {ready}:\n        yield bad()\n        return\n    yield idle()\n"
    loaded = hidden.load(hidden.Program({"|": loops, **texts}).module)
    scene, math_floor = hidden.scenario(loaded), __import__("math").floor
    assert [hidden.asked(scene).verdict for _ in range(2)] == ["holds", "holds"]
    exec(texts["!"], loaded.__dict__)
    said = hidden.asked(scene), hidden.asked(scene), hidden.asked(hidden.scenario(loaded))
    sys.modules["math"].__dict__["floor"] = math_floor
    assert {verdict for verdict, _ in said} <= {"refused", "fails"}, said


HIDES = """\
def thread():
    for _ in range(LIMIT):
        yield idle()
    yield bad()
"""
INNOCENT = """\
def {name}():
    while True:
        yield idle()
    yield bad()
"""
HEAD = hidden.HEAD.format(limit=5)
PART = HIDES.replace("thread", "part") + "def thread():\n    yield from part()\n"


@pytest.mark.parametrize("read_before", [False, True])
@pytest.mark.parametrize(
    ("text", "later"),
    [
        pytest.param(HIDES, INNOCENT.format(name="thread"), id="another in its place"),
        pytest.param(HIDES, INNOCENT.format(name="thread") + HIDES, id="another above"),
        pytest.param(HIDES, INNOCENT.format(name="other") + HIDES, id="another name above"),
        pytest.param("# …\n" * 9 + HIDES, HIDES + "\n" * 20, id="moved up"),
        pytest.param(HIDES, "\n" + HIDES, id="moved down"),
        pytest.param(PART, INNOCENT.format(name="part") + PART, id="a part, another above"),
        pytest.param(PART, INNOCENT.format(name="other") + PART, id="a part, another name above"),
        pytest.param(HIDES, "def (", id="no Python"),
        pytest.param(HIDES, "", id="nothing"),
        pytest.param(HIDES, None, id="no file"),
    ],
)
def test_text_that_is_not_what_runs_is_refused(
    text: str,
    later: str | None,
    read_before: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    file = tmp_path / "hidden_program_in_a_file.py"
    file.write_text(HEAD + text)
    loaded = importlib.import_module(file.stem)
    if read_before:
        linecache.getlines(str(file))
    if later is None:
        file.unlink()
    else:
        file.write_text(HEAD + later)
        os.utime(file, (1, 1))
    said = hidden.asked(hidden.scenario(loaded))
    assert said.verdict == "refused", said
    assert "The text of" in said.sentence or "The source of" in said.sentence


def test_there_are_no_more_threads_than_digits() -> None:
    loaded = hidden.load(hidden.Program({"|": "yield bad()\n"}).module)
    with pytest.raises(ScenarioError, match="at most 9 threads"):
        hidden.scenario(loaded, threads=10)


# --- What newcomers write is judged ---------------------------------------------------------------


@pytest.mark.parametrize("name", hidden.PARTS["innocent"])
def test_what_is_innocent_is_judged(name: str) -> None:
    program = hidden.Program(hidden.PARTS["innocent"][name], threads=2)
    said = hidden.asked_twice(program)
    assert [verdict for verdict, _ in said] == ["fails", "fails"], said


@pytest.mark.parametrize("name", hidden.PARTS["refused"])
def test_what_is_refused_says_what_to_write(name: str) -> None:
    texts = hidden.PARTS["refused"][name]
    for said in hidden.asked_twice(hidden.Program(texts)):
        assert said.verdict == "refused"
        assert texts["!"].strip() in said.sentence
        assert ", line " in said.sentence


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_books_own_threads_are_judged(name: str) -> None:
    assert check(SCENARIOS[name](), limit=300).graph.states


def threads_of_readers() -> Iterator[object]:
    """Yield the walks that exercises and chapters have readers write, each with its imports."""
    texts = {file.stem: file.read_text() for file in (HERE / "exercises").glob("handed_in_??.py")}
    for file in (HERE.parent / "chapters").glob("*.ipynb"):
        cells = json.loads(file.read_text())["cells"]
        code = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        texts[file.stem] = "\n".join(code)
    for name, text in sorted(texts.items()):
        body = ast.parse(text).body
        imports = [node for node in body if isinstance(node, ast.ImportFrom)]
        for node in body:
            if isinstance(node, ast.FunctionDef) and len(node.args.args) == 5:
                module = "\n".join(map(ast.unparse, [*imports, node]))
                yield pytest.param(module, node.name, id=f"{name} {node.name}")


@pytest.mark.parametrize(("module", "name"), [*threads_of_readers()])
def test_threads_of_readers_are_judged(module: str, name: str) -> None:
    thread = getattr(hidden.load(module), name)
    assert check(race("v5.11", gup_fast=thread), limit=300).graph.states
