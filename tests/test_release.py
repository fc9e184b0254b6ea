"""What is handed out: one version everywhere, and nothing that is not ours to give."""

import os
import re
import tarfile
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

import gupcore

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def found(path: str, pattern: str) -> str:
    """Return what a pattern finds first in a file."""
    match = re.search(pattern, (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    assert match, path
    return match[1]


def test_there_is_one_version() -> None:
    assert gupcore.__version__ == VERSION
    assert found("CITATION.cff", r"^version: (.+)$") == VERSION
    assert found("CHANGELOG.md", r"^## (\S+)$") == VERSION
    assert VERSION.startswith(found("_config.yml", r'^ +version: "(.+)"$') + ".")


@pytest.mark.skipif("RELEASED" not in os.environ, reason="for make release alone")
def test_what_is_released_is_whole() -> None:
    with ZipFile(DIST / f"gupcore-{VERSION}-py3-none-any.whl") as wheel:
        carried = {name for name in wheel.namelist() if name.startswith("gupcore/")}
        tree = {
            str(path.relative_to(ROOT))
            for path in (ROOT / "gupcore").rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert carried == tree
    with tarfile.open(DIST / f"gupcore-{VERSION}.tar.gz") as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "Makefile", "_toc.yml"} <= names
    assert not [name for name in names if name.startswith(("_build", ".venv", "node_modules"))]
    with ZipFile(DIST / "who-holds-the-page.zip") as book:
        assert "html/chapters/07_the_race.html" in book.namelist()
    with ZipFile(DIST / "who-holds-the-page.epub") as epub:
        assert epub.read("mimetype") == b"application/epub+zip"
