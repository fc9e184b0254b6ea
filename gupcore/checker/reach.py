"""What a thread may read and write, through its helpers as well.

A thread reads its arguments, its local variables, the results of its steps, and names whose values
cannot change; it writes local variables.  Then nothing that outlives a yield is hidden from the
checker: what a helper makes and changes on the way is gone when it returns, and what is kept is in
a local variable, whose value has a key (see `values`).

So all that a thread's code can *reach* is looked at, and refused unless it is known to be
harmless: each name that is not local must stand for a value that cannot change, for a function or
a class that is harmless itself, or for a function of Python's that depends on its arguments alone.
It is the code that runs that is looked at, so a helper needs no source.  Steps and rules are held
to the same: a step that counts how often it is taken would be hidden state, too.
"""

from __future__ import annotations

import builtins
import collections
import dataclasses
import dis
import enum
import functools
import itertools
import math
import operator
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cache
from inspect import CO_GENERATOR
from types import CodeType, FunctionType, MappingProxyType, ModuleType
from typing import Any, NamedTuple

from .machine import touch
from .source import ThreadError, check_source
from .values import PLAIN, cells, frozen

FUNCTIONS = """
    abs all any ascii bin bool bytes callable chr complex dict divmod enumerate filter float format
    frozenset hex int isinstance issubclass iter len list map max min next object oct ord pow print
    range repr reversed round set slice sorted str sum tuple type zip super property staticmethod
    classmethod bytearray
"""
HARMLESS: set[Any] = {
    *(getattr(builtins, name) for name in FUNCTIONS.split()),
    *(value for value in vars(math).values() if callable(value)),
    *(value for value in vars(itertools).values() if isinstance(value, type)),
    *(
        getattr(operator, name)
        for name in operator.__all__
        if name[-6:] not in ("getter", "caller")
    ),
    *(
        functools.reduce,
        functools.partial,
        dataclasses.replace,
        dataclasses.fields,
        touch,
        MappingProxyType,
    ),
    *(collections.Counter, collections.OrderedDict, collections.defaultdict, collections.deque),
}
WRITES = {
    **dict.fromkeys(("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_NAME"), "the global name"),
    **dict.fromkeys(("STORE_ATTR", "DELETE_ATTR"), "the attribute"),
}
READS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
CELLS = ("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_CLOSURE", "LOAD_FROM_DICT_OR_DEREF")
ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR")
INSIDE = ("gi_", "f_", "co_", "tb_", "cr_", "ag_", "__")  # names that lead into the interpreter
SHOWN = (
    "__name__",
    "__class__",
    "__doc__",
    "__qualname__",
    "__module__",
    "__len__",
    "__contains__",
)
MAKERS = (dataclasses.__file__, collections.__file__)  # of what dataclasses and NamedTuples have
MADE = ("__new__", "__init__", "__eq__", "__hash__", "__repr__", "__setattr__", "__delattr__")
COMPARES = ("__eq__", "__hash__", "__getattr__", "__getattribute__", "__setattr__", "__del__")


class Read(NamedTuple):
    """A name that code reads and that is not local to it: `math.pi` is ("math", "pi")."""

    path: tuple[str, ...]
    line: int
    free: bool  # does a function around it hold it?


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
    instructions = list(dis.get_instructions(code))
    for at, instruction in enumerate(instructions):
        line = getattr(instruction.positions, "lineno", None) or line
        name, what = instruction.opname, instruction.argval
        if name in WRITES or (name in ("STORE_DEREF", "DELETE_DEREF") and what not in own):
            says = WRITES.get(name, "the outer variable")
            wrong.append((line, f"writes {says} {what}; keep state in local variables"))
        elif name in ("IMPORT_NAME", "LOAD_BUILD_CLASS"):
            wrong.append((line, "imports or defines a class; do it outside the function"))
        elif name in READS or (name in CELLS and what not in own):
            path = (what, *_attributes_after(instructions, at))
            reads.append(Read(path, line, name in CELLS))
        elif name in ATTRIBUTES:
            attributes.add(what)
            if what.startswith(INSIDE) and what not in SHOWN:
                wrong.append((line, f"asks for {what}, which leads behind the checker's back"))
        elif name == "MATCH_CLASS":
            words = (part for const in code.co_consts if isinstance(const, tuple) for part in const)
            attributes |= {word for word in words if isinstance(word, str)}
    for const in code.co_consts:
        if isinstance(const, CodeType):
            inner = deeds(const)
            reads += [read for read in inner.reads if not (read.free and read.path[0] in own)]
            attributes |= inner.attributes
            wrong += [inner.wrong] if inner.wrong else []
    return Deeds(tuple(dict.fromkeys(reads)), frozenset(attributes), wrong[0] if wrong else None)


def _attributes_after(instructions: list[dis.Instruction], at: int) -> Iterator[str]:
    """Yield the attributes that are asked for right after a name was read: of math.pi, "pi"."""
    for instruction in instructions[at + 1 :]:
        if instruction.opname not in ("LOAD_ATTR", "LOAD_METHOD"):
            return
        yield instruction.argval


class Reach:
    """What some functions can reach, found to be harmless.

    `add` looks at a function, and `add_value` at a value that code is handed: they raise
    ThreadError for what must not be.  `recheck` sees whether the names that were read still stand
    for the values they stood for.
    """

    def __init__(self) -> None:
        self._functions: dict[int, tuple[FunctionType, CodeType]] = {}
        self._classes: dict[type, set[str]] = {}
        self._attributes: set[str] = set()
        self._bound: dict[tuple[int, str], tuple[dict[str, Any], Any, str]] = {}

    def add(self, function: Any) -> None:
        """Look at a function and at all that it can reach."""
        if id(function) in self._functions:
            return
        code, found = function.__code__, deeds(function.__code__)
        self._functions[id(function)] = function, code
        try:
            self._look_at(function, found)
        except ThreadError:
            del self._functions[id(function)]
            if code.co_flags & CO_GENERATOR:
                check_source(code)  # what it says of a thread is clearer
            raise

    def _look_at(self, function: FunctionType, found: Deeds) -> None:
        code = function.__code__
        if found.wrong:
            raise ThreadError(f"{code.co_name}, line {found.wrong[0]}: {found.wrong[1]}.")
        where = f"{code.co_name}, line {code.co_firstlineno}: the default of an argument is"
        for default in (function.__defaults__ or (), (function.__kwdefaults__ or {}).values()):
            for value in default:
                self.add_value(value, where)
        for read in found.reads:
            self._add_read(function, read)
        if not found.attributes <= self._attributes:
            self._attributes |= found.attributes
            for kind in list(self._classes):
                self._look_at_members(kind)

    def _add_read(self, function: FunctionType, read: Read) -> None:
        name, *further = read.path
        if "@" in name:  # pytest has put it there, for an `assert`
            return
        where = f"{function.__code__.co_name}, line {read.line}: {'.'.join(read.path)} is"
        if read.free:
            held = dict(zip(function.__code__.co_freevars, cells(function), strict=True))
            value = held.get(name)
        else:
            namespace = function.__globals__
            if name not in namespace:
                namespace = vars(builtins)
            if name not in namespace:
                return  # a NameError, when it runs
            value = namespace[name]
            self._bound[id(namespace), name] = namespace, value, where
        while isinstance(value, ModuleType) and further:
            value = getattr(value, further.pop(0), None)
        self.add_value(value, where)

    def add_value(self, value: Any, where: str) -> None:
        """Look at a value; `where` begins the sentence that refuses it."""
        if type(value) in PLAIN or _is_harmless(value):
            return
        if isinstance(value, FunctionType):
            self.add(value)
            return
        if hasattr(value, "__self__"):  # a function of Python's, or a method
            owner = (
                value.__self__ if isinstance(value.__self__, ModuleType) else type(value.__self__)
            )
            raise ThreadError(
                f"{where} {value.__name__} of {owner.__name__}, whose answer does not follow from "
                "what the thread knows; hand what it needs in as an argument."
            )
        frozen(value, where, ThreadError)
        if isinstance(value, type):
            self._add_class(value, where)
        elif isinstance(value, MappingProxyType):
            self.add_value((*value, *value.values()), where)
        else:
            if type(value) not in (tuple, frozenset):
                self._add_class(type(value), where)
            inside = value if isinstance(value, tuple | frozenset) else _fields_of(value)
            for part in inside:
                self.add_value(part, where)

    def _add_class(self, kind: type, where: str) -> None:
        ours = kind.__module__.rpartition(".")[0] == __package__
        if kind in self._classes or _is_harmless(kind) or ours:
            return
        frozen = is_dataclass(kind) and kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
        record = issubclass(kind, tuple) and hasattr(kind, "_fields")
        if not (frozen or record or issubclass(kind, enum.Enum | BaseException)):
            raise ThreadError(
                f"{where} the class {kind.__name__}, whose objects can change; "
                "write @dataclass(frozen=True)."
            )
        self._classes[kind] = set()
        self._look_at_members(kind)

    def _look_at_members(self, kind: type) -> None:
        """Look at the members of a class that code asks for, and at those that Python calls."""
        done = self._classes[kind]
        for base in kind.__mro__:
            if base.__module__ in ("builtins", "enum", "typing", "abc"):
                continue
            for name, member in list(vars(base).items()):
                special = name.startswith("__") and name.endswith("__")
                if name in done or not (special or name in self._attributes):
                    continue
                done.add(name)
                self._look_at_member(kind, name, member)

    def _look_at_member(self, kind: type, name: str, member: Any) -> None:
        where = f"{kind.__name__}.{name} is"
        for inner in ("__func__", "fget", "func"):
            member = getattr(member, inner, member)
        if isinstance(member, FunctionType):
            file = member.__code__.co_filename
            if file in MAKERS or (file == "<string>" and name in MADE):
                return
            if name in COMPARES:
                raise ThreadError(f"{where} not Python's own; what is compared must be its fields.")
            self.add(member)
        elif not name.startswith("__") and not hasattr(type(member), "__set__"):
            self.add_value(member, where)

    def recheck(self) -> None:
        """Raise ThreadError if a name stands for something else than when it was looked at."""
        for (_, name), (namespace, value, where) in self._bound.items():
            if namespace.get(name, value) is not value:
                raise ThreadError(f"{where} another value than when the check began.")
        for function, code in self._functions.values():
            if function.__code__ is not code:
                raise ThreadError(f"{function.__name__} has changed while it was checked.")


current = Reach()  # what is known to be harmless, as long as no name has another value


def begin() -> Reach:
    """Return what is known to be harmless; forget it if a name has another value now."""
    global current
    try:
        current.recheck()
    except ThreadError:
        current = Reach()
    return current


def _fields_of(value: Any) -> Iterator[Any]:
    if is_dataclass(value):
        yield from (getattr(value, field.name) for field in dataclasses.fields(value))


def _is_harmless(value: Any) -> bool:
    if isinstance(value, type) and issubclass(value, BaseException):
        return value.__module__ == "builtins"
    try:
        return value in HARMLESS
    except TypeError:
        return False
