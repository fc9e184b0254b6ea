"""A reader's own copy of the kernel's C: where it is, of which version, and where its lines are.

The book holds no line of the kernel.  `make kernel-source` leaves a copy of a few files in the
checkout; KERNEL_SOURCE names any other tree of Linux.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from .lines import READING, Lines

COPY = Path(__file__).parents[2] / ".kernel-source"
MAKEFILE = "Makefile"
HOW = "`make kernel-source` gets a copy from Debian; KERNEL_SOURCE can name another tree of Linux."


class NoCopy(Exception):
    """There is no copy with what is asked for; the message says so, and how to get one."""


def tree() -> Path:
    """Return the folder of the copy; raise NoCopy where there is none."""
    named = os.environ.get("KERNEL_SOURCE")
    folder = Path(named) if named else COPY
    if not (folder / MAKEFILE).is_file():
        raise NoCopy(
            f"There is no source of the kernel {f'in {named}' if named else 'here'}: {HOW}"
        )
    return folder


def version_of(folder: Path) -> str:
    """Return the version of a tree of Linux, as its Makefile says: "v6.1.192"."""
    said = (folder / MAKEFILE).read_text(encoding="utf-8")
    words = ("VERSION", "PATCHLEVEL", "SUBLEVEL")
    numbers = [re.search(rf"^{word} *= *(\d+)", said, re.MULTILINE) for word in words]
    return "v" + ".".join(number[1] for number in numbers if number and number[1] != "0")


def reading(version: str) -> tuple[Lines, ...]:
    """Return what the map has of the series that a version is of; nothing if it has none."""
    series = version.split(".")[:2]
    return tuple(lines for lines in READING if lines.version.split(".")[:2] == series)


def placed(lines: Lines, folder: Path) -> tuple[Lines, list[str]]:
    """Return the lines as they stand in a tree, and its whole file.

    Another release of the series may have them further down; inside the function all must be alike.
    Raises NoCopy where the file or the function is not there, or not as the map has it.
    """
    version = version_of(folder)
    try:
        text = (folder / lines.file).read_text(encoding="utf-8").splitlines()
    except OSError:
        raise NoCopy(f"There is no {lines.file} in {folder}: {HOW}") from None
    heads = [n for n, line in enumerate(text, 1) if re.match(rf"\w.*\b{lines.function}\(", line)]
    for head in sorted(heads, key=lambda head: abs(head - lines.first)):
        moved = _moved(lines, head - lines.first, version)
        if _fits(moved, text):
            return moved, text
    raise NoCopy(f"{lines.function}() of {version} is not what the map has of {lines.version}.")


def _moved(lines: Lines, by: int, version: str) -> Lines:
    marks = tuple(mark._replace(line=mark.line + by) for mark in lines.marks)
    first, last = lines.first + by, lines.last + by
    return lines._replace(first=first, last=last, marks=marks, version=version)


def _fits(lines: Lines, text: list[str]) -> bool:
    """Is it one whole function, and does each mark's line show its name?"""
    ends = [n for n, line in enumerate(text, 1) if line == "}" and n >= lines.first]
    return ends[:1] == [lines.last] and all(
        re.search(rf"\b{mark.shows}\b", text[mark.line - 1]) for mark in lines.marks
    )
