"""The book as one PDF: every page is in it, with a bookmark, and leads to the others."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from unicodedata import normalize

import pytest
from playwright.sync_api import Browser
from print_book import LEFT_OUT
from pypdf import PdfReader
from test_pages import CHAPTERS, PAGES

PDF = Path(__file__).parents[2] / "_build/pdf/who-holds-the-page.pdf"


@pytest.fixture(scope="module")
def pdf(browser: Browser) -> Iterator[PdfReader]:
    """Where there is no browser, there was none to print it."""
    if not PDF.exists():
        pytest.fail("There is no PDF to test: run `make pdf` first.", pytrace=False)
    with PdfReader(PDF) as reader:
        yield reader


def test_each_page_has_a_bookmark_at_its_beginning(pdf: PdfReader) -> None:
    marks = [mark for mark in pdf.outline if not isinstance(mark, list)]
    assert len(marks) == len(PAGES) - 1  # LEFT_OUT
    begins = [pdf.get_destination_page_number(mark) or 0 for mark in marks]
    assert begins[0] == 0
    assert all(one < other for one, other in pairwise(begins))
    titles = [str(mark.title) for mark in marks]
    numbers = [int(title.partition(".")[0]) for title in titles if title[0].isdigit()]
    assert numbers == list(range(1, len(CHAPTERS) + 1))
    for title, begin in zip(titles, begins, strict=True):
        words = "".join(title.partition(". ")[2].split()) or "".join(title.split())
        text = normalize("NFKC", pdf.pages[begin].extract_text())  # "fi" may be one sign
        assert words in "".join(text.split()), title


def test_no_link_leads_to_this_machine(pdf: PdfReader) -> None:
    inside = 0
    for sheet in pdf.pages:
        for note in sheet.get("/Annots", []):
            link = note.get_object()
            assert not str(link.get("/A", {}).get("/URI", "")).startswith("file:")
            inside += "/Dest" in link
    assert inside > 100
    assert LEFT_OUT.removeprefix("/").removesuffix(".html") in PAGES
