"""What can be wrong with what was asked for, said in a sentence that names the choices."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from inspect import isfunction, isgeneratorfunction
from types import CodeType
from typing import NoReturn, TypeVar

Asked = TypeVar("Asked")


class Refusal(Exception):
    """What the checker will not do; the message is a sentence, which says what to do instead."""

    def _render_traceback_(self) -> list[str]:
        """Show the sentence alone in a notebook (IPython asks for this): it names the line."""
        return [f"{type(self).__name__}: {self}"]


class ScenarioError(Refusal, ValueError):
    """A scenario that cannot be set up; the message is a sentence that names the choices."""


class UnknownName(ScenarioError, KeyError):
    """A name that nothing has."""

    __str__ = Exception.__str__  # a KeyError would put the sentence in quotes


class Names(dict[str, Asked]):
    """Things of a kind by their names; an unknown name is answered with those that there are."""

    def __init__(self, kind: str, things: Iterable[tuple[str, Asked]] = ()) -> None:
        super().__init__(things)
        self.kind = kind

    def __missing__(self, name: object) -> NoReturn:
        raise UnknownName(f"There is no {self.kind} {name!r}; choose {one_of(self)}.")


def check_number(name: str, number: object, most: int, least: int = 1) -> None:
    """Raise ScenarioError unless `number` is a whole number from `least` to `most`."""
    if isinstance(number, bool) or not isinstance(number, int):
        raise ScenarioError(f"{name} must be a whole number, not {a(number)}.")
    if not least <= number <= most:
        raise ScenarioError(f"{name} must be {least} to {most}, not {number}.")


def check_thread(name: str, function: Asked) -> Asked:
    """Return `function`; raise ScenarioError unless it is a generator function."""
    if not isfunction(function) or not isgeneratorfunction(function):
        raise ScenarioError(f"{name} must be a thread: a function that yields steps.")
    return function


def one_of_these(name: str, value: Asked, choices: Iterable[object]) -> Asked:
    """Return `value`; raise ScenarioError unless it is one of the words or truth values."""
    known = list(choices)
    if not any(type(value) is type(choice) and value == choice for choice in known):
        said = value if isinstance(value, str) else a(value)
        raise ScenarioError(f"{name} must be {' or '.join(map(str, known))}, not {said}.")
    return value


def one_of(names: Iterable[str]) -> str:
    """Return `names` as a list in a sentence."""
    return ", ".join(names)


def so_many(number: int, noun: str) -> str:
    """Return a number and its noun as they go together: 1 step, 2 steps."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def inside(sentence: str) -> str:
    """Return a sentence as it goes on in another."""
    return f"{sentence[:1].lower()}{sentence[1:]}"


def a(value: object, the: str = "the") -> str:
    """Name a value with its type, in a sentence: the str '2'; a long one by its beginning."""
    shown = repr(value)
    return f"{the} {type(value).__name__} {shown if len(shown) <= 60 else f'{shown[:59]}…'}"


def raised(error: Exception, function: Callable[..., object], machine: object) -> str:
    """Say in a sentence what a function of other people's has raised, and in which of its lines.

    Where it asked the machine for a field that is not there, name those that are.
    """
    kind, code = type(error), getattr(function, "__code__", None)
    said = f"{kind.__name__}: {error}" if kind.__module__ == "builtins" else str(error)
    lines = [at.lineno for at in traceback.extract_tb(error.__traceback__) if _is_in(at, code)]
    where = f"{code.co_name}, line {lines[-1]}: " if code and lines else ""
    said = " ".join(f"{where}{said}".split()).rstrip(".")
    whose = type(machine).__name__
    if f"{whose!r} object has no attribute" in said or f"{whose}.__init__()" in said:
        known = [field.name for field in fields(machine)] if is_dataclass(machine) else ()
        said += f"; its fields are {', '.join(known)}" if known else ""
    return f"{said}."


def _is_in(at: traceback.FrameSummary, code: CodeType | None) -> bool:
    return code is not None and (at.filename, at.name) == (code.co_filename, code.co_name)
