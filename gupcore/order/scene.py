"""What a litmus test of the kernel carries: what its lines stand for, and what else to try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from .litmus import Litmus
from .reader import litmus


class Line(NamedTuple):
    """What a line of a test stands for.

    code      the line
    function  the kernel's function, with its file and version
    step      the model's step, by its name; "" if the model has none
    """

    code: str
    function: str
    file: str
    version: str
    step: str = ""


@dataclass(frozen=True)
class Scene:
    """A litmus test of gup-fast.

    says     what the outcome in question would mean
    text     the test, in C
    lines    what its lines stand for
    changes  by name, what is replaced in the text to try something else
    """

    says: str
    text: str
    lines: tuple[Line, ...]
    changes: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    def test(self, change: str = "") -> Litmus:
        """Return the test, or the test with one change.

        Raises KeyError for a change that it does not have.
        """
        text = self.text
        for old, new in self.changes[change] if change else ():
            assert old in text, f"{old} is not in the test"
            text = text.replace(old, new)
        return litmus(text)
