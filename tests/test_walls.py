"""The walls between the wings, and what every step must carry."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gupcore
from gupcore.kernel.map import ACTIONS

PACKAGE = Path(gupcore.__file__).parent
WINGS = ("checker", "kernel", "evidence", "order")
SEARCH = {f"checker.{name}" for name in ("explore", "paths", "outcomes", "verdict", "replay")}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imported_by(name: str, typing_too: bool = False) -> set[str]:
    """Return the names of gupcore's modules that one imports when it runs, or for its types."""
    path, names = MODULES[name], set()
    tree = ast.parse(path.read_text())
    left_out = set()
    for block in ast.walk(tree):
        for_types = isinstance(block, ast.If) and getattr(block.test, "id", "") == "TYPE_CHECKING"
        if for_types and not typing_too:
            left_out |= set(ast.walk(block))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level and node not in left_out:
            above = name.split(".")[: -node.level]
            module = ".".join([*above, *([node.module] if node.module else [])])
            inside = {f"{module}.{alias.name}".lstrip(".") for alias in node.names}
            names |= (inside & set(MODULES)) or {module}
    return names


def of(wing: str) -> list[str]:
    return [name for name in MODULES if name.startswith(f"{wing}.")]


def test_the_checker_knows_nothing_of_the_kernel() -> None:
    for name in of("checker"):
        assert all(other.startswith("checker.") for other in imported_by(name, typing_too=True)), (
            name
        )


def test_the_kernel_does_not_search() -> None:
    for name in of("kernel"):
        assert not imported_by(name) & SEARCH, name
        assert all(other.startswith(("checker.", "kernel.")) for other in imported_by(name)), name


def test_the_orders_of_memory_stand_alone() -> None:
    for name in of("order"):
        assert all(other.startswith("order.") for other in imported_by(name, typing_too=True)), name


def test_no_wing_imports_what_readers_meet() -> None:
    for name in of("evidence"):
        assert imported_by(name) <= {"catalogue", *of("checker"), *of("kernel"), *of("evidence")}


def test_the_player_explores_nothing() -> None:
    for name in of("player"):
        assert not imported_by(name) & SEARCH, name
        assert all(other.startswith(("checker.", "player")) for other in imported_by(name)), name


def test_no_circle() -> None:
    seen = {}

    def depth(name: str, above: tuple[str, ...] = ()) -> int:
        assert name not in above, " -> ".join((*above, name))
        if name not in seen:
            others = imported_by(name, typing_too=name.startswith(WINGS)) & set(MODULES)
            below = [depth(other, (*above, name)) for other in sorted(others)]
            seen[name] = 1 + max(below, default=0)
        return seen[name]

    for name in MODULES:
        depth(name)


def test_a_figure_is_a_file_of_its_own() -> None:
    """So that figures can be added side by side: none needs another, each is called as its file."""
    tools = {"figures.glyphs", "figures.picture", "figures.rows", "figures.stills"}
    for name in of("figures"):
        if name.endswith("__init__"):
            continue
        assert not {other for other in imported_by(name) - tools if other.startswith("figures.")}
        defined = {d.name for d in ast.parse(MODULES[name].read_text()).body if hasattr(d, "name")}
        assert name in tools or name.rpartition(".")[2] in defined, name


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_not_long_and_says_why_it_is_as_it_is(name: str) -> None:
    text = MODULES[name].read_text()
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text))


def test_the_core_needs_only_the_standard_library() -> None:
    blocked = ("numpy", "matplotlib", "ipywidgets", "anywidget", "traitlets", "IPython")
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({blocked!r}))\n"
        "from gupcore import check, exercises, race\n"
        "from gupcore.order import gup\n"
        "print(check(race('cure')).status)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "holds\n"


def test_every_step_names_its_kernel_function_and_says_what_it_does() -> None:
    for action in ACTIONS:
        assert all(action.source), action.name
        assert action.does.endswith("."), action.name
        assert re.fullmatch(r"v\d\.\d+|proposed", action.source.version), action.name
        assert Path(action.source.file).suffix in (".c", ".h"), action.name
