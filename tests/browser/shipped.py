"""What the book ships: the boards in its pages, and the reports they were made from."""

import ast
import json
import linecache
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from playwright.sync_api import Page

from gupcore import SCENARIOS, Report
from gupcore.player import Player
from gupcore.player.module import module

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted([*ROOT.glob("chapters/*.ipynb"), *ROOT.glob("book/*.ipynb")])

Made = dict[str, tuple[Report, ...]]  # the board of a player, as text, and the reports behind it


def page_of(notebook: Path) -> str:
    """Return the address of a notebook's page in the book."""
    return f"{notebook.relative_to(ROOT).with_suffix('')}.html"


@cache
def players_made_by(notebook: Path) -> Made:
    """Run the cells of a notebook that lead to players, once; return the players they make."""
    made: Made = {}
    show = Player.show

    def remember(self: Player, *reports: Report, **more: Any) -> None:
        show(self, *reports, **more)
        made[json.dumps(self.board)] = reports

    names = {"__name__": "__main__", "display": print}
    # A scenario that one chapter adds to the list is unknown to the next, which has its own kernel.
    with pytest.MonkeyPatch.context() as patch, mock.patch.dict(SCENARIOS):
        patch.setattr(Player, "show", remember)
        for number, source in leading_to_players(json.loads(notebook.read_text())["cells"]):
            run_cell(f"<{notebook.name}, cell {number}>", source, names)
    return made


def leading_to_players(cells: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """Return the code cells that show a player, and those that bind a name which these need.

    A cell left out by mistake does not go unseen: a name or a player of the page is then missing.
    """
    wanted: set[str] = set()
    found = []
    for number, cell in reversed(list(enumerate(cells))):
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        bound, used, changed = names_in(source)
        if "gup-player" in json.dumps(cell["outputs"]) or wanted & (bound | changed):
            found.append((number, source))
            wanted |= used - bound
    return found[::-1]


def names_in(source: str) -> tuple[set[str], set[str], set[str]]:
    """Return the names that a cell binds, those it uses, and those it puts something into."""
    bound: set[str] = set()
    used: set[str] = set()
    changed: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            bound |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, ast.Name):
            (bound if isinstance(node.ctx, ast.Store) else used).add(node.id)
        elif isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            changed |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return bound, used, changed


def run_cell(file: str, source: str, names: dict[str, Any]) -> None:
    """Run one cell; a thread that is defined in it can show its source."""
    lines = source.splitlines(keepends=True)
    linecache.cache[file] = (len(source), None, lines, file)
    *statements, last = ast.parse(source, file).body
    if isinstance(last, ast.Expr):  # a notebook shows what its last line says
        exec(compile(ast.Module(statements, []), file, "exec"), names)
        value = eval(compile(ast.Expression(last.value), file, "eval"), names)
        if hasattr(value, "_repr_mimebundle_"):
            value._repr_mimebundle_()
    else:
        exec(compile(source, file, "exec"), names)


def boards_in(page: Page) -> list[dict[str, Any]]:
    """Return the boards of the players in a page."""
    scripts = page.locator(".gup-player > script").all()
    return [json.loads(script.text_content() or "")["board"] for script in scripts]


def load_parts(page: Page, *names: str) -> None:
    """Give the page the player's functions of these names, as `parts`."""
    page.add_script_tag(
        content=f"{module()}\nwindow.parts = {{ {', '.join(names)} }};", type="module"
    )
    page.evaluate(
        """() => {
          const data = [...document.querySelectorAll(".gup-player > script")];
          window.boards = data.map((script) => JSON.parse(script.textContent).board);
        }"""
    )
    page.wait_for_function("window.parts")
