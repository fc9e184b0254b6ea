"""A link from the text to a step: "step 6<!-- show no-check: 222222 -->" gets a "▸ show".

It leads to the nearest player above it that has the design.  Where no page is built, and in an
e-book, where no player runs, there is only the text: a comment is not shown.
"""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.typing import ExtensionMetadata

MARK = re.compile(r"<!--\s*show\b(.*?)-->", re.DOTALL)
WHAT = re.compile(r"\s*(\S.*?)\s*:\s*(\d[\d\s]*)", re.DOTALL)
PLAYER = re.compile(r'class="gup-player"><script type="application/json">(.*?)</script>')


@dataclass(frozen=True)
class Link:
    """Where a mark leads.

    nth       which player of the page, counted from 0
    name      what links call that player
    design    the name of the design
    schedule  the steps to take
    """

    nth: int
    name: str
    design: str
    schedule: str

    @property
    def href(self) -> str:
        """The end of an address, as the player itself writes it (page/share.js)."""
        parts = ("1", self.name, self.design, self.schedule)
        return "#gup=" + ":".join(quote(part, safe="!'()*-._~") for part in parts)

    def to_html(self) -> str:
        """Return the link; it is hidden until a player is there to follow it."""
        says = html.escape(f"Show step {len(self.schedule)} in the player, under {self.design}")
        href = html.escape(self.href)
        names = f'title="{says}" aria-label="{says}"'
        return f'<a class="gup-show" hidden="" href="{href}" {names}>▸ show</a>'


def links(cells: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], re.Match[str], Link]]:
    """Yield each mark of a notebook: its cell, where it stands in the cell's text, and its link.

    Raises ValueError, with a sentence, for a mark that leads nowhere.
    """
    players: list[tuple[str, set[str]]] = []
    alike: dict[str, int] = {}
    for cell in cells:
        if cell["cell_type"] == "markdown":
            for mark in MARK.finditer("".join(cell["source"])):
                yield cell, mark, _link(mark, players)
        for output in cell.get("outputs", []):
            for data in PLAYER.findall("".join(output.get("data", {}).get("text/html", ""))):
                board = json.loads(data)["board"]
                key = board["key"]
                alike[key] = alike.get(key, 0) + 1
                name = f"{key}~{alike[key]}" if alike[key] > 1 else key  # as in page/player.js
                players.append((name, {design["name"] for design in board["designs"]}))


def _link(mark: re.Match[str], players: list[tuple[str, set[str]]]) -> Link:
    what = WHAT.fullmatch(mark[1])
    if not what:
        raise ValueError(f"{mark[0]} is not written as <!-- show v5.11: 2211 -->.")
    for nth, (name, designs) in reversed(list(enumerate(players))):
        if what[1] in designs:
            return Link(nth, name, what[1], "".join(what[2].split()))
    raise ValueError(f"No player above {mark[0]} has the design {what[1]!r}.")


def put_links(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the links into a notebook's text as it is read."""
    if not MARK.search(source[0]) or not app.env.doc2path(page).endswith(".ipynb"):
        return
    notebook = json.loads(source[0])
    try:
        found = list(links(notebook["cells"]))
    except ValueError as wrong:
        raise ExtensionError(f"{page}: {wrong}") from wrong
    for cell, mark, link in reversed(found):
        text = "".join(cell["source"])
        cell["source"] = f"{text[: mark.start()]} {link.to_html()}{text[mark.end() :]}"
    source[0] = json.dumps(notebook)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Each page is handled alone, so pages may be read in parallel."""
    app.connect("source-read", put_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
