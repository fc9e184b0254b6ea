"""What a page says only when the book has an address."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "book" / "_ext"))

from addresses import preview, read, sitemap

# As Sphinx gives it.
TITLE = '<span class="section-number">7. </span>A "title" &amp; <code>more</code>'
PAGES = {"book/intro", "chapters/07_the_race"}


def app(folder: Path) -> Any:
    """Return what the extension looks at, before it has read anything."""
    config = SimpleNamespace(html_baseurl="", html_theme_options={}, project="The book")
    return SimpleNamespace(
        config=config,
        builder=SimpleNamespace(name="html"),
        env=SimpleNamespace(all_docs=dict.fromkeys(PAGES)),
        outdir=folder,
    )


def said(book: Any) -> str:
    """Return what is put into a page's head."""
    context: dict[str, Any] = {"title": TITLE, "metatags": ""}
    preview(book, "chapters/07_the_race", "page.html", context, None)
    return str(context["metatags"])


@pytest.mark.parametrize("empty", [None, "", " "])
def test_without_an_address_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: str | None
) -> None:
    book = app(tmp_path)
    for name in ("BOOK_URL", "REPOSITORY_URL"):
        monkeypatch.delenv(name, raising=False)
        if empty is not None:
            monkeypatch.setenv(name, empty)
    read(book, book.config)
    sitemap(book, None)
    assert book.config.html_theme_options == {}
    assert said(book) == ""
    assert not list(tmp_path.iterdir())


def test_with_an_address_all_pages_are_listed_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = app(tmp_path)
    monkeypatch.setenv("BOOK_URL", "https://example.org/book")
    monkeypatch.setenv("REPOSITORY_URL", "https://github.com/example/book/")
    read(book, book.config)
    sitemap(book, None)
    listed = ElementTree.parse(tmp_path / "sitemap.xml").iter()
    pages = {element.text for element in listed if element.tag.endswith("}loc")}
    assert pages == {f"https://example.org/book/{page}.html" for page in PAGES}
    assert 'content="7. A &quot;title&quot; &amp; more"' in said(book)
    assert "https://example.org/book/_static/player.png" in said(book)
    options = book.config.html_theme_options
    assert options["repository_url"] == "https://github.com/example/book"
    assert options["use_edit_page_button"]
