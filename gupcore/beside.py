"""The kernel's own C beside the model, for who has a copy of it: see gupcore.kernel.copy.

The C is shown in the live notebook, and nowhere else: what a notebook keeps of it is a sentence,
so that neither the repository nor a page of the book holds a line of the kernel.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from html import escape
from itertools import pairwise
from typing import Any, NamedTuple

import ipywidgets

from .kernel import gup, huge, unmap
from .kernel.copy import NoCopy, placed, reading, tree, version_of
from .kernel.device import PHASES, unbind
from .kernel.lines import READING, Lines
from .kernel.map import ACTIONS
from .player import with_html

STYLE = """
.gup-beside ol { list-style: none; margin: 0; padding: 0; }
.gup-beside li { display: flex; flex-wrap: wrap; gap: 0 1rem; padding-block: .3rem;
  border-top: 1px solid color-mix(in srgb, currentColor 30%, transparent); }
.gup-beside li > div { flex: 1 1 26rem; min-width: 0; }
.gup-beside pre { margin: 0; color: inherit; background: none; tab-size: 4;
  font-size: .85em; line-height: 1.4; white-space: pre-wrap; overflow-wrap: anywhere; }
.gup-beside pre > * { display: block; padding-left: 4em; text-indent: -4em; color: inherit; }
.gup-beside mark { background: color-mix(in srgb, currentColor 14%, transparent);
  box-shadow: inset 3px 0 currentColor; }
.gup-beside a, .gup-beside i { display: inline-block; width: 4em; padding-right: 1em;
  box-sizing: border-box; text-align: right; text-indent: 0; font-style: normal; color: inherit; }
.gup-beside i { opacity: .75; user-select: none; }
"""


class Piece(NamedTuple):
    """Some lines of a file, and which of them are marked.

    what    the function that they are of
    first   the number of the first
    marked  the numbers of the marked ones, each with its link; "" for none
    """

    what: str
    first: int
    lines: list[str]
    marked: dict[int, str]


def beside(function: str) -> Beside:
    """Show a function of the kernel, from the reader's own copy, beside what stands for it.

    function  one of the reading map: "gup_pte_range"

    Raises ValueError, with a sentence, for a function that is not on the map.
    """
    known = list(dict.fromkeys(lines.function for lines in READING))
    if function not in known:
        raise ValueError(f"The map has no {function!r}; choose {', '.join(known)}.")
    return Beside(function)


class Beside(ipywidgets.HTML):  # type: ignore[misc]
    """A function of the kernel beside the model: pairs of pieces, tied where a mark is.

    Where there is no copy, or none of that function, it is a sentence that says how to get one.
    """

    def __init__(self, function: str) -> None:
        self.function = function
        try:
            super().__init__(_in_html(*_of_the_copy(function)))
        except NoCopy as why:
            super().__init__(f"<p>{_prose(str(why))}</p>")

    def __repr__(self) -> str:
        return f"beside({self.function!r})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        kept = (
            f"In JupyterLab, and with a copy of the kernel's source, which `make kernel-source` "
            f"gets, here is `{self.function}()` beside the model."
        )
        bundle = super()._repr_mimebundle_(**kwargs)
        return with_html(bundle, repr(self), f"<p>{_prose(kept)}</p>")


def _of_the_copy(function: str) -> tuple[Lines, list[str]]:
    """Return a function's lines in the reader's copy, and its file; raise NoCopy if it has none."""
    folder = tree()
    version = version_of(folder)
    of_it = [lines for lines in reading(version) if lines.function == function]
    if not of_it:
        has = ", ".join(sorted({one.version for one in READING if one.function == function}))
        raise NoCopy(f"The source that is here is {version}; the map has {function}() of {has}.")
    return placed(of_it[0], folder)


def pairs(lines: Lines, text: list[str]) -> Iterator[tuple[list[Piece], Piece]]:
    """Yield pieces of the model, each list with the piece of the kernel that it stands for.

    A pair begins where a mark is, on both sides.  Marks of one line of the model share a pair; what
    a mark names and the model's function does not is shown whole, once.

    lines  a function's, as they stand in `text`, the lines of its file
    """
    first, source, body = _source(lines.model)
    end, at, shown = first + len(source), 0, {lines.model}
    cuts: list[tuple[int, int, str]] = [(lines.first, first, "")]  # C, model, what is shown whole
    for mark in lines.marks:
        named = re.compile(rf"\b{mark.model}\b")
        found = next((n for n in range(at or body, len(source)) if named.search(source[n])), 0)
        if found and found != at:
            at = found
            cuts.append((mark.line, first + at, ""))
        elif not found and mark.model not in shown:
            shown.add(mark.model)
            cuts.append((mark.line, first + at + 1 if at else end, mark.model))
    for number, (here, there) in enumerate(pairwise((*cuts, (lines.last + 1, end, "")))):
        of_c = range(here[0], there[0])
        links = {m.line: lines.link(m.line) for m in lines.marks if m.line in of_c}
        kernel = Piece(lines.function, here[0], text[here[0] - 1 : there[0] - 1], links)
        model = [Piece(lines.model, here[1], source[here[1] - first : there[1] - first], {})]
        if here[2]:
            begin, whole, _ = _source(here[2])
            model.append(Piece(here[2], begin, whole, {begin: ""}))
        elif number:
            model[0].marked[here[1]] = ""
        yield [piece for piece in model if piece.lines], kernel


def _source(name: str) -> tuple[int, list[str], int]:
    """Return the first line's number of what the map calls so, its lines, and how many say what."""
    threads = {n: f for module in (unmap, huge, gup) for n, f in vars(module).items()}
    steps = {action.name: action.apply for action in ACTIONS}
    function = {**threads, "unbind": unbind, **steps, **PHASES}.get(name)
    if not inspect.isfunction(function):
        return 0, [], 0
    lines, first = inspect.getsourcelines(function)
    above = next(n for n, line in enumerate(lines) if line.startswith("def "))  # decorators
    lines = [line.rstrip("\n") for line in lines[above:]]
    (tree,) = ast.parse("\n".join(lines)).body
    says = tree.body[0].end_lineno if isinstance(tree, ast.FunctionDef) else 0
    return first + above, lines, says or 0


def _in_html(lines: Lines, text: list[str]) -> str:
    """Return the pairs as a list; each says what it is of, for who hears it."""
    title = f"{lines.function}(), {lines.file}, {lines.version}, beside the model"
    items = "".join(
        f"<li><div>{''.join(map(_piece, model))}</div><div>{_piece(kernel)}</div></li>"
        for model, kernel in pairs(lines, text)
    )
    return (
        f"<style>{STYLE}</style>"
        f'<section class="gup-beside" aria-label="{escape(title)}">'
        f"<p>Left or above is the model, right or below is <code>{escape(lines.function)}()</code> "
        f"of {escape(lines.version)}, from your own copy of {escape(lines.file)}. A marked line "
        f"stands for the one beside it.</p><ol>{items}</ol></section>"
    )


def _piece(piece: Piece) -> str:
    """Return lines of code with their numbers; a marked line of the kernel links to where it is."""
    last = piece.first + len(piece.lines) - 1
    label = f"{piece.what}, lines {piece.first} to {last}"
    rows = []
    for number, line in enumerate(piece.lines, piece.first):
        address = piece.marked.get(number)
        shown = f"<i>{number}</i>"
        if address:
            name = f"Line {number} of {piece.what}, at git.kernel.org"
            shown = f'<a href="{escape(address)}" aria-label="{escape(name)}">{number}</a>'
        tag = "span" if address is None else "mark"
        rows.append(f"<{tag}>{shown}{escape(line)}</{tag}>")
    return f'<pre role="group" aria-label="{escape(label)}">{"".join(rows)}</pre>'


def _prose(text: str) -> str:
    """Return a sentence as HTML, with what stands between backticks as code."""
    return re.sub("`(.+?)`", r"<code>\1</code>", escape(text, quote=False))
