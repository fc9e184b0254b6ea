"""The player's module and style as text, ready for a page or a widget.

The module is written as several files, one concern each.  A page that is opened from disk may run a
script inside it but not load one, and a live widget is handed one text; so the files are joined
here, in the order in which they need each other, and what connected them is left out.
"""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parent / "page"
ORDER = (
    *("elements", "kept", "board", "graph", "game", "predict", "scene", "lockstep", "timeline"),
    *("motion", "checker", "caption", "stage", "map", "share", "orders", "votes", "player"),
)

IMPORT = re.compile(r'^import \{[^}]*\} from "\./\w+\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)


def module() -> str:
    """Return the files of the module as one: an ES module that imports nothing."""
    parts = ((PAGE / f"{name}.js").read_text(encoding="utf-8") for name in ORDER)
    return "\n".join(EXPORT.sub("", IMPORT.sub("", part)) for part in parts)


def style() -> str:
    """Return the style sheet."""
    return (PAGE / "player.css").read_text(encoding="utf-8")
