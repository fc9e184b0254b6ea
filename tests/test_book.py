"""What all chapters share: the bibliography, the glossary, their form and length."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from runpy import run_path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pybtex.database import parse_file

ROOT = Path(__file__).parent.parent
BOOK = ROOT / "book"
NOTEBOOKS = sorted([*BOOK.glob("*.ipynb"), *ROOT.glob("chapters/*.ipynb")])
ENTRIES = parse_file(BOOK / "references.bib").entries
HOSTS = {
    *("lore.kernel.org", "git.kernel.org", "docs.kernel.org", "www.kernel.org"),
    *("github.com", "doi.org"),
}
FIELDS = {"title", "howpublished", "year", "url", "journal", "booktitle", "pages", "doi"}


def prose() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every page and of every notebook's markdown."""
    for path in sorted(BOOK.glob("*.md")):
        yield path.name, path.read_text()
    for path in NOTEBOOKS:
        cells = json.loads(path.read_text())["cells"]
        yield path.name, "\n".join("".join(c["source"]) for c in cells if c["cell_type"] != "code")


def test_what_is_cited_is_in_the_bibliography() -> None:
    for name, text in prose():
        for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", text):
            unknown = {key.strip() for key in keys.split(",")} - set(ENTRIES)
            assert not unknown, f"{name} cites {unknown}"


@pytest.mark.parametrize("key", ENTRIES)
def test_an_entry_is_complete_and_leads_to_its_source(key: str) -> None:
    entry = ENTRIES[key]
    assert {"title", "year"} <= set(entry.fields) <= FIELDS
    url = urlsplit(entry.fields.get("url", "https://doi.org/"))
    assert (url.scheme, url.hostname in HOSTS) == ("https", True)
    kind, _, rest = key.partition("-")
    if kind == "commit":
        assert re.fullmatch("[0-9a-f]{12}", rest)
        assert url.path.endswith(rest)
    if kind == "mail":
        assert url.hostname == "lore.kernel.org"
        dated = re.fullmatch(r"[a-z]+-(\d{4})-\d\d-\d\d(-\w+)?", rest)
        assert dated
        assert dated[1] == entry.fields["year"]


FILES = [key for key in ENTRIES if "/tree/" in ENTRIES[key].fields.get("url", "")]


@pytest.mark.parametrize("key", FILES)
def test_a_file_is_of_the_version_that_its_entry_names(key: str) -> None:
    fields = ENTRIES[key].fields
    path, _, at = fields["url"].partition("/tree/")[2].partition("?h=")
    version = fields["howpublished"].removeprefix("Linux ")
    assert path == re.sub(r"[{}\\]", "", fields["title"])
    assert at in (f"v{version}", f"linux-{version}.y")
    assert re.fullmatch(re.escape(key.rpartition("-v")[2]) + r"(\.\d+)?", version)


def test_what_git_kernel_org_has_is_looked_for_in_a_mirror() -> None:
    at_mirror = run_path(str(BOOK / "_ext" / "mirrors.py"))["at_mirror"]
    for entry in ENTRIES.values():
        url = entry.fields["url"]
        assert at_mirror(url).startswith("https://github.com/") == ("//git.kernel.org" in url)
    assert at_mirror(ENTRIES["commit-fd2825b0760a"].fields["url"]) == (
        "https://github.com/torvalds/linux/commit/fd2825b0760a"
    )
    assert at_mirror(ENTRIES["dax-v5.10"].fields["url"]) == (
        "https://github.com/gregkh/linux/blob/v5.10.13/fs/dax.c"
    )


def test_entries_and_terms_have_their_place() -> None:
    """Sorted, so that what is added at the same time lands in different places."""
    for part in re.split("^% --- ", (BOOK / "references.bib").read_text(), flags=re.MULTILINE):
        keys = re.findall(r"^@\w+\{(.*),$", part, re.MULTILINE)
        assert keys == sorted(keys)
    terms = re.findall(r"^\*\*(.*?)\*\*", (BOOK / "glossary.md").read_text(), re.MULTILINE)
    plain = [term.replace("`", "").casefold() for term in terms]
    assert plain == sorted(plain)


NARROW = 38  # characters of a printed line that a phone shows


def prints_columns(cell: dict[str, Any]) -> bool:
    """Does a cell print lines that stand in columns, too wide for a phone?"""
    text = "".join("".join(output.get("text", [])) for output in cell["outputs"])
    lines = [line for line in text.splitlines() if line.strip()]
    in_columns = [line for line in lines if len(re.findall(r"(?<=\S) {2,}(?=\S)", line)) >= 2]
    wide = NARROW < max(map(len, lines), default=0) <= 110  # what is wider is sentences
    return wide and len(in_columns) >= max(2, 0.6 * len(lines))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_printed_in_columns_is_not_wrapped(path: Path) -> None:
    for cell in json.loads(path.read_text())["cells"]:
        if cell["cell_type"] == "code" and prints_columns(cell):
            assert "columns" in cell["metadata"].get("tags", []), cell["id"]


def test_what_the_page_folds_is_folded_in_jupyterlab_too() -> None:
    folded = 0
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if "hide-cell" in cell["metadata"].get("tags", []):
                hidden = {"source_hidden": True, "outputs_hidden": True}
                assert cell["metadata"].get("jupyter") == hidden, f"{path.name}, {cell['id']}"
                folded += 1
    assert folded > 30


def test_nothing_that_a_cell_says_of_itself_is_lost_when_its_outputs_are_written_again() -> None:
    (kept,) = re.findall(r"^KEPT = \((.*?)\)", (ROOT / "tests" / "refresh.py").read_text(), re.M)
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            unknown = set(cell["metadata"]) - set(re.findall(r"\w+", kept))
            assert not unknown, f"{path.name}, {cell['id']}: {unknown}"


def number_in(page: str, words: str) -> int:
    """Return the number in a sentence of a page; `words` say where it stands, as `(\\d+)`."""
    (found,) = re.findall(words, (BOOK / page).read_text(encoding="utf-8"))
    return int(found)


def test_numbers_that_the_pages_name_are_those_of_the_code() -> None:
    live_cells = run_path(str(BOOK / "_ext" / "live_cells.py"))
    assert number_in("intro.ipynb", r"and may take (\d+) seconds") == live_cells["SECONDS"]
    own = BOOK / "your_gup_fast.ipynb"
    (limit,) = (cell["limit"] for cell in live_cells["code_cells"](own) if cell["live"])
    assert number_in(own.name, r"a run may take (\d+) seconds") == limit
    drawn = (ROOT / "gupcore" / "player" / "page" / "map.js").read_text(encoding="utf-8")
    (most,) = re.findall(r"^const MOST_DRAWN = (\d+);", drawn, re.MULTILINE)
    assert number_in("workbench.ipynb", r"Of more than (\d+) states") == int(most)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_link_of_a_notebook_can_be_followed_where_it_is_no_page(path: Path) -> None:
    """JupyterLab knows files, and no labels of other pages."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            for to in re.findall(r"\]\((?!https?:)([^)\s]+)\)", "".join(cell["source"])):
                file, _, label = to.partition("#")
                assert (path.parent / file).is_file(), to
                if label:
                    assert f"({label})=" in (path.parent / file).read_text(encoding="utf-8"), to


MOST_WORDS = 2_400  # of prose in a chapter, its exercises included, but for what is folded away


def words_of(text: str) -> int:
    """Count the words that a reader sees: no address of a link, no hint."""
    return len(
        re.sub(
            r"<!--.*?-->|<details>.*?</details>|(?<=\])\([^)]*\)", "", text, flags=re.DOTALL
        ).split()
    )


@pytest.mark.parametrize("name", ["book/intro", "chapters/01_the_question"])
def test_who_begins_plays_before_he_reads(name: str) -> None:
    first, player, *_ = json.loads((ROOT / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    assert words_of("".join(first["source"])) <= 60
    assert "Player(" in "".join(player["source"])


@pytest.mark.parametrize("path", sorted(ROOT.glob("chapters/*.ipynb")), ids=lambda path: path.stem)
def test_no_chapter_is_longer_than_is_read_at_a_sitting(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    assert sum(map(words_of, prose)) <= MOST_WORDS
