"""What a widget is where there are no widgets, as in a page of the book: its attributes.

The names are those of anywidget, ipywidgets and traitlets that the player uses, so it is written
once.  What is shown of it there is its HTML.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any


class AnyWidget:
    """A widget that is nowhere drawn, so it shows nothing of itself."""

    def __init__(self, **kwargs: Any) -> None:
        """Take what a widget takes; there is no layout to heed."""

    def hold_sync(self) -> AbstractContextManager[None]:
        """Nobody is told of changes, so nothing is held."""
        return nullcontext()

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return {}


class Trait:
    """An attribute's first value; who assigns to it assigns to a plain attribute."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def tag(self, **kwargs: Any) -> Any:
        """Return the value itself: there is nobody to be kept in step."""
        return self.value


def Dict() -> Trait:
    """Begin with an empty dict."""
    return Trait({})


def List(value: Sequence[Any] = ()) -> Trait:
    """Begin with some values, or none."""
    return Trait(list(value))


def Unicode(value: str = "") -> Trait:
    """Begin with a text."""
    return Trait(value)


Layout = dict
