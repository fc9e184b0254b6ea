"""What a reader takes along: a notebook that runs where nothing of the book is, and paper."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
from print_book import UNFOLD
from shipped import NOTEBOOKS, page_of
from test_pages import PAGES
from visit import Visit

A4 = 718  # CSS pixels between the margins of Chromium's own print

# What a reader of the printed page cannot see: the rest of boxes that would have to be scrolled.
CUT = """
() => [...document.querySelectorAll(".bd-article *")].filter((element) => {
  const { overflowX } = getComputedStyle(element);
  const { clientWidth, scrollWidth } = element;
  const isRead = element.checkVisibility() && clientWidth > 1; // what is for ears is one pixel wide
  return isRead && overflowX !== "visible" && scrollWidth > clientWidth + 1;
}).map((element) => element.textContent.trim().slice(0, 60))
"""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_taken_along_with_what_it_needs(
    page_at: Callable[..., Visit], book_over_http: str, book: Path, path: Path
) -> None:
    page = page_at().page
    page.goto(book_over_http + page_of(path))
    link = page.locator("a.btn-download-source-button").get_attribute("href")
    assert link
    with ZipFile((book / page_of(path)).parent / link) as taken:
        notebook, glossary, wheel = taken.namelist()
        assert taken.read(wheel) == (book / "_downloads" / wheel).read_bytes()
        cells = json.loads(taken.read(notebook))["cells"]
        words = taken.read(glossary).decode()
    assert (notebook, glossary) == (path.name, "glossary.md")
    for label in re.findall(r"\]\(glossary\.md#([\w-]+)\)", json.dumps(cells)):
        assert f"({label})=" in words
    assert wheel in cells[0]["source"]
    assert f"./{wheel}" in cells[1]["source"]
    own = path.read_text(encoding="utf-8").replace("../book/glossary.md", "glossary.md")
    assert cells[2:] == json.loads(own)["cells"]


def test_what_is_taken_along_runs_where_gupcore_is_not_installed(
    book: Path, tmp_path: Path
) -> None:
    """In an environment that has all packages but this one, and no network."""
    elsewhere = tmp_path / "venv"
    venv.create(elsewhere, with_pip=True, symlinks=True)
    python = elsewhere / "bin" / "python"
    library = Path(sysconfig.get_path("purelib"))
    own = elsewhere / library.relative_to(sys.prefix)
    for entry in library.iterdir():
        if "gupcore" not in entry.name and not (own / entry.name).exists():
            (own / entry.name).symlink_to(entry)
    with ZipFile(book / "_downloads" / "chapters" / "01_the_question.zip") as taken:
        taken.extractall(tmp_path)
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    env |= {"PIP_NO_INDEX": "1", "PIP_NO_CACHE_DIR": "1"}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, *command], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )

    assert "No module named 'gupcore'" in run("-c", "import gupcore").stderr
    done = run("-m", "nbconvert", "--execute", "--to", "notebook", "01_the_question.ipynb")
    assert done.returncode == 0, done.stderr[-2000:]
    where = run("-c", "import gupcore; print(gupcore.__file__)").stdout
    assert where.startswith(str(elsewhere))


@pytest.mark.parametrize("name", PAGES)
def test_on_paper_nothing_is_cut(
    page_at: Callable[..., Visit], book_over_http: str, name: str
) -> None:
    page = page_at(A4).page
    page.goto(f"{book_over_http}{name}.html")
    page.emulate_media(media="print")
    page.wait_for_function("matchMedia('print').matches")
    assert page.evaluate(CUT) == []
    page.evaluate(UNFOLD)  # as the PDF of the book does
    assert page.evaluate(CUT) == []
    assert not page.locator(".gup-skip").is_visible()


def test_on_a_screen_wide_code_is_pushed(
    page_at: Callable[..., Visit], book_over_http: str
) -> None:
    """So the test above looks at what it should: the same page, without paper."""
    page = page_at(A4).page
    page.goto(f"{book_over_http}chapters/07_the_race.html")
    assert len(page.evaluate(CUT)) > 5
