"""The slides of the lesson in for_teachers: one page, in which the players are live.

They are made of cells of the notebooks, which book/_slides/lesson.toml names.  A slide may be
higher than the screen, as a player is: so this is a page that snaps, and no stage that scales.
"""

import json
import re
import tomllib
from html import escape
from pathlib import Path
from typing import Any

from inline_player import MARK as LIVE
from inline_player import checked
from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.typing import ExtensionMetadata

from gupcore.player.module import module, style

ROOT = Path(__file__).parents[2]
SLIDES = ROOT / "book" / "_slides"
FILE = "slides.html"

CITED = re.compile(r" ?\{cite(?::\w+)?\}`[^`]*`")  # the bibliography is in the book
TITLE = re.compile(r"\A#+ (.+)\n")
TO_PAGE = re.compile(r"\]\((?!https?:)([^)\s#]+)\.(?:ipynb|md)(#[\w-]+)?\)")
# By day and by night as the pages' own code is coloured.
LOOKS = {"light": "a11y-high-contrast-light", "dark": "a11y-high-contrast-dark"}


def lesson() -> list[dict[str, Any]]:
    """Return the slides as they are written down: what is said on each, and its cells."""
    text = (SLIDES / "lesson.toml").read_text(encoding="utf-8")
    slides: list[dict[str, Any]] = tomllib.loads(text)["slide"]
    return slides


def cell(notebook: str, name: str) -> dict[str, Any]:
    """Return a cell of a notebook; of a text the part below a heading, if `name` has one.

    Raises ExtensionError if there is none.
    """
    path = ROOT / f"{notebook}.ipynb"
    wanted, _, heading = name.partition("#")
    for found in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if found["id"] == wanted:
            text = "".join(found["source"])
            if heading:
                below = rf"^(#+) {re.escape(heading)}\n.*?(?=^#{{1,6}} |\Z)"
                part = re.search(below, text, re.MULTILINE | re.DOTALL)
                if not part:
                    raise ExtensionError(f"A slide wants “{heading}” of {wanted} in {path.name}")
                text = part[0]
            return {**found, "source": text}
    raise ExtensionError(f"A slide wants {wanted}, which is no cell of {path.name}")


def coloured(code: str, language: str, _: str = "") -> str:
    """Return a listing with its words in colours."""
    lexer = get_lexer_by_name(language or "text")
    return str(highlight(code, lexer, HtmlFormatter(wrapcode=True)))


MARKDOWN = MarkdownIt("commonmark", {"html": True, "highlight": coloured}).enable("table")


def text_of(markdown: str, notebook: str) -> str:
    """Return a text as HTML; what it links to is the pages beside the slides."""
    folder = Path(notebook).parent

    def to_page(link: re.Match[str]) -> str:
        page = (ROOT / folder / link[1]).resolve().relative_to(ROOT).as_posix()
        return f"]({page}.html{link[2] or ''})"

    return str(MARKDOWN.render(TO_PAGE.sub(to_page, CITED.sub("", markdown))))


def output_of(cell: dict[str, Any], notebook: str) -> str:
    """Return what a cell printed; it is folded away if it answers a question."""
    tags = cell["metadata"].get("tags", [])
    shown = []
    for output in cell["outputs"]:
        data = output.get("data", {"text/plain": output.get("text", "")})
        if "text/html" in data:
            shown.append("".join(data["text/html"]))
        elif "text/markdown" in data:
            shown.append(text_of("".join(data["text/markdown"]), notebook))
        else:
            kind = "columns" if "columns" in tags else "printed"
            text = escape("".join(data["text/plain"]))
            shown.append(f'<pre class="{kind}">{text}</pre>')
    # A wide one is pushed, and keys must reach it for that; a player has keys of its own.
    reached = "" if LIVE.search(shown[0]) else ' tabindex="0" role="group" aria-label="Output"'
    html = f'<div class="output"{reached}>{"".join(shown)}</div>'
    if "hide-output" in tags:
        return f"<details><summary>Show the answer</summary>{html}</details>"
    return html


def slide(given: dict[str, Any]) -> str:
    """Return a slide as HTML: its minutes, its title, what it says, and its cells."""
    notebook, title, parts = given.get("notebook", "book/"), given.get("title"), []
    for name in given.get("cells", []):
        found = cell(notebook, name)
        if found["cell_type"] == "code":
            parts.append(output_of(found, notebook))
            continue
        text = found["source"]
        if not title and (own := TITLE.match(text)):
            title, text = own[1], text[own.end() :]
        parts.append(text_of(text, notebook))
    if not title:
        raise ExtensionError(f"A slide has no title: {given}")
    says = text_of(given.get("says", ""), notebook)
    return (
        f'<section class="slide" tabindex="-1" aria-label="{escape(title)}">\n'
        f'<p class="minutes">Minutes {given["minutes"]}</p>\n'
        f"<h2>{escape(title)}</h2>\n{says}{''.join(parts)}</section>\n"
    )


def colours() -> str:
    """Return the style of listings, by day and by night."""
    rules = {look: HtmlFormatter(style=name).get_style_defs() for look, name in LOOKS.items()}
    return "".join(
        f"@media (prefers-color-scheme: {look}) {{\n{text}\n}}\n" for look, text in rules.items()
    )


def page(title: str) -> str:
    """Return all slides as one page, which loads nothing."""
    styles = f"{checked(style())}\n{colours()}\n{(SLIDES / 'slides.css').read_text()}"
    script = f"{checked(module())}\nmountAll(document);\n"
    own = checked((SLIDES / "slides.js").read_text(encoding="utf-8"))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="_static/favicon.svg">\n'
        f"<title>Slides: {escape(title)}</title>\n<style>\n{styles}</style>\n</head>\n<body>\n"
        f"<main>\n{''.join(map(slide, lesson()))}</main>\n"
        '<nav aria-label="Slides"><button id="back" aria-label="Back">←</button>'
        '<span id="place" role="status"></span>'
        '<button id="on" aria-label="On">→</button></nav>\n'
        f'<script type="module">\n{script}</script>\n'
        f'<script type="module">\n{own}</script>\n</body>\n</html>\n'
    )


def write(app: Sphinx, failure: Exception | None) -> None:
    """Write the slides beside the pages that they link to."""
    if not failure and app.builder.name == "html":
        (Path(app.outdir) / FILE).write_text(page(app.config.project), encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Once, when all pages are written."""
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
