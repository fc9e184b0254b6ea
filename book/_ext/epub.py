"""An e-book is XML, and runs nothing: a player is there as its shortest schedule, step by step."""

import re
from posixpath import normpath
from typing import Any

from sphinx.application import Sphinx
from sphinx.builders.epub3 import Epub3Builder
from sphinx.util.typing import ExtensionMetadata

SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
TO_PLAYER = re.compile(r' ?<a class="gup-show".*?</a>', re.DOTALL)
NEVER_CLOSED = re.compile(r"<(br|col|hr|img|input|wbr)\b([^>]*?)\s*/?>")


class Epub(Epub3Builder):
    """Sphinx's own, for a book whose first page lies in a folder.

    It would call the chapters book/../chapters, and then find no such file in the e-book: its table
    of contents would have one entry, and its order of reading would lead nowhere.
    """

    def get_toc(self) -> None:
        """Name the pages as the files are named."""
        super().get_toc()
        for item in self.refnodes:
            item["refuri"] = normpath(item["refuri"])


def make_xml(app: Sphinx, page: str, template: str, context: dict[str, Any], doc: Any) -> None:
    """Take scripts, and links to players, out of an e-book, and close what HTML leaves open."""
    if app.builder.name == "epub":
        body = TO_PLAYER.sub("", SCRIPT.sub("", context.get("body", "")))
        context["body"] = NEVER_CLOSED.sub(r"<\1\2 />", body)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Each page is handled alone, so pages may be read and written in parallel."""
    app.add_builder(Epub, override=True)
    app.connect("html-page-context", make_xml)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
