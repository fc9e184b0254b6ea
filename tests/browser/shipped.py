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
    """Run a notebook's cells, once; return the players they make."""
    made: Made = {}
    show = Player.show

    def remember(self: Player, *reports: Report, **more: Any) -> None:
        show(self, *reports, **more)
        made[json.dumps(self.board)] = reports

    names = {"__name__": "notebook", "display": print}
    # A scenario that one chapter adds to the list is unknown to the next, which has its own kernel.
    with pytest.MonkeyPatch.context() as patch, mock.patch.dict(SCENARIOS):
        patch.setattr(Player, "show", remember)
        for number, cell in enumerate(json.loads(notebook.read_text())["cells"]):
            if cell["cell_type"] == "code":
                run_cell(f"<{notebook.name}, cell {number}>", "".join(cell["source"]), names)
    return made


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
