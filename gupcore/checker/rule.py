"""What a rule is: one sentence and one predicate.

A rule is judged on every *step* (a rule about a touch lives on the step, not in the state after
it), on what a thread *returns* with its last step, at the *end*, when all threads have ended, or on
*finishing*: from every reachable state each thread can still end by itself.  That is possibility,
not fairness: a thread that could go on forever but could also stop at any time obeys it.

A rule about what must be so at all times is broken by the step that makes it untrue, or worse.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from .asked import ScenarioError, one_of_these, raised
from .patience import call

STEP, RETURN, END, FINISH = "step", "return", "end", "finish"
Returned = tuple[()] | tuple[str, Any]  # the label of a thread that ends, and what it returns
HOLDS, FAILS, UNDETERMINED = "holds", "fails", "undetermined"  # what a verdict says of it


def _not_given(*_: object) -> bool:
    """Stand for the predicate of a rule that has none."""
    return True


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule.

    name    what the verdict table calls it
    says    the rule in one sentence
    on      "step", "return", "end" or "finish"
    holds   for "step": (machine before, step, machine after) -> bool; for "return": (machine after
            the thread's last step, its label, what it returned) -> bool; for "end":
            (machine) -> bool; for "finish" nothing is asked
    broken  what is said where one for "end" is broken
    """

    name: str
    says: str
    on: str
    holds: Callable[..., bool] = _not_given
    broken: str = "all threads have ended, and the rule is not kept."

    def check(self) -> None:
        """Raise ScenarioError unless it can be judged."""
        one_of_these(f"The moment at which {self.name!r} is judged", self.on, tuple(_ASKED))
        given = callable(self.holds) and self.holds is not _not_given
        if given is (self.on == FINISH):
            raise ScenarioError(f"The rule {self.name!r} needs {_ASKED[self.on]}.")

    def is_kept(self, *seen: Any) -> bool:
        """Return what its predicate answers; raise ScenarioError unless that is True or False."""
        try:
            answer = call(self.holds, *seen)
        except Exception as error:
            why = raised(error, self.holds, seen[-1])
            if isinstance(error, TypeError) and ", line " not in why:
                why = f"{why[:-1]}; it needs {_ASKED[self.on]}."
            raise ScenarioError(f"The rule {self.name!r} cannot be judged: {why}") from error
        if type(answer) is not bool:
            forgotten = " (was a `return` forgotten?)" if answer is None else ""
            raise ScenarioError(
                f"The rule {self.name!r} answers {answer!r}{forgotten}; "
                "it must return True where it is kept, or False."
            )
        return answer


_ASKED = {
    STEP: "a function of the machine before, the step, and the machine after it",
    RETURN: "a function of the machine, a thread's label, and what that thread returned",
    END: "a function of the machine at the end",
    FINISH: 'no function: "finish" asks whether every thread can still end',
}


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
