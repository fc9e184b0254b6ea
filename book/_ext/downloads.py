"""A page's notebook is offered with the package it needs and the glossary: a zip file of all.

The notebook alone cannot be run where gupcore is not installed, and opened from disk a browser
shows it as text.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from glossary import GLOSSARY, NAMES_FILE
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

ROOT = Path(__file__).parents[2]
FOLDER = "_downloads"
NEEDS = ("anywidget", "ipywidgets", "matplotlib", "numpy")  # what the cells of a notebook import
BUTTON = "download-source-button"  # as sphinx_book_theme names it


def installs(wheel: str) -> str:
    """Return the line that makes a notebook run, in any of its hosts."""
    book = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    pins = [pin for pin in book["book"] if re.match(r"[\w-]+", pin)[0] in NEEDS]  # type: ignore[index]
    return " ".join(["%pip install --quiet", f"./{wheel}", *pins])


def first_cells(wheel: str) -> list[dict[str, Any]]:
    """Return the cells that a notebook begins with once it has left the book."""
    says = f"This notebook came with `{wheel}`. Keep the two together, and run the next cell once."
    return [
        {"cell_type": "markdown", "id": "came-with", "metadata": {}, "source": says},
        {
            "cell_type": "code",
            "id": "install",
            "metadata": {},
            "source": installs(wheel),
            "execution_count": None,
            "outputs": [],
        },
    ]


def notebooks(app: Sphinx) -> Iterator[tuple[str, Path]]:
    """Yield each page that is a notebook, and its file."""
    for page in sorted(app.env.all_docs):
        path = Path(app.env.doc2path(page))
        if path.suffix == ".ipynb":
            yield page, path


def pack(app: Sphinx, failure: Exception | None) -> None:
    """Write a zip file for each notebook of the book."""
    if failure or app.builder.name != "html":
        return
    wheel = Path(app.outdir) / FOLDER / app.config.gup_wheel
    for page, path in notebooks(app):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        notebook["cells"][:0] = first_cells(wheel.name)
        packed = Path(app.outdir) / FOLDER / f"{page}.zip"
        packed.parent.mkdir(parents=True, exist_ok=True)
        with ZipFile(packed, "w", ZIP_DEFLATED) as together:
            text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
            together.writestr(path.name, NAMES_FILE.sub(f"]({GLOSSARY.name}#", text))
            together.write(GLOSSARY, GLOSSARY.name)
            together.write(wheel, wheel.name)


def offer(app: Sphinx, page: str, template: str, context: dict[str, Any], doc: Any) -> None:
    """Let the button lead to the zip file, in the page of a notebook."""
    if context.get("page_source_suffix") != ".ipynb":
        return
    (menu,) = (one for one in context["header_buttons"] if one["label"] == "download-buttons")
    (button,) = (one for one in menu["buttons"] if one["label"] == BUTTON)
    button["url"] = context["pathto"](f"{FOLDER}/{page}.zip", resource=True)
    button["text"] = ".ipynb, with gupcore"
    button["tooltip"] = "Download this notebook and the package it needs"


def setup(app: Sphinx) -> ExtensionMetadata:
    """The button is there once the theme has made it; the wheel, once live cells have theirs."""
    app.connect("html-page-context", offer, priority=600)
    app.connect("build-finished", pack)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
