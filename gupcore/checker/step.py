"""What a step is: one thing one CPU does to the machine, which nobody can come between.

One step is one access to shared memory, or one atomic read-modify-write, or one critical
section under a lock that the kernel really holds there.  A longer piece of kernel code that is
one step says in its docstring why that loses nothing.  Computation on local values is free and
is no step.

A step is a value: an action and its arguments.  `take` applies it to a machine and answers with
an `Effect`, or with `Blocked` and a sentence that says what it waits for.  What an action answers
is checked when it answers.

An action names the kernel function it stands for, and *declares* what it does: what it touches,
which references it takes and drops and for whom, which frames it uses, what it may wait for.
Rules, judges and costs ask for that, never for its name.  A machine that keeps accounts (see
`machine`) sees what is done to it; what an action did and does not declare is then an error of the
action.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Set
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar, NamedTuple

from .machine import DATA, Accounts, Gone, Touch, keeps_accounts, stopped, watching
from .patience import call
from .source import ThreadError
from .values import a_kind_of, frozen


class StepError(ThreadError):
    """A step whose action does what no action may; the message says in a sentence what to write."""


class Effect(NamedTuple):
    """What a step did: the machine after it, one sentence, and what the thread receives."""

    machine: Any
    said: str
    result: Hashable = None


class Blocked(NamedTuple):
    """A step that cannot be taken yet, and why.

    why  one sentence
    on   what it waits for: one of the causes that the action declares, or "" where it declares none
    by   the CPUs that can end the wait; empty where it is whoever holds a reference
    """

    why: str
    on: str = ""
    by: frozenset[int] = frozenset()


class Source(NamedTuple):
    """Where the kernel does this."""

    function: str
    file: str
    version: str

    def __str__(self) -> str:
        return f"{self.function}(), {self.file}, {self.version}"

    @property
    def address(self) -> str:
        """Where the file can be read as it was in that version; "" where there is none."""
        if not self.version.startswith("v"):
            return ""
        return f"https://github.com/torvalds/linux/blob/{self.version}/{self.file}"


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


@dataclass(frozen=True, eq=False)
class Action:
    """A kind of step.  Called with its arguments it makes a `Step`, which does nothing yet.

    name      the name a thread calls it by
    does      one sentence
    source    the kernel function it stands for
    apply     the effect: of a machine and the arguments, an Effect or Blocked
    declares  what it does, as data
    """

    name: str
    does: str
    source: Source
    apply: Callable[..., Effect | Blocked]
    declares: Does = Does()
    makes_steps: ClassVar[bool] = True

    def __call__(self, *args: Hashable) -> Step:
        return Step(self, args)

    def __repr__(self) -> str:
        return self.name

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its arguments."""
        code = self.apply.__code__
        return code.co_varnames[1 : code.co_argcount]


@dataclass(frozen=True, slots=True)
class Step:
    """One action with its arguments: what a thread yields."""

    action: Action
    args: tuple[Hashable, ...]

    def take(self, machine: Hashable) -> Effect | Blocked:
        """Apply the step to `machine`.

        Touching a struct page or a page table that is gone ends the run: the kernel oopses, or
        reads what it must not, and nothing the threads would do afterwards is judged.

        Raises StepError for an action that fails, or answers what no action may.
        """
        return self.watched(machine)[0]

    def watched(self, machine: Hashable) -> tuple[Effect | Blocked, set[Touch]]:
        """Apply the step, and return with its answer what the machine saw it touch."""
        if stopped(machine):
            return Blocked("The kernel has oopsed; the run ends here."), set()
        with watching() as touched:
            try:
                answer = call(self.action.apply, machine, *self.args)
            except Gone as fault:
                answer = _oops(machine, fault)
            except (StepError, MemoryError):
                raise
            except Exception as error:
                raise StepError(f"{self!r} cannot be taken: {error}") from error
        _check_answer(self.action, machine, answer)
        if keeps_accounts(machine):
            _check_declared(self.action, machine, answer, touched)
        return answer, touched

    @property
    def used(self) -> Used | None:
        """The frames that it uses, as its action declares; None if it uses none."""
        uses = self.action.declares.uses
        if uses is None:
            return None
        given = dict(zip(self.action.parameters, self.args, strict=False))
        frames: Any = given.get(uses.frames, ())
        write = bool(given.get(uses.write, True))
        return Used(uses.by, frames if isinstance(frames, tuple) else (frames,), write)

    def __repr__(self) -> str:
        return f"{self.action.name}({', '.join(map(repr, self.args))})"


def _oops(machine: Any, fault: Gone) -> Effect:
    if not hasattr(machine, "oops"):
        raise StepError(
            f"A step reached for the {fault.thing}, which is gone, and the machine has no field "
            "to say so; give it `oops: str | None = None`."
        )
    said = f"Touches the {fault.thing}, which is gone: oops."
    return Effect(replace(machine, oops=fault.thing), said)


def _check_answer(action: Action, machine: Hashable, answer: object) -> None:
    """Raise StepError unless `answer` is what an action may answer."""
    if isinstance(answer, Blocked) and isinstance(answer.why, str):
        return
    if isinstance(answer, Effect) and type(answer.machine) is type(machine):
        if isinstance(answer.said, str):
            frozen(answer.result, f"The step {action.name} gives the thread", StepError)
            return
        wrong = f"an Effect that says {answer.said!r} where a sentence belongs"
    elif isinstance(answer, Effect):
        wrong = f"an Effect with {a_kind_of(answer.machine)} for a machine, where the machine is "
        wrong += a_kind_of(machine)
    elif answer is None:
        wrong = "nothing (was a `return` forgotten?)"
    else:
        wrong = "the machine itself" if type(answer) is type(machine) else a_kind_of(answer)
    raise StepError(
        f"The step {action.name} returns {wrong}; it must return "
        'Effect(machine, "What it did.", result) or Blocked("What it waits for.").'
    )


def _check_declared(
    action: Action, machine: Accounts, answer: Effect | Blocked, touched: set[Touch]
) -> None:
    """Raise StepError if a step did what its action does not declare."""
    did: dict[str, Set[Any]] = {"reads": {touch.kind for touch in touched}}
    if isinstance(answer, Blocked):
        did["waits"] = {answer.on}
    elif answer.machine is not machine and not stopped(answer.machine):
        did["writes"] = answer.machine.wrote(machine)
        if did["writes"]:
            before, after = machine.references(answer.machine), answer.machine.references(machine)
            if before != after:
                more = {held: after[held] - before[held] for held in before if held in after}
                did["takes"] = {held[:2] for held in more if more[held] > 0}
                did["drops"] = {held[:2] for held in more if more[held] < 0}
    may = _may(action)
    lacking = {name: of - may[name] for name, of in did.items() if not of <= may[name]}
    if lacking:
        raise StepError(_undeclared(action.name, lacking))


@cache
def _may(action: Action) -> dict[str, frozenset[Any]]:
    """Return what an action declares; what changes a thing or uses it may look at it, too."""
    does = action.declares
    may = {name: frozenset(getattr(does, name)) for name in ("writes", "takes", "drops", "waits")}
    return {"reads": frozenset((*does.reads, *does.writes, *([DATA] if does.uses else []))), **may}


def _undeclared(name: str, lacking: dict[str, Set[Any]]) -> str:
    """Say what the action of that name is to declare."""
    reads = lacking.pop("reads", set()) - lacking.get("writes", set())
    if DATA in reads:
        return f"The step {name} uses frames; declare uses=Use(by, frames, write)."
    lacking = {"reads": reads, **lacking} if reads else lacking
    words = (f"{declares}={tuple(sorted(of))!r}" for declares, of in lacking.items())
    return (
        f"The step {name} does what it does not declare; add to its @models(…): {', '.join(words)}."
    )


Thread = Generator[Step, Any, Any]  # what a thread function returns


def models(
    function: str, file: str, version: str = "v5.11", **does: Any
) -> Callable[[Callable[..., Effect | Blocked]], Action]:
    """Declare which kernel function an action stands for, and what it does.

    function, file, version  of the kernel's function
    does                     what the action declares, see `Does`
    """

    def declare(apply: Callable[..., Effect | Blocked]) -> Action:
        says = (apply.__doc__ or "").split("\n")[0]
        return Action(apply.__name__, says, Source(function, file, version), apply, Does(**does))

    return declare
