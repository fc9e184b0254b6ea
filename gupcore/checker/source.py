"""How a thread may be written: which statements may stand around a yield.

Where a thread stands is its instruction and its local variables.  All else that the interpreter
keeps while a generator waits is hidden from the checker: the iterator of a `for`, what a `with` or
a `try` has still to do, the value that a `match` is comparing while a guard yields, and what an
expression has computed so far.

So around a yield may stand `def`, `if`, `while` and `match`: in their bodies, in the test of an
`if` or a `while`, and in what a `match` looks at.  The statement that yields is an assignment, an
expression, `return`, `assert`, `raise` or `del`.  It has one yield, and no `:=`: then what the
expression has computed before follows from the local variables.  Everything else is refused.

The text is looked at, so it must be the text of the code that runs: it is compiled again and
compared.  What a thread may read and write is `reach`'s business.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Iterator
from functools import cache
from tokenize import TokenError
from types import CodeType, FrameType
from typing import NamedTuple

from .asked import Refusal

FUTURES = 0x1FF0000  # the bits of co_flags that stand for `from __future__ import …`


class ThreadError(Refusal):
    """A thread the checker cannot work with; the message says in a sentence what to change."""


class Source(NamedTuple):
    """The source of a function: the number of its first line, its lines, and their syntax tree."""

    first: int
    lines: tuple[str, ...]
    tree: ast.AST


@cache
def source_of(code: CodeType) -> Source:
    """Return the source of the function that runs `code`.

    Raises ThreadError where there is none, or where it is not what runs.
    """
    try:
        lines, first = inspect.getsourcelines(code)
    except (OSError, TypeError, IndexError, SyntaxError, TokenError):
        raise ThreadError(
            f"The source of {code.co_name} cannot be read; define it in a file or a notebook cell."
        ) from None
    indent = len(lines[0]) - len(lines[0].lstrip())
    names = " = ".join(code.co_freevars)
    around = [f"def around():\n{' ' * indent}{names} = None\n" if names else "if True:\n"]
    text, flags = "".join([*(around if indent else ()), *lines]), code.co_flags & FUTURES
    try:
        tree = ast.parse(text)
        again = compile(text, "text", "exec", flags=flags, dont_inherit=True)
    except SyntaxError:
        raise ThreadError(
            f"The source of {code.co_name} cannot be read on its own; "
            "define it with `def` at the left margin of a file or cell."
        ) from None
    extra = text[: len(text) - len("".join(lines))].count("\n")
    # What stands around a function can change how it is compiled: then its whole file is.
    if not (
        _among(code, again, first - extra - 1)
        or _among(code, _compiled("".join(linecache.getlines(code.co_filename)), flags), 0)
    ):
        raise ThreadError(
            f"The text of {code.co_name} is not the code that runs: its file has changed since it "
            "was imported; import it again."
        )
    ast.increment_lineno(tree, first - extra - 1)
    return Source(max(first, 1), tuple(line.rstrip("\n")[indent:] for line in lines), tree)


@cache
def _compiled(text: str, flags: int) -> CodeType:
    try:
        code: CodeType = compile(text, "text", "exec", flags=flags, dont_inherit=True)
    except SyntaxError:
        code = compile("", "text", "exec")
    return code


def _among(code: CodeType, module: CodeType, moved: int) -> bool:
    """Is a function's code that of a function in `module`?"""
    inside = [const for const in module.co_consts if isinstance(const, CodeType)]
    return any(_same(code, other, moved) or _among(code, other, moved) for other in inside)


def _same(code: CodeType, other: CodeType, moved: int) -> bool:
    """Are these two the same, but for where they stand in a file?"""
    if (code.co_name, code.co_firstlineno) != (other.co_name, other.co_firstlineno + moved):
        return False
    if any("@" in name for name in (*code.co_names, *code.co_varnames)):
        # pytest has rewritten an `assert`, with names that nobody can write: the lines must do.
        lines = {line for _, _, line in code.co_lines() if line is not None}
        return lines == {line + moved for _, _, line in other.co_lines() if line is not None}
    parts = ("co_code", "co_names", "co_varnames", "co_cellvars", "co_freevars", "co_argcount")
    if any(getattr(code, part) != getattr(other, part) for part in parts):
        return False
    return len(code.co_consts) == len(other.co_consts) and all(
        _same(mine, theirs, moved)
        if isinstance(mine, CodeType) and isinstance(theirs, CodeType)
        else (type(mine), mine) == (type(theirs), theirs)
        for mine, theirs in zip(code.co_consts, other.co_consts, strict=True)
    )


HIDES = {
    ast.For: "a `for` around a yield hides how far it has got; use `while` and a counter",
    ast.With: "a `with` around a yield hides what it will do at its end; write the steps out",
    ast.Try: "a `try` around a yield hides what it will do at its end; write the steps out",
    ast.TryStar: "a `try` around a yield hides what it will do at its end; write the steps out",
    ast.Lambda: "a lambda that yields hides where it stands; define it with `def`",
    ast.match_case: "a guard that yields hides what is compared; take the step before the `match`",
}
AROUND = (ast.If, ast.While, ast.Match)
SIMPLE = (
    *(ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr),
    *(ast.Return, ast.Assert, ast.Raise, ast.Delete),
)


@cache
def check_source(code: CodeType) -> None:
    """Refuse a thread function that hides where it stands; raise ThreadError with one sentence."""
    for node in ast.walk(source_of(code).tree):
        says = _refused(node)
        if says:
            line = getattr(node, "lineno", code.co_firstlineno)
            raise ThreadError(f"{code.co_name}, line {line}: {says}.")


def _refused(node: ast.AST) -> str:
    """Say what is wrong with a node of the syntax tree; nothing, if nothing is."""
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        return "state outside the function; keep it in local variables"
    looked_at = {ast.Lambda: "body", ast.match_case: "guard"}.get(type(node))
    inside = getattr(node, looked_at) if looked_at else node
    if type(node) in HIDES and inside is not None and any(map(_is_yield, _within(inside))):
        return HIDES[type(node)]
    if not isinstance(node, ast.stmt):
        return ""
    own = list(_within(node, own=True))
    yields = sum(map(_is_yield, own))
    if yields > 1:
        return "two yields in one statement; write two statements"
    if yields and not isinstance(node, (*AROUND, *SIMPLE)):
        return f"a yield in the head of a {type(node).__name__}; write two statements"
    if yields and any(isinstance(part, ast.NamedExpr) for part in own):
        return "`:=` in a statement that yields; write two statements"
    return ""


def _is_yield(node: ast.AST) -> bool:
    return isinstance(node, (ast.Yield, ast.YieldFrom))


def _within(node: ast.AST, own: bool = False) -> Iterator[ast.AST]:
    """Yield a node and those in it, but not what another function does; with `own` no statement."""
    yield node
    for name, value in ast.iter_fields(node):
        if name == "body" and isinstance(node, (ast.FunctionDef, ast.Lambda)):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not (own and isinstance(child, ast.stmt)):
                yield from _within(child, own)


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
    return tuple(
        (node.lineno, node.value.func.id)
        for node in ast.walk(source_of(code).tree)
        if isinstance(node, (ast.Expr, ast.Assign, ast.AnnAssign))
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
    )
