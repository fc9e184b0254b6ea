"""What a rule is: one sentence and one predicate.

A rule is judged on every *step* (a rule about a touch lives on the step, not in the state after
it), at the *end*, when all threads have ended, or on *finishing*: from every reachable state
each thread can still end by itself.  That is possibility, not fairness: a thread that could go
on forever but could also stop at any time obeys it.

A rule about what must be so at all times is broken by the step that makes it untrue, or worse.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

STEP, END, FINISH = "step", "end", "finish"
HOLDS, FAILS, UNDETERMINED = "holds", "fails", "undetermined"  # what a verdict says of it


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule.

    name    what the verdict table calls it
    says    the rule in one sentence
    on      "step", "end" or "finish"
    holds   for "step": (machine before, step, machine after) -> bool; for "end": (machine) -> bool
    """

    name: str
    says: str
    on: str
    holds: Callable[..., bool] = lambda *_: True


EVERYONE_CAN_FINISH = Rule(
    "everyone can finish",
    "From every reachable state each thread can still end by itself, without being killed.",
    FINISH,
)


@dataclass(frozen=True, slots=True)
class NotWorse:
    """A predicate on steps, made of a count of what is wrong with a machine: no step raises it."""

    trouble: Callable[[Any], int]

    def __call__(self, before: Hashable, step: object, after: Hashable) -> bool:
        return self.trouble(after) <= self.trouble(before)


@singledispatch
def usual_rules(machine: object) -> tuple[Rule, ...]:
    """Return the rules that a scenario on such a machine is judged by if it names none."""
    return (EVERYONE_CAN_FINISH,)
