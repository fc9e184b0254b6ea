"""How scenarios are made: by functions that are registered under a name.

A maker knows its parameters and what each can be.  So the command line can offer them, the judges
can set a scenario up again with another argument, tables know in which settings to try it, and a
reader can copy it as Python: nobody has to look into a function for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from inspect import isfunction, signature
from typing import Any

from .asked import Names, ScenarioError, a, check_number, one_of_these
from .scenario import Scenario


@dataclass(frozen=True)
class Made:
    """How a scenario was made: by which maker, and with which arguments."""

    maker: Maker
    arguments: Mapping[str, Any]

    @property
    def settings(self) -> dict[str, object]:
        """The arguments besides the design that are not the maker's defaults."""
        usual = self.maker.parameters
        return {
            name: value
            for name, value in self.arguments.items()
            if name != "design" and usual[name] != value
        }

    def again(self, **changes: object) -> Scenario:
        """Make the scenario again, with other arguments; raise ScenarioError for an unknown one."""
        for name in changes:
            if name not in self.maker.parameters:
                raise ScenarioError(f"The scenario {self.maker.name} has no {name}.")
        return self.maker(**{**self.arguments, **changes})

    def in_python(self) -> str:
        """Return the call in Python."""
        design = [_in_python(self.arguments["design"])] if self.maker.has_designs else []
        settings = (f"{name}={_in_python(value)}" for name, value in self.settings.items())
        return f"{self.maker.in_python}({', '.join([*design, *settings])})"

    def origins(self) -> list[tuple[str, str]]:
        """List the modules and names that the call in Python needs."""
        functions = [value for value in self.settings.values() if isfunction(value)]
        found = [self.maker.origin, *((f.__module__, f.__name__) for f in functions)]
        return [*found, *([("gupcore", "Design")] if "Design(" in self.in_python() else [])]


Domain = range | tuple[object, ...] | Callable[[str, Any], object]


@dataclass(frozen=True, eq=False)
class Maker:
    """A function that makes scenarios, registered under a name.

    name      the scenario's
    make      the function
    domains   what each parameter can be: a range of numbers, some words or truth values, or a
              function of the parameter's name and a value that returns the value to use
    settings  the settings in which tables try it
    exported  can it be had from the package by its own name?

    It takes one more argument than `make`: `without`, the label of a thread to leave out; the
    others keep their CPUs.
    """

    name: str
    make: Callable[..., Scenario]
    domains: Mapping[str, Domain]
    settings: tuple[Mapping[str, Any], ...]
    exported: bool = False

    @property
    def origin(self) -> tuple[str, str]:
        """The module and the name to import it by: the package's own go by the whole package."""
        package, _, inner = self.make.__module__.partition(".")
        if package != __package__.partition(".")[0] or not inner:
            return self.make.__module__, self.make.__name__
        return package, self.make.__name__ if self.exported else "SCENARIOS"

    @property
    def in_python(self) -> str:
        """What to write to call it."""
        return f'SCENARIOS["{self.name}"]' if self.origin[1] == "SCENARIOS" else self.origin[1]

    @cached_property
    def parameters(self) -> dict[str, object]:
        """Its parameters and their defaults."""
        given = signature(self.make).parameters.values()
        return {**{p.name: p.default for p in given}, "without": ""}

    @property
    def has_designs(self) -> bool:
        """Can it be had with any design, or does it stand for itself?"""
        return "design" in self.parameters

    def __call__(self, *args: object, without: str = "", **named: object) -> Scenario:
        """Make the scenario; raise ScenarioError for an argument that is not to be had."""
        try:
            bound = signature(self.make).bind(*args, **named)
        except TypeError as error:
            raise ScenarioError(f"The scenario {self.name}: {error}.") from None
        bound.apply_defaults()
        for name, domain in self.domains.items():
            if name not in bound.arguments:
                raise ScenarioError(f"The scenario {self.name} has no parameter {name}.")
            bound.arguments[name] = _within(domain, name, bound.arguments[name])
        scenario = self.make(**bound.arguments)
        if not isinstance(scenario, Scenario):
            made = a(scenario)
            raise ScenarioError(f"The scenario {self.name} is made to return {made}; `return` one.")
        if without:
            one_of_these("without", without, [thread.label for thread in scenario.threads])
            left = tuple(thread for thread in scenario.threads if thread.label != without)
            scenario = replace(scenario, threads=left)
        made = Made(self, {**bound.arguments, "without": without})
        return replace(scenario, name=self.name, made=made)


def _within(domain: Domain, name: str, value: object) -> object:
    """Return `value` as the maker takes it; raise ScenarioError if it is not in the domain."""
    if isinstance(domain, range):
        check_number(name, value, domain[-1], domain[0])
        return value
    return one_of_these(name, value, domain) if isinstance(domain, tuple) else domain(name, value)


SCENARIOS: Names[Maker] = Names("scenario")
DOMAINS: dict[str, Domain] = {}  # of the parameters that mean the same wherever they occur


def scenario(
    name: str,
    settings: tuple[Mapping[str, Any], ...] = ({},),
    exported: bool = False,
    **domains: Domain,
) -> Callable[[Callable[..., Scenario]], Maker]:
    """Register a function as the maker of a scenario, in `SCENARIOS`.

    name      the scenario's; one of that name that is there already makes way
    settings  the settings in which tables try it
    exported  can it be had from the package by its own name?
    domains   what each of its parameters can be, see `Maker`, where `DOMAINS` does not say it

    Raises ScenarioError for a name that one of the package's own has.
    """

    if not isinstance(name, str):
        raise ScenarioError('A scenario has a name; write @scenario("name").')

    def register(make: Callable[..., Scenario]) -> Maker:
        if name in SCENARIOS and _is_ours(SCENARIOS[name].make) and not _is_ours(make):
            raise ScenarioError(f"There is a scenario {name!r} already; give yours another name.")
        known = {name: DOMAINS[name] for name in signature(make).parameters if name in DOMAINS}
        SCENARIOS[name] = Maker(name, make, {**known, **domains}, settings, exported)
        return SCENARIOS[name]

    return register


def _is_ours(make: Callable[..., Scenario]) -> bool:
    """Is it a function of this package?"""
    return str(make.__module__).partition(".")[0] == __package__.partition(".")[0]


def named_scenario(name: str) -> Maker:
    """Return the maker of the scenario of that name; raise ScenarioError for an unknown one."""
    return SCENARIOS[name]


def _in_python(value: object) -> str:
    if hasattr(value, "in_python"):
        return str(value.in_python())
    return str(getattr(value, "__name__", repr(value)))
