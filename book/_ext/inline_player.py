"""From disk a page may run an inline module script but not load one: so the player goes inside."""

import re
from hashlib import sha256
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.util.typing import ExtensionMetadata

from gupcore.player.module import module, style

MARK = re.compile('class="gup-(player|orders|vote)"')
LIVE = 'id="gup-live"'  # a page with live cells, see live_cells: what they show may be a player
ENDS_ITS_ELEMENT = re.compile(r"</(script|style)|<!--", re.IGNORECASE)


def checked(text: str) -> str:
    """Return `text`, refused where HTML would see the end of its element in it."""
    if found := ENDS_ITS_ELEMENT.search(text):
        raise ExtensionError(f"The player cannot go inside a page: it contains {found[0]!r}")
    return text


def note_player(app: Sphinx, config: Config) -> None:
    """Sphinx writes a page again when a setting changes: the player's digest is made one."""
    text = checked(style()) + checked(module())
    config.gup_player_digest = sha256(text.encode()).hexdigest()


def inline_player(app: Sphinx, page: str, template: str, context: dict[str, Any], doc: Any) -> None:
    """Once per page, however many players it has; pages without one stay as they are."""
    body = context.get("body", "")
    if (MARK.search(body) or LIVE in body) and app.builder.name != "epub":
        script = checked(module()) + "\nmountAll(document);\n"
        if LIVE in body:
            script += "gupLive.enliven = enliven;\n"
        context["body"] = (
            f"<style>\n{checked(style())}</style>\n{body}"
            f'<script type="module">\n{script}</script>\n'
        )


def setup(app: Sphinx) -> ExtensionMetadata:
    """Each page is handled alone, so pages may be read and written in parallel."""
    app.add_config_value("gup_player_digest", "", "html", str)
    app.connect("config-inited", note_player)
    app.connect("html-page-context", inline_player)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
