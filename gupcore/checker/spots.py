"""Where the kernel has the line that a step is taken on: known to a model that maps its lines.

The checker knows no kernel.  A model with such a map puts its lines into SPOTS.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from .step import Action


class Spot(NamedTuple):
    """A place in the kernel's source.

    words    file, line and version: "mm/gup.c:2034, v5.11"
    address  where it can be read; "" where there is none
    """

    words: str
    address: str


SPOTS: dict[tuple[str, str], Spot] = {}
"""{(function of the model, step or function that it calls): line}; "" calls from anywhere."""


def whence(action: Action, functions: Sequence[str]) -> Spot:
    """Return the kernel's function that a step stands for, with the line that it is taken on.

    Of the lines in which one function of the model calls the next, it is the innermost that is
    known; where none is, it is the function's file.

    action     the step's
    functions  of the model that the thread is in, outermost first
    """
    source = action.source
    calls = [*pairwise((*functions, action.name))][::-1]
    for call in (*calls, ("", action.name)):
        if source.file and call in SPOTS:
            words, address = SPOTS[call]
            return Spot(f"{source.function}(), {words}", address)
    return Spot(str(source), source.address)
