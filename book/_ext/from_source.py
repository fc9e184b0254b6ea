"""Pages made from the package itself: the kernel map from its steps, the API from its docstrings.

A docstring in this project lists names and meanings in two columns.  Sphinx would run such lines
together, so they are turned into a definition list before autodoc sees them.
"""

import re
from collections.abc import Sequence
from importlib import import_module
from itertools import groupby
from pkgutil import iter_modules
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from gupcore.kernel.map import ACTIONS

TERM = re.compile(r"(\S.{0,30}?) {2,}(?=\S)(.*)")
BLANK: list[str] = [""]


def columns_to_definitions(lines: list[str]) -> list[str]:
    """Rewrite blocks of "name  meaning" lines as definitions; leave all other lines alone."""
    block: list[str] = []
    found: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            block.append(line)
            continue
        found += definitions(block) or block
        found += BLANK
        block = []
    return found[:-1]


def definitions(block: list[str]) -> list[str]:
    """Return the definitions of one block, or nothing if it is no list of names and meanings."""
    found: list[str] = []
    depth = min((len(line) - len(line.lstrip()) for line in block), default=0)
    for line in block:
        term = TERM.fullmatch(line[depth:])
        if term and not term[1].endswith((".", ";", ":", "?")):
            found += [f"``{term[1]}``", f"    {term[2]}", ""]
        elif found and line[depth:].startswith("  "):
            found[-2] += " " + line.strip()
        else:
            return []
    return found


def rewrite(app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]) -> None:
    """Rewrite one docstring in place, as autodoc asks for it."""
    lines[:] = columns_to_definitions(lines)


EVERY_MODULE = re.compile(r"^% every module of (\S+)$", re.MULTILINE)
PACKAGE = """\
```{{eval-rst}}
.. automodule:: {0}
   :no-index:
```
"""
SECTION = """\
### `{1}`

```{{eval-rst}}
.. automodule:: {0}
   :members:
   :no-index:
   :member-order: bysource
```
"""


def module_sections(app: Sphinx, page: str, source: list[str]) -> None:
    """Put a section a module where a page says "% every module of" a package, after its own.

    A list kept by hand would be changed by everybody who adds a module.
    """

    def sections(found: re.Match[str]) -> str:
        return "\n".join([PACKAGE.format(found[1]), *map(section, modules(found[1]))])

    source[0] = EVERY_MODULE.sub(sections, source[0])


def modules(package: str) -> list[str]:
    """List the modules of a package and of those in it; of gupcore, those at its top alone."""
    found = []
    for module in sorted(iter_modules(import_module(package).__path__), key=lambda m: m.name):
        name = f"{package}.{module.name}"
        if module.ispkg and package != "gupcore":
            found += modules(name)
        elif not module.ispkg and not module.name.startswith("_"):
            found.append(name)
    return found


def section(module: str) -> str:
    """Return the section of one module."""
    return SECTION.format(module, module.removeprefix("gupcore."))


class KernelMap(SphinxDirective):
    """A table of the steps: which kernel function each stands for, file by file."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        group = nodes.tgroup(cols=len(HEADS))
        for _ in HEADS:
            group += nodes.colspec(colwidth=1)
        group += nodes.thead("", row([[nodes.Text(head)] for head in HEADS]))
        body = nodes.tbody()
        by_file = sorted(ACTIONS, key=lambda action: (action.source.file, action.source))
        for file, actions in groupby(by_file, key=lambda action: action.source.file):
            body += row([[nodes.strong(text=file)]], morecols=len(HEADS) - 1)
            for action in actions:
                function, _, version = action.source
                cells = [[nodes.literal(text=function), nodes.Text(f" {version}")]]
                cells += [[nodes.literal(text=action.name), nodes.Text(f" {action.does}")]]
                body += row(cells)
        group += body
        return [nodes.table("", group, classes=["gup-kernel-map"])]


HEADS = ("kernel function", "step of the model")


def row(cells: Sequence[Sequence[nodes.Node]], **span: int) -> nodes.row:
    """Make a row of a table; `span` as in docutils."""
    found = nodes.row()
    for cell in cells:
        found += nodes.entry("", nodes.paragraph("", "", *cell), **span)
    return found


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive, the sections, and the rewriting of docstrings."""
    app.add_directive("kernel-map", KernelMap)
    app.connect("source-read", module_sections)
    app.connect("autodoc-process-docstring", rewrite)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
