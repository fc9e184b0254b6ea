"""What an action declares that it does, as data.

Rules, judges, costs and the search over any number of callers ask for this, and never for an
action's name.  Whether it is true is seen where a step is taken: see `step`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from .source import ThreadError


class StepError(ThreadError):
    """A step whose action does what no action may; the message says in a sentence what to write."""


Reference = tuple[str, str]  # what kind of thing it is on, and who holds it


RESULT = "(result)"  # in place of a parameter: the frame is what the thread receives


class Use(NamedTuple):
    """How an action uses frames: by whom, and the names of its parameters that say which and how.

    by      "CPU" or "device"
    frames  the parameter that is a frame or a tuple of frames
    write   the parameter that says whether they are written; "" if they are always
    """

    by: str
    frames: str = "pfns"
    write: str = "write"


class Used(NamedTuple):
    """Frames that a step uses: by whom, which, and are they written?"""

    by: str
    frames: tuple[int, ...]
    write: bool


@dataclass(frozen=True)
class Does:
    """What an action declares that it does.

    reads      the kinds of things it looks at
    writes     the kinds of things it changes
    takes      the references it takes: (on what kind of thing, held by whom)
    drops      the references it drops: the same
    uses       the frames whose contents it uses
    allocates  is it an allocator: may it raise a count from zero?
    frees      may it give the last of something back to where it came from?
    waits      what it may wait for
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    takes: tuple[Reference, ...] = ()
    drops: tuple[Reference, ...] = ()
    uses: Use | None = None
    allocates: bool = False
    frees: bool = False
    waits: tuple[str, ...] = ()


NOTHING = Does()
DECLARED = [field.name for field in fields(Does)]


def declared(takes: str, does: Mapping[str, Any], more: str = "") -> Does:
    """Return what is declared; raise StepError, which says what it `takes`, for other names."""
    wrong = ", ".join(does.keys() - set(DECLARED))
    if wrong:
        raise StepError(f"{takes}, not {wrong}{more}.")
    return Does(**{name: _several(name, value) for name, value in does.items()})


def _several(name: str, value: Any) -> Any:
    """Return what is declared under a name as a tuple, also where it is one thing."""
    if isinstance(value, str) and name in ("reads", "writes", "waits"):
        return (value,)
    if name not in ("takes", "drops"):
        return value
    one = isinstance(value, str) or any(isinstance(part, str) for part in value)
    pairs = ((value,) if isinstance(value, str) else tuple(value),) if one else value
    for pair in pairs:
        if len(pair) != 2:
            right = f'{name}=("the thing", "who holds it")'
            raise StepError(f"A step declares {right}, or several such pairs; not {value!r}.")
    return pairs
