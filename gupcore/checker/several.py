"""A number of which nothing is known but that it is two or more, and which keeps it that way.

It stands where many callers hold references, however many they are.  It can be added to and taken
from, and compared with what it surely differs from; whatever else is asked of it, it refuses.  So a
step or a rule that is worked out with it has done what it does with two, three and all further
numbers; one that would have to know which of them it is has asked, and is found out.
"""

from __future__ import annotations

from collections.abc import Hashable
from numbers import Number
from typing import NoReturn

from .step import StepError

LEAST = 2


class Asks(StepError):
    """A step asks how many there are, where only "none, one, or more" is known."""


class Several:
    """So many, of something, and `more`: two or more of it.

    of     what it is the number of; two numbers of one thing are the same
    more   what was added since
    asked  is added to where something is asked of it that it cannot answer
    least  what it is at least, if that is not two
    """

    __slots__ = ("asked", "least", "more", "of")

    def __init__(self, of: Hashable, asked: list[str], more: int = 0, least: int = LEAST) -> None:
        self.of, self.asked, self.more, self.least = of, asked, more, least

    def __add__(self, other: object) -> Several | int:
        if type(other) is Taken:
            return self - other.what
        more = self.more + self._number(other, "adds to")
        return Several(self.of, self.asked, more, self.least)

    __radd__ = __add__

    def __sub__(self, other: object) -> Several | int:
        if type(other) is Several and other.of == self.of:
            return self.more - other.more
        return self + -self._number(other, "takes from")

    def __neg__(self) -> Taken:
        return Taken(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number | Several | Taken) and self._compared(other) == 0

    def __lt__(self, other: object) -> bool:
        return self._compared(other) < 0

    def __le__(self, other: object) -> bool:
        return self._compared(other) <= 0

    def __gt__(self, other: object) -> bool:
        return self._compared(other) > 0

    def __ge__(self, other: object) -> bool:
        return self._compared(other) >= 0

    def __bool__(self) -> bool:
        return self != 0

    def __hash__(self) -> int:
        self._refuse("looks up")

    def __index__(self) -> int:
        self._refuse("counts by")

    def __repr__(self) -> str:
        return "several"

    def _cannot(self, *_: object) -> NoReturn:
        self._refuse("works with")

    __rsub__ = __mod__ = __rmod__ = __mul__ = __rmul__ = __floordiv__ = __rfloordiv__ = _cannot
    __truediv__ = __rtruediv__ = __divmod__ = __pow__ = __abs__ = __int__ = __float__ = _cannot
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = __lshift__ = __rshift__ = _cannot

    def _compared(self, other: object) -> int:
        if type(other) is Several and other.of == self.of:
            return self.more - other.more
        if isinstance(other, int | float) and other < self.least + self.more:
            return 1
        self._refuse(f"compares with {other}")

    def _number(self, other: object, does: str) -> int:
        if type(other) is int:
            return other
        self._refuse(does)

    def _refuse(self, does: str) -> NoReturn:
        self.asked.append(f"{does} a count of which only none, one, or more is known")
        raise Asks(self.asked[-1])


class Taken:
    """What is added to take such a number away: from itself only, and a number is left."""

    __slots__ = ("what",)

    def __init__(self, what: Several) -> None:
        self.what = what

    def __radd__(self, other: object) -> NoReturn:
        self.what._refuse("sets")

    def _cannot(self, *_: object) -> NoReturn:
        self.what._refuse("works with")

    __eq__ = __hash__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __index__ = _cannot
    __add__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __mod__ = __neg__ = __abs__ = _cannot
