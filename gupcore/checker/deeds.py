"""What a piece of code does to what is not its own, read off its instructions.

The code that runs is looked at, not its text, so a helper needs no source; and what it asks for can
be told without running it, because what would hide that (`getattr`, `exec`, "{0.name}".format(…))
is refused.  Refused is also what leads into the interpreter, and `is` where it would tell one value
from another that equals it: the checker takes equal values for one (see `values`).

The names of instructions are those of Python 3.11 to 3.14.
"""

from __future__ import annotations

import dis
from functools import cache
from itertools import takewhile
from types import CodeType
from typing import Any, NamedTuple

from .values import PLAIN

WRITES = {
    **dict.fromkeys(("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_NAME"), "the global name"),
    **dict.fromkeys(("STORE_ATTR", "DELETE_ATTR"), "the attribute"),
    **dict.fromkeys(("STORE_DEREF", "DELETE_DEREF"), "the outer variable"),
}
READS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
CELLS = ("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_CLOSURE", "LOAD_FROM_DICT_OR_DEREF")
ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR")
PATH = ("LOAD_ATTR", "LOAD_METHOD")  # what can follow the name in the path of a `Read`
NOTHING = ("EXTENDED_ARG", "PUSH_NULL", "PRECALL", "CACHE")  # instructions that say nothing here
INSIDE = ("gi_", "f_", "co_", "tb_", "cr_", "ag_", "__")  # names that lead into the interpreter
SHOWN = ("__name__", "__class__", "__qualname__", "__len__", "__contains__")
FORMATS = ("format", "format_map")
TELLS_APART = "asks by `is` which of two equal values it has; write `==`"


class Read(NamedTuple):
    """A name that code reads and that is not local to it: `math.pi` is ("math", "pi").

    free      does a function around it hold it?
    compared  does `is` ask for that very object?
    """

    path: tuple[str, ...]
    line: int
    free: bool
    compared: bool


class Deeds(NamedTuple):
    """What a piece of code, with the functions inside it, does to what is not its own.

    reads       the names it reads
    attributes  the names of the attributes it asks for
    wrong       (line, what is wrong), of the first thing that nobody may do
    """

    reads: tuple[Read, ...]
    attributes: frozenset[str]
    wrong: tuple[int, str] | None


@cache
def deeds(code: CodeType) -> Deeds:
    """Read off the code what it does."""
    reads: list[Read] = []
    attributes: set[str] = set()
    wrong: list[tuple[int, str]] = []
    own = {*code.co_cellvars, *code.co_varnames}
    line = code.co_firstlineno
    instructions = [one for one in dis.get_instructions(code) if one.opname not in NOTHING]
    for at, instruction in enumerate(instructions):
        line = getattr(instruction.positions, "lineno", None) or line
        if _reads(instruction, own):
            after = takewhile(lambda one: one.opname in PATH, instructions[at + 1 :])
            path = (instruction.argval, *(one.argval for one in after))  # of math.pi, "pi" as well
            compared = instructions[at + len(path)].opname == "IS_OP"
            reads.append(Read(path, line, instruction.opname in CELLS, compared))
        asked = _asked(instructions, at)
        attributes.update(asked)
        says = (_wrong(instructions, at, own), *map(wrong_to_ask, asked))
        wrong += [(line, what) for what in says if what]
    for const in code.co_consts:
        if isinstance(const, CodeType):
            inner = deeds(const)
            local = [read for read in inner.reads if read.free and read.path[0] in own]
            wrong += [(read.line, TELLS_APART) for read in local if read.compared]
            reads += [read for read in inner.reads if read not in local]
            attributes |= inner.attributes
            wrong += [inner.wrong] if inner.wrong else []
    return Deeds(tuple(dict.fromkeys(reads)), frozenset(attributes), wrong[0] if wrong else None)


def _reads(instruction: dis.Instruction, own: set[str]) -> bool:
    """Does an instruction read a name that is not local?"""
    name = instruction.opname
    return name in READS or (name in CELLS and instruction.argval not in own)


def _asked(instructions: list[dis.Instruction], at: int) -> tuple[str, ...]:
    """Return the names of the attributes that an instruction asks for."""
    if instructions[at].opname in ATTRIBUTES:
        return (instructions[at].argval,)
    words = instructions[at - 1].argval if instructions[at].opname == "MATCH_CLASS" else ()
    return words if isinstance(words, tuple) else ()


def wrong_to_ask(attribute: str) -> str:
    """Say what is wrong with asking for an attribute of that name; nothing, if nothing is."""
    if attribute in FORMATS:
        return f'asks for {attribute}, which can ask for any attribute; write f"…"'
    if attribute.startswith(INSIDE) and attribute not in SHOWN:
        return f"asks for {attribute}, which leads behind the checker's back"
    return ""


def _wrong(instructions: list[dis.Instruction], at: int, own: set[str]) -> str:
    """Say what an instruction does that nobody may do; nothing, if it does nothing like it."""
    name, what = instructions[at].opname, instructions[at].argval
    if name in WRITES and not (name.endswith("DEREF") and what in own):
        return f"writes {WRITES[name]} {what}; keep state in local variables"
    if name in ("IMPORT_NAME", "LOAD_BUILD_CLASS"):
        return "imports or defines a class; do it outside the function"
    if name == "IS_OP" and not _is_the_only_one(instructions[:at], own):
        return TELLS_APART
    return ""


def _is_the_only_one(before: list[dis.Instruction], own: set[str]) -> bool:
    """Is what was loaded last equal to nothing else: None, a class, or a name to be looked up?"""
    last = before[-1]
    if last.opname == "LOAD_COMMON_CONSTANT":  # `all(…)` in Python 3.14: is this `all` its own?
        return True
    if last.opname == "LOAD_CONST":
        return any(last.argval is one for one in (None, True, False, ...))
    if last.opname in ATTRIBUTES and last.argval == "__class__":
        return True
    if last.opname == "CALL":  # of type(x)?
        *_, called, argument = (one for one in before[:-1] if one.opname not in PATH)
        loads = argument.opname.startswith("LOAD_") and called.opname in READS
        return loads and called.argval == "type" and last.arg == 1
    *_, name = (one for one in before if one.opname not in PATH)
    # "@": pytest has put it there, for an `assert`
    return _reads(name, own) or "@" in str(name.argval)


def as_compiled(const: Any) -> bool:
    """Is a code, or a constant of one, such as a compiler makes?"""
    if type(const) in (CodeType, tuple, frozenset):
        return all(map(as_compiled, const.co_consts if type(const) is CodeType else const))
    return type(const) in PLAIN or type(const) is slice
