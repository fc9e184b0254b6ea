"""What a thread may read and write, through its helpers as well.

A thread reads its arguments, its local variables, the results of its steps, and names whose values
cannot change; it writes local variables.  Then nothing that outlives a yield is hidden from the
checker: what a helper makes and changes on the way is gone when it returns, and what is kept is in
a local variable, whose value has a key (see `values`).

So all that a thread's code can *reach* is looked at, and refused unless it is known to be
harmless: each name that is not local must stand for a value that cannot change, for a function or
a class that is harmless itself, or for a function of Python's that depends on its arguments alone.
Of a class that is what code asks for by name, and what Python calls without being asked.  It is
the code that runs that is looked at (see `deeds`), so a helper needs no source.  Steps and rules
are held to the same: a step that counts how often it is taken would be hidden state, too.

What was looked at in a check is remembered with what was found there, to see at the end that it
has not changed.  Each check looks afresh: what one has found is not what another may rely on.
"""

from __future__ import annotations

import builtins
import collections
import dataclasses
import enum
import functools
import itertools
import math
import operator
import reprlib
import sys
import types
import typing
from collections.abc import Hashable, Iterable, Iterator, Mapping, Set
from dataclasses import fields, is_dataclass
from inspect import CO_GENERATOR, getsourcefile
from types import CodeType, FunctionType, MappingProxyType, ModuleType
from typing import Any, NamedTuple, cast

from .deeds import Deeds, Read, as_compiled, deeds, wrong_to_ask
from .machine import touch
from .source import ThreadError, check_source
from .values import PLAIN, Absent, cells, frozen, holds, key, named

FUNCTIONS = """
    abs all any ascii bin bool bytes callable chr complex dict divmod enumerate filter float format
    frozenset hex int isinstance issubclass iter len list map max min next oct ord pow print range
    repr reversed round set slice sorted str sum tuple type zip super property staticmethod
    classmethod bytearray
"""
HARMFUL = {operator.attrgetter, operator.methodcaller, operator.is_, operator.is_not}
HARMLESS: tuple[Any, ...] = (
    *(getattr(builtins, name) for name in FUNCTIONS.split()),
    *(value for value in vars(math).values() if callable(value)),
    *(value for value in vars(itertools).values() if isinstance(value, type)),
    *({getattr(operator, name) for name in operator.__all__} - HARMFUL),
    *(functools.reduce, functools.partial, dataclasses.replace, touch, MappingProxyType),
    *(collections.Counter, collections.OrderedDict, collections.defaultdict, collections.deque),
    *(value for value in vars(dataclasses).values() if type(value).__module__ == "dataclasses"),
)
_HARMLESS = {id(value) for value in HARMLESS}
DEEP = (RecursionError, MemoryError)  # raised where there is no more room

# What is asked for without being written: by the checker, and by functions of Python's.
ASKED = "machine said result why on by thing oops keys items write flush _missing_"

# Of classes: what is Python's own, what dataclasses make, and what stands there for Python alone.
METACLASSES = (type, enum.EnumMeta)
BASES = (typing.Generic, *(value for value in vars(enum).values() if isinstance(value, type)))
# As their code names them: a module that was compiled beforehand is loaded from another file.
FILES = set(map(getsourcefile, (dataclasses, collections, enum, typing, reprlib)))
SETS = ("__setattr__", "__delattr__")  # called where an attribute is written, which is refused
COMPARES = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__")
MADE = ("__new__", "__init__", "__repr__", *COMPARES)
MADE_OF = "__class__ __qualname__ __setattr__ __post_init__ NotImplemented hash _tuple_new"
HIDES = (*SETS, "__ror__", "__getattr__", "__getattribute__", "__class__", "__del__")
PROPERTIES = (property, enum.property, types.DynamicClassAttribute)
METHODS = (types.BuiltinFunctionType, types.MethodType, types.MethodWrapperType)
OF_C: tuple[type, ...] = (
    *(types.MemberDescriptorType, types.GetSetDescriptorType, types.WrapperDescriptorType),
    *(types.MethodDescriptorType, types.ClassMethodDescriptorType),
    type(vars(Read)["path"]),
)
_DATA = """
    __module__ __doc__ __dict__ __weakref__ __slots__ __annotations__ __annotate__ __annotate_func__
    __annotations_cache__ __dataclass_fields__ __dataclass_params__ __match_args__ __orig_bases__
    __parameters__ __static_attributes__ __firstlineno__ __qualname__ __type_params__ __set_name__
    __slotnames__
"""
DATA = frozenset(_DATA.split())
IMMUTABLE = 1 << 8  # the bit of a class's flags that says that nobody can write to it


class Bound(NamedTuple):
    """What was found under a name: in which names, what, and who reads it."""

    names: Mapping[str, Any]
    value: Any
    where: str


class Reach:
    """What some functions can reach, found to be harmless.

    `add_value` looks at a value, and if it is a function at all that it can reach.  It raises
    ThreadError for what must not be, and then forgets all that it has found, because it may lead
    there.  `recheck` sees whether all that was looked at is still what it was.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Trust nothing that was found."""
        self.looked_at = object()  # another one each time
        self.in_use = False  # do threads run by it?
        self._functions: dict[int, tuple[FunctionType, CodeType, tuple[Any, ...]]] = {}
        self._classes: dict[type, set[tuple[type, str]]] = {}
        self._attributes = set(ASKED.split())
        self._bound: dict[tuple[int, str], Bound] = {}
        self._values: dict[int, Any] = {}
        self._proxies: dict[int, tuple[Any, Hashable, str]] = {}

    def add_value(self, value: Any, where: str) -> None:
        """Look at a value; `where` begins the sentence that refuses it."""
        if id(value) in self._values or _is_harmless(value):
            return
        self._values[id(value)] = value
        try:
            self._look_at_value(value, where)
        except ThreadError:
            self.forget()
            raise
        except RecursionError:
            self.forget()
            raise ThreadError(f"{where} the beginning of a chain that is too long.") from None

    def _look_at_value(self, value: Any, where: str) -> None:
        if type(value) is FunctionType:
            self._add_function(value, where)
            return
        for kind in (type(value), type(type(value))):
            if issubclass(kind, type) and kind not in METACLASSES:
                says = f"{where} made by the metaclass {kind.__name__}, which may keep state"
                raise ThreadError(f"{says}; leave it out.")
        if type(value) in METHODS:
            raise _not_from_arguments(value, where)
        frozen(value, where, ThreadError)
        if issubclass(type(value), type):
            self._add_class(value, where)
            return
        if type(value) not in (tuple, frozenset, MappingProxyType):
            self.add_value(type(value), where)
        if getattr(type(value), "makes_steps", False):
            where = f"the step {value.name} is"
        for part in _inside(value):
            self.add_value(part, where)
        if type(value) is MappingProxyType:
            self._proxies[id(value)] = value, key(value), where

    def _add_function(self, function: FunctionType, where: str) -> None:
        """Look at a function; of one of Python's say no more than who asks for it."""
        code = function.__code__
        named[id(function)] = function
        self._functions[id(function)] = function, code, holds(function)
        try:
            if not _as_written(function):
                raise ThreadError(f"{code.co_name} was put together by hand; write it with `def`.")
            self._look_at(function, deeds(code), where)
        except ThreadError:
            if (function.__module__ or "").partition(".")[0] in sys.stdlib_module_names:
                raise _not_from_arguments(function, where) from None
            if code.co_flags & CO_GENERATOR and as_compiled(code):
                check_source(code)  # what it says of a thread is clearer
            raise

    def _look_at(self, function: FunctionType, found: Deeds, where: str) -> None:
        code = function.__code__
        if found.wrong:
            line, says = found.wrong
            if where.startswith("the step ") and says.startswith("writes the attribute"):
                says = f"{says.partition(';')[0]}; a step returns Effect(replace(machine, …), …)"
            raise ThreadError(f"{code.co_name}, line {line}: {says}.")
        where = f"{code.co_name}, line {code.co_firstlineno}: the default of an argument is"
        for value in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            self.add_value(value, where)
        for name, value in vars(function).items():
            self.add_value(value, f"{code.co_name}.{name} is")
        for read in found.reads:
            self._add_read(function, read)
        asked = found.attributes - self._attributes
        self._attributes |= asked
        for kind in list(self._classes) if asked else ():
            self._look_at_members(kind, asked)

    def _add_read(self, function: FunctionType, read: Read) -> None:
        name, *further = read.path
        if "@" in name:  # pytest has put it there, for an `assert`
            return
        line = f"{function.__code__.co_name}, line {read.line}:"
        where = f"{line} {name} is"
        if read.free:
            value = dict(zip(function.__code__.co_freevars, cells(function), strict=True))[name]
        else:
            value = self._find(function.__globals__, name, where)
            if value is Absent.HERE:
                value = self._find(cast(Any, function).__builtins__, name, where)
        while type(value) is ModuleType and further:
            name = f"{name}.{further[0]}"
            where = f"{line} {name} is"
            names = vars(value)
            value = self._find(names, further.pop(0), where)
            if value is Absent.HERE and self._find(names, "__getattr__", where) is not value:
                raise ThreadError(f"{where} made up when it is asked for, by its module.")
        if value is Absent.HERE:
            return  # a NameError or an AttributeError, when it runs
        if name == "type" and value is not type:
            raise ThreadError(f"{where} not Python's own; give it another name.")
        self.add_value(value, where)
        if read.compared and not _is_the_only_one(value, further):
            raise ThreadError(
                f"{where} compared by `is`, which tells equal values apart; use `==`."
            )

    def _find(self, names: Mapping[str, Any], name: str, where: str) -> Any:
        """Return what a name stands for, and see to it that `recheck` knows."""
        value = names.get(name, Absent.HERE)
        self._bound[id(names), name] = Bound(names, value, where)
        return value

    def _add_class(self, kind: type, where: str) -> None:
        where = f"{where} the class {kind.__name__},"
        if kind in DEEP:
            raise ThreadError(f"{where} raised at a depth that the thread does not know.")
        frozen = is_dataclass(kind) and kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
        record = issubclass(kind, tuple) and hasattr(kind, "_fields")
        if not (frozen or record or issubclass(kind, enum.Enum | BaseException)):
            ours = "write @dataclass(frozen=True)"
            instead = "do without it" if kind.__flags__ & IMMUTABLE else ours
            raise ThreadError(f"{where} whose objects can change; {instead}.")
        if _is_the_checkers(kind):
            return
        self._classes[kind] = set()
        for says in filter(None, map(wrong_to_ask, getattr(kind, "__match_args__", ()))):
            raise ThreadError(f"{where} whose __match_args__ {says}.")
        for member in getattr(kind, "__members__", {}).values():
            for name in vars(member):
                says = f"{kind.__name__}.{member.name}.{name.strip('_')} is"
                self.add_value(self._find(vars(member), name, says), says)
        self._look_at_members(kind, self._attributes)

    def _look_at_members(self, kind: type, asked: Set[str]) -> None:
        """Look at the members of a class that are asked for: by code, or by Python itself."""
        for base, name, member in list(self._not_looked_at(kind, asked)):
            self._classes[kind].add((base, name))
            where = f"{kind.__name__}.{name} is"
            self._bound[id(base), name] = Bound(vars(base), member, where)
            self._look_at_member(kind, name, member)

    def _not_looked_at(self, kind: type, asked: Set[str]) -> Iterator[tuple[type, str, Any]]:
        """Yield what is still to be looked at: the class that has it, its name, and the member."""
        known = self._classes[kind]
        for base in kind.__mro__:
            if base.__flags__ & IMMUTABLE:
                continue
            names = vars(base).keys() & asked
            if asked is self._attributes:
                names |= {name for name in vars(base) if name[:2] == name[-2:] == "__"} - DATA
                names |= vars(base).keys() & getattr(kind, "__match_args__", ())
            for name in sorted(names):
                member = vars(base)[name]
                pythons = base in BASES and not isinstance(member, list | dict)
                if not pythons and (base, name) not in known:
                    yield base, name, member

    def _look_at_member(self, kind: type, name: str, member: Any) -> None:
        where = f"{kind.__name__}.{name} is"
        if type(member) in (staticmethod, classmethod):
            member = member.__func__
        elif type(member) in PROPERTIES:
            member = member.fget
        if type(member) is FunctionType and _is_made(member, kind, name):
            if name not in SETS:
                self._look_at_made(kind, name, member)
        elif type(member) is FunctionType and name in (*COMPARES, *HIDES):
            instead = "leave it out" if name in HIDES else "let its fields be compared"
            raise ThreadError(f"{where} not Python's own; {instead}.")
        elif type(member) not in OF_C:
            self.add_value(member, where)

    def _look_at_made(self, kind: type, name: str, function: FunctionType) -> None:
        """Look at what a function that Python has made holds: defaults of fields, factories."""
        for value in (*(function.__defaults__ or ()), *cells(function)):
            if type(value) is FunctionType:
                self._look_at_member(kind, name, value)
            elif function.__code__.co_filename not in FILES and value is not object:
                self.add_value(value, f"The default of a field of {kind.__name__} is")

    def is_as_it_was(self) -> bool:
        """Is all that was looked at still what it was?"""
        try:
            self.recheck()
        except ThreadError:
            return False
        return True

    def recheck(self) -> None:
        """Raise ThreadError if anything is not what it was when it was looked at."""
        for (_, name), (names, value, where) in self._bound.items():
            if names.get(name, Absent.HERE) is not value:
                raise ThreadError(f"{where} another value than when the check began.")
        for value, known, where in self._proxies.values():
            if frozen(value, where, ThreadError) != known:
                raise ThreadError(f"{where} another value than when the check began.")
        for function, code, held in self._functions.values():
            now = holds(function)
            same = len(now) == len(held) and all(map(operator.is_, now, held))
            if function.__code__ is not code or not same:
                raise ThreadError(f"{function.__name__} has changed while it was checked.")
        for kind in self._classes:
            for _, name, _ in self._not_looked_at(kind, self._attributes):
                raise ThreadError(f"{kind.__name__}.{name} was added while it was checked.")


current = Reach()  # what the check that is under way has looked at


def begin() -> Reach:
    """Return what the check has looked at that begins now; nothing, but for its rules."""
    global current
    if current.in_use or not current.is_as_it_was():
        current = Reach()
    return current


def _not_from_arguments(function: Any, where: str) -> ThreadError:
    owner = getattr(function, "__self__", None)
    of = type(owner).__name__ if owner is not None else function.__module__
    of = owner.__name__ if isinstance(owner, ModuleType) else of
    return ThreadError(
        f"{where} {function.__name__} of {of}, whose answer does not follow from what the thread "
        "knows; hand what it needs in as an argument."
    )


def _as_written(function: FunctionType) -> bool:
    """Is a function such as `def` makes, in names that are what they seem?"""
    names = function.__globals__, cast(Any, function).__builtins__
    return as_compiled(function.__code__) and all(type(found) is dict for found in names)


def _is_the_only_one(value: Any, further: list[str]) -> bool:
    """Is a value, or the member of an enum that is asked of it, compared by what it is?"""
    if isinstance(value, enum.EnumMeta) and len(further) == 1:
        return further[0] in value.__members__
    kind: Any = type(value)
    return not further and (kind is bool or kind.__eq__ is object.__eq__)


def _is_made(function: FunctionType, kind: type, name: str) -> bool:
    """Did Python make this member of a class?"""
    code = function.__code__
    words = {*MADE_OF.split(), *getattr(kind, "__dataclass_fields__", ())}
    made = name in SETS or (name in MADE and words.issuperset(code.co_names))
    return code.co_filename in FILES or (code.co_filename == "<string>" and made)


def _is_the_checkers(kind: type) -> bool:
    """Is it a class of this package?"""
    ours = kind.__module__.rpartition(".")[0] == __package__
    return ours and vars(sys.modules[kind.__module__]).get(kind.__name__) is kind


def _inside(value: Any) -> Iterable[Any]:
    """Return the parts of a value that cannot change."""
    if isinstance(value, MappingProxyType):
        return *value, *value.values()
    if isinstance(value, tuple | frozenset):
        return iter(value)
    return [getattr(value, field.name) for field in fields(value)] if is_dataclass(value) else ()


def _is_harmless(value: Any) -> bool:
    if type(type(value)) is type and type(value) in PLAIN:
        return True
    if type(value) is type and issubclass(value, BaseException):
        return vars(builtins).get(value.__name__) is value and value not in DEEP
    return id(value) in _HARMLESS
