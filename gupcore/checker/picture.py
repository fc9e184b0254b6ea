"""How a machine is drawn: what a player needs beyond words, and knows nothing of.

A machine that is not told how to be drawn is still a picture: each of its things a box.  A model
that wants more registers its own `drawn`, `tell` and `called` for its kind of machine.

A reference is drawn as a dot on the thing that is counted, with a line to whoever holds it.  Some
holders can be read off the machine: a mapping, a page.  A thread cannot: what it holds is what its
steps have taken and not given back, see `taken`.  Dots that are left are the thing's own, which it
was born with, and `keeper` is who will give them up.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import Any, NamedTuple

from .machine import CALLER, Thing, stopped, things

THERE, DYING, EMPTY, GONE = "there", "dying", "empty", "gone"
BESIDES = "besides"  # the room of what a machine is not told how to draw
BOX, ENTRY, PAGE, FRAME, CACHE, SECTION = "box", "entry", "page", "frame", "cache", "section"


class Drawn(NamedTuple):
    """How one thing is drawn.

    look    its shape: BOX, ENTRY, PAGE, FRAME, CACHE; or SECTION, which is drawn on who is inside
    room    the part of the machine it stands in; what shares a room stands together
    state   THERE, DYING: still there and no longer given out, EMPTY, or GONE
    words   a few words inside it
    refs    how many references there are on it; None: it is not counted
    held    the names of the things that hold them, one for each; of a section: the CPUs inside
    keeper  the name of the thing that will give up what it was born with; "" for none
    points  its arrows: (what it does to the other thing, the other thing's name)
    """

    look: str
    room: str
    state: str = THERE
    words: str = ""
    refs: int | None = None
    held: tuple[str, ...] = ()
    keeper: str = ""
    points: tuple[tuple[str, str], ...] = ()


class Known(NamedTuple):
    """What a thread knows: a local variable in a few words, and the thing it is about, if any."""

    name: str
    words: str
    about: str = ""


@singledispatch
def drawn(machine: Any) -> Mapping[str, Drawn]:
    """Return how the things of a machine are drawn, and what is drawn besides: {name: Drawn}."""
    return {thing.name: _plain(thing, "machine") for thing in things(machine)}


def picture(machine: Any) -> Mapping[str, Drawn]:
    """Return the same, and each thing that it leaves out as a box: what a subclass has added."""
    known = drawn(machine)
    further = [thing for thing in things(machine) if thing.name not in known]
    return {**known, **{thing.name: _plain(thing, BESIDES) for thing in further}}


def _plain(thing: Thing, room: str) -> Drawn:
    if thing.kind == "section":
        return Drawn(SECTION, "", THERE if thing.exists else EMPTY, thing.value)
    return Drawn(BOX, room, THERE if thing.exists else GONE, thing.value)


@singledispatch
def tell(machine: Any, name: str, value: Any) -> Known | None:
    """Say what a thread knows that has `value` in a local variable; None: nothing worth drawing.

    A variable that is called like a thing is taken to be about it.
    """
    about = name if any(thing.name == name for thing in things(machine)) else ""
    return Known(name, repr(value), about) if isinstance(value, bool | int | str | tuple) else None


@singledispatch
def called(machine: Any, kind: str, which: Any) -> str:
    """Return the name of a thing, by its kind and which of them it is; "" where none is drawn."""
    return kind if kind in picture(machine) else ""


def taken(before: Any, after: Any) -> dict[str, int]:
    """Return what a step has taken for its thread: {name of a thing: references}, or given back."""
    if stopped(after) or not hasattr(before, "references"):
        return {}
    was, now = before.references(after), after.references(before)
    more: dict[str, int] = {}
    for held in was.keys() & now.keys():
        kind, holder, which = held
        if holder == CALLER and now[held] != was[held]:
            more[called(after, kind, which)] = now[held] - was[held]
    more.pop("", None)
    return dict(sorted(more.items()))


def changed(was: Mapping[str, Drawn], now: Mapping[str, Drawn]) -> set[str]:
    """Return the names of the things that differ in the pictures before and after a step."""
    return {
        name
        for name, one in now.items()
        if one.look != SECTION
        and (name not in was or (one.state, one.words) != (was[name].state, was[name].words))
    }
