"""What a thread may be written in, read off its source."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from types import CodeType, FrameType


class ThreadError(Exception):
    """A thread the checker cannot work with; the message says in a sentence what to change."""


@cache
def source_of(code: CodeType) -> tuple[int, tuple[str, ...]]:
    """Return the number of the first source line of `code`, and its lines."""
    try:
        lines, first = inspect.getsourcelines(code)
    except (OSError, TypeError):
        raise ThreadError(
            f"The source of {code.co_name} cannot be read; define it in a file or a notebook cell."
        ) from None
    return max(first, 1), tuple(textwrap.dedent("".join(lines)).splitlines())


HIDES = {
    ast.For: "a `for` around a yield hides how far it has got; use `while` and a counter",
    ast.With: "a `with` around a yield hides what it will do at its end; write the steps out",
    ast.Try: "a `try` around a yield hides what it will do at its end; write the steps out",
    ast.TryStar: "a `try` around a yield hides what it will do at its end; write the steps out",
    ast.Lambda: "a lambda that yields hides where it stands; define it with `def`",
}


@cache
def check_source(code: CodeType) -> None:
    """Refuse a thread function that hides where it stands; raise ThreadError with one sentence.

    Two yields in one statement would keep the first one's result on the interpreter's value stack;
    a `for` keeps its iterator there, a `with` and a `try` what they have still to do.
    """
    first, lines = source_of(code)
    try:
        tree = ast.parse("\n".join(lines))
    except SyntaxError:
        raise ThreadError(
            f"The source of {code.co_name} cannot be read on its own; "
            "define it with `def` at the left margin of a file or cell."
        ) from None
    for node in ast.walk(tree):
        where = f"{code.co_name}, line {first - 1 + getattr(node, 'lineno', 1)}"
        if type(node) in HIDES and _yields(node):
            raise ThreadError(f"{where}: {HIDES[type(node)]}.")
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            raise ThreadError(f"{where}: state outside the function; keep it in local variables.")
        own = _yields(node, own=True) if isinstance(node, ast.stmt) else []
        if len(own) > 1:
            raise ThreadError(f"{where}: two yields in one statement; write two statements.")
        if own and any(isinstance(part, ast.NamedExpr) for part in ast.walk(node)):
            raise ThreadError(f"{where}: `:=` in a statement that yields; write two statements.")


def check_frame(frame: FrameType) -> None:
    """Refuse what `check_source` refuses, and a step that is made and not yielded."""
    check_source(frame.f_code)
    for line, name in _calls_without_yield(frame.f_code):
        if getattr(frame.f_globals.get(name), "makes_steps", False):
            where = f"{frame.f_code.co_name}, line {line}"
            raise ThreadError(f"{where}: the step {name} is not taken; write `yield {name}(…)`.")


@cache
def _calls_without_yield(code: CodeType) -> tuple[tuple[int, str], ...]:
    """Return (line, name) of the calls by name that are a whole statement, or all it assigns."""
    first, lines = source_of(code)
    return tuple(
        (first - 1 + node.lineno, node.value.func.id)
        for node in ast.walk(ast.parse("\n".join(lines)))
        if isinstance(node, (ast.Expr, ast.Assign, ast.AnnAssign))
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
    )


def _yields(node: ast.AST, own: bool = False) -> list[ast.AST]:
    """List the yields inside `node`; with `own`, those that belong to no statement inside it."""
    found: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.Lambda)) or (
            own and isinstance(child, ast.stmt)
        ):
            continue
        if isinstance(child, (ast.Yield, ast.YieldFrom)):
            found.append(child)
        found += _yields(child, own)
    return found
