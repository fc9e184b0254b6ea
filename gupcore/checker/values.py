"""Values that cannot change, and what tells one from another.

The checker knows a thread by its local variables and a machine by its fields.  Two of them are the
same only if nothing in them differs, and they stay the same only if nothing in them can change.
So each value gets a *key*.  It is finer than Python's `==`, for which True, 1 and 1.0 are one, and
it is refused to whatever could be another value later, or keeps something that comparison leaves
out.

    key        what a value is known by
    to change  to be another value later without being replaced: as a list does, or an iterator
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from enum import Enum
from types import (
    BuiltinFunctionType,
    EllipsisType,
    FunctionType,
    MappingProxyType,
    ModuleType,
    NoneType,
)
from typing import Any

TO_WRITE = {
    "list": "a tuple",
    "set": "a frozenset",
    "dict": "a tuple of pairs or a MappingProxyType",
    "bytearray": "bytes",
}


class Changeable(TypeError):
    """A value that can change; the message names it as the end of a sentence: "a list, which …"."""


def key(value: Any) -> Hashable:
    """Return what tells `value` from every other; raise Changeable if it could be another later."""
    kind = type(value)
    maker = _MAKERS.get(kind)
    if maker is None:
        maker = _MAKERS[kind] = _maker(kind, value)
    return maker(value)


def key_like(value: Any, other: Any, others_key: Any) -> Hashable:
    """Return the key of a record that shares most fields with `other`, whose key is known."""
    kind, names = type(value), _SLOTTED.get(type(value))
    if names is None or type(other) is not kind:
        return key(value)
    _, parts = others_key
    return kind, tuple(
        [
            part if getattr(value, name) is getattr(other, name) else key(getattr(value, name))
            for name, part in zip(names, parts, strict=True)
        ]
    )


def _maker(kind: type, value: Any) -> Callable[[Any], Hashable]:
    """Return what makes keys for values of a kind that was not met before."""
    if issubclass(kind, Enum):
        return lambda member: (kind, member.name)
    if issubclass(kind, type):
        return lambda known: (type, known)
    frozen = is_dataclass(kind) and kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    if not frozen and not (issubclass(kind, tuple) and hasattr(kind, "_fields")):
        raise Changeable(in_words(value))
    known: Any = kind
    left_out = [field.name for field in fields(known) if not field.compare] if frozen else []
    if left_out:
        raise Changeable(f"a {kind.__name__}, whose field {left_out[0]} is not compared")
    names = tuple(field.name for field in fields(known)) if frozen else tuple(known._fields)
    by_itself = frozen and not kind.__dataclass_params__.eq  # type: ignore[attr-defined]
    if not by_itself and not hasattr(value, "__dict__"):
        _SLOTTED[kind] = names

    def of_record(record: Any) -> Hashable:
        beside = getattr(record, "__dict__", {}).keys() - names
        if beside:
            raise Changeable(f"a {kind.__name__} that keeps {min(beside)} beside its fields")
        parts = tuple([key(getattr(record, name)) for name in names])
        return (kind, id(record), record) if by_itself else (kind, parts)

    return of_record


def _of_function(function: FunctionType) -> Hashable:
    """A function made anew each time a thread runs is the same one: code, defaults and closure."""
    defaults = key(function.__defaults__), key(tuple((function.__kwdefaults__ or {}).items()))
    closure = tuple(map(_of_cell, cells(function)))
    return FunctionType, function.__code__, id(function.__globals__), defaults, closure


def cells(function: FunctionType) -> tuple[Any, ...]:
    """Return what a function's free variables hold, with None for one that holds nothing yet."""
    found = []
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:
            found.append(None)
    return tuple(found)


_open: list[int] = []  # the objects whose keys are being made: a function's closure can hold itself


def _of_cell(value: Any) -> Hashable:
    if id(value) in _open:
        return "itself"
    _open.append(id(value))
    try:
        return key(value)
    finally:
        _open.pop()


def _of_builtin(function: BuiltinFunctionType) -> Hashable:
    if not isinstance(function.__self__, ModuleType | NoneType | type):
        raise Changeable(in_words(function))
    return BuiltinFunctionType, function


def _itself(value: Hashable) -> Hashable:
    return value


# A key that is a tuple begins with a class, or is that of a tuple: the key of a class is none.
_MAKERS: dict[type, Callable[[Any], Hashable]] = {
    **dict.fromkeys((NoneType, int, str, bytes, EllipsisType, range), _itself),
    bool: lambda value: (bool, value),
    float: lambda value: (float, repr(value)),  # tells 0.0 from -0.0; one nan is like another
    complex: lambda value: (complex, repr(value)),
    tuple: lambda value: tuple([key(part) for part in value]),
    frozenset: lambda value: (frozenset, frozenset(map(key, value))),
    MappingProxyType: lambda value: (
        MappingProxyType,
        frozenset((key(name), key(value[name])) for name in value),
    ),
    FunctionType: _of_function,
    BuiltinFunctionType: _of_builtin,
}
_SLOTTED: dict[type, tuple[str, ...]] = {}  # records that keep nothing beside these fields
PLAIN = frozenset((NoneType, bool, int, float, complex, str, bytes, EllipsisType, range))


def in_words(value: Any) -> str:
    """Say of a value that can change what it is, and what to write instead."""
    kind = type(value).__name__
    if isinstance(value, ModuleType):
        return f"the module {value.__name__}, which can change; name what you need of it"
    if hasattr(value, "__next__"):
        return "an iterator, whose position the checker cannot see"
    if is_dataclass(value):
        return f"a {kind}, which can change; write @dataclass(frozen=True)"
    instead = TO_WRITE.get(kind, "a tuple or a number")
    return f"a{'n' if kind[0] in 'aeiou' else ''} {kind}, which can change; use {instead}"


def frozen(value: Any, where: str, error: type[Exception]) -> Hashable:
    """Return the key of `value`; raise `error`, with a sentence that begins with `where`."""
    try:
        return key(value)
    except Changeable as found:
        raise error(f"{where} {found}.") from None
    except RecursionError:
        raise error(f"{where} a value that contains itself.") from None
