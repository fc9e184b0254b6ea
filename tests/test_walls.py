"""The walls between the layers, and what every step must carry."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import gupcore
from gupcore.step import ACTIONS

PACKAGE = Path(gupcore.__file__).parent
STEPS = ("steps.cpu", "steps.page_table", "steps.struct_page", "steps.pagemap", "steps.dax")
LAYERS = (
    *("pte", "machine", "start", "step", *STEPS),
    *("design", "fault", "gup", "users", "unmap", "device"),
    *(
        "thread",
        "explore",
        "paths",
        "rules",
        "percpu_ref",
        "scenario",
        "catalogue",
        "outcomes",
        "verdict",
        "table",
        "cost",
        "conformance",
    ),
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
            folder = f"{path.parent.name}." if node.level == 1 and path.parent != PACKAGE else ""
            modules = [node.module] if node.module else [alias.name for alias in node.names]
            names |= {folder + name for name in modules}
    return names


def module(layer):
    return PACKAGE / f"{layer.replace('.', '/')}.py"


def test_each_layer_imports_only_from_above():
    for number, layer in enumerate(LAYERS):
        assert imported_by(module(layer)) <= set(LAYERS[:number]), layer


def test_every_module_has_its_place():
    modules = {path.stem for path in PACKAGE.glob("*.py")}
    modules |= {f"steps.{path.stem}" for path in (PACKAGE / "steps").glob("*.py")}
    assert modules == {
        *LAYERS,
        "lab",
        "records",
        "listing",
        "__init__",
        "steps.__init__",
        "__main__",
    }


def test_no_module_is_long():
    for path in PACKAGE.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 400, path.name


def test_the_explorer_knows_nothing_of_pages():
    assert imported_by(PACKAGE / "thread.py") == set()
    assert imported_by(PACKAGE / "explore.py") == {"thread"}
    assert imported_by(PACKAGE / "paths.py") == {"explore"}
    assert imported_by(PACKAGE / "outcomes.py") == {"explore", "paths"}


def test_the_player_explores_nothing():
    for path in (PACKAGE / "player").glob("*.py"):
        assert imported_by(path) <= {"player.data", "player.module", "player.prompts"}, path.name


def test_a_figure_is_a_file_of_its_own():
    """So that figures can be added side by side: none needs another, each is called as its file."""
    tools = {"figures.picture", "figures.rows"}
    for path in (PACKAGE / "figures").glob("[!_]*.py"):
        assert imported_by(path) <= {*LAYERS, *tools}, path.name
        defined = {d.name for d in ast.parse(path.read_text()).body if hasattr(d, "name")}
        assert f"figures.{path.stem}" in tools or path.stem in defined, path.name


def test_the_core_needs_only_the_standard_library():
    blocked = ("numpy", "matplotlib", "ipywidgets", "anywidget", "traitlets", "IPython")
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({blocked!r}))\n"
        "from gupcore import check, exercises, race\n"
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
        assert re.fullmatch(r"v\d\.\d+|proposed", action.source.version), action.name
        assert Path(action.source.file).suffix in (".c", ".h"), action.name


def test_every_action_is_in_the_list():
    """The kernel map is made from the list: an action that forgot its source would be missing."""
    defined = {
        node.name
        for layer in (*STEPS, "percpu_ref")
        for node in ast.parse(module(layer).read_text()).body
        if isinstance(node, ast.FunctionDef)
        and [a.arg for a in node.args.args][:1] in (["m"], ["ref"])
        and "Effect" in ast.unparse(node.returns)
        and not node.name.startswith("_")
    }
    assert defined - {"zap_frames"} == {action.name for action in ACTIONS}
