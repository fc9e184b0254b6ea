"""A word of the glossary leads there wherever a notebook is read, and in a page says what it means.

In the notebooks such a link names the file, so that JupyterLab can follow it.  To MyST it is the
label alone, of which it warns where there is none.
"""

import re
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

GLOSSARY = Path(__file__).parents[1] / "glossary.md"
ENTRY = re.compile(r"^\(([\w-]+)\)=\n\*\*.+\*\*\n: (.+)$", re.MULTILINE)
MARKUP = re.compile(r" *\{cite\}`[^`]*`|\[([^]]+)\]\([^)]*\)|[`*]")
NAMES_FILE = re.compile(r"\]\((?:\.\./book/)?glossary\.md#")
LINK = re.compile(r'<a class="reference internal" href="(?:[^"#]*/)?glossary\.html#([\w-]+)">')
MOST = 240  # characters that are read at a glance


@cache
def meanings() -> dict[str, str]:
    """Return what each word of the glossary means, in whole sentences and without markup."""
    entries = ENTRY.findall(GLOSSARY.read_text(encoding="utf-8"))
    return {label: first_sentences(MARKUP.sub(r"\1", text)) for label, text in entries}


def first_sentences(text: str) -> str:
    """Return as many sentences as are read at a glance, and the first in any case."""
    first, *others = re.split(r"(?<=[.?]) (?=[A-Z])", text)
    for other in others:
        if len(first) + len(other) >= MOST:
            break
        first += f" {other}"
    return first


def drop_file(app: Sphinx, page: str, source: list[str]) -> None:
    """Leave the label of a link to the glossary, before MyST reads it."""
    source[0] = NAMES_FILE.sub("](#", source[0])


def say_meaning(app: Sphinx, page: str, template: str, context: dict[str, Any], doc: Any) -> None:
    """Give each link to the glossary what the style shows while it is pointed at or focused."""
    if app.builder.name != "html":
        return

    def with_meaning(link: re.Match[str]) -> str:
        says = escape(meanings()[link[1]])
        return f'{link[0][:-1]} data-means="{says}">'

    context["body"] = LINK.sub(with_meaning, context.get("body", ""))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Each page is handled alone, so pages may be read and written in parallel."""
    app.connect("source-read", drop_file)
    app.connect("html-page-context", say_meaning)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
