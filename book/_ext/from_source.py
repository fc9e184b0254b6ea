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
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata
from where_taken import Taken, name_of, players, taken, where_taken

from gupcore import SCENARIOS
from gupcore.kernel.lines import READING, marks_of
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
                at = where(self.env.docname, taken([("", action.name)]))
                cells = [[nodes.literal(text=function), nodes.Text(f" {version}")]]
                step = [nodes.literal(text=action.call), nodes.Text(f" {action.does}")]
                for lines, mark in marks_of(action.name):
                    step += [
                        nodes.Text(" "),
                        link(lines.link(mark.line), f"{lines.file}:{mark.line}, {lines.version}"),
                    ]
                body += row([*cells, [*step, nodes.Text(" "), nodes.inline("", "", *at)]])
        group += body
        return [nodes.table("", group, classes=["gup-kernel-map"])]


HEADS = ("kernel function", "step of the model")


class ReadingMap(SphinxDirective):
    """A list of kernel functions: line by line, what stands for it in the model, and where."""

    def run(self) -> list[nodes.Node]:
        """Return a title and a list for each function."""
        found: list[nodes.Node] = []
        for lines in READING:
            stands = f"{lines.file}, {lines.version}, lines {lines.first} to {lines.last}"
            title = [nodes.strong(text=f"{lines.function}()"), nodes.Text(" ")]
            found += [nodes.paragraph("", "", *title, link(lines.link(), stands))]
            items = nodes.bullet_list()
            for mark in lines.marks:
                says = [link(lines.link(mark.line), str(mark.line)), nodes.Text(": ")]
                says += [nodes.literal(text=mark.shows), nodes.Text(", in the model ")]
                says += [nodes.literal(text=mark.model)]
                items += nodes.list_item("", nodes.paragraph("", "", *says))
            made = taken(lines.calls())
            found += [items, nodes.paragraph("", "", *where(self.env.docname, made))]
        return found


class SceneMap(SphinxDirective):
    """A list of the catalogue's scenes: what each is about, and the pages that play it."""

    def run(self) -> list[nodes.Node]:
        """Return the list."""
        found = nodes.definition_list(classes=["gup-scenes"])
        for scene, make in SCENARIOS.items():
            boards = players().items()
            pages = {page for page, of in boards if scene in [one["scenario"] for one in of]}
            says = nodes.paragraph("", f"{make(**make.settings[0]).says} ")
            says += where(self.env.docname, Taken(set(), pages)) if pages else []
            term = nodes.term("", "", nodes.literal(text=scene), ids=[f"scene-{scene}"])
            found += nodes.definition_list_item("", term, nodes.definition("", says))
        return [found]


def where(here: str, made: Taken) -> list[nodes.Node]:
    """Say with links in which scenes, and on which pages, something is done; nothing for nowhere.

    here  the name of the page that says it
    """
    scenes = [
        nodes.reference("", "", nodes.literal(text=scene), refid=f"scene-{scene}", internal=True)
        for scene in SCENARIOS
        if scene in made.scenes
    ]
    pages = [page for page in players() if page in made.pages]
    numbered = [page for page in pages if page.startswith("chapters/")]
    others = [page for page in pages if page not in numbered]
    parts = (
        ("Scene", scenes),
        ("Played in chapter", [page_link(here, page) for page in numbered]),
        ("Played in" if not numbered else "and in", [page_link(here, page) for page in others]),
    )
    found: list[nodes.Node] = []
    for title, links in parts:
        plural = "s" if len(links) > 1 and not title.endswith("in") else ""
        for number, one in enumerate(links):
            found += [nodes.Text(", " if number else f"{title}{plural} "), one]
        if links:
            found += [
                nodes.Text(" " if numbered and others and title.endswith("chapter") else ". ")
            ]
    return found


def page_link(here: str, page: str) -> nodes.Node:
    """Return a link from a page to another one."""
    target = {"refdomain": "std", "reftype": "doc", "reftarget": f"/{page}", "refdoc": here}
    shown = nodes.inline(text=name_of(page))
    return pending_xref("", shown, refexplicit=True, refwarn=True, **target)


def link(address: str, text: str) -> nodes.reference:
    """Return a link that leads out of the book."""
    return nodes.reference("", text, refuri=address, internal=False)


def row(cells: Sequence[Sequence[nodes.Node]], **span: int) -> nodes.row:
    """Make a row of a table; `span` as in docutils."""
    found = nodes.row()
    for cell in cells:
        found += nodes.entry("", nodes.paragraph("", "", *cell), **span)
    return found


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive, the sections, and the rewriting of docstrings."""
    app.add_directive("kernel-map", KernelMap)
    app.add_directive("reading-map", ReadingMap)
    app.add_directive("scene-map", SceneMap)
    # Before autodoc writes into the functions that it reads, which the checker would refuse to run.
    app.connect("builder-inited", lambda app: where_taken())
    app.connect("source-read", module_sections)
    app.connect("autodoc-process-docstring", rewrite)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
