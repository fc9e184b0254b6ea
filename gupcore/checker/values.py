"""Values that cannot change, and what tells one from another.

The checker knows a thread by its local variables and a machine by its fields.  Two of them are the
same only if nothing in them differs, and they stay the same only if nothing in them can change.
So each value gets a *key*.  It is finer than Python's `==`, for which True, 1 and 1.0 are one, and
range(0) is range(7, 7); and it is refused to whatever could be another value later, or keeps
something that the key leaves out.  What tells two values apart only by where they lie in memory is
kept out of the code that runs (see `reach`), but for functions, which are compared by nothing else.

    key        what a value is known by
    to change  to be another value later without being replaced: as a list does, or an iterator
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable, Iterable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from operator import attrgetter
from types import (
    BuiltinFunctionType,
    EllipsisType,
    FunctionType,
    MappingProxyType,
    MemberDescriptorType,
    ModuleType,
    NoneType,
)
from typing import Any

TO_WRITE = {
    "list": "a tuple",
    "set": "a frozenset",
    "dict": "a tuple of pairs or a MappingProxyType",
    "bytearray": "bytes",
    "cached_property": "@property",
    "lru_cache_wrapper": "the function without its cache",
    "partial": "a function",
    "method": "a function",
}
WORD = tuple.__itemsize__  # how many bytes of an object a field in a slot takes


class Changeable(TypeError):
    """A value that can change; the message names it as the end of a sentence: "a list, which …"."""

    def __init__(self, value: Any, says: str = "") -> None:
        super().__init__(says or in_words(value))
        self.value = value


def key(value: Any) -> Hashable:
    """Return what tells `value` from every other; raise Changeable if it could be another later."""
    kind = type(value)
    maker = _MAKERS.get(kind)
    if maker is None:
        maker = _MAKERS[kind] = _maker(kind, value)
    return maker(value)


def exactly(make_key: Callable[..., Hashable], *args: Any) -> Hashable:
    """Make a key that also tells in which order frozensets are gone through, and which functions
    are one.

    For what a thread holds: there such differences make no more nodes than there are.
    """
    global _met
    _met = {}
    try:
        return in_order(make_key, *args)
    finally:
        _met = None


def in_order(make_key: Callable[..., Hashable], *args: Any) -> Hashable:
    """Make a key that also tells in which order frozensets are gone through.

    For a machine, which is to hold no function that is made anew: such functions equal nothing
    else, and no key says which are one.
    """
    global _ordered
    _ordered = True
    try:
        return make_key(*args)
    finally:
        _ordered = False


_ordered = False  # is it to be told in which order frozensets are gone through?
_met: dict[int, int] | None = None  # which functions were met, as the how many-eth


def key_like(value: Any, other: Any, others_key: Any) -> Hashable:
    """Return the key of a record that shares most fields with `other`, whose key is known."""
    kind, parts = type(value), _SLOTTED.get(type(value))
    if parts is None or type(other) is not kind:
        return key(value)
    pairs = zip(parts(value), parts(other), others_key[1], strict=True)
    return kind, tuple([known if new is old else key(new) for new, old, known in pairs])


def _keys(values: Iterable[Any]) -> tuple[Hashable, ...]:
    """Return the keys of some values, most of which are their own."""
    return tuple([value if type(value) in ITSELF else key(value) for value in values])


def _maker(kind: type, value: Any) -> Callable[[Any], Hashable]:
    """Return what makes keys for values of a kind that was not met before."""
    known: Any = kind
    if issubclass(kind, Enum):
        return lambda member: (kind, member._name_, key(member._value_))
    if issubclass(kind, type):
        return lambda found: (type, found)
    if is_dataclass(kind) and known.__dataclass_params__.frozen:
        names = tuple(field.name for field in fields(known))
        parts: Callable[[Any], Iterable[Any]] = _getter(names)
    elif issubclass(kind, tuple) and hasattr(kind, "_fields"):
        names, parts = known._fields, tuple.__iter__
    else:
        raise Changeable(value)
    hides = _hides(known, names)
    if hides:
        raise Changeable(value, f"{a_kind_of(value)}, {hides}")
    by_itself = kind.__eq__ is object.__eq__
    has_dict = hasattr(value, "__dict__")
    if not (by_itself or parts is tuple.__iter__ or has_dict):
        _SLOTTED[kind] = parts

    def of_record(record: Any) -> Hashable:
        beside = has_dict and record.__dict__.keys() - names
        if beside:
            says = f"{a_kind_of(record)} that keeps {min(beside)} beside its fields"
            raise Changeable(record, says)
        inside = _keys(parts(record))
        return (kind, id(record), record) if by_itself else (kind, inside)

    return of_record


def _getter(names: tuple[str, ...]) -> Callable[[Any], Iterable[Any]]:
    """Return what gets the fields of a record."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda record: [getattr(record, name) for name in names]


def _hides(kind: Any, names: tuple[str, ...]) -> str:
    """Say what a kind of record keeps where its key does not look; nothing, if it keeps nothing."""
    if kind.__eq__ is object.__eq__ and kind.__hash__ is not object.__hash__:
        return "which has a hash of its own"
    record, slots = issubclass(kind, tuple), 0
    start: Any = tuple if record else object
    if kind.__getattribute__ is not start.__getattribute__:
        return "which makes up its attributes"
    for field in () if record else fields(kind):
        if not field.compare:
            return f"whose field {field.name} is not compared"
    for name, member in [pair for base in kind.__mro__ for pair in vars(base).items()]:
        if name in names and isinstance(member, MemberDescriptorType):
            slots += 1
        elif name in names and hasattr(type(member), "__set__") and not record:
            return f"whose field {name} is hidden behind a {type(member).__name__}"
    slots += sum(at > 0 or at == -WORD for at in (kind.__dictoffset__, kind.__weakrefoffset__))
    if kind.__basicsize__ != start.__basicsize__ + WORD * slots:
        return "which keeps more than its fields"
    return ""


def _of_function(function: FunctionType) -> Hashable:
    """A function made anew each time a thread runs is the same one, if all that it holds is."""
    if id(function) in named:
        return FunctionType, id(function)
    if _ordered and _met is None:
        says = "a function that is made anew each time; define it outside of functions"
        raise Changeable(function, says)
    which = None if _met is None else _met.setdefault(id(function), len(_met))
    held = tuple(map(_of_held, holds(function)))
    return FunctionType, function.__code__, id(function.__globals__), held, which


def holds(function: FunctionType) -> tuple[Any, ...]:
    """Return what a function holds besides its code: defaults, attributes, free variables."""
    by_name = function.__kwdefaults__ or {}
    beside = (by_name, vars(function))
    pairs = [part for names in beside for pair in names.items() for part in pair]
    return (function.__defaults__, len(by_name), *pairs, *cells(function))


def cells(function: FunctionType) -> tuple[Any, ...]:
    """Return what a function's free variables hold, with Empty for one that holds nothing yet."""
    found = []
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:
            found.append(Absent.HERE)
    return tuple(found)


class Absent(Enum):
    """What stands where there is nothing: under a name, or in a free variable."""

    HERE = "nothing"


named: dict[int, FunctionType] = {}  # functions that code can name, and so tell from their likes
_open: list[int] = []  # the objects whose keys are being made: a function can hold itself


def _of_held(value: Any) -> Hashable:
    if id(value) in _open:
        return "itself"
    _open.append(id(value))
    try:
        return key(value)
    finally:
        _open.pop()


def _of_builtin(function: BuiltinFunctionType) -> Hashable:
    if not isinstance(function.__self__, ModuleType | NoneType | type):
        whose = a_kind_of(function.__self__)
        raise Changeable(
            function, f"{function.__name__} of {whose}, which can change; call it before the yield"
        )
    return BuiltinFunctionType, function


def _of_float(number: float | complex) -> Hashable:
    """It tells 0.0 from -0.0."""
    if number != number:
        raise Changeable(number, "a nan, which does not equal itself; use None")
    return type(number), repr(number)


def _of_proxy(proxy: MappingProxyType[Any, Any]) -> Hashable:
    (behind,) = gc.get_referents(proxy)
    if type(behind) is not dict:
        raise Changeable(proxy, f"a MappingProxyType of {a_kind_of(behind)}; make it of a dict")
    return MappingProxyType, key(tuple(behind.items()))


def _of_set(value: frozenset[Any]) -> Hashable:
    if _ordered and len(value) > 1:  # what comes first depends on the room it has, too
        return frozenset, value.__sizeof__(), _keys(value), _places(value)
    return frozenset, frozenset(_keys(value))


def _places(value: frozenset[Any]) -> Hashable:
    """Tell where in the table of a set's copy its elements lie: a further one comes between them.

    Where two of them belong in one slot, that depends on how the set was made.  It is found out by
    guests: for each slot there are some that belong there and, if it is taken, go to each other
    slot.  From a free slot none of them goes further back; from a taken one at least one does.
    (CPython's Objects/setobject.c: `set_add_entry`, `set_merge`.)
    """
    slots = 8 if len(value) < 5 else 1 << (2 * len(value)).bit_length()
    homes = {hash(element) % slots for element in value}
    if len(homes) == len(value):
        return None
    if slots > 32:
        says = f"a frozenset of {len(value)} elements, whose order depends on how it was made"
        raise Changeable(value, f"{says}; use a sorted tuple")
    larger = {hash(element) % 32 for element in value}  # to which a table of 8 slots grows
    return tuple(
        [
            [*copied].index(guest)
            for home in sorted({*range(slots), *larger})
            for guest in [_guest(home + 32 * second) for second in range(slots)]
            for copied in [{*value, guest}]
        ]
    )


class Guest:
    """An element that equals no other; its hash is a number below 1,024."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __hash__(self) -> int:
        return self._number


_guest = cache(Guest)


ITSELF = frozenset((NoneType, int, str, bytes, EllipsisType))  # what is its own key
# A key that is a tuple begins with a class, or is that of a tuple: the key of a class is none.
_MAKERS: dict[type, Callable[[Any], Hashable]] = {
    **dict.fromkeys(ITSELF, lambda value: value),
    bool: lambda value: (bool, value),
    **dict.fromkeys((float, complex), _of_float),
    range: lambda value: (range, key((value.start, value.stop, value.step))),
    tuple: _keys,
    frozenset: _of_set,
    MappingProxyType: _of_proxy,
    FunctionType: _of_function,
    BuiltinFunctionType: _of_builtin,
}
_SLOTTED: dict[type, Callable[[Any], Iterable[Any]]] = {}  # what gets all that a record keeps
PLAIN = frozenset((NoneType, bool, int, float, complex, str, bytes, EllipsisType, range))


def in_words(value: Any) -> str:
    """Say of a value that can change what it is, and what to write instead."""
    if issubclass(type(value), ModuleType):
        return f"the module {value.__name__}, which can change; name what you need of it"
    if hasattr(type(value), "__next__"):
        return "an iterator, whose position the checker cannot see; use a tuple and a counter"
    if is_dataclass(type(value)):
        return f"{a_kind_of(value)}, which can change; write @dataclass(frozen=True)"
    instead = TO_WRITE.get(
        type(value).__name__.lstrip("_"), "a number, a tuple or a frozen dataclass"
    )
    return f"{a_kind_of(value)}, which can change; use {instead}"


def a_kind_of(value: Any) -> str:
    """Name the type of a value, with its article."""
    kind = type(value).__name__.lstrip("_")
    return f"a{'n' if kind[0] in 'aeiouAEIO' else ''} {kind}"


def frozen(value: Any, where: str, error: type[Exception]) -> Hashable:
    """Return the key of `value`; raise `error`, with a sentence that begins with `where`."""
    try:
        return key(value)
    except Changeable as found:
        inside = "" if found.value is value else f"{a_kind_of(value)} with "
        raise error(f"{where} {inside}{found}.") from None
    except RecursionError:
        raise error(f"{where} a value that contains itself, or too many others.") from None
    except AttributeError:
        raise error(f"{where} {a_kind_of(value)} without one of its fields.") from None
