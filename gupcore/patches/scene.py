"""What a published patch is here: scenes of the code before and after it, and their parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..checker.rule import Rule
from ..checker.step import Thread
from ..checker.thread import Automaton
from ..kernel.design import (
    DESIGNS,
    Design,
)
from ..kernel.device import unbind
from ..kernel.gup import GupFast, gup_fast
from ..kernel.machine import (
    MAPPING,
    Machine,
)
from ..kernel.users import (
    direct_io,
    use,
)

BEFORE, AFTER, HALF = "before", "after", "half"


@dataclass(frozen=True)
class Scene:
    """One version of a patch: the machine and the threads, and what rules there are besides."""

    design: Design
    machine: Machine
    threads: tuple[Automaton, ...]
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Patch:
    """A patch.

    id        the beginning of its commit's id, or where it was posted
    title     its title
    rule      the rule that it mends
    versions  the names of its versions, see above
    scene     the scene of a version
    """

    id: str
    title: str
    rule: str
    versions: tuple[str, ...]
    scene: Callable[[str], Scene]


PATCHES: dict[str, Patch] = {}


def patch(
    number: str, title: str, rule: str, versions: tuple[str, ...] = (BEFORE, AFTER)
) -> Callable[[Callable[[str], Scene]], Callable[[str], Scene]]:
    """Register the scenes of a patch."""

    def register(scene: Callable[[str], Scene]) -> Callable[[str], Scene]:
        PATCHES[number] = Patch(number, title, rule, versions, scene)
        return scene

    return register


def named(base: Design, version: str, **changes: Any) -> Design:
    return replace(base, name=version, says="", **changes)


def direct_io_by(
    cpu: int, design: Design, flags: int = 0, at: int = MAPPING, walk: GupFast = gup_fast
) -> Automaton:
    return Automaton("direct I/O", direct_io, (cpu, at, 1, flags, design, walk))


def unbinds(cpu: int, design: Design) -> Automaton:
    return Automaton("unbind", unbind, (cpu, 1, design))


BOTH = DESIGNS["both"]  # the check and the cure: nothing is broken there


def fast_io(cpu: int, design: Design, walk: GupFast = gup_fast) -> Automaton:
    return Automaton("direct I/O", fast_direct_io, (cpu, design, walk))


def fast_direct_io(cpu: int, design: Design, walk: GupFast) -> Thread:
    """Run direct I/O, if gup-fast alone can pin the page."""
    pinned = yield from walk(cpu, MAPPING, 1, 0, design)
    if pinned:
        yield from use(cpu, pinned)
