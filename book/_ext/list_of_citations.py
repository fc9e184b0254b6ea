"""A list holds items, and to a screen reader docutils' entries of a bibliography are none."""

from typing import Any

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata


def make_items(app: Sphinx, page: str, template: str, context: dict[str, Any], doc: Any) -> None:
    """Call an entry of the bibliography an item of its list."""
    body = context.get("body", "")
    context["body"] = body.replace('role="doc-biblioentry"', 'role="listitem"')


def setup(app: Sphinx) -> ExtensionMetadata:
    """Each page is handled alone, so pages may be read and written in parallel."""
    app.connect("html-page-context", make_items)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
