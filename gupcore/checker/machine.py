"""What a machine must offer, so that steps can act on it and people can see it.

A machine is a value that cannot change: a step makes a new machine from an old one.  Nothing else
is asked of it, so what is handed in as a machine is any `Hashable`; what is handed out again is of
the type that whoever made it knows.  What it may offer besides:

    oops        a field: the name of what was touched when it was gone; the run has then ended
    things      what a reader sees of it; without it, its fields
    wrote       the kinds of things that differ from another machine, and
    references  who holds how many references on what: both held against what a step declares
    words       the words with which a step declares that; without it, any

While a step acts, the machine hands its things out through methods that say so with `touch`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, NamedTuple, Protocol, Self, TypeGuard


class Gone(Exception):
    """A step reached for something that is not there any more; `thing` is its name."""

    def __init__(self, thing: str) -> None:
        self.thing = thing.removeprefix("the ")
        super().__init__(f"the {self.thing} is gone")


class Thing(NamedTuple):
    """One thing of the machine as a reader sees it.

    kind    "object", which exists or is gone; or "section", which somebody is inside or nobody is
    exists  is the object there, is anybody inside the section?
    value   its value in words
    detail  what there is to say beyond that, for who asks: a PTE's bits
    """

    name: str
    kind: str
    exists: bool
    value: str
    detail: tuple[str, ...] = ()


class Touch(NamedTuple):
    """One access to a thing of the machine: its kind, and which of them."""

    kind: str
    which: Hashable


DATA = "data of a frame"  # what a step touches that uses a frame, and does not only count it
CALLER = "a caller"  # a holder that the machine does not know: the thread that took the reference


class Words(NamedTuple):
    """What a step can speak of: kinds of things, who can hold one, what can be waited for."""

    things: frozenset[str]
    holders: frozenset[str]
    causes: frozenset[str]


class Accounts(Hashable, Protocol):
    """A machine that can tell what a step has done to it."""

    def wrote(self, before: Self) -> frozenset[str]:
        """Return the kinds of things that differ from the machine `before`."""

    def references(self, other: Self | None = None) -> Mapping[tuple[str, str, Any], int]:
        """Return {(kind of thing, who holds it, which thing): how many references}.

        other  a machine: only of what differs there
        """


def keeps_accounts(machine: object) -> TypeGuard[Accounts]:
    """Can a machine tell what a step has done to it?"""
    return hasattr(machine, "wrote")


_watched: list[set[Touch]] = []  # of the step that acts now, what it has touched


def touch(kind: str, which: Hashable = None) -> None:
    """Say that the step which acts now touches a thing; a machine's methods call it."""
    if _watched:
        _watched[-1].add(Touch(kind, which))


class watching:
    """A `with` that collects what is touched inside it."""

    def __enter__(self) -> set[Touch]:
        _watched.append(set())
        return _watched[-1]

    def __exit__(self, *_: object) -> None:
        _watched.pop()


def stopped(machine: object) -> bool:
    """Does nothing run any more on this machine?"""
    return getattr(machine, "oops", None) is not None


def things(machine: object) -> tuple[Thing, ...]:
    """Describe a machine for people: as it does itself, or else field by field."""
    described: tuple[Thing, ...] = machine.things() if hasattr(machine, "things") else ()
    kind: Any = type(machine)
    names = _further(kind)
    if not (described or names):
        return (Thing("machine", "object", True, str(machine)),)
    values = ((name, getattr(machine, name)) for name in names if name != "oops")
    further = (Thing(name, "object", value is not None, _in_words(value)) for name, value in values)
    return (*described, *further)


@cache
def _further(kind: type) -> tuple[str, ...]:
    """Name the fields that a machine of a class does not describe itself, as a subclass adds them.

    They are asked for with every machine that is drawn, and are always the same.
    """
    names = _fields(kind)
    for base in kind.__mro__:
        if "things" in vars(base):
            names = tuple(name for name in names if name not in _fields(base))
    return names


def _fields(kind: Any) -> tuple[str, ...]:
    named: tuple[str, ...] = getattr(kind, "_fields", ())
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else named


def _in_words(value: object) -> str:
    """Say what a field holds; None is a thing that is not there."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, frozenset):
        return ", ".join(sorted(map(str, value)))
    return "" if value is None else str(value)
