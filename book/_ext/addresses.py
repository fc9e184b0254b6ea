"""What a page can only say when the book has an address: nothing of it is there without one.

BOOK_URL, in the environment, is where the built pages will be read: then there is a sitemap, and a
page tells who links to it its title, what it is about, and a picture.  REPOSITORY_URL, a GitHub
address, is where they are written: then a page offers to be edited, and to report what is wrong.
"""

import os
from html import escape
from pathlib import Path
from typing import Any

from markupsafe import Markup
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.typing import ExtensionMetadata

BOOK = "BOOK_URL"
REPOSITORY = "REPOSITORY_URL"
PICTURE = "_static/player.png"
ABOUT = (
    "A teaching book that you can run, on gup-fast, dev_pagemap and the lifetime of device memory."
)
SITEMAP = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{}</urlset>\n'
)


def read(app: Sphinx, config: Config) -> None:
    """Take the addresses from the environment; the theme has the buttons."""
    if book := os.environ.get(BOOK, "").strip():
        config.html_baseurl = book.rstrip("/") + "/"
    if repository := os.environ.get(REPOSITORY, "").strip():
        names = ("use_repository_button", "use_edit_page_button", "use_issues_button")
        config.html_theme_options |= dict.fromkeys(names, True) | {
            "repository_url": repository.rstrip("/"),
            "repository_branch": "main",
        }


def preview(app: Sphinx, page: str, template: str, context: dict[str, Any], doc: Any) -> None:
    """Say in a page's head what a link to it may show."""
    book = app.config.html_baseurl
    if app.builder.name != "html" or not book:
        return
    says = {
        "og:type": "article",
        "og:site_name": app.config.project,
        "og:title": Markup(context.get("title", app.config.project)).striptags(),
        "og:description": ABOUT,
        "og:url": f"{book}{page}.html",
        "og:image": f"{book}{PICTURE}",
    }
    tags = (f'<meta property="{name}" content="{escape(text)}" />' for name, text in says.items())
    context["metatags"] = "\n".join([context.get("metatags", ""), *tags])


def sitemap(app: Sphinx, failure: Exception | None) -> None:
    """List the pages, for who searches the web."""
    book = app.config.html_baseurl
    if failure or app.builder.name != "html" or not book:
        return
    lines = (
        f"<url><loc>{escape(book)}{page}.html</loc></url>\n" for page in sorted(app.env.all_docs)
    )
    text = SITEMAP.format("".join(lines))
    (Path(app.outdir) / "sitemap.xml").write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """The addresses are read before the theme looks at its options."""
    app.connect("config-inited", read, priority=100)
    app.connect("html-page-context", preview)
    app.connect("build-finished", sitemap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
