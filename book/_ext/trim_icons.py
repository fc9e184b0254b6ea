"""The theme sends two thousand icons, 1.5 MB, before a page reacts: send only those it uses."""

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

SCRIPT = "_static/scripts/fontawesome.js"
NAME = re.compile(r"\bfa-([a-z0-9-]+)")
# "moon":[384,512,[127769,9214],"f186","M144.7 98.7c…"],  where two-coloured icons have two paths
ICON = re.compile(
    r'"?([a-z0-9-]+)"?:\[\d+,\d+,\[[^\]]*\],"[0-9a-f]+",(?:"[^"]*"|\[(?:"[^"]*",?)+\])\],?'
)


def names_used(pages: Path) -> set[str]:
    """Pages name icons, and so do the theme's other scripts."""
    readers = {*pages.rglob("*.html"), *pages.rglob("*.js")} - {pages / SCRIPT}
    return {name for path in readers for name in NAME.findall(path.read_text(encoding="utf-8"))}


def trim_icons(app: Sphinx, failure: Exception | None) -> None:
    """Only after the last page is written is it known which icons were asked for."""
    script = Path(app.outdir) / SCRIPT
    if failure or not script.exists():
        return
    used = names_used(Path(app.outdir))
    text = script.read_text(encoding="utf-8")
    trimmed = ICON.sub(lambda icon: icon[0] if icon[1] in used else "", text)
    if trimmed == text:
        logging.getLogger(__name__).warning("no icon was left out: has the theme changed?")
    script.write_text(trimmed, encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Runs once, after the parallel part is over."""
    app.connect("build-finished", trim_icons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
