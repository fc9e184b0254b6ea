"""The e-book: it can be opened, all pages are in it, and nothing in it would have to run."""

import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_pages import PAGES

EPUB = Path(__file__).parents[2] / "_build/epub/who-holds-the-page.epub"
OPF = {"opf": "http://www.idpf.org/2007/opf", "dc": "http://purl.org/dc/elements/1.1/"}


Files = dict[str, bytes]


@pytest.fixture(scope="module")
def epub() -> Iterator[Files]:
    if not EPUB.exists():
        pytest.fail("There is no e-book to test: run `make epub` first.", pytrace=False)
    with zipfile.ZipFile(EPUB) as archive:
        yield {name: archive.read(name) for name in archive.namelist()}


def test_everything_in_it_is_xml_that_can_be_read(epub: Files) -> None:
    pages = [name for name in epub if name.endswith((".xhtml", ".opf", ".ncx"))]
    assert len(pages) > len(PAGES)
    for name in pages:
        ElementTree.fromstring(epub[name])


def test_every_page_is_in_it_in_the_order_of_the_book(epub: Files) -> None:
    package = ElementTree.fromstring(epub["content.opf"])
    assert package.findtext(".//dc:title", namespaces=OPF) == "Who Holds the Page?"
    files = {
        item.attrib["id"]: item.attrib["href"] for item in package.iterfind(".//opf:item", OPF)
    }
    order = [files[item.attrib["idref"]] for item in package.iterfind(".//opf:itemref", OPF)]
    assert {f"{page}.xhtml" for page in PAGES} <= set(order)
    chapters = [name for name in order if name.startswith("chapters/")]
    assert chapters == sorted(chapters)
    assert not any(item.get("linear") == "no" for item in package.iterfind(".//opf:itemref", OPF))
    contents = epub["nav.xhtml"].decode()
    assert all(f'href="{page}.xhtml' in contents for page in PAGES)


def test_a_player_is_a_list_and_nothing_runs(epub: Files) -> None:
    players = 0
    for name, text in epub.items():
        assert b"<script" not in text, name
        assert b"gup-show" not in text, f"{name}: it would lead nowhere"
        players += text.count(b'class="gup-fallback"')
    assert players > 20
