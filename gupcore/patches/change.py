"""The change from one version of a patch to another, as a diff of the model's own code.

A version is a scene, and what makes it differ is data: switches and orders of phases of its
design.  Here the data are put back into the code, so that the change can be read as a patch is.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import fields
from difflib import unified_diff
from html import escape
from typing import Any

from ..checker.scenario import Scenario
from ..kernel.design import Design
from ..kernel.device import PHASES
from ..kernel.huge import COLLAPSES
from ..kernel.unmap import MUNMAPS, TRUNCATES

PHASES_OF: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "unbind": PHASES,
    "munmap": MUNMAPS,
    "truncate": TRUNCATES,
    "collapse": COLLAPSES,
}
FRAME = ("name", "says")  # what a design is called is no change


class Change:
    """A unified diff: text where it is printed, coloured by line in a page."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def to_html(self) -> str:
        """Return the diff as HTML; a line's first sign says what it is, not its colour alone."""
        marks = {"+": "ins", "-": "del"}
        lines = (
            f"<{marks[line[0]]}>{escape(line)}</{marks[line[0]]}>"
            if line[:1] in marks
            else f"<span>{escape(line)}</span>"
            for line in self.text.splitlines()
        )
        focus = 'tabindex="0" role="group" aria-label="The change"'  # who has no mouse scrolls it
        return f'<pre class="gup-diff" {focus}>{"".join(lines)}</pre>'

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        return {"text/plain": self.text, "text/html": self.to_html()}


def change(before: Scenario, after: Scenario, *functions: Callable[..., Any]) -> Change:
    """Return what `after` changes, as a diff.

    functions  those whose code asks the switches that differ

    A function is shown with its switches decided; what no function asks, a line a field, and an
    order of phases a line a phase, with what a phase does where it comes or goes.

    Raises ValueError if nothing differs.
    """
    old, new = before.design, after.design
    parts = []
    decided = set()
    for function in functions:
        texts = [with_switches(function, design) for design in (old, new)]
        parts += _diff(function.__name__, *(text.splitlines() for text in texts))
        decided |= _asked(function)
    for field in fields(Design):
        values = [getattr(design, field.name) for design in (old, new)]
        if field.name not in (*FRAME, *decided) and values[0] != values[1]:
            parts += _diff(field.name, *(_as_lines(value) for value in values))
    if not parts:
        raise ValueError(f"From {old.name} to {new.name} nothing changes.")
    return Change("\n".join(parts))


def _as_lines(value: Any) -> list[str]:
    return list(value) if isinstance(value, tuple) else [repr(value)]


def _diff(name: str, old: list[str], new: list[str]) -> list[str]:
    """Return the lines of a diff, with what stands around each change, and where it is."""
    lines = list(unified_diff(old, new, lineterm="", n=3))[2:]
    return [f"@@ {name}" if line.startswith("@@") else _explained(name, line) for line in lines]


def _explained(order: str, line: str) -> str:
    """Return a line with what its phase does, if it is one that comes or goes."""
    phase = PHASES_OF.get(order, {}).get(line[1:])
    if line[0] == " " or phase is None:
        return line
    says = (phase.__doc__ or "").split("\n")[0]
    return f"{line}  # {says}"


def with_switches(function: Callable[..., Any], design: Design) -> str:
    """Return the code of a function with each `design.switch` decided; no docstring."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    (defined,) = tree.body
    assert isinstance(defined, ast.FunctionDef)
    if ast.get_docstring(defined):
        del defined.body[0]
    text = ast.unparse(ast.fix_missing_locations(_Decides(design).visit(tree)))
    return re.sub(r"= \((yield .*)\)$", r"= \1", text, flags=re.MULTILINE)


def _asked(function: Callable[..., Any]) -> set[str]:
    """Name the switches that a function asks."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and _is_switch(node)
    }


def _is_switch(node: ast.Attribute) -> bool:
    switches = [field.name for field in fields(Design) if field.type == "bool"]
    return isinstance(node.value, ast.Name) and node.value.id == "design" and node.attr in switches


class _Decides(ast.NodeTransformer):
    """Puts a design's switches into the code, and takes out what is then never done."""

    def __init__(self, design: Design) -> None:
        self.design = design

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if _is_switch(node):
            return ast.Constant(getattr(self.design, node.attr))
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        decides = isinstance(node.op, ast.Or)  # what decides the whole: True for `or`
        left = [value for value in node.values if not _is(value, not decides)]
        if any(_is(value, decides) for value in left):
            return ast.Constant(decides)
        if len(left) > 1:
            return ast.BoolOp(node.op, left)
        return left[0] if left else ast.Constant(not decides)

    def visit_If(self, node: ast.If) -> Any:
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant):
            return node.body if node.test.value else node.orelse
        return node


def _is(node: ast.expr, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value
