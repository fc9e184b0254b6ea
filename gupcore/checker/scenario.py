"""A machine, threads and rules: something to check.

One that a registered maker has made (see `maker`) knows its call: it can be set up again with
another argument, and written down in Python.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from .asked import ScenarioError, a
from .rule import Rule, usual_rules
from .thread import Automaton

MOST_THREADS = 9


@dataclass(frozen=True)
class Scenario:
    """Something to check.

    name     what it is called
    says     one sentence
    design   the protections that are on; of a machine of one's own, a word for what is tried
    machine  the machine at the start
    threads  the threads, in the order of their numbers, from 1
    rules    the rules to judge; if none are given, the usual ones of such a machine
    made     how it was made; None if it was put together by hand
    """

    name: str
    says: str
    design: Any
    machine: Any
    threads: tuple[Automaton, ...]
    rules: tuple[Rule, ...] = ()
    made: Call | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.rules:
            object.__setattr__(self, "rules", usual_rules(self.machine))
        for name, kind, says in (
            ("threads", Automaton, 'an Automaton("label", function, arguments)'),
            ("rules", Rule, "a Rule; of RULES, hand in its values()"),
        ):
            given = getattr(self, name)
            given = (given,) if isinstance(given, kind) else given
            if not isinstance(given, Iterable):
                raise ScenarioError(f"The {name} are a tuple, not {a(given)}.")
            object.__setattr__(self, name, tuple(given))
            for one in getattr(self, name):
                if not isinstance(one, kind):
                    raise ScenarioError(f"{_brief(one)} is none of the {name}; each is {says}.")
        self._check_names()
        for rule in self.rules:
            rule.check()
        if not self.threads:
            raise ScenarioError(f"A scenario needs a thread; {self.name} has none.")
        if len(self.threads) > MOST_THREADS:
            raise ScenarioError(
                f"A scenario has at most {MOST_THREADS} threads, a digit of a schedule for each; "
                f"{self.name} has {len(self.threads)}."
            )

    def _check_names(self) -> None:
        """See that no two things have one name, and that what is tried has one."""
        labels, rules = [t.label for t in self.threads], [r.name for r in self.rules]
        for what, names in (("threads", labels), ("rules", rules)):
            for name in names:
                if names.count(name) > 1:
                    raise ScenarioError(f"Two {what} are called {name!r}; give each its own name.")
        cpus = [thread.cpu for thread in self.threads if thread.cpu is not None]
        for cpu in cpus:
            if cpus.count(cpu) > 1:
                raise ScenarioError(
                    f"Two threads run on CPU {cpu}: one would leave what the other is inside; "
                    "give each an argument `cpu` of its own."
                )
        if isinstance(self.machine, type):
            name = self.machine.__name__
            raise ScenarioError(f"The machine is the class {name}; write {name}(…).")
        if isinstance(self.design, str) or self.design is None:
            object.__setattr__(self, "design", Variant(self.design or self.name, ""))
        if not hasattr(self.design, "name") or not hasattr(self.design, "says"):
            raise ScenarioError(
                f"The design is {a(self.design)}; write a word, or Variant(name, sentence)."
            )

    @property
    def settings(self) -> dict[str, object]:
        """What its maker was asked for besides the design, where that is not the default."""
        return self.made.settings if self.made else {}

    def key(self) -> str:
        """Return a name that tells this scenario from the same with other settings."""
        words = (f"{name}={_word(value)}" for name, value in self.settings.items())
        return ",".join([self.name, *words])

    def again(self, **changes: object) -> Scenario:
        """Set it up again with other arguments.

        Raises ScenarioError where it has none of that name, or was put together by hand.
        """
        if not self.is_as_made or self.made is None:
            raise ScenarioError(
                f"{self.name} was put together by hand and cannot be set up again; "
                "let a function make it and register that with @scenario."
            )
        return self.made.again(**changes)

    @cached_property
    def is_as_made(self) -> bool:
        """Is it still what its maker makes, and not a copy with something replaced?"""
        return self.made is not None and self.made.again() == self

    def in_python(self) -> str:
        """Return the call that makes this scenario; a function of the reader's goes by its name.

        One that was put together by hand goes by the name `scenario`.
        """
        return self.made.in_python() if self.is_as_made and self.made else "scenario"

    def imports(self, *further: str) -> str:
        """Return the lines that `in_python` needs before it; `further` names come from gupcore.

        What a notebook has defined cannot be imported: a comment says so.
        """
        by_hand = [("__main__", "scenario")]
        names: dict[str, list[str]] = {"gupcore": list(further)}
        for module, name in self.made.origins() if self.is_as_made and self.made else by_hand:
            names.setdefault(module, []).append(name)
        own = names.pop("__main__", [])
        lines = [f"from {module} import {', '.join(sorted(names[module]))}" for module in names]
        lines += [f"# {name}: as it is defined where the player is" for name in own]
        return "\n".join(lines)


class Call(Protocol):
    """How a scenario was made: see `maker.Made`."""

    @property
    def settings(self) -> dict[str, object]: ...

    def again(self, **changes: object) -> Scenario: ...

    def in_python(self) -> str: ...

    def origins(self) -> list[tuple[str, str]]: ...


class Variant(NamedTuple):
    """What takes the place of a design where a scenario has none: a name and one sentence."""

    name: str
    says: str


def _brief(value: object) -> str:
    """Name a value that does not belong where it is; one with a name by that."""
    name = getattr(value, "name", None)
    return f"The {type(value).__name__} {name!r}" if isinstance(name, str) else a(value, "The")


def _word(value: object) -> str:
    return str(getattr(value, "__name__", value))
