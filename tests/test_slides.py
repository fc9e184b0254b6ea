"""The slides of the lesson: every cell that they name is there, and the plan is followed."""

import re
import sys
from pathlib import Path

import pytest
from sphinx.errors import ExtensionError

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "book" / "_ext"))

from slides import cell, lesson, page, text_of  # noqa: E402  (where the book's extensions are)

NAMED = [(slide["notebook"], name) for slide in lesson() for name in slide.get("cells", [])]


@pytest.mark.parametrize(("notebook", "name"), NAMED)
def test_a_cell_that_is_named_is_there(notebook: str, name: str) -> None:
    assert cell(notebook, name)["source"]


@pytest.mark.parametrize("name", ["race-99", "race-38#What nobody wrote"])
def test_a_cell_that_is_not_there_is_missed(name: str) -> None:
    with pytest.raises(ExtensionError, match="A slide wants"):
        cell("chapters/07_the_race", name)


def test_the_slides_follow_the_plan() -> None:
    plan = (ROOT / "book" / "for_teachers.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+ to \d+) \|", plan, re.MULTILINE)
    assert list(dict.fromkeys(slide["minutes"] for slide in lesson())) == rows


def test_a_citation_is_left_out_and_a_link_leads_to_a_page() -> None:
    said = text_of(
        "It [walks](../book/glossary.md#walk) {cite}`gup-v5.11`.", "chapters/07_the_race"
    )
    assert said == '<p>It <a href="book/glossary.html#walk">walks</a>.</p>\n'


def test_no_markup_of_the_book_is_left_in_them() -> None:
    text = re.sub(r"<(style|script).*?</\1>", "", page("a title"), flags=re.DOTALL)
    for markup in ("{cite}", "](", ":::", ".ipynb"):
        assert markup not in text, markup
