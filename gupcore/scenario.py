"""A machine, threads and rules: something to check.

What can be wrong with a request for one is found here, and said in a sentence that names the
choices.  The scenarios themselves are in catalogue.py.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from functools import wraps
from inspect import isgeneratorfunction, signature
from typing import Any

from .design import DESIGNS, Design
from .device import PHASES
from .rules import RULES, Rule
from .thread import Automaton


class ScenarioError(ValueError):
    """A scenario that cannot be set up; the message is a sentence that names the choices."""


@dataclass(frozen=True)
class Scenario:
    """Something to check.

    name     what it is called
    says     one sentence
    design   the protections that are on
    machine  the machine at the start
    threads  the threads, in the order of their numbers, from 1
    rules    the rules to judge
    settings     what was asked for besides the design, where it is not the default: (name, value)
    has_designs  can it be had with any design, or does it stand for itself?
    """

    name: str
    says: str
    design: Design
    machine: Any
    threads: tuple[Automaton, ...]
    rules: tuple[Rule, ...] = field(default_factory=lambda: tuple(RULES.values()))
    settings: tuple[tuple[str, Any], ...] = ()
    has_designs: bool = True

    def key(self) -> str:
        """Return a name that tells this scenario from the same with other settings."""
        return ",".join([self.name, *(f"{name}={_word(value)}" for name, value in self.settings)])

    def in_python(self) -> str:
        """Return the call that makes this scenario; a reader's own function goes by its name."""
        make = "race" if self.name == "seed-race" else f'SCENARIOS["{self.name}"]'
        design = [self.design.in_python()] if self.has_designs else []
        settings = (f"{name}={_in_python(value)}" for name, value in self.settings)
        return f"{make}({', '.join([*design, *settings])})"


def _word(value: object) -> str:
    return str(getattr(value, "__name__", value))


def _in_python(value: object) -> str:
    return str(getattr(value, "__name__", repr(value)))


def recorded(make: Callable[..., Scenario]) -> Callable[..., Scenario]:
    """Make a scenario function write down what it was asked for, and take one more argument.

    without  the label of a thread to leave out; the others keep their CPUs
    """
    parameters = signature(make).parameters

    @wraps(make)
    def record(*args: Any, without: str = "", **named: Any) -> Scenario:
        scenario = make(*args, **named)
        asked = signature(make).bind(*args, **named).arguments
        settings = tuple(
            (name, value)
            for name, value in asked.items()
            if name != "design" and value != parameters[name].default
        )
        if without:
            scenario = _leaving_out(scenario, without)
            settings += (("without", without),)
        return replace(scenario, settings=settings, has_designs="design" in parameters)

    return record


def _leaving_out(scenario: Scenario, label: str) -> Scenario:
    one_word("without", label, [thread.label for thread in scenario.threads])
    left = tuple(thread for thread in scenario.threads if thread.label != label)
    return replace(scenario, threads=left)


def named_design(design: str | Design) -> Design:
    """Return the design of that name; raise ScenarioError if it, or a phase, is unknown."""
    if isinstance(design, str):
        if design not in DESIGNS:
            raise ScenarioError(f"There is no design {design!r}; choose {one_of(DESIGNS)}.")
        design = DESIGNS[design]
    if not isinstance(design, Design):
        raise ScenarioError(f"{design!r} is no design; choose {one_of(DESIGNS)}.")
    for phase in design.unbind:
        if phase not in PHASES:
            raise ScenarioError(f"Unbind has no phase {phase!r}; choose {one_of(PHASES)}.")
    return design


def check_number(name: str, number: object, most: int, least: int = 1) -> None:
    """Raise ScenarioError unless `number` is a whole number from `least` to `most`."""
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise ScenarioError(f"{name} must be {least} to {most}, not {number}.")


def check_thread(name: str, function: object) -> None:
    """Raise ScenarioError unless `function` is a generator function."""
    if not isgeneratorfunction(function):
        raise ScenarioError(f"{name} must be a thread: a function that yields steps.")


def one_word(name: str, word: str, words: Iterable[Hashable]) -> str:
    """Return `word`; raise ScenarioError unless it is one of `words`."""
    if word not in words:
        raise ScenarioError(f"{name} must be {' or '.join(map(str, words))}, not {word}.")
    return word


def one_of(names: Iterable[str]) -> str:
    """Return `names` as a list in a sentence."""
    return ", ".join(names)
