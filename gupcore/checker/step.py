"""What a step is: one thing one CPU does to the machine, which nobody can come between.

One step is one access to shared memory, or one atomic read-modify-write, or one critical
section under a lock that the kernel really holds there.  A longer piece of kernel code that is
one step says in its docstring why that loses nothing.  Computation on local values is free and
is no step.

A step is a value: an action and its arguments.  `take` applies it to a machine and answers with
an `Effect`, or with `Blocked` and a sentence that says what it waits for.  Every action names
the kernel function it stands for, its file and the version it models.

The actions themselves are in the folder steps/, by what they touch.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

from .machine import Gone


class Effect(NamedTuple):
    """What a step did: the machine after it, one sentence, and what the thread receives."""

    machine: Any
    said: str
    result: Hashable = None


class Blocked(NamedTuple):
    """A step that cannot be taken yet, and why."""

    why: str


class Source(NamedTuple):
    """Where the kernel does this."""

    function: str
    file: str
    version: str

    def __str__(self) -> str:
        return f"{self.function}(), {self.file}, {self.version}"


@dataclass(frozen=True, eq=False, slots=True)
class Action:
    """A kind of step.  Called with its arguments it makes a `Step`, which does nothing yet.

    name    the name a thread calls it by
    does    one sentence
    source  the kernel function it stands for
    apply   the effect: of a machine and the arguments, an Effect or Blocked
    """

    name: str
    does: str
    source: Source
    apply: Callable[..., Effect | Blocked]
    makes_steps: ClassVar[bool] = True

    def __call__(self, *args: Hashable) -> Step:
        return Step(self, args)

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Step:
    """One action with its arguments: what a thread yields."""

    action: Action
    args: tuple[Hashable, ...]

    def take(self, machine: Any) -> Effect | Blocked:
        """Apply the step to `machine`.

        Touching a struct page or a page table that is gone ends the run: the kernel oopses, or
        reads what it must not, and nothing the threads would do afterwards is judged.
        """
        if machine.oops is not None:
            return Blocked("The kernel has oopsed; the run ends here.")
        try:
            return self.action.apply(machine, *self.args)
        except Gone as fault:
            said = f"Touches the {fault.thing}, which is gone: oops."
            return Effect(replace(machine, oops=fault.thing), said)

    def __repr__(self) -> str:
        return f"{self.action.name}({', '.join(map(repr, self.args))})"


Thread = Generator[Step, Any, Any]  # what a thread function returns

ACTIONS: list[Action] = []  # every action of the model: the kernel map is made from this list


def models(
    function: str, file: str, version: str = "v5.11"
) -> Callable[[Callable[..., Effect | Blocked]], Action]:
    """Declare the kernel function, its file and its version that an action stands for."""

    def declare(apply: Callable[..., Effect | Blocked]) -> Action:
        does = (apply.__doc__ or "").split("\n")[0]
        action = Action(apply.__name__, does, Source(function, file, version), apply)
        ACTIONS.append(action)
        return action

    return declare
