"""The walls between the layers, and what every step must carry."""

import ast
import subprocess
import sys
from pathlib import Path

import gupcore
from gupcore.steps import ACTIONS

PACKAGE = Path(gupcore.__file__).parent
LAYERS = (
    *("pte", "machine", "steps", "design", "gup", "direct_io", "device"),
    *("thread", "explore", "paths", "rules", "scenario", "verdict"),
)


def imported_by(path):
    """Return the names of gupcore's modules that a file imports when it runs."""
    names = set()
    tree = ast.parse(path.read_text())
    typing_only = [
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and getattr(block.test, "id", "") == "TYPE_CHECKING"
        for node in ast.walk(block)
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level and node not in typing_only:
            names |= {node.module} if node.module else {alias.name for alias in node.names}
    return names


def test_each_layer_imports_only_from_above():
    for number, layer in enumerate(LAYERS):
        assert imported_by(PACKAGE / f"{layer}.py") <= set(LAYERS[:number]), layer


def test_every_module_has_its_place():
    modules = {path.stem for path in PACKAGE.glob("*.py")}
    assert modules == {*LAYERS, "listing", "figures", "__init__", "__main__"}


def test_the_explorer_knows_nothing_of_pages():
    assert imported_by(PACKAGE / "thread.py") == set()
    assert imported_by(PACKAGE / "explore.py") == {"thread"}
    assert imported_by(PACKAGE / "paths.py") == {"explore"}


def test_the_player_explores_nothing():
    for path in (PACKAGE / "player").glob("*.py"):
        assert imported_by(path) <= {"data"}, path.name


def test_the_core_needs_only_the_standard_library():
    blocked = ("numpy", "matplotlib", "ipywidgets", "anywidget", "traitlets", "IPython")
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({blocked!r}))\n"
        "from gupcore import check, race\n"
        "print(check(race('cure')).status)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "holds\n"


def test_every_step_names_its_kernel_function_and_says_what_it_does():
    for action in ACTIONS:
        assert all(action.source), action.name
        assert action.does.endswith("."), action.name
        assert action.source.version in ("v5.11", "v6.1", "proposed"), action.name
        assert Path(action.source.file).suffix in (".c", ".h"), action.name
