"""An e-book is XML, and runs nothing: a player is there as its shortest schedule, step by step."""

import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
NEVER_CLOSED = re.compile(r"<(br|col|hr|img|input|wbr)\b([^>]*?)\s*/?>")


def make_xml(app: Sphinx, page: str, template: str, context: dict[str, Any], doc: Any) -> None:
    """Take scripts out of an e-book's page, and close the elements that HTML leaves open."""
    if app.builder.name == "epub":
        body = SCRIPT.sub("", context.get("body", ""))
        context["body"] = NEVER_CLOSED.sub(r"<\1\2 />", body)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Each page is handled alone, so pages may be read and written in parallel."""
    app.connect("html-page-context", make_xml)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
