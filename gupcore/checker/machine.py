"""What a machine must offer, so that steps can act on it and people can see it."""

from __future__ import annotations

from typing import NamedTuple


class Gone(Exception):
    """A step reached for something that is not there any more; `thing` is its name."""

    def __init__(self, thing: str) -> None:
        super().__init__(f"the {thing} is gone")
        self.thing = thing


class Thing(NamedTuple):
    """One thing of the machine as a reader sees it.

    kind    "object", which exists or is gone; or "section", which somebody is inside or nobody is
    exists  is the object there, is anybody inside the section?
    value   its value in words
    detail  what there is to say beyond that, for who asks: a PTE's bits
    """

    name: str
    kind: str
    exists: bool
    value: str
    detail: tuple[str, ...] = ()
