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
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from inspect import isfunction, signature
from typing import Any, ClassVar, NamedTuple, overload

from .asked import raised
from .declared import DECLARED, NOTHING, RESULT, Does, Use, Used, declared
from .declared import StepError as StepError
from .machine import DATA, Accounts, Gone, Touch, keeps_accounts, stopped, watching
from .patience import call
from .values import a_kind_of, frozen


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
    """Where the kernel does this; a step that stands for nothing in it has a function's name only.

    A version is a tag of Linux, or says what else it is: "my patch".
    """

    function: str
    file: str = ""
    version: str = ""

    def __str__(self) -> str:
        return f"{self.function}(), {self.file}, {self.version}" if self.file else self.function

    @property
    def address(self) -> str:
        """Where the file can be read as it was in that version; "" where there is none."""
        if not self.version.startswith("v"):
            return ""
        return f"https://github.com/torvalds/linux/blob/{self.version}/{self.file}"


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
    declares: Does = NOTHING
    makes_steps: ClassVar[bool] = True

    def __call__(self, *args: Hashable, **named: Hashable) -> Step:
        """Make a step; what it cannot be called with is said when it is taken, with the line."""
        lacks = len(self.parameters) - len(args)
        defaults = getattr(self.apply, "__defaults__", None) or ()
        if not named and 0 <= lacks <= len(defaults):
            return Step(self, args + defaults[len(defaults) - lacks :])
        with suppress(TypeError):
            given = signature(self.apply).bind(None, *args, **named)
            given.apply_defaults()
            return Step(self, given.args[1:])
        return Step(self, (*args, *named.values()))

    def __repr__(self) -> str:
        return self.name

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its arguments."""
        code = getattr(self.apply, "__code__", None)
        return code.co_varnames[1 : code.co_argcount] if code else ()

    @property
    def call(self) -> str:
        """How it is called: its name, and the names of its arguments."""
        return f"{self.name}({', '.join(self.parameters)})"


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
                raise StepError(self._cannot(machine, error)) from error
        _check_answer(self.action, machine, answer)
        if keeps_accounts(machine):
            _check_declared(self.action, machine, answer, touched)
        return answer, touched

    def _cannot(self, machine: Hashable, error: Exception) -> str:
        """Say why it cannot be taken, and where an argument or a field is wrong what is right."""
        action = self.action
        try:
            signature(action.apply).bind(machine, *self.args)
        except TypeError:
            return f"{self!r} cannot be taken: write {action.call}, without the machine."
        why = raised(error, action.apply, machine)
        if ".__new__() missing" in why:
            why = f"{why[:-1]}; {MUST_RETURN}"
        if isinstance(error, LookupError):
            why = f'{why[:-1]}; where a thing can be gone, raise Gone("its name").'
        return f"{self!r} cannot be taken: {why}"

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
        wrong = "Blocked without its sentence" if answer is Blocked else wrong
    raise StepError(f"The step {action.name} returns {wrong}; {MUST_RETURN}")


MUST_RETURN = (
    'it must return Effect(machine, "What it did.", result) or Blocked("What it waits for.").'
)


def _check_declared(
    action: Action, machine: Accounts, answer: Effect | Blocked, touched: set[Touch]
) -> None:
    """Raise StepError if a step did what its action does not declare."""
    _check_words(action, type(machine))
    did: dict[str, Set[Any]] = {"reads": {touch.kind for touch in touched}}
    if isinstance(answer, Blocked):
        did["waits"] = {answer.on}
        _check_cause(action, answer, type(machine))
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
        raise StepError(_undeclared(action, lacking))


@cache
def _check_words(action: Action, kind: Any) -> None:
    """Raise StepError for a word in a declaration that the machine does not know."""
    if not hasattr(kind, "words"):
        return
    does, words = action.declares, kind.words()
    both = (*does.takes, *does.drops)
    for said, known in (
        ((*does.reads, *does.writes, *(held[0] for held in both)), words.things),
        ([held[1] for held in both], words.holders),
        (does.waits, words.causes),
    ):
        for word in said:
            if word not in known:
                choices = get_close_matches(word, known, 1) or sorted(known)
                raise StepError(
                    f"The step {action.name} declares {word!r}, which is no word of the machine; "
                    f"write {' or '.join(map(repr, choices))}."
                )


def _check_cause(action: Action, answer: Blocked, kind: Any) -> None:
    """Raise StepError where a step waits for what the machine has no word for."""
    if hasattr(kind, "words") and answer.on not in (causes := kind.words().causes):
        says = f"waits for {answer.on!r}" if answer.on else "does not say what it waits for"
        first, *others = get_close_matches(answer.on, causes, 1) or sorted(causes)
        instead = f", or in its place {' or '.join(map(repr, others))}" if others else ""
        raise StepError(
            f'The step {action.name} {says}; write Blocked("Why it waits.", {first!r}), '
            f"and declare waits={first!r}{instead}."
        )


@cache
def _may(action: Action) -> dict[str, frozenset[Any]]:
    """Return what an action declares; what changes a thing or uses it may look at it, too."""
    does = action.declares
    may = {name: frozenset(getattr(does, name)) for name in ("writes", "takes", "drops", "waits")}
    return {"reads": frozenset((*does.reads, *does.writes, *([DATA] if does.uses else []))), **may}


def _undeclared(action: Action, lacking: dict[str, Set[Any]]) -> str:
    """Say what an action is to declare."""
    reads = lacking.pop("reads", set()) - lacking.get("writes", set())
    if DATA in reads:
        return f"The step {action.name} uses frames; declare uses=Use(by, frames, write)."
    lacking = {"reads": reads, **lacking} if reads else lacking
    words = (f"{declares}={tuple(sorted(of))!r}" for declares, of in lacking.items())
    made = "@models(…)" if action.source.file else "@step(…)"
    return (
        f"The step {action.name} does what it does not declare; "
        f"add to its {made}: {', '.join(words)}."
    )


Thread = Generator[Step, Any, Any]  # what a thread function returns


@overload
def step(apply: Callable[..., Effect | Blocked]) -> Action: ...
@overload
def step(**does: Any) -> Callable[[Callable[..., Effect | Blocked]], Action]: ...
def step(apply: Callable[..., Effect | Blocked] | None = None, **does: Any) -> Any:
    """Make a step of a function, one that stands for no function of the kernel.

    apply  of a machine and the step's arguments, an Effect or Blocked
    does   what the step declares, see `Does`; a single word needs no tuple

    Raises StepError for what nobody declares so.
    """
    declares = declared(f"@step takes any of {', '.join(DECLARED)}", does)

    def declare(apply: Callable[..., Effect | Blocked]) -> Action:
        return _action(apply, Source(apply.__name__), declares)

    return declare if apply is None else declare(apply)


def models(
    function: str, file: str = "", version: str = "v5.11", **does: Any
) -> Callable[[Callable[..., Effect | Blocked]], Action]:
    """Make a step of a function: declare which kernel function it stands for, and what it does.

    function, file, version  of the kernel's function
    does                     what the step declares, see `Does`; a single word needs no tuple

    Raises StepError for what nobody declares so.
    """
    takes = f"@models takes a function of the kernel, its file, and any of {', '.join(DECLARED)}"
    other = "; a step that stands for none is made with @step"
    if not isinstance(function, str) or not file:
        raise StepError(f"{takes}{other}.")
    declares = declared(takes, does, other)

    def declare(apply: Callable[..., Effect | Blocked]) -> Action:
        return _action(apply, Source(function, file, version), declares)

    return declare


def _action(apply: Callable[..., Effect | Blocked], source: Source, declares: Does) -> Action:
    """Return the action; raise StepError where its function or frames cannot be what is meant."""
    says = (apply.__doc__ or apply.__name__.replace("_", " ")).split("\n")[0]
    action = Action(apply.__name__, says, source, apply, declares)
    if isfunction(apply) and not apply.__code__.co_argcount:
        raise StepError(
            f"The step {action.name} takes no machine; write def {action.name}(machine)."
        )
    uses = declares.uses
    if uses is None:
        return action
    if type(uses) is not Use or uses.by not in ("CPU", "device"):
        raise StepError(f'The step {action.name}: write uses=Use("CPU", …) or Use("device", …).')
    if uses.frames not in (*action.parameters, *([RESULT] if uses.by == "CPU" else ())):
        raise StepError(
            f"The step {action.name} has no parameter {uses.frames!r} that says which frames it "
            f"uses; write uses=Use({uses.by!r}, frames=…) with the name of one."
        )
    return action
