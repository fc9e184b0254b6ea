"""A cell's code and its output look different; to whoever listens they are called so, too."""

import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

NAMES = {"cell_input": "Code", "cell_output": "Output"}
START = re.compile(r'<div class="(cell_input|cell_output)( [\w -]*)">')


def name_cells(app: Sphinx, page: str, template: str, context: dict[str, Any], doc: Any) -> None:
    """Make groups of the parts of each cell, with a name each."""

    def group(start: re.Match[str]) -> str:
        name = NAMES[start[1]]
        return f'<div class="{start[1]}{start[2]}" role="group" aria-label="{name}">'

    context["body"] = START.sub(group, context.get("body", ""))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Each page is handled alone."""
    app.connect("html-page-context", name_cells)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
