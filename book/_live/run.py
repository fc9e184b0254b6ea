"""Run a cell of the page as the notebook would, in a namespace of its own.

What it needs of the page's earlier cells is run first, silently.  That is found by name: every
statement at the left margin of an earlier cell that binds a name it uses, and what those use in
turn, in the order of the page.  What an earlier cell only prints, asserts or draws is left out, and
so is what it changes by a call, as `list.append` does.
"""

import ast
import builtins
import io
import linecache
import symtable
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from typing import Any, NamedTuple

import gupcore.player  # noqa: F401  (what a run will want is here before it begins)
from gupcore.checker import explore
from gupcore.exercises import Answer

MOST = 20_000  # characters of text that a run may show
EVERY = 0.2  # seconds between two messages of one kind
Tell = Callable[[str, str, str], None]


class Cell(NamedTuple):
    """A cell: the name that its file would have, and its text."""

    name: str
    text: str

    def parsed(self) -> ast.Module:
        """Register the text, which the checker reads, and return its syntax tree."""
        lines = self.text.splitlines(keepends=True)
        linecache.cache[self.name] = (len(self.text), None, lines, self.name)
        return ast.parse(self.text, self.name)


class Names(NamedTuple):
    """The names of the module that a statement gives a value to, and those that it needs first."""

    binds: frozenset[str]
    uses: frozenset[str]


class WithScopes(ast.NodeTransformer):
    """Make each comprehension a generator: from Python 3.12 on, only those have their own names."""

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp) -> ast.AST:
        """Keep what is collected, and forget what it is collected in."""
        return self.generic_visit(ast.GeneratorExp(node.elt, node.generators))

    visit_SetComp = visit_ListComp

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        """Likewise; key and value stand side by side."""
        both = ast.Tuple([node.key, node.value], ast.Load())
        return self.generic_visit(ast.GeneratorExp(both, node.generators))


def names_of(statement: ast.stmt) -> Names:
    """Return the names of a statement at the left margin."""
    alike = WithScopes().visit(ast.parse(ast.unparse(statement)))
    table = symtable.symtable(ast.unparse(alike), "statement", "exec")
    used = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
    for scope in scopes_in(table):
        used |= {s.get_name() for s in scope.get_symbols() if s.is_global() and s.is_referenced()}
    # A function also changes what is its own, and that is no name of the module.
    changed = {name for node in ast.walk(statement) for name in changed_by(node)} & used
    bound = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    if not isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        used -= bound  # as a loop binds its variable before it uses it
    return Names(frozenset(bound | changed), frozenset(used | changed))


def scopes_in(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """Yield the functions and classes in a scope, and those in them."""
    for scope in table.get_children():
        yield scope
        yield from scopes_in(scope)


def changed_by(node: ast.AST) -> Iterator[str]:
    """Yield the name of what `name[…] = …` and `name.… = …` change."""
    if isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, ast.Store):
        inner: ast.expr = node
        while isinstance(inner, (ast.Subscript, ast.Attribute)):
            inner = inner.value
        if isinstance(inner, ast.Name):
            yield inner.id


def needed_by(tree: ast.Module, earlier: Iterable[ast.Module]) -> list[list[ast.stmt]]:
    """Return, for each earlier cell, those of its statements that a cell needs."""
    wanted: set[str] = set()
    bound: set[str] = set()
    for statement in tree.body:
        names = names_of(statement)
        wanted |= names.uses - bound
        bound |= names.binds
    left = [[(statement, names_of(statement)) for statement in cell.body] for cell in earlier]
    chosen: set[ast.stmt] = set()
    grows = True
    while grows:
        grows = False
        for statement, names in (pair for cell in left for pair in cell):
            if statement not in chosen and names.binds & wanted:
                chosen.add(statement)
                wanted |= names.uses
                grows = True
    return [[statement for statement, _ in cell if statement in chosen] for cell in left]


class Shown(io.TextIOBase):
    """What a run prints and shows, told to the page as it comes; of much text, the beginning."""

    def __init__(self, tell: Tell) -> None:
        self.told, self.room, self.left_out = tell, MOST, 0
        self.waiting: list[str] = []
        self.told_at = 0.0
        self.answers: list[bool] = []

    def write(self, text: str) -> int:
        """Keep a text for the page, or count what there is no room for."""
        shown = text[: self.room]
        self.room -= len(shown)
        self.left_out += len(text) - len(shown)
        if shown:
            self.waiting.append(shown)
            if time.monotonic() - self.told_at > EVERY:
                self.flush()
        return len(text)

    def flush(self) -> None:
        """Tell the page what waits."""
        if self.waiting:
            self.told("text", "".join(self.waiting), "")
            self.waiting.clear()
            self.told_at = time.monotonic()

    def print(self, *values: Any, **named: Any) -> None:
        """Print, and note what a judge has said."""
        self.answers += [value.right for value in values if isinstance(value, Answer)]
        print(*values, **named)

    def display(self, *values: Any) -> None:
        """Show values as a notebook does: as HTML where they have any."""
        for value in values:
            self.answers += [value.right] if isinstance(value, Answer) else []
            page, text = in_both(value)
            if page is None:
                print(text)
            else:
                self.flush()
                self.told("html", page, text)

    def end(self) -> None:
        """Tell the rest, and how much there was no room for."""
        self.flush()
        if self.left_out:
            self.told("note", f"The output goes on for {self.left_out:,} more characters.", "")
        if self.answers:
            self.told("judged", "right" if all(self.answers) else "wrong", "")


def in_both(value: Any) -> tuple[str | None, str]:
    """Return a value as HTML, or None, and as text."""
    bundle: Any = {}
    if hasattr(value, "_repr_mimebundle_"):
        bundle = value._repr_mimebundle_()
        bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    page = (bundle or {}).get("text/html")
    if page is None and hasattr(value, "_repr_html_"):
        page = value._repr_html_()
    return page, (bundle or {}).get("text/plain") or repr(value)


def no_input(prompt: object = "") -> str:
    """Refuse to wait for an answer that nobody can give."""
    raise RuntimeError("a cell of this page cannot ask; write the answer into its text.")


def in_short(error: BaseException, name: str) -> str:
    """Return a traceback, cut to the frames of one cell."""
    found = traceback.TracebackException.from_exception(error, capture_locals=False)
    part: traceback.TracebackException | None = found
    while part is not None:
        part.stack = traceback.StackSummary.from_list(
            [frame for frame in part.stack if frame.filename == name]
        )
        if not part.stack:
            part.stack = None  # type: ignore[assignment]  # no heading above nothing
        part = part.__cause__ or part.__context__
    text = "".join(found.format()).replace(f'File "{name}", line', "Line")
    return text if len(text) < MOST else f"{text[:MOST]}…\n"


def advice(error: BaseException) -> str:
    """Return a sentence on what the page's Python cannot do."""
    if isinstance(error, MemoryError):
        return "A cell of this page has 1 GB of memory, and this one asked for more."
    if isinstance(error, ModuleNotFoundError):
        return "In the page there are gupcore and Python's own library; JupyterLab has the rest."
    return ""


numbers = iter(range(1, 1_000_000_000))


def run(text: str, earlier: Iterable[Iterable[str]], tell: Tell) -> None:
    """Run one cell.

    text     the cell
    earlier  the name and the text of each cell above it
    tell     told what happens: "text", a text; "html", what is to be shown, the same as text;
             "states", how many a search has found; "error", a traceback, in short; "note", a
             sentence; "judged", "right" or "wrong", what the answers that were shown come to; and
             last "done", or "broken" if Python is to be started anew
    """
    cell = Cell(f"<cell {next(numbers)}>", text)
    shown = Shown(tell)
    told_at = time.monotonic()

    def count(found: int, left: int) -> None:
        nonlocal told_at
        if time.monotonic() - told_at > EVERY:
            told_at = time.monotonic()
            tell("states", f"{found:,}", f"{left:,}")

    explore.watcher = count
    ends = "done"
    try:
        with redirect_stdout(shown), redirect_stderr(shown):
            value = value_of(cell, [Cell(*given) for given in earlier], shown)
            if value is not None:
                shown.display(value)
    except BaseException as error:
        shown.flush()
        said = f"{type(error).__name__}: {error}" if type(error) is MemoryError else ""
        tell("error", said or in_short(error, cell.name), "")
        if sentence := advice(error):
            tell("note", sentence, "")
        if isinstance(error, (MemoryError, SystemExit)):
            ends = "broken"
    finally:
        explore.watcher = None
    shown.end()
    tell(ends, "", "")


def value_of(cell: Cell, earlier: list[Cell], shown: Shown) -> Any:
    """Run what a cell needs, and the cell; return the value of its last line."""
    tree = cell.parsed()
    space: dict[str, Any] = {"__name__": "__main__", "display": shown.display}
    space["__builtins__"] = {**vars(builtins), "input": no_input, "print": shown.print}
    parsed = [given.parsed() for given in earlier]
    with redirect_stdout(io.StringIO()):
        for given, statements in zip(earlier, needed_by(tree, parsed), strict=True):
            exec(compile(ast.Module(statements, []), given.name, "exec"), space)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, cell.name, "exec"), space)
    if last is None:
        return None
    assert isinstance(last, ast.Expr)
    return eval(compile(ast.Expression(last.value), cell.name, "eval"), space)
